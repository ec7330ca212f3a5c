package separators

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"

	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/assign"
	"github.com/audiosep/audiosep/internal/counted"
	"github.com/audiosep/audiosep/internal/kernel"
)

// EnsembleParams are the parameters of ensemble.
type EnsembleParams struct {
	Combine string   `json:"combine" oneof:"mean|median" doc:"What is made of the stems that belong together: their mean, which sums to the mixture where they do, or in each sample their median, which an odd one among them does not move."`
	Names   []string `json:"names" doc:"The sources' names; empty: those of the first separation."`
}

// DefaultEnsemble returns the defaults of ensemble.
func DefaultEnsemble() EnsembleParams { return EnsembleParams{Combine: "mean"} }

var ensembleStage = audiosep.Define("ensemble",
	`Combines separations of one recording, such as those of several random starts, to one: stems that belong together, which the greatest sum of their correlations tells, are averaged.
What starts disagree on ends up, weaker, in several sources. The log has the agreement of each source: the mean correlation of its stems with the others that belong to it, 1 where all starts found the same, and about as much as the stems have of the mixture in common where they found nothing. What feeds the stage is computed twice.`,
	DefaultEnsemble(), NewEnsemble)

// Ensemble is the stage ensemble.
type Ensemble struct{ p EnsembleParams }

// NewEnsemble returns a stage that combines as p says.
func NewEnsemble(p EnsembleParams) (*Ensemble, error) {
	if err := audiosep.CheckStruct(p); err != nil {
		return nil, err
	}
	return &Ensemble{p}, nil
}

// EnsembleIn is what ensemble takes.
type EnsembleIn struct {
	Sources []audiosep.Stems `port:"sources,many"`
}

// EnsembleOut is what ensemble makes.
type EnsembleOut struct {
	Sources audiosep.Stems `port:"sources"`
}

// Forecast says how the sources will be called.
func (s *Ensemble) Forecast(in map[string]audiosep.Forecast) (map[string]audiosep.Forecast, error) {
	all := in["sources"].Sources // of all separations, one after the other
	if all == nil {
		return nil, nil
	}
	again := slices.Index(all[1:], all[0])
	if again < 0 { // names differ, or there is one separation: not known where the first ends
		return nil, nil
	}
	names := all[:again+1]
	if len(s.p.Names) > 0 {
		if len(s.p.Names) != len(names) {
			return nil, &audiosep.ParamError{Name: "names", What: fmt.Sprintf("has %s; want %d, one for each source", counted.Of(len(s.p.Names), "entry"), len(names))}
		}
		names = s.p.Names
	}
	return map[string]audiosep.Forecast{"sources": {Sources: names}}, nil
}

// Needs says what it takes, while it compares stems and while they are combined: what each separation
// has handed on, twice, as one block is taken while the next is computed.
func (s *Ensemble) Needs(e audiosep.Extent) audiosep.Needs {
	block := int64(e.Block()*e.Hop+e.Length) * 8 * int64(max(1, e.Layers())) * int64(max(1, e.Sources))
	return audiosep.Needs{Work: 2 * block, Streams: 2 * block}
}

// Run finds which stems belong together. They are combined as they are taken.
func (s *Ensemble) Run(ctx context.Context, env audiosep.Env, in EnsembleIn) (EnsembleOut, error) {
	stems, agreement, err := Combine(ctx, s.p, in.Sources)
	if err != nil {
		return EnsembleOut{}, err
	}
	for j, name := range stems.Names() {
		if len(in.Sources) == 1 { // nothing to compare
			break
		}
		env.Logger().Info("starts compared", slog.String("source", name), slog.Float64("agreement", agreement[j]))
	}
	return EnsembleOut{stems}, nil
}

// Combine returns the stems that separations of one recording have in common, and the
// agreement on each: the mean correlation of its stems with each other, NaN where there is
// one separation alone. It is an error if the separations differ in the number of sources or
// in their recordings' lengths, rates or channels.
func Combine(ctx context.Context, p EnsembleParams, all []audiosep.Stems) (audiosep.Stems, []float64, error) {
	if err := alike(all); err != nil {
		return nil, nil, err
	}
	names := all[0].Names()
	if len(p.Names) > 0 {
		names = p.Names
	}
	if len(names) != len(all[0].Names()) {
		return nil, nil, fmt.Errorf("names has %s; want %d, one for each source", counted.Of(len(names), "entry"), len(all[0].Names()))
	}
	g, err := innerProducts(ctx, all)
	if err != nil {
		return nil, nil, err
	}
	places := g.align()
	out := &combined{all: all, places: places, names: names, median: p.Combine == "median"}
	return out, g.agreement(places), nil
}

