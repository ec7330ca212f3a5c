package contract

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/audiosep/audiosep"
	"gonum.org/v1/gonum/mat"
)

// The stages here keep every promise but the one that their fault names; the fault ""
// keeps all.

var errOther = errors.New("another reason")

// saboteur breaks a frame-local method.
type saboteur struct {
	fault string
	calls atomic.Int64
	busy  atomic.Int64
}

// call does work, which fills out from in, n frames each, and spoils it.
func (s *saboteur) call(ctx context.Context, in, out []float64, n int, work func() error) error {
	if err := ctx.Err(); err != nil {
		if s.fault == "cancellation" {
			return errOther
		}
		return err
	}
	if s.fault == "no frame and one" && n < 2 {
		panic("index out of range")
	}
	if n == 0 {
		return work()
	}
	last := out[len(out)-1]
	isNaN := slices.ContainsFunc(in, math.IsNaN)
	if s.fault == "concurrent calls" {
		s.busy.Add(1)
		time.Sleep(2 * time.Millisecond)
		defer s.busy.Add(-1)
	}
	if err := work(); err != nil {
		return err
	}
	switch calls := s.calls.Add(1); {
	case s.fault == "shapes":
		out[len(out)-1] = last
	case s.fault == "frame-local":
		out[0] *= 1 + 1e-12*float64(n)
	case s.fault == "same bits twice":
		out[0] *= 1 + 1e-12*float64(calls)
	case s.fault == "concurrent calls" && s.busy.Load() > 1:
		out[0] *= 1.0001
	case s.fault == "arguments untouched":
		in[0]++
	case s.fault == "zeros" && slices.Contains(in, 0), s.fault == "NaN" && isNaN:
		for i := range out {
			out[i] = math.NaN()
		}
	case s.fault == "many frames" && n >= 1000:
		return errOther
	}
	return nil
}

// fakeTransform doubles.
type fakeTransform struct {
	fault            string
	m                int
	complex          bool
	scale            float64
	forward, inverse *saboteur
}

func (t *fakeTransform) Transform(_ context.Context, m int) (audiosep.Transform, error) {
	c := *t
	c.m = m
	switch t.fault {
	case "nil":
		return nil, nil
	case "length":
		c.m++
	}
	return &c, nil
}
func (t *fakeTransform) Len() int      { return t.m }
func (t *fakeTransform) Bins() int     { return t.m }
func (t *fakeTransform) Complex() bool { return t.complex }

func (t *fakeTransform) Forward(ctx context.Context, dst audiosep.Coefs, src []float64) error {
	return t.forward.call(ctx, src, dst.Re, len(src)/t.m, func() error {
		for i, x := range src {
			dst.Re[i] = 2 * x
			if t.complex {
				dst.Im[i] = -x
			}
		}
		return nil
	})
}

func (t *fakeTransform) Inverse(ctx context.Context, dst []float64, src audiosep.Coefs) error {
	return t.inverse.call(ctx, src.Re, dst, len(dst)/t.m, func() error {
		for i, x := range src.Re {
			dst[i] = t.scale * x
		}
		return nil
	})
}

func newFakeTransform(fault string) *fakeTransform {
	t := &fakeTransform{fault: fault, scale: 0.5, complex: fault == "complex", forward: &saboteur{}, inverse: &saboteur{}}
	if fault == "round trip" {
		t.scale = 0.50001
	}
	if len(fault) > 9 {
		switch fault[:9] {
		case "Forward: ":
			t.forward.fault = fault[9:]
		case "Inverse: ":
			t.inverse.fault = fault[9:]
		}
	}
	return t
}

// fakeActivator has the activations of a W that is known to have full column rank.
type fakeActivator struct {
	saboteur
	approximate float64
}

