package transforms

import (
	"context"
	"fmt"
	"math"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/counted"
	"github.com/audiosep/audiosep/internal/fft"
)

// STFTParams are the parameters of the stage stft.
type STFTParams struct {
	Size *int `json:"size" unit:"samples" min:"1" max:"1048576" doc:"Length of the DFT, at least that of a frame, which is filled up with zeros. Left open: the length of a frame."`
}

var stftStage = audiosep.Define("stft",
	"Discrete Fourier transform of the frames, so with a framer a short-time Fourier transform. Complex, one-sided: F = size/2+1 bins, bin k at k/size of the sample rate.",
	DefaultSTFT(), NewSTFT)

// DefaultSTFT returns the defaults of stft.
func DefaultSTFT() STFTParams { return STFTParams{} }

// NewSTFT returns the maker of one-sided discrete Fourier transforms
//
//	X[k] = 1/√size · Σ_n y[n] exp(-2πi·kn/size), k = 0 … size/2,
//
// with y followed by zeros up to size: numpy.fft.rfft(y, size, norm="ortho"). The two
// halves of the spectrum together keep the power of the frame; |X[k]|² is that of one
// half and is not doubled, so Σ y² = Σ c_k |X[k]|² with c = 1 at 0 and size/2, else 2.
//
// The inverse is the least-squares one: of a spectrum that belongs to no frame it
// makes the frame whose spectrum is nearest. A Size out of its range is an error.
func NewSTFT(p STFTParams) (audiosep.Transformer, error) {
	if err := audiosep.CheckStruct(p); err != nil {
		return nil, err
	}
	return p, nil
}

// Transform returns the DFT of frames of m samples.
func (p STFTParams) Transform(ctx context.Context, m int) (audiosep.Transform, error) {
	if m < 1 {
		return nil, fmt.Errorf("frames are %s long; want at least 1", counted.Of(m, "sample"))
	}
	size := m
	if p.Size != nil {
		size = *p.Size
	}
	if size < m {
		return nil, &audiosep.ParamError{Name: "size", What: fmt.Sprintf("is %d; want at least %d samples, the length of a frame", size, m)}
	}
	scale := 1 / math.Sqrt(float64(size))
	t, err := planned(ctx, size, func() *stft {
		return &stft{
			shape:   shape{len: m, bins: size/2 + 1, complex: true},
			size:    size,
			forward: fft.NewReal(m, size, scale),
			inverse: fft.NewRealInverse(m, size, scale),
		}
	})
	if err != nil {
		return nil, err
	}
	return t, nil
}

type stft struct {
	shape
	size             int // of the DFT
	forward, inverse *fft.Plan
}

// Frequencies returns k/size for each bin.
func (t *stft) Frequencies() []float64 {
	hz := make([]float64, t.bins)
	for k := range hz {
		hz[k] = float64(k) / float64(t.size)
	}
	return hz
}

func (t *stft) Forward(ctx context.Context, dst audiosep.Coefs, src []float64) error {
	n, err := t.frames(src, dst)
	if err != nil {
		return err
	}
	return eachRun(ctx, n, t.bins, func(i, j int) {
		x := dst.Slice(i, j, t.bins)
		t.forward.Run(x.Re, x.Im, src[i*t.len:j*t.len], nil)
	})
}

func (t *stft) Inverse(ctx context.Context, dst []float64, src audiosep.Coefs) error {
	n, err := t.frames(dst, src)
	if err != nil {
		return err
	}
	return eachRun(ctx, n, t.bins, func(i, j int) {
		x := src.Slice(i, j, t.bins)
		t.inverse.Run(dst[i*t.len:j*t.len], nil, x.Re, x.Im)
	})
}
