package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"math"

	"github.com/audiosep/audiosep"
)

// Needs is what a run is likely to need: an estimate from the length of the recording and the
// sizes of its transform and factors, by which runs are ordered and fitted beside each other.
type Needs struct {
	Seconds float64 // of one processor
	Bytes   int64   // of memory, at most at a time
}

// Needs estimates what a run will need. It opens the recording, and what else stages that are
// [audiosep.Lazy] open, but reads none of its samples.
func (p *Pipeline) Needs(ctx context.Context) (n Needs, err error) {
	r := &run{Pipeline: p, Options: Options{Log: slog.New(slog.DiscardHandler)}, out: map[Ref]any{}, left: map[Ref]int{}, heads: map[Ref]audiosep.Head{}, ran: map[*stage]bool{}}
	defer func() {
		for _, st := range p.stages {
			if c, ok := st.impl.(io.Closer); ok {
				err = errors.Join(err, wrap(st, c.Close()))
			}
		}
	}()
	for _, st := range p.stages { // one taker more than there are, so that all outputs stay
		for _, out := range st.def.Out {
			r.left[Ref{st.id, out.Name}] = math.MaxInt
		}
	}
	e := &estimate{run: r, sizes: map[Ref]size{}, used: map[Ref]bool{}}
	err = r.each(ctx, func(ctx context.Context, st *stage) error {
		if st.def.Promised(audiosep.Lazy) && r.fed(st) {
			if err := r.stage(ctx, st); err != nil {
				return err
			}
		}
		return e.add(ctx, st)
	})
	const program, startup = 40 << 20, 0.02
	return Needs{startup + e.seconds, program + e.held + e.working}, err
}

// size is how much there is at an output; what is not known is 0.
type size struct {
	samples, layers       int
	length, frames        int // M, N
	columns, bins, number int // N/S; F; numbers of one coefficient, 2 if it is complex
	rank, sources         int
}

// and returns the greater of each.
func (s size) and(t size) size {
	return size{max(s.samples, t.samples), max(s.layers, t.layers), max(s.length, t.length), max(s.frames, t.frames),
		max(s.columns, t.columns), max(s.bins, t.bins), max(s.number, t.number), max(s.rank, t.rank), max(s.sources, t.sources)}
}

func (s size) head(h audiosep.Head) size {
	s.samples, s.layers = h.Samples, h.Layers()
	return s
}

func (s size) framing(f audiosep.Framing) size {
	s = s.head(f.Head)
	s.length, s.frames, s.columns = f.Length, f.Frames(), f.Columns()
	return s
}

func (s size) transform(t audiosep.Transform) size {
	s.length, s.bins, s.number = t.Len(), t.Bins(), 1
	if t.Complex() {
		s.number = 2
	}
	return s
}

// sized returns the size of a value that is there, beginning with what its stage was given.
func (s size) sized(ctx context.Context, value any) size {
	switch v := value.(type) {
	case audiosep.Stems:
		s = s.head(v.Head())
		s.sources = len(v.Names())
	case audiosep.Source:
		if h, err := v.Head(ctx); err == nil {
			s = s.head(h)
		}
	case *audiosep.Framed:
		s = s.framing(v.Framing)
	case audiosep.Spectra:
		s = s.framing(v.Framing()).transform(v.Transform())
	case audiosep.Power:
		s = s.framing(v.Framing())
		s.bins = v.Bins()
	case *audiosep.FittedTransform:
		s = s.transform(v.Transform)
	case *audiosep.Factors:
		if v.W != nil {
			s.bins, s.rank = v.W.Dims()
		}
		s.sources = len(v.Sources)
	}
	return s
}

// estimate adds up what the stages of a run need.
type estimate struct {
	*run
	sizes         map[Ref]size
	used          map[Ref]bool // powers that are computed whole already
	seconds       float64
	held, working int64
}

// add adds what a stage needs, and says how much it makes.
func (e *estimate) add(ctx context.Context, st *stage) error {
	var in size
	for _, from := range st.in {
		for _, ref := range from {
			in = in.and(e.sizes[ref])
		}
	}
	settings := st.numbers()
	in.rank = max(in.rank, int(settings["rank"]))
	if !e.ran[st] || len(st.def.Out) == 0 {
		e.work(st, in, settings)
	}
	for _, out := range st.def.Out {
		ref := Ref{st.id, out.Name}
		s := in
		if value, there := e.out[ref]; there {
			s = in.sized(ctx, value)
		} else {
			s.grow(out.Cargo, st.will[out.Name])
		}
		e.sizes[ref] = s
	}
	return ctx.Err()
}

