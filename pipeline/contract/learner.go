package contract

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"

	"github.com/audiosep/audiosep"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// A learner is a method that sees all frames at once and makes a model, in the form
// that all such methods can be brought to.
type learner struct {
	name             string
	transform, facts bool                                // what of the model it makes
	input            func(s *subject, n int) []float64   // n frames that it accepts
	misfit           func(s *subject) audiosep.Model     // an init that suits no input
	run              func(r *trial) (touched, err error) // sets r.model
}

// A trial is one call of a learner.
type trial struct {
	ctx   context.Context
	s     *subject
	env   audiosep.Env
	src   []float64 // n frames
	n     int
	init  audiosep.Model
	model audiosep.Model
	stage any // that of an earlier trial; nil: a new one
}

// staged returns the stage on trial.
func staged[S any](r *trial) (S, error) {
	if r.stage == nil {
		stage, err := build[S](r.s)
		if err != nil {
			return stage, err
		}
		r.stage = stage
	}
	return r.stage.(S), nil
}

// few frames for most checks: learning takes long.
const few = 60

var factorizer = &learner{
	name: "Factorize", facts: true,
	input: func(s *subject, n int) []float64 { return mixtures(n, s.learnerLength()) },
	misfit: func(s *subject) audiosep.Model {
		return audiosep.Model{Factors: &audiosep.Factors{W: mat.NewDense(s.learnerLength()+1, 2, powers("w", 2*s.learnerLength()+2))}}
	},
	run: func(r *trial) (error, error) {
		stage, err := staged[audiosep.Factorizer](r)
		if err != nil {
			return nil, err
		}
		// Padded rows, so that a stage that takes Stride for Cols shows.
		bins := len(r.src) / r.n
		v := padded(mat.NewDense(r.n, bins, r.src).T())
		args := append(watchFactors(r.init.Factors), watch("v", v.RawMatrix().Data))
		r.model.Factors, err = stage.Factorize(r.ctx, r.env, v, r.init.Factors)
		return touched(args...), fails(err)
	},
}

var transformLearner = &learner{
	name: "LearnTransform", transform: true, input: frames, misfit: misfitTransform,
	run: func(r *trial) (error, error) {
		stage, err := staged[audiosep.TransformLearner](r)
		if err != nil {
			return nil, err
		}
		y := r.frames()
		args := watchFrames(y)
		r.model.Transform, err = stage.LearnTransform(r.ctx, r.env, y, r.init.Transform)
		return touched(args...), fails(err)
	},
}

var jointLearner = &learner{
	name: "LearnJointly", transform: true, facts: true, input: frames, misfit: misfitTransform,
	run: func(r *trial) (error, error) {
		stage, err := staged[audiosep.JointLearner](r)
		if err != nil {
			return nil, err
		}
		y := r.frames()
		args := append(watchFrames(y), watchFactors(r.init.Factors)...)
		r.model, err = stage.LearnJointly(r.ctx, r.env, y, r.init)
		return touched(args...), fails(err)
	},
}

func (s *subject) learnerLength() int {
	if s.o.Length > 0 {
		return s.o.Length
	}
	return 16
}

// layers of the frames that a learner gets: two realisations.
const layers = 2

func frames(s *subject, n int) []float64 { return random("layers", layers*n*s.learnerLength()) }

func misfitTransform(s *subject) audiosep.Model {
	m := s.learnerLength() + 1
	eye := mat.NewDense(m, m, nil)
	for i := range m {
		eye.Set(i, i, 1)
	}
	t, _ := audiosep.NewMatrixTransform(eye)
	return audiosep.Model{Transform: t}
}

// frames cuts src into Frames of two layers.
func (r *trial) frames() *audiosep.Frames {
	m := len(r.src) / r.n / layers
	ones := fill(m, func() float64 { return 1 })
	y := &audiosep.Frames{N: r.n, Framing: audiosep.Framing{
		Head:   audiosep.Head{Rate: 8000, Samples: r.n * m, Channels: 1, Realisations: layers},
		Length: m, Hop: m, Share: 1, Analysis: ones, Synthesis: ones,
	}}
	for l := range layers {
		data := make([]float64, 0, r.n*m)
		for n := range r.n {
			data = append(data, r.src[(n*layers+l)*m:(n*layers+l+1)*m]...)
		}
		y.Data = append(y.Data, data)
	}
	return y
}

// mixtures returns n frames of the powers of three components and a little noise.
func mixtures(n, bins int) []float64 {
	w, h, v := powers("w", bins*3), powers("h", n*3), powers("noise", n*bins)
	for i := range v {
		v[i] *= 0.01
		for k := range 3 {
			v[i] += w[i%bins*3+k] * h[i/bins*3+k] * h[i/bins*3+k]
		}
	}
	return v
}

