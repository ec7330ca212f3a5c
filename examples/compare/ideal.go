package main

import (
	"context"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/transforms"
)

// idealMasks separates a recording by the masks that the stems' own powers make, under
// the STFT of 40 ms frames that the methods use: what no mask of a model surpasses by
// much.
func idealMasks(ctx context.Context, r *recording) ([]*audiosep.Signal, error) {
	// The stems are realisations of one scene, the mixture is the last.
	all := &audiosep.Signal{Rate: r.mix.Rate, Channels: r.mix.Channels}
	for _, s := range append(r.stems[:len(r.stems):len(r.stems)], r.mix) {
		all.Data = append(all.Data, s.Data...)
	}
	head, err := all.Head(ctx)
	if err != nil {
		return nil, err
	}
	framing, err := transforms.FrameParams{Grids: 1, Window: "sine", Symmetry: "periodic", Scale: "none", Synthesis: "same"}.Framing(ctx, head)
	if err != nil {
		return nil, err
	}
	framing.Head = head
	stft, err := transforms.NewSTFT(transforms.STFTParams{})
	if err != nil {
		return nil, err
	}
	t, err := stft.Transform(ctx, framing.Length)
	if err != nil {
		return nil, err
	}
	n := framing.Frames()
	var y audiosep.Frames
	if err := framing.Cut(ctx, &y, all, 0, n); err != nil {
		return nil, err
	}
	coefs := make([]audiosep.Coefs, len(y.Data))
	for l, frames := range y.Data {
		coefs[l] = audiosep.MakeCoefs(t, n)
		if err := t.Forward(ctx, coefs[l], frames); err != nil {
			return nil, err
		}
	}
	channels := len(r.mix.Data)
	masked, mix := coefs[:len(coefs)-channels], coefs[len(coefs)-channels:]
	for c := range channels {
		share(masked[c:], channels, mix[c])
	}
	for l := range masked {
		if err := t.Inverse(ctx, y.Data[l], masked[l]); err != nil {
			return nil, err
		}
	}
	joined := audiosep.NewJoiner(framing, len(masked)).Add(y.Data[:len(masked)], n)
	out := make([]*audiosep.Signal, len(r.stems))
	for j := range out {
		out[j] = &audiosep.Signal{Rate: r.mix.Rate, Channels: r.mix.Channels, Data: joined[j*channels : (j+1)*channels]}
	}
	return out, nil
}

// share replaces every step-th of the stems by the mixture's coefficients, shared out in
// proportion to the stems' power; where there is none, evenly.
func share(stems []audiosep.Coefs, step int, mix audiosep.Coefs) {
	for i := range mix.Re {
		var sum float64
		for j := 0; j < len(stems); j += step {
			sum += power(stems[j], i)
		}
		for j := 0; j < len(stems); j += step {
			mask := 1 / float64((len(stems)+step-1)/step)
			if sum > 0 {
				mask = power(stems[j], i) / sum
			}
			stems[j].Re[i], stems[j].Im[i] = mask*mix.Re[i], mask*mix.Im[i]
		}
	}
}

func power(c audiosep.Coefs, i int) float64 { return c.Re[i]*c.Re[i] + c.Im[i]*c.Im[i] }