func alike(all []audiosep.Stems) error {
	if len(all) == 0 {
		return fmt.Errorf("there are no separations; want at least one")
	}
	first := all[0].Head()
	for i, s := range all[1:] {
		h := s.Head()
		if h.Rate != first.Rate || h.Samples != first.Samples || h.Channels != first.Channels || h.Realisations != first.Realisations {
			return fmt.Errorf("separation %d has %s at %d Hz in %s; want %d at %d Hz in %d, as the first", i+2,
				counted.Of(h.Samples, "sample"), h.Rate, counted.Of(h.Layers(), "layer"), first.Samples, first.Rate, first.Layers())
		}
		if n, want := len(s.Names()), len(all[0].Names()); n != want {
			return fmt.Errorf("separation %d has %s; want %d, as the first", i+2, counted.Of(n, "source"), want)
		}
	}
	return nil
}

// gram are the inner products of all stems of R separations of J sources: of stem a of
// separation r with stem b of q it is at [r*J+a][q*J+b].
type gram struct {
	of      [][]float64
	j, many int
}

// dotsAtOnce is how many samples of all stems stand side by side while their products are summed up.
const dotsAtOnce = 50 * kernel.DotUnit

func innerProducts(ctx context.Context, all []audiosep.Stems) (*gram, error) {
	j := len(all[0].Names())
	count := j * len(all)
	g := &gram{zeros(count, count), j, len(all)}
	var rows kernel.Rows
	sums := make([]float64, count*count)
	tile := blas64.General{Rows: count, Stride: dotsAtOnce, Data: make([]float64, count*dotsAtOnce)}
	err := together(ctx, all, func(x [][][]float64) error {
		for l := range x[0] {
			for at, n := 0, 0; at < len(x[0][l]); at += n {
				n = min(dotsAtOnce, len(x[0][l])-at)
				tile.Cols = kernel.Padded(n)
				for a := range x {
					row := tile.Data[a*dotsAtOnce:][:tile.Cols]
					clear(row[copy(row, x[a][l][at:at+n]):])
				}
				rows.AddDots(sums, tile, tile)
			}
		}
		return ctx.Err()
	})
	for a := range g.of {
		for b := range a + 1 {
			g.of[a][b] = sums[a*count+b]
			g.of[b][a] = g.of[a][b]
		}
	}
	return g, err
}

// correlation returns that of two stems, 0 where one is silent.
func (g *gram) correlation(a, b int) float64 {
	if n := math.Sqrt(g.of[a][a]) * math.Sqrt(g.of[b][b]); n > 0 {
		return g.of[a][b] / n
	}
	return 0
}

// alignRounds bounds the rounds of align, which ends when nothing changes.
const alignRounds = 100

// align returns places[r][j], which stem of separation r is source j. Those of the first are
// in order; then each separation in turn is matched to the sums of the others' stems, until
// nothing changes.
func (g *gram) align() [][]int {
	places := make([][]int, g.many)
	for r := range places {
		places[r] = g.match(places[:min(r, 1)], r)
	}
	for range alignRounds {
		changed := false
		for r := 1; r < g.many; r++ {
			others := slices.Concat(places[:r], places[r+1:])
			index := slices.Concat(ints(0, r), ints(r+1, g.many))
			next := g.matchTo(others, index, r)
			changed = changed || !slices.Equal(next, places[r])
			places[r] = next
		}
		if !changed {
			break
		}
	}
	return places
}

func (g *gram) match(first [][]int, r int) []int {
	if len(first) == 0 {
		return ints(0, g.j)
	}
	return g.matchTo(first, []int{0}, r)
}

// matchTo returns which stem of separation r goes with the sum of each source's stems of
// others, whose numbers index has: the sum of the correlations is the greatest.
func (g *gram) matchTo(others [][]int, index []int, r int) []int {
	score := zeros(g.j, g.j)
	for j := range score {
		sum := make([]int, len(others))
		for i, place := range others {
			sum[i] = index[i]*g.j + place[j]
		}
		energy := 0.0
		for _, a := range sum {
			for _, b := range sum {
				energy += g.of[a][b]
			}
		}
		for k := range score[j] {
			stem, product := r*g.j+k, 0.0
			for _, a := range sum {
				product += g.of[a][stem]
			}
			if n := math.Sqrt(energy) * math.Sqrt(g.of[stem][stem]); n > 0 {
				score[j][k] = product / n
			}
		}
	}
	return assign.Best(score)
}

// agreement returns the mean correlation of the stems of each source with each other.
func (g *gram) agreement(places [][]int) []float64 {
	out := make([]float64, g.j)
	for j := range out {
		pairs := 0
		for r := range places {
			for q := range r {
				out[j] += g.correlation(r*g.j+places[r][j], q*g.j+places[q][j])
				pairs++
			}
		}
		out[j] /= float64(pairs)
	}
	return out
}

// ints returns from, from+1, … to-1.
func ints(from, to int) []int {
	all := make([]int, to-from)
	for i := range all {
		all[i] = from + i
	}
	return all
}

// combined are stems made of those that belong together.
type combined struct {
	all    []audiosep.Stems
	places [][]int // [separation][source]
	names  []string
	median bool
}

