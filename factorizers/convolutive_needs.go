package factorizers

import (
	"math"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/kernel"
)

// convolutiveNeeds are those of so many components of so many taps and shifts: V as NMF has it, H
// and W as wide as all of them with their sums, and what an update is undone with. Starts come one
// after the other.
func convolutiveNeeds(e audiosep.Extent, beta float64, rank, taps, shifts, starts, iterations int) audiosep.Needs {
	all, wide := rank*taps*shifts, rank*taps
	factors := 8 * int64(all) * int64(e.Bins+e.Columns)
	own := 8 * (int64(wide)*int64(e.Bins) + int64(rank*shifts)*int64(e.Columns))
	v := kernel.StripsBytes(e.Bins, e.Columns, kernel.Full)
	n := audiosep.Needs{Large: v, Work: v + readingBytes(e) + 3*factors + 5*own, Keeps: factors}
	n.Garbage = int64(starts-1) * (3*factors + 5*own)
	n.Operations = nmfNeeds(e, beta, all, starts, iterations).Operations
	return n
}

// Needs says what it takes: V and its root, and the factorisation along an axis of log frequency up
// to half the rate, whose W is brought back to the bins.
func (s *NMF2D) Needs(e audiosep.Extent) audiosep.Needs {
	wide := e
	wide.Bins = max(1, int(float64(s.p.PerOctave)*math.Log2(max(2, float64(e.Rate)/2/s.p.Lowest))))
	n := convolutiveNeeds(wide, s.p.Beta, s.p.Rank, s.p.Taps, s.p.Pitches, s.p.Restarts, s.p.Iterations)
	n.Power = true
	n.Large += e.V() + wide.V()
	n.Work += e.V() + wide.V()
	n.Keeps = 8 * int64(s.p.Rank*s.p.Taps*s.p.Pitches) * int64(e.Bins+e.Columns)
	return n
}

// Needs says what the factorisation takes.
func (s *NMFD) Needs(e audiosep.Extent) audiosep.Needs {
	rank := s.p.Rank
	if rank == 0 {
		rank = e.Rank
	}
	return convolutiveNeeds(e, s.p.Beta, rank, s.p.Taps, 1, s.p.Restarts, s.p.Iterations)
}
