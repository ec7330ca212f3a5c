package separators

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"

	"github.com/audiosep/audiosep/internal/kernel"
)

// A matrix of low rank and a sparse one are told apart, as far as they are made, though of the
// singular vectors only the leading ones are sought.
func TestRPCARecovers(t *testing.T) {
	const rows, cols, rank = 300, 200, 8
	rng := rand.New(rand.NewPCG(1, 1))
	left, right := general(rows, rank), general(rank, cols)
	for _, x := range [][]float64{left.Data, right.Data} {
		for i := range x {
			x[i] = rng.NormFloat64()
		}
	}
	low, m := general(rows, cols), general(rows, cols)
	kernel.Gemm(blas.NoTrans, blas.NoTrans, 1, left, right, 0, low)
	copy(m.Data, low.Data)
	for i := range m.Data {
		if rng.Float64() < 0.05 {
			m.Data[i] += 20 * (rng.Float64() - 0.5)
		}
	}
	s := newLagrangian(m, 1)
	for range 60 {
		left, err := s.step(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if left < 1e-9 {
			break
		}
	}
	floats.Sub(s.low.Data, low.Data)
	if e := floats.Norm(s.low.Data, 2) / floats.Norm(low.Data, 2); !(e < 1e-6) || s.rank != rank {
		t.Errorf("the part of low rank, %d, differs by %.2g of its norm; want rank %d to 1e-6", s.rank, e, rank)
	}
	if s.leading.q.Rows == 0 || s.leading.q.Rows > 3*rank {
		t.Errorf("%d singular vectors were sought", s.leading.q.Rows)
	}
}

// What shrinking the singular values leaves is what the definition says, of a matrix whose
// singular values are known.
func TestRPCAThreshold(t *testing.T) {
	const n = 150
	s := newLagrangian(diagonal(n, func(i int) float64 { return 1 / float64(i+1) }), 1)
	s.mu = 10
	copy(s.a.Data, s.m.Data)
	for range 3 { // the subspace has to grow to what is above 1/μ
		if err := s.threshold(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for i := range n {
		want := max(0, 1/float64(i+1)-0.1)
		if got := s.low.Data[i*n+i]; math.Abs(got-want) > 1e-6 {
			t.Errorf("singular value %d is %v; want %v", i+1, got, want)
		}
	}
}

func diagonal(n int, value func(i int) float64) blas64.General {
	m := general(n, n)
	for i := range n {
		m.Data[i*n+i] = value(i)
	}
	return m
}
