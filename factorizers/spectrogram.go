package factorizers

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"sync"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
	block "github.com/audiosep/audiosep/internal/blocks"
	"github.com/audiosep/audiosep/internal/kernel"
)

// spectrogram is V, F×N, or its root, once in memory: as the passes over it read it.
type spectrogram struct {
	*kernel.Strips
	total func() float64 // Sum, which is summed once
}

func newSpectrogram(bins, cols int) *spectrogram { return spectrogramIn(kernel.Full, bins, cols) }

func spectrogramIn(precision kernel.Precision, bins, cols int) *spectrogram {
	s := &spectrogram{Strips: kernel.NewStrips(bins, cols, precision)}
	s.total = sync.OnceValue(s.sum)
	return s
}

// readSpectrogram reads V, or its root where power is 1. It is an error if it cannot be
// factorised, see checkPower.
func readSpectrogram(ctx context.Context, v audiosep.Power, power int, beta, eps float64) (*spectrogram, error) {
	return readWith(ctx, v, power, beta, eps, nil)
}

// readWith is readSpectrogram where see, which may be nil, sees each block of V, columns from first
// on.
func readWith(ctx context.Context, v audiosep.Power, power int, beta, eps float64, see func(first int, v *mat.Dense)) (*spectrogram, error) {
	if err := checkShape(v.Bins(), v.Framing().Columns()); err != nil {
		return nil, err
	}
	s := newSpectrogram(v.Bins(), v.Framing().Columns())
	return s, s.read(ctx, v, power, beta, eps, see)
}

// read is what readWith does into columns that are there.
func (s *spectrogram) read(ctx context.Context, v audiosep.Power, power int, beta, eps float64, see func(first int, v *mat.Dense)) error {
	return audiosep.ReadPower(ctx, v, func(first int, v *mat.Dense) error {
		if err := checkBlock(v, first, beta, eps); err != nil {
			return err
		}
		if see != nil {
			see(first, v)
		}
		if power == 1 {
			setRoots(v, v)
		}
		s.Set(first, v.RawMatrix())
		return nil
	})
}

// set sets all columns to v's, or their roots where power is 1, with the same errors.
func (s *spectrogram) set(v *mat.Dense, power int, beta, eps float64) error {
	bins, _ := v.Dims()
	return inBlocks(v, func(first int, part *mat.Dense) error {
		if err := checkBlock(part, first, beta, eps); err != nil {
			return err
		}
		if power == 1 {
			_, n := part.Dims()
			roots := mat.NewDense(bins, n, nil)
			setRoots(roots, part)
			part = roots
		}
		s.Set(first, part.RawMatrix())
		return nil
	})
}

// layOut returns v, which has been checked.
func layOut(v *mat.Dense) *spectrogram {
	s := newSpectrogram(v.Dims())
	s.Set(0, v.RawMatrix())
	return s
}

// blockColumns is how many columns are checked and laid out at a time.
const blockColumns = 96

// inBlocks calls work with blocks of columns of v, several at a time, and returns the error of the
// first of them.
func inBlocks(v *mat.Dense, work func(first int, part *mat.Dense) error) error {
	bins, cols := v.Dims()
	return block.Run(context.Background(), cols, blockColumns, runtime.GOMAXPROCS(0), func() *error { return new(error) },
		func(_ context.Context, err *error, first, n int) error {
			*err = work(first, v.Slice(0, bins, first, first+n).(*mat.Dense))
			return nil
		},
		func(_ context.Context, err *error, _, _ int) error { return *err })
}

// setRoots sets dst to the root of each number of v.
func setRoots(dst, v *mat.Dense) {
	rows, _ := v.Dims()
	for i := range rows {
		row := dst.RawRowView(i)
		for j, x := range v.RawRowView(i) {
			row[j] = math.Sqrt(x)
		}
	}
}

// checkPower says why v cannot be factorised.
func checkPower(v *mat.Dense, beta, eps float64) error {
	if err := checkShape(v.Dims()); err != nil {
		return err
	}
	return inBlocks(v, func(first int, part *mat.Dense) error { return checkBlock(part, first, beta, eps) })
}

