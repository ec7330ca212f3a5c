package pipeline

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"log/slog"
	"math"

	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
)

// Watcher is told what happens in a run. Its methods may be called from several
// goroutines at once.
type Watcher interface {
	// Port is given what passes a wired port: *mat.Dense for power, *audiosep.Factors,
	// audiosep.Transform, []audiosep.Group for sources, audiosep.Head for audio,
	// audiosep.Framing for frames. Coefficients are never whole, so they do not pass here.
	Port(r Ref, c Cargo, value any)
	// Step is given how far a stage has come.
	Step(stage string, s audiosep.Step)
}

// Options are the ways to run a pipeline. The zero Options work.
type Options struct {
	Log     *slog.Logger // nil: nothing is logged
	Watcher Watcher      // nil: nobody watches
	Block   int          // frames worked on at a time; 0: chosen. It does not change results.
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
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	r := &run{Pipeline: p, Options: o, out: map[Ref]any{}, left: map[Ref]int{}}
	defer func() {
		for _, st := range p.stages {
			if c, ok := st.impl.(io.Closer); ok {
				err = errors.Join(err, wrap(st, c.Close()))
			}
		}
	}()
	for _, st := range p.stages {
		for _, ref := range st.in {
			r.left[ref]++
		}
	}
	return r.stages(ctx)
}

// wrap says in which stage something went wrong. A cancelled run is no stage's fault.
func wrap(st *stage, err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	return &StageError{st.id, st.def.Name, err}
}

// run is one run of a pipeline: what has come out of its stages so far.
type run struct {
	*Pipeline
	Options
	out  map[Ref]any
	left map[Ref]int // how many inputs have yet to take an output
}

// What passes the ports of a run. frames and coefs are computed when they are needed,
// block by block, from the source.
type (
	recording struct {
		src  audiosep.Source
		head audiosep.Head
	}
	framed struct {
		recording
		framing audiosep.Framing
		from    *stage // the source, for errors
	}
	coefs struct {
		framed
		transform audiosep.Transform
		by        *stage
	}
	transform struct {
		audiosep.Transform
		learnt *audiosep.Framing // nil where it was not learnt
	}
	factors struct {
		*audiosep.Factors
		framing *audiosep.Framing
	}
	sources struct {
		coefs
		factors *audiosep.Factors
		groups  []audiosep.Group
		by      *stage
	}
)

// stages runs every stage in order. Those that only say what is to be done come first,
// so that what must fail fails before the long work.
func (r *run) stages(ctx context.Context) error {
	early := map[audiosep.Kind]bool{audiosep.KindSource: true, audiosep.KindFramer: true, audiosep.KindTransformer: true, audiosep.KindModelReader: true}
	if err := r.each(ctx, func(st *stage) error {
		if early[st.def.Kind] {
			return r.stage(ctx, st)
		}
		return nil
	}); err != nil {
		return err
	}
	if err := r.each(ctx, func(st *stage) error { return r.prepare(ctx, st) }); err != nil {
		return err
	}
	if err := r.each(ctx, func(st *stage) error {
		if !early[st.def.Kind] {
			return r.stage(ctx, st)
		}
		return nil
	}); err != nil {
		return err
	}
	return r.each(ctx, func(st *stage) error {
		if s, ok := st.impl.(audiosep.Sink); ok {
			return s.Commit(ctx)
		}
		return nil
	})
}

func (r *run) each(ctx context.Context, do func(*stage) error) error {
	for _, st := range r.Pipeline.stages {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := wrap(st, guard(func() error { return do(st) })); err != nil {
			var inner *StageError // a stage below may be to blame
			if errors.As(errors.Unwrap(err), &inner) {
				return inner
			}
			return err
		}
	}
	return nil
}

func guard(do func() error) (err error) {
	defer recovered(&err)
	return do()
}

// prepare asks what writes whether it will be able to.
func (r *run) prepare(ctx context.Context, st *stage) error {
	p, ok := st.impl.(audiosep.Preparer)
	if !ok {
		return nil
	}
	var h audiosep.Head
	if st.def.Kind == audiosep.KindSink {
		separator := r.byID[st.in["sources"].Stage]
		h = r.framed(r.byID[separator.in["coefs"].Stage]).head
	}
	return p.Prepare(ctx, h)
}

// framed returns the frames that a stage takes.
func (r *run) framed(st *stage) framed { return r.out[st.in["frames"]].(framed) }

