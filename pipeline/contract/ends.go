package contract

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"sync"

	"github.com/audiosep/audiosep"
	"gonum.org/v1/gonum/mat"
)

// head describes a recording that every framer must be able to cut.
var head = audiosep.Head{Rate: 44100, Samples: 30011, Channels: 2, Realisations: 1}

var framerChecks = []check{
	{"Framing: valid", "The framing of a recording of less than a second is valid and describes that recording; another is valid or refused.",
		"refuse what cannot be joined by an error (Go: that of Framing.Validate)", validFramings},
	{"Framing: cut and join", "What is cut and joined again is the recording, to 1e-12 of its greatest sample.",
		"look at the product of the two windows: it must not be small where frames do not overlap", cutAndJoin},
	{"Framing: same twice", "The result is a function of the arguments alone.", "use no clock and no random numbers",
		func(ctx context.Context, s *subject) error {
			a, err := s.framing(ctx, head)
			if err != nil {
				return err
			}
			b, err := s.framing(ctx, head)
			if err == nil && (fmt.Sprint(a) != fmt.Sprint(b)) {
				err = errors.New("two framings of one recording differ; want the same")
			}
			return err
		}},
	{"Framing: cancellation", "A method returns soon after it is cancelled, with an error that says so or a result.", cancelHint,
		func(ctx context.Context, s *subject) error {
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			_, err := s.framing(ctx, head)
			return cancelled(err, true)
		}},
}

func (s *subject) framing(ctx context.Context, h audiosep.Head) (audiosep.Framing, error) {
	stage, err := build[audiosep.Framer](s)
	if err != nil {
		return audiosep.Framing{}, err
	}
	f, err := stage.Framing(ctx, h)
	return f, fails(err)
}

func validFramings(ctx context.Context, s *subject) error {
	for i, h := range []audiosep.Head{head, {Rate: 8000, Samples: 100000, Channels: 1, Realisations: 3}, {Rate: 44100, Samples: 1, Channels: 1, Realisations: 1}} {
		f, err := s.framing(ctx, h)
		if err != nil {
			if i == 0 {
				return fmt.Errorf("a recording of %d samples: %w", h.Samples, err)
			}
			continue
		}
		if fmt.Sprint(f.Head) != fmt.Sprint(h) {
			return fmt.Errorf("the framing's head is %+v; want that of the recording, %+v", f.Head, h)
		}
		if err := f.Validate(); err != nil {
			return fmt.Errorf("a recording of %d samples: %w", h.Samples, err)
		}
	}
	return nil
}

func cutAndJoin(ctx context.Context, s *subject) error {
	f, err := s.framing(ctx, head)
	if err != nil {
		return err
	}
	x := [][]float64{random("left", head.Samples), random("right", head.Samples)}
	var y audiosep.Frames
	if err := f.Cut(ctx, &y, &audiosep.Signal{Rate: head.Rate, Channels: 2, Data: x}, 0, f.Frames()); err != nil {
		return err
	}
	for l, back := range audiosep.NewJoiner(f, 2).Add(y.Data, f.Frames()) {
		if len(back) != head.Samples {
			return fmt.Errorf("%d samples come back; want %d", len(back), head.Samples)
		}
		for i, v := range back {
			if !(math.Abs(v-x[l][i]) <= 1e-12) {
				return fmt.Errorf("sample %d of %d comes back %.2g away; want 1e-12", i, head.Samples, math.Abs(v-x[l][i]))
			}
		}
	}
	return nil
}

// most is how much of a recording is read to check its source.
const most = 1 << 17

var sourceChecks = []check{
	{"Head", "A source knows its rate, length, channels and realisations, the same at every call.",
		"fill every field of the head but its names and encoding", heads},
	{"ReadAt: consistent", "A sample is the same in whatever run it is read, and finite; outside the recording is zero.",
		"keep no position between calls; clear what lies outside", readsConsistently},
	{"ReadAt: concurrent calls", "A recording may be read from several threads at once.",
		"read the file at a place (Go: ReadAt, Python: os.pread), not where an earlier read has ended", readsConcurrently},
	{"ReadAt: cancellation", "A method returns soon after it is cancelled, with an error that says so or a result.", cancelHint,
		func(ctx context.Context, s *subject) error {
			return s.withSource(ctx, func(src audiosep.Source, h audiosep.Head) error {
				ctx, cancel := context.WithCancel(ctx)
				cancel()
				_, err := read(ctx, src, h, 0, min(h.Samples, most))
				return cancelled(err, true)
			})
		}},
}

func (s *subject) withSource(ctx context.Context, f func(audiosep.Source, audiosep.Head) error) (err error) {
	src, err := build[audiosep.Source](s)
	if err != nil {
		return err
	}
	if c, ok := src.(interface{ Close() error }); ok {
		defer func() { err = errors.Join(err, c.Close()) }()
	}
	h, err := src.Head(ctx)
	if err != nil {
		return fails(err)
	}
	return f(src, h)
}

