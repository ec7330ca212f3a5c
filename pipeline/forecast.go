package pipeline

import (
	"context"
	"errors"
	"math"
	"runtime"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/blocks"
)

// Forecast is what a run will take, as it is known before its work begins.
type Forecast struct {
	Head    audiosep.Head // of the first recording; zero if there is none
	Frames  int           // of the frames that are most
	Length  int           // samples of such a frame
	Bytes   int64         // of memory, of the process, at most
	At      string        // the stage at which they are
	Seconds float64       // of work, by one core that makes a billion operations a second
	// Unknown are stages that may take memory and cannot tell: those of plugins.
	Unknown []string
}

// processBytes is the memory of a process that reads and writes block after block, besides what
// stages say. What they say, but for large arrays, is more by slack: spans that are not full, and
// garbage of blocks. Both are measured; audiosep bench memory prints what is forecast beside what is taken.
const (
	processBytes = 30 << 20
	slack        = 1.12
)

// Forecast says what a run will take. It opens the recording, and what else stages that are
// [audiosep.Lazy] open, but reads none of its samples.
func (p *Pipeline) Forecast(ctx context.Context) (will Forecast, err error) {
	r := p.begin(Options{})
	defer func() { err = errors.Join(err, r.close()) }()
	if err := r.lazy(ctx); err != nil {
		return will, err
	}
	return r.forecast(ctx)
}

// forecast says what will be taken by the stages that have not run. It is an error if a stage
// is to be given what is not cut alike.
func (r *run) forecast(ctx context.Context) (Forecast, error) {
	f := &forecaster{run: r, extents: map[Ref]audiosep.Extent{}, framings: map[Ref]*audiosep.Framing{}, keeps: map[Ref]int64{}, left: r.takers()}
	for _, st := range r.Pipeline.stages {
		f.stage(ctx, st)
		if err := f.frames(st); err != nil {
			return Forecast{}, wrap(st, err)
		}
	}
	f.Forecast.Bytes += processBytes
	return f.Forecast, nil
}

// forecaster goes through the stages as the run will.
type forecaster struct {
	*run
	Forecast Forecast
	extents  map[Ref]audiosep.Extent
	framings map[Ref]*audiosep.Framing // of the frames that outputs are of, or are learnt from
	keeps    map[Ref]int64             // bytes of outputs that are there
	left     map[Ref]int               // how many inputs have yet to take an output
}

// stage adds what one stage takes.
func (f *forecaster) stage(ctx context.Context, st *stage) {
	e := f.extent(ctx, st)
	if e.Head.Samples > 0 && f.Forecast.Head.Samples == 0 {
		f.Forecast.Head = e.Head
	}
	if e.Frames > f.Forecast.Frames {
		f.Forecast.Frames, f.Forecast.Length = e.Frames, e.Length
	}
	n := f.needs(st, e)
	_, reads := st.impl.(audiosep.PowerFactorizer)
	if n.Power || reads && f.Report != nil { // which is shown V
		f.keepPower(st, e)
	}
	if n.Power || reads {
		n.Operations += transformed(e)
	}
	if n.Coefs {
		n.Work += e.Coefs(e.Frames * max(1, e.Layers()))
		n.Operations += transformed(e)
	}
	small := n.Work - n.Large + n.Keeps
	for _, bytes := range f.keeps {
		small += bytes
	}
	held := n.Large + int64(slack*float64(small))
	if held > f.Forecast.Bytes {
		f.Forecast.Bytes, f.Forecast.At = held, st.id
	}
	f.Forecast.Seconds += n.Operations / 1e9
	for _, from := range st.in {
		for _, ref := range from {
			if f.left[ref]--; f.left[ref] == 0 {
				delete(f.keeps, ref)
			}
		}
	}
	for i, port := range st.def.Out {
		ref := Ref{st.id, port.Name}
		f.extents[ref] = f.after(ref, st, e)
		if i == 0 && f.left[ref] > 0 {
			f.keeps[ref] = n.Keeps
		}
	}
}

