package contract

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/blocks"
	"github.com/audiosep/audiosep/internal/fft"
	"github.com/audiosep/audiosep/internal/wrap"
)

// shapeChecks are the promises of a stage of any shape: the five rules, what each output is
// by its cargo, and what the stage promises besides.
func (s *subject) shapeChecks() []check {
	checks := []check{
		{"outputs", "What comes out of each port is whole and valid, as its cargo wants it.",
			"look at what the cargo asks for: its type in package audiosep, in Python the head of audiosep_plugin.py", validOutputs},
		{twice, "The result is a function of the inputs and the seed alone.",
			randomHint + ", add in a fixed order, do not depend on time", sameTwice},
		{"any run", "What is read run by run has the same bits as what is read at once, in blocks of any size.",
			"keep no state between runs; add in an order that does not depend on the length of a run; ask for enough frames beside it", anyRun},
		{"concurrent runs", "Several stages may run at once, and what they made be read at once.",
			"share nothing between calls; make scratch memory in the call", runsConcurrently},
		{"inputs untouched", "Inputs are not modified.", "copy what you need to change", inputsUntouched},
		{"cancellation", "A method returns soon after it is cancelled, with an error that says so.",
			cancelHint + ", every few frames", runCancels},
		{"silence", "Silence is no fault: nothing but zeros give finite numbers.",
			"look for a division by a norm or a sum that can be 0", survivesSilence},
		{"NaN", "An input that is not finite is refused by an error, or stays NaN in the audio it came in.",
			"let errors through; make no number of a NaN", refusesBadAudio},
	}
	if s.def.Promised(audiosep.Sums) {
		checks = append(checks, check{"sum", "The sources sum to the mixture, to 1e-9 of its greatest sample.",
			s.sumHint(), sourcesSum})
	}
	if slices.ContainsFunc(s.def.Out, func(p audiosep.Port) bool { return p.Cargo == audiosep.CargoSources }) {
		checks = append(checks, check{"rest", "Stems that say that the last source is what the others leave mean it: asked for all, they give the same bits of the others, and of the last what these leave, to 1e-9.",
			"make the last source of what the others leave, and the others alike whether it is asked for or not; or do not say that it is the rest", lastIsRest})
	}
	if s.def.Promised(audiosep.Local) {
		checks = append(checks, check{"frame-local", "What comes of a frame does not depend on other frames.",
			"ask for no frames beside, or do not promise it: leave " + promiseHint("Local", "local"), isLocal})
	}
	if s.def.Promised(audiosep.Lazy) {
		checks = append(checks, check{"lazy", "Running only says what is to be done: no sound is read before the outputs are.",
			"read when somebody reads what Run returns, or do not promise it: leave " + promiseHint("Lazy", "lazy"), isLazy})
	}
	return checks
}

// sumHint says what to do where sources do not sum to the mixture.
func (s *subject) sumHint() string {
	const keep = "give what masks leave to one of the sources; let masks sum to 1 in silence too; or, if they are not to sum to it, do not promise it: "
	if is[audiosep.Separator](s) {
		return keep + "separators that have the short form (Group and Separate) do by themselves, so have Run, in Python run, in its place"
	}
	return keep + "leave " + promiseHint("Sums", "sums")
}

// promiseHint says where a promise stands.
func promiseHint(inGo, name string) string {
	return "audiosep." + inGo + " out of Define, in another language \"" + name + "\" out of the promises"
}

// Hints that several checks have, with the names that what they speak of has in Go and in Python.
const (
	randomHint = "take random numbers from env.Rand (Python: env.rng) only"
	cancelHint = "look at ctx.Err() and return it (Python: call env.check())"
)

// scene is what the inputs of a stage on trial are made of.
type scene struct {
	*audiosep.Signal
	reads atomic.Int64
}

const sceneRate, sceneSamples, sceneBins = 8000, 3001, 33

func newScene(name string) *scene {
	return &scene{Signal: &audiosep.Signal{Rate: sceneRate, Channels: 2, Data: [][]float64{random(name+" left", sceneSamples), random(name+" right", sceneSamples)}}}
}

