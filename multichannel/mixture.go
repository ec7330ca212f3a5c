package multichannel

import (
	"context"
	"fmt"
	"math"
	"runtime"

	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/blocks"
	"github.com/audiosep/audiosep/internal/huge"
	"github.com/audiosep/audiosep/internal/kernel"
	"github.com/audiosep/audiosep/internal/lend"
	"github.com/audiosep/audiosep/internal/threads"
)

// mixture is the part of a recording that is learnt from, bin by bin, in memory.
type mixture struct {
	bins, channels, frames int
	stride                 int       // T: the frames, and zeros up to whole vectors
	x                      []float64 // [f][2C][T]: the real parts of all channels, then the imaginary ones
	scale                  float64   // what x was multiplied by
}

// newMixture returns a mixture of zeros.
func newMixture(bins, channels, frames int) *mixture {
	stride := kernel.Padded(frames)
	return &mixture{bins: bins, channels: channels, frames: frames, stride: stride, scale: 1, x: huge.Floats(bins * 2 * channels * stride)}
}

// bin returns bin f as a matrix of 2C×T.
func (m *mixture) bin(f int) blas64.General {
	rows := 2 * m.channels
	return matrix(m.x[f*rows*m.stride:], rows, m.stride)
}

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
// between microphones is a phase.
func readMixture(ctx context.Context, x audiosep.Spectra, part Excerpt) (*mixture, error) {
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
	m := newMixture(t.Bins(), f.Channels, n*f.Realisations)
	loan := lend.From(t)
	defer loan.GiveBack()
	size := blocks.Size(ctx, f.Length, f.Layers(), 1, n)
	err = blocks.Run(ctx, n, size, loan.Blocks(), func() *audiosep.Spectrogram { return new(audiosep.Spectrogram) },
		func(ctx context.Context, s *audiosep.Spectrogram, at, count int) error {
			if err := x.Read(ctx, s, first+at, count); err != nil {
				return err
			}
			m.keep(s, at, n)
			return nil
		},
		func(context.Context, *audiosep.Spectrogram, int, int) error { return nil })
	if err != nil {
		return nil, err
	}
	m.normalise()
	return m, nil
}

// keep puts a run of frames where it belongs, frame at of n of each realisation.
func (m *mixture) keep(s *audiosep.Spectrogram, at, n int) {
	for l, layer := range s.Layers {
		c, from := l%m.channels, l/m.channels*n+at
		for part, values := range [2][]float64{layer.Re, layer.Im} {
			rows := m.x[(part*m.channels+c)*m.stride+from:]
			kernel.Transpose(rows, 2*m.channels*m.stride, values, m.bins, s.N, m.bins)
		}
	}
}

// normalise scales x to a mean power of 1.
func (m *mixture) normalise() {
	team, powers := threads.NewTeam(), make([]float64, m.bins)
	dots := make([]kernel.Dots, runtime.GOMAXPROCS(0))
	team.Do(m.bins, len(dots), func(worker, f int) {
		x := m.bin(f).Data
		powers[f] = dots[worker].Dot(x, x)
	})
	var sum float64
	for _, p := range powers {
		sum += p
	}
	m.scale = 1
	if sum > 0 {
		m.scale = math.Sqrt(float64(m.bins*m.channels*m.frames) / sum)
	}
	team.Do(m.bins, len(dots), func(_, f int) { floats.Scale(m.scale, m.bin(f).Data) })
}