func (a *fakeActivator) Activate(ctx context.Context, dst, v, w *mat.Dense) error {
	_, n := dst.Dims()
	bins, _ := v.Dims()
	// One number a frame, so that frames can be told apart.
	in, out := mat.Row(nil, 0, v), make([]float64, n)
	for i := range out {
		out[i] = mark
	}
	err := a.call(ctx, in, out, n, func() error {
		var qr mat.QR
		qr.Factorize(w)
		for i := range n {
			var h mat.VecDense
			if err := qr.SolveVecTo(&h, false, v.ColView(i)); err != nil && !math.IsNaN(v.At(0, i)) {
				return err
			}
			for k := range h.Len() {
				dst.Set(k, i, max(0, a.approximate*h.AtVec(k)))
			}
			out[i] = dst.At(0, i)
		}
		return nil
	})
	if a.fault != "" {
		dst.SetRow(0, out)
		if a.fault == "arguments untouched" {
			v.Set(bins-1, 0, 7)
		}
	}
	return err
}

func newFakeActivator(fault string) *fakeActivator {
	a := &fakeActivator{saboteur: saboteur{fault: fault}, approximate: 1}
	if fault == "approximation" {
		a.approximate = 0.1
	}
	return a
}

// fakeSeparator gives everything to the last of two sources but a tenth.
type fakeSeparator struct {
	saboteur
	group string // the fault of Group
}

func newFakeSeparator(fault string) *fakeSeparator {
	group, ok := strings.CutPrefix(fault, "Group: ")
	if !ok {
		group = ""
	}
	return &fakeSeparator{saboteur{fault: fault}, group}
}

func (s *fakeSeparator) Group(ctx context.Context, _ audiosep.Env, f *audiosep.Factors) ([]audiosep.Group, error) {
	all := make([]int, f.Rank())
	for k := range all {
		all[k] = k
	}
	names := []string{"a", "b"}
	switch s.group {
	case "cancellation":
		if ctx.Err() != nil {
			return nil, errOther
		}
	case "partition":
		all[1] = 0
	case "names":
		names[1] = "a"
	case "same twice":
		names[0] = fmt.Sprint(s.calls.Add(1))
	case "arguments untouched":
		f.H.Set(0, 0, 7)
	}
	return []audiosep.Group{{Name: names[0], Components: all[:2]}, {Name: names[1], Components: all[2:]}}, nil
}

func (*fakeSeparator) LeavesRest() {}

func (s *fakeSeparator) Separate(ctx context.Context, dst []audiosep.Coefs, x audiosep.Coefs, f *audiosep.Factors, _ []audiosep.Group) error {
	_, n := f.H.Dims()
	share := 0.1
	rest := dst[1].Re == nil
	if rest {
		switch s.fault {
		case "rest refused":
			return errOther
		case "rest written":
			dst[1].Re[0] = 0
		}
		dst = []audiosep.Coefs{dst[0], {Re: make([]float64, len(x.Re)), Im: make([]float64, len(x.Im))}} // for nobody
	}
	if rest && s.fault == "rest" || rest && s.fault == "complex rest" && x.Im != nil {
		share = 0.1 + 1e-15
	}
	if s.fault == "sum" || s.fault == "complex sum" && x.Im != nil {
		share = 0.1001
	}
	in := x.Re
	if s.fault == "zeros" { // silence in H
		in = mat.Row(nil, 0, f.H)
	}
	return s.call(ctx, in, dst[0].Re, n, func() error {
		for i, c := range x.Re {
			dst[0].Re[i], dst[1].Re[i] = share*c, c-0.1*c
		}
		for i, c := range x.Im {
			dst[0].Im[i], dst[1].Im[i] = share*c, c-0.1*c
		}
		return nil
	})
}

// fakeLearner is a factorizer of one component, a joint learner and a transform learner.
type fakeLearner struct {
	fault       string
	calls, busy atomic.Int64
}

func (l *fakeLearner) learn(ctx context.Context, env audiosep.Env, n int, in []float64, misfit bool) error {
	if l.fault == "concurrent calls" {
		l.busy.Add(1)
		time.Sleep(2 * time.Millisecond)
		defer l.busy.Add(-1)
		if l.busy.Load() > 1 {
			return errOther
		}
	}
	if l.fault == "short frames" && len(in)/n <= layers {
		panic("zero length")
	}
	var sum float64
	for _, x := range in {
		sum += math.Abs(x)
	}
	switch {
	case misfit && l.fault != "unfit init":
		return errors.New("init does not fit")
	case (math.IsNaN(sum) || math.IsInf(sum, 0)) && l.fault != "NaN":
		return errors.New("the input is not finite")
	case l.fault == "zeros" && sum == 0, l.fault == "many frames" && n >= 1000:
		return errOther
	}
	for i := range 20 {
		if ctx.Err() != nil && l.fault != "cancellation" && (i == 0 || l.fault != "late cancellation") {
			return ctx.Err()
		}
		step := audiosep.Step{Done: i + 1, Of: 20, Objective: math.NaN()}
		switch l.fault {
		case "progress":
			continue
		case "progress back":
			step.Done = 20 - i
		case "progress beyond":
			step.Of = 10
		}
		env.Report(step)
	}
	return nil
}

