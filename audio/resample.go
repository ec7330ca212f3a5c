package audio

import (
	"context"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/resample"
)

// ResampleParams are the parameters of resample.
type ResampleParams struct {
	Rate int `json:"rate" min:"1" max:"10000000" unit:"Hz" doc:"The sample rate to have."`
}

var resampleStage = audiosep.Define("resample",
	`Changes the sample rate, by a windowed-sinc filter whose aliases lie below -120 dB. What is below 0.92 of half the lower rate is kept.
Sample 0 stays where it is. Where the rate is that already, nothing is changed; where it differs by a factor beyond 256, the recording is refused.`,
	ResampleParams{Rate: 44100}, NewResample, audiosep.Lazy)

// Resample is the stage resample.
type Resample struct{ p ResampleParams }

// NewResample returns a stage that changes the rate to p's.
func NewResample(p ResampleParams) (*Resample, error) {
	if err := audiosep.CheckStruct(p); err != nil {
		return nil, err
	}
	return &Resample{p}, nil
}

// Run returns the recording at the new rate.
func (s *Resample) Run(ctx context.Context, _ audiosep.Env, in In) (Out, error) {
	h, err := in.Audio.Head(ctx)
	if err != nil || h.Rate == s.p.Rate {
		return Out(in), err
	}
	if err := resample.Check(h.Rate, s.p.Rate); err != nil {
		return Out{}, err
	}
	f := resample.New(h.Rate, s.p.Rate)
	at := h
	at.Rate, at.Samples = s.p.Rate, f.Samples(h.Samples)
	return Out{&resampled{in.Audio, at, f}}, nil
}

// Needs says what it takes: the samples that what is read is made of, which are garbage then.
func (s *Resample) Needs(e audiosep.Extent) (n audiosep.Needs) {
	if e.Rate != s.p.Rate {
		n.Operations = resample.Work(e.Rate, s.p.Rate, e.Samples, e.Layers())
		n.Garbage = 8 * int64(e.Layers()) * int64(e.Samples)
	}
	return n
}

// resampled is a recording at another rate.
type resampled struct {
	src    audiosep.Source
	head   audiosep.Head
	filter *resample.Filter
}

func (r *resampled) Head(context.Context) (audiosep.Head, error) { return r.head, nil }

func (r *resampled) ReadAt(ctx context.Context, dst [][]float64, at int) error {
	return r.filter.Read(ctx, dst, at, r.head.Samples, r.src.ReadAt)
}
