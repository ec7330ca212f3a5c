package audio

import (
	"context"
	"fmt"
	"math"
	"strconv"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/counted"
)

// SynthNotesParams are the parameters of synth_notes. PaperNotes returns the defaults, the signals of
// Zhang, Soubies and Févotte, "On the Identifiability of Transform Learning for NMF"
// (2020), §III-A: two notes a semitone apart, each alone, then both.
type SynthNotesParams struct {
	Fundamentals   []float64   `json:"fundamentals" min:"0" unit:"Hz" doc:"The fundamental of each source."`
	Amplitudes     []float64   `json:"amplitudes" doc:"The amplitude of each harmonic, the fundamental first."`
	Pattern        [][]float64 `json:"pattern" min:"1" doc:"For each source its gain in each slot of time: 1 where it sounds, 0 where it is silent."`
	Envelope       string      `json:"envelope" oneof:"bump|hann|decay|flat" doc:"The loudness within a slot: bump exp(1-1/(1-x²)) and hann cos²(πx/2) for x from -1 to 1, decay by 60 dB, or flat."`
	SamplesPerNote int         `json:"samples_per_note" min:"1" max:"1000000000" unit:"samples" doc:"Length of a slot."`
	Rate           int         `json:"rate" min:"1" unit:"Hz" doc:"Samples a second."`
	Realisations   int         `json:"realisations" min:"1" max:"100000" doc:"How many recordings R, which differ in the phases of the notes."`
	Seed           uint64      `json:"seed" doc:"Chooses the phases. A realisation's phases do not depend on how many there are."`
	Phases         [][]float64 `json:"phases" unit:"rad" doc:"The phases themselves: for each realisation one of each source; drawn by seed if left open."`
	Part           string      `json:"part" doc:"What is heard: mix, or the number of a source, from 1 on, to have it alone."`
}

// PaperNotes returns the defaults of synth_notes: the paper's signals.
func PaperNotes() SynthNotesParams {
	return SynthNotesParams{
		Fundamentals:   []float64{440, 466.16},
		Amplitudes:     []float64{0.25, 0.125},
		Pattern:        [][]float64{{1, 0, 1}, {0, 1, 1}},
		Envelope:       "bump",
		SamplesPerNote: 5000,
		Rate:           5000,
		Realisations:   10,
		Seed:           1,
		Part:           "mix",
	}
}

var synthNotesStage = audiosep.Define("synth_notes",
	`Makes notes: sums of harmonics that begin and end together, with random phases.
Source i is g_i(t) Σ_h a_h cos(h(2π f_i t/rate + θ_i)), g_i being its gain in the slot times the envelope. By default these are the signals of Zhang, Soubies and Févotte (2020), §III-A.`,
	PaperNotes(), NewSynthNotes)

// Validate checks what the parameters must be to each other.
func (p SynthNotesParams) Validate() error {
	var errs audiosep.ParamErrors
	wrong := func(name, what string, args ...any) {
		errs = append(errs, &audiosep.ParamError{Name: name, What: fmt.Sprintf(what, args...)})
	}
	sources := len(p.Fundamentals)
	if sources == 0 {
		wrong("fundamentals", "is empty; want one for each source")
	}
	if len(p.Amplitudes) == 0 {
		wrong("amplitudes", "is empty; want one for each harmonic")
	}
	for i, f := range p.Fundamentals {
		if top := f * float64(len(p.Amplitudes)); top >= float64(p.Rate)/2 {
			wrong(fmt.Sprintf("fundamentals/%d", i), "is %g Hz, so that its highest harmonic has %g Hz; want less than half the rate, %g Hz", f, top, float64(p.Rate)/2)
		}
	}
	if len(p.Pattern) != sources {
		wrong("pattern", "has %s; want %d, as fundamentals has", counted.Of(len(p.Pattern), "source"), sources)
	}
	for i, gains := range p.Pattern {
		if len(gains) == 0 || len(gains) != len(p.Pattern[0]) {
			wrong(fmt.Sprintf("pattern/%d", i), "has %d slots; want %d, at least 1", len(gains), len(p.Pattern[0]))
		}
	}
	if len(p.Phases) > 0 && len(p.Phases) != p.Realisations {
		wrong("phases", "has %s; want %d", counted.Of(len(p.Phases), "realisation"), p.Realisations)
	}
	for r, phases := range p.Phases {
		if len(phases) != sources {
			wrong(fmt.Sprintf("phases/%d", r), "has %s; want %d", counted.Of(len(phases), "source"), sources)
		}
	}
	if part, err := strconv.Atoi(p.Part); p.Part != "mix" && (err != nil || part < 1 || part > sources) {
		wrong("part", "is %q; want mix, or 1 to %d", p.Part, sources)
	}
	if errs != nil {
		return errs
	}
	return nil
}

// NewSynthNotes returns a Source that computes its samples when they are read.
func NewSynthNotes(p SynthNotesParams) (audiosep.Source, error) {
	return newSynthNotes(p)
}

