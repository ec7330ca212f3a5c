package main

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/pipeline"
)

// TestRecordings runs the example of each transform on every mix of AUDIOSEP_DATA, with 2
// and 5 components, one with 2 and the other with 5 where AUDIOSEP_RELEASE is not set: the stems sum
// to the mixture within the rounding of their format.
func TestRecordings(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long")
	}
	data := os.Getenv("AUDIOSEP_DATA")
	if data == "" {
		t.Skip("AUDIOSEP_DATA names no folder of recordings")
	}
	mixes, err := filepath.Glob(filepath.Join(data, "audio", "*", "mix.wav"))
	if err != nil || len(mixes) == 0 {
		t.Fatalf("%d mixes in %s, %v", len(mixes), data, err)
	}
	for i, mix := range mixes {
		for j, example := range []string{"piano", "dct-nmf"} {
			for k, rank := range []string{"2", "5"} {
				if os.Getenv("AUDIOSEP_RELEASE") == "" && (i+j+k)%2 == 1 {
					continue
				}
				t.Run(filepath.Base(filepath.Dir(mix))+"/"+example+"/"+rank, func(t *testing.T) {
					out := t.TempDir()
					runExample(t, example, mix, out, "is_nmf.rank="+rank, "is_nmf.iterations=3", "is_nmf.restarts=1")
					checkSum(t, mix, out)
				})
			}
		}
	}
}

func runExample(t *testing.T, example, input, out string, set ...string) {
	t.Helper()
	file := filepath.Join("../../examples", example, "pipeline.json")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	spec, err := pipeline.Parse(file, text)
	if err != nil {
		t.Fatal(err)
	}
	spec.Out = out
	spec.SetInput("--input", input)
	for _, s := range set {
		spec.Set(s)
	}
	p, err := pipeline.Check(spec, registry())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Run(context.Background(), pipeline.Options{}); err != nil {
		t.Fatal(err)
	}
}

func checkSum(t *testing.T, mix, dir string) {
	t.Helper()
	stems, _ := filepath.Glob(filepath.Join(dir, "*.wav"))
	if off, err := residual(mix, stems); err != nil || off > 1 {
		t.Errorf("%d stems are off by %.3g of what rounding allows, %v", len(stems), off, err)
	}
}

// residual returns by how much 16-bit stems miss their mixture at most, in parts of what
// rounding each sample to the nearest step allows.
func residual(mix string, stems []string) (float64, error) {
	sum, _, err := audio.ReadFile(mix)
	if err != nil {
		return 0, err
	}
	for _, file := range stems {
		s, _, err := audio.ReadFile(file)
		if err != nil {
			return 0, err
		}
		for l, d := range sum.Data {
			if len(s.Data) != len(sum.Data) || len(s.Data[l]) != len(d) {
				return math.Inf(1), nil
			}
			for i := range d {
				d[i] -= s.Data[l][i]
			}
		}
	}
	most := 0.5/32768*float64(len(stems)) + 1e-12
	var off float64
	for _, d := range sum.Data {
		for _, x := range d {
			off = max(off, math.Abs(x)/most)
		}
	}
	return off, nil
}
