package kernel

import (
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/blas/blas64"
)

// TestStrips: what is set in blocks of columns, in any order, is what lies there, and an NMF of it
// makes the bits that one of the matrix makes.
func TestStrips(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(4, 1))
		for range 20 {
			f, n, k := 1+r.IntN(60), 1+r.IntN(300), 1+r.IntN(6)
			v, s := positive(r, f, n), NewStrips(f, n, Full)
			cuts := []int{0, n}
			for range 5 {
				cuts = append(cuts, r.IntN(n))
			}
			slices.Sort(cuts)
			for _, i := range r.Perm(len(cuts) - 1) {
				s.Set(cuts[i], blas64.General{Rows: f, Cols: cuts[i+1] - cuts[i], Stride: v.Stride, Data: v.Data[cuts[i]:]})
			}
			row, first := r.IntN(f), r.IntN(n)
			got := positive(r, 1+r.IntN(f-row), 1+r.IntN(n-first))
			s.Get(got, row, first)
			for i := range got.Rows {
				for j := range got.Cols {
					if x, want := got.Data[i*got.Stride+j], v.Data[(row+i)*v.Stride+first+j]; x != want {
						t.Fatalf("row %d, column %d is %v; want %v", row+i, first+j, x, want)
					}
				}
			}
			w, h := positive(r, f, k), positive(r, k, n)
			for _, beta := range []float64{0, 1, 2, 0.5} {
				sums := func(p *NMF) []float64 {
					num, den := positive(r, f, k), positive(r, f, k)
					d := p.Do(t.Context(), Step{W: w, H: h, NumW: num, DenW: den, Objective: true})
					all := []float64{d}
					for i := range f {
						all = append(append(all, num.Data[i*num.Stride:][:k]...), den.Data[i*den.Stride:][:k]...)
					}
					return all
				}
				if a, b := sums(s.NMF(beta, 1e-3)), sums(NewNMF(v, beta, 1e-3)); !slices.Equal(a, b) {
					t.Fatalf("β = %v, %d×%d: an NMF of strips makes other sums than one of the matrix", beta, f, n)
				}
			}
		}
	})
}

// TestStripsBytes: as many bytes as are there.
func TestStripsBytes(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		for _, cols := range []int{1, 16, 24, 25, 100} {
			for _, precision := range []Precision{Full, Halved, Single} {
				s := NewStrips(7, cols, precision)
				if got, want := StripsBytes(7, cols, precision), int64(8*len(s.data)+4*len(s.low)); got != want {
					t.Errorf("%d columns in precision %v: %d bytes; want %d", cols, precision, got, want)
				}
			}
		}
	})
}
