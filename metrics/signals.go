package metrics

import (
	"context"
	"fmt"
	"runtime"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/counted"
)

// signals are the recordings that are compared: J references, J estimates and, if there is one,
// the mixture, in this order.
type signals struct {
	sources                 []audiosep.Source
	names                   []string
	refs                    int // J
	rate, samples, channels int
	fitted                  []string // whose lengths were made to fit
}

// span is a run of samples, from ≤ t < to.
type span struct{ from, to int }

func (s span) len() int { return s.to - s.from }

// open checks that all recordings have one rate and number of channels, and one length
// if opt does not make it one.
func open(ctx context.Context, refs, ests []audiosep.Source, mixture audiosep.Source, opt Options) (*signals, error) {
	if len(refs) == 0 || len(refs) != len(ests) {
		return nil, fmt.Errorf("%s (%s) and %s (%s); want as many of each, at least one: %s",
			counted.There(len(refs), "reference"), namesOf(ctx, refs), counted.Of(len(ests), "estimate"), namesOf(ctx, ests), evened(len(refs), len(ests)))
	}
	s := &signals{refs: len(refs)}
	s.sources = append(append(s.sources, refs...), ests...)
	if mixture != nil {
		s.sources = append(s.sources, mixture)
	}
	var heads []audiosep.Head
	for i, src := range s.sources {
		s.names = append(s.names, fmt.Sprint(i%len(refs)+1))
		h, err := src.Head(ctx)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.what(i), err)
		}
		if len(h.Names) > 0 {
			s.names[i] = h.Names[0]
		}
		heads = append(heads, h)
	}
	s.rate, s.samples, s.channels = heads[0].Rate, heads[0].Samples, heads[0].Channels
	for i, h := range heads {
		if err := s.accept(i, h, opt.FitLength); err != nil {
			return nil, err
		}
	}
	if !opt.ZeroMean {
		return s, nil
	}
	return s, parallel(len(s.sources), func(i int) (err error) {
		if s.sources[i], err = centre(ctx, s.sources[i], heads[i]); err != nil {
			err = fmt.Errorf("%s: %w", s.what(i), err)
		}
		return err
	})
}

// evened says what to do where there are not as many references as estimates.
func evened(refs, ests int) string {
	switch {
	case refs == 0 || ests == 0:
		return "folders with the stems alone, a reference and an estimate of each source"
	case ests > refs:
		return "leave out an estimate that is of no reference, as audiosep run --only STEM,STEM does, sum those that are of one (--two STEM writes one stem and the sum of all others), or give what is left in the references a reference of its own"
	default:
		return "an estimate for each reference, from a separation into more sources, or fewer references: leave out, or sum, those that were not to be told apart"
	}
}

// accept checks that a recording can be compared with the first, and makes the lengths
// fit.
func (s *signals) accept(i int, h audiosep.Head, fit FitLength) error {
	what, first := s.what(i), printable(s.names[0])
	switch {
	case h.Samples == 0 || h.Channels == 0:
		return fmt.Errorf("%s is empty; want sound", what)
	case h.Realisations != 1:
		return fmt.Errorf("%s has %s; want 1", what, counted.Of(h.Realisations, "realisation"))
	case h.Rate != s.rate:
		return fmt.Errorf("%s is at %d Hz; want %d Hz, the rate of reference %s: resample it first", what, h.Rate, s.rate, first)
	case h.Channels != s.channels:
		return fmt.Errorf("%s has %s; want %d, those of reference %s", what, counted.Of(h.Channels, "channel"), s.channels, first)
	case h.Samples == s.samples && len(s.fitted) == 0:
		return nil
	case fit == FitPad:
		s.samples = max(s.samples, h.Samples)
	case fit == FitCut:
		s.samples = min(s.samples, h.Samples)
	default:
		return fmt.Errorf("%s has %s; want %d, the length of reference %s: align them and fit the length, by padding or cutting", what, counted.Of(h.Samples, "sample"), s.samples, first)
	}
	s.fitted = append(s.fitted, fmt.Sprintf("%s has %d", what, h.Samples))
	return nil
}

// namesOf lists the names of recordings, as far as they can be told.
func namesOf(ctx context.Context, sources []audiosep.Source) string {
	var names []string
	for i, s := range sources {
		if h, err := s.Head(ctx); err == nil && len(h.Names) > 0 {
			names = append(names, printable(h.Names[0]))
		} else {
			names = append(names, fmt.Sprint(i+1))
		}
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// what says in words what source i is.
func (s *signals) what(i int) string {
	switch {
	case i < s.refs:
		return "reference " + printable(s.names[i])
	case i < 2*s.refs:
		return "estimate " + printable(s.names[i])
	default:
		return "the mixture"
	}
}

// read fills dst[channel] with the samples of a source from at on, zeros outside win.
func (s *signals) read(ctx context.Context, dst [][]float64, source int, win span, at int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.sources[source].ReadAt(ctx, dst, at); err != nil {
		return fmt.Errorf("%s: %w", s.what(source), err)
	}
	for _, d := range dst {
		clear(d[:min(len(d), max(0, win.from-at))])
		clear(d[min(len(d), max(0, win.to-at)):])
	}
	return nil
}

// parallel calls f(0) to f(n-1) on all cores and returns one of their errors.
func parallel(n int, f func(i int) error) error { return limited(runtime.GOMAXPROCS(0), n, f) }

// limited is parallel on a number of cores.
func limited(workers, n int, f func(i int) error) error {
	var g errgroup.Group
	g.SetLimit(workers)
	for i := range n {
		g.Go(func() error { return f(i) })
	}
	return g.Wait()
}

// each is parallel for an f that fails only where ctx is done: what it made may be unfinished then.
func each(ctx context.Context, n int, f func(i int)) error {
	return parallel(n, func(i int) error {
		if ctx.Err() == nil {
			f(i)
		}
		return ctx.Err()
	})
}

// planes returns n slices of the given length in one array.
func planes[T any](n, length int) [][]T {
	data := make([]T, n*length)
	p := make([][]T, n)
	for i := range p {
		p[i] = data[i*length : (i+1)*length : (i+1)*length]
	}
	return p
}
