package main

import (
	"context"

	"github.com/audiosep/audiosep"
)

// oracle measures the separation of a scene by the best masks that know the sources, |X_j|² / Σ_j |X_j|²,
// under the frames and the transform that a method learnt: what its W and H could reach.
func (o *outcome) oracle(ctx context.Context, s scene) (score, error) {
	estimates, err := o.oracleSources(ctx, s)
	if err != nil {
		return score{}, err
	}
	return s.evaluate(ctx, estimates)
}

func (o *outcome) oracleSources(ctx context.Context, s scene) ([]*audiosep.Signal, error) {
	t, n := o.Model.Transform, o.Framing.Frames()
	mix, err := o.coefs(ctx, s.Mix)
	if err != nil {
		return nil, err
	}
	power := make([][]float64, len(mix)) // [layer], all sources together
	for l := range power {
		power[l] = make([]float64, len(mix[l].Re))
	}
	parts := make([][]audiosep.Coefs, len(s.Sources))
	for j, source := range s.Sources {
		if parts[j], err = o.coefs(ctx, source); err != nil {
			return nil, err
		}
		for l, x := range parts[j] {
			for i, v := range x.Re {
				power[l][i] += v * v
			}
		}
	}
	var out []*audiosep.Signal
	for _, part := range parts {
		frames := make([][]float64, len(part))
		for l, x := range part {
			for i, v := range x.Re {
				if power[l][i] > 0 {
					x.Re[i] = mix[l].Re[i] * v * v / power[l][i]
				}
			}
			frames[l] = make([]float64, n*t.Len())
			if err := t.Inverse(ctx, frames[l], x); err != nil {
				return nil, err
			}
		}
		joined := audiosep.NewJoiner(o.Framing, len(frames)).Add(frames, n)
		out = append(out, &audiosep.Signal{Rate: s.Mix.Rate, Data: joined})
	}
	return out, nil
}

// coefs returns the real coefficients of every layer of a signal.
func (o *outcome) coefs(ctx context.Context, s *audiosep.Signal) ([]audiosep.Coefs, error) {
	n := o.Framing.Frames()
	var y audiosep.Frames
	if err := o.Framing.Cut(ctx, &y, s, 0, n); err != nil {
		return nil, err
	}
	x := make([]audiosep.Coefs, len(y.Data))
	for l, frames := range y.Data {
		x[l] = audiosep.MakeCoefs(o.Model.Transform, n)
		if err := o.Model.Transform.Forward(ctx, x[l], frames); err != nil {
			return nil, err
		}
	}
	return x, nil
}
