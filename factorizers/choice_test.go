package factorizers

import (
	"math"
	"slices"
	"testing"
)

// The gains are what C falls by when two rows are rotated by the best angle.
func TestChoicePromisesWhatRotationsBring(t *testing.T) {
	l := learningOf(noteScene(6, 30, 3), TLNMFParams{Rank: 2, Eps: 1e-2, Objective: "gcm"}, 1)
	newMomentum(l).update(t.Context(), 5)
	s := newChoice(l, 4, make([]float64, 4*l.total()))
	s.promise()
	phi, x, v := slices.Clone(l.phi), slices.Clone(l.x), slices.Clone(l.v)
	j := newJacobi(l, 0)
	brought := make([]float64, l.rows)
	before := l.value()
	for p := range l.rows {
		for q := range p {
			j.rotate(q, p, j.cross[0])
			gain := before - l.value()
			brought[p] += gain
			brought[q] += gain
			copy(l.phi, phi)
			copy(l.x, x)
			copy(l.v, v)
		}
	}
	for m, want := range brought {
		if math.Abs(s.gains[m]-want) > 1e-9*math.Abs(before) || !(want > 0) {
			t.Errorf("row %d: its rotations promise %.9g and bring %.9g", m, s.gains[m], want)
		}
	}
}

// Rows far below eps are left out and do not change, and C falls nearly as far as in a sweep
// of all rows: what is missing is about the gains of the rows left out.
func TestChoiceLeavesOutWhatHasNothingToGain(t *testing.T) {
	p := TLNMFParams{Rank: 3, Eps: 1e-2, Objective: "gcm"}
	l := learningOf(noteScene(120, 60, 2), p, 1)
	newMomentum(l).update(t.Context(), 30)
	all := learningOf(noteScene(120, 60, 2), p, 1)
	newMomentum(all).update(t.Context(), 30)

	few, full := newBlocks(l, 16), newBlocks(all, 16)
	full.choice = nil
	phi := slices.Clone(l.phi)
	before := l.value()
	for _, s := range []*blocks{few, full} {
		if _, err := s.improve(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(few.chosen); n == 0 || n > 60 {
		t.Errorf("%d of 120 rows take part; want those of the partials", n)
	}
	for m := range l.rows {
		same := slices.Equal(phi[m*l.rows:(m+1)*l.rows], l.phi[m*l.rows:(m+1)*l.rows])
		if _, chosen := slices.BinarySearch(few.chosen, m); same == chosen {
			t.Errorf("row %d: chosen is %v, unchanged is %v", m, chosen, same)
		}
	}
	if missed := l.value() - all.value(); missed > few.choice.left+0.2*(before-all.value()) {
		t.Errorf("C falls by %.6g, with all rows by %.6g; %.3g was left out", before-l.value(), before-all.value(), few.choice.left)
	}
}