// emit keeps what a stage made and shows it to whoever watches.
func (r *run) emit(st *stage, port string, value, seen any) {
	ref := Ref{st.id, port}
	r.out[ref] = value
	if r.Watcher != nil && seen != nil {
		out, _ := PortsOf[st.def.Kind].out(port)
		r.Watcher.Port(ref, out.Cargo, seen)
	}
}

func (r *run) env(st *stage) audiosep.Env {
	return audiosep.Env{
		Seed: stageSeed(r.Seed, st.id),
		Log:  r.Log.With("stage", st.id),
		Progress: func(s audiosep.Step) {
			if r.Watcher != nil {
				r.Watcher.Step(st.id, s)
			}
		},
	}
}

// stageSeed mixes the spec's seed with a stage's id, so that adding a stage does not
// change the random numbers of the others.
func stageSeed(seed uint64, id string) uint64 {
	h := fnv.New64a()
	h.Write(binary.LittleEndian.AppendUint64(nil, seed))
	io.WriteString(h, id)
	return h.Sum64()
}

// stage runs one stage: the one place where kinds are told apart.
func (r *run) stage(ctx context.Context, st *stage) error {
	switch impl := st.impl.(type) {
	case audiosep.Source:
		h, err := impl.Head(ctx)
		if err != nil {
			return err
		}
		if h.Samples < 1 || h.Layers() < 1 {
			return fmt.Errorf("the recording is empty: %d samples in %d layers; want at least one", h.Samples, h.Layers())
		}
		r.emit(st, "audio", recording{impl, h}, h)
	case audiosep.Framer:
		return r.framer(ctx, st, impl)
	case audiosep.Transformer:
		in := r.framed(st)
		t, err := impl.Transform(ctx, in.framing.Length)
		if err != nil {
			return err
		}
		return r.transformed(st, in, t)
	case audiosep.TransformLearner:
		in := r.framed(st)
		y, err := r.whole(ctx, in)
		if err != nil {
			return err
		}
		t, err := impl.LearnTransform(ctx, r.env(st), y, r.initTransform(st))
		if err != nil {
			return err
		}
		return r.transformed(st, in, t)
	case audiosep.Applier:
		in, t := r.framed(st), r.out[st.in["transform"]].(transform)
		if err := impl.Usable(t.Transform, t.learnt, in.framing); err != nil {
			return err
		}
		return r.transformed(st, in, t.Transform)
	case audiosep.Factorizer:
		return r.factorizer(ctx, st, impl)
	case audiosep.Activator:
		return r.activator(ctx, st, impl)
	case audiosep.JointLearner:
		return r.jointLearner(ctx, st, impl)
	case audiosep.Separator:
		return r.separator(ctx, st, impl)
	case audiosep.Sink:
		return r.sink(ctx, st, impl)
	case audiosep.ModelReader:
		return r.modelReader(ctx, st, impl)
	case audiosep.ModelWriter:
		return r.modelWriter(ctx, st, impl)
	default:
		return fmt.Errorf("no pipeline can run a %s", st.def.Kind)
	}
	return nil
}

func (r *run) framer(ctx context.Context, st *stage, impl audiosep.Framer) error {
	in := r.out[st.in["audio"]].(recording)
	f, err := impl.Framing(ctx, in.head)
	if err != nil {
		return err
	}
	f.Head = in.head
	if err := f.Validate(); err != nil {
		return err
	}
	r.emit(st, "frames", framed{in, f, r.byID[st.in["audio"].Stage]}, f)
	return nil
}

// transformed keeps the three outputs of whatever makes a transform.
func (r *run) transformed(st *stage, in framed, t audiosep.Transform) error {
	if t.Len() != in.framing.Length {
		return &audiosep.ShapeError{What: "the transform", Is: fmt.Sprintf("for frames of %d samples", t.Len()), Want: fmt.Sprint(in.framing.Length)}
	}
	c := coefs{in, t, st}
	r.emit(st, "coefs", c, nil)
	r.emit(st, "power", &power{coefs: c}, nil)
	if _, ok := PortsOf[st.def.Kind].out("transform"); ok {
		r.emit(st, "transform", transform{t, &in.framing}, t)
	}
	return nil
}

