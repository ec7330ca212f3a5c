package nets

import (
	"context"
	"fmt"
	"math"

	"golang.org/x/sync/errgroup"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/blocks"
	"github.com/audiosep/audiosep/internal/fft"
	"github.com/audiosep/audiosep/internal/resample"
)

// DenoiseParams are the parameters of denoise.
type DenoiseParams struct {
	Channels string `json:"channels" oneof:"each|shared" doc:"each: a mask for each channel. shared: one mask, that of their mean, for all channels of a realisation, so that what is heard left and right stays there; one run of the network for all."`
}

// DefaultDenoise returns the defaults of denoise.
func DefaultDenoise() DenoiseParams { return DenoiseParams{Channels: "each"} }

var denoiseStage = audiosep.Define("denoise",
	`Separates speech from all else, with a small network that computes a complex mask (GTCRN: Rong et al., GTCRN: a speech enhancement model requiring ultralow computational resources, ICASSP 2024).
The sources are speech and rest; they sum to the recording. It works at 16 kHz, so speech has nothing above 7.4 kHz where the recording's rate is higher; what is above is in rest. It is for one talker or several over noise of any kind; singing and other music count as noise now and then.
A frame depends on what came before it, and the recording is gone through once from its beginning, in little memory. Level matters: the network was trained on speech whose peaks are at 0.1 to 1 of full scale.`,
	DefaultDenoise(), NewDenoise, audiosep.Lazy, audiosep.Sums)

// Denoise is the stage denoise.
type Denoise struct{ p DenoiseParams }

// NewDenoise returns a stage that denoises as p says.
func NewDenoise(p DenoiseParams) (*Denoise, error) {
	if err := audiosep.CheckStruct(p); err != nil {
		return nil, err
	}
	return &Denoise{p}, nil
}

// In is what the stages of this package take.
type In struct {
	Audio audiosep.Source `port:"audio"`
}

// DenoiseOut is what denoise makes: the stems speech and rest.
type DenoiseOut struct {
	Sources audiosep.Stems `port:"sources"`
}

var denoiseNames = []string{"speech", "rest"}

// Forecast says how the sources will be called.
func (s *Denoise) Forecast(map[string]audiosep.Forecast) (map[string]audiosep.Forecast, error) {
	return map[string]audiosep.Forecast{"sources": {Sources: denoiseNames}}, nil
}

// Run says what to denoise; it is done when the stems are taken.
func (s *Denoise) Run(ctx context.Context, env audiosep.Env, in In) (DenoiseOut, error) {
	stems, err := s.Separate(ctx, in.Audio)
	return DenoiseOut{stems}, err
}

// Needs says what it takes: a network with all that it remembers for each channel, or recording
// where the channels share one.
func (s *Denoise) Needs(e audiosep.Extent) audiosep.Needs {
	const stream = 3 << 20 // as measured
	streams := max(1, e.Layers())
	if s.p.Channels == "shared" {
		streams = max(1, e.Realisations)
	}
	return audiosep.Needs{Work: int64(streams) * stream}
}

// Separate returns speech and rest of a recording.
func (s *Denoise) Separate(ctx context.Context, src audiosep.Source) (audiosep.Stems, error) {
	h, err := src.Head(ctx)
	if err != nil {
		return nil, err
	}
	if h.Rate < 1 {
		return nil, fmt.Errorf("the recording has no sample rate; want one, as the network works at %d Hz", gtcrnRate)
	}
	return &denoised{src, h, s.p.Channels == "shared"}, nil
}

// denoised are the stems of a recording.
type denoised struct {
	src    audiosep.Source
	head   audiosep.Head
	shared bool
}

func (d *denoised) Head() audiosep.Head { return d.head }
func (d *denoised) Names() []string     { return denoiseNames }

// Each denoises from the beginning to the end.
func (d *denoised) Each(ctx context.Context, write func(source int, block [][]float64) error) (err error) {
	defer blocks.Recovered(&err)
	p, err := newDenoising(d)
	if err != nil {
		return err
	}
	var mix [][]float64
	for at := 0; at < d.head.Samples; {
		speech, err := p.next(ctx, at)
		if err != nil {
			return err
		}
		n := len(speech[0])
		if n == 0 {
			continue
		}
		mix = grown(mix, len(speech), n)
		if err := d.src.ReadAt(ctx, mix, at); err != nil {
			return err
		}
		for l, x := range mix {
			for i := range x {
				x[i] -= speech[l][i]
				if math.IsNaN(x[i]) || math.IsInf(x[i], 0) {
					return fmt.Errorf("sample %d came out as a number that is not finite; want samples about ±1", at+i+1)
				}
			}
		}
		if err := write(0, speech); err != nil {
			return err
		}
		if err := write(1, mix); err != nil {
			return err
		}
		at += n
	}
	return ctx.Err()
}

