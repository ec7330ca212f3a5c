package stagetest_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/audiosep/audiosep/factorizers"
	"github.com/audiosep/audiosep/internal/npy"
	"github.com/audiosep/audiosep/pipeline/contract"
	"github.com/audiosep/audiosep/pipeline/stagetest"
	"github.com/audiosep/audiosep/transforms"
	"gonum.org/v1/gonum/mat"
)

// variants are the parameters with which built-in stages are tried; those not named
// here are tried with their defaults. Few iterations keep long runs short.
var variants = map[string][]string{
	"dct":                   {`{"type": 1}`, `{"type": 2}`, `{"type": 3}`, `{"type": 4}`},
	"matrix":                nil, // below
	"stft":                  {``, `{"size": 128}`},
	"joint_diagonalization": {`{"iterations": 5}`},
	"is_nmf":                {`{"rank": 2, "iterations": 5}`},
	"kl_nmf":                {`{"rank": 2, "iterations": 5}`},
	"euclidean_nmf":         {`{"rank": 2, "iterations": 5}`},
	"beta_nmf":              {`{"rank": 2, "iterations": 5}`},
	"tl_nmf":                {`{"rank": 2, "iterations": 3}`},
	"score_factors":         {`{"iterations": 6}`},
	"semi_nmf":              {`{"free": 2, "iterations": 4}`},
	"online_nmf":            {`{"rank": 6, "steps": 4, "warm": 3}`, `{"rank": 6, "batch": 20, "beta": 1, "power": 1, "epochs": 2}`},
	"ilrta":                 {`{"rank": 0, "iterations": 3}`},
	"nmfd":                  {`{"rank": 6, "taps": 3, "iterations": 4, "restarts": 2}`},
	"nmf2d":                 {`{"pitches": 5, "per_octave": 5, "lowest": 300, "iterations": 4, "restarts": 2}`},
	"painted_nmf":           {`{"sources": ["a", "b"], "components": 3, "iterations": 3}`},
}

func TestBuiltInStages(t *testing.T) {
	stages := slices.Clone(transforms.Stages)
	if !testing.Short() { // those of factorizers are in their own TestContract as well
		stages = append(stages, factorizers.Stages...)
	}
	for _, def := range stages {
		params, ok := variants[def.Name]
		if !ok {
			params = []string{``}
		}
		for _, p := range params {
			t.Run(def.Name+p, func(t *testing.T) {
				stagetest.With(t, def, contract.Options{Params: []byte(p), Many: 5000})
			})
		}
	}
}

// A matrix with orthonormal columns, any square one, and one of more bins than samples.
func TestMatrixStage(t *testing.T) {
	const m = 100
	rng := rand.New(rand.NewPCG(1, 2))
	square, tall := mat.NewDense(m, m, nil), mat.NewDense(m+30, m, nil)
	for _, a := range []*mat.Dense{square, tall} {
		for i := range a.RawMatrix().Data {
			a.RawMatrix().Data[i] = rng.NormFloat64()
		}
	}
	var qr mat.QR
	qr.Factorize(square)
	var q mat.Dense
	qr.QTo(&q)
	for name, a := range map[string]*mat.Dense{"orthogonal": &q, "square": square, "tall": tall} {
		path := filepath.Join(t.TempDir(), "phi.npy")
		file, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := npy.Write(file, npy.Array{Shape: []int{a.RawMatrix().Rows, a.RawMatrix().Cols}, Data: a.RawMatrix().Data}); err != nil {
			t.Fatal(err)
		}
		file.Close()
		for _, def := range transforms.Stages {
			if def.Name == "matrix" {
				t.Run(name, func(t *testing.T) {
					stagetest.With(t, def, contract.Options{Params: fmt.Appendf(nil, `{"file": %q}`, path), Length: m, Many: 5000})
				})
			}
		}
	}
}
