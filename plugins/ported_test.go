//go:build unix

package plugins

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
)

// ported brings the methods of the common interfaces to the ports of a stage, for tests
// that look at one method.
type ported struct {
	def   audiosep.Definition
	stage any
}

func (p *ported) run(ctx context.Context, env audiosep.Env, in audiosep.Values) (audiosep.Values, error) {
	return p.def.Run(ctx, env, p.stage, in)
}

func (p *ported) Close() error { return p.stage.(io.Closer).Close() }

// silence is a recording of zeros.
type silence struct{ h audiosep.Head }

func (s silence) Head(context.Context) (audiosep.Head, error) { return s.h, nil }

func (s silence) ReadAt(_ context.Context, dst [][]float64, _ int) error {
	for _, d := range dst {
		clear(d)
	}
	return nil
}

// besides returns frames of m samples side by side, share of which share a column.
func besides(layers [][]float64, rate, m, share int) *audiosep.Framed {
	n := len(layers[0])
	ones := make([]float64, m)
	for i := range ones {
		ones[i] = 1
	}
	return &audiosep.Framed{
		Source: &audiosep.Signal{Rate: rate, Channels: len(layers), Data: layers},
		Framing: audiosep.Framing{Head: audiosep.Head{Rate: rate, Samples: n, Channels: len(layers), Realisations: 1},
			Length: m, Hop: m, Share: share, Analysis: ones, Synthesis: ones},
	}
}

func (p *ported) Transform(ctx context.Context, m int) (audiosep.Transform, error) {
	out, err := p.run(ctx, audiosep.Env{}, audiosep.Values{"frames": besides([][]float64{make([]float64, m)}, 8000, m, 1)})
	if err != nil {
		return nil, err
	}
	return out["transform"].(*audiosep.FittedTransform).Transform, nil
}

func (p *ported) Head(ctx context.Context) (audiosep.Head, error) {
	out, err := p.run(ctx, audiosep.Env{}, nil)
	if err != nil {
		return audiosep.Head{}, err
	}
	return out["audio"].(audiosep.Source).Head(ctx)
}

func (p *ported) ReadAt(ctx context.Context, dst [][]float64, at int) error {
	out, err := p.run(ctx, audiosep.Env{}, nil)
	if err != nil {
		return err
	}
	return out["audio"].(audiosep.Source).ReadAt(ctx, dst, at)
}

func (p *ported) Framing(ctx context.Context, h audiosep.Head) (audiosep.Framing, error) {
	out, err := p.run(ctx, audiosep.Env{}, audiosep.Values{"audio": silence{h}})
	if err != nil {
		return audiosep.Framing{}, err
	}
	return out["frames"].(*audiosep.Framed).Framing, nil
}

func beginning(t audiosep.Transform, f *audiosep.Factors) audiosep.Values {
	in := audiosep.Values{}
	if t != nil {
		in["init_transform"] = &audiosep.FittedTransform{Transform: t}
	}
	if f != nil {
		in["init_factors"] = f
	}
	return in
}

func (p *ported) LearnTransform(ctx context.Context, env audiosep.Env, y *audiosep.Frames, init audiosep.Transform) (audiosep.Transform, error) {
	in := beginning(init, nil)
	in["frames"] = besides(y.Data, y.Rate, y.Length, y.Share)
	out, err := p.run(ctx, env, in)
	if err != nil {
		return nil, err
	}
	return out["transform"].(*audiosep.FittedTransform).Transform, nil
}

func (p *ported) LearnJointly(ctx context.Context, env audiosep.Env, y *audiosep.Frames, init audiosep.Model) (m audiosep.Model, err error) {
	in := beginning(init.Transform, init.Factors)
	in["frames"] = besides(y.Data, y.Rate, y.Length, y.Share)
	out, err := p.run(ctx, env, in)
	if err != nil {
		return m, err
	}
	t := out["transform"].(*audiosep.FittedTransform)
	return audiosep.Model{Transform: t.Transform, Framing: t.Framing, Factors: out["factors"].(*audiosep.Factors)}, nil
}

func powerOf(v *mat.Dense) audiosep.Power {
	bins, n := v.Dims()
	return audiosep.NewPower(v, besides([][]float64{make([]float64, bins*n)}, 8000, bins, 1).Framing, nil)
}

func (p *ported) Factorize(ctx context.Context, env audiosep.Env, v *mat.Dense, init *audiosep.Factors) (*audiosep.Factors, error) {
	in := beginning(nil, init)
	in["power"] = powerOf(v)
	out, err := p.run(ctx, env, in)
	if err != nil {
		return nil, err
	}
	return out["factors"].(*audiosep.Factors), nil
}

func (p *ported) Activate(ctx context.Context, dst, v, w *mat.Dense) error {
	out, err := p.run(ctx, audiosep.Env{}, audiosep.Values{"power": powerOf(v), "dictionary": &audiosep.Factors{W: w}})
	if err != nil {
		return err
	}
	dst.Copy(out["factors"].(*audiosep.Factors).H)
	return nil
}

// stageOf builds one stage of a plugin, with its definition.
func stageOf(t testing.TB, h *Host, plugin, stage, params string) *ported {
	t.Helper()
	p, err := tryStage(h, plugin, stage, params)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func tryStage(h *Host, plugin, stage, params string) (*ported, error) {
	defs, err := h.Describe(context.Background(), plugin)
	if err != nil {
		return nil, err
	}
	for _, d := range defs {
		if d.Name == plugin+"/"+stage {
			s, err := d.Build([]byte(params))
			return &ported{d, s}, err
		}
	}
	return nil, fmt.Errorf("plugin %s has no stage %s", plugin, stage)
}

// compiled builds a test stage within the test.
func compiled(t testing.TB, stage, params string) *ported {
	t.Helper()
	for _, d := range testStages {
		if d.Name == stage {
			s, err := d.Build([]byte(params))
			if err != nil {
				t.Fatal(err)
			}
			return &ported{d, s}
		}
	}
	t.Fatal(errors.New("no test stage " + stage))
	panic("unreachable")
}
