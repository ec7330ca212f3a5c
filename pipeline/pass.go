package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/counted"
	"github.com/audiosep/audiosep/internal/spool"
	inside "github.com/audiosep/audiosep/internal/wrap"
)

// passage is what a run attaches to a value on its way from a stage to others: what goes
// wrong when it is read is the maker's fault, and a watcher sees it.
type passage struct {
	*run
	by  *stage
	ref Ref
}

// blame says that the maker is in the wrong, unless somebody further up is.
func (p *passage) blame(err error) error { return wrap(p.by, err) }

// see shows a value to whoever watches.
func (p *passage) see(value any) {
	if p.Watcher != nil {
		out, _ := find(p.by.def.Out, p.ref.Port)
		p.Watcher.Port(p.ref, out.Cargo, value)
	}
}

// pass checks a value that a stage made, tells who watches, and returns it as other stages
// are to see it. head is that of the recording, if the value has one. What is plain data
// passes as it is.
func (p *passage) pass(ctx context.Context, value any) (seen any, head *audiosep.Head, err error) {
	switch v := value.(type) {
	case audiosep.Stems:
		h := v.Head()
		if masked, ok := v.(*audiosep.MaskedStems); ok {
			p.see(masked.Groups)
		} else {
			p.see(named(v.Names()))
		}
		return p.stems(v), &h, checkStems(v)
	case audiosep.Source:
		h, err := v.Head(ctx)
		if err != nil {
			return nil, nil, err
		}
		if h.Samples < 1 || h.Layers() < 1 {
			return nil, nil, fmt.Errorf("the recording is empty: %s in %s; want at least one", counted.Of(h.Samples, "sample"), counted.Of(h.Layers(), "layer"))
		}
		p.see(h)
		return &source{v, p}, &h, nil
	case *audiosep.Framed:
		p.see(v.Framing)
		return v, &v.Framing.Head, v.Framing.Validate()
	case audiosep.Spectra:
		h := v.Framing().Head
		return &spectra{v, p}, &h, nil
	case audiosep.Power:
		h := v.Framing().Head
		if p.left[p.ref] == 0 && p.Report != nil && p.ref.Matches(p.Report.Ports) {
			p.see(v) // as it is: for the report alone V is not had whole
		}
		return &power{Power: v, passage: p}, &h, nil
	case *audiosep.FittedTransform:
		p.see(v.Transform)
		return &audiosep.FittedTransform{Transform: p.transform(v.Transform), Framing: v.Framing}, nil, nil
	case *audiosep.Factors:
		if err := v.Validate(-1, -1); err != nil {
			return nil, nil, err
		}
		p.see(v)
		return v, nil, nil
	case audiosep.Notes:
		p.see(v)
		return v, nil, v.Validate()
	default:
		p.see(v)
		return v, nil, nil
	}
}

func named(names []string) []audiosep.Group {
	groups := make([]audiosep.Group, len(names))
	for j, name := range names {
		groups[j].Name = name
	}
	return groups
}

func checkStems(s audiosep.Stems) error {
	names := s.Names()
	if len(names) == 0 {
		return errors.New("it makes no sources; want at least one")
	}
	for j, name := range names {
		if name == "" || slices.Index(names, name) < j {
			return fmt.Errorf("source %d is called %q; want a name of its own for each", j+1, name)
		}
	}
	return nil
}

// source is a recording whose faults are its maker's.
type source struct {
	audiosep.Source
	p *passage
}

func (s *source) Unwrap() any           { return s.Source }
func (s *source) Blame(err error) error { return s.p.blame(err) }

func (s *source) Head(ctx context.Context) (audiosep.Head, error) {
	h, err := s.Source.Head(ctx)
	return h, s.p.blame(err)
}

func (s *source) ReadAt(ctx context.Context, dst [][]float64, at int) error {
	return s.p.blame(s.Source.ReadAt(ctx, dst, at))
}

// spectra are coefficients whose faults are their maker's.
type spectra struct {
	audiosep.Spectra
	p *passage
}

func (x *spectra) Unwrap() any                   { return x.Spectra }
func (x *spectra) Transform() audiosep.Transform { return x.p.transform(x.Spectra.Transform()) }

func (x *spectra) Read(ctx context.Context, dst *audiosep.Spectrogram, first, n int) error {
	if err := x.Spectra.Read(ctx, dst, first, n); err != nil {
		return x.p.blame(err)
	}
	dst.Transform = x.Transform()
	return nil
}

// power is V whose faults are its maker's. It is shown when it is first computed: by a stage that
// has it whole, or for a report.
type power struct {
	audiosep.Power
	*passage
	shown, warned sync.Once
}

func (v *power) Unwrap() any { return v.Power }

func (v *power) V(ctx context.Context) (*mat.Dense, error) {
	m, err := v.Power.V(ctx)
	if err != nil {
		return nil, v.blame(err)
	}
	v.shown.Do(func() {
		v.see(m)
		v.AfterAll(audiosep.Silent(m))
	})
	return m, nil
}

// BeforeAll shows V where there is a report.
func (v *power) BeforeAll(ctx context.Context) error {
	if v.Report == nil {
		return nil
	}
	_, err := v.V(ctx)
	return err
}

