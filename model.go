package audiosep

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep/internal/counted"
)

// Factors is V ≈ WH with W, H ≥ 0. Columns of W sum to 1; H is a power.
type Factors struct {
	W, H *mat.Dense // F×K, K×N/S

	// Objective has one value per iteration, never increasing.
	Objective []float64
	// Stop says why the iterations ended, in a few words.
	Stop string
	// Restarts has the last objective of every start that was tried; nil for one start.
	Restarts []float64

	// Sources says whose the components are: each is in exactly one group. Nil: nobody has
	// said.
	Sources []Group
	// Framing is that of the frames that they are of; nil: not known.
	Framing *Framing
	// Hz has the frequency of each bin, by which dictionaries of different transforms are told
	// apart; nil: not known, as of what is read from a file, or bins have none.
	Hz []float64
	// Power is 2 where V ≈ WH is of powers |X|², 1 where it is of magnitudes |X|; 0: not known.
	Power int
}

// Rank returns K.
func (f *Factors) Rank() int { _, k := f.W.Dims(); return k }

// Validate checks that W is bins×K and H is K×columns, both finite and ≥ 0.
// A negative bins or columns is not looked at; neither is a nil matrix.
func (f *Factors) Validate(bins, columns int) error {
	if f.W != nil {
		if r, c := f.W.Dims(); bins >= 0 && r != bins {
			return &ShapeError{"W", fmt.Sprintf("%d×%d", r, c), fmt.Sprintf("%s, one for each bin", counted.Of(bins, "row"))}
		}
	}
	if f.H != nil {
		if r, c := f.H.Dims(); columns >= 0 && c != columns {
			return &ShapeError{"H", fmt.Sprintf("%d×%d", r, c), fmt.Sprintf("%s, one for each activation", counted.Of(columns, "column"))}
		}
	}
	if f.W != nil && f.H != nil {
		_, k := f.W.Dims()
		if r, c := f.H.Dims(); r != k {
			return &ShapeError{"H", fmt.Sprintf("%d×%d", r, c), fmt.Sprintf("%s, one for each column of W", counted.Of(k, "row"))}
		}
	}
	if err := findBad("W", f.W); err != nil {
		return err
	}
	return findBad("H", f.H)
}

func findBad(name string, m *mat.Dense) error {
	if m == nil {
		return nil
	}
	raw := m.RawMatrix()
	for i := range raw.Rows {
		for j, x := range raw.Data[i*raw.Stride : i*raw.Stride+raw.Cols] {
			if !(x >= 0) || math.IsInf(x, 1) {
				return fmt.Errorf("%s has %v in row %d, column %d; want finite numbers ≥ 0", name, x, i, j)
			}
		}
	}
	return nil
}

// Model is what a learner leaves behind; any field may be nil. Framing is that of
// the frames it was learnt from.
type Model struct {
	Framing   *Framing
	Transform Transform
	Factors   *Factors
}
