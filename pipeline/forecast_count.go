package pipeline

import (
	"maps"
	"math"
	"slices"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/garbage"
)

// What a run takes is counted for each stage that works, while it works. A stage that is lazy does
// not: what it makes is a stream, which is computed while another reads it, and so are the streams
// that it is computed from, up to what lies in memory or in a file. While a stage works there is
//
//   - its own Work, and what it Keeps;
//   - what stages before it Keep, as long as it or a later one reads it, itself or through streams;
//   - the Streams of each stage that it reads through, as often as it does;
//   - garbage, its own and that of these stages, but no more than all of that: the runtime lets the
//     heap grow to twice what was in use, and then collects it.
//
// So it is with time: what a stream takes, it takes each time that a stage reads it.

// tally is what the stages take that have been gone through.
type tally struct {
	needs  map[*stage]audiosep.Needs
	sizes  map[*stage]audiosep.Extent // of what each is given
	kept   map[*stage]int64           // bytes in memory, of outputs
	v      map[Ref]int64              // the same, of V
	inFile map[Ref]bool               // stems that somebody has read for others too
	takes  map[Ref]int                // how many inputs take an output
	// The last stage that works and reads an output, itself or through streams, and one of those of a stage.
	last   map[Ref]*stage
	lastOf map[*stage]*stage
}

// newTally returns what is counted before the first stage.
func (p *Pipeline) newTally() tally {
	c := tally{needs: map[*stage]audiosep.Needs{}, sizes: map[*stage]audiosep.Extent{}, kept: map[*stage]int64{}, v: map[Ref]int64{},
		inFile: map[Ref]bool{}, takes: p.takers(), last: map[Ref]*stage{}, lastOf: map[*stage]*stage{}}
	for _, st := range p.stages {
		if !st.lazy() {
			p.reads(st, func(ref Ref, by *stage) bool {
				c.last[ref], c.lastOf[by] = st, st
				return true
			})
		}
	}
	return c
}

// lazy tells whether running the stage is no work.
func (st *stage) lazy() bool { return st.def.Promised(audiosep.Lazy) }

// streams tells whether an output of a stage is computed from the stage's inputs while it is read.
func (st *stage) streams(port string) bool {
	out, _ := find(st.def.Out, port)
	switch out.Cargo {
	case audiosep.CargoFrames, audiosep.CargoCoefs, audiosep.CargoPower, audiosep.CargoSources:
		return true
	case audiosep.CargoAudio:
		return st.lazy() // others have it in a file
	}
	return false
}

// reads calls see with each output that a stage reads, itself or through streams, once. Where see
// returns false what the output is computed from is not read.
func (p *Pipeline) reads(st *stage, see func(Ref, *stage) bool) {
	seen := map[Ref]bool{}
	var follow func(*stage)
	follow = func(st *stage) {
		for _, in := range st.def.In {
			for _, ref := range st.in[in.Name] {
				if by := p.byID[ref.Stage]; !seen[ref] {
					seen[ref] = true
					if see(ref, by) && by.streams(ref.Port) {
						follow(by)
					}
				}
			}
		}
	}
	follow(st)
}

// bill is what there is at one time, in bytes, and what it takes to compute it. They are no integers:
// a chain of stages that each read two streams reads its beginning very often.
type bill struct {
	small, large, garbage, operations float64
}

func (b *bill) add(o bill) {
	b.small += o.small
	b.large += o.large
	b.garbage += o.garbage
	b.operations += o.operations
}

// again makes b that of what is read so often.
func (b *bill) again(passes float64) {
	b.garbage *= passes
	b.operations *= passes
}

// bytes is what is in use, besides the process, and what that comes to with garbage. Garbage is
// collected when the heap has grown to twice what was in use the last time: at first, where large
// arrays are most of it, to twice these, and then to twice of all; or sooner, where garbage is bounded.
func (b bill) bytes() (inUse, withGarbage int64) {
	used := b.large + slack*b.small
	most := used * growth(b.garbage/max(1, used))
	if first := 2 * b.large; first > used && used+b.garbage > first {
		left := b.garbage - (first - used)
		most = max(first, used+min(left, used))
	} else if first > used {
		most = used + b.garbage
	}
	const bound = math.MaxInt64 / 4 // twice that is a number
	inUse = int64(min(used, bound))
	return inUse, min(int64(min(most, 2*bound)), inUse+garbage.Most(inUse))
}

// growth is how many times what is in use a heap of small arrays has at most, on the mean, with so
// much garbage as a part of what is in use. It is collected first somewhere between once and twice what is
// in use, all places being as likely on a scale of ratios, and then at twice; max(x, 2 + part - x) for a
// collection at x has the mean 1 + 3/4 part from 1 to 1 + part.
func growth(part float64) float64 {
	switch {
	case part <= 1:
		return 1 + part - part*math.Log2(1+part)/4
	case part < 2:
		return 1.75 + (part-1)/4
	}
	return 2
}

