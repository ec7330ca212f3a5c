package audiosep

import (
	"context"
	"fmt"
	"math"
	"sync"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep/internal/blocks"
	"github.com/audiosep/audiosep/internal/counted"
	"github.com/audiosep/audiosep/internal/huge"
	"github.com/audiosep/audiosep/internal/lend"
	"github.com/audiosep/audiosep/internal/wrap"
)

// Framed is a recording and how it is cut into frames. They are cut when they are read.
type Framed struct {
	Source  Source
	Framing Framing // its Head is the source's
}

// Read fills dst with the n windowed frames of every layer from frame first on, as
// [Framing.Cut] does. It may be called from several goroutines at once, each with its own
// dst.
func (f *Framed) Read(ctx context.Context, dst *Frames, first, n int) error {
	return f.Framing.Cut(ctx, dst, f.Source, first, n)
}

// SampleError says that a recording has a sample that is not finite. Its maker is to blame,
// not the stage that read it.
type SampleError struct {
	Layer, Channel, Sample int // counted from 0
	Value                  float64
}

func (e *SampleError) Error() string {
	return fmt.Sprintf("sample %d of channel %d is not a finite number", e.Sample, e.Channel)
}

// blame has the pipeline that src is from, if it is from one, say in which stage err is.
func blame(src Source, err error) error {
	if b, ok := src.(interface{ Blame(error) error }); ok {
		return b.Blame(err)
	}
	return err
}

// notFinite returns the index of the first NaN or infinity of x, or -1.
func notFinite(x []float64) int {
	if sum := floats.Sum(x); sum-sum == 0 { // else one of x is not finite, or their sum is too great
		return -1
	}
	for i, v := range x {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return i
		}
	}
	return -1
}

// Spectra are the coefficients of all frames of a recording, X = ΦY, read when needed: any
// run of frames, every layer, from any goroutine.
type Spectra interface {
	Framing() Framing
	// Transform is what made the coefficients, and undoes them.
	Transform() Transform
	// Read fills dst with the n frames from frame first on, 0 ≤ first, first+n ≤ N. It
	// reuses dst's storage; a zero Spectrogram is filled anew. A frame's bits do not depend
	// on the run that it is read in.
	Read(ctx context.Context, dst *Spectrogram, first, n int) error
}

// NewSpectra returns the coefficients of frames under a transform. It is an error if they
// differ in length.
func NewSpectra(f *Framed, t Transform) (Spectra, error) {
	if t.Len() != f.Framing.Length {
		return nil, &ShapeError{What: "the transform", Is: fmt.Sprintf("for frames of %s", counted.Of(t.Len(), "sample")), Want: fmt.Sprint(f.Framing.Length)}
	}
	return &FramedSpectra{f, t}, nil
}

// FramedSpectra are the Spectra that NewSpectra returns.
type FramedSpectra struct {
	Framed *Framed
	By     Transform
}

// Framing returns how the frames were cut.
func (x *FramedSpectra) Framing() Framing { return x.Framed.Framing }

// Transform returns what makes the coefficients.
func (x *FramedSpectra) Transform() Transform { return x.By }

// Read cuts n frames from frame first on and transforms those of all layers in one call.
func (x *FramedSpectra) Read(ctx context.Context, dst *Spectrogram, first, n int) error {
	dst.Reset(x.Framed.Framing, x.By, first, n)
	run := n * x.By.Len()
	if layers := len(dst.Layers); cap(dst.y) < layers*run {
		dst.y = dst.loan.Numbers(layers * run)
	}
	dst.y = dst.y[:len(dst.Layers)*run]
	dst.frames.Data = resize(dst.frames.Data, len(dst.Layers), 0)
	for l := range dst.Layers {
		dst.frames.Data[l] = dst.y[l*run : (l+1)*run]
	}
	if err := x.Framed.Read(ctx, &dst.frames, first, n); err != nil {
		return err
	}
	return x.By.Forward(WithPlace(ctx, Place{First: first, N: n, Layers: len(dst.Layers), Sources: 1, Count: n * len(dst.Layers)}), dst.all, dst.y)
}

// cutFrom sets dst[layer] to the samples from at on that the frames of s were cut from. It returns false
// where s does not have them.
func (s *Spectrogram) cutFrom(dst [][]float64, at int) bool {
	x, from := s.frames.samples, s.First*s.Framing.Hop-s.Framing.Pad
	if s.frames.First != s.First || s.frames.N != s.N || len(x) != len(dst) || at < from || at+len(dst[0]) > from+len(x[0]) {
		return false
	}
	for l := range dst {
		copy(dst[l], x[l][at-from:])
	}
	return true
}

// Reset makes s n frames of t from frame first on, with storage for the coefficients of
// all layers, which stand one after the other and have any value. It is for those who
// implement Spectra.
func (s *Spectrogram) Reset(f Framing, t Transform, first, n int) {
	layers, bins := f.Layers(), t.Bins()
	s.Framing, s.Transform, s.First, s.N = f, t, first, n
	size := layers * n * bins
	s.all.Re = s.sized(s.all.Re, size)
	if t.Complex() {
		s.all.Im = s.sized(s.all.Im, size)
	} else {
		s.all.Im = nil
	}
	s.Layers = s.Layers[:0]
	for l := range layers {
		s.Layers = append(s.Layers, s.all.Slice(l*n, (l+1)*n, bins))
	}
}

// sized returns n numbers in x's storage where that is enough.
func (s *Spectrogram) sized(x []float64, n int) []float64 {
	if cap(x) < n {
		return s.loan.Numbers(n)
	}
	return x[:n]
}