// padded returns a copy of a in a wider matrix, the rest of which is NaN.
func padded(a mat.Matrix) *mat.Dense {
	r, c := a.Dims()
	wide := mat.NewDense(r, c+3, fill(r*(c+3), math.NaN))
	part := wide.Slice(0, r, 0, c).(*mat.Dense)
	part.Copy(a)
	return part
}

func watchFrames(y *audiosep.Frames) []watched {
	args := []watched{watch("y.Analysis", y.Analysis)}
	for _, d := range y.Data {
		args = append(args, watch("y.Data", d))
	}
	return args
}

func watchFactors(f *audiosep.Factors) []watched {
	if f == nil {
		return nil
	}
	var args []watched
	for _, m := range []*mat.Dense{f.W, f.H} {
		if m != nil {
			args = append(args, watch("init", m.RawMatrix().Data))
		}
	}
	return args
}

// try runs the learner on src with the seed.
func (l *learner) try(ctx context.Context, s *subject, src []float64, n int, seed uint64) (audiosep.Model, error) {
	r := &trial{ctx: ctx, s: s, env: audiosep.Env{Seed: seed}, src: src, n: n}
	_, err := l.run(r)
	if err != nil {
		return r.model, err
	}
	return r.model, l.valid(r)
}

// valid says what is wrong with the model, for its input.
func (l *learner) valid(r *trial) error {
	bins := len(r.src) / r.n
	if l.transform {
		t := r.model.Transform
		if t == nil {
			return errors.New("the transform is nil and so is the error; want one of them")
		}
		if t.Len() != bins/layers {
			return fmt.Errorf("the transform has Len %d; want %d, the length of the frames", t.Len(), bins/layers)
		}
		bins = t.Bins()
	}
	if !l.facts {
		return nil
	}
	f := r.model.Factors
	if f == nil || f.W == nil || f.H == nil {
		return errors.New("the factors lack W or H and there is no error; want both, or an error")
	}
	if err := f.Validate(bins, r.n); err != nil {
		return err
	}
	_, rank := f.W.Dims()
	for k := range rank {
		if sum := floats.Sum(mat.Col(nil, k, f.W)); math.Abs(sum-1) > 1e-9 {
			return fmt.Errorf("column %d of W sums to %v; want 1, the scale being in H", k, sum)
		}
	}
	return descends(f)
}

func descends(f *audiosep.Factors) error {
	if err := finite(f.Objective); err != nil {
		return fmt.Errorf("the objective: %w", err)
	}
	for i := 1; i < len(f.Objective); i++ {
		a, b := f.Objective[i-1], f.Objective[i]
		if b-a > 1e-12*(math.Abs(a)+math.Abs(b)) {
			return fmt.Errorf("the objective rises from %v to %v at iteration %d; want it never to rise", a, b, i)
		}
	}
	return nil
}

// bits returns every number of the model.
func bits(m audiosep.Model) ([]float64, error) {
	var all []float64
	if f := m.Factors; f != nil {
		all = append(all, f.Objective...)
		for _, a := range []*mat.Dense{f.W, f.H} {
			if a == nil {
				continue
			}
			all = append(all, mat.DenseCopyOf(a).RawMatrix().Data...)
		}
	}
	if t := m.Transform; t != nil {
		fwd := forward(t)
		out, err := fwd.of(context.Background(), fwd.input(t.Len()))
		if err != nil {
			return nil, err
		}
		all = append(all, out...)
	}
	return all, nil
}

func (l *learner) bits(ctx context.Context, s *subject, seed uint64) ([]float64, error) {
	m, err := l.try(ctx, s, l.input(s, few), few, seed)
	if err != nil {
		return nil, err
	}
	return bits(m)
}

func (s *subject) learntTransform(ctx context.Context, _ int) (audiosep.Transform, error) {
	if s.learnt != nil {
		return s.learnt, nil
	}
	l := transformLearner
	if is[audiosep.JointLearner](s) {
		l = jointLearner
	}
	m, err := l.try(ctx, s, l.input(s, few), few, 1)
	s.learnt = m.Transform
	return s.learnt, err
}

