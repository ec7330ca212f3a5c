package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/examples/internal/known"
	"github.com/audiosep/audiosep/internal/oraclegroups"
)

// notes writes a recording of two notes, one octave and a fifth apart, that take turns.
func notes(t *testing.T, folder string) {
	t.Helper()
	mix, stems, err := audio.SynthNotes(audio.SynthNotesParams{
		Fundamentals: []float64{220, 660}, Amplitudes: []float64{0.2, 0.1}, Pattern: [][]float64{{1, 0, 1}, {0, 1, 1}},
		Envelope: "hann", SamplesPerNote: 2500, Rate: 5000, Realisations: 1, Seed: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(folder, "stems"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]*audiosep.Signal{"mix": mix, "stems/low": stems[0], "stems/high": stems[1]} {
		if err := audio.WriteFile(filepath.Join(folder, name+".wav"), s, "float32"); err != nil {
			t.Fatal(err)
		}
	}
}

func TestComparison(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long")
	}
	data := t.TempDir()
	notes(t, filepath.Join(data, "audio", "two"))
	out := filepath.Join(t.TempDir(), "result")
	var stdout, stderr bytes.Buffer
	cmd := command()
	cmd.SetArgs([]string{"--data", data, "--components", "1", "--out", out, "--methods", "dct_nmf,stft_nmf"})
	cmd.SetOut(&stdout)
	cmd.SetErr(&stderr)
	if err := cmd.ExecuteContext(context.Background()); err != nil {
		t.Fatal(err)
	}
	md, err := os.ReadFile(out + ".md")
	if err != nil || string(md) != stdout.String() {
		t.Errorf("%v; %s.md holds\n%s\nwhile there was printed\n%s", err, out, md, stdout.String())
	}
	if n := strings.Count(stderr.String(), "\n"); n < 5 {
		t.Errorf("%d lines of progress, want one for the ideal masks and each of four runs:\n%s", n, stderr.String())
	}
	f, err := os.Open(out + ".csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	// Two methods, two seeds, two groupings, two stems, three ratios; the ideal masks' once.
	if len(rows) != 1+2*2*2*2*3+2*3 {
		t.Errorf("%d rows of figures", len(rows))
	}
	// Two notes of their own bins come apart, however their components are grouped.
	for _, row := range rows[1:] {
		if db, err := strconv.ParseFloat(row[6], 64); err != nil || row[5] == "SI-SDR" && !(db >= 15) {
			t.Errorf("want at least 15 dB: %v, %v", row, err)
		}
	}
}

func TestWrongFlags(t *testing.T) {
	data := t.TempDir()
	notes(t, filepath.Join(data, "two"))
	for _, c := range []struct{ args, want string }{
		{"--seeds 0", "--seeds is 0; want at least 1"},
		{"--components 0", "--components is 0; want at least 1"},
		{"--seconds -1", "--seconds is -1; want a length"},
		{"--progress bar", `--progress is "bar"; want log or none`},
		{"--items three", `--items has "three"; want some of two`},
		{"--methods fft", `--methods has "fft"; want some of dct_nmf`},
		{"--data " + t.TempDir(), "has no recordings; want NAME/mix.wav"},
		{"missing.json", "missing.json"},
	} {
		cmd := command()
		cmd.SetArgs(append([]string{"--data", data}, strings.Fields(c.args)...))
		cmd.SetOut(io.Discard)
		cmd.SetErr(io.Discard)
		if err := cmd.Execute(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want %q", c.args, err, c.want)
		}
	}
}

func TestCancel(t *testing.T) {
	data := t.TempDir()
	notes(t, filepath.Join(data, "two"))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	cmd := command()
	cmd.SetArgs([]string{"--data", data, "--out", filepath.Join(data, "result")})
	cmd.SetOut(io.Discard)
	cmd.SetErr(io.Discard)
	if err := cmd.ExecuteContext(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v; want that it was cancelled", err)
	}
	if left, _ := filepath.Glob(filepath.Join(data, "result*")); left != nil {
		t.Errorf("it left %v", left)
	}
}

// noise returns n independent signals.
func noise(n int) []*audiosep.Signal {
	rng := rand.New(rand.NewPCG(1, 2))
	all := make([]*audiosep.Signal, n)
	for i := range all {
		all[i] = &audiosep.Signal{Rate: 8000, Channels: 2, Data: [][]float64{make([]float64, 4000), make([]float64, 4000)}}
		for _, d := range all[i].Data {
			for t := range d {
				d[t] = rng.NormFloat64()
			}
		}
	}
	return all
}

// The oracle finds which components make up each stem, however loud they are.
func TestOracleGroups(t *testing.T) {
	signals := noise(6)
	for k, s := range signals {
		for _, d := range s.Data {
			for i := range d {
				d[i] *= math.Pow(2, float64(k))
			}
		}
	}
	want := [][]int{{1, 4}, {0, 5}, {2, 3}}
	c := &components{signals: signals}
	got := oracleGroups(signals, c.sources(want))
	if !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("%v; want %v", got, want)
	}
}

// No single move of a component betters what the oracle chose, and no stem is left
// without one.
func TestOracleIsOptimal(t *testing.T) {
	parts := noise(9)
	stems := (&components{signals: parts}).sources([][]int{{0, 1, 2}, {3, 4, 5}, {6, 7}})
	signals := (&components{signals: parts}).sources([][]int{{0, 3}, {1, 6}, {2}, {4, 7}, {5, 8}})
	groups := oracleGroups(signals, stems)
	cross, within, energy := known.Products(signals, stems)
	of := make([]int, 5)
	for j := range stems {
		if len(groups[j]) == 0 {
			t.Errorf("stem %d has no component", j)
		}
		for _, k := range groups[j] {
			of[k] = j
		}
	}
	best := oraclegroups.MeanSDR(cross, within, energy, of)
	for k, was := range of {
		for j := range stems {
			of[k] = j
			if oraclegroups.MeanSDR(cross, within, energy, of) > best+1e-6 {
				t.Errorf("component %d is better off in stem %d", k, j)
			}
		}
		of[k] = was
	}
}

// Sources by ideal masks sum to the mixture; stems that never sound together come out
// as they went in.
func TestIdealMasks(t *testing.T) {
	stems := noise(2)
	for j, s := range stems {
		for _, d := range s.Data {
			clear(d[j*2100 : j*2100+1900]) // two halves with a pause of more than a frame between
			clear(d[1900-100*j : 2400-100*j])
		}
	}
	r := &recording{mix: (&components{signals: stems}).sources([][]int{{0, 1}})[0], stems: stems}
	got, err := idealMasks(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	for j, s := range stems {
		for l, d := range s.Data {
			for i, x := range d {
				if math.Abs(got[j].Data[l][i]-x) > 1e-9 {
					t.Fatalf("stem %d, channel %d, sample %d: %g; want %g", j, l, i, got[j].Data[l][i], x)
				}
			}
		}
	}
}

func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	fault := errors.New("disk full")
	if err := writeFile(filepath.Join(dir, "a"), func(io.Writer) error { return fault }); !errors.Is(err, fault) {
		t.Error(err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("it left %v", left)
	}
}
