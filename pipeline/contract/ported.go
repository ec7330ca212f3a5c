package contract

import (
	"context"
	"fmt"
	"io"

	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
)

// ported is a stage that has the ports of one of the common interfaces without being of its
// type, such as one in another process: the interface's method brought to its ports.
type ported struct {
	def   audiosep.Definition
	stage any
}

// framed returns y's frames as if they were cut of a recording: they must be rectangular and
// stand side by side, as those of the checks do.
func framed(y *audiosep.Frames) *audiosep.Framed {
	s := &audiosep.Signal{Rate: y.Rate, Channels: y.Channels, Data: y.Data}
	f := y.Framing
	f.Samples = y.N * y.Length
	return &audiosep.Framed{Source: s, Framing: f}
}

func sideBySide(rate, m, n, layers int) audiosep.Framing {
	ones := fill(m, func() float64 { return 1 })
	return audiosep.Framing{Head: audiosep.Head{Rate: rate, Samples: n * m, Channels: 1, Realisations: layers},
		Length: m, Hop: m, Share: 1, Analysis: ones, Synthesis: ones}
}

func output[T any](out audiosep.Values, port string) (T, error) {
	v, ok := out[port].(T)
	if !ok {
		return v, fmt.Errorf("output %q is a %T; want a %T", port, out[port], v)
	}
	return v, nil
}

func (p *ported) Transform(ctx context.Context, m int) (audiosep.Transform, error) {
	y := &audiosep.Frames{Framing: sideBySide(8000, m, 1, 1), N: 1, Data: [][]float64{make([]float64, m)}}
	out, err := p.def.Run(ctx, audiosep.Env{}, p.stage, audiosep.Values{"frames": framed(y)})
	if err != nil {
		return nil, err
	}
	return transformOf(out)
}

// transformOf returns the transform that a stage has made.
func transformOf(out audiosep.Values) (audiosep.Transform, error) {
	t, err := output[*audiosep.FittedTransform](out, "transform")
	if err != nil {
		return nil, err
	}
	return t.Transform, nil
}

func start(m audiosep.Model) audiosep.Values {
	in := audiosep.Values{}
	if m.Transform != nil {
		in["init_transform"] = &audiosep.FittedTransform{Transform: m.Transform}
	}
	if m.Factors != nil {
		in["init_factors"] = m.Factors
	}
	return in
}

func (p *ported) LearnTransform(ctx context.Context, env audiosep.Env, y *audiosep.Frames, init audiosep.Transform) (audiosep.Transform, error) {
	in := start(audiosep.Model{Transform: init})
	in["frames"] = framed(y)
	out, err := p.def.Run(ctx, env, p.stage, in)
	if err != nil {
		return nil, err
	}
	return transformOf(out)
}

func (p *ported) Factorize(ctx context.Context, env audiosep.Env, v *mat.Dense, init *audiosep.Factors) (*audiosep.Factors, error) {
	in := start(audiosep.Model{Factors: init})
	bins, n := v.Dims()
	in["power"] = audiosep.NewPower(v, sideBySide(8000, max(1, 2*bins-2), n, 1), nil)
	out, err := p.def.Run(ctx, env, p.stage, in)
	if err != nil {
		return nil, err
	}
	return output[*audiosep.Factors](out, "factors")
}

func (p *ported) Activate(ctx context.Context, dst, v, w *mat.Dense) error {
	bins, n := v.Dims()
	out, err := p.def.Run(ctx, audiosep.Env{}, p.stage, audiosep.Values{
		"power": audiosep.NewPower(v, sideBySide(8000, max(1, 2*bins-2), n, 1), nil), "dictionary": &audiosep.Factors{W: w}})
	if err != nil {
		return err
	}
	f, err := output[*audiosep.Factors](out, "factors")
	if err != nil {
		return err
	}
	dst.Copy(f.H)
	return nil
}

func (p *ported) LearnJointly(ctx context.Context, env audiosep.Env, y *audiosep.Frames, init audiosep.Model) (m audiosep.Model, err error) {
	in := start(init)
	in["frames"] = framed(y)
	out, err := p.def.Run(ctx, env, p.stage, in)
	if err != nil {
		return m, err
	}
	t, err := output[*audiosep.FittedTransform](out, "transform")
	if err != nil {
		return m, err
	}
	m.Transform, m.Framing = t.Transform, t.Framing
	m.Factors, err = output[*audiosep.Factors](out, "factors")
	return m, err
}

func (p *ported) Framing(ctx context.Context, h audiosep.Head) (audiosep.Framing, error) {
	out, err := p.def.Run(ctx, audiosep.Env{}, p.stage, audiosep.Values{"audio": silent{h}})
	if err != nil {
		return audiosep.Framing{}, err
	}
	f, err := output[*audiosep.Framed](out, "frames")
	if err != nil {
		return audiosep.Framing{}, err
	}
	return f.Framing, nil
}

// silent is a recording of nothing.
type silent struct{ h audiosep.Head }

func (s silent) Head(context.Context) (audiosep.Head, error) { return s.h, nil }
func (s silent) ReadAt(_ context.Context, dst [][]float64, _ int) error {
	for _, d := range dst {
		clear(d)
	}
	return nil
}

func (p *ported) audio(ctx context.Context) (audiosep.Source, error) {
	out, err := p.def.Run(ctx, audiosep.Env{}, p.stage, nil)
	if err != nil {
		return nil, err
	}
	return output[audiosep.Source](out, "audio")
}

func (p *ported) Head(ctx context.Context) (audiosep.Head, error) {
	src, err := p.audio(ctx)
	if err != nil {
		return audiosep.Head{}, err
	}
	return src.Head(ctx)
}

func (p *ported) ReadAt(ctx context.Context, dst [][]float64, at int) error {
	src, err := p.audio(ctx)
	if err != nil {
		return err
	}
	return src.ReadAt(ctx, dst, at)
}

func (p *ported) ReadModel(ctx context.Context) (m audiosep.Model, err error) {
	out, err := p.def.Run(ctx, audiosep.Env{}, p.stage, nil)
	if err != nil {
		return m, err
	}
	if t, ok := out["transform"].(*audiosep.FittedTransform); ok {
		m.Transform, m.Framing = t.Transform, t.Framing
	}
	m.Factors, _ = out["factors"].(*audiosep.Factors)
	return m, nil
}

func (p *ported) WriteModel(ctx context.Context, m audiosep.Model) error {
	in := audiosep.Values{}
	if m.Transform != nil {
		in["transform"] = &audiosep.FittedTransform{Transform: m.Transform, Framing: m.Framing}
	}
	if m.Factors != nil {
		in["factors"] = m.Factors
	}
	_, err := p.def.Run(ctx, audiosep.Env{}, p.stage, in)
	return err
}

// Commit and Close are the stage's own.
func (p *ported) Commit(ctx context.Context) error {
	if c, ok := p.stage.(audiosep.Committer); ok {
		return c.Commit(ctx)
	}
	return nil
}

func (p *ported) Close() error {
	if c, ok := p.stage.(io.Closer); ok {
		return c.Close()
	}
	return nil
}
