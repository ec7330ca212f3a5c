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

// Blocks returns how many bytes the frames and coefficients of the blocks that are read at once, one
// for each thread, take.
func (e Extent) Blocks() int64 {
	frames := e.Block() * max(1, e.Frames/max(1, e.Columns)) * max(1, e.Layers())
	return int64(max(1, e.Threads)) * (e.Coefs(frames) + 8*int64(frames)*int64(e.Length))
}

// Separated returns how many bytes stems that [Separated] makes take while they are computed: of
// so many sources, with a halo, and own bytes for each coefficient of a layer besides.
func (e Extent) Separated(sources, halo int, own int64) int64 {
	if e.Frames == 0 {
		return 0
	}
	layers := max(1, e.Layers())
	halo = min(halo, e.Frames)
	size := separatedSize(context.Background(), e.Length*sources, layers, max(1, e.Frames/max(1, e.Columns)), e.Frames, halo)
	held := min(size+2*halo, e.Frames)
	one := e.Coefs(held) + int64(sources)*(e.Coefs(size)+8*int64(size)*int64(e.Length+2*e.Hop))
	slot := int64(layers)*one + own*int64(held)*int64(e.Bins)
	return int64(min(max(1, e.Threads), (e.Frames+size-1)/size)) * slot
}

// Needs are about what a stage takes of a machine while it runs.
type Needs struct {
	// Power says that the stage has all of V in memory, which then stays there until the last
	// stage has run that takes it.
	Power bool
	// Coefs says that the stage has all coefficients of all layers in memory, as they come.
	Coefs bool
	Work  int64 // bytes besides its inputs and outputs
	Keeps int64 // bytes of its outputs
	// Large is what part of Work is few arrays, made once: nothing of them is left to be collected.
	Large int64
	// Operations are floating-point operations, counted so that one that the fastest matrix
	// product would make is one.
	Operations float64
}

// Sizer may be implemented by a stage that says what it will take, so that a run which does not
// fit into memory is refused before its work begins, and others tell how long they will be. A
// stage that reads block after block, in memory that does not grow with the recording, need not.
type Sizer interface {
	Needs(Extent) Needs
}