func read(ctx context.Context, src audiosep.Source, h audiosep.Head, at, n int) ([]float64, error) {
	dst, marks := make([][]float64, h.Layers()), make([]guarded, h.Layers())
	for l := range dst {
		marks[l] = newGuarded(n)
		dst[l] = marks[l].data
	}
	if err := src.ReadAt(ctx, dst, at); err != nil {
		return nil, fails(err)
	}
	var all []float64
	for l, d := range dst {
		if err := marks[l].check(fmt.Sprintf("layer %d", l)); err != nil {
			return nil, err
		}
		all = append(all, d...)
	}
	return all, finite(all)
}

func heads(ctx context.Context, s *subject) error {
	return s.withSource(ctx, func(src audiosep.Source, h audiosep.Head) error {
		if h.Rate < 1 || h.Channels < 1 || h.Realisations < 1 || h.Samples < 0 {
			return fmt.Errorf("the head is %+v; want at least 1 Hz, 1 channel and 1 realisation", h)
		}
		if h.Names != nil && len(h.Names) != h.Realisations {
			return fmt.Errorf("there are %d names; want %d, one for each realisation, or none", len(h.Names), h.Realisations)
		}
		again, err := src.Head(ctx)
		if err == nil && fmt.Sprint(again) != fmt.Sprint(h) {
			err = fmt.Errorf("the head is %+v and then %+v; want the same", h, again)
		}
		return err
	})
}

func readsConsistently(ctx context.Context, s *subject) error {
	return s.withSource(ctx, func(src audiosep.Source, h audiosep.Head) error {
		const before = 5
		n := min(h.Samples, most)
		whole, err := read(ctx, src, h, -before, n+2*before)
		if err != nil {
			return err
		}
		rng := newRand(1)
		for range 50 {
			at, run := rng.IntN(n+before)-before, 1+rng.IntN(1000)
			run = min(run, n+before-at)
			part, err := read(ctx, src, h, at, run)
			if err != nil {
				return err
			}
			for l := range h.Layers() {
				from := l*(n+2*before) + at + before
				if err := sameBits(whole[from:from+run], part[l*run:(l+1)*run]); err != nil {
					return fmt.Errorf("%d samples from %d on, read alone and within a longer run: %w; want the same bits", run, at, err)
				}
			}
		}
		for _, at := range []int{-before, h.Samples, h.Samples + 1000000} {
			out, err := read(ctx, src, h, at, before)
			if err == nil {
				err = sameBits(out, make([]float64, len(out)))
			}
			if err != nil {
				return fmt.Errorf("%d samples from %d on, outside the recording: %w; want zeros", before, at, err)
			}
		}
		return nil
	})
}

func readsConcurrently(ctx context.Context, s *subject) error {
	return s.withSource(ctx, func(src audiosep.Source, h audiosep.Head) error {
		errs := make([]error, 8)
		n := min(h.Samples, most) / len(errs)
		var wg sync.WaitGroup
		out := make([][]float64, len(errs))
		for i := range errs {
			wg.Go(func() { out[i], errs[i] = read(ctx, src, h, i*n, n) })
		}
		wg.Wait()
		for i := range errs {
			alone, err := read(ctx, src, h, i*n, n)
			if err := errors.Join(errs[i], err, sameBits(alone, out[i])); err != nil {
				return fmt.Errorf("%d samples from %d on: %w; want what a call alone reads", n, i*n, err)
			}
		}
		return nil
	})
}

var sinkChecks = []check{
	{"Close without Commit", "Closed without Commit, a sink leaves no trace.",
		"write to a file of another name and remove it in Close", func(ctx context.Context, s *subject) error {
			return s.sink(ctx, false)
		}},
	{"Commit", "Nothing is seen before Commit, and after it everything is.",
		"rename in Commit, after the last byte is on the disk", func(ctx context.Context, s *subject) error {
			return s.sink(ctx, true)
		}},
}