// grown returns rows of n numbers of any value.
func grown(x [][]float64, rows, n int) [][]float64 {
	if len(x) != rows {
		x = make([][]float64, rows)
	}
	for l := range x {
		if cap(x[l]) < n {
			x[l] = make([]float64, n)
		}
		x[l] = x[l][:n]
	}
	return x
}

// denoising is a recording on its way through the network.
type denoising struct {
	*denoised
	read    resample.Reader // at gtcrnRate
	samples int             // at gtcrnRate
	back    *resample.Filter
	streams []*stream
	chunk   int // the next
	base    int // where clean begins, at gtcrnRate
	clean   [][]float64
	in, out [][]float64
}

func newDenoising(d *denoised) (*denoising, error) {
	p := &denoising{denoised: d, clean: make([][]float64, d.head.Layers())}
	p.read, p.samples = atRate(d.src.ReadAt, d.head, gtcrnRate)
	if d.head.Rate != gtcrnRate {
		p.back = resample.New(gtcrnRate, d.head.Rate)
	}
	together := 1
	if d.shared {
		together = max(1, d.head.Channels)
	}
	for first := 0; first < d.head.Layers(); first += together {
		s, err := newStream(together)
		if err != nil {
			return nil, err
		}
		p.streams = append(p.streams, s)
	}
	p.in = grown(nil, d.head.Layers(), chunkSamples)
	return p, nil
}

const (
	chunkSamples = gtcrnFrames * gtcrnHop
	// A sample is complete one hop after the newest.
	delay = gtcrnHop
)

