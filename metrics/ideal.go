package metrics

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"

	"gonum.org/v1/gonum/dsp/fourier"

	"github.com/audiosep/audiosep"
)

// IdealMask names a mask that is made of the references: no method that puts a mask of
// its kind on the mixture does much better.
type IdealMask string

// The ideal masks, of the short-time spectra S_j of the references, for each channel,
// frame and bin.
const (
	IBM IdealMask = "ibm" // binary: 1 for the reference with the greatest |S_j|, 0 for the others
	IRM IdealMask = "irm" // ratio: |S_j|² / Σ_i |S_i|², a Wiener filter; 1/J where all are silent
)

// Doc says in words what the mask does.
func (m IdealMask) Doc() string {
	return map[IdealMask]string{
		IBM: "of ideal binary masks, an upper bound",
		IRM: "of ideal ratio masks, an upper bound",
	}[m]
}

// The frames of ideal masks, in samples: periodic Hann windows, before the transform and
// after its inverse, as long as those in the oracles of SiSEC 2018 (Stöter, Liutkus, Ito).
const (
	idealLength = 2048
	idealHop    = idealLength / 2
)

// Ideal returns the estimates that an ideal mask makes of the mixture, one for each
// reference, which sum to it; nil for a mixture is the sum of the references. All must
// have one rate, length and number of channels. Estimates are computed as they are read,
// from any goroutine.
func Ideal(ctx context.Context, refs []audiosep.Source, mixture audiosep.Source, mask IdealMask) ([]audiosep.Source, error) {
	if mask.Doc() == "" {
		return nil, fmt.Errorf("the ideal mask is %q; want ibm or irm", mask)
	}
	if len(refs) == 0 {
		return nil, errors.New("there are no references; want at least one")
	}
	s, err := open(ctx, refs, refs, mixture, Options{})
	if err != nil {
		return nil, err
	}
	m := &idealMasks{signals: s, mask: mask, window: make([]float64, idealLength)}
	for t := range m.window {
		m.window[t] = math.Pow(math.Sin(math.Pi*float64(t)/idealLength), 2)
	}
	m.scratch.New = func() any { return m.newScratch() }
	var estimates []audiosep.Source
	for j := range refs {
		estimates = append(estimates, idealEstimate{m, j})
	}
	return estimates, nil
}

type idealMasks struct {
	*signals
	mask    IdealMask
	window  []float64
	scratch sync.Pool
}

type idealScratch struct {
	fft     *fourier.FFT // not for several goroutines at once
	frame   []float64
	spectra [][]complex128 // [reference], then the mixture's
}

func (m *idealMasks) newScratch() *idealScratch {
	return &idealScratch{fourier.NewFFT(idealLength), make([]float64, idealLength), planes[complex128](m.refs+1, idealLength/2+1)}
}

// idealEstimate is what the mask of a reference lets through.
type idealEstimate struct {
	*idealMasks
	j int
}

// Head says what the estimate is. It is named after the mask.
func (e idealEstimate) Head(context.Context) (audiosep.Head, error) {
	return audiosep.Head{Rate: e.rate, Samples: e.samples, Channels: e.channels, Realisations: 1, Names: []string{string(e.mask)}}, nil
}

// ReadAt fills dst[channel] with the samples from at on; zeros outside the recording.
func (e idealEstimate) ReadAt(ctx context.Context, dst [][]float64, at int) error {
	for _, d := range dst {
		clear(d)
	}
	from, to := max(at, 0), min(at+len(dst[0]), e.samples)
	if from >= to {
		return ctx.Err()
	}
	// Frame f has the samples from (f-1)·hop on, so that two frames hold every sample.
	first, last := from/idealHop, (to-1)/idealHop+1
	start := (first - 1) * idealHop
	x := make([][][]float64, e.refs+1)
	for i := range x {
		x[i] = planes[float64](e.channels, (last-first)*idealHop+idealLength)
	}
	if err := e.readAll(ctx, x, start); err != nil {
		return err
	}
	sc := e.scratch.Get().(*idealScratch)
	defer e.scratch.Put(sc)
	for c, d := range dst {
		for f := first; f <= last; f++ {
			e.addFrame(d[from-at:to-at], x, c, sc, (f-1)*idealHop, start, from)
		}
	}
	return nil
}

// readAll fills x[reference][channel] and, behind the references, the mixture.
func (e idealEstimate) readAll(ctx context.Context, x [][][]float64, at int) error {
	whole := span{0, e.samples}
	for i := range e.refs {
		if err := e.read(ctx, x[i], i, whole, at); err != nil {
			return err
		}
	}
	if len(e.sources) > 2*e.refs {
		return e.read(ctx, x[e.refs], 2*e.refs, whole, at)
	}
	for c, sum := range x[e.refs] {
		for i := range e.refs {
			for t, v := range x[i][c] {
				sum[t] += v
			}
		}
	}
	return nil
}

// addFrame adds the masked frame at sample at to d, which starts at sample from; x starts
// at sample start.
func (e idealEstimate) addFrame(d []float64, x [][][]float64, c int, sc *idealScratch, at, start, from int) {
	for i, spectrum := range sc.spectra {
		for t, v := range x[i][c][at-start:][:idealLength] {
			sc.frame[t] = v * e.window[t]
		}
		sc.fft.Coefficients(spectrum, sc.frame)
	}
	out := sc.spectra[e.refs]
	for k := range out {
		out[k] *= complex(e.share(sc.spectra[:e.refs], k), 0)
	}
	sc.fft.Sequence(sc.frame, out)
	for t := max(0, from-at); t < min(idealLength, from+len(d)-at); t++ {
		w, other := e.window[t], e.window[(t+idealHop)%idealLength]
		d[at+t-from] += sc.frame[t] * w / (idealLength * (w*w + other*other))
	}
}

// share is the mask of reference j in a bin.
func (e idealEstimate) share(spectra [][]complex128, k int) float64 {
	power := func(j int) float64 { z := spectra[j][k]; return real(z)*real(z) + imag(z)*imag(z) }
	sum, best := 0.0, 0
	for i := range spectra {
		sum += power(i)
		if power(i) > power(best) {
			best = i
		}
	}
	switch {
	case e.mask == IBM && best == e.j:
		return 1
	case e.mask == IBM:
		return 0
	case sum == 0:
		return 1 / float64(e.refs)
	}
	return power(e.j) / sum
}
