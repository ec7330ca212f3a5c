package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/logs"
	"github.com/audiosep/audiosep/internal/whole"
)

// Cache keeps what stages have learnt from one run to the next, so that a pipeline whose mask
// is changed does not learn its factors again. Its methods may be called from several
// goroutines at once. Package cache keeps it on disk.
type Cache interface {
	// Load returns what was kept under a key, or false.
	Load(ctx context.Context, key string) (*Learnt, bool)
	// Store keeps what a stage has made in so long. Whether it does is its own choice.
	Store(ctx context.Context, key string, l *Learnt, took time.Duration) error
}

// Learnt is what a stage has made of what it was given: all of it that does not follow from
// its inputs.
type Learnt struct {
	Transform audiosep.Transform // a matrix, as audiosep.NewMatrixTransform makes it; or nil
	Factors   *audiosep.Factors  // or nil; without their framing, which is that of the input
	Notes     audiosep.Notes     // or nil
	State     []byte             // of a stage that asked for it (audiosep.Recall), whose outputs say less; or nil
	Framed    bool               // whether the factors had a framing
	Warnings  []Warning          // that were logged meanwhile, in order
}

// Warning is a line of a log.
type Warning struct {
	Level   slog.Level
	Message string
	Attrs   []Attr
}

// Attr is a value of a Warning.
type Attr struct {
	Name, Value string
	Float       bool // the value is a number, written so that it is read back to the last bit
}

// make runs a stage, or takes what it made in an earlier run from the cache. What comes out is
// the same to the last bit, and so is what is logged from a warning on.
func (r *run) make(ctx context.Context, st *stage, in audiosep.Values) (audiosep.Values, error) {
	run := func() (audiosep.Values, error) { return st.def.Run(ctx, r.env(st), st.impl, in) }
	if r.Cache == nil {
		return run()
	}
	if !learns(st.def) {
		return st.def.Run(ctx, r.recalling(st), st.impl, in)
	}
	key, ok := r.key(ctx, st)
	if !ok {
		return run()
	}
	if l, found := r.Cache.Load(ctx, key); found {
		if made, err := r.recall(st, in, l); err == nil {
			return made, r.showPower(ctx, in)
		}
	}
	caught, log := &warnings{}, r.Log
	r.Log = logs.Keep(log, slog.LevelWarn, caught.keep)
	start := time.Now()
	made, err := run()
	r.Log = log
	if err != nil {
		return nil, err
	}
	if l := learnt(made, in); l != nil {
		l.Warnings = caught.all
		r.store(ctx, st, key, l, time.Since(start))
	}
	return made, nil
}

// recalling returns the Env of a stage that may ask what it has learnt in an earlier run (audiosep.Recall).
func (r *run) recalling(st *stage) audiosep.Env {
	env, caught := r.env(st), &warnings{}
	var learning atomic.Bool
	env.Log = logs.Keep(r.Log, slog.LevelWarn, func(line slog.Record, attrs []slog.Attr) {
		if learning.Load() {
			caught.keep(line, attrs)
		}
	}).With("stage", st.id)
	var asked atomic.Bool
	env.Learnt = func(ctx context.Context, learn func() ([]byte, error)) ([]byte, error) {
		key, ok := r.key(ctx, st)
		if !ok || asked.Swap(true) { // what is kept is one thing
			return learn()
		}
		if l, found := r.Cache.Load(ctx, key); found && l.State != nil {
			r.recalled(st, l, math.NaN())
			return l.State, nil
		}
		start := time.Now()
		learning.Store(true)
		state, err := learn()
		learning.Store(false)
		if err != nil {
			return nil, err
		}
		r.store(ctx, st, key, &Learnt{State: state, Warnings: caught.all}, time.Since(start))
		return state, nil
	}
	return env
}

