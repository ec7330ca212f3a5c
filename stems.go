package audiosep

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"gonum.org/v1/gonum/floats"

	"github.com/audiosep/audiosep/internal/blocks"
	"github.com/audiosep/audiosep/internal/counted"
	"github.com/audiosep/audiosep/internal/lend"
	"github.com/audiosep/audiosep/internal/wrap"
)

// Stems are the separated sources of a recording, computed as they are taken.
type Stems interface {
	// Head describes each of the stems.
	Head() Head
	// Names are those of the J sources, each its own.
	Names() []string
	// Each calls write with the next samples of one source, [layer][sample], block after
	// block in order of time: all sources have come as far before any goes on. A block is
	// valid until write returns, and write's error ends Each. Every call of Each gives the
	// same bits, however long the blocks are.
	Each(ctx context.Context, write func(source int, block [][]float64) error) error
}

// Collect computes stems in memory: a signal for each source, in the order of their names.
func Collect(ctx context.Context, s Stems) ([]*Signal, error) {
	h := s.Head()
	out := make([]*Signal, len(s.Names()))
	for j := range out {
		out[j] = &Signal{Rate: h.Rate, Channels: h.Channels, Data: make([][]float64, h.Layers())}
		for l := range out[j].Data {
			out[j].Data[l] = make([]float64, 0, h.Samples)
		}
	}
	err := s.Each(ctx, func(source int, block [][]float64) error {
		for l, x := range block {
			out[source].Data[l] = append(out[source].Data[l], x...)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// NewStems returns signals in memory as Stems. It is an error if they are not alike, or not
// one for each name.
func NewStems(names []string, signals []*Signal) (Stems, error) {
	if len(names) != len(signals) || len(names) == 0 {
		return nil, &ShapeError{"the stems", fmt.Sprintf("%d signals with %s", len(signals), counted.Of(len(names), "name")), "a name for each, at least one"}
	}
	s := &memoryStems{names: names, signals: signals}
	for j, x := range signals {
		h, err := x.Head(context.Background())
		if err != nil {
			return nil, fmt.Errorf("stem %q: %w", names[j], err)
		}
		if j == 0 {
			s.head = h
		} else if h.Rate != s.head.Rate || h.Samples != s.head.Samples || h.Channels != s.head.Channels || h.Realisations != s.head.Realisations {
			return nil, &ShapeError{fmt.Sprintf("stem %q", names[j]), h.words(), s.head.words() + ", as the first"}
		}
	}
	return s, nil
}

func (h Head) words() string {
	return fmt.Sprintf("%s at %d Hz in %s", counted.Of(h.Samples, "sample"), h.Rate, counted.Of(h.Layers(), "layer"))
}

type memoryStems struct {
	head    Head
	names   []string
	signals []*Signal
}

func (s *memoryStems) Head() Head      { return s.head }
func (s *memoryStems) Names() []string { return s.names }

func (s *memoryStems) Each(ctx context.Context, write func(source int, block [][]float64) error) error {
	return s.EachFrom(ctx, 0, nil, write)
}

func (s *memoryStems) Mark() ([]byte, error) { return nil, nil }

func (s *memoryStems) EachFrom(ctx context.Context, from int, _ []byte, write func(source int, block [][]float64) error) error {
	const size = 1 << 16
	block := make([][]float64, s.head.Layers())
	for at := from; at < s.head.Samples; at += size {
		if err := ctx.Err(); err != nil {
			return err
		}
		for j, x := range s.signals {
			for l := range block {
				block[l] = x.Data[l][at:min(at+size, s.head.Samples)]
			}
			if err := write(j, block); err != nil {
				return err
			}
		}
	}
	return nil
}

// Separated are the stems that separate makes of x, a run of frames at a time, transformed
// back and overlap-added.
//
// separate is given the spectrogram of n frames of all layers with up to halo frames before
// and after them, skip of them before: those n are frames skip to skip+n-1 of x. It writes
// all coefficients of dst[source][layer], those of the n frames alone. It is called from
// several goroutines at once. What it makes of a frame may depend on the halo frames on
// either side and on nothing else, so that the stems have the same bits however the frames
// are split into runs; at the two ends of the recording there are fewer than halo.
//
// Sources that sum to x take a transform less as SeparatedStems with Rest.
func Separated(x Spectra, names []string, halo int,
	separate func(ctx context.Context, dst [][]Coefs, x *Spectrogram, skip, n int) error) Stems {
	return &SeparatedStems{X: x, Sources: names, Halo: halo, Separate: separate}
}

// SeparatedStems are the Stems that Separated returns.
type SeparatedStems struct {
	X        Spectra
	Sources  []string // names
	Halo     int      // frames
	Separate func(ctx context.Context, dst [][]Coefs, x *Spectrogram, skip, n int) error
	// By is what works on the coefficients, if it may have memory to lend for them.
	By any
	// Rest says that the sources sum to X. Where X is a recording's, the last of several is then what the
	// others leave of its samples, which takes no transform, and Separate is not asked for it:
	// the coefficients of dst[J-1] are nil. Elsewhere they are not, and are to be written. In a plugin
	// they are not sent then.
	Rest bool
}

// SeparateRun calls Separate. Where this writes the last source too although it is not asked for, and
// fails or panics by that, as it does on coefficients that are nil, what is wrong is told with what to do.
func (s *SeparatedStems) SeparateRun(ctx context.Context, dst [][]Coefs, x *Spectrogram, skip, n int) (err error) {
	if last := len(dst) - 1; s.Rest && last > 0 && len(dst[last]) > 0 && dst[last][0].Re == nil {
		defer func() {
			r := recover()
			switch wants := (r != nil || err != nil) && ctx.Err() == nil && !told(err) && s.worksForAll(ctx, dst, x, skip, n); {
			case r != nil && wants:
				panic(fmt.Sprintf("%v; %s", r, leaveLast))
			case r != nil:
				panic(r)
			case wants:
				err = fmt.Errorf("%w; %s", err, leaveLast)
			}
		}()
	}
	return s.Separate(ctx, dst, x, skip, n)
}

const leaveLast = "the last source is not asked for, as Rest, or LeavesRest, says that it is what the others leave: write the coefficients of dst[J-1] only where its Re is not nil, or do not say that it is the rest"

// told tells whether an error has the advice already, from the plugin in which the stems are separated.
func told(err error) bool { return err != nil && strings.Contains(err.Error(), leaveLast) }

// worksForAll tells whether Separate has no fault where the last source is asked for as well.
func (s *SeparatedStems) worksForAll(ctx context.Context, dst [][]Coefs, x *Spectrogram, skip, n int) (ok bool) {
	defer func() { ok = recover() == nil && ok }()
	all, last := slices.Clone(dst), len(dst)-1
	all[last] = make([]Coefs, len(dst[last]))
	for l := range all[last] {
		all[last][l].Re = make([]float64, n*x.Transform.Bins())
		if x.Transform.Complex() {
			all[last][l].Im = make([]float64, n*x.Transform.Bins())
		}
	}
	return s.Separate(ctx, all, x, skip, n) == nil
}

// Head returns that of the recording.
func (s *SeparatedStems) Head() Head { return s.X.Framing().Head }

// Names returns those of the sources.
func (s *SeparatedStems) Names() []string { return s.Sources }

// Each separates block after block, several at a time.
func (s *SeparatedStems) Each(ctx context.Context, write func(source int, block [][]float64) error) error {
	return s.each(ctx, 0, write)
}

// Mark returns nil: no frame depends on what came before.
func (s *SeparatedStems) Mark() ([]byte, error) { return nil, nil }

// EachFrom separates from the first frame on that has sample at, in whole groups of those that
// share an activation.
func (s *SeparatedStems) EachFrom(ctx context.Context, at int, _ []byte, write func(source int, block [][]float64) error) error {
	f := s.X.Framing()
	start := 0 // the first frame that ends behind at
	if over := at + f.Pad - f.Length; over >= 0 {
		start = min(over/f.Hop+1, f.Frames()-1) / f.Share * f.Share
	}
	return s.each(ctx, start, skipping(at-max(0, start*f.Hop-f.Pad), len(s.Sources), write))
}

// recording returns that of which the last source is the rest, or nil.
func (s *SeparatedStems) recording() Source {
	if x, ok := wrap.As[*FramedSpectra](s.X); ok && s.Rest && len(s.Sources) > 1 {
		return x.Framed.Source
	}
	return nil
}

// transformed is how many sources are transformed back.
func (s *SeparatedStems) transformed() int {
	if s.recording() != nil {
		return len(s.Sources) - 1
	}
	return len(s.Sources)
}

// each separates from a frame on, the sum of which with those before is not complete.
func (s *SeparatedStems) each(ctx context.Context, start int, write func(source int, block [][]float64) error) error {
	f := s.X.Framing()
	layers, sources := f.Layers(), s.transformed()
	join := NewJoiner(f, sources*layers)
	join.next = start
	size := separatedSize(ctx, f.Length*sources, layers, f.Share, f.Frames(), s.Halo)
	loan := lend.From(s.X.Transform(), s.By)
	defer loan.GiveBack()
	return blocks.Run(ctx, f.Frames()-start, size, loan.Blocks(), func() *separation { return newSeparation(s, size, loan) },
		func(ctx context.Context, slot *separation, first, n int) error {
			return slot.compute(ctx, start+first, n)
		},
		func(ctx context.Context, slot *separation, first, n int) error {
			block := join.Add(slot.rows, n)
			if layers == 0 || len(block[0]) == 0 {
				return nil
			}
			for j := range sources {
				if err := write(j, block[j*layers:(j+1)*layers]); err != nil {
					return err
				}
			}
			if sources == len(s.Sources) {
				return nil
			}
			rest, err := slot.rest(ctx, block, max(0, (start+first)*f.Hop-f.Pad))
			if err != nil {
				return err
			}
			return write(sources, rest)
		})
}

// separatedSize is how many frames are separated at a time: at least twice the halo, unless
// somebody has chosen it, else most of what is read would be read several times.
func separatedSize(ctx context.Context, length, layers, share, frames, halo int) int {
	size := blocks.Size(ctx, length, layers, share, frames)
	if !blocks.Chosen(ctx) && size < 2*halo {
		size = blocks.Size(blocks.WithSize(ctx, 2*halo), length, layers, share, frames)
	}
	return size
}

// separation is what one goroutine needs to separate a run of frames. What belongs to the
// sources stands layer by layer, in each source by source, frame by frame.
type separation struct {
	*SeparatedStems
	mix  Spectrogram
	x    Coefs
	y    []float64
	dst  [][]Coefs
	rows [][]float64 // the frames of y, [source*L+layer]
	left [][]float64 // of the recording
}

func newSeparation(s *SeparatedStems, size int, loan *lend.Loan) *separation {
	f, t := s.X.Framing(), s.X.Transform()
	rows := s.transformed() * f.Layers()
	p := &separation{SeparatedStems: s, mix: Spectrogram{loan: loan}, rows: make([][]float64, rows), dst: make([][]Coefs, len(s.Sources))}
	p.mix.Reset(f, t, 0, min(size+2*s.Halo, f.Frames()))
	p.x.Re = loan.Numbers(rows * size * t.Bins())
	if t.Complex() {
		p.x.Im = loan.Numbers(rows * size * t.Bins())
	}
	p.y = loan.Numbers(rows * size * f.Length)
	for j := range p.dst {
		p.dst[j] = make([]Coefs, f.Layers())
	}
	return p
}

// compute separates a run of frames and has the frames of all sources and layers in rows.
// All of them are transformed back in one call.
func (p *separation) compute(ctx context.Context, first, n int) error {
	f, t := p.X.Framing(), p.X.Transform()
	from, to := max(0, first-p.Halo), min(f.Frames(), first+n+p.Halo)
	if err := p.X.Read(ctx, &p.mix, from, to-from); err != nil {
		return err
	}
	sources, layers := p.transformed(), f.Layers()
	for l := range layers {
		for j := range sources {
			at := (l*sources + j) * n
			p.dst[j][l] = p.x.Slice(at, at+n, t.Bins())
		}
	}
	if err := p.SeparateRun(ctx, p.dst, &p.mix, first-from, n); err != nil {
		return err
	}
	run := n * f.Length
	ctx = WithPlace(ctx, Place{First: first, N: n, Layers: layers, Sources: sources, Count: n * len(p.rows)})
	if err := t.Inverse(ctx, p.y[:len(p.rows)*run], p.x.Slice(0, len(p.rows)*n, t.Bins())); err != nil {
		return err
	}
	for j := range sources {
		for l := range layers {
			at := (l*sources + j) * run
			p.rows[j*layers+l] = p.y[at : at+run]
			if notFinite(p.y[at:at+run]) >= 0 {
				return fmt.Errorf("source %q came out with numbers that are not finite", p.Sources[j])
			}
		}
	}
	return nil
}

// rest returns what the sources in block, [source*L+layer][sample], leave of the recording from sample at on.
func (p *separation) rest(ctx context.Context, block [][]float64, at int) ([][]float64, error) {
	layers, n := p.X.Framing().Layers(), len(block[0])
	p.left = resize(p.left, layers, n)
	if !p.mix.cutFrom(p.left, at) {
		if err := p.recording().ReadAt(ctx, p.left, at); err != nil {
			return nil, err
		}
	}
	for l, rest := range p.left {
		for r := l; r < len(block); r += layers {
			floats.Sub(rest, block[r])
		}
	}
	return p.left, nil
}

// SeparatedAudio are the stems that separate makes of a recording's samples, chunk samples
// at a time: what is no mask, such as a network from waveform to waveform.
//
// separate is given x[layer], the n samples from sample at on with reach samples before and
// after them, zeros outside the recording, and writes all n samples of dst[source][layer].
// It is called from several goroutines at once.
func SeparatedAudio(src Source, h Head, names []string, chunk, reach int,
	separate func(ctx context.Context, dst [][][]float64, x [][]float64, at int) error) Stems {
	return &SeparatedAudioStems{src, h, names, max(1, chunk), reach, separate}
}

// SeparatedAudioStems are the Stems that SeparatedAudio returns.
type SeparatedAudioStems struct {
	Source       Source
	Of           Head     // the source's
	Sources      []string // names
	Chunk, Reach int      // samples
	Separate     func(ctx context.Context, dst [][][]float64, x [][]float64, at int) error
}

// audioChunk is what one goroutine needs to separate a chunk.
type audioChunk struct {
	x, rows [][]float64
	dst     [][][]float64
}

// Head returns that of the recording.
func (s *SeparatedAudioStems) Head() Head { return s.Of }

// Names returns those of the sources.
func (s *SeparatedAudioStems) Names() []string { return s.Sources }

// Each separates chunk after chunk, several at a time.
func (s *SeparatedAudioStems) Each(ctx context.Context, write func(source int, block [][]float64) error) error {
	return s.each(ctx, 0, write)
}

// Mark returns nil: no chunk depends on what came before.
func (s *SeparatedAudioStems) Mark() ([]byte, error) { return nil, nil }

// EachFrom separates from the chunk on that has sample at.
func (s *SeparatedAudioStems) EachFrom(ctx context.Context, at int, _ []byte, write func(source int, block [][]float64) error) error {
	return s.each(ctx, at-at%s.Chunk, skipping(at%s.Chunk, len(s.Sources), write))
}

// each separates from a sample on where a chunk begins.
func (s *SeparatedAudioStems) each(ctx context.Context, start int, write func(source int, block [][]float64) error) error {
	layers := s.Of.Layers()
	return blocks.Run(ctx, s.Of.Samples-start, s.Chunk, (*lend.Loan)(nil).Blocks(), func() *audioChunk { return new(audioChunk) },
		func(ctx context.Context, c *audioChunk, at, n int) error {
			at += start
			c.x = resize(c.x, layers, n+2*s.Reach)
			c.rows = resize(c.rows, layers*len(s.Sources), n)
			c.dst = c.dst[:0]
			for j := range s.Sources {
				c.dst = append(c.dst, c.rows[j*layers:(j+1)*layers])
			}
			if err := s.Source.ReadAt(ctx, c.x, at-s.Reach); err != nil {
				return err
			}
			if err := s.Separate(ctx, c.dst, c.x, at); err != nil {
				return err
			}
			for r, y := range c.rows {
				if notFinite(y) >= 0 {
					return fmt.Errorf("source %q came out with numbers that are not finite", s.Sources[r/layers])
				}
			}
			return nil
		},
		func(_ context.Context, c *audioChunk, _, _ int) error {
			for j, block := range c.dst {
				if err := write(j, block); err != nil {
					return err
				}
			}
			return nil
		})
}
