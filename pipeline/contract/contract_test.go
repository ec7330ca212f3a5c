package contract

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
)

// fake defines a stage that breaks one promise.
func fake[S any](stage func(fault, folder string) S) func(fault, folder string) audiosep.Definition {
	return func(fault, folder string) audiosep.Definition {
		one := stage(fault, folder) // built once, so that it can remember what it should not
		return audiosep.Define("fake", "A stage for tests.", struct{}{}, func(struct{}) (S, error) { return one, nil })
	}
}

// kindTests are, for each kind, a stage with a fault, and for each fault the check that
// must fail and, after a |, what it must say. Without a fault nothing may fail.
var kindTests = map[string]struct {
	define func(fault, folder string) audiosep.Definition
	faults map[string]string
}{
	"transformer": {
		fake(func(fault, _ string) audiosep.Transformer { return newFakeTransform(fault) }),
		merge(localFaults("Forward", "Forward: "), localFaults("Inverse", "Inverse: "), map[string]string{
			"round trip": "round trip|comes back", "length": "round trip|has Len 101; want 100", "nil": "round trip|is nil and so is the error",
		}),
	},
	"complex transformer": {
		fake(func(fault, _ string) audiosep.Transformer { return newFakeTransform("complex") }), nil,
	},
	"activator": {
		fake(func(fault, _ string) audiosep.Activator { return newFakeActivator(fault) }),
		merge(localFaults("Activate", ""), map[string]string{"approximation": "Activate: approximation|of V's norm away"}),
	},
	"separator": {
		fake(func(fault, _ string) audiosep.Separator { return newFakeSeparator(fault) }),
		merge(localFaults("Separate real", ""), localFaults("Separate complex", ""), map[string]string{
			"sum": "Separate real: sum|the sources sum to", "Group: partition": "Group: partition|component 0 is in 2 groups",
			"Group: names": "Group: partition|a name of its own", "Group: same twice": "Group: same twice", "complex sum": "Separate complex: sum",
			"Group: arguments untouched": "Group: arguments untouched|was modified", "Group: cancellation": "Group: cancellation|another reason",
			"rest": "Separate real: rest|source 1 of 2, without the last: number", "complex rest": "Separate complex: rest|source 1 of 2", "rest refused": "Separate real: rest|with nil for the last of 2 sources: another reason",
			"rest written": "Separate real: rest|with nil for the last of 2 sources: it panicked: runtime error: index out of range",
		}),
	},
	"factorizer": {
		fake(func(fault, _ string) audiosep.Factorizer { return &fakeLearner{fault: fault} }),
		merge(learnerFaults("Factorize"), factorsFaults("Factorize"), map[string]string{"init untouched": "Factorize: arguments untouched|init was modified"}),
	},
	"transform learner": {
		fake(func(fault, _ string) audiosep.TransformLearner { return &fakeLearner{fault: fault} }),
		merge(learnerFaults("LearnTransform"), learntFaults, map[string]string{
			"nil": "LearnTransform: result|the transform is nil", "wrong length": "LearnTransform: result|has Len 17; want 16",
		}),
	},
	"joint learner": {
		fake(func(fault, _ string) audiosep.JointLearner { return &fakeLearner{fault: fault} }),
		merge(learnerFaults("LearnJointly"), factorsFaults("LearnJointly"), learntFaults),
	},
	"framer": {
		fake(func(fault, _ string) audiosep.Framer { return &fakeFramer{saboteur{fault: fault}} }),
		map[string]string{
			"invalid": "Framing: valid|the hop is 5 samples", "head": "Framing: valid|want that of the recording", "refuses": "Framing: valid|another reason",
			"inexact": "Framing: cut and join|want 1e-12", "same twice": "Framing: same twice", "cancellation": "Framing: cancellation|another reason",
		},
	},
	"source": {
		fake(func(fault, _ string) audiosep.Source { return newFakeSource(fault) }),
		map[string]string{
			"rate": "Head|at least 1 Hz", "names": "Head|one for each realisation", "changing head": "Head|want the same",
			"position": "ReadAt: consistent|read alone", "outside": "ReadAt: consistent|outside the recording", "not finite": "ReadAt: consistent|want finite",
			"concurrent": "ReadAt: concurrent calls", "cancellation": "ReadAt: cancellation|another reason",
		},
	},
	"sink": {
		fake(func(fault, folder string) audiosep.Sink { return &fakeSink{fault, folder} }),
		map[string]string{
			"early": "Close without Commit|before Commit the folder has", "trace": "Close without Commit|after Close the folder has",
			"nothing": "Commit|want something new", "leftover": "Commit|no hidden file left", "arguments": "Commit|was modified",
		},
	},
	"model writer": {
		fake(func(fault, folder string) audiosep.ModelWriter { return &fakeModelWriter{fault, folder} }),
		map[string]string{"arguments": "WriteModel|was modified", "nothing": "WriteModel|has no file", "early": "WriteModel|before Commit"},
	},
	"any shape": {defineFakeShape, shapeFaults},
	"model reader": {
		fake(func(fault, folder string) audiosep.ModelReader { return fakeModelReader(fault) }),
		map[string]string{"shape": "ReadModel|rows", "same twice": "ReadModel|want the same model", "cancellation": "ReadModel: cancellation|another reason"},
	},
}