// Power is V, F×N/S, the mean of |X|² over the layers and over the S frames that share a
// column, and what its axes mean. It is read when needed, from any goroutine.
type Power interface {
	Framing() Framing
	// Bins returns F, Hz the frequency of each bin, nil where bins have none, as those of
	// a learnt Φ.
	Bins() int
	Hz() []float64
	// V returns all of it. It is computed once, and not to be modified. [ReadPower] reads all of
	// it without keeping it.
	V(ctx context.Context) (*mat.Dense, error)
	// Columns sets dst, F×n, to the columns from first on, without computing the others.
	Columns(ctx context.Context, dst *mat.Dense, first int) error
}

// Tuned may be implemented by a Transform whose bins each have a frequency.
type Tuned interface {
	// Frequencies returns that of each bin, F of them, as part of the sample rate: 0 to ½.
	Frequencies() []float64
}

// frequencies returns the frequency of each bin in Hz, or nil.
func frequencies(t Transform, rate int) []float64 {
	var hz []float64
	if tuned, ok := wrap.As[Tuned](t); ok {
		hz = tuned.Frequencies()
	}
	if hz == nil {
		return nil
	}
	all := make([]float64, len(hz))
	for i, f := range hz {
		all[i] = f * float64(rate)
	}
	return all
}

// PowerOf returns the power of coefficients. report, which may be nil, is told how far the
// computation of V is.
func PowerOf(x Spectra, report func(Step)) Power { return &spectraPower{x: x, report: report} }

// spectraPower is the power of coefficients.
type spectraPower struct {
	x       Spectra
	report  func(Step) // how far V is; may be nil
	scratch sync.Pool  // of *Spectrogram, where no memory is lent

	mu sync.Mutex
	v  *mat.Dense
}

// Spectra returns what p is the power of.
func (p *spectraPower) Spectra() Spectra { return p.x }

// Unwrap returns what p is computed with.
func (p *spectraPower) Unwrap() any { return p.x.Transform() }

func (p *spectraPower) Framing() Framing { return p.x.Framing() }
func (p *spectraPower) Bins() int        { return p.x.Transform().Bins() }
func (p *spectraPower) Hz() []float64    { return frequencies(p.x.Transform(), p.x.Framing().Rate) }

func (p *spectraPower) V(ctx context.Context) (*mat.Dense, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.v != nil {
		return p.v, nil
	}
	f := p.Framing()
	total := f.Frames()
	if total == 0 {
		return nil, errNoFrames
	}
	v := mat.NewDense(p.Bins(), f.Columns(), huge.Floats(p.Bins()*f.Columns()))
	loan := lend.From(p.x.Transform())
	defer loan.GiveBack()
	err := blocks.Run(ctx, total, blocks.Size(ctx, f.Length, f.Layers(), f.Share, total), loan.Blocks(), func() *Spectrogram { return &Spectrogram{loan: loan} },
		func(ctx context.Context, s *Spectrogram, first, n int) error {
			if err := p.x.Read(ctx, s, first, n); err != nil {
				return err
			}
			return s.Power(columns(v, first/f.Share, n/f.Share))
		},
		func(_ context.Context, _ *Spectrogram, first, n int) error {
			if p.report != nil {
				p.report(Step{Done: first + n, Of: total, Objective: math.NaN()})
			}
			return nil
		})
	if err != nil {
		return nil, err
	}
	p.v = v
	return v, nil
}

func (p *spectraPower) Columns(ctx context.Context, dst *mat.Dense, first int) error {
	_, n := dst.Dims()
	p.mu.Lock()
	v := p.v
	p.mu.Unlock()
	if v != nil {
		dst.Copy(columns(v, first, n))
		return nil
	}
	s, _ := p.scratch.Get().(*Spectrogram)
	if s == nil {
		s = new(Spectrogram)
	}
	if loan := lend.From(p.x.Transform()); loan != nil {
		s = &Spectrogram{loan: loan}
		defer loan.GiveBack()
	} else {
		defer p.scratch.Put(s)
	}
	f := p.Framing()
	size := blocks.Size(ctx, f.Length, f.Layers(), f.Share, n*f.Share) / f.Share // many columns have more frames than need be in memory
	for from := 0; from < n; from += size {
		part := columns(dst, from, min(size, n-from))
		if err := p.x.Read(ctx, s, (first+from)*f.Share, part.RawMatrix().Cols*f.Share); err != nil {
			return err
		}
		if err := s.Power(part); err != nil {
			return err
		}
	}
	return nil
}

// columns returns n columns of v from the first on, sharing storage.
func columns(v *mat.Dense, first, n int) *mat.Dense {
	rows, _ := v.Dims()
	return v.Slice(0, rows, first, first+n).(*mat.Dense)
}

// NewPower returns V, in memory, as Power of frames cut as f says. hz may be nil.
func NewPower(v *mat.Dense, f Framing, hz []float64) Power { return &wholePower{v, f, hz} }

type wholePower struct {
	v  *mat.Dense
	f  Framing
	hz []float64
}

func (p *wholePower) Framing() Framing                      { return p.f }
func (p *wholePower) Bins() int                             { f, _ := p.v.Dims(); return f }
func (p *wholePower) Hz() []float64                         { return p.hz }
func (p *wholePower) V(context.Context) (*mat.Dense, error) { return p.v, nil }
func (p *wholePower) Columns(_ context.Context, dst *mat.Dense, first int) error {
	_, n := dst.Dims()
	if _, all := p.v.Dims(); first+n > all {
		return &ShapeError{"V", fmt.Sprintf("%d×%d", p.Bins(), all), fmt.Sprintf("%s, as its framing has", counted.Of(p.f.Columns(), "column"))}
	}
	dst.Copy(columns(p.v, first, n))
	return nil
}

// FittedTransform is a transform and how the frames were cut that it is for.
type FittedTransform struct {
	Transform Transform
	Framing   *Framing // nil: not known
}
