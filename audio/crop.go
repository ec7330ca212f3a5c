package audio

import (
	"context"
	"fmt"
	"math"

	"github.com/audiosep/audiosep"
)

// CropParams are the parameters of crop.
type CropParams struct {
	Start    float64  `json:"start" min:"0" unit:"s" doc:"Where to begin."`
	Duration *float64 `json:"duration" min:"0" unit:"s" doc:"How much to take at most; up to the end if left open."`
}

var cropStage = audiosep.Define("crop", "Takes a part of a recording. Nothing else of it is read.", CropParams{}, NewCrop, audiosep.Lazy)

// Crop is the stage crop.
type Crop struct{ p CropParams }

// NewCrop returns a stage that crops as p says.
func NewCrop(p CropParams) (*Crop, error) {
	if err := audiosep.CheckStruct(p); err != nil {
		return nil, err
	}
	return &Crop{p}, nil
}

// In and Out are the ports of stages that make one recording of another.
type (
	In struct {
		Audio audiosep.Source `port:"audio"`
	}
	Out struct {
		Audio audiosep.Source `port:"audio"`
	}
)

// Run returns the part. It is an error if the recording ends before it begins.
func (s *Crop) Run(ctx context.Context, _ audiosep.Env, in In) (Out, error) {
	h, err := in.Audio.Head(ctx)
	if err != nil {
		return Out{}, err
	}
	from := math.Round(s.p.Start * float64(h.Rate))
	if from >= float64(h.Samples) {
		return Out{}, fmt.Errorf("the recording is %g s long; want it to go on behind start, %g s", float64(h.Samples)/float64(h.Rate), s.p.Start)
	}
	c := &cropped{in.Audio, int(from), h}
	c.head.Samples -= c.from
	if s.p.Duration != nil {
		c.head.Samples = int(min(float64(c.head.Samples), math.Round(*s.p.Duration*float64(h.Rate))))
	}
	if c.head.Samples == 0 {
		return Out{}, fmt.Errorf("duration is %g s, no sample; want at least %g s", *s.p.Duration, 1/float64(h.Rate))
	}
	return Out{c}, nil
}

type cropped struct {
	src  audiosep.Source
	from int
	head audiosep.Head
}

func (c *cropped) Head(context.Context) (audiosep.Head, error) { return c.head, nil }

func (c *cropped) ReadAt(ctx context.Context, dst [][]float64, at int) error {
	if err := c.src.ReadAt(ctx, dst, c.from+at); err != nil {
		return err
	}
	for _, d := range dst {
		silenceOutside(d, at, c.head.Samples)
	}
	return nil
}

// silenceOutside clears what of d, samples from at on, lies outside 0 to samples-1.
func silenceOutside(d []float64, at, samples int) {
	clear(d[:min(len(d), max(0, -at))])
	clear(d[min(len(d), max(0, samples-at)):])
}