func localFaults(method, prefix string) map[string]string {
	faults := map[string]string{}
	for fault, says := range map[string]string{
		"shapes": "written", "frame-local": "203 frames in one call", "same bits twice": "at every call", "concurrent calls": "a call alone",
		"arguments untouched": "was modified", "cancellation": "another reason", "zeros": "frames of zeros", "NaN": "changes other frames",
		"no frame and one": "the stage panicked", "many frames": "a run of 1000 frames",
	} {
		faults[prefix+fault] += method + ": " + fault + "|" + says
	}
	return faults
}

func learnerFaults(method string) map[string]string {
	faults := map[string]string{}
	for fault, check := range map[string]string{
		"same bits twice": "same bits twice|with the same seed", "seed": "seed|seeds 1, 2, 1", "concurrent calls": "concurrent calls|another reason",
		"arguments untouched": "arguments untouched|was modified", "unfit init": "unfit init|another length was accepted",
		"cancellation": "cancellation|before the call", "late cancellation": "cancellation|at the first of 20 reports",
		"progress": "progress|nothing was reported", "progress back": "progress|back to", "progress beyond": "progress|11 of 10",
		"zeros": "zeros|nothing but zeros", "NaN": "NaN|a NaN in the input was accepted", "one frame": "one frame", "short frames": "frames of one sample|the stage panicked", "many frames": "many frames|another reason",
	} {
		faults[fault] = method + ": " + check
	}
	return faults
}

func factorsFaults(method string) map[string]string {
	faults := map[string]string{}
	for fault, says := range map[string]string{
		"rising": "the objective rises from 2 to 2.1 at iteration 2", "not normalised": "column 0 of W sums to", "negative": "H has -1",
		"transposed": "H is", "no stop": "the field Stop (Python: stop) is empty", "no objective": "the objective has no values",
	} {
		faults[fault] = method + ": result|" + says
	}
	return faults
}

// A learnt transform keeps the promises of any other.
var learntFaults = func() map[string]string {
	faults := map[string]string{"round trip": "learnt transform: round trip|comes back"}
	for _, method := range []string{"Forward", "Inverse"} {
		maps.Copy(faults, localFaults("learnt transform: "+method, method+": "))
	}
	return faults
}()

// merge joins the checks that one fault must fail with a line break.
func merge(all ...map[string]string) map[string]string {
	out := map[string]string{}
	for _, m := range all {
		for fault, check := range m {
			if out[fault] != "" {
				check = out[fault] + "\n" + check
			}
			out[fault] = check
		}
	}
	return out
}

func try(t *testing.T, define func(fault, folder string) audiosep.Definition, fault string) []Result {
	folder := t.TempDir()
	return Check(t.Context(), define(fault, folder), Options{Many: 1000, Folder: folder})
}

func TestEveryCheckFailsForItsReason(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long")
	}
	for kind, k := range kindTests {
		t.Run(kind, func(t *testing.T) {
			never := map[string]bool{} // checks that no fault has failed yet
			for _, r := range try(t, k.define, "") {
				never[r.Check] = true
				if !r.OK() {
					t.Errorf("without a fault: %v", r)
				}
			}
			for fault, wants := range k.faults {
				results := try(t, k.define, fault)
				for want := range strings.SplitSeq(wants, "\n") {
					check, says, _ := strings.Cut(want, "|")
					delete(never, check)
					i := slices.IndexFunc(results, func(r Result) bool { return r.Check == check })
					if i >= 0 && results[i].Advice != "" && strings.Contains(results[i].Advice, says) {
						continue
					}
					if i < 0 || results[i].OK() || !strings.Contains(results[i].Fault, says) || results[i].Hint == "" {
						t.Errorf("fault %q: %q does not fail saying %q with a hint; results:\n%v", fault, check, says, results)
					}
				}
			}
			for _, c := range descriptionChecks {
				delete(never, c.name)
			}
			if len(never) > 0 && k.faults != nil {
				t.Errorf("no fault fails %v", slices.Sorted(maps.Keys(never)))
			}
		})
	}
}

