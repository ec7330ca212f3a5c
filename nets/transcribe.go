package nets

import (
	"context"
	"fmt"
	"math"
	"runtime"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/blocks"
	"github.com/audiosep/audiosep/internal/resample"
)

// TranscribeParams are the parameters of transcribe.
type TranscribeParams struct {
	Onset    float64 `json:"onset" min:"0" max:"1" doc:"How sure the network must be that a note begins: less finds more notes, and more that are none."`
	Frame    float64 `json:"frame" min:"0" max:"1" doc:"How sure it must be that a note goes on."`
	Shortest float64 `json:"shortest" min:"0" max:"60" unit:"s" doc:"Notes that are not longer are left out."`
	Infer    bool    `json:"infer" doc:"Take a sudden rise of what sounds for the beginning of a note, too."`
	Rest     bool    `json:"rest" doc:"When all notes with a clear beginning are found, take what still sounds for notes, too."`
	Lowest   int     `json:"lowest" min:"21" max:"108" doc:"The lowest pitch, as a MIDI number."`
	Highest  int     `json:"highest" min:"21" max:"108" doc:"The highest pitch, as a MIDI number."`
	Source   string  `json:"source" oneof:"all|pitch" doc:"Whose the notes are: all have the source notes; or each pitch is a source, such as C4 or F#3, so that stages that follow a score make a stem of each."`
	Parts    int     `json:"parts" min:"0" max:"88" unit:"parts" doc:"Where it is above 0, whose the notes are is so many parts, part1 the lowest, each with the pitches of a register: groups of pitches that lie together, weighted by how long they sound."`
}

// DefaultTranscribe returns the defaults of transcribe, those of the network's authors.
func DefaultTranscribe() TranscribeParams {
	return TranscribeParams{Onset: 0.5, Frame: 0.3, Shortest: 0.1277, Infer: true, Rest: true, Lowest: lowestPitch, Highest: lowestPitch + pitches - 1, Source: "all"}
}

// Validate checks what the ranges do not say.
func (p TranscribeParams) Validate() error {
	if p.Lowest > p.Highest {
		return &audiosep.ParamError{Name: "lowest", What: fmt.Sprintf("is %d, above highest, %d; want at most that", p.Lowest, p.Highest)}
	}
	return nil
}

var transcribeStage = audiosep.Define("transcribe",
	`Writes down the notes that sound in a recording, whatever plays them, with a small network (Basic Pitch: Bittner, Bosch, Rubinstein, Meseguer-Brocal and Ewert, A lightweight instrument-agnostic model for polyphonic note transcription and multipitch estimation, ICASSP 2022).
Pitches are the keys of a piano, A0 to C8; the velocity is how sure the network was, 0 to 1. The network cannot tell instruments apart and does not hear drums. All channels are heard as their mean. It is told about notes shorter than 0.13 s now and then only, and takes loud overtones for notes.`,
	DefaultTranscribe(), NewTranscribe)

// Transcribe is the stage transcribe.
type Transcribe struct{ p TranscribeParams }

// NewTranscribe returns a stage that transcribes as p says.
func NewTranscribe(p TranscribeParams) (*Transcribe, error) {
	if err := audiosep.CheckStruct(p); err != nil {
		return nil, err
	}
	return &Transcribe{p}, nil
}

// TranscribeOut is what transcribe makes: the notes in the order of their onsets. There may be
// none.
type TranscribeOut struct {
	Notes audiosep.Notes `port:"notes"`
}

// windowBytes is about what the network has in memory for a window, and weightBytes its weights.
const windowBytes, weightBytes = 20 << 20, 2 << 20

// Needs says what it takes: for each thread the planes of a window and what is read for it, and for
// each frame how likely each pitch sounds and begins. What is read for a window is garbage afterwards,
// at either rate.
func (s *Transcribe) Needs(e audiosep.Extent) audiosep.Needs {
	seconds := float64(e.Samples) / float64(max(1, e.Rate))
	windows := math.Ceil(seconds * pitchRate / windowHop)
	read := 8 * int64(max(1, e.Layers())) * int64(pitchSamples) * int64(max(1, e.Rate)) / pitchRate
	threads := int64(min(float64(max(1, e.Threads)), windows))
	work := weightBytes + threads*(windowBytes+read) + 2*4*pitches*int64(windows*windowFrames)
	return audiosep.Needs{
		Work:       work,
		Large:      threads * windowBytes,
		Garbage:    2 * read * int64(windows),
		Operations: windows * 2e9,
	}
}

