package audiosep

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"github.com/audiosep/audiosep/internal/wrap"
)

// Checkpoint is where a stage keeps what it needs to go on where it was, should the run be killed.
// It is of this stage in this very run: of the same pipeline, inputs and program. A stage that
// finds something there makes the same bits as one that begins anew.
type Checkpoint interface {
	// Dir is a folder of the stage's own for what is long. It is there.
	Dir() string
	// Load returns what was saved last, by an earlier run perhaps; nil if nothing was. It is an error
	// if something was, and cannot be read.
	Load() ([]byte, error)
	// Due tells whether enough has been done since Save for it to be worth its time.
	Due() bool
	// Save keeps state in the place of what was saved before, through a loss of power too. What
	// it tells of files in Dir must have been synced.
	Save(state []byte) error
	// Cannot tells the user why the stage begins anew where a run is killed.
	Cannot(why string)
}

// ResumableStems may be implemented by Stems that can be computed from the middle on.
type ResumableStems interface {
	Stems
	// EachFrom is Each for the samples from at on, with the same bits. mark is what Mark returned
	// when all sources had come to at; where that was nil at may be any sample.
	EachFrom(ctx context.Context, at int, mark []byte, write func(source int, block [][]float64) error) error
	// Mark returns what EachFrom needs to go on behind the block that write is being given: it
	// is called from within write, for the last source, while no other call of Each or EachFrom of the
	// same stems is under way. nil: nothing.
	Mark() ([]byte, error)
}

// ResumableSink may be implemented by a Sink that can go on with what an earlier run has written.
// Closed without Commit, it leaves what Keep has kept.
type ResumableSink interface {
	Sink
	// Resume is Create with files in a folder that stays when a run is killed. Where state is not
	// nil, it is what Keep returned, and Write goes on from there. An error of it says what is
	// not there any more.
	Resume(ctx context.Context, env Env, h Head, sources []string, dir string, state []byte) error
	// Keep has what is written last through a loss of power, and returns what Resume needs to go
	// on behind it. It is called when all sources have come as far.
	Keep(ctx context.Context) (state []byte, err error)
}

// seamSamples is how many samples before a seam are computed a second time, and compared.
const seamSamples = 4096

// seam is where a run was: what feed saves.
type seam struct {
	Samples int    `json:"samples"`          // of each source, all written
	Stems   []byte `json:"stems,omitempty"`  // of ResumableStems.Mark
	Sink    []byte `json:"sink"`             // of ResumableSink.Keep
	Before  string `json:"before,omitempty"` // SHA-256 of the last samples of all sources
}

// feed streams stems into a sink. Where there is a checkpoint it goes on where an earlier run was,
// and saves, from time to time, where it is.
func feed(ctx context.Context, env Env, s Sink, stems Stems) error {
	c := &carrier{env: env, sink: s, stems: stems, head: stems.Head(), sources: len(stems.Names())}
	from, err := c.begin(ctx)
	if err != nil {
		return err
	}
	write := func(source int, block [][]float64) error { return c.write(ctx, source, block) }
	if from == nil || c.done == 0 {
		return stems.Each(ctx, write)
	}
	c.report()
	if c.done == c.head.Samples {
		return nil
	}
	return c.from.EachFrom(ctx, c.done, from.Stems, write)
}

// carrier carries stems to a sink.
type carrier struct {
	env     Env
	sink    Sink
	stems   Stems
	head    Head
	sources int
	done    int // samples that the sink has of each source

	// What follows is nil where nothing is kept.
	from ResumableStems
	to   ResumableSink
	tail [][]float64 // the last samples of each source, [source*layers+layer]
}

