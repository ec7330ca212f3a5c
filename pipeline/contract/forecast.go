package contract

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"

	"github.com/audiosep/audiosep"
)

// told are the promises of what a stage says of itself before it runs, if it says anything.
func (s *subject) told(ctx context.Context) (checks []check) {
	said := false
	err := s.guard(ctx, check{run: func(_ context.Context, s *subject) error {
		stage, err := s.def.Build(s.o.Params)
		if err != nil {
			return err
		}
		s.open.add(stage)
		if f, ok := stage.(audiosep.Forecaster); ok {
			out, err := f.Forecast(s.known(true))
			said = len(out) > 0 || err != nil
		}
		if _, ok := stage.(audiosep.Sizer); ok {
			checks = append(checks, needsCheck)
		}
		return nil
	}})
	if said || err != nil { // where that panicked it is found again, by the check
		checks = append(checks, forecastCheck)
	}
	return checks
}

var forecastCheck = check{"forecast", "What a stage says of its outputs before it runs is what comes out, and the same whenever it is asked.",
	"let forecast follow from the parameters and from what is known of the inputs alone; leave out of it what is not known before the run", forecastsTruly}

var needsCheck = check{"needs", "What a stage says that it takes is finite, not negative, no less for a longer recording, and the same whenever it is asked.",
	"count in int64 and float64, from the Extent and the parameters alone; where the Extent has 0 a size is not known", needsCounted}

// known is what forecast is told of the inputs that the stage on trial will be given, or nothing.
func (s *subject) known(anything bool) map[string]audiosep.Forecast {
	in := map[string]audiosep.Forecast{}
	for _, p := range s.given() {
		var f audiosep.Forecast
		switch {
		case p.Cargo == audiosep.CargoFactors:
			if f.Rank = s.o.Rank; p.Many {
				f.Rank *= 2
			}
		case p.Cargo == audiosep.CargoSources && !p.Many:
			f.Sources = []string{"first", "second"}
		}
		if !anything {
			f = audiosep.Forecast{}
		}
		in[p.Name] = f
	}
	return in
}

// given returns the inputs that are wired when a forecast is held against what comes out: all but those from
// which a learner may begin.
func (s *subject) given() (ports []audiosep.Port) {
	learns := is[audiosep.Factorizer](s) || is[audiosep.JointLearner](s) || is[audiosep.TransformLearner](s)
	for _, p := range s.def.In {
		if !learns || !p.Optional {
			ports = append(ports, p)
		}
	}
	return ports
}

func forecastsTruly(ctx context.Context, s *subject) error {
	stage, err := s.def.Build(s.o.Params)
	if err != nil {
		return err
	}
	s.open.add(stage)
	var said []map[string]audiosep.Forecast
	for _, anything := range []bool{false, true} {
		out, err := s.forecastTwice(stage.(audiosep.Forecaster), anything)
		if err != nil {
			return err
		}
		if err := s.plausible(out); err != nil {
			return err
		}
		said = append(said, out)
	}
	out, err := s.runWith(ctx, newScene("scene"), 1, s.given())
	if err != nil {
		return skipped("it does not run on what it was given: " + err.Error())
	}
	for _, said := range said {
		for _, p := range s.def.Out {
			if err := came(p, said[p.Name], out[p.Name]); err != nil {
				return err
			}
		}
	}
	return nil
}

// forecastTwice asks twice, with arguments that are to stay as they are.
func (s *subject) forecastTwice(f audiosep.Forecaster, anything bool) (map[string]audiosep.Forecast, error) {
	var both [2]map[string]audiosep.Forecast
	for i := range both {
		var err error
		in := s.known(anything)
		if both[i], err = f.Forecast(in); err != nil {
			if _, refuses := audiosep.AsParamErrors(err); refuses {
				return nil, skipped("it refuses what it is told of its inputs: " + err.Error())
			}
			return nil, fmt.Errorf("%w; want no error, or that of a parameter that does not go with the inputs", err)
		}
		if !reflect.DeepEqual(in, s.known(anything)) {
			return nil, fmt.Errorf("what is known of the inputs was modified, to %+v; want it left alone", in)
		}
	}
	if fmt.Sprint(both[0]) != fmt.Sprint(both[1]) {
		return nil, fmt.Errorf("asked twice it says %+v and then %+v; want the same", both[0], both[1])
	}
	return both[0], nil
}

