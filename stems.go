package audiosep

import (
	"context"
	"fmt"

	"github.com/audiosep/audiosep/internal/blocks"
	"github.com/audiosep/audiosep/internal/lend"
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
		return nil, &ShapeError{"the stems", fmt.Sprintf("%d signals with %d names", len(signals), len(names)), "a name for each, at least one"}
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
	return fmt.Sprintf("%d samples at %d Hz in %d layers", h.Samples, h.Rate, h.Layers())
}

type memoryStems struct {
	head    Head
	names   []string
	signals []*Signal
}

func (s *memoryStems) Head() Head      { return s.head }
func (s *memoryStems) Names() []string { return s.names }

func (s *memoryStems) Each(ctx context.Context, write func(source int, block [][]float64) error) error {
	const size = 1 << 16
	block := make([][]float64, s.head.Layers())
	for at := 0; at < s.head.Samples; at += size {
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
func Separated(x Spectra, names []string, halo int,
	separate func(ctx context.Context, dst [][]Coefs, x *Spectrogram, skip, n int) error) Stems {
	return &separated{x: x, names: names, halo: halo, separate: separate}
}

type separated struct {
	x        Spectra
	names    []string
	halo     int
	separate func(ctx context.Context, dst [][]Coefs, x *Spectrogram, skip, n int) error
	by       any // the stage, if it may lend memory
}

func (s *separated) Head() Head      { return s.x.Framing().Head }
func (s *separated) Names() []string { return s.names }

func (s *separated) Each(ctx context.Context, write func(source int, block [][]float64) error) error {
	f := s.x.Framing()
	layers, sources := f.Layers(), len(s.names)
	join := NewJoiner(f, sources*layers)
	size := blocks.Size(ctx, f.Length*sources, layers, f.Share, f.Frames())
	loan := lend.From(s.x.Transform(), s.by)
	defer loan.GiveBack()
	return blocks.Run(ctx, f.Frames(), size, loan.Blocks(), func() *separation { return newSeparation(s, size, loan) },
		func(ctx context.Context, slot *separation, first, n int) error { return slot.compute(ctx, first, n) },
		func(_ context.Context, slot *separation, _, n int) error {
			block := join.Add(slot.rows, n)
			if layers == 0 || len(block[0]) == 0 {
				return nil
			}
			for j := range sources {
				if err := write(j, block[j*layers:(j+1)*layers]); err != nil {
					return err
				}
			}
			return nil
		})
}

// separation is what one goroutine needs to separate a run of frames. What belongs to the
// sources stands layer by layer, in each source by source, frame by frame.
type separation struct {
	*separated
	mix  Spectrogram
	x    Coefs
	y    []float64
	dst  [][]Coefs
	rows [][]float64 // the frames of y, [source*L+layer]
}

func newSeparation(s *separated, size int, loan *lend.Loan) *separation {
	f, t := s.x.Framing(), s.x.Transform()
	rows := len(s.names) * f.Layers()
	p := &separation{separated: s, mix: Spectrogram{loan: loan}, rows: make([][]float64, rows), dst: make([][]Coefs, len(s.names))}
	p.mix.Reset(f, t, 0, min(size+2*s.halo, f.Frames()))
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
	f, t := p.separated.x.Framing(), p.separated.x.Transform()
	from, to := max(0, first-p.halo), min(f.Frames(), first+n+p.halo)
	if err := p.separated.x.Read(ctx, &p.mix, from, to-from); err != nil {
		return err
	}
	sources, layers := len(p.names), f.Layers()
	for l := range layers {
		for j := range sources {
			at := (l*sources + j) * n
			p.dst[j][l] = p.x.Slice(at, at+n, t.Bins())
		}
	}
	if err := p.separate(ctx, p.dst, &p.mix, first-from, n); err != nil {
		return err
	}
	run := n * f.Length
	if err := t.Inverse(ctx, p.y[:len(p.rows)*run], p.x.Slice(0, len(p.rows)*n, t.Bins())); err != nil {
		return err
	}
	for j := range sources {
		for l := range layers {
			at := (l*sources + j) * run
			p.rows[j*layers+l] = p.y[at : at+run]
			if notFinite(p.y[at:at+run]) >= 0 {
				return fmt.Errorf("source %q came out with numbers that are not finite", p.names[j])
			}
		}
	}
	return nil
}

// SeparatedAudio are the stems that separate makes of a recording's samples, chunk samples
// at a time: what is no mask, such as a network from waveform to waveform.
//
// separate is given x[layer], the n samples from sample at on with reach samples before and
// after them, zeros outside the recording, and writes all n samples of dst[source][layer].
// It is called from several goroutines at once.
func SeparatedAudio(src Source, h Head, names []string, chunk, reach int,
	separate func(ctx context.Context, dst [][][]float64, x [][]float64, at int) error) Stems {
	return &separatedAudio{src, h, names, max(1, chunk), reach, separate}
}

type separatedAudio struct {
	src          Source
	head         Head
	names        []string
	chunk, reach int
	separate     func(ctx context.Context, dst [][][]float64, x [][]float64, at int) error
}

// audioChunk is what one goroutine needs to separate a chunk.
type audioChunk struct {
	x, rows [][]float64
	dst     [][][]float64
}

func (s *separatedAudio) Head() Head      { return s.head }
func (s *separatedAudio) Names() []string { return s.names }

func (s *separatedAudio) Each(ctx context.Context, write func(source int, block [][]float64) error) error {
	layers := s.head.Layers()
	return blocks.Run(ctx, s.head.Samples, s.chunk, (*lend.Loan)(nil).Blocks(), func() *audioChunk { return new(audioChunk) },
		func(ctx context.Context, c *audioChunk, at, n int) error {
			c.x = resize(c.x, layers, n+2*s.reach)
			c.rows = resize(c.rows, layers*len(s.names), n)
			c.dst = c.dst[:0]
			for j := range s.names {
				c.dst = append(c.dst, c.rows[j*layers:(j+1)*layers])
			}
			if err := s.src.ReadAt(ctx, c.x, at-s.reach); err != nil {
				return err
			}
			if err := s.separate(ctx, c.dst, c.x, at); err != nil {
				return err
			}
			for r, y := range c.rows {
				if notFinite(y) >= 0 {
					return fmt.Errorf("source %q came out with numbers that are not finite", s.names[r/layers])
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