func (s *scene) ReadAt(ctx context.Context, dst [][]float64, at int) error {
	s.reads.Add(1)
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.Signal.ReadAt(ctx, dst, at)
}

// cut returns the scene in frames of 64 samples, three quarters of which overlap.
func (s *scene) cut() *audiosep.Framed {
	const m, hop = 64, 16
	w := make([]float64, m)
	for i := range w {
		w[i] = math.Sin(math.Pi * (float64(i) + 0.5) / m)
	}
	h, _ := s.Head(context.Background())
	return &audiosep.Framed{Source: s, Framing: audiosep.Framing{Head: h, Length: m, Hop: hop, Pad: m - hop, Share: 1, Analysis: w, Synthesis: w}}
}

func (s *scene) spectra() audiosep.Spectra {
	x, err := audiosep.NewSpectra(s.cut(), dft64())
	if err != nil {
		panic(err)
	}
	return x
}

// input returns what a port of that cargo is given.
func (s *scene) input(c audiosep.Cargo, rank int) any {
	columns := s.cut().Framing.Columns()
	switch c {
	case audiosep.CargoAudio:
		return audiosep.Source(s)
	case audiosep.CargoFrames:
		return s.cut()
	case audiosep.CargoCoefs:
		return s.spectra()
	case audiosep.CargoPower:
		return audiosep.PowerOf(s.spectra(), nil)
	case audiosep.CargoTransform:
		return &audiosep.FittedTransform{Transform: dft64()}
	case audiosep.CargoFactors:
		f := factors(sceneBins, rank, columns)
		framing := s.cut().Framing
		f.Framing = &framing
		return f
	case audiosep.CargoNotes:
		return audiosep.Notes{{Onset: 0.02, Offset: 0.2, Pitch: 60, Source: "low", Velocity: 0.7}, {Onset: 0.1, Offset: 0.3, Pitch: 76.5, Source: "high", Velocity: 1}}
	case audiosep.CargoSources:
		half := &audiosep.Signal{Rate: sceneRate, Channels: 2}
		rest := &audiosep.Signal{Rate: sceneRate, Channels: 2}
		for _, x := range s.Data {
			a, b := slices.Clone(x), slices.Clone(x)
			floats.Scale(0.25, a)
			floats.Scale(0.75, b)
			half.Data, rest.Data = append(half.Data, a), append(rest.Data, b)
		}
		stems, err := audiosep.NewStems([]string{"first", "second"}, []*audiosep.Signal{half, rest})
		if err != nil {
			panic(err)
		}
		return stems
	}
	return nil
}

// trialRun runs the stage on a scene. Ports that take many get two.
func (s *subject) trialRun(ctx context.Context, sc *scene, seed uint64) (audiosep.Values, error) {
	return s.runWith(ctx, sc, seed, s.def.In)
}

// runWith runs it with some of its inputs.
func (s *subject) runWith(ctx context.Context, sc *scene, seed uint64, ports []audiosep.Port) (audiosep.Values, error) {
	stage, err := s.def.Build(s.o.Params)
	if err != nil {
		return nil, err
	}
	s.open.add(stage)
	in := audiosep.Values{}
	for _, p := range ports {
		if in[p.Name] = sc.input(p.Cargo, s.o.Rank); p.Many {
			in[p.Name] = many(p.Cargo, in[p.Name])
		}
	}
	out, err := s.def.Run(ctx, s.env(seed), stage, in)
	return out, fails(err)
}

// env returns what a stage on trial is lent.
func (s *subject) env(seed uint64) audiosep.Env {
	wiring := map[string][]string{}
	for _, p := range s.def.In {
		if wiring[p.Name] = []string{"one"}; p.Many {
			wiring[p.Name] = []string{"one", "two"}
		}
	}
	return audiosep.Env{Seed: seed, Wiring: wiring}
}

// read is everything that came out of a run, port by port, in numbers.
type taken map[string][]float64