// plausible says what of a forecast can be true of no run.
func (s *subject) plausible(said map[string]audiosep.Forecast) error {
	for _, port := range slices.Sorted(maps.Keys(said)) {
		f := said[port]
		i := slices.IndexFunc(s.def.Out, func(p audiosep.Port) bool { return p.Name == port })
		if i < 0 {
			return fmt.Errorf("it says what will come of output %q; want outputs that it has", port)
		}
		factors, sources := s.def.Out[i].Cargo == audiosep.CargoFactors, s.def.Out[i].Cargo == audiosep.CargoSources
		switch {
		case f.Rank < 0:
			return fmt.Errorf("output %q: it says that the rank will be %d; want at least 1, or 0 if it is not known", port, f.Rank)
		case f.Rank > 0 && !factors, f.Sources != nil && !factors && !sources:
			return fmt.Errorf("output %q: it says rank %d and sources %q of what is %s; want a rank of factors alone, sources of factors and of sources", port, f.Rank, f.Sources, s.def.Out[i].Cargo)
		}
		for j, name := range f.Sources {
			if name == "" || slices.Index(f.Sources, name) < j {
				return fmt.Errorf("output %q: it says that source %d will be called %q; want a name of its own for each", port, j+1, name)
			}
		}
	}
	return nil
}

// came says how an output is not what was said of it.
func came(p audiosep.Port, said audiosep.Forecast, v any) error {
	var names []string
	switch v := v.(type) {
	case audiosep.Stems:
		names = v.Names()
	case *audiosep.Factors:
		if v.W == nil && v.H == nil {
			return nil // which the checks of the output say
		}
		if rank := rankOf(v); said.Rank > 0 && rank != said.Rank {
			return fmt.Errorf("output %q: it said that the rank would be %d, and it is %d", p.Name, said.Rank, rank)
		}
		if said.NoH && v.H != nil {
			return fmt.Errorf("output %q: it said that W would be all, and there is H", p.Name)
		}
		for _, g := range v.Sources {
			names = append(names, g.Name)
		}
	default:
		return nil
	}
	if said.Sources != nil && !slices.Equal(names, said.Sources) {
		return fmt.Errorf("output %q: it said that the sources would be %q, and they are %q", p.Name, said.Sources, names)
	}
	return nil
}

// needsCounted asks what a stage takes of recordings each ten times as long as the one before, and of one of
// which nothing is known.
func needsCounted(_ context.Context, s *subject) error {
	stage, err := s.def.Build(s.o.Params)
	if err != nil {
		return err
	}
	s.open.add(stage)
	sizer, ok := stage.(audiosep.Sizer)
	if !ok {
		return errors.New("what is built says no more what it takes; want what it said at first")
	}
	last := []float64{}
	for _, e := range s.extents() {
		n := sizer.Needs(e)
		numbers := []float64{float64(n.Work), float64(n.Keeps), float64(n.Streams), float64(n.Large), n.Passes, float64(n.Garbage), n.Operations}
		for i, name := range []string{"Work", "Keeps", "Streams", "Large", "Passes", "Garbage", "Operations"} {
			x := numbers[i]
			if !(x >= 0) || math.IsInf(x, 0) {
				return fmt.Errorf("%s for %d samples is %v; want a finite number, at least 0", name, e.Samples, x)
			}
			if len(last) > 0 && name != "Passes" && x < last[i] {
				return fmt.Errorf("%s for %d samples is %v, less than %v for a tenth of these; want no less", name, e.Samples, x, last[i])
			}
		}
		if again := sizer.Needs(e); n != again {
			return fmt.Errorf("of %d samples it takes %+v and, asked again, %+v; want the same", e.Samples, n, again)
		}
		if n.Large > n.Work {
			return fmt.Errorf("%s for %d samples is %d, more than Work, %d, of which it is a part", "Large", e.Samples, n.Large, n.Work)
		}
		if last = numbers; e.Samples == 0 {
			last = nil
		}
	}
	return nil
}

// extents are those of nothing that is known, of the scene, and of recordings of up to 27 hours.
func (s *subject) extents() []audiosep.Extent {
	all := []audiosep.Extent{{Threads: 1}}
	f := newScene("scene").cut().Framing
	for times := 1; times <= 1_000_000; times *= 10 {
		h := f.Head
		h.Samples *= times
		n := (h.Samples+2*f.Pad-f.Length)/f.Hop + 1
		all = append(all, audiosep.Extent{Head: h, Length: f.Length, Hop: f.Hop, Frames: n, Columns: n, Bins: sceneBins, Complex: true,
			Rank: s.o.Rank, Pitches: 2, Sources: 2, Transform: true, Threads: 2})
	}
	return all
}
