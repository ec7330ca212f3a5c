package audiosep

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep/internal/blocks"
	"github.com/audiosep/audiosep/internal/counted"
	"github.com/audiosep/audiosep/internal/lend"
	"github.com/audiosep/audiosep/internal/wrap"
)

// shapes are those of the interfaces of this package, the short ways to write what most
// stages are.
var shapes = map[reflect.Type]Shape{
	reflect.TypeFor[Source]():           {Out: need(CargoAudio), Promises: []Promise{Lazy}, Run: as(runSource)},
	reflect.TypeFor[Framer]():           {In: need(CargoAudio), Out: need(CargoFrames), Promises: []Promise{Lazy}, Run: as(runFramer)},
	reflect.TypeFor[Transformer]():      {In: need(CargoFrames), Out: transformed, Promises: []Promise{Lazy, Local}, Run: as(runTransformer)},
	reflect.TypeFor[TransformLearner](): {In: append(need(CargoFrames), initTransform), Out: transformed, Run: as(runTransformLearner)},
	reflect.TypeFor[Factorizer]():       {In: append(need(CargoPower), initFactors), Out: need(CargoFactors), Run: as(runFactorizer)},
	reflect.TypeFor[Activator](): {In: append(need(CargoPower), Port{Name: "dictionary", Cargo: CargoFactors}), Out: need(CargoFactors),
		Promises: []Promise{Local}, Run: as(runActivator)},
	reflect.TypeFor[JointLearner](): {In: append(need(CargoFrames), initTransform, initFactors), Out: append(slices.Clone(transformed), need(CargoFactors)...),
		Run: as(runJointLearner)},
	reflect.TypeFor[Separator]():   {In: need(CargoCoefs, CargoFactors), Out: need(CargoSources), Promises: []Promise{Sums, Local}, Run: as(runSeparator)},
	reflect.TypeFor[Sink]():        {In: need(CargoSources), Run: as(runSink)},
	reflect.TypeFor[ModelReader](): {Out: may(CargoTransform, CargoFactors), Promises: []Promise{Lazy}, Run: as(runModelReader)},
	reflect.TypeFor[ModelWriter](): {In: may(CargoTransform, CargoFactors), Run: as(runModelWriter)},
}

var (
	transformed   = need(CargoCoefs, CargoPower, CargoTransform)
	initTransform = Port{Name: "init_transform", Cargo: CargoTransform, Optional: true}
	initFactors   = Port{Name: "init_factors", Cargo: CargoFactors, Optional: true}
)

func need(c ...Cargo) (ports []Port) {
	for _, c := range c {
		ports = append(ports, Port{Name: string(c), Cargo: c})
	}
	return ports
}

func may(c ...Cargo) []Port {
	ports := need(c...)
	for i := range ports {
		ports[i].Optional = true
	}
	return ports
}

// as makes a Shape's Run of one for an interface.
func as[S any](run func(ctx context.Context, env Env, stage S, in Values) (Values, error)) func(context.Context, Env, any, Values) (Values, error) {
	return func(ctx context.Context, env Env, stage any, in Values) (Values, error) {
		s, ok := stage.(S)
		if !ok {
			return nil, fmt.Errorf("the stage is a %T; want a %v", stage, reflect.TypeFor[S]())
		}
		return run(ctx, env, s, in)
	}
}

func runSource(_ context.Context, env Env, s Source, _ Values) (Values, error) {
	if l, ok := s.(LogUser); ok {
		l.UseLog(env.Logger())
	}
	return Values{"audio": s}, nil
}

// muchGain is where frames overlap so little that masks are likely to be heard at their ends.
const muchGain = 4

func runFramer(ctx context.Context, env Env, s Framer, in Values) (Values, error) {
	f, err := framed(ctx, env, in["audio"].(Source), s)
	if err != nil {
		return nil, err
	}
	return Values{"frames": f}, nil
}