// grow fills in what a stage that has not run will make.
func (s *size) grow(c audiosep.Cargo, known audiosep.Forecast) {
	if known.Rank > 0 {
		s.rank = known.Rank
	}
	switch c {
	case audiosep.CargoCoefs, audiosep.CargoPower, audiosep.CargoTransform:
		if s.bins == 0 { // a learnt transform is square
			s.bins, s.number = s.length, 1
		}
	case audiosep.CargoSources:
		if s.sources = len(known.Sources); s.sources == 0 {
			s.sources = max(s.rank, 2)
		}
	}
}

// numbers returns those of a stage's parameters that are numbers.
func (st *stage) numbers() map[string]float64 {
	all, given := map[string]float64{}, map[string]json.RawMessage{}
	json.Unmarshal(st.params, &given) // it was checked
	for _, p := range st.def.Params {
		raw, ok := given[p.Name]
		if !ok {
			raw = p.Default
		}
		var x float64
		if json.Unmarshal(raw, &x) == nil {
			all[p.Name] = x
		}
	}
	return all
}

// What one processor takes for one of each, in seconds: measured on one of 2023 (AVX-512) with
// the pipelines of presets/, and rounded.
const (
	perButterfly = 1.5e-9  // M·log2 M of a frame, transformed
	perProduct   = 0.3e-9  // F·K·N of an iteration of NMF: WH, and the two sums of each factor
	perPower     = 0.4e-9  // F·N of an iteration: ratios and divergence
	perSquare    = 0.05e-9 // M·M·N of an iteration that learns a transform
	perCovarying = 8e-9    // F·N·L² of an iteration over L channels
	perCoef      = 6e-9    // F·N of a source, masked
	perSample    = 12e-9   // of a source, written
)

// work adds what a stage that works needs: by what it takes whole, so that it holds for stages
// that nobody has measured.
func (e *estimate) work(st *stage, in size, settings map[string]float64) {
	rounds := max(1, settings["iterations"]) * max(1, settings["restarts"]) * max(1, settings["starts"])
	f, n, k, l := float64(in.bins), float64(in.columns), float64(max(1, in.rank)), float64(max(1, in.layers))
	frames, m := float64(in.frames), float64(in.length)
	analysis := perButterfly * frames * l * m * math.Log2(max(2, m))
	var working float64
	for _, port := range st.def.In {
		if _, wired := st.in[port.Name]; !wired {
			continue
		}
		switch {
		case port.Cargo == audiosep.CargoPower && st.def.Promised(audiosep.Local):
			e.seconds += analysis + rounds*f*n*(perProduct*k/2+perPower)
			working = 8 * k * n * 2
		case port.Cargo == audiosep.CargoPower:
			e.power(st.in[port.Name], 8*f*n, analysis)
			e.seconds += rounds * f * n * (perProduct*k + perPower)
			working = 8 * (1.3*f*n + 4*k*(f+n)*max(1, min(2, settings["restarts"])))
		case port.Cargo == audiosep.CargoFrames:
			e.seconds += rounds * (frames*l*m*m*perSquare + m*n*(perProduct*k+perPower))
			working = 8 * (6*m*frames*l + 6*m*m)
		case port.Cargo == audiosep.CargoCoefs && !st.def.Promised(audiosep.Local):
			e.seconds += analysis + rounds*f*frames*l*l*perCovarying
			working = 8 * f * frames * float64(max(1, in.number)) * l * 4
		case port.Cargo == audiosep.CargoCoefs: // V, to group components by, and scratch of each source
			working = 8 * 6 * f * frames
		case port.Cargo == audiosep.CargoSources && len(st.def.Out) == 0:
			s := float64(max(1, in.sources))
			e.seconds += analysis*(1+s) + s*l*(f*frames*perCoef+float64(in.samples)*perSample)
			working = 8 * (s + 2) * l * (1 << 18)
		case port.Cargo == audiosep.CargoSources || port.Cargo == audiosep.CargoAudio:
			e.seconds += analysis + float64(in.samples)*l*perSample
			working = 8 * float64(in.samples) * l
		}
	}
	e.working = max(e.working, int64(working))
}

// power adds a V that is computed whole and stays, once for all who take it.
func (e *estimate) power(from []Ref, bytes, seconds float64) {
	for _, ref := range from {
		if !e.used[ref] {
			e.used[ref] = true
			e.held += int64(bytes)
			e.seconds += seconds
		}
	}
}