func (l *fakeLearner) Factorize(ctx context.Context, env audiosep.Env, v *mat.Dense, init *audiosep.Factors) (*audiosep.Factors, error) {
	bins, n := v.Dims()
	misfit := init != nil && init.W != nil && init.W.RawMatrix().Rows != bins
	if err := l.learn(ctx, env, n, mat.DenseCopyOf(v).RawMatrix().Data, misfit); err != nil {
		return nil, err
	}
	if l.fault == "arguments untouched" {
		v.Set(0, 0, 7)
	}
	if l.fault == "init untouched" && init != nil {
		init.W.Set(0, 0, 7)
	}
	return l.factors(env, bins, n), nil
}

func (l *fakeLearner) factors(env audiosep.Env, bins, n int) *audiosep.Factors {
	f := &audiosep.Factors{W: mat.NewDense(bins, 1, nil), H: mat.NewDense(1, n, nil), Objective: []float64{3, 2, 2}, Stop: "made up"}
	for i := range bins {
		f.W.Set(i, 0, 1/float64(bins))
	}
	for i := range n {
		f.H.Set(0, i, env.Rand("h").Float64())
	}
	switch l.fault {
	case "rising":
		f.Objective[2] = 2.1
	case "not normalised":
		f.W.Set(0, 0, 0.5)
	case "negative":
		f.H.Set(0, 0, -1)
	case "transposed":
		f.H = mat.NewDense(n, 1, nil)
	case "no stop":
		f.Stop = ""
	case "no objective":
		f.Objective = nil
	case "same bits twice", "seed":
		f.H.Set(0, 0, float64(l.calls.Add(1)))
	case "one frame":
		if n == 1 {
			f.H.Set(0, 0, math.NaN())
		}
	}
	return f
}

func (l *fakeLearner) LearnTransform(ctx context.Context, env audiosep.Env, y *audiosep.Frames, init audiosep.Transform) (audiosep.Transform, error) {
	if err := l.learn(ctx, env, y.N, slices.Concat(y.Data...), init != nil && init.Len() != y.Length); err != nil {
		return nil, err
	}
	t := newFakeTransform(l.fault)
	t.m = y.Length
	switch l.fault {
	case "arguments untouched":
		y.Data[1][0] = 7
	case "wrong length":
		t.m++
	case "same bits twice", "seed":
		t.forward.fault = "same bits twice"
		t.forward.calls.Store(l.calls.Add(1))
	case "nil", "one frame":
		if l.fault == "nil" || y.N == 1 {
			return nil, nil
		}
	}
	return t, nil
}

func (l *fakeLearner) LearnJointly(ctx context.Context, env audiosep.Env, y *audiosep.Frames, init audiosep.Model) (audiosep.Model, error) {
	t, err := l.LearnTransform(ctx, env, y, init.Transform)
	if err != nil || t == nil {
		return audiosep.Model{}, err
	}
	return audiosep.Model{Transform: t, Factors: l.factors(env, t.Bins(), y.N)}, nil
}

type fakeFramer struct {
	saboteur
}

func (s *fakeFramer) Framing(ctx context.Context, h audiosep.Head) (audiosep.Framing, error) {
	if ctx.Err() != nil && s.fault == "cancellation" {
		return audiosep.Framing{}, errOther
	}
	ones := []float64{1, 1, 1, 1}
	f := audiosep.Framing{Head: h, Length: 4, Hop: 2, Share: 1, Pad: 2, Analysis: ones, Synthesis: slices.Clone(ones)}
	switch s.fault {
	case "invalid":
		f.Hop = 5
	case "head":
		f.Rate = 1
	case "inexact":
		for i := range ones { // numbers so small have few digits
			f.Analysis[i], f.Synthesis[i] = 1e-315, 1e308
		}
	case "same twice":
		f.Synthesis[0] += float64(s.calls.Add(1))
	case "refuses":
		return f, errOther
	}
	return f, nil
}