// take reads everything that came out of a run, checking it by its cargo.
func (s *subject) take(ctx context.Context, out audiosep.Values) (taken, error) {
	all := taken{}
	for _, p := range s.def.Out {
		v := out[p.Name]
		if v == nil {
			if !p.Optional {
				return nil, fmt.Errorf("output %q is missing; want one", p.Name)
			}
			continue
		}
		x, err := takeCargo(ctx, p.Cargo, v)
		if err != nil {
			return nil, fmt.Errorf("output %q: %w", p.Name, err)
		}
		all[p.Name] = x
	}
	return all, nil
}

func (s *subject) runAndTake(ctx context.Context, sc *scene, seed uint64) (taken, error) {
	out, err := s.trialRun(ctx, sc, seed)
	if err != nil {
		return nil, err
	}
	return s.take(ctx, out)
}

func differ(a, b taken) error {
	for port := range a {
		if err := sameBits(a[port], b[port]); err != nil {
			return fmt.Errorf("output %q: %w", port, err)
		}
	}
	return nil
}

func validOutputs(ctx context.Context, s *subject) error {
	out, err := s.trialRun(ctx, newScene("scene"), 1)
	if err != nil {
		return err
	}
	for _, p := range s.def.Out {
		if v := out[p.Name]; v != nil {
			if err := validCargo(ctx, p.Cargo, v); err != nil {
				return fmt.Errorf("output %q: %w", p.Name, err)
			}
		}
	}
	_, err = s.take(ctx, out)
	return err
}

func anyRun(ctx context.Context, s *subject) error {
	whole, err := s.runAndTake(blocks.WithSize(ctx, 1<<20), newScene("scene"), 1)
	if err != nil {
		return err
	}
	for _, size := range []int{1, 7, 64} {
		parts, err := s.runAndTake(blocks.WithSize(ctx, size), newScene("scene"), 1)
		if err == nil {
			err = differ(whole, parts)
		}
		if err != nil {
			return fmt.Errorf("in blocks of %d frames: %w; want the bits of all at once", size, err)
		}
	}
	return nil
}

func sameTwice(ctx context.Context, s *subject) error {
	out, err := s.trialRun(ctx, newScene("scene"), 1)
	if err != nil {
		return err
	}
	first, err := s.take(ctx, out)
	if err != nil {
		return err
	}
	again, err := s.take(ctx, out)
	if err == nil {
		err = differ(first, again)
	}
	if err != nil {
		return fmt.Errorf("read a second time: %w; want the same bits", err)
	}
	fresh, err := s.runAndTake(ctx, newScene("scene"), 1)
	if err == nil {
		err = differ(first, fresh)
	}
	return want(err, "the same bits in every run")
}

func runsConcurrently(ctx context.Context, s *subject) error {
	alone, err := s.runAndTake(ctx, newScene("scene"), 1)
	if err != nil {
		return err
	}
	errs := make([]error, 3)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			defer blocks.Recovered(&errs[i])
			out, err := s.runAndTake(ctx, newScene("scene"), 1)
			if err == nil {
				err = differ(alone, out)
			}
			errs[i] = err
		})
	}
	wg.Wait()
	return want(one(errs), "the bits of a run alone")
}

func inputsUntouched(ctx context.Context, s *subject) error {
	stage, err := s.def.Build(s.o.Params)
	if err != nil {
		return err
	}
	s.open.add(stage)
	sc := newScene("scene")
	args := []watched{watch("the left channel", sc.Data[0]), watch("the right channel", sc.Data[1])}
	in := audiosep.Values{}
	for _, p := range s.def.In {
		v := sc.input(p.Cargo, s.o.Rank)
		switch v := v.(type) {
		case *audiosep.Factors:
			args = append(args, watchFactors(v)...)
		case audiosep.Power:
			whole, err := v.V(ctx)
			if err != nil {
				return err
			}
			args = append(args, watch(p.Name, whole.RawMatrix().Data))
		}
		if in[p.Name] = v; p.Many {
			in[p.Name] = many(p.Cargo, v)
		}
	}
	out, err := s.def.Run(ctx, s.env(1), stage, in)
	if err != nil {
		return fails(err)
	}
	if _, err := s.take(ctx, out); err != nil {
		return err
	}
	return touched(args...)
}

