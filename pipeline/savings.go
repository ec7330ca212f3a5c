package pipeline

import (
	"cmp"
	"context"
	"slices"

	"github.com/audiosep/audiosep"
)

// Saving is a way in which a run would take less memory.
type Saving struct {
	What                string // in words; or empty, and
	Stage, Param, Value string // the stage's parameter that would have another value
	Least               int64  // what [Forecast] calls Least, then; of What for half of it
}

// worthwhile is how much less memory makes a saving.
const worthwhile = 0.01

// savings are the ways in which a run would take less than is forecast: each is forecast too.
func (r *run) savings(ctx context.Context, will Forecast) (all []Saving) {
	add := func(s Saving, instead map[*stage]audiosep.Sizer, size func(audiosep.Extent) audiosep.Extent) {
		other, err := r.forecastOf(ctx, instead, size)
		if err == nil && float64(other.Least) < (1-worthwhile)*float64(will.Least) {
			s.Least = other.Least
			all = append(all, s)
		}
	}
	for _, st := range r.Pipeline.stages {
		if s, ok := st.impl.(audiosep.Leaner); ok {
			for _, v := range s.Leaner() {
				add(Saving{Stage: st.id, Param: v.Param, Value: v.Value}, map[*stage]audiosep.Sizer{st: v.Stage}, nil)
			}
		}
	}
	several := slices.ContainsFunc(r.Pipeline.stages, func(st *stage) bool {
		_, ok := st.impl.(audiosep.Multichannel)
		return ok
	})
	for _, w := range wholes {
		if w.there(will) && !(several && w.mono) {
			add(Saving{What: w.what}, nil, w.size)
		}
	}
	slices.SortStableFunc(all, func(a, b Saving) int { return cmp.Compare(a.Least, b.Least) })
	return all
}

// wholes are what can be less of in a run as a whole.
var wholes = []struct {
	what  string
	mono  bool // of no use to stages that take several channels alone
	there func(Forecast) bool
	size  func(audiosep.Extent) audiosep.Extent
}{
	{"a shorter recording (the stage crop)", false, func(f Forecast) bool { return f.Head.Samples > 1 }, func(e audiosep.Extent) audiosep.Extent {
		e.Samples, e.Frames, e.Columns = (e.Samples+1)/2, (e.Frames+1)/2, (e.Columns+1)/2
		return e
	}},
	{"one channel (the stage downmix, behind what reads)", true, func(f Forecast) bool { return f.Head.Channels > 1 }, func(e audiosep.Extent) audiosep.Extent {
		e.Channels = min(e.Channels, 1)
		return e
	}},
	{"a longer hop", false, func(f Forecast) bool { return f.Frames > 1 }, func(e audiosep.Extent) audiosep.Extent {
		e.Hop, e.Frames, e.Columns = 2*e.Hop, (e.Frames+1)/2, (e.Columns+1)/2
		return e
	}},
}

// Has tells whether a stage has a parameter of that name.
func (p *Pipeline) Has(param string) bool {
	return slices.ContainsFunc(p.stages, func(st *stage) bool {
		return slices.ContainsFunc(st.def.Params, func(p audiosep.Param) bool { return p.Name == param })
	})
}

// Makes tells whether a stage has an output of a cargo.
func (p *Pipeline) Makes(c audiosep.Cargo) bool {
	return slices.ContainsFunc(p.stages, func(st *stage) bool {
		return slices.ContainsFunc(st.def.Out, func(port audiosep.Port) bool { return port.Cargo == c })
	})
}
