// Package analysis reads learnt transforms: which of their row-spaces are identifiable,
// how far apart those of two transforms are, and the frequencies of their atoms.
package analysis

import (
	"fmt"
	"math"

	"github.com/audiosep/audiosep"
	"gonum.org/v1/gonum/mat"
)

// Partition divides the rows of v, W̄H̄, into the sets B_q of theorem 1 of Zhang, Soubies
// and Févotte (2020): rows are in one set if they are equal in every column. The rows of Φ̄
// in a set span a row-space that is identifiable; a row that is a set by itself is
// identifiable up to its sign.
//
// Two rows count as equal if no column differs by more than tol times the largest entry of
// the two, or by more than floor, below which differences mean nothing. A row joins the first
// set whose first row it equals. The sets are in order of their first rows.
func Partition(v mat.Matrix, tol, floor float64) [][]int {
	rows, cols := v.Dims()
	var sets [][]int
	for i := range rows {
		found := false
		for q, set := range sets {
			if equal(v, i, set[0], cols, tol, floor) {
				sets[q] = append(set, i)
				found = true
				break
			}
		}
		if !found {
			sets = append(sets, []int{i})
		}
	}
	return sets
}

func equal(v mat.Matrix, i, j, cols int, tol, floor float64) bool {
	var most, apart float64
	for n := range cols {
		a, b := v.At(i, n), v.At(j, n)
		most = max(most, math.Abs(a), math.Abs(b))
		apart = max(apart, math.Abs(a-b))
	}
	return apart <= max(tol*most, floor)
}

// Identify is Partition of the factors' WH. It is an error if W or H is missing.
func Identify(f *audiosep.Factors, tol, floor float64) ([][]int, error) {
	if f == nil || f.W == nil || f.H == nil {
		return nil, fmt.Errorf("the model has no factors; want W and H")
	}
	if err := f.Validate(-1, -1); err != nil {
		return nil, err
	}
	var v mat.Dense
	v.Mul(f.W, f.H)
	return Partition(&v, tol, floor), nil
}