// runCancels looks at each output by itself: what one does must not hide another.
func runCancels(ctx context.Context, s *subject) error {
	done, cancel := context.WithCancel(ctx)
	cancel()
	for _, p := range s.def.Out {
		_, err := s.runAndTakeOne(done, newScene("scene"), p)
		if err := cancelled(err, s.plain()); err != nil {
			return fmt.Errorf("output %q: %w", p.Name, err)
		}
	}
	return nil
}

// runAndTakeOne runs the stage and reads one of its outputs.
func (s *subject) runAndTakeOne(ctx context.Context, sc *scene, p audiosep.Port) ([]float64, error) {
	out, err := s.trialRun(ctx, sc, 1)
	if err != nil || out[p.Name] == nil {
		return nil, err
	}
	return takeCargo(ctx, p.Cargo, out[p.Name])
}

// plain tells whether nothing that comes out is computed when it is read.
func (s *subject) plain() bool {
	return !slices.ContainsFunc(s.def.Out, func(p audiosep.Port) bool {
		return !slices.Contains([]audiosep.Cargo{audiosep.CargoNotes, audiosep.CargoFactors, audiosep.CargoTransform, audiosep.CargoFrames}, p.Cargo)
	})
}

func survivesSilence(ctx context.Context, s *subject) error {
	sc := newScene("scene")
	clear(sc.Data[0][:1500])
	clear(sc.Data[1][:1500])
	if _, err := s.runAndTake(ctx, sc, 1); err != nil {
		return fmt.Errorf("silence, then sound: %w", err)
	}
	clear(sc.Data[0])
	clear(sc.Data[1])
	if _, err := s.runAndTake(ctx, sc, 1); err != nil {
		return fmt.Errorf("nothing but silence: %w", err)
	}
	return nil
}

func refusesBadAudio(ctx context.Context, s *subject) error {
	reads := func(p audiosep.Port) bool {
		return slices.Contains([]audiosep.Cargo{audiosep.CargoAudio, audiosep.CargoFrames, audiosep.CargoCoefs, audiosep.CargoPower, audiosep.CargoSources}, p.Cargo)
	}
	if !slices.ContainsFunc(s.def.In, reads) || !slices.ContainsFunc(s.def.Out, reads) {
		return skipped("no sound passes through it")
	}
	for _, p := range s.def.Out {
		sc := newScene("scene")
		sc.Data[1][1234] = math.NaN()
		if x, err := s.runAndTakeOne(ctx, sc, p); err == nil && x != nil && reads(p) {
			return fmt.Errorf("a NaN in the sound made finite numbers of output %q; want an error", p.Name)
		}
	}
	return nil
}

func sourcesSum(ctx context.Context, s *subject) error {
	sc := newScene("scene")
	clear(sc.Data[0][500:900])
	out, err := s.trialRun(ctx, sc, 1)
	if err != nil {
		return err
	}
	for _, p := range s.def.Out {
		stems, ok := out[p.Name].(audiosep.Stems)
		if !ok {
			continue
		}
		parts, err := audiosep.Collect(ctx, stems)
		if err != nil {
			return err
		}
		for l, x := range sc.Data {
			for i, v := range x {
				var sum float64
				for _, part := range parts {
					sum += part.Data[l][i]
				}
				if !(math.Abs(sum-v) <= 1e-9) {
					return fmt.Errorf("sample %d of layer %d: the sources sum to %v where the mixture is %v; want it to 1e-9", i, l, sum, v)
				}
			}
		}
	}
	return nil
}

// lastIsRest takes stems of which the last source is what the others leave as they are, and as if they did
// not say so, which has that source separated too.
func lastIsRest(ctx context.Context, s *subject) error {
	out, err := s.trialRun(ctx, newScene("scene"), 1)
	if err != nil {
		return err
	}
	said := false
	for _, p := range s.def.Out {
		stems, ok := wrap.As[*audiosep.SeparatedStems](out[p.Name])
		if !ok || !stems.Rest || len(stems.Sources) < 2 {
			continue
		}
		said = true
		all := *stems
		all.Rest = false
		if err := sameButRest(ctx, stems, &all); err != nil {
			return fmt.Errorf("output %q: %w", p.Name, err)
		}
	}
	if !said {
		return skipped("nothing says that the last source is what the others leave")
	}
	return nil
}