func checkShape(rows, cols int) error {
	if rows == 0 || cols == 0 {
		return &audiosep.ShapeError{What: "V", Is: fmt.Sprintf("%d×%d", rows, cols), Want: "at least one bin and one column"}
	}
	return nil
}

// checkBlock says why V cannot be factorised, by its columns from first on.
func checkBlock(v *mat.Dense, first int, beta, eps float64) error {
	raw, zeros := v.RawMatrix(), beta <= 0 && eps == 0
	for f := range raw.Rows {
		row := raw.Data[f*raw.Stride : f*raw.Stride+raw.Cols]
		if !zeros && positiveFinite(row) {
			continue
		}
		for n, x := range row {
			if !(x >= 0) || math.IsInf(x, 1) {
				return fmt.Errorf("the spectrogram has %v in bin %d, column %d; want finite numbers ≥ 0%s", x, f, first+n, outOfRange(x))
			}
			if x == 0 && zeros {
				return fmt.Errorf("the spectrogram is 0 in bin %d, column %d, and eps is 0; want eps above 0: with beta ≤ 0 nothing but 0 is at a finite divergence from 0", f, first+n)
			}
		}
	}
	return nil
}

// outOfRange says where a power comes from that is not finite.
func outOfRange(x float64) string {
	if x < 0 {
		return ""
	}
	return ": powers of samples beyond about 1e150 are out of the range of 64-bit floats, scale the recording down"
}

// positiveFinite tells whether all of x are finite, with the sign bit 0: as integers, their bits
// are below those of infinity.
func positiveFinite(x []float64) bool {
	var most uint64
	for _, x := range x {
		most = max(most, math.Float64bits(x))
	}
	return most < math.Float64bits(math.Inf(1))
}

// passes returns passes over s that several nmfs may share.
func (s *spectrogram) passes(beta, eps float64) *kernel.NMF {
	return s.NMF(beta, max(eps, leastEps(beta)))
}

// rowsSummed is how many rows are read at a time for what goes through V row by row.
const rowsSummed = 8

// Sum returns the sum of all numbers, added up row after row.
func (s *spectrogram) Sum() float64 { return s.total() }

// denseSum is a matrix with its sum.
type denseSum struct{ *mat.Dense }

func (d denseSum) Sum() float64 { return mat.Sum(d.Dense) }

func (s *spectrogram) sum() (sum float64) {
	bins, cols := s.Dims()
	rows := rowMajor(make([]float64, rowsSummed*cols), cols)
	for f := 0; f < bins; f += rowsSummed {
		rows.Rows = min(rowsSummed, bins-f)
		s.Get(rows, f, 0)
		for _, x := range rows.Data[:rows.Rows*cols] {
			sum += x
		}
	}
	return sum
}

// panelColumns is how many columns a panel has.
const panelColumns = 384

// eachPanel calls work with panels of columns of V, from left to right, the first of which is column
// first.
func (s *spectrogram) eachPanel(work func(first int, panel blas64.General)) {
	bins, cols := s.Dims()
	data := make([]float64, bins*min(panelColumns, cols))
	for first := 0; first < cols; first += panelColumns {
		n := min(panelColumns, cols-first)
		panel := rowMajor(data[:bins*n], n)
		s.Get(panel, 0, first)
		work(first, panel)
	}
}

// times sets y, F×k, to Vx.
func (s *spectrogram) times(y, x *mat.Dense) {
	y.Zero()
	s.eachPanel(func(first int, panel blas64.General) {
		part := x.Slice(first, first+panel.Cols, 0, x.RawMatrix().Cols).(*mat.Dense)
		blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, panel, part.RawMatrix(), 1, y.RawMatrix())
	})
}

// transposedTimes sets x, N×k, to Vᵀy.
func (s *spectrogram) transposedTimes(x, y *mat.Dense) {
	s.eachPanel(func(first int, panel blas64.General) {
		part := x.Slice(first, first+panel.Cols, 0, x.RawMatrix().Cols).(*mat.Dense)
		blas64.Gemm(blas.Trans, blas.NoTrans, 1, panel, y.RawMatrix(), 0, part.RawMatrix())
	})
}
