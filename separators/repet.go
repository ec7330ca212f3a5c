package separators

import (
	"context"
	"log/slog"
	"runtime"
	"slices"
	"sync"

	"gonum.org/v1/gonum/floats"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/blocks"
	"github.com/audiosep/audiosep/internal/fft"
	"github.com/audiosep/audiosep/internal/kernel"
)

// REPETParams are the parameters of repet.
type REPETParams struct {
	Period    *float64 `json:"period" min:"0.001" max:"1e6" unit:"s" doc:"How long the background takes to repeat; found by the beat spectrum if left open."`
	MinPeriod float64  `json:"min_period" min:"0.001" max:"1e6" unit:"s" doc:"The least period looked for."`
	MaxPeriod float64  `json:"max_period" min:"0.001" max:"1e6" unit:"s" doc:"The greatest period looked for, a third of the recording at most."`
	BackgroundParams
}

// DefaultREPET returns the parameters of the paper: periods of 0.8 to 8 s, masks W/V.
func DefaultREPET() REPETParams {
	return REPETParams{MinPeriod: 0.8, MaxPeriod: 8, BackgroundParams: defaultBackground()}
}

var repetStage = audiosep.Define("repet",
	`Tells an accompaniment that repeats with one period from what varies over it, such as a voice: the median over all repetitions is the background (Rafii and Pardo, REpeating Pattern Extraction Technique (REPET): a simple method for music/voice separation, 2013).
The period is where the beat spectrum, the autocorrelation of the power along time averaged over frequencies, is greatest. Each channel has its own background.`,
	DefaultREPET(), NewREPET, audiosep.Sums)

// REPET is the stage repet.
type REPET struct {
	BackgroundParams
	p REPETParams
}

// Validate checks what the ranges do not say.
func (p REPETParams) Validate() error {
	if p.Period == nil && p.MinPeriod > p.MaxPeriod {
		return &audiosep.ParamError{Name: "min_period", What: "is greater than max_period; want it the other way round"}
	}
	return nil
}

// NewREPET returns a stage that separates as p says.
func NewREPET(p REPETParams) (*REPET, error) {
	if err := audiosep.CheckStruct(p); err != nil {
		return nil, err
	}
	return &REPET{p.BackgroundParams, p}, nil
}

// Run finds the period and the background; the stems are separated as they are taken.
func (s *REPET) Run(ctx context.Context, env audiosep.Env, in BackgroundIn) (BackgroundOut, error) {
	x := in.Coefs
	period, err := s.period(ctx, x)
	if err != nil {
		return BackgroundOut{}, err
	}
	frames := x.Framing().Frames()
	env.Logger().Info("repeats", slog.Float64("period_s", float64(period*x.Framing().Hop)/float64(x.Framing().Rate)))
	if period >= frames {
		env.Logger().Warn("the recording is too short to repeat; all of it is background")
	}
	model, err := repetitions(ctx, x, period)
	if err != nil {
		return BackgroundOut{}, err
	}
	bins := x.Transform().Bins()
	return BackgroundOut{s.separated(x, func(w, _ []float64, layer, first, n int) {
		for i := range n {
			at := (first + i) % period * bins
			copy(w[i*bins:(i+1)*bins], model[layer][at:at+bins])
		}
	})}, nil
}

// period returns how many frames the background takes to repeat: all where there is no room
// for three periods.
func (s *REPET) period(ctx context.Context, x audiosep.Spectra) (int, error) {
	frames := x.Framing().Frames()
	if s.p.Period != nil {
		return min(inFrames(x, *s.p.Period), max(1, frames)), nil
	}
	least, most := inFrames(x, s.p.MinPeriod), min(inFrames(x, s.p.MaxPeriod), frames/3)
	if least > most {
		return max(1, frames), nil
	}
	beat, err := beatSpectrum(ctx, x, most+1)
	if err != nil {
		return 0, err
	}
	best := least
	for lag := least; lag <= most; lag++ {
		if beat[lag] > beat[best] {
			best = lag
		}
	}
	return best, nil
}

// beatFrames is how many frames are read at once, leastSegment of how many segments are at least.
const beatFrames, leastSegment = 256, 512

// beatSpectrum returns b(l) = Σ_nf P(n, f) P(n+l, f) / ((N-l) F) for the lags l below lags, P
// being the power averaged over layers (Foote and Uchihashi, The beat spectrum, 2001). lags is
// at most N.
func beatSpectrum(ctx context.Context, x audiosep.Spectra, lags int) ([]float64, error) {
	frames, bins := x.Framing().Frames(), x.Transform().Bins()
	c := newCorrelation(lags, frames, bins)
	s := new(audiosep.Spectrogram)
	for at := 0; at < frames; at += c.segment {
		for from := at; from < min(frames, at+c.segment); from += s.N {
			if err := x.Read(ctx, s, from, min(beatFrames, frames-from, at+c.segment-from)); err != nil {
				return nil, err
			}
			c.fill(s, from-at)
		}
		c.add(min(c.segment, frames-at))
	}
	beat := c.of(lags)
	for l := range beat {
		beat[l] /= float64(frames-l) * float64(bins)
	}
	return beat, nil
}

