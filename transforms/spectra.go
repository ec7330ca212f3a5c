package transforms

import (
	"context"

	"github.com/audiosep/audiosep"
)

// Frame returns the parameters of frames of so many samples, that share so large a part
// with the next, 0 ≤ overlap < 1, under a window such as "hann".
func Frame(length int, overlap float64, window string) FrameParams {
	p := DefaultFrame()
	p.Length, p.Overlap, p.Window = &length, &overlap, window
	return p
}

// STFT returns the short-time Fourier transform of a recording, which is computed when it
// is read.
func STFT(ctx context.Context, src audiosep.Source, frame FrameParams) (audiosep.Spectra, error) {
	t, err := NewSTFT(DefaultSTFT())
	if err != nil {
		return nil, err
	}
	return Spectra(ctx, src, frame, t)
}

// DCT returns the discrete cosine transform, of type II, of the frames of a recording.
func DCT(ctx context.Context, src audiosep.Source, frame FrameParams) (audiosep.Spectra, error) {
	t, err := NewDCT(DefaultDCT())
	if err != nil {
		return nil, err
	}
	return Spectra(ctx, src, frame, t)
}

// Spectra returns the coefficients of a recording under any transform.
func Spectra(ctx context.Context, src audiosep.Source, frame FrameParams, t audiosep.Transformer) (audiosep.Spectra, error) {
	framer, err := NewFrame(frame)
	if err != nil {
		return nil, err
	}
	return audiosep.Analyse(ctx, src, framer, t)
}