// sameButRest says how stems differ from those of which all sources are separated.
func sameButRest(ctx context.Context, stems, all audiosep.Stems) error {
	got, err := audiosep.Collect(ctx, stems)
	if err != nil {
		return fails(err)
	}
	want, err := audiosep.Collect(ctx, all)
	if err != nil {
		return fmt.Errorf("asked for the last source too: %w", fails(err))
	}
	last := len(got) - 1
	for j, name := range stems.Names() {
		for l, x := range got[j].Data {
			for i, v := range x {
				is := want[j].Data[l][i]
				if j < last && math.Float64bits(v) != math.Float64bits(is) {
					return fmt.Errorf("sample %d of layer %d of source %q is %v, and %v where the last source is asked for too; want the same bits", i, l, name, v, is)
				}
				if j == last && !(math.Abs(v-is) <= 1e-9) {
					return fmt.Errorf("sample %d of layer %d of source %q, the last, is %v; want what the others leave, %v, to 1e-9", i, l, name, is, v)
				}
			}
		}
	}
	return nil
}

// isLocal changes the end of the recording and looks at what comes of its beginning.
func isLocal(ctx context.Context, s *subject) error {
	if len(s.def.In) == 0 || s.plain() {
		return skipped("what it makes cannot be told apart in time")
	}
	sc, other := newScene("scene"), newScene("scene")
	for l := range other.Data {
		copy(other.Data[l][1600:], random("another end", sceneSamples-1600))
	}
	var beginnings [2][]float64
	for i, sc := range []*scene{sc, other} {
		out, err := s.trialRun(ctx, sc, 1)
		if err != nil {
			return err
		}
		for _, p := range s.def.Out {
			x, err := beginning(ctx, out[p.Name], 1500)
			if err != nil {
				return err
			}
			beginnings[i] = append(beginnings[i], x...)
		}
	}
	return want(sameBits(beginnings[0], beginnings[1]), "the beginning to be the same whatever comes 100 samples later")
}

func isLazy(ctx context.Context, s *subject) error {
	sc := newScene("scene")
	if _, err := s.trialRun(ctx, sc, 1); err != nil {
		return err
	}
	if n := sc.reads.Load(); n > 0 {
		return fmt.Errorf("the recording was read %d times while the stage was run; want none before its outputs are read", n)
	}
	return nil
}

// dft is the one-sided discrete Fourier transform of real frames, orthonormal where
// the spectrum belongs to a frame. It is the input of stages on trial.
type dft struct {
	m                int
	forward, inverse *fft.Plan
}

// dft64 is that of frames of 64 samples, planned once.
var dft64 = sync.OnceValue(func() *dft {
	const m = 64
	scale := 1 / math.Sqrt(m)
	return &dft{m: m, forward: fft.NewReal(m, m, scale), inverse: fft.NewRealInverse(m, m, scale)}
})

func (t *dft) Len() int      { return t.m }
func (t *dft) Bins() int     { return t.m/2 + 1 }
func (t *dft) Complex() bool { return true }

func (t *dft) Frequencies() []float64 {
	hz := make([]float64, t.Bins())
	for k := range hz {
		hz[k] = float64(k) / float64(t.m)
	}
	return hz
}

func (t *dft) Forward(ctx context.Context, dst audiosep.Coefs, src []float64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t.forward.Run(dst.Re, dst.Im, src, nil)
	return nil
}

func (t *dft) Inverse(ctx context.Context, dst []float64, src audiosep.Coefs) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t.inverse.Run(dst, nil, src.Re, src.Im)
	return nil
}

// whole returns all numbers of a matrix.
func whole(m *mat.Dense) []float64 {
	if m == nil {
		return nil
	}
	return mat.DenseCopyOf(m).RawMatrix().Data
}

// text returns what is no number as numbers, to be compared.
func text(v any) []float64 {
	b, _ := json.Marshal(v)
	x := make([]float64, len(b))
	for i, c := range b {
		x[i] = float64(c)
	}
	return x
}