type fakeSource struct {
	saboteur
	audiosep.Signal
}

func newFakeSource(fault string) *fakeSource {
	return &fakeSource{saboteur: saboteur{fault: fault}, Signal: audiosep.Signal{Rate: 8000, Data: [][]float64{random("left", 5000), random("right", 5000)}}}
}

func (s *fakeSource) Head(ctx context.Context) (audiosep.Head, error) {
	h, err := s.Signal.Head(ctx)
	switch s.fault {
	case "rate":
		h.Rate = 0
	case "names":
		h.Names = []string{"one"}
	case "changing head":
		h.Samples += int(s.calls.Add(1))
	}
	return h, err
}

func (s *fakeSource) ReadAt(ctx context.Context, dst [][]float64, at int) error {
	switch {
	case ctx.Err() != nil && s.fault == "cancellation":
		return errOther
	case s.fault == "position":
		at = int(s.calls.Add(int64(len(dst[0])))) - len(dst[0])
	case s.fault == "concurrent":
		s.busy.Add(1)
		time.Sleep(2 * time.Millisecond)
		defer s.busy.Add(-1)
		if s.busy.Load() > 1 {
			at++
		}
	}
	err := s.Signal.ReadAt(ctx, dst, at)
	if s.fault == "outside" && at >= 5000 {
		dst[0][0] = s.Data[0][0]
	}
	if s.fault == "not finite" {
		dst[0][0] = math.NaN()
	}
	return err
}

type fakeSink struct {
	fault, folder string
}

func (s *fakeSink) file(name string) error {
	return os.WriteFile(filepath.Join(s.folder, name), []byte("sound"), 0o600)
}

func (s *fakeSink) Create(context.Context, audiosep.Env, audiosep.Head, []string) error {
	if s.fault == "early" {
		return s.file("early")
	}
	return s.file(".hidden")
}

func (s *fakeSink) Write(_ context.Context, _ int, block [][]float64) error {
	if s.fault == "arguments" {
		block[0][0] = 7
	}
	return nil
}

func (s *fakeSink) Commit(context.Context) error {
	switch s.fault {
	case "nothing":
		return os.Remove(filepath.Join(s.folder, ".hidden"))
	case "leftover":
		return s.file("new")
	}
	return os.Rename(filepath.Join(s.folder, ".hidden"), filepath.Join(s.folder, "new"))
}

func (s *fakeSink) Close() error {
	if s.fault != "leftover" && s.fault != "trace" {
		os.Remove(filepath.Join(s.folder, ".hidden"))
	}
	return nil
}

type fakeModelWriter struct {
	fault, folder string
}

func (w *fakeModelWriter) WriteModel(_ context.Context, m audiosep.Model) error {
	if w.fault == "arguments" {
		m.Factors.H.Set(0, 0, 7)
	}
	if w.fault == "early" {
		return os.WriteFile(filepath.Join(w.folder, "model"), []byte("model"), 0o600)
	}
	return nil
}

func (w *fakeModelWriter) Commit(context.Context) error {
	if w.fault == "nothing" {
		return nil
	}
	return os.WriteFile(filepath.Join(w.folder, "model"), []byte("model"), 0o600)
}

func (w *fakeModelWriter) Close() error { return nil }

type fakeModelReader string

var modelsRead atomic.Int64

func (fault fakeModelReader) ReadModel(ctx context.Context) (audiosep.Model, error) {
	f := factors(4, 2, 3)
	switch {
	case fault == "cancellation" && ctx.Err() != nil:
		return audiosep.Model{}, errOther
	case fault == "shape":
		f.H = mat.NewDense(3, 3, nil)
	case fault == "same twice":
		f.H.Set(0, 0, float64(modelsRead.Add(1)))
	}
	return audiosep.Model{Factors: f}, nil
}