// framed returns the frames of a recording.
func framed(ctx context.Context, env Env, src Source, s Framer) (*Framed, error) {
	h, err := src.Head(ctx)
	if err != nil {
		return nil, err
	}
	f, err := s.Framing(ctx, h)
	if err != nil {
		return nil, err
	}
	f.Head = h
	if err := f.Validate(); err != nil {
		return nil, err
	}
	if g := f.Gain(); g > muchGain {
		env.Logger().Warn("frames barely overlap: what masks change at their ends is amplified; a smaller hop or another window helps", "gain_db", 20*math.Log10(g))
	}
	return &Framed{src, f}, nil
}

// Analyse returns the coefficients of a recording, which are computed when they are read.
func Analyse(ctx context.Context, src Source, f Framer, t Transformer) (Spectra, error) {
	frames, err := framed(ctx, Env{}, src, f)
	if err != nil {
		return nil, err
	}
	transform, err := t.Transform(ctx, frames.Framing.Length)
	if err != nil {
		return nil, err
	}
	return NewSpectra(frames, transform)
}

func runTransformer(ctx context.Context, env Env, s Transformer, in Values) (Values, error) {
	f := in["frames"].(*Framed)
	t, err := s.Transform(ctx, f.Framing.Length)
	if err != nil {
		return nil, err
	}
	return Transformed(env, f, t)
}

// Transformed returns the three outputs of whatever makes a transform of frames: coefs,
// power and transform.
func Transformed(env Env, f *Framed, t Transform) (Values, error) {
	x, err := NewSpectra(f, t)
	if err != nil {
		return nil, err
	}
	return Values{"coefs": x, "power": PowerOf(x, env.Report), "transform": &FittedTransform{t, &f.Framing}}, nil
}

func runTransformLearner(ctx context.Context, env Env, s TransformLearner, in Values) (Values, error) {
	f := in["frames"].(*Framed)
	y := new(Frames)
	if err := f.Read(ctx, y, 0, f.Framing.Frames()); err != nil {
		return nil, err
	}
	t, err := s.LearnTransform(ctx, env, y, initial(in).Transform)
	if err != nil {
		return nil, err
	}
	if t == nil {
		return nil, fmt.Errorf("it gave no transform")
	}
	return Transformed(env, f, t)
}

// initial returns what is wired to begin with.
func initial(in Values) (m Model) {
	if t, ok := in["init_transform"].(*FittedTransform); ok {
		m.Transform = t.Transform
	}
	m.Factors, _ = in["init_factors"].(*Factors)
	return m
}

func runFactorizer(ctx context.Context, env Env, s Factorizer, in Values) (Values, error) {
	f, err := Factorize(ctx, env, s, in["power"].(Power), initial(in).Factors)
	if err != nil {
		return nil, err
	}
	return Values{"factors": f}, nil
}

// Factorize has s factorise V, and checks what it made. init may be nil. The components are
// whose s says they are or, where it says nothing, whose those of init were.
func Factorize(ctx context.Context, env Env, s Factorizer, v Power, init *Factors) (*Factors, error) {
	f, err := factorize(ctx, env, s, v, init)
	if err != nil {
		return nil, err
	}
	return factored(v, f, init)
}

func factorize(ctx context.Context, env Env, s Factorizer, v Power, init *Factors) (*Factors, error) {
	if r, ok := wrap.As[PowerFactorizer](s); ok {
		return r.FactorizePower(ctx, env, v, init)
	}
	all, err := v.V(ctx)
	if err != nil {
		return nil, err
	}
	return s.Factorize(ctx, env, all, init)
}

// factored checks factors, f, of all frames, and says what they are of.
func factored(v Power, f, init *Factors) (*Factors, error) {
	framing := v.Framing()
	if f == nil || f.W == nil || f.H == nil {
		return nil, fmt.Errorf("it gave no factors; want W and H")
	}
	if err := f.Validate(v.Bins(), framing.Columns()); err != nil {
		return nil, err
	}
	own := *f
	own.Framing, own.Hz = &framing, v.Hz()
	if own.Sources == nil && init != nil && init.Sources != nil && init.W != nil && init.Rank() == f.Rank() {
		own.Sources = init.Sources
	}
	return &own, nil
}