// Run hears the recording.
func (s *Transcribe) Run(ctx context.Context, env audiosep.Env, in In) (TranscribeOut, error) {
	n, err := s.Notes(ctx, env, in.Audio)
	if n == nil {
		n = audiosep.Notes{}
	}
	return TranscribeOut{n}, err
}

// Notes returns the notes of a recording in the order of their onsets.
func (s *Transcribe) Notes(ctx context.Context, env audiosep.Env, src audiosep.Source) (audiosep.Notes, error) {
	p, err := hearPitches(ctx, env, src)
	if err != nil {
		return nil, err
	}
	h, err := src.Head(ctx)
	if err != nil {
		return nil, err
	}
	return p.notes(s.p, float64(h.Samples)/float64(h.Rate)), nil
}

// posteriors are how likely each pitch sounds, and begins, in each frame: [frame*pitches+pitch].
type posteriors struct {
	frames      int
	note, onset []float32
}

// Windows overlap by overlapFrames frames; of each window half of these are dropped at either end.
const (
	overlapFrames = 30
	windowHop     = pitchSamples - overlapFrames*pitchHop
	windowFrames  = pitchFrames - overlapFrames
)

// hearPitches runs the network on all windows of a recording, several at a time.
func hearPitches(ctx context.Context, env audiosep.Env, src audiosep.Source) (*posteriors, error) {
	h, err := src.Head(ctx)
	if err != nil {
		return nil, err
	}
	if h.Rate < 1 {
		return nil, fmt.Errorf("the recording has no sample rate; want one, as the network works at %d Hz", pitchRate)
	}
	if err := resample.Check(h.Rate, pitchRate); err != nil {
		return nil, fmt.Errorf("the network works at %d Hz: %w", pitchRate, err)
	}
	read, samples := monoAt(src, h, pitchRate)
	p := &posteriors{frames: int(float64(samples) / windowHop * windowFrames)}
	const before = overlapFrames / 2 * pitchHop // samples of silence before the recording
	windows := (samples + before + windowHop - 1) / windowHop
	p.note, p.onset = make([]float32, p.frames*pitches), make([]float32, p.frames*pitches)
	type slot struct {
		net *basicPitchState
		x   [][]float64
	}
	b, err := loadBasicPitch()
	if err != nil {
		return nil, err
	}
	err = blocks.Run(ctx, windows, 1, runtime.GOMAXPROCS(0), func() *slot {
		return &slot{b.state(), [][]float64{make([]float64, pitchSamples)}}
	}, func(ctx context.Context, s *slot, w, _ int) error {
		if err := read(ctx, s.x, w*windowHop-before); err != nil {
			return err
		}
		for _, x := range s.x[0] {
			if math.IsNaN(x) || math.IsInf(x, 0) || math.Abs(x) > 1e100 {
				return fmt.Errorf("the recording has the sample %g; want samples about ±1", x)
			}
		}
		s.net.run(s.x[0])
		return nil
	}, func(_ context.Context, s *slot, w, _ int) error {
		for t := range min(windowFrames, p.frames-w*windowFrames) {
			at := (w*windowFrames + t) * pitches
			for i := range pitches {
				p.note[at+i] = float32(s.net.note.Row(0, t+overlapFrames/2)[i])
				p.onset[at+i] = float32(s.net.onset.Row(0, t+overlapFrames/2)[i])
			}
		}
		env.Report(audiosep.Step{Done: w + 1, Of: windows, Objective: math.NaN()})
		return nil
	})
	return p, err
}

// monoAt reads the mean of all layers at another rate, and tells how many samples that has.
func monoAt(src audiosep.Source, h audiosep.Head, rate int) (resample.Reader, int) {
	mono := func(ctx context.Context, dst [][]float64, at int) error {
		all := grown(nil, h.Layers(), len(dst[0]))
		if err := src.ReadAt(ctx, all, at); err != nil {
			return err
		}
		for i := range dst[0] {
			sum := 0.0
			for _, x := range all {
				sum += x[i]
			}
			dst[0][i] = sum / float64(len(all))
		}
		return nil
	}
	return atRate(mono, h, rate)
}

// atRate reads a recording with the head h at another rate, and tells how many samples that has.
func atRate(read resample.Reader, h audiosep.Head, rate int) (resample.Reader, int) {
	if h.Rate == rate {
		return read, h.Samples
	}
	f := resample.New(h.Rate, rate)
	samples := f.Samples(h.Samples)
	return func(ctx context.Context, dst [][]float64, at int) error {
		return f.Read(ctx, dst, at, samples, read)
	}, samples
}
