package audio

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/audiosep/audiosep"
)

// CropParams are the parameters of crop.
type CropParams struct {
	Start    float64  `json:"start" min:"0" unit:"s" doc:"Where to begin."`
	Duration *float64 `json:"duration" min:"0" unit:"s" doc:"How much to take at most; up to the end if left open."`
	Part     string   `json:"part" doc:"The same in one, FROM:TO in s, such as 1.5:3; one of the two may be left out. Instead of start and duration."`
}

// Validate says why part is none.
func (p CropParams) Validate() error {
	if p.Part == "" {
		return nil
	}
	if p.Start != 0 || p.Duration != nil {
		return &audiosep.ParamError{Name: "part", What: fmt.Sprintf("is %q, but start or duration is given too; want one of the two ways", p.Part)}
	}
	_, err := p.split()
	return err
}

// split returns p with start and duration as part says.
func (p CropParams) split() (CropParams, error) {
	if p.Part == "" {
		return p, nil
	}
	wrong := &audiosep.ParamError{Name: "part", What: fmt.Sprintf("is %q; want FROM:TO in s, such as 1.5:3", p.Part)}
	from, to, ok := strings.Cut(p.Part, ":")
	if !ok {
		return p, wrong
	}
	out := CropParams{}
	if from != "" {
		x, err := strconv.ParseFloat(from, 64)
		if err != nil || !(x >= 0) || math.IsInf(x, 0) {
			return p, wrong
		}
		out.Start = x
	}
	if to != "" {
		x, err := strconv.ParseFloat(to, 64)
		if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
			return p, wrong
		}
		if x -= out.Start; !(x > 0) {
			return p, &audiosep.ParamError{Name: "part", What: fmt.Sprintf("is %q; want it to end after it begins", p.Part)}
		}
		out.Duration = &x
	}
	return out, nil
}

var cropStage = audiosep.Define("crop", "Takes a part of a recording. Nothing else of it is read.", CropParams{}, NewCrop, audiosep.Lazy)

// Crop is the stage crop.
type Crop struct{ p CropParams }

// NewCrop returns a stage that crops as p says.
func NewCrop(p CropParams) (*Crop, error) {
	if err := audiosep.CheckStruct(p); err != nil {
		return nil, err
	}
	p, err := p.split()
	return &Crop{p}, err
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