func TestDescriptionChecks(t *testing.T) {
	good := fake(func(_, _ string) audiosep.Transformer { return newFakeTransform("") })("", "")
	good.Params = []audiosep.Param{{Name: "size", Type: "[]int", Doc: "A size.", Default: json.RawMessage("[1]")}}
	one, two := 1., 2.
	for fault, c := range map[string]struct {
		check, says string
		spoil       func(d *audiosep.Definition, p *audiosep.Param)
	}{
		"name":    {"name", `"Fake"`, func(d *audiosep.Definition, _ *audiosep.Param) { d.Name = "Fake" }},
		"plugin":  {"name", `"/fake"`, func(d *audiosep.Definition, _ *audiosep.Param) { d.Name = "/fake" }},
		"no port": {"ports", "there are none", func(d *audiosep.Definition, _ *audiosep.Param) { d.In, d.Out = nil, nil }},
		"cargo": {"ports", `of the cargo "bread"`, func(d *audiosep.Definition, _ *audiosep.Param) {
			d.Out = []audiosep.Port{{Name: "loaf", Cargo: "bread"}}
		}},
		"port twice": {"ports", "there twice", func(d *audiosep.Definition, _ *audiosep.Param) { d.In = append(slices.Clone(d.In), d.In...) }},
		"doc":        {"documentation", "the stage's doc", func(d *audiosep.Definition, _ *audiosep.Param) { d.Doc = " " }},
		"no doc":     {"documentation", "size has no doc", func(_ *audiosep.Definition, p *audiosep.Param) { p.Doc = "" }},
		"case":       {"parameters", "lower_snake_case", func(_ *audiosep.Definition, p *audiosep.Param) { p.Name = "Size" }},
		"type":       {"parameters", `the type is "[]byte"`, func(_ *audiosep.Definition, p *audiosep.Param) { p.Type = "[]byte" }},
		"range":      {"parameters", "the range is 2 to 1", func(_ *audiosep.Definition, p *audiosep.Param) { p.Min, p.Max = &two, &one }},
		"default":    {"parameters", "size is 1; want a list", func(_ *audiosep.Definition, p *audiosep.Param) { p.Default = json.RawMessage("1") }},
		"not JSON":   {"parameters", "not JSON", func(_ *audiosep.Definition, p *audiosep.Param) { p.Default = nil }},
		"twice":      {"parameters", "there twice", func(d *audiosep.Definition, p *audiosep.Param) { d.Params = append(d.Params, *p) }},
		"nothing": {"building", "nil and so is the error", func(d *audiosep.Definition, _ *audiosep.Param) {
			d.Build = func(json.RawMessage) (any, error) { return nil, nil }
		}},
		"fails": {"building", "no luck", func(d *audiosep.Definition, _ *audiosep.Param) {
			d.Build = func(json.RawMessage) (any, error) { return nil, fmt.Errorf("no luck") }
		}},
		"takes all": {"unknown parameters", "no_such_parameter", func(d *audiosep.Definition, _ *audiosep.Param) {
			d.Build = func(json.RawMessage) (any, error) { return newFakeTransform(""), nil }
		}},
	} {
		d := good
		d.Params = slices.Clone(d.Params)
		c.spoil(&d, &d.Params[0])
		failed := ""
		for _, r := range Check(t.Context(), d, Options{Many: 10}) {
			if r.Check == c.check && strings.Contains(r.Fault, c.says) {
				failed = r.Fault
			}
		}
		if failed == "" {
			t.Errorf("%s: %q does not fail with %q", fault, c.check, c.says)
		}
	}
}

// lapped is the MDCT of frames of an even length, of the half as many bins.
type lapped struct{ m int }

