package pipeline

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"log/slog"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/blocks"
)

// Watcher is told what happens in a run. Its methods may be called from several
// goroutines at once.
type Watcher interface {
	// Port is given what passes an output: audiosep.Head for audio, audiosep.Framing for
	// frames, audiosep.Transform, *mat.Dense for power when all of it is computed,
	// by a stage that has it whole or for the report that the pipeline asks for,
	// audiosep.Power for power which that report has and no stage takes, to be read until the run ends,
	// *audiosep.Factors, audiosep.Notes, []audiosep.Group for sources, whose components
	// are nil where the sources have none. Coefficients are never whole, so they do not
	// pass here.
	Port(r Ref, c audiosep.Cargo, value any)
	// Step is given how far a stage has come.
	Step(stage string, s audiosep.Step)
}

// Options are the ways to run a pipeline. The zero Options work.
type Options struct {
	Log     *slog.Logger // nil: nothing is logged
	Watcher Watcher      // nil: nobody watches
	Block   int          // frames worked on at a time; 0: chosen. It does not change results.
	Cache   Cache        // nil: nothing is kept for later runs
	// Pins are the SHA-256 sums of plugins by their names, as plugins.Sum has them: what stages of others learn is
	// not kept for later runs.
	Pins map[string]string
	// Checkpoint returns where the stage of an id keeps what it needs to go on, should the run be
	// killed. nil: nothing is kept.
	Checkpoint func(stage string) audiosep.Checkpoint
	// Forecast is given what the run will take, before its work begins; an error of it ends the
	// run. nil: nobody is told.
	Forecast func(Forecast) error
	// With is what appears together with what the stages write, after it, or not at all.
	With []audiosep.Committer
}

// StageError is what stopped a run, and where.
type StageError struct {
	ID, Name string
	Err      error
}

func (e *StageError) Error() string {
	if e.ID == e.Name {
		return fmt.Sprintf("stage %q: %v", e.ID, e.Err)
	}
	return fmt.Sprintf("stage %q (%s): %v", e.ID, e.Name, e.Err)
}
func (e *StageError) Unwrap() error { return e.Err }

// Run runs the pipeline once. What it writes appears whole or, if there is an error,
// not at all. The error is a *StageError, or ctx.Err() when ctx is done.
func (p *Pipeline) Run(ctx context.Context, o Options) (err error) {
	r := p.begin(o)
	defer func() { err = errors.Join(err, r.close()) }()
	return r.stages(blocks.WithSize(ctx, o.Block))
}

// begin returns a run of which nothing has been done.
func (p *Pipeline) begin(o Options) *run {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &run{Pipeline: p, Options: o, out: map[Ref]any{}, made: map[Ref]any{}, left: p.takers(), heads: map[Ref]audiosep.Head{}, ran: map[*stage]bool{}, mixtures: map[*stage]audiosep.Source{}}
}

// takers counts the inputs that take each output.
func (p *Pipeline) takers() map[Ref]int {
	left := map[Ref]int{}
	for _, st := range p.stages {
		for _, from := range st.in {
			for _, ref := range from {
				left[ref]++
			}
		}
	}
	return left
}

// close closes the stages, and what was opened between them.
func (r *run) close() (err error) {
	for _, st := range r.Pipeline.stages {
		if c, ok := st.impl.(io.Closer); ok {
			err = errors.Join(err, wrap(st, c.Close()))
		}
	}
	for _, c := range r.closers {
		err = errors.Join(err, c.Close())
	}
	return err
}

// wrap says in which stage something went wrong, unless it is told already. A cancelled run
// is no stage's fault.
func wrap(st *stage, err error) error {
	var told *StageError
	if err == nil || errors.Is(err, context.Canceled) || errors.As(err, &told) {
		return err
	}
	return &StageError{st.id, st.def.Name, err}
}

// run is one run of a pipeline: what has come out of its stages so far.
type run struct {
	*Pipeline
	Options
	out     map[Ref]any
	left    map[Ref]int           // how many inputs have yet to take an output
	heads   map[Ref]audiosep.Head // of the recordings that outputs are of
	ran     map[*stage]bool
	closers []io.Closer // besides the stages
	made    map[Ref]any // what has come out before the work; nil when it begins
	will    Forecast
	writers map[string]string // files that will be written, in small letters -> the stage's id
	// mixtures has the recordings that the sources of plugins' stages promise to sum to.
	mixtures map[*stage]audiosep.Source
	keys     map[*stage]string // of what stages make, in the cache; empty where there is none
}

