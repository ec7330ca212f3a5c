package report

import (
	"cmp"
	"encoding/base64"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/analysis"
	"github.com/audiosep/audiosep/pipeline"
)

const (
	mostAtoms   = 48   // in the page
	mostSamples = 2048 // of an atom
)

// learnt is a transform whose rows have no frequencies of their own, such as one that was learnt:
// those of the sinusoids nearest to them stand in.
type learnt struct {
	audiosep.MatrixTransform
	atoms []analysis.Atom // of each row, frequencies as part of the rate; nil: not yet fitted
	order []int           // the rows, strongest first, by factors of the stage; nil: there were none
}

func (l *learnt) fit() []analysis.Atom {
	if l.atoms == nil {
		l.atoms = analysis.Atoms(l.Phi(), 1)
	}
	return l.atoms
}

// byFrequency sorts rows by their atoms' frequencies.
func (l *learnt) byFrequency(rows []int) {
	atoms := l.fit()
	slices.SortStableFunc(rows, func(i, j int) int { return cmp.Compare(atoms[i].Frequency, atoms[j].Frequency) })
}

// learntBy returns the transform of a stage, or else the last of so many bins; nil if its rows have
// frequencies of their own, or none has passed.
func (r *Report) learntBy(stage string, bins int) *learnt {
	if _, ok := r.tuning[stage]; ok {
		return r.learnt[stage]
	}
	return r.learntOf[bins]
}

// tune returns the rows of W in the order of their atoms' frequencies, and has a say which those
// are, in Hz.
func (l *learnt) tune(w *mat.Dense, a *Axes, rate float64) *mat.Dense {
	bins, k := w.Dims()
	rows := make([]int, bins)
	for i := range rows {
		rows[i] = i
	}
	l.byFrequency(rows)
	out := mat.NewDense(bins, k, nil)
	for i, row := range rows {
		out.SetRow(i, w.RawRowView(row))
		a.Hz = append(a.Hz, l.atoms[row].Frequency*rate)
	}
	return out
}

// pageTransform is a learnt Φ.
type pageTransform struct {
	Port    string     `json:"port"`
	Of      int        `json:"of"`      // rows, of which the strongest are shown
	Seconds float64    `json:"seconds"` // that a row lasts; 0: not known
	Atoms   []pageAtom `json:"atoms"`   // frequencies rise
}

type pageAtom struct {
	Row         int     `json:"row"`         // from 1 on
	Hz          float64 `json:"hz"`          // of the nearest sinusoid; in parts of the rate where that is not known
	Unexplained float64 `json:"unexplained"` // what of the row that leaves, 0 to 1
	Samples     string  `json:"samples"`     // 0 to 255, 128 being 0, in base64
}

// shownTransform is a learnt transform that the page is to show.
type shownTransform struct {
	ref  pipeline.Ref
	rate float64 // Hz; 0: not known
	*learnt
}

func (t shownTransform) drawn() pageTransform {
	f, m := t.Phi().Dims()
	out := pageTransform{Port: t.ref.String(), Of: f, Atoms: []pageAtom{}}
	unit := 1.0
	if t.rate > 0 {
		unit, out.Seconds = t.rate, float64(m)/t.rate
	}
	rows := slices.Clone(t.order)
	if rows == nil {
		for i := range min(f, mostAtoms) { // spread over all
			rows = append(rows, i*f/min(f, mostAtoms))
		}
	}
	rows = rows[:min(len(rows), mostAtoms)]
	t.byFrequency(rows)
	for _, row := range rows {
		a := t.atoms[row]
		x := mat.Row(nil, row, t.Phi())
		most := max(slices.Max(x), -slices.Min(x))
		b := make([]byte, min(m, mostSamples))
		for i := range b {
			b[i] = 128
			if most > 0 {
				b[i] = byte(128 + math.Round(127*x[i]/most))
			}
		}
		out.Atoms = append(out.Atoms, pageAtom{row + 1, a.Frequency * unit, a.Residual, base64.StdEncoding.EncodeToString(b)})
	}
	return out
}

// order notes which rows of a stage's learnt transform count most in its factors.
func (r *Report) order(ref pipeline.Ref, f *audiosep.Factors) {
	if l := r.learnt[ref.Stage]; l != nil && f.W.RawMatrix().Rows == l.Bins() {
		l.order = analysis.Influence(audiosep.Model{Transform: l, Factors: f})
	}
}