// next takes the next chunk through the network and returns the samples of speech, from at on,
// that it completes: none, perhaps. They are good until the next call.
func (p *denoising) next(ctx context.Context, at int) ([][]float64, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	first := p.chunk * chunkSamples
	if err := p.read(ctx, p.in, first); err != nil {
		return nil, err
	}
	g, _ := errgroup.WithContext(ctx)
	for i, s := range p.streams {
		g.Go(func() (err error) {
			defer blocks.Recovered(&err)
			l := i * s.channels
			s.run(p.clean[l:l+s.channels], p.in[l:l+s.channels], p.chunk == 0)
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	p.chunk++
	ready := min(first+chunkSamples-delay, p.samples)
	return p.take(ctx, at, ready)
}

// take returns the samples of speech from at on that those at gtcrnRate up to ready allow, and
// forgets what is not needed any more.
func (p *denoising) take(ctx context.Context, at, ready int) ([][]float64, error) {
	if p.back == nil {
		n := max(0, ready-at)
		p.out = grown(p.out, len(p.clean), n)
		for l, x := range p.clean {
			copy(p.out[l], x[at-p.base:])
		}
		p.forget(ready)
		return p.out, nil
	}
	end := at
	for ; end < p.head.Samples; end++ {
		if _, last := p.back.Reach(end); last >= ready && ready < p.samples {
			break
		}
	}
	p.out = grown(p.out, len(p.clean), end-at)
	if end == at {
		return p.out, nil
	}
	err := p.back.Read(ctx, p.out, at, p.head.Samples, func(_ context.Context, dst [][]float64, from int) error {
		for l, d := range dst {
			clear(d)
			skip := max(0, -from)
			x := p.clean[l][:min(len(p.clean[l]), p.samples-p.base)]
			copy(d[skip:], x[min(len(x), from+skip-p.base):])
		}
		return nil
	})
	from, _ := p.back.Reach(end)
	p.forget(max(0, from))
	return p.out, err
}

// forget drops what lies before sample from.
func (p *denoising) forget(from int) {
	if from <= p.base {
		return
	}
	for l, x := range p.clean {
		p.clean[l] = append(x[:0], x[min(len(x), from-p.base):]...)
	}
	p.base = from
}

// stream is one run of the network, for the channels that share a mask.
type stream struct {
	channels int
	net      *gtcrnState
	forward  *fft.Plan
	inverse  *fft.Plan
	window   []float64
	past     [][]float64 // [channel] the hop before
	tail     [][]float64 // [channel] the second half of the last frame
	frames   []float64
	re, im   [][]float64 // [channel][frame*bins+bin]
	mix      [2][]float64
	across   [2][]float64 // [bin][frame], of the network's input
}

func newStream(channels int) (*stream, error) {
	net, err := newGTCRNState()
	if err != nil {
		return nil, err
	}
	s := &stream{
		channels: channels, net: net, window: make([]float64, gtcrnLength), frames: make([]float64, gtcrnFrames*gtcrnLength),
		forward: fft.NewReal(gtcrnLength, gtcrnLength, 1), inverse: fft.NewRealInverse(gtcrnLength, gtcrnLength, 1.0/gtcrnLength),
		past: grown(nil, channels, gtcrnHop), tail: grown(nil, channels, gtcrnHop),
		re: grown(nil, channels, gtcrnFrames*gtcrnBins), im: grown(nil, channels, gtcrnFrames*gtcrnBins),
	}
	for i := range s.window { // √Hann, periodic: its squares overlap to 1
		s.window[i] = math.Sin(math.Pi * float64(i) / gtcrnLength)
	}
	for i := range s.mix {
		s.mix[i], s.across[i] = make([]float64, gtcrnFrames*gtcrnBins), make([]float64, gtcrnFrames*gtcrnBins)
	}
	return s, nil
}

// run denoises chunkSamples samples, x[channel], and appends what they complete to dst[channel]:
// as many, of which the very first hop lies before the recording.
func (s *stream) run(dst, x [][]float64, first bool) {
	for c, x := range x {
		s.analyse(c, x)
	}
	s.shareMask()
	for c := range x {
		s.apply(c)
		y := s.synthesise(c)
		if first {
			y = y[gtcrnHop:]
		}
		dst[c] = append(dst[c], y...)
	}
}

// analyse cuts a channel into frames, the first of which begins a hop before x, and transforms
// them.
func (s *stream) analyse(c int, x []float64) {
	for t := range gtcrnFrames {
		frame := s.frames[t*gtcrnLength : (t+1)*gtcrnLength]
		before := s.past[c]
		if t > 0 {
			before = x[(t-1)*gtcrnHop : t*gtcrnHop]
		}
		for i, w := range s.window[:gtcrnHop] {
			frame[i] = before[i] * w
			frame[gtcrnHop+i] = x[t*gtcrnHop+i] * s.window[gtcrnHop+i]
		}
	}
	copy(s.past[c], x[len(x)-gtcrnHop:])
	s.forward.Run(s.re[c], s.im[c], s.frames, nil)
}

// shareMask has the network compute the mask of the channels' mean.
func (s *stream) shareMask() {
	for part, of := range [][][]float64{s.re, s.im} {
		mean := s.mix[part]
		copy(mean, of[0])
		if s.channels > 1 {
			for i := range mean {
				sum := 0.0
				for _, x := range of {
					sum += x[i]
				}
				mean[i] = sum / float64(s.channels)
			}
		}
		for t := range gtcrnFrames {
			for b := range gtcrnBins {
				s.across[part][b*gtcrnFrames+t] = mean[t*gtcrnBins+b]
			}
		}
	}
	s.net.run(s.across[0], s.across[1])
}

// apply multiplies the coefficients of a channel by the mask.
func (s *stream) apply(c int) {
	re, im := s.re[c], s.im[c]
	for t := range gtcrnFrames {
		for b := range gtcrnBins {
			i, m := t*gtcrnBins+b, b*gtcrnFrames+t
			x, y, mr, mi := re[i], im[i], s.net.maskRe[m], s.net.maskIm[m]
			re[i], im[i] = x*mr-y*mi, y*mr+x*mi
		}
	}
}

// synthesise returns the overlapped halves of a channel's frames.
func (s *stream) synthesise(c int) []float64 {
	s.inverse.Run(s.frames, nil, s.re[c], s.im[c])
	tail := s.tail[c]
	for t := range gtcrnFrames {
		frame := s.frames[t*gtcrnLength : (t+1)*gtcrnLength]
		for i, w := range s.window[:gtcrnHop] {
			// The sums take the place of frames that are done with.
			s.frames[t*gtcrnHop+i], tail[i] = tail[i]+frame[i]*w, frame[gtcrnHop+i]*s.window[gtcrnHop+i]
		}
	}
	return s.frames[:chunkSamples]
}