// store keeps what a stage has learnt in so long.
func (r *run) store(ctx context.Context, st *stage, key string, l *Learnt, took time.Duration) {
	if err := r.Cache.Store(ctx, key, l, took); err != nil {
		r.Log.Debug("what was learnt is not kept for later runs", "stage", st.id, "why", err)
	}
}

// showPower computes V where a report is to show it, as the stage would have.
func (r *run) showPower(ctx context.Context, in audiosep.Values) error {
	if p, ok := in["power"].(audiosep.Power); ok && r.Report != nil {
		_, err := p.V(ctx)
		return err
	}
	return nil
}

// learns tells whether all that a stage makes can be kept, or follows from what is kept and
// from its inputs.
func learns(d audiosep.Definition) bool {
	if d.Promised(audiosep.Lazy) || len(d.In) == 0 || len(d.Out) == 0 {
		return false
	}
	_, frames := find(d.In, "frames")
	_, transform := find(d.Out, "transform")
	kept := false
	for _, p := range d.Out {
		switch p.Cargo {
		case audiosep.CargoFactors, audiosep.CargoNotes:
			kept = true
		case audiosep.CargoTransform, audiosep.CargoCoefs, audiosep.CargoPower:
			if !frames || !transform || p.Name != string(p.Cargo) {
				return false
			}
			kept = true
		default:
			return false
		}
	}
	return kept
}

// plainMatrix is the type of transforms that are their matrix and nothing else.
var plainMatrix = func() reflect.Type {
	t, err := audiosep.NewMatrixTransform(mat.NewDense(1, 1, []float64{1}))
	if err != nil {
		panic(err)
	}
	return reflect.TypeOf(t)
}()

// learnt returns what is to be kept of what a stage made, nil if that is not all of it.
func learnt(made, in audiosep.Values) *Learnt {
	l := &Learnt{}
	for _, v := range made {
		switch v := v.(type) {
		case *audiosep.Factors:
			if l.Factors != nil || v == nil || v.W == nil && v.H == nil {
				return nil
			}
			own := *v
			if own.Framing != nil {
				if f := framingOf(in); f == nil || !reflect.DeepEqual(*f, *own.Framing) {
					return nil
				}
				own.Framing, l.Framed = nil, true
			}
			l.Factors = &own
		case *audiosep.FittedTransform:
			if reflect.TypeOf(v.Transform) != plainMatrix {
				return nil
			}
			l.Transform = v.Transform
		case audiosep.Notes:
			if l.Notes != nil {
				return nil
			}
			l.Notes = v
		}
	}
	return l
}

// framingOf returns the framing of what a stage was given, or nil.
func framingOf(in audiosep.Values) *audiosep.Framing {
	switch v := in["power"].(type) {
	case audiosep.Power:
		f := v.Framing()
		return &f
	}
	if v, ok := in["frames"].(*audiosep.Framed); ok {
		return &v.Framing
	}
	return nil
}

// recall puts together what a stage made.
func (r *run) recall(st *stage, in audiosep.Values, l *Learnt) (audiosep.Values, error) {
	made := audiosep.Values{}
	if frames, ok := in["frames"].(*audiosep.Framed); ok && l.Transform != nil {
		var err error
		if made, err = audiosep.Transformed(r.env(st), frames, l.Transform); err != nil {
			return nil, err
		}
	}
	for _, p := range st.def.Out {
		switch {
		case p.Cargo == audiosep.CargoFactors && l.Factors != nil:
			own := *l.Factors
			if l.Framed {
				own.Framing = framingOf(in)
			}
			made[p.Name] = &own
		case p.Cargo == audiosep.CargoNotes && l.Notes != nil:
			made[p.Name] = l.Notes
		case made[p.Name] == nil:
			return nil, errors.New("an output is missing")
		}
	}
	objective := math.NaN()
	if l.Factors != nil && len(l.Factors.Objective) > 0 {
		objective = l.Factors.Objective[len(l.Factors.Objective)-1]
	}
	r.recalled(st, l, objective)
	return made, nil
}

