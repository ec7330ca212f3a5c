package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
)

// writeNoise writes mono recordings of noise, 8 kHz, float32, the same for the same seed.
func writeNoise(t *testing.T, dir string, samples int, seeds map[string]uint64) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	for name, seed := range seeds {
		rng := rand.New(rand.NewPCG(seed, 1))
		d := make([]float64, samples)
		for i := range d {
			d[i] = float64(float32(0.1 * rng.NormFloat64()))
		}
		if err := audio.WriteFile(filepath.Join(dir, name), &audiosep.Signal{Rate: 8000, Channels: 1, Data: [][]float64{d}}, "float32"); err != nil {
			t.Fatal(err)
		}
	}
}

// evalOutput runs audiosep eval.
func evalOutput(args ...string) (string, error) {
	var b bytes.Buffer
	cmd := root()
	cmd.SetArgs(append([]string{"eval"}, args...))
	cmd.SetOut(&b)
	err := cmd.Execute()
	return b.String(), err
}

// pairs are folders ref and est of two stems that are alike.
func pairs(t *testing.T) (ref, est string) {
	ref, est = filepath.Join(t.TempDir(), "ref"), filepath.Join(t.TempDir(), "est")
	writeNoise(t, ref, 4000, map[string]uint64{"a.wav": 1, "b.wav": 2})
	writeNoise(t, est, 4000, map[string]uint64{"a.wav": 1, "b.wav": 3})
	return ref, est
}

// The default conventions are one JSON document, or one table.
func TestEvalFormats(t *testing.T) {
	ref, est := pairs(t)
	out, err := evalOutput("-r", ref, "-e", est, "--format", "json")
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(strings.NewReader(out))
	var docs []struct {
		Convention string
		Targets    []struct {
			Frames []struct{ Metrics map[string]*float64 }
		}
	}
	if err := dec.Decode(&docs); err != nil || len(docs) != 2 {
		t.Fatalf("%d documents, %v; want an array of 2", len(docs), err)
	}
	if err := dec.Decode(new(any)); err != io.EOF {
		t.Errorf("more follows the document: %v", err)
	}
	for _, d := range docs {
		for _, target := range d.Targets {
			for _, name := range map[string][]string{"si_sdr": {"SI-SDR", "SI-SIR", "SI-SAR", "SNR"}, "bss_v3_sources": {"SDR", "SIR", "SAR"}}[d.Convention] {
				if _, ok := target.Frames[0].Metrics[name]; !ok {
					t.Errorf("%s has %v; want %s, too", d.Convention, target.Frames[0].Metrics, name)
				}
			}
		}
	}
	if out, err = evalOutput("-r", ref, "-e", est, "--format", "csv"); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		if row[0] == rows[0][0] {
			t.Errorf("the header stands twice: %v", row)
		}
	}
}

// Frames and hops of less than a sample are refused; 0 is the default.
func TestEvalShortFrames(t *testing.T) {
	ref, est := pairs(t)
	for _, c := range []struct{ window, hop, want string }{
		{"0.00001", "0", "--window is 1e-05 s, less than a sample at 8000 Hz; want at least 0.000125 s"},
		{"0.1", "0.00001", "--hop is 1e-05 s, less than a sample"},
		{"0.1", "0", ""},
		{"1e300", "0", ""},
	} {
		_, err := evalOutput("-r", ref, "-e", est, "-c", "si_sdr", "--window", c.window, "--hop", c.hop)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("--window %s --hop %s: %v; want %q", c.window, c.hop, err, c.want)
		}
	}
}

// Stems are numbered as people count, and what is no stem is passed over.
func TestStemsIn(t *testing.T) {
	dir := t.TempDir()
	want := []string{"03.wav", "mix-1.WAV", "mix-2.wav", "mix-2b.wav", "mix-10.wav", "mix-10-a.wav"}
	for _, name := range append([]string{"._mix-1.wav", ".wav", "notes.txt", "mix.flac"}, want...) {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "old.wav"), 0o777); err != nil {
		t.Fatal(err)
	}
	got, err := stemsIn(dir)
	slices.SortFunc(want, byNumber)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("the stems are %q, %v; want %q", got, err, want)
	}
	if i, j := slices.Index(got, "mix-2.wav"), slices.Index(got, "mix-10.wav"); i > j || got[0] != "03.wav" {
		t.Errorf("the order is %q; want that of the numbers", got)
	}
	if c := byNumber("take2", "take02"); c == 0 || c != -byNumber("take02", "take2") {
		t.Errorf("names that differ by a zero compare as %d", c)
	}
}

// What is in the way of an evaluation is named.
func TestEvalRefuses(t *testing.T) {
	ref, est := pairs(t)
	flacs, three := t.TempDir(), t.TempDir()
	for name, content := range map[string]string{"a.flac": "fLaC", "b.flac": "fLaC"} {
		if err := os.WriteFile(filepath.Join(flacs, name), []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	writeNoise(t, three, 4000, map[string]uint64{"a.wav": 1, "b.wav": 2, "mixture.wav": 3})
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"-r", ref, "-e", flacs}, "holds no WAV files but 2 others of sound, such as a.flac; want WAV, one for each source: convert them first, for instance with ffmpeg -i \"a.flac\" \"a.wav\""},
		{[]string{"-r", three, "-e", est}, "3 references (a, b, mixture) and 2 estimates (a, b)"},
	} {
		if _, err := evalOutput(c.args...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v; want %q", c.args, err, c.want)
		}
	}
}

// With --match given, stem 2 and not stem 10 is the second.
func TestEvalGivenOrder(t *testing.T) {
	ref, est := filepath.Join(t.TempDir(), "ref"), filepath.Join(t.TempDir(), "est")
	writeNoise(t, ref, 1000, map[string]uint64{"01.wav": 1, "02.wav": 2, "03.wav": 3, "10.wav": 10})
	writeNoise(t, est, 1000, map[string]uint64{"mix-1.wav": 1, "mix-2.wav": 2, "mix-3.wav": 3, "mix-10.wav": 10})
	out, err := evalOutput("-r", ref, "-e", est, "-c", "si_sdr", "--match", "given", "--format", "csv")
	if err != nil {
		t.Fatal(err)
	}
	for _, pair := range []string{"01,mix-1,", "02,mix-2,", "03,mix-3,", "10,mix-10,"} {
		if !strings.Contains(out, "si_sdr,"+pair) {
			t.Errorf("%s is missing of\n%s", pair, out)
		}
	}
}
