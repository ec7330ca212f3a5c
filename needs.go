package audiosep

import (
	"context"

	"github.com/audiosep/audiosep/internal/blocks"
)

// Extent is how large what a stage is given will be, as far as that is known before it runs.
// What is not known is 0.
type Extent struct {
	Head
	Length    int  // M, samples of a frame
	Hop       int  // samples from a frame to the next
	Frames    int  // N, of all layers together those of one
	Columns   int  // N/S
	Bins      int  // F
	Complex   bool // whether coefficients have an imaginary part
	Rank      int  // K, of factors that are wired
	Pitches   int  // of the notes that are wired, those of each source by themselves
	Sources   int
	Transform bool // whether a transform is wired
	Threads   int  // that will work at once; at least 1
}

// Coefs returns how many bytes the coefficients of n frames of one layer take.
func (e Extent) Coefs(n int) int64 {
	parts := int64(8)
	if e.Complex {
		parts = 16
	}
	return parts * int64(n) * int64(e.Bins)
}

// V returns how many bytes V takes, F×N/S.
func (e Extent) V() int64 { return 8 * int64(e.Bins) * int64(e.Columns) }

// Block returns how many columns are worked through at a time where nobody has chosen it.
func (e Extent) Block() int {
	if e.Frames == 0 {
		return 0
	}
	share := max(1, e.Frames/max(1, e.Columns))
	return blocks.Size(context.Background(), e.Length, max(1, e.Layers()), share, e.Frames) / share
}

// Blocks returns how many bytes the samples, frames and coefficients of the blocks that are read at
// once, one for each thread, take.
func (e Extent) Blocks() int64 {
	layers := max(1, e.Layers())
	frames := e.Block() * max(1, e.Frames/max(1, e.Columns)) * layers
	return int64(max(1, e.Threads)) * (e.Coefs(frames) + 8*int64(frames)*int64(e.Length+e.Hop) + 8*int64(layers)*int64(max(0, e.Length-e.Hop)))
}

// Separated returns how many bytes stems that [Separated] makes take while they are read: of
// so many sources, with a halo, and own bytes for each coefficient of a layer besides. For each
// thread they are the frames and coefficients of a block of the mixture and those of its sources,
// samples of what they leave, and once what frames are joined in. The last of several stems with Rest is none
// of the sources.
func (e Extent) Separated(sources, halo int, own int64) int64 {
	if e.Frames == 0 {
		return 0
	}
	layers := int64(max(1, e.Layers()))
	size, held := e.separatedRun(sources, halo)
	mixture := e.Coefs(held) + 8*int64(held)*int64(e.Length+e.Hop) // frames, and the samples that they are cut from
	rest := 8 * int64(size) * int64(e.Hop)
	slot := layers*(mixture+rest+int64(sources)*(e.Coefs(size)+8*int64(size)*int64(e.Length))) + own*int64(held)*int64(e.Bins)
	joined := 8 * int64(sources) * layers * int64(2*size*e.Hop+e.Length)
	return int64(min(max(1, e.Threads), (e.Frames+size-1)/size))*slot + joined
}

// Overlap returns how often samples are read where frames are read in blocks, as those that frames of
// two blocks have in common are read for each.
func (e Extent) Overlap() float64 {
	if e.Block() == 0 || e.Hop == 0 {
		return 1
	}
	return 1 + float64(e.Length-e.Hop)/float64(e.Block()*e.Hop)
}

// SeparatedPasses returns how often stems that [Separated] makes with a halo read what they are made of,
// frames of the halo for the blocks beside them too, as a multiple of Overlap.
func (e Extent) SeparatedPasses(sources, halo int) float64 {
	if e.Frames == 0 || e.Hop == 0 {
		return 1
	}
	size, held := e.separatedRun(sources, halo)
	return float64((held-1)*e.Hop+e.Length) / float64(size*e.Hop) / e.Overlap()
}

// separatedRun is how many frames of sources are made at a time, and how many are read for them.
func (e Extent) separatedRun(sources, halo int) (size, held int) {
	halo = min(halo, e.Frames)
	size = separatedSize(context.Background(), e.Length*sources, max(1, e.Layers()), max(1, e.Frames/max(1, e.Columns)), e.Frames, halo)
	return size, min(size+2*halo, e.Frames)
}

// Needs are about what a stage takes of a machine. Each number has its time: while the stage runs,
// as long as somebody may want its outputs, or while they are read. A run adds up what there is at
// the same time, so that what a stage says is its own alone, without what it reads from others.
type Needs struct {
	// Power says that the stage has all of V in memory, which then stays there until the last
	// stage has run that takes it.
	Power bool
	// Coefs says that the stage has all coefficients of all layers in memory, as they come.
	Coefs bool
	// Work is bytes that are in memory while the stage runs, besides its inputs and outputs. A stage
	// that is [Lazy] has nothing to do then.
	Work int64
	// Keeps is bytes of its outputs that lie in memory from then on, until the last stage has run
	// that reads them, or stems or the like that are computed with them.
	Keeps int64
	// Streams is bytes that are in memory while what the stage made is read and is computed on the
	// way: audio of a lazy stage, frames, coefficients, power or stems. They are there from when a
	// reader begins to when it ends, once for each that reads, at the same time as the Work of the
	// stage for which it is read and the Streams of all stages that are read through. A stage that
	// makes stems and says nothing here has what [Separated] takes counted for them.
	Streams int64
	// Large is what part of Work is few arrays, made once and before the rest.
	Large int64
	// Passes is how often the stage reads what it is given: while it runs or, if it is lazy, each time
	// what it makes is read once. 0 is once.
	Passes float64
	// Garbage is bytes that the stage makes and drops one after the other: while it runs or, if it
	// is lazy, each time all that it makes is read once. They stay in memory until they are as much as
	// all that is in use, for only then is it collected; which of both is less is counted.
	Garbage int64
	// Operations are floating-point operations, counted so that one that the fastest matrix
	// product would make is one: while the stage runs or, if it is lazy, each time what it makes is
	// read. What transforms and their inverses take is counted besides.
	Operations float64
}

// Sizer may be implemented by a stage that says what it will take, so that a run which does not
// fit into memory is refused before its work begins, and others tell how long they will be. A
// stage that reads block after block, in memory that does not grow with the recording, need not.
type Sizer interface {
	Needs(Extent) Needs
}

// Leaner may be implemented by a Sizer that would take less memory with other values of its parameters, for results
// that serve as well mostly. Where a run does not fit, those that help are told.
type Leaner interface {
	Sizer
	Leaner() []Variant
}

// Variant is a stage as it would be with another value of a parameter.
type Variant struct {
	Param, Value string
	Stage        Sizer
}

// Multichannel may be implemented by a stage that refuses recordings of one channel, so that nobody is told to mix theirs
// down.
type Multichannel interface{ Multichannel() }
