package nets

import (
	"context"
	"fmt"
	"math"
	"sort"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/blocks"
	"github.com/audiosep/audiosep/internal/resample"
)

// DenoiseParams are the parameters of denoise.
type DenoiseParams struct {
	Model    string `json:"model" oneof:"gtcrn|rnnoise" doc:"gtcrn: takes more noise away; speech has nothing above 7.4 kHz. rnnoise: takes less away, keeps speech up to 20 kHz and works at 48 kHz."`
	Channels string `json:"channels" oneof:"each|shared" doc:"each: a mask for each channel. shared: one mask, that of their mean, for all channels of a realisation, so that what is heard left and right stays there; one run of the network for all."`
}

// DefaultDenoise returns the defaults of denoise.
func DefaultDenoise() DenoiseParams { return DenoiseParams{Model: "gtcrn", Channels: "each"} }

var denoiseStage = audiosep.Define("denoise",
	`Separates speech from all else, with one of two small networks: one that computes a complex mask (GTCRN: Rong et al., GTCRN: a speech enhancement model requiring ultralow computational resources, ICASSP 2024), or one that computes gains of 22 bands beside a filter that follows the pitch (RNNoise: Valin, A hybrid DSP/deep learning approach to real-time full-band speech enhancement, MMSP 2018).
The sources are speech and rest; they sum to the recording. GTCRN works at 16 kHz, so speech has nothing above 7.4 kHz where the recording's rate is higher; RNNoise works at 48 kHz, and speech has nothing above 20 kHz. What speech has not is in rest. It is for one talker or several over noise of any kind; singing and other music count as noise now and then.
A frame depends on what came before it, and the recording is gone through once from its beginning, in little memory. Level matters: the networks were trained on speech whose peaks are at 0.1 to 1 of full scale.`,
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
	streams := max(1, e.Layers())
	if s.p.Channels == "shared" {
		streams = max(1, e.Realisations)
	}
	return audiosep.Needs{Streams: int64(streams) * denoisers[s.p.Model].memory}
}

// Separate returns speech and rest of a recording.
func (s *Denoise) Separate(ctx context.Context, src audiosep.Source) (audiosep.Stems, error) {
	h, err := src.Head(ctx)
	if err != nil {
		return nil, err
	}
	model := denoisers[s.p.Model]
	if h.Rate < 1 {
		return nil, fmt.Errorf("the recording has no sample rate; want one, as the network works at %d Hz", model.rate)
	}
	return &denoised{src: src, head: h, model: model, shared: s.p.Channels == "shared"}, nil
}

// network is a network on its way through a recording, with what it remembers, for the channels
// that share a mask.
type network interface {
	// run denoises a chunk, x[channel], and appends what it completes to dst[channel]: as many
	// samples, delayed by a hop.
	run(dst, x [][]float64)
	// remembered returns all on which the next chunk depends beside itself: slices of numbers and
	// pointers to them, as encoding/binary reads and writes, and to ints.
	remembered() []any
}

// denoiser is a network that denoise has.
type denoiser struct {
	rate   int   // in Hz
	hop    int   // in samples
	chunk  int   // samples that it takes at a time, a multiple of hop
	memory int64 // bytes of what new returns, for a channel
	new    func(channels int) (network, error)
}

// denoisers are the networks by their names; TestDenoiseMemory holds their memory.
var denoisers = map[string]*denoiser{
	"gtcrn":   {gtcrnRate, gtcrnHop, gtcrnFrames * gtcrnHop, 3 << 20, newGTCRNStream},
	"rnnoise": {rnnoiseRate, rnnoiseHop, rnnoiseFrames * rnnoiseHop, 1 << 20, newRNNoiseStream},
}

// denoised are the stems of a recording.
type denoised struct {
	src    audiosep.Source
	head   audiosep.Head
	model  *denoiser
	shared bool
	now    atomic.Pointer[denoising] // the newest
}

var _ audiosep.ResumableStems = (*denoised)(nil)

func (d *denoised) Head() audiosep.Head { return d.head }
func (d *denoised) Names() []string     { return denoiseNames }

// Each denoises from the beginning to the end.
func (d *denoised) Each(ctx context.Context, write func(source int, block [][]float64) error) (err error) {
	return d.EachFrom(ctx, 0, nil, write)
}

// Mark returns what the network remembers.
func (d *denoised) Mark() ([]byte, error) { return d.now.Load().mark() }

