package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
)

// scaled are pipelines from a file to stems without floors, which have a unit, but for tl_nmf.
var scaled = map[string]string{
	"is_nmf": `{"use": "frame", "params": {"length": 128}}, {"use": "stft"}, {"use": "is_nmf", "params": {"rank": 2, "iterations": 8, "eps": 0}}`,
	"kl_nmf": `{"use": "frame", "params": {"length": 128}}, {"use": "dct"}, {"use": "kl_nmf", "params": {"rank": 2, "iterations": 8, "eps": 0}}`,
	"tl_nmf": `{"use": "frame", "params": {"length": 16}}, {"use": "tl_nmf", "params": {"rank": 2, "iterations": 3, "tol": 0, "eps": %g}}`,
}

// separateScaled runs a pipeline of scaled on two sounds and noise, scaled, and returns the stems
// and what was said.
func separateScaled(t *testing.T, learner string, scale float64, code int) ([][]float64, string) {
	t.Helper()
	dir := t.TempDir()
	rng, x := rand.New(rand.NewPCG(1, 1)), make([]float64, 1600)
	for i := range x {
		a := float64(i)
		x[i] = scale * (0.5*math.Sin(0.3*a)*math.Exp(-a/400) + 0.3*math.Sin(1.1*a)*math.Exp(-math.Abs(a-900)/200) + 0.01*rng.NormFloat64())
	}
	in := filepath.Join(dir, "in.wav")
	if err := audio.WriteFile(in, &audiosep.Signal{Rate: 8000, Channels: 1, Data: [][]float64{x}}, "float64"); err != nil {
		t.Fatal(err)
	}
	stages := scaled[learner]
	if learner == "tl_nmf" {
		stages = fmt.Sprintf(stages, min(max(1e-15, 1e-6*scale*scale), 1e300))
	}
	spec := filepath.Join(dir, "pipeline.json")
	text := `{"audiosep": 1, "seed": 1, "stages": [{"use": "read_audio", "params": {"files": ["in.wav"]}}, ` + stages +
		`, {"use": "wiener", "params": {"eps": 0}}, {"use": "write_audio", "params": {"encoding": "float64"}}]}`
	if err := os.WriteFile(spec, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	cmd := program(t, "run", spec, "--out", filepath.Join(dir, "out"), "--no-cache")
	said, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != code {
		t.Fatalf("%s at %g: %v\n%s\nwant exit code %d", learner, scale, err, said, code)
	}
	if code != 0 {
		return nil, string(said)
	}
	var stems [][]float64
	for i := range 2 {
		s, _, err := audio.ReadFile(filepath.Join(dir, "out", fmt.Sprintf("in-%d.wav", i+1)))
		if err != nil {
			t.Fatal(err)
		}
		for j := range s.Data[0] {
			s.Data[0][j] /= scale
		}
		stems = append(stems, s.Data[0])
	}
	return stems, string(said)
}

// The scale of a recording in floating point does not matter where eps is in the same scale, as
// far as its powers are within 64-bit floats and above what stands for an eps of 0, 1e-100; and
// the reader tells that the scale is not that of full scale.
func TestScaleDoesNotMatter(t *testing.T) {
	for learner, scales := range map[string][]float64{
		"is_nmf": {0x1p-120, 0x1p-40, 0x1p40, 0x1p490}, // 8e-37 to 3e147
		"kl_nmf": {0x1p-120, 0x1p-40, 0x1p40, 0x1p490},
		"tl_nmf": {0x1p40, 0x1p490}, // eps is at least 1e-15
	} {
		want, said := separateScaled(t, learner, 1, 0)
		if strings.Contains(said, "full scale") {
			t.Errorf("%s: %s", learner, said)
		}
		if testing.Short() {
			scales = scales[len(scales)-1:]
		}
		for _, scale := range scales {
			got, said := separateScaled(t, learner, scale, 0)
			for i := range want {
				for j, x := range want[i] {
					if d := math.Abs(got[i][j] - x); !(d < 1e-9) {
						t.Errorf("%s at %g: sample %d of stem %d differs by %g", learner, scale, j, i+1, d)
						break
					}
				}
			}
			if told := map[bool]string{true: "far beyond full scale", false: "far below full scale"}[scale > 1]; !strings.Contains(said, told) {
				t.Errorf("%s at %g: %s\nwant %q", learner, scale, said, told)
			}
		}
	}
}

// Beyond that range it is said what is wrong, and what to do.
func TestBeyondTheRangeOfPowers(t *testing.T) {
	for learner := range scaled {
		_, said := separateScaled(t, learner, 1e300, 1)
		if !strings.Contains(said, "far beyond full scale") || !strings.Contains(said, "scale the recording down") {
			t.Errorf("%s: %s", learner, said)
		}
	}
	for _, scale := range []float64{1e-150, 1e-300} {
		_, said := separateScaled(t, "kl_nmf", scale, 0)
		if !strings.Contains(said, "far below full scale") || !strings.Contains(said, "loudest=") {
			t.Errorf("kl_nmf at %g: %s", scale, said)
		}
		if zero := strings.Contains(said, "the spectrogram is 0 everywhere: the recording is silent, or so soft"); zero != (scale == 1e-300) {
			t.Errorf("kl_nmf at %g: %s", scale, said)
		}
	}
}