func (lapped) Transform(_ context.Context, m int) (audiosep.Transform, error) {
	if m&(m-1) != 0 {
		return nil, fmt.Errorf("the frames have %d samples; want a power of two", m)
	}
	return lapped{m}, nil
}

func (t lapped) Len() int    { return t.m }
func (t lapped) Bins() int   { return t.m / 2 }
func (lapped) Complex() bool { return false }

func (t lapped) cos(n, f int) float64 {
	half := float64(t.m / 2)
	return math.Sqrt(2/half) * math.Cos(math.Pi/half*(float64(n)+0.5+half/2)*(float64(f)+0.5))
}

func (t lapped) Forward(ctx context.Context, dst audiosep.Coefs, src []float64) error {
	for i := range dst.Re {
		dst.Re[i] = 0
		for n, y := range src[i/t.Bins()*t.m : (i/t.Bins()+1)*t.m] {
			dst.Re[i] += y * t.cos(n, i%t.Bins())
		}
	}
	return ctx.Err()
}

func (t lapped) Inverse(ctx context.Context, dst []float64, src audiosep.Coefs) error {
	for i := range dst {
		dst[i] = 0
		for f, x := range src.Re[i/t.m*t.Bins() : (i/t.m+1)*t.Bins()] {
			dst[i] += x * t.cos(i%t.m, f)
		}
	}
	return ctx.Err()
}

// A lapped transform keeps its promise by overlap-add, and one for some lengths only is told
// how to be tried, once.
func TestLappedTransform(t *testing.T) {
	def := fake(func(_, _ string) audiosep.Transformer { return lapped{} })("", "")
	results := Check(t.Context(), def, Options{Many: 50})
	made := results[len(descriptionChecks):]
	if len(made) != 21 || !strings.Contains(made[0].Fault, "the frames have 100 samples; want a power of two; one of 128 samples is made") || !strings.Contains(made[0].Hint, "--length 128") {
		t.Errorf("of a power of two: %v", made)
	}
	for _, r := range made[1:] {
		if r.Like != "round trip" || r.Skipped == "" {
			t.Errorf("%v; want it not tried", r)
		}
	}
	for _, r := range Check(t.Context(), def, Options{Many: 50, Length: 32}) {
		if !r.OK() || r.Check == "round trip" && !strings.Contains(r.Advice, "by overlap-add") {
			t.Errorf("of 32 samples: %v", r)
		}
	}
}

// What must be given is told, with how to give it; the same fault is told once.
func TestRequiredParameter(t *testing.T) {
	def := fake(func(_, _ string) audiosep.Transformer { return newFakeTransform("") })("", "")
	def.Params = []audiosep.Param{{Name: "file", Type: "string", Doc: "F.", Default: json.RawMessage("null")}}
	def.Build = func(raw json.RawMessage) (any, error) {
		if errs := audiosep.CheckParams(def.Params, raw); errs != nil {
			return nil, errs
		}
		if !strings.Contains(string(raw), "file") {
			return nil, audiosep.ParamErrors{{Name: "file", What: "is missing; want a name"}}
		}
		return newFakeTransform(""), nil
	}
	failing := def
	failing.Build = func(json.RawMessage) (any, error) { return nil, errors.New("weights.npy is not there") }
	if own := told(Check(t.Context(), failing, Options{})); len(own) != 1 || !strings.Contains(own[0].Hint, "a file that is there: --params") {
		t.Errorf("findings are %v; want one with a hint", own)
	}
	results := Check(t.Context(), def, Options{Many: 10})
	i := slices.IndexFunc(results, func(r Result) bool { return !r.OK() })
	if i < 0 || len(results) != len(descriptionChecks)+1 || results[len(results)-1].Like != results[i].Check || !strings.Contains(results[i].Hint, `--params '{"file": …}'`) {
		t.Errorf("results are %v; want one fault with a hint", results)
	}
	twice := errors.New("the same")
	s := &subject{o: Options{Limit: time.Second}}
	fails := func(context.Context, *subject) error { return twice }
	if results = s.run(t.Context(), []check{{name: "a", run: fails}, {name: "b", run: fails}}); results[0].Like != "" || results[1].Like != "a" || results[1].OK() {
		t.Errorf("results are %v; want the second like the first", results)
	}
}

// hanging never makes a transform before it is closed.
type hanging chan struct{}

func (h hanging) Transform(context.Context, int) (audiosep.Transform, error) {
	<-h
	return nil, errors.New("closed")
}

