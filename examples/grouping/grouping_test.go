package main

import (
	"bytes"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
)

// scene writes a recording of two stems that play two notes each, in turns of their own: one
// of low notes and one of high ones.
func scene(t *testing.T) string {
	t.Helper()
	const rate, turn = 8000, 2000
	patterns := []string{"ab.abba.ab", "b.aab.baab"} // a note a turn
	partials := [][]float64{{1, 1.5, 2, 2.5, 3}, {0.7, 0.8, 0.9, 1, 1.1, 1.2}}
	stems := make([]*audiosep.Signal, 2)
	for j, pitches := range [][]float64{{220, 290}, {1900, 2500}} {
		x := make([]float64, turn*len(patterns[j]))
		for i := range x {
			if note := patterns[j][i/turn]; note != '.' {
				for _, partial := range partials[j] {
					x[i] += 0.05 * math.Sin(math.Pi*float64(i%turn)/turn) * math.Sin(2*math.Pi*partial*pitches[note-'a']*float64(i)/rate)
				}
			}
		}
		stems[j] = &audiosep.Signal{Rate: rate, Channels: 1, Data: [][]float64{x}}
	}
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "two", "stems"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]*audiosep.Signal{"mix": sums(stems, [][]int{{0, 1}})[0], "stems/low": stems[0], "stems/high": stems[1]} {
		if err := audio.WriteFile(filepath.Join(dir, "two", name+".wav"), s, "float32"); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Two instruments far apart in pitch come apart blindly, nearly as the oracle has them, and
// far beyond random groups.
func TestGrouping(t *testing.T) {
	var out bytes.Buffer
	cmd := command()
	cmd.SetArgs([]string{"--data", scene(t), "--components", "2", "--starts", "2", "--sets", "2"})
	cmd.SetOut(&out)
	if err := cmd.ExecuteContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	var row []float64
	for line := range strings.Lines(out.String()) {
		if strings.HasPrefix(line, "| two | 2 |") {
			for _, cell := range strings.Split(line, "|")[3:11] {
				x, err := strconv.ParseFloat(strings.TrimSpace(cell), 64)
				if err != nil {
					t.Fatal(err)
				}
				row = append(row, x)
			}
		}
	}
	if len(row) != 8 {
		t.Fatalf("the table is\n%s", &out)
	}
	if blind, random, oracle, agreement := row[1], row[2], row[6], row[7]; !(blind > 15 && blind > random+10 && blind <= oracle+6 && agreement > 0.9) {
		t.Errorf("blind %g dB, random %g dB, oracle %g dB, agreement %g", blind, random, oracle, agreement)
	}
}

func TestWrongFlags(t *testing.T) {
	for args, want := range map[string]string{
		"--starts 0 --data .":                 "--starts is 0; want at least 1",
		"--data " + t.TempDir():               "has no such recordings; want NAME/mix.wav",
		"--items three --data " + t.TempDir(): "has no such recordings",
	} {
		cmd := command()
		cmd.SetArgs(strings.Fields(args))
		cmd.SetOut(io.Discard)
		cmd.SetErr(io.Discard)
		if err := cmd.Execute(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %q", args, err, want)
		}
	}
}

// A fifth of the mixture raises what is a failure and lowers what is good.
func TestGainOfTheMixture(t *testing.T) {
	rng := audiosep.Env{}.Rand("noise")
	stems := make([]*audiosep.Signal, 2)
	for j := range stems {
		x := make([]float64, 4000)
		for i := range x {
			x[i] = rng.NormFloat64()
		}
		stems[j] = &audiosep.Signal{Rate: 8000, Channels: 1, Data: [][]float64{x}}
	}
	r := &recording{mix: sums(stems, [][]int{{0, 1}})[0], stems: stems}
	if g := r.gain([]*audiosep.Signal{stems[1], stems[0]}, 0); g < 100 {
		t.Errorf("the stems themselves gain %g dB; want over 100, in whatever order", g)
	}
	if g := r.gain([]*audiosep.Signal{stems[1], stems[0]}, fifth); g > 20 || g < 10 { // 20 log10(1.2/0.2) = 15.6
		t.Errorf("with a fifth of the mixture %g dB; want about 15.6", g)
	}
	if g := r.gain([]*audiosep.Signal{r.mix, r.mix}, 0); g > 1e-9 || g < -1e-9 {
		t.Errorf("the mixture gains %g dB over itself", g)
	}
}