func runJointLearner(ctx context.Context, env Env, s JointLearner, in Values) (Values, error) {
	f := in["frames"].(*Framed)
	y := new(Frames)
	if err := f.Read(ctx, y, 0, f.Framing.Frames()); err != nil {
		return nil, err
	}
	init := initial(in)
	m, err := s.LearnJointly(ctx, env, y, init)
	if err != nil {
		return nil, err
	}
	if m.Transform == nil {
		return nil, fmt.Errorf("it gave no transform")
	}
	out, err := Transformed(env, f, m.Transform)
	if err != nil {
		return nil, err
	}
	out["factors"], err = factored(out["power"].(Power), m.Factors, init.Factors)
	return out, err
}

func runActivator(ctx context.Context, env Env, s Activator, in Values) (Values, error) {
	f, err := Activate(ctx, env, s, in["power"].(Power), in["dictionary"].(*Factors))
	if err != nil {
		return nil, err
	}
	return Values{"factors": f}, nil
}

// Activate has s find the activations of a dictionary, block by block, so that V is never whole.
func Activate(ctx context.Context, env Env, s Activator, p Power, dictionary *Factors) (*Factors, error) {
	framing := p.Framing()
	if dictionary.W == nil {
		return nil, fmt.Errorf("the model has no dictionary W")
	}
	if err := dictionary.Validate(p.Bins(), -1); err != nil {
		return nil, err
	}
	if dictionary.Framing != nil {
		if err := framing.Fits(*dictionary.Framing); err != nil {
			return nil, err
		}
	}
	cols, share := framing.Columns(), framing.Share
	h := mat.NewDense(dictionary.Rank(), cols, nil)
	kept, start, err := keepColumns(env.Checkpoint, h)
	if err != nil {
		return nil, err
	}
	defer kept.close()
	if start > 0 {
		env.Report(Step{Done: start * share, Of: cols * share, Objective: math.NaN()})
	}
	size := blocks.Size(ctx, framing.Length, framing.Layers(), share, cols*share) / share
	err = blocks.Run(ctx, cols-start, size, lend.From(p).Blocks(), func() *mat.Dense { return mat.NewDense(p.Bins(), size, nil) },
		func(ctx context.Context, v *mat.Dense, first, n int) error {
			v, first = columns(v, 0, n), start+first
			if err := p.Columns(ctx, v, first); err != nil {
				return err
			}
			return s.Activate(ctx, columns(h, first, n), v, dictionary.W)
		},
		func(_ context.Context, _ *mat.Dense, first, n int) error {
			first += start
			env.Report(Step{Done: (first + n) * share, Of: cols * share, Objective: math.NaN()})
			return kept.add(h, first, n)
		})
	if err != nil {
		return nil, err
	}
	return factored(p, &Factors{W: dictionary.W, H: h, Sources: dictionary.Sources}, nil)
}

func runSeparator(ctx context.Context, env Env, s Separator, in Values) (Values, error) {
	stems, err := Separate(ctx, env, s, in["coefs"].(Spectra), in["factors"].(*Factors))
	if err != nil {
		return nil, err
	}
	return Values{"sources": stems}, nil
}

// Separate has s settle which components make up each source. Separating itself happens as
// the stems are taken.
func Separate(ctx context.Context, env Env, s Separator, x Spectra, f *Factors) (Stems, error) {
	if f.W == nil || f.H == nil {
		return nil, fmt.Errorf("the factors lack W or H; want both, such as those of activations")
	}
	if err := f.Validate(x.Transform().Bins(), x.Framing().Columns()); err != nil {
		return nil, fmt.Errorf("the factors do not fit the coefficients: %w", err)
	}
	var groups []Group
	var err error
	if h, ok := wrap.As[HearingSeparator](s); ok {
		groups, err = h.GroupHeard(ctx, env, PowerOf(x, nil), f)
	} else {
		groups, err = s.Group(ctx, env, f)
	}
	if err != nil {
		return nil, err
	}
	if err := CheckGroups(groups, f.Rank()); err != nil {
		return nil, err
	}
	return masked(x, f, groups, s), nil
}

