package analysis

import (
	"fmt"
	"math"
	"slices"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/counted"
	"gonum.org/v1/gonum/mat"
)

// PrincipalAngles returns the min(p, q) angles between the spaces spanned by the rows of a,
// p×M, and of b, q×M, in radians, ascending: all are 0 when one space contains the other.
// Small angles are as exact as large ones: they come from sines (Björck and Golub, Math. Comp.
// 27, 1973). It is an error if the widths differ or rows are linearly dependent.
func PrincipalAngles(a, b mat.Matrix) ([]float64, error) {
	p, m := a.Dims()
	q, n := b.Dims()
	if m != n {
		return nil, &audiosep.ShapeError{What: "the second space", Is: fmt.Sprintf("of %d dimensions", n), Want: fmt.Sprint(m)}
	}
	if p < q {
		a, b, q = b, a, p
	}
	qa, err := orthonormal(a)
	if err != nil {
		return nil, err
	}
	qb, err := orthonormal(b)
	if err != nil {
		return nil, err
	}
	var c, s mat.Dense // c: p×q; s: the part of b's basis that is outside a's space
	c.Mul(qa.T(), qb)
	s.Mul(qa, &c)
	s.Sub(qb, &s)
	cosines, err := singular(&c, q)
	if err != nil {
		return nil, err
	}
	sines, err := singular(&s, q)
	if err != nil {
		return nil, err
	}
	slices.Reverse(sines)
	angles := make([]float64, q)
	for i := range angles {
		if cosines[i]*cosines[i] > 0.5 {
			angles[i] = math.Asin(min(1, sines[i]))
		} else {
			angles[i] = math.Acos(min(1, cosines[i]))
		}
	}
	slices.Sort(angles)
	return angles, nil
}

// orthonormal returns an orthonormal basis of a's row-space, as columns.
func orthonormal(a mat.Matrix) (*mat.Dense, error) {
	p, m := a.Dims()
	if p > m {
		return nil, &audiosep.ShapeError{What: "a space", Is: fmt.Sprintf("spanned by %s", counted.Of(p, "row")), Want: fmt.Sprintf("at most %d, their length", m)}
	}
	var svd mat.SVD
	if !svd.Factorize(a.T(), mat.SVDThinU) {
		return nil, fmt.Errorf("the singular values of %s could not be found; want finite rows", counted.Of(p, "row"))
	}
	if s := svd.Values(nil); !(s[p-1] > 1e-12*s[0]) {
		return nil, fmt.Errorf("%s linearly dependent; want independent ones", counted.Are(p, "row"))
	}
	var u mat.Dense
	svd.UTo(&u)
	return &u, nil
}

func singular(a mat.Matrix, n int) ([]float64, error) {
	var svd mat.SVD
	if !svd.Factorize(a, mat.SVDNone) {
		return nil, fmt.Errorf("the singular values of a product of bases could not be found")
	}
	return svd.Values(nil)[:n], nil
}

// Pairing is a row-space of one transform and the one of another that is nearest to it.
type Pairing struct {
	A, B   []int     // rows of the first transform, and of the second
	Angles []float64 // between the two spaces, radians, ascending
}

// Largest returns the largest angle, 0 when one space contains the other.
func (p Pairing) Largest() float64 { return p.Angles[len(p.Angles)-1] }

// Match pairs each of the row-spaces a of one transform with one of b, those of another: by
// theorem 1 two descents that reached the minimum have the same row-spaces, whatever their
// starts. Pairs of the same size come first, then those with the largest mean squared cosine.
// Where one list is longer, the rest of it stays unpaired.
func Match(phiA mat.Matrix, a [][]int, phiB mat.Matrix, b [][]int) ([]Pairing, error) {
	var all []Pairing
	for _, setA := range a {
		for _, setB := range b {
			angles, err := PrincipalAngles(rows(phiA, setA), rows(phiB, setB))
			if err != nil {
				return nil, err
			}
			all = append(all, Pairing{setA, setB, angles})
		}
	}
	slices.SortStableFunc(all, func(x, y Pairing) int {
		if d := sizeGap(x) - sizeGap(y); d != 0 {
			return d
		}
		if x.overlap() > y.overlap() {
			return -1
		} else if x.overlap() < y.overlap() {
			return 1
		}
		return 0
	})
	var pairs []Pairing
	usedA, usedB := map[int]bool{}, map[int]bool{}
	for _, p := range all {
		if !usedA[p.A[0]] && !usedB[p.B[0]] {
			usedA[p.A[0]], usedB[p.B[0]] = true, true
			pairs = append(pairs, p)
		}
	}
	slices.SortFunc(pairs, func(x, y Pairing) int { return x.A[0] - y.A[0] })
	return pairs, nil
}

func sizeGap(p Pairing) int {
	return max(len(p.A), len(p.B)) - min(len(p.A), len(p.B))
}

// overlap is the mean squared cosine.
func (p Pairing) overlap() float64 {
	var sum float64
	for _, a := range p.Angles {
		sum += math.Cos(a) * math.Cos(a)
	}
	return sum / float64(len(p.Angles))
}

// rows returns the rows of phi with these numbers.
func rows(phi mat.Matrix, numbers []int) *mat.Dense {
	_, m := phi.Dims()
	sub := mat.NewDense(len(numbers), m, nil)
	for i, r := range numbers {
		for j := range m {
			sub.Set(i, j, phi.At(r, j))
		}
	}
	return sub
}