func newSynthNotes(p SynthNotesParams) (*synthNotes, error) {
	if err := audiosep.CheckStruct(p); err != nil {
		return nil, err
	}
	s := &synthNotes{p: p, envelope: envelopes[p.Envelope], phases: p.Phases}
	for i := range p.Fundamentals {
		if p.Part == "mix" || p.Part == strconv.Itoa(i+1) {
			s.heard = append(s.heard, i)
		}
	}
	if len(s.phases) == 0 {
		s.phases = drawPhases(p)
	}
	return s, nil
}

// drawPhases draws θ, uniform on [0, 2π), for each realisation and source.
func drawPhases(p SynthNotesParams) [][]float64 {
	phases := make([][]float64, p.Realisations)
	for r := range phases {
		rng := audiosep.Env{Seed: p.Seed}.Rand(fmt.Sprintf("realisation-%d", r))
		for range p.Fundamentals {
			phases[r] = append(phases[r], 2*math.Pi*rng.Float64())
		}
	}
	return phases
}

// envelopes by name, for x from -1 to 1.
var envelopes = map[string]func(x float64) float64{
	"bump":  func(x float64) float64 { return math.Exp(1 - 1/(1-x*x)) },
	"hann":  func(x float64) float64 { c := math.Cos(math.Pi / 2 * x); return c * c },
	"decay": func(x float64) float64 { return math.Pow(10, -1.5*(x+1)) },
	"flat":  func(float64) float64 { return 1 },
}

type synthNotes struct {
	p        SynthNotesParams
	envelope func(x float64) float64
	phases   [][]float64 // [realisation][source]
	heard    []int       // the sources
}

// Head describes the notes, named notes1, notes2, ….
func (s *synthNotes) Head(context.Context) (audiosep.Head, error) {
	h := audiosep.Head{Rate: s.p.Rate, Channels: 1, Realisations: s.p.Realisations, Samples: len(s.p.Pattern[0]) * s.p.SamplesPerNote}
	for r := range s.p.Realisations {
		h.Names = append(h.Names, "notes"+strconv.Itoa(r+1))
	}
	return h, nil
}

// ReadAt computes the samples from at on.
func (s *synthNotes) ReadAt(ctx context.Context, dst [][]float64, at int) error {
	if len(dst) != s.p.Realisations {
		return &audiosep.ShapeError{What: "dst", Is: counted.Of(len(dst), "layer"), Want: fmt.Sprint(s.p.Realisations)}
	}
	for r, d := range dst {
		if err := ctx.Err(); err != nil {
			return err
		}
		for n := range d {
			d[n] = 0
			for _, i := range s.heard {
				d[n] += s.sample(i, s.phases[r][i], at+n)
			}
		}
	}
	return nil
}

// sample returns sample t of source i with phase theta.
func (s *synthNotes) sample(i int, theta float64, t int) float64 {
	slot, n := t/s.p.SamplesPerNote, t%s.p.SamplesPerNote
	if t < 0 || slot >= len(s.p.Pattern[i]) || s.p.Pattern[i][slot] == 0 {
		return 0
	}
	// The inner points of SamplesPerNote+2 that divide -1 to 1 evenly.
	x := -1 + 2*float64(n+1)/float64(s.p.SamplesPerNote+1)
	phase := 2*math.Pi*cycles(s.p.Fundamentals[i], t, s.p.Rate) + theta
	sum := 0.0
	for h, a := range s.p.Amplitudes {
		sum += a * math.Cos(float64(h+1)*phase)
	}
	return s.p.Pattern[i][slot] * s.envelope(x) * sum
}

// cycles returns f·t/rate less whole cycles, to the last bit even after hours.
func cycles(f float64, t, rate int) float64 {
	product := f * float64(t)
	lost := math.FMA(f, float64(t), -product)
	return (math.Mod(product, float64(rate)) + lost) / float64(rate)
}

// SynthNotes returns the recordings of synth_notes in memory, as one layer for each
// realisation: the mixture, whatever p.Part says, and each source alone. The mixture is
// their sum.
func SynthNotes(p SynthNotesParams) (mixture *audiosep.Signal, sources []*audiosep.Signal, err error) {
	p.Part = "mix"
	s, err := newSynthNotes(p)
	if err != nil {
		return nil, nil, err
	}
	if mixture, err = s.render(); err != nil {
		return nil, nil, err
	}
	for i := range p.Fundamentals {
		s.heard = []int{i}
		alone, err := s.render()
		if err != nil {
			return nil, nil, err
		}
		sources = append(sources, alone)
	}
	return mixture, sources, nil
}

// render computes all samples.
func (s *synthNotes) render() (*audiosep.Signal, error) {
	samples := len(s.p.Pattern[0]) * s.p.SamplesPerNote
	signal := &audiosep.Signal{Rate: s.p.Rate, Channels: 1, Data: make([][]float64, s.p.Realisations)}
	for r := range signal.Data {
		signal.Data[r] = make([]float64, samples)
	}
	return signal, s.ReadAt(context.Background(), signal.Data, 0)
}