func learnerChecks(l *learner) []check {
	with := func(f func(ctx context.Context, s *subject, l *learner) error) func(context.Context, *subject) error {
		return func(ctx context.Context, s *subject) error { return f(ctx, s, l) }
	}
	checks := []check{
		{l.name + ": result", "The result fits the input, is finite, W and H are not negative, columns of W sum to 1, the objective, if there is one, never rises.",
			"normalise the columns of W and put their sums into the rows of H; record the objective of the model as it is returned", with(learns)},
		{l.name + ": " + twice, "The same arguments and seed give the same bits.",
			randomHint + ", add in a fixed order, do not depend on time", with(learnsTheSame)},
		{l.name + ": seed", "Where random numbers are used, they follow the seed.",
			randomHint, with(followsSeed)},
		{l.name + ": concurrent calls", "Several stages of a kind may run at once.",
			"share nothing between calls", with(learnsConcurrently)},
		{l.name + ": arguments untouched", "Arguments are not modified, init included.",
			"copy what you need to change", with(learnsUntouched)},
		{l.name + ": unfit init", "A start that does not fit the input is refused by an error.",
			"check the dimensions of init's fields", with(refusesMisfit)},
		{l.name + ": cancellation", "A method returns soon after it is cancelled, with an error that says so.",
			cancelHint + ", in every iteration", with(learningCancels)},
		{l.name + ": progress", "Progress is reported, with what is done going up to all there is, to whoever listens.",
			"call env.Report (Python: env.step) in every iteration", with(reports)},
		{l.name + ": zeros", "Silence is no fault: nothing but zeros, or frames of them, give a valid result.",
			"add eps where a sum can be 0", with(learnsSilence)},
		{l.name + ": NaN", "An input that is not finite is refused by an error.",
			"check the input before the first iteration", with(refusesNaN)},
		{l.name + ": one frame", "One frame gives a valid result or an error that says how many are needed.",
			"look for a division by the number of frames less one", with(learnsOne)},
		{l.name + ": frames of one sample", "Frames may be as short as one sample; a result is valid, or an error says how long they must be.",
			"look for a part of the frame's length that becomes 0", with(learnsShort)},
		{l.name + ": many frames", "The input may be very long.",
			"look for what grows faster than the frames, and for time spent between looks whether the call is cancelled", with(learnsMany)},
	}
	return checks
}

func learns(ctx context.Context, s *subject, l *learner) error {
	m, err := l.try(ctx, s, l.input(s, few), few, 1)
	if err != nil || !l.facts {
		return err
	}
	if len(m.Factors.Objective) == 0 {
		return advice("the objective has no values; better one for each iteration, which users are shown")
	}
	if m.Factors.Stop == "" {
		return advice("the field Stop (Python: stop) is empty; better why the iterations ended, in a few words")
	}
	return nil
}

func learnsTheSame(ctx context.Context, s *subject, l *learner) error {
	r := &trial{ctx: ctx, s: s, env: audiosep.Env{Seed: 1}, src: l.input(s, few), n: few}
	var all [3][]float64 // by a stage, by the same again, by another
	for i := range all {
		if i == 2 {
			r.stage = nil
		}
		if _, err := l.run(r); err != nil {
			return err
		}
		var err error
		if all[i], err = bits(r.model); err != nil {
			return err
		}
		if err := sameBits(all[0], all[i]); err != nil {
			return fmt.Errorf("calls 1 and %d differ: %w; want the same bits with the same seed", i+1, err)
		}
	}
	return nil
}

func followsSeed(ctx context.Context, s *subject, l *learner) error {
	var all [3][]float64
	for i, seed := range []uint64{1, 2, 1} {
		var err error
		if all[i], err = l.bits(ctx, s, seed); err != nil {
			return err
		}
	}
	if err := sameBits(all[0], all[2]); err != nil {
		return fmt.Errorf("with seeds 1, 2, 1 the first and last differ: %w; want the same bits", err)
	}
	if sameBits(all[0], all[1]) == nil {
		return skipped("the result does not depend on the seed; right if nothing is random")
	}
	return nil
}

func learnsConcurrently(ctx context.Context, s *subject, l *learner) error {
	alone, err := l.bits(ctx, s, 1)
	if err != nil {
		return err
	}
	errs := make([]error, 3)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Add(1)
		go func() {
			defer wg.Done()
			defer func() {
				if v := recover(); v != nil {
					errs[i] = fmt.Errorf("it panicked: %v", v)
				}
			}()
			out, err := l.bits(ctx, s, 1)
			if err == nil {
				err = sameBits(alone, out)
			}
			errs[i] = err
		}()
	}
	wg.Wait()
	return want(one(errs), "the bits of a call alone")
}

func learnsUntouched(ctx context.Context, s *subject, l *learner) error {
	r := &trial{ctx: ctx, s: s, env: audiosep.Env{Seed: 1}, src: l.input(s, few), n: few}
	touched, err := l.run(r)
	if err := errors.Join(touched, err); err != nil {
		return err
	}
	// Once more from its own result.
	r.init, r.model = r.model, audiosep.Model{}
	touched, err = l.run(r)
	if err != nil {
		return fmt.Errorf("starting from its own result: %w", err)
	}
	return touched
}

func refusesMisfit(ctx context.Context, s *subject, l *learner) error {
	r := &trial{ctx: ctx, s: s, src: l.input(s, few), n: few, init: l.misfit(s)}
	if _, err := l.run(r); err == nil {
		return errors.New("a start for frames of another length was accepted; want an error")
	}
	return nil
}