// cut reads and windows frames; what is not finite goes no further.
func (f *framed) cut(ctx context.Context, dst *audiosep.Frames, first, n int) error {
	err := f.framing.Cut(ctx, dst, f.src, first, n)
	for l := 0; err == nil && l < len(dst.Data); l++ {
		if i := notFinite(dst.Data[l]); i >= 0 {
			at := (first+i/f.framing.Length)*f.framing.Hop - f.framing.Pad + i%f.framing.Length
			err = fmt.Errorf("sample %d of channel %d is not a finite number", at, l%f.head.Channels)
		}
	}
	return wrap(f.from, err)
}

// notFinite returns the index of the first NaN or infinity of x, or -1.
func notFinite(x []float64) int {
	var bad float64
	for _, v := range x {
		bad += v * 0
	}
	if bad == 0 {
		return -1
	}
	for i, v := range x {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return i
		}
	}
	return -1
}

// whole cuts all frames, for a stage that must see them all.
func (r *run) whole(ctx context.Context, f framed) (*audiosep.Frames, error) {
	y := new(audiosep.Frames)
	return y, f.cut(ctx, y, 0, f.framing.Frames())
}

// power is V, computed when it is first taken and forgotten when it was last.
type power struct {
	coefs
	v *mat.Dense
}

// takePower returns what is wired to a stage's input power.
func (r *run) takePower(ctx context.Context, st *stage) (*mat.Dense, error) {
	ref := st.in["power"]
	p := r.out[ref].(*power)
	if p.v == nil {
		v := mat.NewDense(p.transform.Bins(), p.framing.Columns(), nil)
		err := r.spectra(ctx, p.coefs, r.env(p.by), func(s *audiosep.Spectrogram) error {
			return s.Power(columns(v, s.First/p.framing.Share, s.N/p.framing.Share))
		})
		if err != nil {
			return nil, err
		}
		p.v = v
		if r.Watcher != nil {
			r.Watcher.Port(ref, Power, v)
		}
	}
	v := p.v
	if r.left[ref]--; r.left[ref] == 0 {
		p.v = nil
	}
	return v, nil
}

// columns returns n columns of v from the first on, sharing storage.
func columns(v *mat.Dense, first, n int) *mat.Dense {
	rows, _ := v.Dims()
	return v.Slice(0, rows, first, first+n).(*mat.Dense)
}

// spectra calls do with the spectrogram of all frames, run by run, concurrently.
func (r *run) spectra(ctx context.Context, c coefs, env audiosep.Env, do func(*audiosep.Spectrogram) error) error {
	size := blockSize(r.Block, c.framing.Length, c.framing.Share)
	total := c.framing.Frames()
	lend := lenders(c.transform)
	defer lend.giveBack()
	return inBlocks(ctx, total, size, lend.slots(), func() *spectrum { return newSpectrum(c, size, lend) },
		func(ctx context.Context, s *spectrum, first, n int) error {
			x, err := s.compute(ctx, first, n)
			if err != nil {
				return err
			}
			return do(x)
		},
		func(_ context.Context, _ *spectrum, first, n int) error {
			env.Report(audiosep.Step{Done: first + n, Of: total, Objective: math.NaN()})
			return nil
		})
}

// spectrum is what one goroutine needs to compute a run of the spectrogram.
type spectrum struct {
	coefs
	frames audiosep.Frames
	y      []float64      // the frames of all layers, one after the other
	x      audiosep.Coefs // likewise
}

func newSpectrum(c coefs, size int, lend *loan) *spectrum {
	n := size * c.head.Layers()
	s := &spectrum{coefs: c, y: lend.numbers(n * c.framing.Length), x: lend.coefs(c.transform, n)}
	s.frames.Data = make([][]float64, c.head.Layers())
	return s
}

// compute transforms the frames of all layers in one call.
func (s *spectrum) compute(ctx context.Context, first, n int) (*audiosep.Spectrogram, error) {
	layers, run, bins := s.head.Layers(), n*s.framing.Length, s.transform.Bins()
	for l := range layers {
		s.frames.Data[l] = s.y[l*run : (l+1)*run]
	}
	if err := s.cut(ctx, &s.frames, first, n); err != nil {
		return nil, err
	}
	if err := s.transform.Forward(ctx, s.x.Slice(0, layers*n, bins), s.y[:layers*run]); err != nil {
		return nil, wrap(s.by, err)
	}
	x := make([]audiosep.Coefs, layers)
	for l := range x {
		x[l] = s.x.Slice(l*n, (l+1)*n, bins)
	}
	return &audiosep.Spectrogram{Framing: s.framing, Transform: s.transform, First: first, N: n, Layers: x}, nil
}