// lazy runs the stages that only say what is to be done.
func (r *run) lazy(ctx context.Context) error {
	return r.each(ctx, func(ctx context.Context, st *stage) error {
		if !st.def.Promised(audiosep.Lazy) || !r.fed(st) {
			return nil
		}
		return r.stage(ctx, st)
	})
}

// stages runs every stage in order. Those that only say what is to be done come first, so
// that what must fail fails before the long work. What was written is committed last.
func (r *run) stages(ctx context.Context) error {
	err := r.lazy(ctx)
	for _, step := range []func(context.Context, *stage) error{r.prepare, r.apart} {
		if err == nil {
			err = r.each(ctx, step)
		}
	}
	if err == nil {
		r.will, err = r.forecast(ctx)
		if err == nil && r.Options.Forecast != nil {
			will := r.will
			will.savings = func() []Saving { return r.savings(ctx, will) }
			err = r.Options.Forecast(will)
		}
		r.made = nil
	}
	if err == nil {
		err = r.each(ctx, func(ctx context.Context, st *stage) error {
			if r.ran[st] {
				return nil
			}
			r.collect()
			return r.stage(ctx, st)
		})
	}
	if err != nil {
		return err
	}
	return r.commit(ctx)
}

// commit has everything that was written appear, or, if something cannot, nothing.
func (r *run) commit(ctx context.Context) error {
	var done []audiosep.Committer
	commit := func(c audiosep.Committer) error {
		err := c.Commit(ctx)
		if err == nil {
			done = append(done, c)
		}
		return err
	}
	r.writers = nil // by now all names are known
	if err := r.each(ctx, r.apart); err != nil {
		return err
	}
	err := r.each(ctx, func(ctx context.Context, st *stage) error {
		if c, ok := st.impl.(audiosep.Committer); ok {
			return commit(c)
		}
		return nil
	})
	for _, c := range r.With {
		if err == nil {
			err = commit(c)
		}
	}
	if err == nil {
		return nil
	}
	for _, c := range slices.Backward(done) {
		if w, ok := c.(audiosep.Withdrawer); ok {
			err = errors.Join(err, w.Withdraw(context.WithoutCancel(ctx)))
		}
	}
	return err
}

func (r *run) each(ctx context.Context, do func(context.Context, *stage) error) error {
	for _, st := range r.Pipeline.stages {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := wrap(st, guard(func() error { return do(ctx, st) })); err != nil {
			var inner *StageError // without what others have put around it
			if errors.As(err, &inner) && !errors.Is(err, context.Canceled) {
				return inner
			}
			return err
		}
	}
	return nil
}

func guard(do func() error) (err error) {
	defer blocks.Recovered(&err)
	return do()
}

// fed tells whether everything that a stage takes is there.
func (r *run) fed(st *stage) bool {
	for _, from := range st.in {
		for _, ref := range from {
			if !r.ran[r.byID[ref.Stage]] {
				return false
			}
		}
	}
	return true
}

// prepare asks what writes whether it will be able to.
func (r *run) prepare(ctx context.Context, st *stage) error {
	p, ok := st.impl.(audiosep.Preparer)
	if !ok {
		return nil
	}
	var plan audiosep.Plan
	plan.Head, _ = r.headGiven(st)
	for _, in := range st.def.In {
		for _, ref := range st.in[in.Name] {
			if s, ok := r.out[ref].(audiosep.Stems); ok {
				plan.Sources = s.Names()
			} else if in.Cargo == audiosep.CargoSources {
				plan.Sources = r.byID[ref.Stage].will[ref.Port].Sources
			}
		}
	}
	for _, other := range r.Pipeline.stages {
		plan.Inputs = append(plan.Inputs, other.reads...)
	}
	if r.file != "" {
		plan.Inputs = append(plan.Inputs, r.file)
	}
	if r.Checkpoint != nil {
		state, err := r.Checkpoint(st.id).Load()
		if err != nil {
			return err
		}
		if state != nil {
			plan.Kept = r.Checkpoint(st.id).Dir()
		}
	}
	if l, ok := st.impl.(audiosep.LogUser); ok {
		l.UseLog(r.env(st).Logger())
	}
	return p.Prepare(ctx, plan)
}

// headGiven returns that of the recording or the sources which a stage is given, where it is given
// some, else as head.
func (r *run) headGiven(st *stage) (audiosep.Head, bool) {
	for _, in := range st.def.In {
		if in.Cargo != audiosep.CargoAudio && in.Cargo != audiosep.CargoSources {
			continue
		}
		for _, ref := range st.in[in.Name] {
			if h, ok := r.heads[ref]; ok {
				return h, true
			}
			if h, ok := r.head(r.byID[ref.Stage]); ok {
				return h, true
			}
		}
	}
	return r.head(st)
}