// AfterAll warns of silence, once.
func (v *power) AfterAll(silent bool) {
	if silent {
		v.warned.Do(func() {
			v.Log.Warn("the spectrogram is 0 everywhere: the recording is silent, or so soft, below 1e-162, that its powers are 0; there is nothing to take apart", "stage", v.by.id)
		})
	}
}

func (v *power) Columns(ctx context.Context, dst *mat.Dense, first int) error {
	return v.blame(v.Power.Columns(ctx, dst, first))
}

// transform returns t with its faults as its maker's. It has a matrix if t has.
func (p *passage) transform(t audiosep.Transform) audiosep.Transform {
	b := blamed{t, p}
	if m, ok := t.(audiosep.MatrixTransform); ok {
		return &blamedMatrix{b, m}
	}
	return &b
}

type blamed struct {
	audiosep.Transform
	p *passage
}

func (t *blamed) Unwrap() any { return t.Transform }

func (t *blamed) Forward(ctx context.Context, dst audiosep.Coefs, src []float64) error {
	return t.p.blame(t.Transform.Forward(ctx, dst, src))
}

func (t *blamed) Inverse(ctx context.Context, dst []float64, src audiosep.Coefs) error {
	return t.p.blame(t.Transform.Inverse(ctx, dst, src))
}

type blamedMatrix struct {
	blamed
	matrix audiosep.MatrixTransform
}

func (t *blamedMatrix) Phi() mat.Matrix { return t.matrix.Phi() }

// stems returns stems whose faults are their maker's. Where several stages take them, the
// first to do so has them kept in a file for the others.
func (p *passage) stems(s audiosep.Stems) audiosep.Stems {
	b := &blamedStems{s, p}
	if p.left[p.ref] < 2 {
		if from, ok := inside.As[audiosep.ResumableStems](s); ok {
			return &blamedResumable{b, from}
		}
		return b
	}
	shared := &sharedStems{Stems: b}
	p.closers = append(p.closers, shared)
	return shared
}

type blamedStems struct {
	audiosep.Stems
	p *passage
}

func (s *blamedStems) Unwrap() any { return s.Stems }

// blamedResumable are such that can be computed from the middle on.
type blamedResumable struct {
	*blamedStems
	from audiosep.ResumableStems
}

func (s *blamedResumable) Mark() ([]byte, error) {
	mark, err := s.from.Mark()
	return mark, s.p.blame(err)
}

func (s *blamedResumable) EachFrom(ctx context.Context, at int, mark []byte, write func(source int, block [][]float64) error) error {
	return s.watched(ctx, at, write, func(ctx context.Context, write func(source int, block [][]float64) error) error {
		return s.from.EachFrom(ctx, at, mark, write)
	})
}

func (s *blamedStems) Each(ctx context.Context, write func(source int, block [][]float64) error) error {
	return s.watched(ctx, 0, write, s.Stems.Each)
}

// watched calls each, which gives write the sources from sample at on, and warns where they do not
// sum to the recording.
func (s *blamedStems) watched(ctx context.Context, at int, write func(source int, block [][]float64) error, each func(context.Context, func(source int, block [][]float64) error) error) error {
	var written error // is the taker's fault
	watch := s.p.watchSums(ctx, s.Stems, at)
	err := each(ctx, func(source int, block [][]float64) error {
		if watch != nil {
			watch.add(source, block)
		}
		written = write(source, block)
		return written
	})
	if err != nil && written == nil {
		return s.p.blame(err)
	}
	if err == nil && watch != nil {
		if at, part := watch.off(ctx); part > 0 {
			s.p.Log.Warn(NoSum, "stage", s.p.by.id, "seconds", at, "part_of_peak", part)
		}
	}
	return err
}

// sharedStems are computed by the first call of Each and read from a file by later ones.
type sharedStems struct {
	audiosep.Stems
	mu   sync.Mutex
	kept *spool.Spool
}

var _ io.Closer = (*sharedStems)(nil)

func (s *sharedStems) Close() error {
	if s.kept == nil {
		return nil
	}
	return s.kept.Close()
}

func (s *sharedStems) Each(ctx context.Context, write func(source int, block [][]float64) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kept != nil && s.kept.Full() == nil {
		return s.replay(ctx, write)
	}
	h := s.Head()
	layers := h.Layers()
	var err error
	if s.kept != nil { // a call that failed
		s.kept.Close()
	}
	if s.kept, err = spool.New(len(s.Names())*layers, h.Samples); err != nil {
		return err
	}
	return s.Stems.Each(ctx, func(source int, block [][]float64) error {
		for l, x := range block {
			if err := s.kept.Append(source*layers+l, x); err != nil {
				return err
			}
		}
		return write(source, block)
	})
}

func (s *sharedStems) replay(ctx context.Context, write func(source int, block [][]float64) error) error {
	const size = 1 << 16
	h := s.Head()
	block := make([][]float64, h.Layers())
	for at := 0; at < h.Samples; at += size {
		for j := range s.Names() {
			if err := ctx.Err(); err != nil {
				return err
			}
			for l := range block {
				block[l] = make([]float64, min(size, h.Samples-at))
				if err := s.kept.ReadAt(block[l], j*len(block)+l, at); err != nil {
					return err
				}
			}
			if err := write(j, block); err != nil {
				return err
			}
		}
	}
	return nil
}