// sink writes two sources and looks at the folder before, amidst and after.
func (s *subject) sink(ctx context.Context, commit bool) error {
	if s.o.Folder == "" {
		return skipped("it needs a folder to write into")
	}
	made, err := s.def.Build(s.o.Params)
	if err != nil {
		return err
	}
	sink, ok := made.(interface {
		audiosep.Committer
		io.Closer
	})
	if !ok {
		return fmt.Errorf("the stage is a %T; want one with Commit and Close", made)
	}
	before := s.visible()
	h := audiosep.Head{Rate: 8000, Samples: 3000, Channels: 2, Realisations: 1, Names: []string{"take"}, Encoding: "int16"}
	stems := &watchedStems{head: h}
	if _, err := s.def.Run(ctx, audiosep.Env{}, made, audiosep.Values{"sources": stems}); err != nil && stems.touched == nil {
		return errors.Join(fails(err), sink.Close())
	}
	if stems.touched != nil {
		return errors.Join(stems.touched, sink.Close())
	}
	if now := s.visible(); fmt.Sprint(now) != fmt.Sprint(before) {
		return errors.Join(fmt.Errorf("before Commit the folder has %v; want %v as before, or hidden names that begin with a dot", now, before), sink.Close())
	}
	if commit {
		if err := sink.Commit(ctx); err != nil {
			return errors.Join(fails(err), sink.Close())
		}
	}
	if err := sink.Close(); err != nil {
		return err
	}
	switch after := s.files(); {
	case !commit && fmt.Sprint(after) != fmt.Sprint(before):
		return fmt.Errorf("after Close the folder has %v; want %v as before", after, before)
	case commit && len(after) <= len(before):
		return fmt.Errorf("after Commit the folder has %v; want something new", after)
	case commit && len(after) != len(s.visible()):
		return fmt.Errorf("after Commit and Close the folder has %v; want no hidden file left", after)
	}
	return nil
}

// watchedStems are two sources whose blocks must not be modified.
type watchedStems struct {
	head    audiosep.Head
	touched error // what was modified
}

func (s *watchedStems) Head() audiosep.Head { return s.head }
func (s *watchedStems) Names() []string     { return []string{"first", "second"} }

func (s *watchedStems) Each(_ context.Context, write func(source int, block [][]float64) error) error {
	for at := 0; at < s.head.Samples; at += 1000 {
		for source := range 2 {
			block := [][]float64{random("left", 1000), random("right", 1000)}
			args := []watched{watch("block", block[0]), watch("block", block[1])}
			if err := write(source, block); err != nil {
				return err
			}
			if s.touched = touched(args...); s.touched != nil {
				return s.touched
			}
		}
	}
	return nil
}

// files returns the files below the folder.
func (s *subject) files() (names []string) {
	filepath.WalkDir(s.o.Folder, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, path)
		}
		return nil
	})
	return names
}

// visible returns those of the files that are not hidden.
func (s *subject) visible() (names []string) {
	for _, f := range s.files() {
		if filepath.Base(f)[0] != '.' {
			names = append(names, f)
		}
	}
	return names
}

var modelReaderChecks = []check{
	{"ReadModel", "A model is whole, and the same at every reading.", "check shapes and numbers when reading",
		func(ctx context.Context, s *subject) error {
			var all [2][]float64
			for i := range all {
				m, err := s.model(ctx)
				if err == nil && m.Factors != nil {
					err = m.Factors.Validate(-1, -1)
				}
				if err == nil {
					all[i], err = bits(m)
				}
				if err != nil {
					return err
				}
			}
			return want(sameBits(all[0], all[1]), "the same model")
		}},
	{"ReadModel: cancellation", "A method returns soon after it is cancelled, with an error that says so or a result.", cancelHint,
		func(ctx context.Context, s *subject) error {
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			_, err := s.model(ctx)
			return cancelled(err, true)
		}},
}

func (s *subject) model(ctx context.Context) (audiosep.Model, error) {
	stage, err := build[audiosep.ModelReader](s)
	if err != nil {
		return audiosep.Model{}, err
	}
	m, err := stage.ReadModel(ctx)
	return m, fails(err)
}

var modelWriterChecks = []check{
	{"WriteModel", "A model is written whole and not modified, and not seen before Commit.", "write to another name and rename in Commit", func(ctx context.Context, s *subject) error {
		if s.o.Folder == "" {
			return skipped("it needs a folder to write into")
		}
		stage, err := build[audiosep.ModelWriter](s)
		if err != nil {
			return err
		}
		t, err := audiosep.NewMatrixTransform(mat.NewDense(2, 2, []float64{0.6, 0.8, -0.8, 0.6}))
		if err != nil {
			return err
		}
		ones := []float64{1, 1}
		f := audiosep.Framing{Head: audiosep.Head{Rate: 8000, Samples: 10, Channels: 1, Realisations: 1}, Length: 2, Hop: 2, Share: 1, Analysis: ones, Synthesis: ones}
		m := audiosep.Model{Framing: &f, Transform: t, Factors: factors(2, 3, 5)}
		args := watchFactors(m.Factors)
		before := len(s.visible())
		if err := errors.Join(fails(stage.WriteModel(ctx, m)), touched(args...)); err != nil {
			return errors.Join(err, stage.Close())
		}
		if len(s.visible()) != before {
			return errors.Join(errors.New("the model is seen before Commit; want a name that begins with a dot, or none"), stage.Close())
		}
		if err := errors.Join(stage.Commit(ctx), stage.Close()); err != nil {
			return err
		}
		if len(s.files()) == 0 {
			return errors.New("the folder has no file; want the model")
		}
		return nil
	}},
}
