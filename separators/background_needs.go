package separators

import "github.com/audiosep/audiosep"

// spectrumBytes is what a spectrum takes: 4 bytes for a magnitude of every layer.
func spectrumBytes(e audiosep.Extent) int64 {
	return 4 * int64(e.Frames) * int64(e.Bins) * int64(max(1, e.Layers()))
}

// needs are those of stems that are separated by a background: two masks for each coefficient.
func (p BackgroundParams) needs(e audiosep.Extent, keeps, work int64, operations float64) audiosep.Needs {
	return audiosep.Needs{Keeps: keeps, Work: work, Streams: e.Separated(1, 0, 16), Operations: operations}
}

// Needs says what it takes: to find the period 32 bytes for each bin of a segment, of the transforms
// of two segments of twice the longest period, and some frames. These are garbage when there are one
// period of the background and, for each thread, the magnitudes of repetitions, for which the
// recording is read again, in runs so short that their frames have most samples in common.
func (s *REPET) Needs(e audiosep.Extent) audiosep.Needs {
	longest := min(framesIn(s.p.MaxPeriod, e.Rate, max(1, e.Hop)), e.Frames/3)
	segment, passes := max(leastSegment, longest), 3.
	if s.p.Period != nil {
		longest, segment, passes = min(framesIn(*s.p.Period, e.Rate, max(1, e.Hop)), e.Frames), 0, 2
	}
	layers := int64(max(1, e.Layers()))
	points := float64(e.Frames) * float64(e.Bins) * float64(layers)
	find := 32*int64(segment)*int64(e.Bins) + layers*(e.Coefs(beatFrames)+8*beatFrames*int64(e.Length+e.Hop))
	keeps, repeated := 8*int64(longest)*int64(e.Bins)*layers, 8*repetitionNumbers*int64(max(1, e.Threads))
	n := s.needs(e, keeps, max(find-keeps, repeated), 3000*points)
	n.Garbage, n.Passes = min(find, keeps+repeated), passes
	return n
}

// Needs says what it takes: the spectrum, to compare frames their mean over layers, and the
// frames that are like each.
func (s *REPETSim) Needs(e audiosep.Extent) audiosep.Needs {
	keeps := spectrumBytes(e) + 4*int64(e.Frames)*int64(min(s.p.Similar, e.Frames))
	likenesses := int64(e.Threads) * likeFrames * 8 * (2*int64(e.Bins) + int64(e.Frames))
	points := float64(e.Frames) * float64(e.Bins)
	mean := 4 * int64(e.Frames) * int64(e.Bins)
	n := s.needs(e, keeps, mean+likenesses, 2*points*float64(e.Frames)+points*float64(max(1, e.Layers()))*60*float64(s.p.Similar))
	n.Large = mean
	return n
}

// Needs says what it takes: the two-dimensional transform of each layer, and what is looked for in
// some blocks of one.
func (s *FT2D) Needs(e audiosep.Extent) audiosep.Needs {
	plane := 8 * int64(e.Frames) * int64(e.Bins)
	points := float64(e.Frames) * float64(e.Bins) * float64(max(1, e.Layers()))
	return s.needs(e, plane*int64(max(1, e.Layers())), plane/4, 4000*points)
}

// Needs says what it takes: the spectrum and, of one layer at a time, five matrices of its size, one
// more where they are turned, and one of bins by bins, or frames by frames if they are fewer.
func (s *RPCA) Needs(e audiosep.Extent) audiosep.Needs {
	least, matrices := int64(min(e.Bins, e.Frames)), int64(5)
	if e.Frames < e.Bins {
		matrices++
	}
	one := 8 * int64(e.Frames) * int64(e.Bins)
	points := float64(e.Frames) * float64(e.Bins) * float64(max(1, e.Layers()))
	// Each layer's singular vectors are found anew: in a recording more of them with each iteration, until it is all.
	// A fit to its hundred iterations.
	vectors := 30 * float64(least) * float64(least) * float64(least) * float64(max(1, e.Layers()))
	n := s.needs(e, spectrumBytes(e), matrices*one+16*least*least, float64(s.p.Iterations)*(points*(2*float64(least)+200)/4+vectors))
	n.Large = matrices * one
	return n
}