// learningCancels cancels before the call, and then at the first report of progress.
func learningCancels(ctx context.Context, s *subject, l *learner) error {
	src := l.input(s, few)
	done, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := l.run(&trial{ctx: done, s: s, src: src, n: few}); cancelled(err, false) != nil {
		return fmt.Errorf("before the call: %w", cancelled(err, false))
	}
	steps, err := l.steps(ctx, s, src, func() {})
	if err != nil || len(steps) < 10 {
		return err // too short to be cancelled amidst
	}
	amidst, cancel := context.WithCancel(ctx)
	defer cancel()
	if _, err = l.steps(amidst, s, src, cancel); cancelled(err, false) != nil {
		return fmt.Errorf("at the first of %d reports: %w", len(steps), cancelled(err, false))
	}
	return nil
}

// steps runs l and returns its reports; at each it calls heard.
func (l *learner) steps(ctx context.Context, s *subject, src []float64, heard func()) ([]audiosep.Step, error) {
	var mu sync.Mutex
	var steps []audiosep.Step
	env := audiosep.Env{Seed: 1, Progress: func(step audiosep.Step) {
		mu.Lock()
		defer mu.Unlock()
		steps = append(steps, step)
		heard()
	}}
	_, err := l.run(&trial{ctx: ctx, s: s, env: env, src: src, n: few})
	mu.Lock()
	defer mu.Unlock()
	return steps, err
}

func reports(ctx context.Context, s *subject, l *learner) error {
	steps, err := l.steps(ctx, s, l.input(s, few), func() {})
	if err != nil {
		return err
	}
	if len(steps) == 0 {
		return advice("nothing was reported; better a step in each iteration: a long run without is taken for one that hangs")
	}
	for i, step := range steps {
		if step.Done < 0 || step.Of < 1 || step.Done > step.Of {
			return fmt.Errorf("a step says %d of %d; want what is done from 0 to all there is, and that at least 1", step.Done, step.Of)
		}
		if i > 0 && step.Done < steps[i-1].Done {
			return fmt.Errorf("progress goes from %d back to %d done; want it never to fall", steps[i-1].Done, step.Done)
		}
		if math.IsInf(step.Objective, 0) {
			return fmt.Errorf("a step's objective is %v; want a finite number, or NaN for none", step.Objective)
		}
	}
	return nil
}

func learnsSilence(ctx context.Context, s *subject, l *learner) error {
	src := l.input(s, few)
	in := len(src) / few
	clear(src[3*in : 8*in])
	if _, err := l.try(ctx, s, src, few, 1); err != nil {
		return fmt.Errorf("5 frames of zeros among others: %w", err)
	}
	clear(src)
	if _, err := l.try(ctx, s, src, few, 1); err != nil {
		return fmt.Errorf("nothing but zeros: %w", err)
	}
	return nil
}

func refusesNaN(ctx context.Context, s *subject, l *learner) error {
	for _, bad := range []float64{math.NaN(), math.Inf(1)} {
		src := l.input(s, few)
		src[len(src)/2+1] = bad
		if _, err := l.run(&trial{ctx: ctx, s: s, src: src, n: few}); err == nil {
			return fmt.Errorf("a %v in the input was accepted; want an error that says where it is", bad)
		}
	}
	return nil
}

// learnsOne accepts any error: what is promised is that a result is valid.
func learnsOne(ctx context.Context, s *subject, l *learner) error {
	r := &trial{ctx: ctx, s: s, env: audiosep.Env{Seed: 1}, src: l.input(s, 1), n: 1}
	if _, err := l.run(r); err != nil {
		return nil
	}
	return l.valid(r)
}

// learnsShort accepts any error: what is promised is that a result is valid.
func learnsShort(ctx context.Context, s *subject, l *learner) error {
	short := *s
	short.o.Length = 1
	src := l.input(&short, few)
	r := &trial{ctx: ctx, s: &short, env: audiosep.Env{Seed: 1}, src: src, n: few}
	if _, err := l.run(r); err != nil {
		return nil
	}
	return l.valid(r)
}

func learnsMany(ctx context.Context, s *subject, l *learner) error {
	quick := *s
	quick.o.Length = 4
	if s.o.Length > 0 {
		quick.o.Length = s.o.Length
	}
	_, err := l.try(ctx, &quick, l.input(&quick, s.o.Many), s.o.Many, 1)
	if err != nil && s.o.Length == 0 { // 4 may be fewer than the components
		_, err = l.try(ctx, s, l.input(s, s.o.Many), s.o.Many, 1)
	}
	if err != nil {
		return fmt.Errorf("%d frames: %w", s.o.Many, err)
	}
	return nil
}
