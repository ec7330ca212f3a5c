package metrics

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// randomLags are the correlations of m signals of noise, which overlap.
func randomLags(m, taps int, seed uint64) [][]float64 {
	rng := rand.New(rand.NewPCG(seed, 2))
	n := 4 * taps * m
	x := planes[float64](m, n)
	for i := range x {
		for t := range x[i] {
			x[i][t] = rng.NormFloat64()
			if t > 0 {
				x[i][t] += 0.5*x[i][t-1] + 0.3*x[0][t-1]
			}
		}
	}
	lags := planes[float64](taps, m*m)
	for k := range taps {
		for i := range m {
			for j := range m {
				for t := k; t < n; t++ {
					lags[k][i*m+j] += x[i][t] * x[j][t-k]
				}
			}
		}
	}
	return lags
}

// gram writes the block-Toeplitz matrix out.
func gram(lags [][]float64, m int) *mat.SymDense {
	n := m * len(lags)
	g := mat.NewSymDense(n, nil)
	for i := range n {
		for j := i; j < n; j++ {
			g.SetSym(i, j, lags[j/m-i/m][i%m*m+j%m])
		}
	}
	return g
}

// The Schur algorithm gives the solutions and the energy of gonum's Cholesky.
func TestFactorise(t *testing.T) {
	for _, c := range []struct{ m, taps int }{{1, 1}, {1, 40}, {2, 17}, {3, 32}, {5, 1}} {
		lags := randomLags(c.m, c.taps, uint64(c.m))
		g := gram(lags, c.m)
		f, err := factorise(lags, c.m)
		if err != nil {
			t.Fatal(err)
		}
		n := c.m * c.taps
		d := mat.NewVecDense(n, nil)
		for i := range n {
			d.SetVec(i, math.Sin(float64(i*i)))
		}
		var chol mat.Cholesky
		if !chol.Factorize(g) {
			t.Fatal("the test's matrix is singular")
		}
		var want mat.VecDense
		if err := chol.SolveVecTo(&want, d); err != nil {
			t.Fatal(err)
		}
		x := append([]float64(nil), d.RawVector().Data...)
		energy := f.forward(x)
		if w := mat.Dot(d, &want); math.Abs(energy-w) > 1e-10*w {
			t.Errorf("%+v: dᵀG⁻¹d is %v; want %v", c, energy, w)
		}
		f.backward(x)
		for i := range x {
			if math.Abs(x[i]-want.AtVec(i)) > 1e-9*mat.Norm(&want, 2) {
				t.Fatalf("%+v: unknown %d is %v; want %v", c, i, x[i], want.AtVec(i))
			}
		}
	}
}

// A sinusoid has two degrees of freedom, however many taps there are.
func TestSingularGram(t *testing.T) {
	lags := planes[float64](64, 1)
	for k := range lags {
		lags[k][0] = math.Cos(0.3 * float64(k))
	}
	if _, err := factorise(lags, 1); !errors.Is(err, errSingular) {
		t.Errorf("the factor of a sinusoid's Gram matrix: %v; want %v", err, errSingular)
	}
	p := projector{signals: []int{0}, lags: lags}
	if rank, n := p.rank(); rank != 2 || n != 64 {
		t.Errorf("its rank is %d of %d; want 2 of 64", rank, n)
	}
}
