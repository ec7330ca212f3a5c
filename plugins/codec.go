package plugins

import (
	"sync"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/plugins/wire"
)

func headTo(h audiosep.Head) *wire.Head {
	m := &wire.Head{Rate: uint64(h.Rate), Samples: uint64(h.Samples), Channels: uint64(h.Channels),
		Realisations: uint64(h.Realisations), Names: h.Names, Encoding: h.Encoding, Speakers: h.Speakers}
	for _, tags := range h.Tags {
		t := &wire.Tags{}
		for _, tag := range tags {
			t.Names, t.Values = append(t.Names, tag.Name), append(t.Values, tag.Value)
		}
		m.Tags = append(m.Tags, t)
	}
	return m
}

// most is the greatest number taken for a size: more would overflow a product of two.
const most = 1 << 31

func headFrom(h *wire.Head) (audiosep.Head, error) {
	for _, c := range []struct {
		what string
		is   uint64
		max  uint64
	}{
		{"rate", h.GetRate(), most}, {"samples", h.GetSamples(), 1 << 48},
		{"channels", h.GetChannels(), 1 << 16}, {"realisations", h.GetRealisations(), 1 << 16},
	} {
		if c.is > c.max {
			return audiosep.Head{}, bad("%s is %d; want at most %d", c.what, c.is, c.max)
		}
	}
	head := audiosep.Head{Rate: int(h.GetRate()), Samples: int(h.GetSamples()), Channels: int(h.GetChannels()),
		Realisations: int(h.GetRealisations()), Names: h.GetNames(), Encoding: h.GetEncoding(), Speakers: h.GetSpeakers()}
	for _, t := range h.GetTags() {
		if len(t.GetNames()) != len(t.GetValues()) {
			return audiosep.Head{}, bad("there are %d names of tags and %d values; want as many", len(t.GetNames()), len(t.GetValues()))
		}
		var tags audiosep.Tags
		for i, name := range t.GetNames() {
			tags = append(tags, audiosep.Tag{Name: name, Value: t.GetValues()[i]})
		}
		head.Tags = append(head.Tags, tags)
	}
	return head, nil
}

func framingTo(f audiosep.Framing) *wire.Framing {
	return &wire.Framing{Head: headTo(f.Head), Length: uint64(f.Length), Hop: uint64(f.Hop), Pad: uint64(f.Pad),
		Share: uint64(f.Share), Analysis: encode(f.Analysis), Synthesis: encode(f.Synthesis)}
}

func framingFrom(f *wire.Framing) (audiosep.Framing, error) {
	head, err := headFrom(f.GetHead())
	if err != nil {
		return audiosep.Framing{}, err
	}
	if max(f.GetLength(), f.GetHop(), f.GetPad(), f.GetShare()) > most {
		return audiosep.Framing{}, bad("the framing has sizes beyond %d", most)
	}
	out := audiosep.Framing{Head: head, Length: int(f.GetLength()), Hop: int(f.GetHop()), Pad: int(f.GetPad()), Share: int(f.GetShare())}
	for window, b := range map[*[]float64][]byte{&out.Analysis: f.GetAnalysis(), &out.Synthesis: f.GetSynthesis()} {
		if len(b) != 8*out.Length {
			return out, bad("a window has %d bytes; want %d, 8 for each of %d samples", len(b), 8*out.Length, out.Length)
		}
		*window = decode(b)
	}
	if err := out.Validate(); err != nil {
		return out, bad("the framing does not hold: %v", err)
	}
	return out, nil
}

func groupsTo(groups []audiosep.Group) []*wire.Group {
	out := make([]*wire.Group, len(groups))
	for i, g := range groups {
		out[i] = &wire.Group{Name: g.Name}
		for _, c := range g.Components {
			out[i].Components = append(out[i].Components, uint64(c))
		}
	}
	return out
}

// groupsFrom is groupsTo undone; components must be less than rank.
func groupsFrom(groups []*wire.Group, rank int) ([]audiosep.Group, error) {
	var out []audiosep.Group
	for _, g := range groups {
		own := audiosep.Group{Name: g.GetName()}
		for _, c := range g.GetComponents() {
			if c >= uint64(rank) {
				return nil, bad("group %q has component %d; want at most %d", g.GetName(), c, rank-1)
			}
			own.Components = append(own.Components, int(c))
		}
		out = append(out, own)
	}
	return out, nil
}

// listFrom returns the numbers of b, at most limit, which must be finite.
func listFrom(what string, b []byte, limit int) ([]float64, error) {
	if len(b)%8 != 0 || len(b)/8 > limit {
		return nil, bad("%s is %d bytes; want 8 for each of at most %d numbers", what, len(b), limit)
	}
	x := decode(b)
	if !finite(x) {
		return nil, bad("%s has NaN or infinity", what)
	}
	return x, nil
}

func envTo(env audiosep.Env) *wire.Env {
	e := &wire.Env{Seed: env.Seed, Log: env.Log != nil, Progress: env.Progress != nil}
	for port, stages := range env.Wiring {
		e.Wiring = append(e.Wiring, &wire.Wire{Port: port, Stages: stages})
	}
	return e
}

func paramErrors(faults []*wire.ParamFault) error {
	var errs audiosep.ParamErrors
	for _, f := range faults {
		errs = append(errs, &audiosep.ParamError{Name: f.GetName(), What: f.GetWhat(), Hint: f.GetHint()})
	}
	if errs == nil {
		return nil
	}
	return errs
}

func paramFaults(err error) (faults []*wire.ParamFault, ok bool) {
	errs, ok := audiosep.AsParamErrors(err)
	for _, f := range errs {
		faults = append(faults, &wire.ParamFault{Name: f.Name, What: f.What, Hint: f.Hint})
	}
	return faults, ok
}

func forecastsTo(all map[string]audiosep.Forecast) (out []*wire.Forecast) {
	for port, f := range all {
		out = append(out, &wire.Forecast{Port: port, Rank: uint64(f.Rank), Sources: f.Sources})
	}
	return out
}

// mostRank is the most components that may be forecast, the most that stages here can be told to find: whoever is
// told of a rank may make a list of as many.
const mostRank = 100_000

func forecastsFrom(all []*wire.Forecast) (map[string]audiosep.Forecast, error) {
	out := map[string]audiosep.Forecast{}
	for _, f := range all {
		if f.GetRank() > mostRank {
			return nil, bad("the rank of %q will be %d; want 0, if it is not known, to %d", f.GetPort(), int64(f.GetRank()), mostRank)
		}
		out[f.GetPort()] = audiosep.Forecast{Rank: int(f.GetRank()), Sources: f.GetSources()}
	}
	return out, nil
}

// once computes a value once, unless that fails.
type once[T any] struct {
	mu    sync.Mutex
	done  bool
	value T
}

func (o *once[T]) get(compute func() (T, error)) (T, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.done {
		return o.value, nil
	}
	v, err := compute()
	if err != nil {
		var none T
		return none, err
	}
	o.value, o.done = v, true
	return v, nil
}
