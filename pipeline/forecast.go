package pipeline

import (
	"context"
	"errors"
	"math"
	"runtime"

	"github.com/audiosep/audiosep"
)

// Forecast is what a run will take, as it is known before its work begins.
type Forecast struct {
	Head    audiosep.Head // of the first recording; zero if there is none
	Frames  int           // of the frames that are most
	Length  int           // samples of such a frame
	Bytes   int64         // of memory, of the process, at most, where there is no limit
	Least   int64         // of them in use at a time: with a limit between the two garbage is collected sooner
	At      string        // the stage at which most are in use
	Seconds float64       // of work, by one core that makes a billion operations a second
	// Unknown are stages that may take memory and cannot tell: those of plugins.
	Unknown []string

	savings func() []Saving
}

// Savings returns ways to take less memory, what helps most first. They are forecast when they are asked for, which
// an [Options].Forecast may do; of what [Pipeline.Forecast] returns there are none.
func (f Forecast) Savings() []Saving {
	if f.savings == nil {
		return nil
	}
	return f.savings()
}

// ProcessBytes is the memory of a process before its work: the program, as far as it is read, and
// what the runtime has. It is measured; audiosep bench memory prints what is forecast beside what is taken.
const ProcessBytes = 33 << 20

// slack is how much more than what is in use many arrays take, that come and go in places of set sizes.
// It is measured too.
const slack = 1.1

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
	return r.forecastOf(ctx, nil, nil)
}

// forecastOf is the forecast with sizers in the place of those of some stages, and of extents as they are given to
// stages by size; both may be nil.
func (r *run) forecastOf(ctx context.Context, instead map[*stage]audiosep.Sizer, size func(audiosep.Extent) audiosep.Extent) (Forecast, error) {
	f := &forecaster{run: r, extents: map[Ref]audiosep.Extent{}, framings: map[Ref]*audiosep.Framing{}, tally: r.newTally(), instead: instead, size: size}
	if size == nil {
		f.size = func(e audiosep.Extent) audiosep.Extent { return e }
	}
	for _, st := range r.Pipeline.stages {
		f.stage(ctx, st)
		if err := f.frames(st); err != nil {
			return Forecast{}, wrap(st, err)
		}
	}
	f.Forecast.Bytes += ProcessBytes
	f.Forecast.Least += ProcessBytes
	return f.Forecast, nil
}

// forecaster goes through the stages as the run will.
type forecaster struct {
	*run
	Forecast Forecast
	extents  map[Ref]audiosep.Extent
	framings map[Ref]*audiosep.Framing // of the frames that outputs are of, or are learnt from
	instead  map[*stage]audiosep.Sizer
	size     func(audiosep.Extent) audiosep.Extent
	tally
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
	n := audiosep.Needs{}
	if s, ok := f.sizer(st); ok {
		n = s.Needs(f.size(e))
	} else if st.def.Origin != "" && !st.lazy() {
		f.Forecast.Unknown = append(f.Forecast.Unknown, st.id)
	}
	for _, port := range st.def.Out {
		ref := Ref{st.id, port.Name}
		f.extents[ref] = f.after(ref, st, e)
		if port.Cargo == audiosep.CargoSources && n.Streams == 0 {
			sources := max(1, f.extents[ref].Sources)
			if _, ok := st.impl.(audiosep.RestSeparator); ok && sources > 1 {
				sources--
			}
			n.Streams = f.size(f.extents[ref]).Separated(sources, 0, 0)
		}
	}
	f.needs[st], f.sizes[st] = n, f.size(e)
	if !st.lazy() {
		f.works(st)
	} else if f.lastOf[st] != nil {
		f.kept[st] = n.Keeps
	}
}

// sizer returns what says what a stage takes.
func (f *forecaster) sizer(st *stage) (audiosep.Sizer, bool) {
	if s, ok := f.instead[st]; ok {
		return s, true
	}
	s, ok := st.impl.(audiosep.Sizer)
	return s, ok
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