// masked are the stems that a Separator makes of x by factors and their groups.
func masked(x Spectra, f *Factors, groups []Group, s Separator) Stems {
	names := make([]string, len(groups))
	for j, g := range groups {
		names[j] = g.Name
	}
	share := x.Framing().Share
	_, rest := wrap.As[RestSeparator](s)
	stems := &SeparatedStems{X: x, Sources: names, By: s, Rest: rest}
	stems.Separate = func(ctx context.Context, dst [][]Coefs, x *Spectrogram, _, n int) error {
		part := &Factors{W: f.W, H: activations(f.H, share, x.First, n)}
		layer := make([]Coefs, len(dst))
		for l, mix := range x.Layers {
			for j := range layer {
				layer[j] = dst[j][l]
			}
			if err := s.Separate(ctx, layer, mix, part, groups); err != nil {
				return err
			}
		}
		return nil
	}
	return &MaskedStems{stems, groups}
}

// MaskedStems are the stems that Separate returns.
type MaskedStems struct {
	Stems
	Groups []Group // the components of each
}

// Unwrap returns the stems without their groups.
func (s *MaskedStems) Unwrap() any { return s.Stems }

// CheckGroups says why groups are not a partition of k components: each in exactly one.
func CheckGroups(groups []Group, k int) error {
	in := make([]int, k)
	for _, g := range groups {
		for _, c := range g.Components {
			if c < 0 || c >= k {
				return fmt.Errorf("source %q has component %d; want 1 to %d", g.Name, c+1, k)
			}
			in[c]++
		}
	}
	if len(groups) == 0 {
		return fmt.Errorf("it makes no sources; want at least one")
	}
	if c := slices.IndexFunc(in, func(n int) bool { return n != 1 }); c >= 0 {
		return fmt.Errorf("component %d is in %s; want 1", c+1, counted.Of(in[c], "source"))
	}
	return nil
}

// activations returns the activations of n frames from the first on, K×n. Where S frames
// share a column it stands for the middle of them, and in between H is interpolated
// linearly, so that the sources do not change in steps of S frames.
func activations(h *mat.Dense, share, first, n int) *mat.Dense {
	if share == 1 {
		return columns(h, first, n)
	}
	k, cols := h.Dims()
	out := mat.NewDense(k, n, nil)
	for i := range n {
		at := (float64(first+i) - float64(share-1)/2) / float64(share)
		at = min(max(at, 0), float64(cols-1))
		left := min(int(at), max(cols-2, 0))
		w := at - float64(left)
		right := min(left+1, cols-1)
		for c := range k {
			out.Set(c, i, (1-w)*h.At(c, left)+w*h.At(c, right))
		}
	}
	return out
}

// runSink streams the sources into a sink. Committing is for whoever runs it, when all else
// has gone well.
func runSink(ctx context.Context, env Env, s Sink, in Values) (Values, error) {
	return nil, feed(ctx, env, s, in["sources"].(Stems))
}

// Write has a sink take stems, and commits it.
func Write(ctx context.Context, env Env, s Sink, stems Stems) error {
	err := feed(ctx, env, s, stems)
	if err == nil {
		err = s.Commit(ctx)
	}
	return errors.Join(err, s.Close())
}

func runModelReader(ctx context.Context, _ Env, s ModelReader, _ Values) (Values, error) {
	m, err := s.ReadModel(ctx)
	if err != nil {
		return nil, err
	}
	out := Values{}
	if m.Transform != nil {
		out["transform"] = &FittedTransform{m.Transform, m.Framing}
	}
	if m.Factors != nil {
		own := *m.Factors
		if own.Framing == nil {
			own.Framing = m.Framing
		}
		out["factors"] = &own
	}
	return out, nil
}

func runModelWriter(ctx context.Context, _ Env, s ModelWriter, in Values) (Values, error) {
	var m Model
	if t, ok := in["transform"].(*FittedTransform); ok {
		m.Transform, m.Framing = t.Transform, t.Framing
	}
	if f, ok := in["factors"].(*Factors); ok {
		m.Factors = f
		if f.Framing != nil {
			m.Framing = f.Framing
		}
	}
	return nil, s.WriteModel(ctx, m)
}
