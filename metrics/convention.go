package metrics

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/audiosep/audiosep/internal/counted"
)

// Convention names a definition of the ratios. Numbers of different conventions
// cannot be compared, not even under the same name: see [Convention.Doc].
type Convention string

// The conventions. With several channels the filters of BSS Eval lead from every channel of a
// reference to every channel of an estimate; a gain is one number for all channels.
const (
	V2        Convention = "bss_v2"         // Vincent, Gribonval, Févotte 2006, time-invariant gain
	V3Sources Convention = "bss_v3_sources" // the same, time-invariant filters
	V3Images  Convention = "bss_v3_images"  // Vincent et al. 2012, spatial images
	V4        Convention = "bss_v4"         // Stöter, Liutkus, Ito 2018, as museval computes it
	SI        Convention = "si_sdr"         // Le Roux et al. 2019
)

// Conventions lists all conventions.
func Conventions() []Convention { return []Convention{V2, V3Sources, V3Images, V4, SI} }

// DefaultConventions lists those that are measured unless somebody asks for others.
func DefaultConventions() []Convention { return []Convention{SI, V3Sources} }

// Doc says in one sentence what the convention allows and divides.
func (c Convention) Doc() string { return definitions[c].doc }

// Metrics lists the names of the convention's ratios.
func (c Convention) Metrics() []string {
	var names []string
	for _, m := range definitions[c].ratios {
		names = append(names, m.name)
	}
	return names
}

// A definition says which ratios of the energies of an estimate's parts a convention has.
type definition struct {
	doc    string
	gain   bool // no filters: one gain
	once   bool // filters are fitted once, to the whole signal
	match  Match
	ratios []ratio
}

type ratio struct {
	name string
	of   func(e energies) (above, below float64)
}

func targetToInterf(e energies) (float64, float64)       { return e.target, e.interf }
func projectedToArtifacts(e energies) (float64, float64) { return e.projected, e.artifacts }

var (
	sourceRatios = []ratio{
		{"SDR", func(e energies) (float64, float64) { return e.target, e.rest }},
		{"SIR", targetToInterf},
		{"SAR", projectedToArtifacts},
	}
	imageRatios = []ratio{
		{"SDR", func(e energies) (float64, float64) { return e.reference, e.loss }},
		{"ISR", func(e energies) (float64, float64) { return e.reference, e.spatial }},
		{"SIR", targetToInterf},
		{"SAR", projectedToArtifacts},
	}
	definitions = map[Convention]definition{
		V2: {
			doc:  "BSS Eval 2.1: one gain allowed; estimate = target + interference + artifacts",
			gain: true, match: MatchSIR, ratios: sourceRatios,
		},
		V3Sources: {
			doc:   "BSS Eval 3 sources: time-invariant filters allowed, so SDR forgives filtering",
			match: MatchSIR, ratios: sourceRatios,
		},
		V3Images: {
			doc:   "BSS Eval 3 images: nothing allowed in SDR, filtering counted by ISR",
			match: MatchSIR, ratios: imageRatios,
		},
		V4: {
			doc:  "BSS Eval 4 as in museval: images, filters fitted once on the whole signal, median over frames",
			once: true, match: MatchGiven, ratios: imageRatios,
		},
		SI: {
			doc:  "SI-SDR, SI-SIR, SI-SAR: one gain allowed; SD-SDR: a gain allowed, what it changes counted; SNR: nothing allowed",
			gain: true, match: MatchSDR, ratios: []ratio{
				{"SI-SDR", func(e energies) (float64, float64) { return e.target, e.rest }},
				{"SI-SIR", targetToInterf},
				{"SI-SAR", func(e energies) (float64, float64) { return e.target, e.artifacts }},
				{"SD-SDR", func(e energies) (float64, float64) { return e.target, e.loss }},
				{"SNR", func(e energies) (float64, float64) { return e.reference, e.loss }},
			},
		},
	}
)

// Match says how estimates are assigned to references.
type Match string

// The ways to match. The zero value is that of the convention: best mean SIR for BSS Eval 2
// and 3, best mean SI-SDR for SI, the given order for BSS Eval 4.
const (
	MatchGiven Match = "given" // estimate j belongs to reference j
	MatchSIR   Match = "sir"   // the permutation with the best mean SIR
	MatchSDR   Match = "sdr"   // the permutation with the best mean SDR, with the convention's filters allowed
)

