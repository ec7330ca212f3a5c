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

// What is in the way of an evaluation is named.
func TestEvalRefuses(t *testing.T) {
	ref, est := pairs(t)
	flacs, three := t.TempDir(), t.TempDir()
	for name, content := range map[string]string{"a.m4a": "no sound", "b.m4a": "nor this"} {
		if err := os.WriteFile(filepath.Join(flacs, name), []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	writeNoise(t, three, 4000, map[string]uint64{"a.wav": 1, "b.wav": 2, "mixture.wav": 3})
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"-r", ref, "-e", flacs}, "a.m4a: this is no sound file that is known"},
		{[]string{"-r", three, "-e", est}, "3 references (a, b, mixture) and 2 estimates (a, b)"},
	} {
		if _, err := evalOutput(c.args...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v; want %q", c.args, err, c.want)
		}
	}
}

// A name with control characters does not reach the terminal as it is.
func TestEvalQuotesNames(t *testing.T) {
	dir := t.TempDir()
	ref, est := filepath.Join(dir, "ref", "\x1b[2Jsong"), filepath.Join(dir, "est", "\x1b[2Jsong")
	writeNoise(t, ref, 500, map[string]uint64{"\x1b]0;t\a.wav": 1})
	writeNoise(t, est, 500, map[string]uint64{"\x1b]0;t\a.wav": 2})
	args := []string{"-r", filepath.Join(dir, "ref"), "-e", filepath.Join(dir, "est"), "-c", "si_sdr"}
	out, err := evalOutput(args...)
	if err != nil || strings.Contains(out, "\x1b") || !strings.Contains(out, `"\x1b[2Jsong"`) {
		t.Errorf("%v, %q; want quoted names", err, out)
	}
	writeNoise(t, est, 501, map[string]uint64{"\x1b]0;t\a.wav": 2})
	if _, err := evalOutput(args...); err == nil || strings.Contains(err.Error(), "\x1b") {
		t.Errorf("the error is %q; want one without control characters", err)
	}
	if err := os.RemoveAll(est); err != nil {
		t.Fatal(err)
	}
	if _, err := evalOutput(args...); err == nil || strings.Contains(err.Error(), "\x1b") {
		t.Errorf("the error is %q; want one without control characters", err)
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

// Folders of stems are tracks; medians over them end the table, and each track's report
// is what the track alone gives.
func TestEvalTracks(t *testing.T) {
	dir := t.TempDir()
	for i, name := range []string{"song 1", "song 2", "song 10"} {
		seed := uint64(10 * i)
		writeNoise(t, filepath.Join(dir, "ref", name), 3000, map[string]uint64{"bass.wav": seed + 1, "drums.wav": seed + 2, "mixture.wav": seed + 3})
		writeNoise(t, filepath.Join(dir, "est", name), 3000, map[string]uint64{"bass.wav": seed + 1, "drums.wav": seed + 3})
	}
	flags := []string{"-c", "bss_v2", "-c", "si_sdr", "--match", "given", "--ideal", "irm"}
	all := append([]string{"-r", filepath.Join(dir, "ref"), "-e", filepath.Join(dir, "est"), "--mixture", "mixture.wav"}, flags...)
	out, err := evalOutput(append(all, "--format", "csv")...)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if want := 1 + 3*2*2*(3+5); len(rows) != want {
		t.Errorf("there are %d rows; want %d: a track, estimator, reference and ratio each", len(rows), want)
	}
	var got [][]string
	for _, row := range rows {
		if row[9] == "song 10" {
			row[9] = ""
			got = append(got, row)
		}
	}
	out, err = evalOutput(append([]string{"-r", filepath.Join(dir, "ref", "song 10"), "-e", filepath.Join(dir, "est", "song 10"), "--mixture", filepath.Join(dir, "ref", "song 10", "mixture.wav"), "--format", "csv"}, flags...)...)
	if err != nil {
		t.Fatal(err)
	}
	if alone, err := csv.NewReader(strings.NewReader(out)).ReadAll(); err != nil || !slices.EqualFunc(alone[1:], got, slices.Equal[[]string]) {
		t.Errorf("the track alone gives %v, %v; want %v", alone, err, got)
	}
	if out, err = evalOutput(all...); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"; 3 tracks\n", "estimates are of ideal ratio masks", "median of 3"} {
		if !strings.Contains(out, want) {
			t.Errorf("the text lacks %q:\n%s", want, out)
		}
	}
	if i, j := strings.Index(out, "song 2"), strings.Index(out, "song 10"); i > j {
		t.Error("song 10 stands before song 2")
	}
	if err := os.RemoveAll(filepath.Join(dir, "est", "song 2")); err != nil {
		t.Fatal(err)
	}
	if _, err := evalOutput(all...); err == nil || !strings.Contains(err.Error(), "lacks 1 of the 3 tracks of") {
		t.Errorf("a missing track: %v", err)
	}
	if _, err := evalOutput("-r", filepath.Join(dir, "ref"), "--mixture", "mixture.wav", "--ideal", "ibm", "-c", "si_sdr"); err != nil {
		t.Errorf("ideal masks without estimates: %v", err)
	}
}

// The flags reach the metrics.
func TestEvalFlags(t *testing.T) {
	ref, est := pairs(t)
	long := filepath.Join(t.TempDir(), "est")
	writeNoise(t, long, 4001, map[string]uint64{"a.wav": 1, "b.wav": 3})
	run := func(est string, args ...string) string {
		t.Helper()
		out, err := evalOutput(append([]string{"-r", ref, "-e", est, "-c", "bss_v3_sources"}, args...)...)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	for _, c := range []struct{ flags, want string }{
		{"--taps 32", "; 32 taps;"},
		{"--load 1e-6", "; load 1e-06;"},
		{"--zero-mean", "; means removed;"},
		{"--ideal ibm", "estimates are of ideal binary masks, an upper bound"},
	} {
		if out := run(est, strings.Fields(c.flags)...); !strings.Contains(out, c.want) {
			t.Errorf("%s: want %q in\n%s", c.flags, c.want, out)
		}
	}
	if pad, cut := run(long, "--fit-length", "pad"), run(long, "--fit-length", "cut"); !strings.Contains(pad, "fitted to 4001 samples by zeros") || !strings.Contains(cut, "fitted to 4000 samples by cutting") {
		t.Errorf("fitted lengths give\n%s\nand\n%s", pad, cut)
	}
	for flags, want := range map[string]string{
		"":                     "--estimate names no folder; want one, or --ideal",
		"-e x --taps 0":        "--taps is 0; want 1 to 16384",
		"-e x --load -1":       "--load is -1; want a finite number",
		"-e x --ideal best":    `--ideal is "best"; want one of ibm, irm`,
		"-e x --fit-length no": `--fit-length is "no"; want one of refuse, pad, cut`,
		"-e x --match best":    `--match is "best"; want one of given, sir, sdr`,
	} {
		if _, err := evalOutput(append([]string{"-r", ref}, strings.Fields(flags)...)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want %q", flags, err, want)
		}
	}
	if _, err := evalOutput("-r", ref, "-e", long, "-c", "si_sdr"); err == nil || !strings.Contains(err.Error(), "estimate a has 4001 samples; want 4000, the length of reference a") {
		t.Errorf("lengths that differ: %v", err)
	}
}