// correlation is that of the power with itself along time, summed over bins. It is made by the
// Fourier transforms X of segments of L frames and as many zeros. With L zeros before it a
// segment has the transform (-1)^k X(k), so that the correlation of a segment with itself and
// with the next, X', has the transform X*(k) (X(k) + (-1)^k X'(k)): each frame is transformed once
// and two segments are in memory. A recording of few segments is one, with as many zeros as there
// are lags. Two bins are transformed as one complex signal: the real part of what comes of it is
// the sum of the correlations of both.
type correlation struct {
	half         int // columns: bins f and f+half are one
	segment      int // L, at least the lags
	size         int // of the transforms
	along        *fft.Columns
	last, now    []float64 // blocks of columns as fft.Columns has them; last is nil if there is one segment
	sumRe, sumIm []float64 // of each block: [block*size+k]
	row          [2][]float64
}

// oneSegment is how many segments of the least length are transformed as one.
const oneSegment = 4

func newCorrelation(lags, frames, bins int) *correlation {
	c := &correlation{half: (bins + 1) / 2, segment: fft.Quick(max(leastSegment, lags))}
	if c.size = 2 * c.segment; frames <= oneSegment*c.segment {
		c.segment, c.size = frames, fft.Quick(frames+lags)
	}
	c.along = fft.NewColumns(c.size)
	c.now = make([]float64, c.blocks()*c.block())
	if c.segment < frames {
		c.last = make([]float64, len(c.now))
	}
	c.sumRe, c.sumIm = make([]float64, c.blocks()*c.size), make([]float64, c.blocks()*c.size)
	for i := range c.row {
		c.row[i] = make([]float64, c.blocks()*c.along.Lanes())
	}
	return c
}

func (c *correlation) blocks() int { return (c.half + c.along.Lanes() - 1) / c.along.Lanes() }
func (c *correlation) block() int  { return 2 * c.size * c.along.Lanes() } // numbers

// fill sets frames of the segment at hand to the power of s.
func (c *correlation) fill(s *audiosep.Spectrogram, at int) {
	bins, lanes := s.Transform.Bins(), c.along.Lanes()
	for n := range s.N {
		for part, row := range c.row {
			from, to := part*c.half, min(bins, (part+1)*c.half)
			clear(row)
			for _, mix := range s.Layers {
				x := mix.Slice(n, n+1, bins)
				if x.Im != nil {
					x.Im = x.Im[from:to]
				}
				kernel.AddPower(row[:to-from], x.Re[from:to], x.Im)
			}
			if len(s.Layers) > 1 {
				floats.Scale(1/float64(len(s.Layers)), row)
			}
			for i := 0; i < len(row); i += lanes {
				copy(c.now[i/lanes*c.block()+(2*(at+n)+part)*lanes:], row[i:i+lanes])
			}
		}
	}
}

// add transforms the segment at hand, of so many frames, and adds its correlations.
func (c *correlation) add(frames int) {
	inRuns(c.blocks(), 1, func(i, _ int) {
		block, re, im := c.now[i*c.block():(i+1)*c.block()], c.sumRe[i*c.size:(i+1)*c.size], c.sumIm[i*c.size:(i+1)*c.size]
		clear(block[2*frames*c.along.Lanes():])
		c.along.Run(block)
		c.own(re, block)
		if c.last != nil {
			c.across(re, im, block, c.last[i*c.block():(i+1)*c.block()])
		}
	})
	if c.last != nil {
		c.last, c.now = c.now, c.last
	}
}

// own adds X*(k) X(k) of the columns of a block.
func (c *correlation) own(re, block []float64) {
	lanes := c.along.Lanes()
	for k := range re {
		var a, b float64
		x, y := block[2*k*lanes:][:lanes], block[(2*k+1)*lanes:][:lanes]
		for j, v := range x {
			a += v * v
			b += y[j] * y[j]
		}
		re[k] += a + b
	}
}

// across adds (-1)^k X*(k) X'(k), X being those of the segment before.
func (c *correlation) across(re, im, now, last []float64) {
	lanes, sign := c.along.Lanes(), 1.0
	for k := range re {
		at := 2 * k * lanes
		x, y, u, v := now[at:][:lanes], now[at+lanes:][:lanes], last[at:][:lanes], last[at+lanes:][:lanes]
		var a, b float64
		for j, r := range x {
			a += u[j]*r + v[j]*y[j]
			b += u[j]*y[j] - v[j]*r
		}
		re[k] += sign * a
		im[k] += sign * b
		sign = -sign
	}
}

// of returns the correlation at the lags below lags.
func (c *correlation) of(lags int) []float64 {
	re, im := c.sumRe[:c.size], c.sumIm[:c.size]
	for at := c.size; at < len(c.sumRe); at += c.size {
		floats.Add(re, c.sumRe[at:at+c.size])
		floats.Add(im, c.sumIm[at:at+c.size])
	}
	lanes := c.along.Lanes()
	block := make([]float64, c.block())
	for k := range re { // for the inverse the parts are in each other's place
		block[2*k*lanes], block[(2*k+1)*lanes] = im[k], re[k]
	}
	c.along.Run(block)
	beat := make([]float64, lags)
	for l := range beat {
		beat[l] = block[(2*l+1)*lanes] / float64(c.size)
	}
	return beat
}