// recalled tells that what a stage has learnt is taken from the cache, with what was warned of meanwhile.
func (r *run) recalled(st *stage, l *Learnt, objective float64) {
	r.Log.Info("taken from the cache", "stage", st.id)
	for _, w := range l.Warnings {
		w.log(r.Log)
	}
	r.env(st).Report(audiosep.Step{Done: 1, Of: 1, Objective: objective})
}

// log says a warning again.
func (w Warning) log(log *slog.Logger) {
	var attrs []slog.Attr
	for _, a := range w.Attrs {
		if x, err := strconv.ParseFloat(a.Value, 64); a.Float && err == nil {
			attrs = append(attrs, slog.Float64(a.Name, x))
		} else {
			attrs = append(attrs, slog.String(a.Name, a.Value))
		}
	}
	log.LogAttrs(context.Background(), w.Level, w.Message, attrs...)
}

// warnings are those that were logged while a stage was at work.
type warnings struct {
	mu  sync.Mutex
	all []Warning
}

func (w *warnings) keep(r slog.Record, attrs []slog.Attr) {
	one := Warning{Level: r.Level, Message: r.Message}
	add := func(a slog.Attr) bool {
		one.Attrs = append(one.Attrs, Attr{a.Key, a.Value.String(), a.Value.Kind() == slog.KindFloat64})
		return true
	}
	for _, a := range attrs {
		add(a)
	}
	r.Attrs(add)
	w.mu.Lock()
	w.all = append(w.all, one)
	w.mu.Unlock()
}

// key returns a hash of all that decides what a stage makes: what it is, its parameters, its
// seed, the contents of the files that it reads, the pin of its plugin, and the same of all stages above. ok is
// false where that is not known: of plugins without a pin, and of standard input.
func (r *run) key(ctx context.Context, st *stage) (key string, ok bool) {
	if r.keys == nil {
		r.keys = map[*stage]string{}
	}
	if key, ok = r.keys[st]; ok {
		return key, key != ""
	}
	key, err := r.hash(ctx, st)
	if err != nil {
		key = ""
	}
	r.keys[st] = key
	return key, key != ""
}

func (r *run) hash(ctx context.Context, st *stage) (string, error) {
	h := sha256.New()
	fmt.Fprintf(h, "audiosep stage 2\n%q %q %d\n", st.def.Name, st.id, StageSeed(r.Seed, st.id))
	if st.def.Origin != "" {
		plugin, _, _ := strings.Cut(st.def.Name, "/")
		pin := r.Pins[plugin]
		if pin == "" {
			return "", errors.New("it is of a plugin whose code is not known")
		}
		fmt.Fprintf(h, "plugin %s %q\n", pin, st.def.Version)
	}
	var errs []error
	params, err := everyParam(st.def.Params, st.params, func(path string, out bool) string {
		if out {
			return path
		}
		sum, err := r.fileHash(ctx, path)
		errs = append(errs, err)
		return sum
	})
	if err := errors.Join(append(errs, err)...); err != nil {
		return "", err
	}
	fmt.Fprintf(h, "%s\n", params)
	for _, in := range st.def.In {
		for _, ref := range st.in[in.Name] {
			above, ok := r.key(ctx, r.byID[ref.Stage])
			if !ok {
				return "", errors.New("a stage above has no key")
			}
			fmt.Fprintf(h, "%s<%s %s\n", in.Name, ref, above)
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// fileHash returns the SHA-256 of a file that is as it was when the pipeline was checked: what of it has
// been read is not known otherwise.
func (r *run) fileHash(ctx context.Context, path string) (string, error) {
	was, ok := r.states[path]
	if !ok || strings.HasPrefix(path, "/dev/") {
		return "", errors.New("it can be read once alone")
	}
	_, sum, err := whole.Sum(ctx, path)
	if is, there := whole.StateOf(path); err == nil && (!there || is != was) {
		err = errors.New("it has been changed")
	}
	return sum, err
}
