// Package contract checks that a stage keeps its promises: those that the
// interfaces and the five rules of package audiosep state. It runs the stage on small
// made-up data and says of each promise whether it was kept, and if not, what is, what
// is wanted and what the author may do.
//
// It does not import testing, so a command can run it on a plugin; package stagetest
// runs it within go test.
package contract

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"reflect"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/audiosep/audiosep"
)

// Options say how a stage is to be tried. The zero value suits most stages.
type Options struct {
	Params json.RawMessage // as in a pipeline; few iterations make a short check
	Length int             // M, samples a frame; 0: 100 for transformers, 16 for learners
	Rank   int             // K of the factors that a separator gets; 0: 6
	Many   int             // frames of the longest run; 0: 100000
	// Folder is an empty folder into which Params lets a sink or a model writer write.
	// Without it these are described and built only.
	Folder string
	Limit  time.Duration // for each check; 0: 2 minutes
}

// Result is the outcome of one check.
type Result struct {
	Check   string // its name
	Rule    string // what is promised, in a sentence
	Fault   string // what is, then what is wanted; empty when the promise was kept
	Hint    string // what the author may do about the fault
	Advice  string // what would be better, where a plugin need not have it
	Like    string // the check whose fault has the same cause, or keeps this one from being made
	Skipped string // why the check was not made
}

// OK tells whether the promise was kept, or could not be tried.
func (r Result) OK() bool { return r.Fault == "" }

func (r Result) String() string {
	switch {
	case r.Skipped != "":
		return "skip  " + r.Check + ": " + r.Skipped
	case r.Advice != "":
		return "ok    " + r.Check + ": " + r.Advice
	case r.OK():
		return "ok    " + r.Check
	default:
		return "FAIL  " + r.Check + ": " + r.Fault + "\n      promised: " + r.Rule + "\n      to do: " + r.Hint
	}
}

// Check tries the stage and returns a Result for each promise of its shape. When the
// description or the building fails, the rest is not tried. A done ctx ends it early.
func Check(ctx context.Context, def audiosep.Definition, o Options) []Result {
	if o.Rank == 0 {
		o.Rank = 6
	}
	if o.Many == 0 {
		o.Many = 100000
	}
	if o.Limit == 0 {
		o.Limit = 2 * time.Minute
	}
	s := &subject{def: def, o: o, open: new(opened)}
	defer s.open.close()
	results := s.run(ctx, descriptionChecks)
	for _, r := range results {
		if !r.OK() {
			return append(results, untried("the rest", r.Check))
		}
	}
	return append(results, s.run(ctx, append(s.checks(), s.told(ctx)...))...)
}

// untried is the outcome of a check that means nothing before the fault of another is mended.
func untried(name, before string) Result {
	return Result{Check: name, Like: before, Skipped: fmt.Sprintf("not tried before the fault of %q is mended", before)}
}

// subject is a stage on trial.
type subject struct {
	def    audiosep.Definition
	o      Options
	learnt audiosep.Transform // kept between checks, as learning takes long

	open *opened
}

// opened is what was built and has to be closed in the end: a transform may need the
// stage that made it until then. Sinks are not among it: checks close them.
type opened struct {
	mu   sync.Mutex
	list []io.Closer
}

func (o *opened) add(stage any) {
	if c, ok := stage.(io.Closer); ok {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.list = append(o.list, c)
	}
}

func (o *opened) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, c := range o.list {
		c.Close()
	}
}

// build makes a new stage of interface S.
func build[S any](s *subject) (S, error) {
	var stage S
	made, err := s.def.Build(s.o.Params)
	if err != nil {
		return stage, fmt.Errorf("building fails: %w", err)
	}
	if _, writes := made.(audiosep.Committer); !writes {
		s.open.add(made)
	}
	if stage, ok := made.(S); ok {
		return stage, nil
	}
	stage, ok := any(&ported{s.def, made}).(S)
	if !ok {
		return stage, fmt.Errorf("what is built is a %T; want a %v, as its ports say", made, reflect.TypeFor[S]())
	}
	return stage, nil
}

// check is one promise. run returns the fault.
type check struct {
	name, rule, hint string
	run              func(ctx context.Context, s *subject) error
}

// skipped is returned by a check that could not be made.
type skipped string

func (e skipped) Error() string { return string(e) }

// advice is returned by a check whose promise is kept, though not as well as it could be.
type advice string

func (e advice) Error() string { return string(e) }

// hinted is a fault with a hint that suits it better than that of the check.
type hinted struct {
	error
	hint string
}

func (e *hinted) Unwrap() error { return e.error }

// stop is a fault without whose remedy the checks that follow mean nothing.
type stop struct{ error }

func (e *stop) Unwrap() error { return e.error }

