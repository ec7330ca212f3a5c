// Package scene lays frames out for learning an orthogonal transform from them.
package scene

import (
	"context"
	"fmt"
	"math"

	"github.com/audiosep/audiosep/internal/kernel"
	"github.com/audiosep/audiosep/internal/orthogonal"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/mat"
)

// Scene is a set of frames as a matrix: a frame in each column, and the frames that count as
// realisations of one column of V side by side. Where the frames span fewer than M dimensions
// it may hold their coordinates in the span. That suffices to learn Φ: outside the span there
// is no power, so the rows of Φ there can be any that complete it.
type Scene struct {
	Samples   int        // M
	Cols, Per int        // columns of V; frames to each
	Y         *mat.Dense // r×(Cols·Per), r ≤ M: frame p of column j stands at j·Per+p
	Basis     *mat.Dense // M×M, orthogonal; its first r rows span the frames; nil while r is M
	Rest      float64    // power outside the span, summed over the columns
	Scale     float64    // powers of these frames over those with the window divided by its sum
}

// Longest is the greatest M of a Φ that is learnt: it then has 2 GiB.
const Longest = 1 << 14

// loudest is the greatest sample of a frame: sums of powers of such are finite.
const loudest = 1e150

// New lays out frames of m samples, layers[layer][n·m+i]: share frames of each layer, at
// least 1, make a column. window is the analysis window they were cut with. It is an error
// if m is above Longest, if there are no frames or not whole groups of share, or if a sample is not finite.
func New(layers [][]float64, m, share int, window []float64) (*Scene, error) {
	if m == 0 || len(layers) == 0 || len(layers[0]) < m {
		return nil, fmt.Errorf("the recording is %d layers of frames of %d samples; want at least one frame", len(layers), m)
	}
	if m > Longest {
		return nil, fmt.Errorf("the frames are %d samples long, so that Φ has %.3g numbers, %.3g GB, and several as large are needed besides; want at most %d samples", m, float64(m)*float64(m), 8e-9*float64(m)*float64(m), Longest)
	}
	share, frames := max(1, share), len(layers[0])/m
	if frames%share != 0 {
		return nil, fmt.Errorf("the run of frames is %d; want whole groups of %d", frames, share)
	}
	s := &Scene{Samples: m, Cols: frames / share, Per: share * len(layers), Scale: windowPower(window)}
	s.Y = mat.NewDense(m, s.Frames(), nil)
	raw := s.Y.RawMatrix()
	for l, data := range layers {
		if len(data) != len(layers[0]) {
			return nil, fmt.Errorf("layer %d is %d samples long; want %d, as the first", l, len(data), len(layers[0]))
		}
		for n := range frames {
			at := n/share*s.Per + l*share + n%share
			for i, a := range data[n*m : (n+1)*m] {
				if math.IsNaN(a) || math.IsInf(a, 0) {
					return nil, fmt.Errorf("sample %d of frame %d of layer %d is %v; want finite numbers", i, n, l, a)
				}
				if a > loudest || a < -loudest {
					return nil, fmt.Errorf("sample %d of frame %d of layer %d is %.3g; want at most %g, whose powers are within 64-bit floats: scale the recording down", i, n, l, a, loudest)
				}
				raw.Data[i*raw.Stride+at] = a
			}
		}
	}
	return s, nil
}

// Block returns the scene with the frames of each n columns together in one. The last column
// is filled up with frames of zeros.
func (s *Scene) Block(n int) *Scene {
	b := *s
	b.Cols, b.Per = (s.Cols+n-1)/n, n*s.Per
	if b.Frames() > s.Frames() {
		b.Y = mat.NewDense(s.Rows(), b.Frames(), nil)
		b.Y.Slice(0, s.Rows(), 0, s.Frames()).(*mat.Dense).Copy(s.Y)
	}
	return &b
}

// Frames returns Cols·Per.
func (s *Scene) Frames() int { return s.Cols * s.Per }

// Rows returns r, the dimensions in which the frames are given.
func (s *Scene) Rows() int { r, _ := s.Y.Dims(); return r }

// windowPower returns the square of the window's sum.
func windowPower(window []float64) float64 {
	var sum float64
	for _, a := range window {
		sum += a
	}
	if sum == 0 {
		return 1
	}
	return sum * sum
}

// most is the part of the M dimensions up to which it is worth reducing to the span.
const most = 0.75

// The power that may lie outside the span, summed over the columns, as part of eps: aimed is
// wanted; where rounding of the covariance hides so little, up to borne is accepted.
const (
	aimed = 1e-10
	borne = 1e-2
)

// Reduce replaces the frames by their coordinates in their span, if that has few dimensions
// and the power left out is negligible beside eps, which is added to every coefficient.
func (s *Scene) Reduce(eps float64) {
	gram := mat.NewDense(s.Samples, s.Samples, nil)
	y := s.Y.RawMatrix()
	kernel.Gemm(blas.NoTrans, blas.Trans, 1/float64(s.Per), y, y, 0, gram.RawMatrix())
	rounding := 1e-15 * float64(s.Samples) * mat.Trace(gram)
	if rounding > borne*eps {
		return
	}
	sym := mat.NewSymDense(s.Samples, gram.RawMatrix().Data)
	basis, rank, rest := orthogonal.Span(sym, max(aimed*eps, rounding), int(most*float64(s.Samples)))
	if basis == nil {
		return
	}
	reduced := mat.NewDense(rank, s.Frames(), nil)
	kernel.Gemm(blas.NoTrans, blas.NoTrans, 1, firstRows(basis, rank).RawMatrix(), y, 0, reduced.RawMatrix())
	s.Y, s.Basis, s.Rest = reduced, basis, rest
}

// Complete returns the M×M transform that is psi, r×r, in the coordinates of the scene,
// orthogonal to rounding: its first r rows, then rows outside the span.
func (s *Scene) Complete(ctx context.Context, psi *mat.Dense) (*mat.Dense, error) {
	phi := mat.DenseCopyOf(psi)
	if err := orthogonal.Polar(ctx, phi); err != nil || s.Basis == nil {
		return phi, err
	}
	whole := mat.DenseCopyOf(s.Basis)
	r := s.Rows()
	kernel.Gemm(blas.NoTrans, blas.NoTrans, 1, phi.RawMatrix(), firstRows(s.Basis, r).RawMatrix(), 0, firstRows(whole, r).RawMatrix())
	return whole, orthogonal.Polar(ctx, whole)
}

// firstRows returns the first n rows of a, sharing storage.
func firstRows(a *mat.Dense, n int) *mat.Dense {
	_, cols := a.Dims()
	return a.Slice(0, n, 0, cols).(*mat.Dense)
}
