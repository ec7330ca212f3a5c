package separators

import "github.com/audiosep/audiosep"

// spectrumBytes is what a spectrum takes: 4 bytes for a magnitude of every layer.
func spectrumBytes(e audiosep.Extent) int64 {
	return 4 * int64(e.Frames) * int64(e.Bins) * int64(max(1, e.Layers()))
}

// needs are those of stems that are separated by a background: two masks at a time.
func (p BackgroundParams) needs(e audiosep.Extent, keeps, work int64, operations float64) audiosep.Needs {
	return audiosep.Needs{Keeps: keeps, Work: work + e.Separated(2, 0, 16), Operations: operations}
}

// Needs says what it takes: one period of the background and, to find it, 90 bytes for each bin of a
// segment: 32 of the transforms of two segments of twice the longest period, the rest garbage of
// frames, a fit to what `audiosep bench memory repet` measures.
func (s *REPET) Needs(e audiosep.Extent) audiosep.Needs {
	longest := min(framesIn(s.p.MaxPeriod, e.Rate, max(1, e.Hop)), e.Frames/3)
	segment := max(leastSegment, longest)
	if s.p.Period != nil {
		longest, segment = min(framesIn(*s.p.Period, e.Rate, max(1, e.Hop)), e.Frames), 0
	}
	points := float64(e.Frames) * float64(e.Bins) * float64(max(1, e.Layers()))
	return s.needs(e, 8*int64(longest)*int64(e.Bins)*int64(max(1, e.Layers())), 90*int64(segment)*int64(e.Bins), 3000*points)
}

// Needs says what it takes: the spectrum, to compare frames their mean over layers, and the
// frames that are like each.
func (s *REPETSim) Needs(e audiosep.Extent) audiosep.Needs {
	keeps := spectrumBytes(e) + 4*int64(e.Frames)*int64(min(s.p.Similar, e.Frames))
	likenesses := int64(e.Threads) * likeFrames * 8 * (2*int64(e.Bins) + int64(e.Frames))
	points := float64(e.Frames) * float64(e.Bins)
	return s.needs(e, keeps, 4*int64(e.Frames)*int64(e.Bins)+likenesses, 2*points*float64(e.Frames)+points*float64(max(1, e.Layers()))*60*float64(s.p.Similar))
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
	n := s.needs(e, spectrumBytes(e), matrices*one+16*least*least, float64(s.p.Iterations)*points*(2*float64(least)+200)/4)
	n.Large = matrices * one
	return n
}
