//go:build !race

package kernel

// With the race detector a sync.Pool forgets at random.

import (
	"math/rand/v2"
	"testing"

	"github.com/audiosep/audiosep/internal/allocs"
	"gonum.org/v1/gonum/blas"
)

func TestGemmAllocatesNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	a, b, c := random(r, 100, 60, 60), random(r, 60, 300, 300), random(r, 100, 300, 300)
	Gemm(blas.NoTrans, blas.NoTrans, 1, a, b, 0, c)
	if n := allocs.PerRun(50, func() { Gemm(blas.NoTrans, blas.NoTrans, 1, a, b, 0, c) }); n >= 1 && Path() != "go" {
		t.Errorf("a product allocates %v times; want 0", n)
	}
}

func TestNMFAllocatesNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 3))
	w, h, num, den := positive(r, 130, 7), positive(r, 7, 301), positive(r, 7, 301), positive(r, 7, 301)
	numW, denW := positive(r, 130, 7), positive(r, 130, 7)
	for _, beta := range []float64{0, 1, 2, 0.5} {
		if beta == 2 && Path() == "go" {
			continue // gonum's product starts goroutines
		}
		v := positive(r, 130, 301)
		passes := []*NMF{NewNMF(v, beta, 1e-7)}
		if beta != 0.5 {
			passes = append(passes, singleOf(t, v).NMF(beta, 1e-7))
		}
		s := Step{W: w, H: h, NumH: num, DenH: den, Update: func(_, _, _, _ []float64, _ int) {}, Next: h, NumW: numW, DenW: denW, Objective: true}
		for _, p := range passes {
			p.Do(t.Context(), s)
			if n := allocs.PerRun(50, func() { p.Do(t.Context(), s) }); n >= 1 {
				t.Errorf("β = %v, float32 %v: a step allocates %v times; want 0", beta, p.low != nil, n)
			}
		}
	}
}

func TestMediansAllocateNothing(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		m, x, dst, most := new(Medians), make([]float32, 500), make([]float64, 50), make([]float64, 50)
		rows := []int32{3, 1, 7, 9}
		work := func() { m.Of(dst, most, x, 50, rows) }
		work()
		if n := allocs.PerRun(50, work); n >= 1 {
			t.Errorf("medians allocate %v times; want 0", n)
		}
	})
}
