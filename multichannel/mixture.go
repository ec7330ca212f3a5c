package multichannel

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"

	"gonum.org/v1/gonum/floats"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/blocks"
	"github.com/audiosep/audiosep/internal/huge"
	"github.com/audiosep/audiosep/internal/kernel"
	"github.com/audiosep/audiosep/internal/lend"
	"github.com/audiosep/audiosep/internal/threads"
	"github.com/audiosep/audiosep/internal/wrap"
)

// mixture is the part of a recording that is learnt from, bin by bin, in memory.
type mixture struct {
	bins, channels, frames int
	stride                 int       // T: the frames, and zeros up to whole vectors
	x                      []float64 // [f][2C][T]: the real parts of all channels, then the imaginary ones
	low                    []float32 // the same in the place of x, to be multiplied by scale
	scale                  float64
	apart                  float64 // how far a frame begins from the one before, of a frame's length
	hum                    int     // the bins that may be hum, which are the first
	silent, copies         bool    // all channels; whether some are copies of others
}

// newMixture returns a mixture of zeros.
func newMixture(bins, channels, frames int, p Storage) *mixture {
	m := &mixture{bins: bins, channels: channels, frames: frames, stride: kernel.Padded(frames), scale: 1, apart: 1}
	if n := bins * 2 * channels * m.stride; p.single() {
		m.low = huge.Float32s(n)
	} else {
		m.x = huge.Floats(n)
	}
	return m
}

// bin returns bin f as a matrix of 2C×T.
func (m *mixture) bin(f int) kernel.Long {
	rows := 2 * m.channels
	if m.low != nil {
		return kernel.SingleLong(m.low[f*rows*m.stride:], rows, m.stride, m.scale)
	}
	return kernel.LongOf(matrix(m.x[f*rows*m.stride:], rows, m.stride))
}

// Storage says how precisely the coefficients that are learnt from are kept. In float32 each bin becomes
// float64 again, of a mean power of 1 over all bins, a few columns at a time while it is worked with.
type Storage struct {
	Precision string `json:"precision" oneof:"float32|float64" doc:"Of the coefficients in memory while the matrices are learnt: float32 has 24 bits of each, and 0 for what is below 2^-66 (1e-20) of their root mean square at most, in half the memory of float64. All that is computed from them is float64, and what is separated has all its bits."`
}

func defaultStorage() Storage { return Storage{"float32"} }

func (s Storage) single() bool { return s.Precision == "float32" }

// Excerpt says what part of a recording is learnt from.
type Excerpt struct {
	LearnFrom float64 `json:"learn_from" min:"0" max:"1e9" unit:"s" doc:"Where the part begins that the matrices are learnt from."`
	LearnFor  float64 `json:"learn_for" min:"0" max:"1e9" unit:"s" doc:"How long that part is; 0: to the end. All of the recording is separated; memory is needed for the part alone."`
}

// frames returns the first frame of the part and the number of frames.
func (e Excerpt) frames(f audiosep.Framing) (first, n int, err error) {
	return e.framesOf(f, f.Frames())
}

// framesOf is frames of a framing of total frames.
func (e Excerpt) framesOf(f audiosep.Framing, total int) (first, n int, err error) {
	first = int(e.LearnFrom * float64(f.Rate) / float64(f.Hop))
	n = total - first
	if e.LearnFor > 0 {
		n = min(n, max(1, int(math.Ceil(e.LearnFor*float64(f.Rate)/float64(f.Hop)))))
	}
	if n < 1 {
		return 0, 0, fmt.Errorf("learn_from is %g s, and the recording %.3g s long; want a part that is in it", e.LearnFrom, float64(f.Samples)/float64(f.Rate))
	}
	return first, n, nil
}

// readMixture reads the part of x that is learnt from and scales it to a mean power of 1.
// Realisations, which are recordings of one scene, stand one after the other as if they were
// one. It is an error if there is one channel only, or if the coefficients are real: a delay
// between microphones is a phase. Channels that tell nothing are warned of.
func readMixture(ctx context.Context, env audiosep.Env, x audiosep.Spectra, part Excerpt, p Storage) (*mixture, error) {
	f, t := x.Framing(), x.Transform()
	if !t.Complex() {
		return nil, fmt.Errorf("the coefficients are real; want complex ones, such as those of stft, in which a delay between microphones is a phase")
	}
	if f.Channels < 2 {
		return nil, fmt.Errorf("the recording has one channel; want at least two microphones, or a separator of one, such as wiener")
	}
	first, n, err := part.frames(f)
	if err != nil {
		return nil, err
	}
	m := newMixture(t.Bins(), f.Channels, n*f.Realisations, p)
	m.apart = min(1, float64(f.Hop)/float64(f.Length))
	if tuned, ok := wrap.As[audiosep.Tuned](t); ok {
		m.hum, _ = slices.BinarySearch(tuned.Frequencies(), humBelow/float64(f.Rate))
	}
	read := func(keep func(s *audiosep.Spectrogram, at int)) error {
		return eachBlock(ctx, x, first, n, keep)
	}
	if err := read(func(s *audiosep.Spectrogram, at int) { m.keep(s, at, n, 1) }); err != nil {
		return nil, err
	}
	power := m.power()
	if mean, most := power/m.numbers(), m.mostPower(); !(mean > 1/most && mean < most) {
		scale, err := intoRange(read)
		if err != nil {
			return nil, err
		}
		if m.low == nil {
			m.multiply(scale)
		} else if err := read(func(s *audiosep.Spectrogram, at int) { m.keep(s, at, n, scale) }); err != nil {
			return nil, err
		}
		power = m.power()
	}
	m.normalise(power)
	m.warn(env.Logger())
	return m, nil
}