// apart refuses two stages that would write the same file. Names differ by more than capitals,
// which some systems do not tell apart.
func (r *run) apart(_ context.Context, st *stage) error {
	w, ok := st.impl.(audiosep.Writer)
	if !ok {
		return nil
	}
	if r.writers == nil {
		r.writers = map[string]string{}
	}
	for _, path := range w.Writes() {
		key := strings.ToLower(filepath.Join(realPath(filepath.Dir(path)), filepath.Base(path)))
		if other, ok := r.writers[key]; ok && other != st.id {
			return fmt.Errorf("it and stage %q would both write %s; give one of them another name, pattern or folder", other, path)
		}
		r.writers[key] = st.id
	}
	return nil
}

// head returns that of the recording from which a stage's inputs come, as far as it is known
// before they are there.
func (r *run) head(st *stage) (audiosep.Head, bool) {
	for _, in := range st.def.In {
		for _, ref := range st.in[in.Name] {
			if h, ok := r.heads[ref]; ok {
				return h, true
			}
			if h, ok := r.head(r.byID[ref.Stage]); ok {
				return h, true
			}
		}
	}
	return audiosep.Head{}, false
}

func (r *run) env(st *stage) audiosep.Env {
	var point audiosep.Checkpoint
	if r.Checkpoint != nil {
		point = r.Checkpoint(st.id)
	}
	return audiosep.Env{
		Checkpoint: point,
		Seed:       StageSeed(r.Seed, st.id),
		Log:        r.Log.With("stage", st.id),
		Wiring:     st.wiring(),
		Progress: func(s audiosep.Step) {
			if r.Watcher != nil {
				r.Watcher.Step(st.id, s)
			}
		},
	}
}

// StageSeed returns the seed in the Env of the stage of an id: the spec's seed mixed with the
// id, so that adding a stage does not change the random numbers of the others.
func StageSeed(seed uint64, id string) uint64 {
	h := fnv.New64a()
	h.Write(binary.LittleEndian.AppendUint64(nil, seed))
	io.WriteString(h, id)
	return h.Sum64()
}

// stage runs one stage and keeps what it made for those that take it.
func (r *run) stage(ctx context.Context, st *stage) error {
	r.ran[st] = true
	in := r.take(st)
	if st.def.Origin != "" && st.def.Promised(audiosep.Sums) {
		r.mixtures[st] = mixtureOf(st, in)
	}
	made, err := r.make(ctx, st, in)
	if err != nil {
		return err
	}
	for _, port := range st.def.Out {
		if err := r.keep(ctx, st, port, made[port.Name]); err != nil {
			return err
		}
	}
	return nil
}

// take returns what is wired to a stage, and forgets what no other stage takes.
func (r *run) take(st *stage) audiosep.Values {
	in := audiosep.Values{}
	for _, port := range st.def.In {
		from := st.in[port.Name]
		var many reflect.Value
		if port.Many && from != nil {
			many = reflect.MakeSlice(reflect.SliceOf(audiosep.TypeOf(port.Cargo)), 0, len(from))
		}
		for _, ref := range from {
			if port.Many {
				many = reflect.Append(many, reflect.ValueOf(r.out[ref]))
				in[port.Name] = many.Interface()
			} else {
				in[port.Name] = r.out[ref]
			}
			if r.left[ref]--; r.left[ref] == 0 {
				delete(r.out, ref)
			}
		}
	}
	return in
}

// keep passes on what came out of a port.
func (r *run) keep(ctx context.Context, st *stage, port audiosep.Port, value any) error {
	ref := Ref{st.id, port.Name}
	if value == nil {
		switch {
		case !port.Optional:
			return fmt.Errorf("it made no %s; want one at its output %q", port.Cargo, port.Name)
		case r.left[ref] > 0:
			return fmt.Errorf("it holds no %s, which this pipeline uses", port.Name)
		}
		return nil
	}
	if want := audiosep.TypeOf(port.Cargo); !reflect.TypeOf(value).AssignableTo(want) {
		return fmt.Errorf("its output %q is a %T; want a %v", port.Name, value, want)
	}
	p := &passage{r, st, ref}
	seen, head, err := p.pass(ctx, value)
	if err != nil {
		return err
	}
	if head != nil {
		r.heads[ref] = *head
	}
	if r.left[ref] > 0 {
		r.out[ref] = seen
	}
	if r.made != nil {
		r.made[ref] = seen
	}
	return nil
}