func (s *subject) run(ctx context.Context, checks []check) []Result {
	var results []Result
	found := map[string]string{} // cause -> the check that found it
	for i, c := range checks {
		err := ctx.Err()
		if err == nil {
			err = s.guard(ctx, c)
		}
		if i == 0 {
			err = ordinary(err)
		}
		r := c.result(ctx, err)
		if r.Fault != "" {
			r.Like = like(found, c.name, err)
		}
		results = append(results, r)
		if errors.As(err, new(*stop)) || unheard(err) {
			for _, rest := range checks[i+1:] {
				results = append(results, untried(rest.name, cmp.Or(r.Like, c.name)))
			}
			return results
		}
	}
	return results
}

// like returns the check that has found the cause of err before, and takes note of a new one.
func like(found map[string]string, name string, err error) string {
	method := name[:max(0, strings.LastIndex(name, ": "))]
	var bits *differs
	if errors.As(err, &bits) { // it is the same fault again where a method is not even steady
		if steady, ok := found["unsteady "+method]; ok {
			return steady
		}
		if strings.HasSuffix(name, twice) {
			found["unsteady "+method] = name
		}
	}
	cause := Cause(err)
	before := found[cause]
	if before == "" {
		found[cause] = name
	}
	return before
}

// twice ends the names of the checks that a method gives the same bits when it is called again.
const twice = "same bits twice"

var numerals = regexp.MustCompile(`[-+]?(\d[\d.]*(e[-+]?\d+)?|NaN|Inf\b)`)

// Cause returns what went wrong beneath what is said of it, without its numbers, which may be
// others each time: faults of one cause are one thing to mend.
func Cause(err error) string {
	if errors.As(err, new(*differs)) {
		return err.Error()
	}
	var own *failed
	for errors.As(err, &own) {
		err = own.error
	}
	var told interface{ Cause() string }
	text := ""
	switch {
	case errors.As(err, &told):
		text = told.Cause()
	case own != nil:
		text = err.Error()
	default:
		for next := beneath(err); next != nil; next = beneath(err) {
			err = next
		}
		text = err.Error()
	}
	return numerals.ReplaceAllString(text, "#")
}

// beneath returns the error that err wraps, the first of several.
func beneath(err error) error {
	if all, ok := err.(interface{ Unwrap() []error }); ok && len(all.Unwrap()) > 0 {
		return all.Unwrap()[0]
	}
	return errors.Unwrap(err)
}

// failed is an error of the stage itself, and no verdict on what it made.
type failed struct{ error }

func (e *failed) Unwrap() error { return e.error }

func fails(err error) error {
	if err == nil {
		return nil
	}
	return &failed{err}
}

// differs says that numbers have not the same bits.
type differs struct{ error }

// ordinary says what an error of the stage means where it was given nothing out of the ordinary:
// it does not work at all, and no other check can tell more.
func ordinary(err error) error {
	var own *hinted
	if !errors.As(err, new(*failed)) || errors.As(err, &own) || errors.As(err, new(*stop)) {
		return err
	}
	if unheard(err) { // which says itself what to do
		return &stop{&hinted{err, ""}}
	}
	return &stop{&hinted{err, "it was given ordinary data, so mend what the error says; or, if it needs other parameters, such as the name of a file, or other data: --params, --length, --rank"}}
}

// unheard tells whether nothing is heard of a stage any more.
func unheard(err error) bool {
	var quiet interface{ Silent() bool }
	return errors.As(err, &quiet) && quiet.Silent()
}

// hangs is a check that has not ended.
type hangs struct{ error }

func (hangs) Silent() bool { return true }

// result is the outcome of a check that ended with err.
func (c check) result(ctx context.Context, err error) Result {
	r := Result{Check: c.name, Rule: c.rule}
	var skip skipped
	var better advice
	var crash *panicked
	var own *hinted
	switch {
	case err == nil:
	case ctx.Err() != nil:
		r.Skipped = ctx.Err().Error()
	case errors.As(err, &skip):
		r.Skipped = skip.Error()
	case errors.As(err, &better):
		r.Advice = better.Error()
	case errors.As(err, &crash):
		r.Fault, r.Hint = err.Error(), "return an error instead of panicking; the place:\n"+crash.stack
	case errors.As(err, &own):
		r.Fault, r.Hint = err.Error(), own.hint
	default:
		r.Fault, r.Hint = err.Error(), c.hint
	}
	return r
}

type panicked struct {
	value any
	stack string
}

func (p *panicked) Error() string {
	return fmt.Sprintf("the stage panicked: %v; want an error", p.value)
}

// guard runs c, turning a panic and a call that never returns into faults.
func (s *subject) guard(ctx context.Context, c check) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		defer func() {
			if v := recover(); v != nil {
				done <- &panicked{v, string(debug.Stack())}
			}
		}()
		done <- c.run(ctx, s)
	}()
	timer := time.NewTimer(s.o.Limit)
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-timer.C:
		return &hinted{hangs{fmt.Errorf("the stage has not returned after %v; want an end, and soon after it is cancelled", s.o.Limit)},
			"look for a wait or a loop without an end; or, if it only takes long, more time by --limit"}
	}
}

