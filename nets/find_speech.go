package nets

import (
	"context"
	"math"
	"slices"

	"github.com/audiosep/audiosep"
)

// FindSpeechParams are the parameters of find_speech.
type FindSpeechParams struct {
	Range    float64 `json:"range" min:"1" max:"120" unit:"dB" doc:"How far below its louder parts what is heard of speech may be and still count."`
	Gap      float64 `json:"gap" min:"0" max:"60" unit:"s" doc:"Pauses that are not longer belong to the speech around them."`
	Shortest float64 `json:"shortest" min:"0" max:"60" unit:"s" doc:"What is shorter is left out."`
	Around   float64 `json:"around" min:"0" max:"10" unit:"s" doc:"What is added before and after."`
	Rest     bool    `json:"rest" doc:"Add that the source rest sounds all the time, so that stages that follow labels have something for what is no speech."`
}

// DefaultFindSpeech returns the defaults of find_speech.
func DefaultFindSpeech() FindSpeechParams {
	return FindSpeechParams{Range: 30, Gap: 0.3, Shortest: 0.1, Around: 0.05}
}

var findSpeechStage = audiosep.Define("find_speech",
	`Says when there is speech: labels of the source speech, notes without a pitch, from what denoise hears as speech, in steps of 10 ms.
A step counts if the speech in it is less than range below that of the loudest twentieth of the recording, and louder than a tenth of what else sounds in it. All channels count together.`,
	DefaultFindSpeech(), NewFindSpeech)

// FindSpeech is the stage find_speech.
type FindSpeech struct{ p FindSpeechParams }

// NewFindSpeech returns a stage that finds speech as p says.
func NewFindSpeech(p FindSpeechParams) (*FindSpeech, error) {
	if err := audiosep.CheckStruct(p); err != nil {
		return nil, err
	}
	return &FindSpeech{p}, nil
}

// Run hears the recording.
func (s *FindSpeech) Run(ctx context.Context, env audiosep.Env, in In) (TranscribeOut, error) {
	speech, rest, step, err := energies(ctx, env, in.Audio)
	if err != nil {
		return TranscribeOut{}, err
	}
	h, err := in.Audio.Head(ctx)
	if err != nil {
		return TranscribeOut{}, err
	}
	length := float64(h.Samples) / float64(h.Rate)
	out := audiosep.Notes{}
	for _, r := range s.regions(speech, rest, step) {
		n := audiosep.Note{Onset: max(0, r[0]-s.p.Around), Offset: min(length, r[1]+s.p.Around), Pitch: math.NaN(), Source: denoiseNames[0], Velocity: 1}
		if last := len(out) - 1; last >= 0 && n.Onset <= out[last].Offset {
			out[last].Offset = n.Offset
		} else if n.Onset < n.Offset {
			out = append(out, n)
		}
	}
	if s.p.Rest && length > 0 {
		out = append(audiosep.Notes{{Offset: length, Pitch: math.NaN(), Source: denoiseNames[1], Velocity: 1}}, out...)
	}
	return TranscribeOut{out}, nil
}

// energies returns those of speech and rest in steps of about 10 ms, and how long a step is, in s.
func energies(ctx context.Context, env audiosep.Env, src audiosep.Source) (speech, rest []float64, step float64, err error) {
	p := DefaultDenoise()
	p.Channels = "shared"
	d, err := NewDenoise(p)
	if err != nil {
		return nil, nil, 0, err
	}
	stems, err := d.Separate(ctx, src)
	if err != nil {
		return nil, nil, 0, err
	}
	h := stems.Head()
	samples := max(1, (h.Rate+50)/100)
	all := [2][]float64{make([]float64, h.Samples/samples+1), make([]float64, h.Samples/samples+1)}
	var at [2]int
	err = stems.Each(ctx, func(source int, block [][]float64) error {
		for _, x := range block {
			for i, v := range x {
				all[source][(at[source]+i)/samples] += v * v
			}
		}
		if at[source] += len(block[0]); source == 1 {
			env.Report(audiosep.Step{Done: at[source], Of: h.Samples, Objective: math.NaN()})
		}
		return nil
	})
	return all[0], all[1], float64(samples) / float64(h.Rate), err
}

// regions returns from when to when, in s, there is speech.
func (s *FindSpeech) regions(speech, rest []float64, step float64) [][2]float64 {
	sorted := slices.Clone(speech)
	slices.Sort(sorted)
	least := sorted[len(sorted)*95/100] * math.Pow(10, -s.p.Range/10)
	var out [][2]float64
	for t, e := range speech {
		if !(e > least && e > 1e-20 && 10*e > rest[t]) {
			continue
		}
		from, to := float64(t)*step, float64(t+1)*step
		if last := len(out) - 1; last >= 0 && from-out[last][1] <= s.p.Gap+step/2 {
			out[last][1] = to
		} else {
			out = append(out, [2]float64{from, to})
		}
	}
	return slices.DeleteFunc(out, func(r [2]float64) bool { return r[1]-r[0] < s.p.Shortest-step/2 })
}