// FitLength says what to do with recordings of different lengths.
type FitLength string

// The ways to make lengths fit. The zero value refuses.
const (
	FitRefuse FitLength = "refuse"
	FitPad    FitLength = "pad" // zeros at the end, up to the longest
	FitCut    FitLength = "cut" // the end cut off, down to the shortest
)

// Options say how to evaluate. The zero value of each field but Convention is its
// default.
type Options struct {
	Convention Convention

	// Window and Hop cut the sound into frames, in samples, as mir_eval and museval
	// do: only whole frames count, and sound no longer than a window is one frame.
	// Where one whole frame fits and no second, that frame is measured, as by museval;
	// mir_eval measures the whole sound then. Window is by default one second for BSS
	// Eval 4 and everything for the others; Hop is by default Window.
	Window, Hop int

	Taps  int // length of BSS Eval's filters; 512
	Match Match

	// Load is added to the diagonal of the Gram matrix, relative to it, as if each
	// reference and delay had noise of its own of that energy. Ratios then depend on
	// it: with 1e-9 filters no longer make much of bands 90 dB below the references.
	// Without a load, references with a singular Gram matrix are projected on what
	// they span.
	Load float64

	// ZeroMean takes the mean over the whole recording from each channel of every
	// recording first, as others do by default for SI-SDR. Le Roux et al. take sound
	// to have none.
	ZeroMean bool

	// FitLength says what to do with recordings of different lengths.
	FitLength FitLength

	// PerChannel measures each channel by itself, too, with the estimates matched on
	// all channels together.
	PerChannel bool
}

// check fills in the defaults for signals of the given rate and length.
func (o Options) check(rate, samples int) (Options, error) {
	def, ok := definitions[o.Convention]
	if !ok {
		var names []string
		for _, c := range Conventions() {
			names = append(names, string(c))
		}
		return o, fmt.Errorf("the convention is %q; want one of %s", o.Convention, strings.Join(names, ", "))
	}
	if o.Match == "" {
		o.Match = def.match
	}
	if !slices.Contains([]Match{MatchGiven, MatchSIR, MatchSDR}, o.Match) {
		return o, fmt.Errorf("match is %q; want given, sir or sdr", o.Match)
	}
	if o.Taps == 0 {
		o.Taps = 512
	}
	if o.Taps < 1 || o.Taps > 1<<14 {
		return o, fmt.Errorf("taps is %d; want 1 to %d", o.Taps, 1<<14)
	}
	if o.Window < 0 || o.Hop < 0 {
		return o, fmt.Errorf("window and hop are %d and %s; want no negative ones", o.Window, counted.Of(o.Hop, "sample"))
	}
	if !(o.Load >= 0) || math.IsInf(o.Load, 1) {
		return o, fmt.Errorf("load is %v; want a finite number of at least 0", o.Load)
	}
	if !slices.Contains([]FitLength{"", FitRefuse, FitPad, FitCut}, o.FitLength) {
		return o, fmt.Errorf("the fit of lengths is %q; want refuse, pad or cut", o.FitLength)
	}
	if o.Window == 0 && def.once {
		o.Window = rate
	}
	if o.Window == 0 || o.Window > samples {
		o.Window = samples
	}
	if o.Hop == 0 {
		o.Hop = o.Window
	}
	if n := (samples-o.Window)/o.Hop + 1; n > mostFrames {
		return o, fmt.Errorf("a hop of %s makes %s; want at most %d: take a longer hop", counted.Of(o.Hop, "sample"), counted.Of(n, "frame"), mostFrames)
	}
	return o, nil
}

// mostFrames bounds the size of a report: 11 days of frames of a second.
const mostFrames = 1_000_000

// spans are the frames of a signal.
func (o Options) spans(samples int) []span {
	var s []span
	for from := 0; from+o.Window <= samples; from += o.Hop {
		s = append(s, span{from, from + o.Window})
	}
	return s
}

// decibel returns 10 log₁₀ of a ratio of energies: ±Inf when one is zero, NaN when
// both are.
func decibel(above, below float64) float64 { return 10 * math.Log10(above/below) }
