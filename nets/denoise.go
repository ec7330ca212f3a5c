package nets

import (
	"context"
	"fmt"
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
// where the channels share one, marks of it, and the chunks that are on their way.
func (s *Denoise) Needs(e audiosep.Extent) audiosep.Needs {
	m := denoisers[s.p.Model]
	layers := max(1, e.Layers())
	networks := layers
	if s.p.Channels == "shared" {
		networks = max(1, e.Realisations)
	}
	n := audiosep.Needs{Streams: int64(networks)*m.memory + int64(layers-networks)*m.sharing}
	if e.Rate > 0 {
		completes := m.chunk * e.Rate / m.rate
		n.Streams += int64(inFlight*layers) * 8 * int64(m.chunk+2*completes)
		n.Operations = float64(e.Samples) / float64(e.Rate) * m.work * float64(networks)
		if e.Rate != m.rate {
			at := int(float64(e.Samples) / float64(e.Rate) * float64(m.rate))
			n.Operations += resample.Work(e.Rate, m.rate, e.Samples, layers) + resample.Work(m.rate, e.Rate, at, layers)
			n.Garbage = 8 * int64(layers) * int64(e.Samples+m.rate*(e.Samples/e.Rate)) // what is resampled
		}
	}
	return n
}

// Leaner is one mask for all channels.
func (s *Denoise) Leaner() []audiosep.Variant {
	shared := *s
	shared.p.Channels = "shared"
	return []audiosep.Variant{{Param: "channels", Value: "shared", Stage: &shared}}
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
	if err := resample.Check(h.Rate, model.rate); err != nil {
		return nil, fmt.Errorf("the network works at %d Hz: %w", model.rate, err)
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
	rate    int     // in Hz
	hop     int     // in samples
	chunk   int     // samples that it takes at a time, a multiple of hop
	memory  int64   // bytes of what new returns, and of a mark of it, for a channel
	sharing int64   // the same for each further channel that shares its mask
	work    float64 // operations for a second of a channel, as audiosep.Needs counts them
	new     func(channels int) (network, error)
}

// denoisers are the networks by their names; TestDenoiseMemory holds their memory.
var denoisers = map[string]*denoiser{
	"gtcrn":   {gtcrnRate, gtcrnHop, gtcrnFrames * gtcrnHop, 4 << 20, 200 << 10, 0.7e9, newGTCRNStream},
	"rnnoise": {rnnoiseRate, rnnoiseHop, rnnoiseFrames * rnnoiseHop, 1 << 20, 600 << 10, 0.5e9, newRNNoiseStream},
}

// denoised are the stems of a recording.
type denoised struct {
	src    audiosep.Source
	head   audiosep.Head
	model  *denoiser
	shared bool
	now    atomic.Pointer[step] // that is being written
}

var _ audiosep.ResumableStems = (*denoised)(nil)

func (d *denoised) Head() audiosep.Head { return d.head }
func (d *denoised) Names() []string     { return denoiseNames }

// Each denoises from the beginning to the end.
func (d *denoised) Each(ctx context.Context, write func(source int, block [][]float64) error) (err error) {
	return d.EachFrom(ctx, 0, nil, write)
}

// Mark returns what the networks remembered not long before the block that is being written.
func (d *denoised) Mark() ([]byte, error) {
	if s := d.now.Load(); s != nil {
		return s.mark()
	}
	return nil, nil
}

// EachFrom goes on where Mark was called.
func (d *denoised) EachFrom(ctx context.Context, from int, mark []byte, write func(source int, block [][]float64) error) (err error) {
	defer blocks.Recovered(&err)
	p, err := newDenoising(d, mark)
	if err != nil {
		return err
	}
	parent := ctx
	ctx, stop := context.WithCancel(ctx)
	g, ctx := errgroup.WithContext(ctx)
	defer func() { // nothing is read, and nothing runs, once this returns
		stop()
		_ = g.Wait()
	}()
	p.start(ctx, g)
	for s := range p.written(ctx) {
		block := s.from(from)
		if len(block[0][0]) == 0 {
			continue
		}
		d.now.Store(s)
		for source, x := range block {
			if err := write(source, x); err != nil {
				return err
			}
		}
	}
	if err := g.Wait(); err != nil { // the steps end before it is known why
		return err
	}
	return parent.Err()
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