// TestHangingStage runs in time that goes on when everything waits, however slow the machine is.
func TestHangingStage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stage := make(hanging)
		defer close(stage)
		def := fake(func(_, _ string) audiosep.Transformer { return stage })("", "")
		results := Check(t.Context(), def, Options{Limit: time.Millisecond})[len(descriptionChecks):]
		if r := results[0]; !strings.Contains(r.Fault, "has not returned after 1ms") || !strings.Contains(r.Hint, "--limit") {
			t.Errorf("%v; want a fault that says so", r)
		}
		if findings := told(results); len(findings) != 1 || len(results) < 20 {
			t.Errorf("%d findings of %d checks; want one: %v", len(findings), len(results), findings)
		}
	})
}

// told returns the findings that have a cause of their own.
func told(results []Result) (own []Result) {
	for _, r := range results {
		if r.Fault != "" && r.Like == "" {
			own = append(own, r)
		}
	}
	return own
}

// What has one cause is told once, with the way out that suits it.
func TestOneCauseOneFinding(t *testing.T) {
	failing := func(text string) audiosep.Definition {
		return fake(func(_, _ string) audiosep.Factorizer { return failingFactorizer(text) })("", "")
	}
	for name, c := range map[string]struct {
		def         audiosep.Definition
		check, hint string
	}{
		"not normalised": {kindTests["factorizer"].define("not normalised", ""), "Factorize: result", "normalise the columns of W"},
		"negative":       {kindTests["factorizer"].define("negative", ""), "Factorize: result", "normalise the columns of W"},
		"error":          {failing("KeyError: 'window' (plugin:%d)"), "Factorize: result", "mend what the error says"},
		"not steady":     {kindTests["transformer"].define("Forward: same bits twice", ""), "Forward: same bits twice", "use no clock"},
		"any shape":      {kindTests["any shape"].define("same bits twice", ""), "same bits twice", "env.Rand (Python: env.rng)"},
		"negative joint": {kindTests["joint learner"].define("negative", ""), "LearnJointly: result", "normalise the columns of W"},
	} {
		t.Run(name, func(t *testing.T) {
			results := Check(t.Context(), c.def, Options{Many: 50})
			findings := told(results)
			if len(findings) != 1 || findings[0].Check != c.check || !strings.Contains(findings[0].Hint, c.hint) {
				t.Fatalf("findings are %v; want one of %q with %q", findings, c.check, c.hint)
			}
			for _, r := range results {
				if r.Like != "" && r.Like != c.check {
					t.Errorf("%v is like %q; want %q", r, r.Like, c.check)
				}
			}
		})
	}
}

// failingFactorizer fails, with another number in its error each time.
type failingFactorizer string

var failures atomic.Int64

func (f failingFactorizer) Factorize(context.Context, audiosep.Env, *mat.Dense, *audiosep.Factors) (*audiosep.Factors, error) {
	return nil, fmt.Errorf(string(f), failures.Add(1))
}

func TestCancelledCheckSkipsTheRest(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, r := range Check(ctx, fake(func(_, _ string) audiosep.Transformer { return hanging(nil) })("", ""), Options{}) {
		if r.Skipped == "" {
			t.Errorf("%v; want it skipped", r)
		}
	}
}

// halved undoes half of a transform.
type halved struct{ *dft }

func (t halved) Inverse(ctx context.Context, dst []float64, src audiosep.Coefs) error {
	err := t.dft.Inverse(ctx, dst, src)
	floats.Scale(0.5, dst)
	return err
}

func TestCoefsComeBack(t *testing.T) {
	for _, c := range []struct {
		by   audiosep.Transform
		want string
	}{{dft64(), ""}, {halved{dft64()}, "layer 0 undone, joined, cut and transformed again differs by"}} {
		x, err := audiosep.NewSpectra(newScene("scene").cut(), c.by)
		if err != nil {
			t.Fatal(err)
		}
		if err := comesBack(t.Context(), x); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%T: error %v; want %q", c.by, err, c.want)
		}
	}
}

// What says that its last source is the rest, and means it, keeps all promises.
func TestRestIsKept(t *testing.T) {
	checked := false
	for _, r := range try(t, defineFakeShape, "rest kept") {
		if !r.OK() {
			t.Error(r)
		}
		checked = checked || r.Check == "rest" && r.Skipped == ""
	}
	if !checked {
		t.Error("the rest was not checked")
	}
}