// frames finds how what a stage makes is cut, and asks the stage whether its inputs fit.
func (f *forecaster) frames(st *stage) error {
	in := map[string][]*audiosep.Framing{}
	var first *audiosep.Framing
	for _, port := range st.def.In {
		for _, ref := range st.in[port.Name] {
			framing := f.framings[ref]
			in[port.Name] = append(in[port.Name], framing)
			if first == nil {
				first = framing
			}
		}
	}
	for _, out := range st.def.Out {
		ref := Ref{st.id, out.Name}
		switch v := f.made[ref].(type) {
		case *audiosep.Framed:
			f.framings[ref] = &v.Framing
		case audiosep.Spectra:
			framing := v.Framing()
			f.framings[ref] = &framing
		case audiosep.Power:
			framing := v.Framing()
			f.framings[ref] = &framing
		case *audiosep.Factors:
			f.framings[ref] = v.Framing
		case nil:
			if out.Cargo != audiosep.CargoAudio && out.Cargo != audiosep.CargoSources {
				f.framings[ref] = first
			}
		}
	}
	if c, ok := st.impl.(audiosep.FramingChecker); ok {
		return c.CheckFramings(in)
	}
	return nil
}

// needs asks a stage what it takes. Stages that hand on block after block take the same whatever
// the recording's length; what takes sources has them computed.
func (f *forecaster) needs(st *stage, e audiosep.Extent) (n audiosep.Needs) {
	if s, ok := st.impl.(audiosep.Sizer); ok {
		n = s.Needs(e)
	} else if st.def.Origin != "" && !st.def.Promised(audiosep.Lazy) {
		f.Forecast.Unknown = append(f.Forecast.Unknown, st.id)
	}
	var blocks int64
	for _, in := range st.def.In {
		if in.Cargo != audiosep.CargoSources {
			continue
		}
		for _, ref := range st.in[in.Name] {
			from := f.extents[ref]
			blocks += blockBytes(from)
			n.Work += fileBytes * int64(max(1, from.Sources)*max(1, from.Realisations))
			n.Operations += float64(1+from.Sources) * transformed(from)
		}
	}
	// A run that takes little is not collected before each stage, and garbage of the blocks stays. How
	// much of them is a fit to what `audiosep bench memory` measures.
	n.Work += blocks + min(blocks*3/5, max(0, collectAbove-blocks))
	return n
}

// keepPower counts V from now on, until nobody takes it any more.
func (f *forecaster) keepPower(st *stage, e audiosep.Extent) {
	for _, in := range st.def.In {
		for _, ref := range st.in[in.Name] {
			if in.Cargo == audiosep.CargoPower {
				f.keeps[ref] = e.V()
			}
		}
	}
}

// transformed is about what it takes to read the frames of all layers and transform them, or
// back: a fast transform makes 5 M log2 M operations at a tenth of the speed of a matrix product,
// and what goes with it is as much again.
func transformed(e audiosep.Extent) float64 {
	if e.Length < 2 {
		return 0
	}
	return 100 * float64(e.Frames) * float64(max(1, e.Layers())) * float64(e.Length) * math.Log2(float64(e.Length))
}

// blockBytes is what separating block after block has in memory: for each thread the mixture and
// the sources of a block, as coefficients and as samples, and as much that is to be collected.
func blockBytes(e audiosep.Extent) int64 {
	if e.Frames == 0 {
		return 0
	}
	ctx := context.Background()
	sources, layers := max(1, e.Sources), max(1, e.Layers())
	n := blocks.Size(ctx, e.Length*sources, layers, max(1, e.Frames/max(1, e.Columns)), e.Frames)
	one := (e.Coefs(n) + 8*int64(n*e.Length)) * int64(layers)
	return 5 * int64(e.Threads) * one * int64(1+sources) / 2
}

// fileBytes is what a file has in memory that is being written: samples, as numbers are stored, twice.
const fileBytes = 2 << 16