// begin has the sink begin, or go on. It returns the seam from where, nil if nothing is kept.
func (c *carrier) begin(ctx context.Context) (*seam, error) {
	point := c.env.Checkpoint
	if point == nil {
		return nil, c.sink.Create(ctx, c.env, c.head, c.stems.Names())
	}
	var can, keeps bool
	c.from, can = wrap.As[ResumableStems](c.stems)
	c.to, keeps = wrap.As[ResumableSink](c.sink)
	if !can || !keeps {
		c.to = nil
		point.Cannot("its input can be computed from its beginning alone")
		return nil, c.sink.Create(ctx, c.env, c.head, c.stems.Names())
	}
	var s seam
	state, err := point.Load()
	if err != nil {
		return nil, err
	}
	if state != nil {
		if err := json.Unmarshal(state, &s); err != nil || s.Samples < 0 || s.Samples > c.head.Samples {
			return nil, fmt.Errorf("what an earlier run has kept in %s cannot be read; remove it to begin anew", point.Dir())
		}
	}
	c.done, c.tail = s.Samples, make([][]float64, c.sources*c.head.Layers())
	if err := c.compare(ctx, &s); err != nil {
		return nil, err
	}
	return &s, c.to.Resume(ctx, c.env, c.head, c.stems.Names(), point.Dir(), s.Sink)
}

// errCompared ends the computing of what is compared.
var errCompared = errors.New("compared")

// compare computes the samples before a seam again. If they are not those that were written what
// follows would not fit: a stage, a plugin perhaps, has made something else of the same.
func (c *carrier) compare(ctx context.Context, s *seam) error {
	if s.Before == "" {
		return nil
	}
	n := min(seamSamples, s.Samples)
	layers, tail := c.head.Layers(), make([][]float64, len(c.tail))
	err := c.from.EachFrom(ctx, s.Samples-n, nil, func(source int, block [][]float64) error {
		for l, x := range block {
			row := &tail[source*layers+l]
			*row = append(*row, x[:min(len(x), n-len(*row))]...)
		}
		if source == c.sources-1 && len(tail[source*layers]) == n {
			return errCompared
		}
		return nil
	})
	if !errors.Is(err, errCompared) {
		return err
	}
	if sumOf(tail) != s.Before {
		return fmt.Errorf("what it is given now is not what an earlier run wrote, so they cannot be joined; remove %s to begin anew", c.env.Checkpoint.Dir())
	}
	c.tail = tail
	return nil
}

// write passes a block on.
func (c *carrier) write(ctx context.Context, source int, block [][]float64) error {
	if err := c.sink.Write(ctx, source, block); err != nil {
		return err
	}
	if c.to != nil {
		for l, x := range block {
			row := &c.tail[source*c.head.Layers()+l]
			*row = append(*row, x...)
			*row = (*row)[:copy(*row, (*row)[max(0, len(*row)-seamSamples):])]
		}
	}
	if source < c.sources-1 {
		return nil
	}
	c.done += len(block[0])
	c.report()
	if c.to != nil && (c.done == c.head.Samples || c.env.Checkpoint.Due()) {
		return c.save(ctx)
	}
	return nil
}

func (c *carrier) report() {
	c.env.Report(Step{Done: c.done, Of: c.head.Samples, Objective: math.NaN()})
}

// save keeps where it is.
func (c *carrier) save(ctx context.Context) (err error) {
	s := seam{Samples: c.done}
	if s.Stems, err = c.from.Mark(); err != nil {
		return err
	}
	if s.Stems == nil {
		s.Before = sumOf(c.tail)
	}
	if s.Sink, err = c.to.Keep(ctx); err != nil {
		return err
	}
	state, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return c.env.Checkpoint.Save(state)
}

// sumOf returns the SHA-256 of rows of samples, in hex.
func sumOf(rows [][]float64) string {
	h := sha256.New()
	for _, row := range rows {
		b := binary.LittleEndian.AppendUint64(nil, uint64(len(row)))
		for _, x := range row {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
		}
		h.Write(b)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// skipping returns write without the first n samples of each of so many sources.
func skipping(n, sources int, write func(source int, block [][]float64) error) func(source int, block [][]float64) error {
	left := make([]int, sources)
	for j := range left {
		left[j] = n
	}
	return func(source int, block [][]float64) error {
		skip := min(left[source], len(block[0]))
		if left[source] -= skip; skip == len(block[0]) {
			return nil
		}
		if skip > 0 {
			rest := make([][]float64, len(block))
			for l, x := range block {
				rest[l] = x[skip:]
			}
			block = rest
		}
		return write(source, block)
	}
}
