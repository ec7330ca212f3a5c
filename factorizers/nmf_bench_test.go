package factorizers

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// BenchmarkNMF times one iteration of rank 10 on 513×2329, 60 seconds of frames of 1024
// at 20 kHz or so, and reports the seconds of 200.
func BenchmarkNMF(b *testing.B) {
	const bins, cols, rank = 513, 2329, 10
	for _, d := range []struct {
		name string
		beta float64
	}{{"IS", 0}, {"KL", 1}, {"Euclidean", 2}, {"beta=0.5", 0.5}} {
		b.Run(fmt.Sprintf("%s/%dx%dx%d", d.name, bins, cols, rank), func(b *testing.B) {
			rng := rand.New(rand.NewPCG(1, 2))
			v := randomV(rng, bins, cols)
			w, h := nmfStart{}.draw(denseSum{v}, rank, rng)
			s := newNMF(context.Background(), layOut(v), w, h, nmfOptions{beta: d.beta, eps: 1e-10, threads: runtime.GOMAXPROCS(0)})
			for b.Loop() {
				s.updateH()
				s.updateW()
			}
			b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)*200, "s/200")
		})
	}
}

// randomV draws powers: |z|² times a product of rank 3.
func randomV(rng *rand.Rand, bins, cols int) *mat.Dense {
	var v mat.Dense
	v.Mul(randomPositive(rng, bins, 3), randomPositive(rng, 3, cols))
	for i, x := range v.RawMatrix().Data {
		z := rng.NormFloat64()
		v.RawMatrix().Data[i] = x * (z*z + 1e-3)
	}
	return &v
}
