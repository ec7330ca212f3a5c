package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/factorizers"
	"github.com/audiosep/audiosep/internal/kernel"
	"github.com/audiosep/audiosep/transforms"
)

// The ten minutes of sound on which a pass is held against NMF of the whole.
const passRate, passSeconds, passStarts = 22050, 600, 2

// passRow is one comparison.
type passRow struct {
	name  string
	beta  float64
	power int
}

// runPass prints the objective that W of one pass has, with its activations, beside that of NMF of
// the whole: the recordings one after the other, samples as they are, again and again for ten
// minutes.
func runPass(ctx context.Context, w io.Writer, folders []string) error {
	s := &audiosep.Signal{Rate: passRate, Channels: 1, Data: [][]float64{nil}}
	for len(s.Data[0]) < passSeconds*passRate {
		for _, folder := range folders {
			x, _, err := audio.ReadFile(filepath.Join(folder, "mix.wav"))
			if err != nil {
				return err
			}
			s.Data[0] = append(s.Data[0], x.Data[0]...)
		}
	}
	s.Data[0] = s.Data[0][:passSeconds*passRate]
	x, err := transforms.STFT(ctx, s, transforms.Frame(1024, 0.75, "hann"))
	if err != nil {
		return err
	}
	v := audiosep.PowerOf(x, nil)
	fmt.Fprintf(w, "| ten minutes, K 10, mean of %d starts | whole NMF, 200 iterations | its W, activations found anew | W of one pass of online_nmf | the pass above the whole |\n|---|---|---|---|---|\n", passStarts)
	for _, row := range []passRow{{"Itakura-Saito, power", 0, 2}, {"Kullback-Leibler, magnitude", 1, 1}, {"Euclidean, magnitude", 2, 1}} {
		var sums [3]float64
		for seed := range uint64(passStarts) {
			ends, err := row.ends(ctx, seed+1, v)
			if err != nil {
				return err
			}
			for i, d := range ends {
				sums[i] += d / passStarts
			}
		}
		fmt.Fprintf(w, "| %s | %.5g | %.5g | %.5g | %+.1f %% |\n", row.name, sums[0], sums[1], sums[2], 100*(sums[2]/sums[0]-1))
	}
	return nil
}

// ends returns the objective of whole NMF, of its W with activations found anew, and of W of one
// pass.
func (r passRow) ends(ctx context.Context, seed uint64, v audiosep.Power) (d [3]float64, err error) {
	p := factorizers.DefaultISNMF()
	p.Rank, p.Tol, p.Power = 10, 0, r.power
	nmf, err := factorizers.NewNMF(r.beta, p)
	if err != nil {
		return d, err
	}
	whole, err := audiosep.Factorize(ctx, audiosep.Env{Seed: seed}, nmf, v, nil)
	if err != nil {
		return d, err
	}
	o := factorizers.DefaultOnlineNMF()
	o.Rank, o.Beta, o.Power = 10, r.beta, r.power
	s, err := factorizers.NewOnlineNMF(o)
	if err != nil {
		return d, err
	}
	pass, err := s.Run(ctx, audiosep.Env{Seed: seed}, factorizers.OnlineNMFIn{Power: []audiosep.Power{v}})
	if err != nil {
		return d, err
	}
	for i, f := range []*audiosep.Factors{whole, {W: whole.W}, pass.Factors} {
		if d[i], err = r.objective(ctx, v, f); err != nil {
			return d, err
		}
	}
	return d, nil
}

// objective returns the divergence of V from WH, H being found where there is none.
func (r passRow) objective(ctx context.Context, v audiosep.Power, f *audiosep.Factors) (float64, error) {
	if f.H == nil {
		p := factorizers.DefaultActivations()
		p.Beta, p.Power = r.beta, r.power
		a, err := factorizers.NewActivations(p)
		if err != nil {
			return 0, err
		}
		if f, err = audiosep.Activate(ctx, audiosep.Env{}, a, v, &audiosep.Factors{W: f.W}); err != nil {
			return 0, err
		}
	}
	all, err := v.V(ctx)
	if err != nil {
		return 0, err
	}
	if r.power == 1 {
		all = factorizers.Magnitude(all)
	}
	return kernel.NewNMF(all.RawMatrix(), r.beta, factorizers.DefaultISNMF().Eps).Objective(ctx, mat.DenseCopyOf(f.W).RawMatrix(), mat.DenseCopyOf(f.H).RawMatrix()), nil
}
