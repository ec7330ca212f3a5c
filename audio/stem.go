package audio

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"

	"gonum.org/v1/gonum/floats"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/spool"
)

// StemParams are the parameters of stem.
type StemParams struct {
	Source string `json:"source" doc:"The name of the source, or its number, from 1 on, if none is called that."`
	Rest   bool   `json:"rest" doc:"Take what that source leaves, the sum of all others, as the recording; it keeps the mixture's name."`
}

var stemStage = audiosep.Define("stem",
	`Makes one of the separated sources, or what it leaves, a recording again, so that separations chain: the harmonic part first, then its notes.
It is kept in a temporary file while the pipeline runs.`,
	StemParams{Source: "1"}, NewStem)

// NewStem returns a stage that picks a stem. It must be closed, which ends the recordings
// that it has made.
func NewStem(p StemParams) (*Stem, error) {
	if err := audiosep.CheckStruct(p); err != nil {
		return nil, err
	}
	if p.Source == "" {
		return nil, &audiosep.ParamError{Name: "source", What: "is empty; want the name of a source, or its number"}
	}
	return &Stem{p: p}, nil
}

// Stem is the stage stem.
type Stem struct {
	p    StemParams
	mu   sync.Mutex
	kept []*spool.Spool
}

// Forecast finds fault with a source that will not be there, where the sources are known.
func (s *Stem) Forecast(in map[string]audiosep.Forecast) (map[string]audiosep.Forecast, error) {
	names := in["sources"].Sources
	if names == nil {
		return nil, nil
	}
	if _, err := sourceIndex(names, s.p.Source); err != nil {
		return nil, &audiosep.ParamError{Name: "source", What: fmt.Sprintf("is %q; want one of %s, or a number from 1 to %d", s.p.Source, strings.Join(names, ", "), len(names))}
	}
	return nil, nil
}

// StemIn is what stem takes.
type StemIn struct {
	Sources audiosep.Stems `port:"sources"`
}

// Run computes the stem.
func (s *Stem) Run(ctx context.Context, env audiosep.Env, in StemIn) (Out, error) {
	names, h := in.Sources.Names(), in.Sources.Head()
	j, err := sourceIndex(names, s.p.Source)
	if err != nil {
		return Out{}, err
	}
	if s.p.Rest && len(names) == 1 {
		return Out{}, fmt.Errorf("rest is set, and there is no source but %q; want at least two", names[j])
	}
	kept, err := spool.New(h.Layers(), h.Samples)
	if err != nil {
		return Out{}, err
	}
	s.mu.Lock()
	s.kept = append(s.kept, kept)
	s.mu.Unlock()
	take := keeper{kept: kept, source: j, rest: s.p.Rest, of: len(names), told: func(done int) {
		env.Report(audiosep.Step{Done: done, Of: h.Samples, Objective: math.NaN()})
	}}
	err = in.Sources.Each(ctx, take.write)
	if err == nil {
		err = kept.Full()
	}
	if err != nil {
		return Out{}, err
	}
	if !s.p.Rest {
		h.Names = stemNames(h, names[j])
	}
	return Out{&spooled{kept, h}}, nil
}

// keeper keeps a source, or the sum of all others, in a spool.
type keeper struct {
	kept       *spool.Spool
	source, of int
	rest       bool
	told       func(done int) // samples
	done       int
	sum        [][]float64 // of the others that have come so far in this block
	came       int
}

// write takes the next block of a source.
func (k *keeper) write(source int, block [][]float64) error {
	if k.rest != (source != k.source) {
		return nil
	}
	if k.rest && k.of > 2 {
		k.add(block)
		if k.came++; k.came < k.of-1 {
			return nil
		}
		block, k.came = k.sum, 0
	}
	for l, x := range block {
		if err := k.kept.Append(l, x); err != nil {
			return err
		}
	}
	k.done += len(block[0])
	k.told(k.done)
	return nil
}

// add adds a block to the sum, or begins a new one with it.
func (k *keeper) add(block [][]float64) {
	if k.sum == nil {
		k.sum = make([][]float64, len(block))
	}
	for l, x := range block {
		if k.came == 0 {
			k.sum[l] = append(k.sum[l][:0], x...)
		} else {
			floats.Add(k.sum[l], x)
		}
	}
}

// stemNames returns the names of the recordings of one stem: those of the mixture with the
// stem's behind.
func stemNames(h audiosep.Head, stem string) []string {
	names := make([]string, h.Realisations)
	for r := range names {
		if names[r] = stem; r < len(h.Names) {
			names[r] = h.Names[r] + "-" + stem
		}
	}
	return names
}

// Close ends the recordings.
func (s *Stem) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, k := range s.kept {
		errs = append(errs, k.Close())
	}
	s.kept = nil
	return errors.Join(errs...)
}

// spooled is a recording in a spool.
type spooled struct {
	kept *spool.Spool
	head audiosep.Head
}

func (s *spooled) Head(context.Context) (audiosep.Head, error) { return s.head, nil }

func (s *spooled) ReadAt(ctx context.Context, dst [][]float64, at int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for l, d := range dst {
		if err := s.kept.ReadAt(d, l, at); err != nil {
			return err
		}
	}
	return nil
}