// works counts a stage that works: what it takes itself, what it reads, and what lies in memory.
func (f *forecaster) works(st *stage) {
	n := f.needs[st]
	b := bill{small: float64(n.Work - n.Large + n.Keeps), large: float64(n.Large), garbage: float64(n.Garbage), operations: n.Operations}
	if e := f.sizes[st]; n.Coefs {
		b.large += float64(e.Coefs(e.Frames * max(1, e.Layers())))
	}
	from := f.inputs(st, f.later(st), map[Ref]bill{})
	if n.Passes > 0 {
		from.again(n.Passes)
	}
	b.add(from)
	f.read(st)
	for _, bytes := range f.kept {
		b.small += float64(bytes)
	}
	for _, bytes := range f.v {
		b.large += float64(bytes)
	}
	used, bytes := b.bytes()
	f.Forecast.Bytes = max(f.Forecast.Bytes, bytes)
	if used > f.Forecast.Least {
		f.Forecast.Least, f.Forecast.At = used, st.id
	}
	f.Forecast.Seconds += b.operations / 1e9
	maps.DeleteFunc(f.v, func(ref Ref, _ int64) bool { return f.last[ref] == st })
	maps.DeleteFunc(f.kept, func(by *stage, _ int64) bool { return f.lastOf[by] == st })
	if f.lastOf[st] != nil {
		f.kept[st] = n.Keeps
	}
}

// later are the cargoes that a stage does not read while it runs, but when its stems are read: masks
// read coefficients before that only to group components by them.
func (f *forecaster) later(st *stage) []audiosep.Cargo {
	if _, masks := st.impl.(audiosep.Separator); !masks {
		return nil
	}
	_, hears := st.impl.(audiosep.HearingSeparator)
	if rank := f.sizes[st].Rank; hears && rank > len(st.will[string(audiosep.CargoSources)].Sources) {
		return nil
	}
	return []audiosep.Cargo{audiosep.CargoCoefs}
}

// inputs is what reading the inputs of a stage once takes. known has what outputs take that were come
// to; skip are cargoes that are not read.
func (f *forecaster) inputs(st *stage, skip []audiosep.Cargo, known map[Ref]bill) (b bill) {
	for _, in := range st.def.In {
		for _, ref := range st.in[in.Name] {
			if !slices.Contains(skip, in.Cargo) {
				b.add(f.stream(ref, known))
			}
		}
	}
	return b
}

// stream is what reading an output once takes: nothing where it lies in memory or in a file.
func (f *forecaster) stream(ref Ref, known map[Ref]bill) bill {
	if b, ok := known[ref]; ok {
		return b
	}
	by := f.byID[ref.Stage]
	if f.v[ref] > 0 || f.inFile[ref] || !by.streams(ref.Port) {
		return bill{}
	}
	n, e := f.needs[by], f.extents[ref]
	b := bill{small: float64(n.Streams)}
	if by.lazy() {
		b.garbage, b.operations = float64(n.Garbage), n.Operations
	}
	var skip []audiosep.Cargo
	switch out, _ := find(by.def.Out, ref.Port); out.Cargo {
	case audiosep.CargoCoefs, audiosep.CargoPower:
		b.operations += transformed(e)
	case audiosep.CargoSources:
		b.operations += float64(e.Sources) * transformed(e)
		skip = []audiosep.Cargo{audiosep.CargoPower} // from which something was learnt
	}
	from := f.inputs(by, skip, known)
	if by.lazy() && n.Passes > 0 {
		from.again(n.Passes)
	}
	if out, _ := find(by.def.Out, ref.Port); out.Cargo == audiosep.CargoFrames {
		from.again(e.Overlap())
	}
	b.add(from)
	known[ref] = b
	return b
}

// read notes what a stage leaves that others need not compute: V, where it has all of it, and stems
// that several stages take, which the first puts into a file.
func (f *forecaster) read(st *stage) {
	_, whole := st.impl.(audiosep.PowerFactorizer)
	whole = f.needs[st].Power || whole && f.Report != nil // a report is shown V
	f.reads(st, func(ref Ref, by *stage) bool {
		if f.v[ref] > 0 || f.inFile[ref] {
			return false
		}
		switch out, _ := find(by.def.Out, ref.Port); {
		case out.Cargo == audiosep.CargoPower && whole:
			f.v[ref] = f.extents[ref].V()
		case out.Cargo == audiosep.CargoSources && f.takes[ref] > 1:
			f.inFile[ref] = true
		}
		return true
	})
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
