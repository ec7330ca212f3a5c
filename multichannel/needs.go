package multichannel

import (
	"github.com/audiosep/audiosep"
)

// needs says what learning from the part of a recording takes: its coefficients and so many more
// arrays of a number for each coefficient, Large, and what works on them in runs of bins. work are
// the operations of an iteration for each coefficient and channel.
func needs(e audiosep.Extent, part Excerpt, p Storage, arrays int, work float64) audiosep.Needs {
	framing := audiosep.Framing{Head: e.Head, Length: e.Length, Hop: e.Hop}
	_, n, err := part.framesOf(framing, e.Frames)
	if err != nil {
		n = e.Frames
	}
	frames, c := int64(n*max(1, e.Realisations)), int64(e.Channels)
	one := 8 * frames * c * int64(e.Bins)
	threads := 8 * frames * int64(e.Threads) * 2 * c
	large := int64(2+arrays) * one
	if p.single() {
		large -= one
	}
	return audiosep.Needs{Large: large, Work: large + threads + 8*mostChunks*c*frames + matrices(e), Operations: work * float64(one/8)}
}

// matrices is what the demixing and mixing matrices of all bins take, and each thread's covariances,
// which with many microphones are more than the recording itself.
func matrices(e audiosep.Extent) int64 {
	c := int64(e.Channels)
	return 16*4*int64(e.Bins)*c*c + 24*int64(e.Threads)*c*c*c
}

// Needs says what it takes.
func (s *IVA) Needs(e audiosep.Extent) audiosep.Needs {
	n := needs(e, s.p.Excerpt, s.p.Storage, 0, float64(s.p.Iterations)*solveWork(e))
	n.Work += e.Blocks()
	n.Keeps, n.Streams = imageBytes(e, s.p.Sources)
	return n
}

// Needs says what it takes: the sources of a bin, and their weights, of each thread; and the shares of
// the sources by which bins are put in order.
func (s *FDICA) Needs(e audiosep.Extent) audiosep.Needs {
	shares := 0
	if s.p.Align == "correlation" {
		shares = 1
	}
	n := needs(e, s.p.Excerpt, s.p.Storage, shares, float64(s.p.Iterations)*solveWork(e))
	n.Work += e.Blocks() + 8*int64(e.Threads)*3*int64(e.Channels)*int64(e.Frames)
	n.Keeps, n.Streams = imageBytes(e, 0)
	n.Garbage = int64(shares) * 8 * int64(e.Frames) * int64(e.Channels) * int64(e.Bins) // bins as they were before their order changed
	return n
}

// imageBytes is what the images of sources take, or of as many as there are channels where sources is
// 0: the demixing and mixing matrices of all bins, as they were found and laid out, and stems while
// they are read.
func imageBytes(e audiosep.Extent, sources int) (keeps, streams int64) {
	if sources == 0 {
		sources = e.Channels
	}
	images := sources // that are transformed back: the last of all is the rest
	if sources == e.Channels {
		images--
	}
	return 2 * 2 * 16 * int64(e.Bins) * int64(sources) * int64(e.Channels), e.Separated(max(1, images), 0, 0)
}

// Needs says what it takes: the powers of the sources besides the mixture, where they are kept.
func (s *ILRMA) Needs(e audiosep.Extent) audiosep.Needs {
	rank, powers := float64(s.p.Rank), 0
	if s.p.keepsPowers() {
		powers = 1
	}
	n := needs(e, s.p.Excerpt, s.p.Storage, powers, float64(s.p.Warm+s.p.Restarts*s.p.Iterations)*(solveWork(e)+lowRankWork*rank))
	start := chunkSums(e, e.Channels, s.p.Rank) + together(e, 3*e.Channels)
	n.Work += start + e.Blocks()
	n.Keeps, n.Streams = imageBytes(e, 0)
	n.Garbage += int64(s.p.Restarts-1) * start
	return n
}

// Needs says what it takes: the powers of the demixed channels besides the mixture.
func (s *FastMNMF) Needs(e audiosep.Extent) audiosep.Needs {
	sources := s.p.Sources
	if sources == 0 {
		sources = e.Channels
	}
	rank := float64(s.p.Rank)
	n := needs(e, Excerpt{}, s.p.Storage, 1, float64(s.p.Warm+s.p.Iterations)*(solveWork(e)+lowRankWork*rank*float64(sources)/float64(max(1, e.Channels))))
	n.Work += chunkSums(e, sources, s.p.Rank) + together(e, 4*e.Channels+3*sources)
	n.Large = 0
	n.Streams = e.Separated(sources, 0, 0)
	return n
}

// chunkSums is what the sums for the activations take, of each run of bins.
func chunkSums(e audiosep.Extent, sources, rank int) int64 {
	return 8 * 2 * (mostChunks + 1) * int64(sources) * int64(rank) * int64(e.Frames)
}

// together is what so many arrays take of a number for each frame of the bins that each thread
// works on at a time.
func together(e audiosep.Extent, arrays int) int64 {
	return 8 * binsTogether * int64(e.Threads) * int64(arrays) * int64(e.Frames)
}

// solveWork is about what covariances and an update of all rows take for each coefficient, in
// operations: of C² of each frame, and of C³ for each source once for all frames. A fit to what
// iva took with 2 to 64 channels.
func solveWork(e audiosep.Extent) float64 {
	c := float64(e.Channels)
	return 300 + 100*c + 25*c*c + 150*c*c*c/float64(max(1, e.Frames))
}

// lowRankWork is about what updating a component takes for each coefficient.
const lowRankWork = 100

// inFloat32 is a stage as it would be with its mixture in float32. own is a copy of the stage, that of a receiver, and
// storage a part of it.
func inFloat32(own audiosep.Sizer, storage *Storage) []audiosep.Variant {
	storage.Precision = "float32"
	return []audiosep.Variant{{Param: "precision", Value: storage.Precision, Stage: own}}
}

// Leaner is the same with the mixture in float32.
func (s IVA) Leaner() []audiosep.Variant { return inFloat32(&s, &s.p.Storage) }

// Leaner is the same with the mixture in float32.
func (s FDICA) Leaner() []audiosep.Variant { return inFloat32(&s, &s.p.Storage) }

// Leaner is the same with the mixture in float32.
func (s ILRMA) Leaner() []audiosep.Variant { return inFloat32(&s, &s.p.Storage) }

// Leaner is the same with the mixture in float32.
func (s FastMNMF) Leaner() []audiosep.Variant { return inFloat32(&s, &s.p.Storage) }

// What the stages of this package separate by is how the channels differ.
func (*IVA) Multichannel()      {}
func (*FDICA) Multichannel()    {}
func (*ILRMA) Multichannel()    {}
func (*FastMNMF) Multichannel() {}
func (*DUET) Multichannel()     {}