func (r *run) initTransform(st *stage) audiosep.Transform {
	if t, ok := r.out[st.in["init_transform"]].(transform); ok {
		return t.Transform
	}
	return nil
}

func (r *run) initFactors(st *stage) *audiosep.Factors {
	if f, ok := r.out[st.in["init_factors"]].(factors); ok {
		return f.Factors
	}
	return nil
}

func (r *run) factorizer(ctx context.Context, st *stage, impl audiosep.Factorizer) error {
	framing := r.out[st.in["power"]].(*power).framing
	v, err := r.takePower(ctx, st)
	if err != nil {
		return err
	}
	f, err := impl.Factorize(ctx, r.env(st), v, r.initFactors(st))
	if err != nil {
		return err
	}
	bins, cols := v.Dims()
	return r.factored(st, framing, f, bins, cols)
}

// factored checks and keeps factors.
func (r *run) factored(st *stage, framing audiosep.Framing, f *audiosep.Factors, bins, cols int) error {
	if f == nil || f.W == nil || f.H == nil {
		return fmt.Errorf("it gave no factors; want W and H")
	}
	if err := f.Validate(bins, cols); err != nil {
		return err
	}
	r.emit(st, "factors", factors{f, &framing}, f)
	return nil
}

func (r *run) jointLearner(ctx context.Context, st *stage, impl audiosep.JointLearner) error {
	in := r.framed(st)
	y, err := r.whole(ctx, in)
	if err != nil {
		return err
	}
	m, err := impl.LearnJointly(ctx, r.env(st), y, audiosep.Model{Transform: r.initTransform(st), Factors: r.initFactors(st)})
	if err != nil {
		return err
	}
	if m.Transform == nil {
		return fmt.Errorf("it gave no transform")
	}
	if err := r.transformed(st, in, m.Transform); err != nil {
		return err
	}
	return r.factored(st, in.framing, m.Factors, m.Transform.Bins(), in.framing.Columns())
}

// activator finds activations block by block, so that V is never whole.
func (r *run) activator(ctx context.Context, st *stage, impl audiosep.Activator) error {
	p, dictionary := r.out[st.in["power"]].(*power), r.out[st.in["dictionary"]].(factors)
	bins, share := p.transform.Bins(), p.framing.Share
	if dictionary.Factors == nil || dictionary.W == nil {
		return fmt.Errorf("the model has no dictionary W")
	}
	if err := dictionary.Validate(bins, -1); err != nil {
		return err
	}
	if dictionary.framing != nil {
		if err := p.framing.Fits(*dictionary.framing); err != nil {
			return err
		}
	}
	h := mat.NewDense(dictionary.Rank(), p.framing.Columns(), nil)
	err := r.spectra(ctx, p.coefs, r.env(st), func(s *audiosep.Spectrogram) error {
		v := mat.NewDense(bins, s.N/share, nil)
		if err := s.Power(v); err != nil {
			return err
		}
		return wrap(st, impl.Activate(ctx, columns(h, s.First/share, s.N/share), v, dictionary.W))
	})
	if err != nil {
		return err
	}
	return r.factored(st, p.framing, &audiosep.Factors{W: dictionary.W, H: h}, bins, p.framing.Columns())
}

func (r *run) modelReader(ctx context.Context, st *stage, impl audiosep.ModelReader) error {
	m, err := impl.ReadModel(ctx)
	if err != nil {
		return err
	}
	for port, missing := range map[string]bool{"transform": m.Transform == nil, "factors": m.Factors == nil} {
		if missing && r.left[Ref{st.id, port}] > 0 {
			return fmt.Errorf("the model holds no %s, which this pipeline uses", port)
		}
	}
	r.emit(st, "transform", transform{m.Transform, m.Framing}, nil)
	r.emit(st, "factors", factors{m.Factors, m.Framing}, nil)
	return nil
}

func (r *run) modelWriter(ctx context.Context, st *stage, impl audiosep.ModelWriter) error {
	var m audiosep.Model
	if t, ok := r.out[st.in["transform"]].(transform); ok {
		m.Transform, m.Framing = t.Transform, t.learnt
	}
	if f, ok := r.out[st.in["factors"]].(factors); ok {
		m.Factors, m.Framing = f.Factors, f.framing
	}
	return impl.WriteModel(ctx, m)
}