// numbers returns how many coefficients there are.
func (m *mixture) numbers() float64 { return float64(m.bins * m.channels * m.frames) }

// eachBlock calls keep with runs of frames of x, several at a time, and how far from the first each
// begins.
func eachBlock(ctx context.Context, x audiosep.Spectra, first, n int, keep func(s *audiosep.Spectrogram, at int)) error {
	f := x.Framing()
	loan := lend.From(x.Transform())
	defer loan.GiveBack()
	size := blocks.Size(ctx, f.Length, f.Layers(), 1, n)
	return blocks.Run(ctx, n, size, loan.Blocks(), func() *audiosep.Spectrogram { return new(audiosep.Spectrogram) },
		func(ctx context.Context, s *audiosep.Spectrogram, at, count int) error {
			if err := x.Read(ctx, s, first+at, count); err != nil {
				return err
			}
			keep(s, at)
			return nil
		},
		func(context.Context, *audiosep.Spectrogram, int, int) error { return nil })
}

// keep puts a run of frames, times scale, where it belongs, frame at of n of each realisation.
func (m *mixture) keep(s *audiosep.Spectrogram, at, n int, scale float64) {
	for l, layer := range s.Layers {
		c, from := l%m.channels, l/m.channels*n+at
		for part, values := range [2][]float64{layer.Re, layer.Im} {
			first, apart := (part*m.channels+c)*m.stride+from, 2*m.channels*m.stride
			if m.low != nil {
				kernel.TransposeSingle(m.low[first:], apart, values, m.bins, s.N, m.bins, scale)
			} else {
				kernel.Transpose(m.x[first:], apart, values, m.bins, s.N, m.bins)
			}
		}
	}
}

// mostPower is the greatest mean power of coefficients that are kept as they are, and its inverse the
// least: with it what counts beside them is in the range of the numbers.
func (m *mixture) mostPower() float64 {
	if m.low != nil {
		return 0x1p120
	}
	return 0x1p900
}

// intoRange returns the power of two that takes the greatest number of all frames to between ½ and 1;
// 1 if they are zeros, and the greatest there is if that takes it less far. It is an error if some are not finite, as
// those of samples near the end of the range of numbers.
func intoRange(read func(keep func(s *audiosep.Spectrogram, at int)) error) (scale float64, err error) {
	var mu sync.Mutex
	var most float64
	err = read(func(s *audiosep.Spectrogram, _ int) {
		var own float64
		for _, layer := range s.Layers {
			for i, v := range layer.Re {
				own = max(own, math.Abs(v), math.Abs(layer.Im[i]))
			}
		}
		mu.Lock()
		defer mu.Unlock()
		most = max(most, own)
	})
	if most-most != 0 && err == nil {
		err = errors.New("the coefficients are beyond the range of numbers; want a recording that is not as loud")
	}
	return toUnit(most), err
}

// toUnit returns the power of two that takes x > 0 to between ½ and 1, or the greatest there is.
func toUnit(x float64) float64 {
	_, exponent := math.Frexp(x)
	return math.Ldexp(1, min(-exponent, 1023))
}

// power returns the sum of the powers of all coefficients.
func (m *mixture) power() float64 {
	powers := make([]float64, m.bins)
	type bench struct {
		dots kernel.Dots
		x    []float64
	}
	benches := make([]bench, runtime.GOMAXPROCS(0))
	threads.NewTeam().Do(m.bins, len(benches), func(worker, f int) {
		b := &benches[worker]
		if b.x == nil && m.low != nil {
			b.x = make([]float64, 2*m.channels*m.stride)
		}
		x := m.bin(f).Double(b.x).Data
		powers[f] = b.dots.Dot(x, x)
	})
	return sumOf(powers)
}

// normalise scales x, the sum of whose powers is known, to a mean power of 1.
func (m *mixture) normalise(power float64) {
	if power > 0 {
		m.scale = math.Sqrt(m.numbers() / power)
	}
	if m.low == nil {
		m.multiply(m.scale)
	}
}

// multiply scales x, which is float64.
func (m *mixture) multiply(scale float64) {
	threads.NewTeam().Do(m.bins, runtime.GOMAXPROCS(0), func(_, f int) {
		size := 2 * m.channels * m.stride
		floats.Scale(scale, m.x[f*size:(f+1)*size])
	})
}