func (c *combined) Head() audiosep.Head { return c.all[0].Head() }
func (c *combined) Names() []string     { return c.names }

func (c *combined) Each(ctx context.Context, write func(source int, block [][]float64) error) error {
	j, layers := len(c.names), c.Head().Layers()
	block := make([][]float64, layers)
	rows := make([][]float64, len(c.all))
	m := mediansPool.Get().(*medians)
	defer mediansPool.Put(m)
	return together(ctx, c.all, func(x [][][]float64) error {
		for s := range j {
			for l := range block {
				block[l] = slices.Grow(block[l][:0], len(x[0][l]))[:len(x[0][l])]
				for r, place := range c.places {
					rows[r] = x[r*j+place[s]][l]
				}
				if c.median {
					m.ofRows(block[l], len(rows), func(k int) []float64 { return rows[k] })
				} else {
					setMean(block[l], rows)
				}
			}
			if err := write(s, block); err != nil {
				return err
			}
		}
		return nil
	})
}

// setMean sets dst to the mean of rows, place by place.
func setMean(dst []float64, rows [][]float64) {
	copy(dst, rows[0])
	for _, row := range rows[1:] {
		floats.Add(dst, row)
	}
	for i := range dst {
		dst[i] /= float64(len(rows))
	}
}

// chunk is the next samples of all sources of one separation, [source][layer][sample].
type chunk [][][]float64

// together takes several separations at once. take is given the same samples of all stems,
// x[separation*J+source][layer], block after block; they are valid until it returns.
func together(ctx context.Context, all []audiosep.Stems, take func(x [][][]float64) error) error {
	ctx, cancel := context.WithCancel(ctx)
	readers := make([]*stemReader, len(all))
	for r, s := range all {
		readers[r] = &stemReader{next: make(chan chunk), done: make(chan error, 1), spare: make(chan chunk, 2)}
		go readers[r].run(ctx, s)
	}
	defer func() { // none goes on when this returns
		cancel()
		for _, r := range readers {
			<-r.ended()
		}
	}()
	at, total := 0, all[0].Head().Samples
	for at < total {
		n := total - at
		for _, r := range readers {
			if err := r.fill(ctx); err != nil {
				return err
			}
			n = min(n, r.left())
		}
		var x [][][]float64
		for _, r := range readers {
			x = append(x, r.take(n)...)
		}
		if err := take(x); err != nil {
			return err
		}
		at += n
	}
	return ctx.Err()
}

// stemReader hands on what Each of one separation writes.
type stemReader struct {
	next    chan chunk
	done    chan error // how Each ended
	over    bool
	current chunk      // what of whole is left
	whole   chunk      // as it came
	spare   chan chunk // what has been taken, to be written anew: two, should the writer be slow to take the first
}

// run sends the blocks of all sources of s, one chunk after the other.
func (r *stemReader) run(ctx context.Context, s audiosep.Stems) {
	sources := len(s.Names())
	var c chunk
	there := 0 // how many sources of c
	r.done <- s.Each(ctx, func(source int, block [][]float64) error {
		if there == 0 {
			select {
			case c = <-r.spare:
			default:
				c = make(chunk, sources)
			}
		}
		if c[source] == nil {
			c[source] = make([][]float64, len(block))
		}
		for l, x := range block {
			c[source][l] = append(c[source][l][:0], x...)
		}
		if there++; there < sources {
			return nil
		}
		full := c
		there = 0
		select {
		case r.next <- full:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
}

// errShort says that stems ended before their head said they would.
var errShort = errors.New("the stems ended early; want as many samples as their head says")

// fill waits for samples, if none are left.
func (r *stemReader) fill(ctx context.Context) error {
	for r.left() == 0 {
		if r.whole != nil {
			select {
			case r.spare <- r.whole:
			default:
			}
			r.whole = nil
		}
		select {
		case r.whole = <-r.next:
			r.current = make(chunk, len(r.whole))
			for s, rows := range r.whole {
				r.current[s] = slices.Clone(rows)
			}
		case err := <-r.done:
			r.over = true
			if err == nil {
				err = errShort
			}
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// left returns how many samples are there.
func (r *stemReader) left() int {
	if r.current == nil || len(r.current[0]) == 0 {
		return 0
	}
	return len(r.current[0][0])
}

// take returns the next n samples of each source.
func (r *stemReader) take(n int) [][][]float64 {
	out := make([][][]float64, len(r.current))
	for s, rows := range r.current {
		out[s] = make([][]float64, len(rows))
		for l, x := range rows {
			out[s][l], rows[l] = x[:n], x[n:]
		}
	}
	return out
}

// ended is closed, or has something, when Each has ended; it is to be waited for once.
func (r *stemReader) ended() <-chan error {
	if r.over {
		over := make(chan error)
		close(over)
		return over
	}
	return r.done
}
