package separators

import (
	"context"
	"math"
	"slices"
	"sync"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/blocks"
	"github.com/audiosep/audiosep/internal/huge"
	"github.com/audiosep/audiosep/internal/kernel"
	"github.com/audiosep/audiosep/internal/lend"
)

// BackgroundParams are the parameters of all stages that tell what repeats, the background,
// from what does not, the foreground. They find W ≤ V, how much of each magnitude V is
// background; the masks are made of W and V-W.
type BackgroundParams struct {
	Power  float64 `json:"power" min:"0.02" max:"200" doc:"Exponent of the magnitudes in the masks: 1 gives the background the part W/V of the mixture, 2 is the Wiener filter; greater ones come closer to a binary mask."`
	Margin float64 `json:"margin" min:"1" max:"1000" doc:"How many times the other's magnitude a part must have to be called background or foreground. Above 1, what is neither is a third stem, residual."`
	Below  float64 `json:"below" min:"0" max:"1e9" unit:"Hz" doc:"What is below this frequency is background: hardly anything sings there. Of no effect where bins have no frequencies."`
}

func defaultBackground() BackgroundParams { return BackgroundParams{Power: 1, Margin: 1, Below: 100} }

// BackgroundIn is what stages take that tell background from foreground.
type BackgroundIn struct {
	Coefs audiosep.Spectra `port:"coefs"`
}

// BackgroundOut is what they make: the stems background, foreground and, with a margin,
// residual.
type BackgroundOut struct {
	Sources audiosep.Stems `port:"sources"`
}

func (p BackgroundParams) names() []string {
	if p.Margin > 1 {
		return []string{"background", "foreground", residualName}
	}
	return []string{"background", "foreground"}
}

// Forecast says how the sources will be called.
func (p BackgroundParams) Forecast(map[string]audiosep.Forecast) (map[string]audiosep.Forecast, error) {
	return map[string]audiosep.Forecast{"sources": {Sources: p.names()}}, nil
}

// twoMagnitudes are those of two parts in a run of frames, [n*F+f].
type twoMagnitudes struct{ first, second []float64 }

var twoPool = sync.Pool{New: func() any { return new(twoMagnitudes) }}

// separated returns the stems of x. model sets w, n frames from the one called first on, to
// magnitudes of the background of a layer; what of it exceeds the mixture's, v, is cut off. It
// is called from several goroutines at once.
func (p BackgroundParams) separated(x audiosep.Spectra, model func(w, v []float64, layer, first, n int)) audiosep.Stems {
	below := p.binsBelow(x)
	separate := func(ctx context.Context, dst [][]audiosep.Coefs, x *audiosep.Spectrogram, _, n int) error {
		m := twoPool.Get().(*twoMagnitudes)
		defer twoPool.Put(m)
		bins := x.Transform.Bins()
		for l, mix := range x.Layers {
			if err := ctx.Err(); err != nil {
				return err
			}
			m.second = magnitudes(m.second, mix)
			m.first = slices.Grow(m.first[:0], n*bins)[:n*bins]
			model(m.first, m.second, l, x.First, n)
			for at := 0; at < n*bins; at += bins {
				copy(m.first[at:at+below], m.second[at:])
			}
			if p.Power == 1 && p.Margin == 1 {
				kernel.Share(m.first, m.second)
				maskTwo(dst, l, mix, m.first, nil)
				continue
			}
			for i, v := range m.second {
				w := min(m.first[i], v)
				m.first[i], m.second[i] = w, v-w
			}
			shareTwo(dst, l, mix, m.first, m.second, p.Power, p.Margin)
		}
		return nil
	}
	return &audiosep.SeparatedStems{X: x, Sources: p.names(), Separate: separate, Rest: true}
}

// binsBelow returns how many bins, from the first on, are below the frequency.
func (p BackgroundParams) binsBelow(x audiosep.Spectra) (n int) {
	hz := audiosep.PowerOf(x, nil).Hz()
	for n < len(hz) && hz[n] < p.Below {
		n++
	}
	return n
}

// magnitudes sets m to those of x, in m's storage where that is enough.
func magnitudes(m []float64, x audiosep.Coefs) []float64 {
	m = slices.Grow(m[:0], len(x.Re))[:len(x.Re)]
	setMagnitudes(m, x)
	return m
}

// setMagnitudes sets m to the magnitudes of x.
func setMagnitudes(m []float64, x audiosep.Coefs) {
	if x.Im != nil {
		kernel.Magnitude(m, x.Re, x.Im)
		return
	}
	for i, v := range x.Re[:len(m)] {
		m[i] = math.Abs(v)
	}
}

// narrowMagnitudes sets m to the magnitudes of x in single precision.
func narrowMagnitudes(m []float32, x audiosep.Coefs) {
	var some [512]float64
	for at := 0; at < len(m); at += len(some) {
		wide := some[:min(len(some), len(m)-at)]
		setMagnitudes(wide, x.Slice(at, at+len(wide), 1))
		for i, v := range wide {
			m[at+i] = float32(v)
		}
	}
}

// eachRun reads all of x in runs of at most size frames, several at a time; size 0 leaves it to
// be chosen. use is called from several goroutines at once.
func eachRun(ctx context.Context, x audiosep.Spectra, size int, use func(ctx context.Context, s *audiosep.Spectrogram) error) error {
	f := x.Framing()
	if size == 0 {
		size = blocks.Size(ctx, f.Length, f.Layers(), 1, f.Frames())
	}
	loan := lend.From(x.Transform())
	defer loan.GiveBack()
	return blocks.Run(ctx, f.Frames(), size, loan.Blocks(), func() *audiosep.Spectrogram { return new(audiosep.Spectrogram) },
		func(ctx context.Context, s *audiosep.Spectrogram, first, n int) error {
			if err := x.Read(ctx, s, first, n); err != nil {
				return err
			}
			return use(ctx, s)
		},
		func(context.Context, *audiosep.Spectrogram, int, int) error { return nil })
}

// spectrum is the magnitudes of all layers, [layer][n*F+f], in single precision so that a song
// takes half the memory.
type spectrum struct {
	layers       [][]float32
	frames, bins int
}

// readSpectrum reads the magnitudes of x.
func readSpectrum(ctx context.Context, x audiosep.Spectra) (*spectrum, error) {
	s := &spectrum{frames: x.Framing().Frames(), bins: x.Transform().Bins()}
	for range x.Framing().Layers() {
		s.layers = append(s.layers, huge.Float32s(s.frames*s.bins))
	}
	err := eachRun(ctx, x, 0, func(_ context.Context, r *audiosep.Spectrogram) error {
		for l, mix := range r.Layers {
			narrowMagnitudes(s.frame(l, r.First, r.N), mix)
		}
		return nil
	})
	return s, err
}

// frame returns the magnitudes of n frames.
func (s *spectrum) frame(layer, first, n int) []float32 {
	return s.layers[layer][first*s.bins : (first+n)*s.bins]
}

// inFrames returns how many frames of x are d seconds, at least one.
func inFrames(x audiosep.Spectra, d float64) int {
	return framesIn(d, x.Framing().Rate, x.Framing().Hop)
}

// framesIn is inFrames of frames hop samples apart.
func framesIn(d float64, rate, hop int) int {
	return max(1, int(min(math.Ceil(d*float64(rate)/float64(hop)-1e-9), 1<<40)))
}