// extent is how large that is what a stage is given.
func (f *forecaster) extent(ctx context.Context, st *stage) audiosep.Extent {
	var e audiosep.Extent
	transform := false
	for _, in := range st.def.In {
		for _, ref := range st.in[in.Name] {
			from := f.extents[ref]
			switch in.Cargo {
			case audiosep.CargoFactors:
				e.Rank += max(from.Rank, 0)
			case audiosep.CargoNotes:
				e.Pitches += from.Pitches
			case audiosep.CargoTransform:
				transform = true
			case audiosep.CargoSources:
				e.Sources += from.Sources
				fallthrough
			default:
				if from.Samples > e.Samples || e.Frames == 0 {
					sources, rank, pitches := e.Sources, e.Rank, e.Pitches
					e = from
					e.Sources, e.Rank, e.Pitches = sources, rank, pitches
				}
			}
		}
	}
	e.Threads, e.Transform = runtime.GOMAXPROCS(0), transform
	return e
}

// after is how large an output is: as it is, where it is there, or else as the stage's input,
// with what the stage does to it.
func (f *forecaster) after(ref Ref, st *stage, e audiosep.Extent) audiosep.Extent {
	if will := st.will[ref.Port]; will.Rank > 0 || will.Sources != nil {
		e.Rank, e.Sources = will.Rank, len(will.Sources)
	}
	switch v := f.made[ref].(type) {
	case audiosep.Stems:
		e = of(e, v.Head())
		e.Sources = len(v.Names())
	case audiosep.Source:
		e = of(e, f.heads[ref])
	case *audiosep.Framed:
		e = framed(e, v.Framing)
	case audiosep.Spectra:
		e = framed(e, v.Framing())
		e.Bins, e.Complex = v.Transform().Bins(), v.Transform().Complex()
	case audiosep.Power:
		e = framed(e, v.Framing())
		e.Bins = v.Bins()
	case *audiosep.Factors:
		e.Rank = v.Rank()
	case audiosep.Notes:
		e.Pitches = pitchesOf(v)
	case nil:
		e = f.unmade(st, e)
	}
	return e
}

// pitchesOf counts the pitches of notes, those of each source by themselves.
func pitchesOf(notes audiosep.Notes) int {
	type pitch struct {
		source string
		bits   uint64
	}
	all := map[pitch]bool{}
	for _, n := range notes {
		all[pitch{n.Source, math.Float64bits(n.Pitch)}] = true
	}
	return len(all)
}

// unmade is how large what a stage has yet to make will be, where it is a framer or transformer.
func (f *forecaster) unmade(st *stage, e audiosep.Extent) audiosep.Extent {
	ctx := context.Background()
	if framer, ok := st.impl.(audiosep.Framer); ok && e.Samples > 0 {
		if framing, err := framer.Framing(ctx, e.Head); err == nil {
			e = framed(e, framing)
		}
	}
	if t, ok := st.impl.(audiosep.Transformer); ok && e.Length > 0 {
		if t, err := t.Transform(ctx, e.Length); err == nil {
			e.Bins, e.Complex = t.Bins(), t.Complex()
		}
	}
	return e
}

func of(e audiosep.Extent, h audiosep.Head) audiosep.Extent {
	e.Head = h
	return e
}

func framed(e audiosep.Extent, by audiosep.Framing) audiosep.Extent {
	e.Head, e.Length, e.Hop, e.Frames, e.Columns = by.Head, by.Length, by.Hop, by.Frames(), by.Columns()
	return e
}

// collectAbove is how much memory a run takes at least that is collected before each stage.
const collectAbove = 64 << 20

// collect gives back what stages that have run had in memory, where a run takes much: garbage
// would otherwise be let grow to as much again.
func (r *run) collect() {
	if r.will.Bytes > collectAbove {
		runtime.GC()
		runtime.GC() // what a sync.Pool holds goes with the second
	}
}