// repetitionNumbers is how many magnitudes are compared at once in one goroutine.
const repetitionNumbers = 1 << 20

// repetitions returns the median of the magnitudes of frames t, t+period, t+2·period, … of each
// layer, [layer][t*F+f].
func repetitions(ctx context.Context, x audiosep.Spectra, period int) ([][]float64, error) {
	frames, bins, layers := x.Framing().Frames(), x.Transform().Bins(), x.Framing().Layers()
	model := make([][]float64, layers)
	for l := range model {
		model[l] = make([]float64, period*bins)
	}
	count := (frames + period - 1) / period
	size := max(1, repetitionNumbers/max(1, count*bins*layers))
	err := blocks.Run(ctx, min(period, frames), size, runtime.GOMAXPROCS(0), func() *repeated { return newRepeated(layers) },
		func(ctx context.Context, r *repeated, first, n int) error {
			for l := range r.values {
				r.values[l] = r.values[l][:0]
			}
			for at := first; at < frames; at += period {
				if err := x.Read(ctx, &r.s, at, min(n, frames-at)); err != nil {
					return err
				}
				for l, mix := range r.s.Layers {
					done := len(r.values[l])
					r.values[l] = slices.Grow(r.values[l], max(len(mix.Re), count*n*bins-done))[:done+len(mix.Re)]
					setMagnitudes(r.values[l][done:], mix)
				}
			}
			for l, values := range r.values {
				r.medians(model[l][first*bins:(first+n)*bins], values, n*bins)
			}
			return nil
		},
		func(context.Context, *repeated, int, int) error { return nil })
	return model, err
}

// repeated is what one goroutine needs to find medians over repetitions.
type repeated struct {
	s      audiosep.Spectrogram
	values [][]float64 // of each layer: those of a run of frames, a period later, …; the last may be shorter
}

func newRepeated(layers int) *repeated { return &repeated{values: make([][]float64, layers)} }

// medians sets dst[i] to the median of values[i], values[i+size], values[i+2·size], …, which it
// reorders.
func (r *repeated) medians(dst, values []float64, size int) {
	full := len(values) % size // how many numbers have one more
	if full == 0 {
		full = size
	}
	count := (len(values) + size - 1) / size
	medianOf(dst[:full], values, size, count)
	medianOf(dst[full:size], values[min(full, len(values)):], size, count-1)
}

// networkUpTo is of how many numbers a median is found by a sorting network, medianStrip how many
// medians at a time, so that what is compared stays in the first cache.
const networkUpTo, medianStrip = 64, 128

// medianOf sets dst[i] to the median of count numbers values[i], values[i+size], …, which it
// reorders.
func medianOf(dst, values []float64, size, count int) {
	switch {
	case len(dst) == 0:
		return
	case count > networkUpTo:
		line := make([]float64, count)
		for i := range dst {
			for j := range line {
				line[j] = values[i+j*size]
			}
			dst[i] = medianAny(line)
		}
		return
	}
	network := medianNetwork(count)
	for from := 0; from < len(dst); from += medianStrip {
		n := min(medianStrip, len(dst)-from)
		row := func(j int) []float64 { return values[j*size+from:][:n] }
		for _, c := range network {
			kernel.Exchange(row(int(c[0])), row(int(c[1])))
		}
		out, high := dst[from:from+n], row(count/2)
		if count%2 == 1 {
			copy(out, high)
			continue
		}
		for i, v := range row(count/2 - 1) {
			out[i] = (v + high[i]) / 2
		}
	}
}

// medianNetwork returns the comparisons of Batcher's odd-even merge sort (Sorting networks and
// their applications, 1968) of n rows, in place, less those on which the two in the middle do not
// depend.
var medianNetwork = func() func(n int) [][2]uint8 {
	var networks [networkUpTo + 1]func() [][2]uint8
	for n := range networks {
		networks[n] = sync.OnceValue(func() [][2]uint8 { return sortedMiddle(n) })
	}
	return func(n int) [][2]uint8 { return networks[n]() }
}()

func sortedMiddle(n int) (needed [][2]uint8) {
	var all [][2]uint8
	for p := 1; p < n; p *= 2 {
		for k := p; k >= 1; k /= 2 {
			for j := k % p; j+k < n; j += 2 * k {
				for i := j; i < min(j+k, n-k); i++ {
					if i/(2*p) == (i+k)/(2*p) {
						all = append(all, [2]uint8{uint8(i), uint8(i + k)})
					}
				}
			}
		}
	}
	wanted := make([]bool, n)
	wanted[n/2], wanted[(n-1)/2] = true, true
	for _, c := range slices.Backward(all) {
		if wanted[c[0]] || wanted[c[1]] {
			wanted[c[0]], wanted[c[1]] = true, true
			needed = append(needed, c)
		}
	}
	slices.Reverse(needed)
	return needed
}