// checks returns what is promised by stages of the subject's shape: more of those that are
// of a common one, the promises of its cargoes of any other.
func (s *subject) checks() []check {
	switch {
	case is[audiosep.Transformer](s):
		return transformChecks("", (*subject).transformer)
	case is[audiosep.TransformLearner](s):
		return append(learnerChecks(transformLearner), transformChecks("learnt transform: ", (*subject).learntTransform)...)
	case is[audiosep.JointLearner](s):
		return append(learnerChecks(jointLearner), transformChecks("learnt transform: ", (*subject).learntTransform)...)
	case is[audiosep.Factorizer](s):
		return learnerChecks(factorizer)
	case is[audiosep.Activator](s):
		return activatorChecks()
	case is[audiosep.Framer](s):
		return framerChecks
	case is[audiosep.Source](s):
		return sourceChecks
	case is[audiosep.Sink](s):
		return sinkChecks
	case is[audiosep.ModelReader](s):
		return modelReaderChecks
	case is[audiosep.ModelWriter](s):
		return modelWriterChecks
	}
	if is[audiosep.Separator](s) {
		if made, err := s.def.Build(s.o.Params); err == nil {
			s.open.add(made)
			if _, ok := made.(audiosep.Separator); ok {
				return separatorChecks()
			}
		}
	}
	return s.shapeChecks()
}

// is tells whether the subject has the ports of the stages of interface S.
func is[S any](s *subject) bool {
	shape, err := audiosep.ShapeOf[S]()
	return err == nil && slices.Equal(shape.In, s.def.In) && slices.Equal(shape.Out, s.def.Out)
}

// random returns n numbers between -1 and 1.
func random(name string, n int) []float64 {
	rng := audiosep.Env{Seed: 1}.Rand(name)
	return fill(n, func() float64 { return 2*rng.Float64() - 1 })
}

// powers returns n numbers from 0.001 to 1.
func powers(name string, n int) []float64 {
	rng := audiosep.Env{Seed: 1}.Rand(name)
	return fill(n, func() float64 { return 0.001 + 0.999*rng.Float64() })
}

func fill(n int, next func() float64) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = next()
	}
	return x
}

// sameBits says where a and b differ, or nil.
func sameBits(a, b []float64) error {
	if len(a) != len(b) {
		return fmt.Errorf("%d numbers against %d", len(a), len(b))
	}
	for i := range a {
		if math.Float64bits(a[i]) != math.Float64bits(b[i]) {
			return &differs{fmt.Errorf("number %d is %v and %v, %.2g apart", i, a[i], b[i], math.Abs(a[i]-b[i]))}
		}
	}
	return nil
}

func finite(x []float64) error {
	for i, v := range x {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("number %d of %d is %v; want finite numbers, all of them written", i, len(x), v)
		}
	}
	return nil
}

// A guarded is memory for a result with marks around and within it.
type guarded struct{ all, data []float64 }

const margin = 8

// mark is a NaN that no arithmetic makes.
var mark = math.Float64frombits(0x7ff8_dead_beef_0001)

func newGuarded(n int) guarded {
	g := guarded{all: make([]float64, n+2*margin)}
	for i := range g.all {
		g.all[i] = mark
	}
	g.data = g.all[margin : margin+n : margin+n]
	return g
}

// check says whether something outside was written, or something inside was not.
func (g guarded) check(what string) error {
	for i, v := range g.all {
		inside := i >= margin && i < len(g.all)-margin
		if marked := math.Float64bits(v) == math.Float64bits(mark); marked && inside {
			return fmt.Errorf("%s: number %d of %d was not written; want all of them", what, i-margin, len(g.data))
		} else if !marked && !inside {
			return fmt.Errorf("%s: memory beside it was written; want its %d numbers only", what, len(g.data))
		}
	}
	return nil
}

// A watched is an argument that must stay as it is.
type watched struct {
	name        string
	data, saved []float64
}

func watch(name string, data []float64) watched {
	return watched{name, data, append([]float64(nil), data...)}
}

func touched(args ...watched) error {
	for _, a := range args {
		if err := sameBits(a.saved, a.data); err != nil {
			return fmt.Errorf("the argument %s was modified: %v; want it left alone", a.name, err)
		}
	}
	return nil
}

// sentence ends a wrapped fault with what is wanted.
func want(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w; want %s", err, fmt.Sprintf(format, args...))
}

// one returns the first error: those of calls at once are alike.
func one(errs []error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }

func snake(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == "" && s[0] >= 'a' && s[0] <= 'z'
}
