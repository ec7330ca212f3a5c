package transforms

import (
	"context"
	"fmt"
	"math"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/counted"
	"github.com/audiosep/audiosep/internal/fft"
)

var mdctStage = audiosep.Define("mdct",
	`Modified discrete cosine transform: real, with half as many bins as a frame has samples, so that frames that overlap by half make no more coefficients than there are samples (Princen, Johnson and Bradley, Subband/transform coding using filter bank designs based on time domain aliasing cancellation, ICASSP 1987).
Bin k lies at (k+½)/M of the sample rate. It wants the framer's window sine, kbd or another that is symmetric, and half a frame a whole number of hops. A frame by itself comes back with mirror images, which cancel where frames are joined; so there is no transform to hand on. Powers of one frame depend on phase, more than those of an stft.`,
	struct{}{}, func(struct{}) (MDCT, error) { return MDCT{}, nil }, audiosep.Lazy, audiosep.Local)

// MDCT is the stage mdct. Of windowed frames y of M = 2F samples its coefficients are
//
//	X[k] = √(2/F) Σ_n y[n] cos(π(2n+1+F)(2k+1)/(4F)), k = 0 … F-1,
//
// which is scipy.fft.dct(…, type=4, norm="ortho") of the folded frame where F is even. With a
// window whose squares add to 1, such as sine or kbd at half overlap, the coefficients have the
// power of the recording.
type MDCT struct{}

// MDCTIn is what mdct takes.
type MDCTIn struct {
	Frames *audiosep.Framed `port:"frames"`
}

// MDCTOut is what mdct makes.
type MDCTOut struct {
	Coefs audiosep.Spectra `port:"coefs"`
	Power audiosep.Power   `port:"power"`
}

// Run refuses frames that would not come back when they are joined.
func (MDCT) Run(ctx context.Context, env audiosep.Env, in MDCTIn) (out MDCTOut, err error) {
	f := in.Frames.Framing
	if err := aliasesCancel(f); err != nil {
		return out, err
	}
	bins := f.Length / 2
	t, err := planned(ctx, f.Length, func() *mdct {
		return &mdct{shape{len: f.Length, bins: bins}, fft.NewMDCT(bins), fft.NewMDCTInverse(bins)}
	})
	if err != nil {
		return out, err
	}
	x, err := audiosep.NewSpectra(in.Frames, t)
	if err != nil {
		return out, err
	}
	return MDCTOut{x, audiosep.PowerOf(x, env.Report)}, nil
}

// aliasesCancel says why the mirror images of frames cut so would not cancel, or nil. Half a frame
// apart, sample n of the one and n+F of the other are the same sample of the recording, and have
// the mirror images s[n]a[F-1-n] and s[n+F]a[2F-1-n] of it, with opposite signs.
func aliasesCancel(f audiosep.Framing) error {
	bins := f.Length / 2
	switch {
	case f.Length%2 == 1:
		return fmt.Errorf("frames are %s long; want an even number for an MDCT", counted.Of(f.Length, "sample"))
	case bins%f.Hop != 0:
		return fmt.Errorf("frames of %s are %d apart, of which half a frame, %d, is no multiple; want an overlap of 0.5, 0.75 or the like", counted.Of(f.Length, "sample"), f.Hop, bins)
	case f.Pad < f.Length-f.Hop:
		return fmt.Errorf("%d zeros stand before the recording; want %d, so that its first samples are in as many frames as others: use grids 1", f.Pad, f.Length-f.Hop)
	}
	var most, off float64
	for n := range bins {
		first, second := f.Synthesis[n]*f.Analysis[bins-1-n], f.Synthesis[n+bins]*f.Analysis[f.Length-1-n]
		most, off = max(most, math.Abs(first), math.Abs(second)), max(off, math.Abs(first-second))
	}
	if !(off <= 1e-12*most) {
		return fmt.Errorf("the frames have windows with which the mirror images of an MDCT do not cancel, by %.2g of the greatest; want a symmetric one, the same for synthesis: sine, kbd, or others with symmetry symmetric", off/most)
	}
	return nil
}

// mdct undoes frames together only: what Inverse makes of one has mirror images in it.
type mdct struct {
	shape
	forward, inverse *fft.Plan
}

func (t *mdct) Forward(ctx context.Context, dst audiosep.Coefs, src []float64) error {
	n, err := t.frames(src, dst)
	if err != nil {
		return err
	}
	return eachRun(ctx, n, t.len, func(i, j int) {
		t.forward.Run(dst.Re[i*t.bins:j*t.bins], nil, src[i*t.len:j*t.len], nil)
	})
}

func (t *mdct) Inverse(ctx context.Context, dst []float64, src audiosep.Coefs) error {
	n, err := t.frames(dst, src)
	if err != nil {
		return err
	}
	return eachRun(ctx, n, t.len, func(i, j int) {
		t.inverse.Run(dst[i*t.len:j*t.len], nil, src.Re[i*t.bins:j*t.bins], nil)
	})
}

// Frequencies returns where the cosine of each bin lies, as part of the sample rate.
func (t *mdct) Frequencies() []float64 {
	hz := make([]float64, t.bins)
	for k := range hz {
		hz[k] = (float64(k) + 0.5) / float64(t.len)
	}
	return hz
}