// EachFrom goes on where Mark was called.
func (d *denoised) EachFrom(ctx context.Context, from int, mark []byte, write func(source int, block [][]float64) error) (err error) {
	defer blocks.Recovered(&err)
	p, err := newDenoising(d)
	if err == nil && mark != nil {
		err = p.goOn(mark)
	}
	if err != nil {
		return err
	}
	d.now.Store(p)
	for at := from; at < d.head.Samples; {
		speech, err := p.next(ctx, at)
		if err != nil {
			return err
		}
		n := len(speech[0])
		if n == 0 {
			continue
		}
		for l, x := range p.mix {
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
		if err := write(1, p.mix); err != nil {
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
	read    resample.Reader // at the network's rate, as what follows
	samples int
	back    *resample.Filter // nil: the rates are the same
	streams []network        // of so many channels each:
	width   int
	chunk   int // the next
	base    int // where clean begins
	clean   [][]float64
	in, out [][]float64
	ahead   [][]float64 // the chunk after, read while the networks run
	have    int         // which chunk that is
	mix     [][]float64 // the mixture beside the speech
}

func newDenoising(d *denoised) (*denoising, error) {
	p := &denoising{denoised: d, clean: make([][]float64, d.head.Layers())}
	p.read, p.samples = atRate(d.src.ReadAt, d.head, d.model.rate)
	if d.head.Rate != d.model.rate {
		p.back = resample.New(d.model.rate, d.head.Rate)
	}
	p.width = 1
	if d.shared {
		p.width = max(1, d.head.Channels)
	}
	for first := 0; first < d.head.Layers(); first += p.width {
		s, err := d.model.new(p.width)
		if err != nil {
			return nil, err
		}
		p.streams = append(p.streams, s)
	}
	p.in, p.ahead = grown(nil, d.head.Layers(), d.model.chunk), grown(nil, d.head.Layers(), d.model.chunk)
	p.have = -1
	return p, nil
}

// next takes the next chunk through the network and returns the samples of speech, from at on,
// that it completes: none, perhaps. They are good until the next call.
func (p *denoising) next(ctx context.Context, at int) ([][]float64, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if p.have != p.chunk {
		if err := p.readAhead(ctx, p.chunk); err != nil {
			return nil, err
		}
	}
	p.in, p.ahead = p.ahead, p.in
	first, after := p.chunk*p.model.chunk, p.chunk+1
	ready := min(first+p.model.chunk-p.model.hop, p.samples) // complete one hop after the newest
	end := p.end(at, ready)
	g, running := errgroup.WithContext(ctx)
	if after*p.model.chunk < p.samples {
		g.Go(func() (err error) {
			defer blocks.Recovered(&err)
			return p.readAhead(running, after)
		})
	}
	if p.mix = grown(p.mix, len(p.clean), end-at); end > at {
		g.Go(func() (err error) {
			defer blocks.Recovered(&err)
			return p.src.ReadAt(running, p.mix, at)
		})
	}
	for i, s := range p.streams {
		g.Go(func() (err error) {
			defer blocks.Recovered(&err)
			l := i * p.width
			s.run(p.clean[l:l+p.width], p.in[l:l+p.width])
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	if p.chunk++; p.chunk == 1 { // the very first hop lies before the recording
		p.base = -p.model.hop
		p.forget(0)
	}
	return p.take(ctx, at, end)
}

// readAhead reads a chunk of the recording.
func (p *denoising) readAhead(ctx context.Context, chunk int) error {
	p.have = chunk
	return p.read(ctx, p.ahead, chunk*p.model.chunk)
}

// end returns how far the speech goes from sample at on that those at the network's rate up to ready allow.
func (p *denoising) end(at, ready int) int {
	if p.back == nil {
		return max(at, ready)
	}
	if ready == p.samples {
		return p.head.Samples
	}
	return at + sort.Search(p.head.Samples-at, func(i int) bool {
		_, last := p.back.Reach(at + i)
		return last >= ready
	})
}

// take returns the samples of speech from at to end-1, and forgets what is not needed any more.
func (p *denoising) take(ctx context.Context, at, end int) ([][]float64, error) {
	p.out = grown(p.out, len(p.clean), end-at)
	if end == at {
		return p.out, nil
	}
	if p.back == nil {
		for l, x := range p.clean {
			copy(p.out[l], x[at-p.base:])
		}
		p.forget(end)
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
