package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// What the report says in words is computed from the figures, here.

func (r *results) Shown() int         { return shown }
func (r *results) Threshold() float64 { return good }

// Summary is the report in a few lines.
func (r *results) Summary() string {
	var b strings.Builder
	fmt.Fprintf(&b, "- Equation (9): C = %.12f (the minimum is %.12f), leak between the row-spaces at most %.1g over %d starts.\n", r.Eq9.C[0], leastC, slices.Max(r.Eq9.Leak), len(r.Eq9.C))
	for _, row := range r.Table {
		if _, ok := paperTable[row.Name]; ok {
			fmt.Fprintf(&b, "- %s: SDR %v and %v dB (paper: %s and %s).\n", row.Name, row.Spread(0, 0), row.Spread(1, 0), row.Paper(0, 0), row.Paper(1, 0))
		}
	}
	for _, row := range r.Beyond {
		fmt.Fprintf(&b, "- %s: SDR %v and %v dB.\n", row.Name, row.Spread(0, 0), row.Spread(1, 0))
	}
	for _, row := range r.Singles {
		if len(row.Scores) == len(r.Singles[0].Scores) {
			fmt.Fprintf(&b, "- One recording, %s: %d of %d above %.1f dB.\n", row.Name, row.Good(), len(row.Scores), good)
		}
	}
	for _, row := range []*row{most(r.Frames, tlOnly), most(r.Frames, dctOnly)} {
		fmt.Fprintf(&b, "- One recording, S = 10, %s: SDR %v and %v dB.\n", row.Name, row.Spread(0, 0), row.Spread(1, 0))
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// SpaceNames writes the row-spaces as the paper does, from 1 on.
func (e *equation9) SpaceNames() string {
	var names []string
	for _, space := range e.Spaces {
		var rows []string
		for _, i := range space {
			rows = append(rows, fmt.Sprint(i+1))
		}
		names = append(names, "{"+strings.Join(rows, ", ")+"}")
	}
	return strings.Join(names, " and ")
}

// paperProduct is ΦΦ̄ᵀ as printed in the paper.
var paperProduct = [4][4]float64{{0.703, 0.711, 0, 0}, {0, 0, 0.955, -0.297}, {0.711, -0.703, 0, 0}, {0, 0, -0.297, -0.955}}

// Rows is ΦΦ̄ᵀ beside the paper's, as rows of a table.
func (e *equation9) Rows() string {
	var b strings.Builder
	for i := range paperProduct {
		b.WriteByte('|')
		for j := range paperProduct[i] {
			fmt.Fprintf(&b, " %.3f |", math.Round(1e3*e.Product.At(i, j))/1e3+0) // + 0: no -0.000
		}
		for _, x := range paperProduct[i] {
			fmt.Fprintf(&b, " %.3f |", x)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// Verdict says whether the illustration shows what theorem 1 promises.
func (e *equation9) Verdict() string {
	blocks, _ := e.blocks(e.Product)
	sizes := true
	for s := range blocks {
		sizes = sizes && len(blocks[s]) == len(e.Spaces[s])
	}
	held := "The block structure holds: every row of Φ lies in one of the row-spaces, as many in each as it has dimensions."
	if leak := slices.Max(e.Leak); !sizes || leak > 1e-3 {
		held = "The block structure does not hold."
	}
	return fmt.Sprintf("%s Over all starts at most %.1g lies outside and the largest angle between a row-space and its estimate is %.1g rad. "+
		"C = %.12f at eps = %s, where the published code finds %.12f; the starts differ from that by %.1g at most. "+
		"Joint diagonalisation alone finds the same row-spaces, with %.1g outside.",
		held, slices.Max(e.Leak), e.Angle, e.C[0], "1e-8", leastC, e.Off(), e.JD)
}

func (e example) Samples() int { return len(e.Scene.Mix.Data[0]) }

func (e example) Peak() (most float64) {
	for _, y := range e.Scene.Mix.Data[0] {
		most = max(most, math.Abs(y))
	}
	return most
}

// FactorsVerdict says how Figure 2 compares with what the paper sees in its own.
func (e example) FactorsVerdict() string {
	words := func(ours, other float64) string {
		if ours < other {
			return "as"
		}
		return "unlike what"
	}
	return fmt.Sprintf("The columns of W overlap less under the learnt Φ, %s the paper sees: their cosine is %.4f with TL-NMF and %.4f with the DCT. "+
		"The rows of H vary more smoothly, %s it sees: a column differs from the mean of its neighbours by %.3f of its size with TL-NMF and by %.3f with the DCT.",
		words(e.TL.Overlap(), e.DCT.Overlap()), e.TL.Overlap(), e.DCT.Overlap(),
		words(e.TL.Roughness(), e.DCT.Roughness()), e.TL.Roughness(), e.DCT.Roughness())
}

// AtomRows is Table I beside the paper's.
func (e example) AtomRows() string {
	var b strings.Builder
	fixed, learnt := e.DCT.atoms(len(paperDCTAtoms)), e.TL.atoms(len(paperTLAtoms))
	for i := range learnt {
		j := i + len(learnt)
		fmt.Fprintf(&b, "| %d | %.1f | %.1f | %d | %.1f | %.1f | %d | %.2f | %.3f | %.2f |\n",
			i+1, fixed[i].Frequency, paperDCTAtoms[i], j+1, fixed[j].Frequency, paperDCTAtoms[j],
			i+1, learnt[i].Frequency, learnt[i].Residual, paperTLAtoms[i])
	}
	return b.String()
}

// AtomsVerdict says how far ours are from the paper's.
func (e example) AtomsVerdict() string {
	fixed := apart(e.DCT.atoms(len(paperDCTAtoms)), paperDCTAtoms)
	learnt := apart(e.TL.atoms(len(paperTLAtoms)), paperTLAtoms)
	same := "The sixteen DCT atoms are those of the paper"
	if fixed > 0.5 {
		same = fmt.Sprintf("The sixteen DCT atoms are not all those of the paper: sorted, two differ by %.1f Hz", fixed)
	}
	return fmt.Sprintf("%s. The eight learnt atoms, sorted by frequency, are within %.2f Hz of the paper's; atoms of nearly equal influence may change places.", same, learnt)
}

// RestartsVerdict says how many of the random starts find the least objective.
func (r *results) RestartsVerdict() string {
	var b strings.Builder
	for _, row := range r.Singles {
		agree := 0
		for _, n := range row.Agree {
			agree += n
		}
		if agree > 0 {
			fmt.Fprintf(&b, "Of %s, %.1f find the least C on average, to %g of it.", row.Name, float64(agree)/float64(len(row.Agree)), sameObjective)
		}
	}
	return b.String()
}

// AllBeyond is what is compared beyond the paper: its own methods first.
func (r *results) AllBeyond() []*row { return append(r.Table[:2:2], r.Beyond...) }

// BeyondVerdict says what the grids gain, what the floor, and what is left to gain.
func (r *results) BeyondVerdict() string {
	n := len(r.Beyond)
	grids, floor := r.Beyond[n-2], r.Beyond[n-1]
	return fmt.Sprintf("%s is %.1f dB above the paper's TL-NMF, %.1f dB below masks that know the sources. "+
		"What limits it is the floor: %s gains %.1f dB of SDR and %.1f dB of SIR by nothing but that. "+
		"Where both notes are soft, WH is below eps, and the masks (w h + eps/K) / (WH + eps) hand half of the one to the other. "+
		"Then %.1f dB are left.",
		grids.Name, grids.mean(sdr)-(paperTL[0].Mean[sdr]+paperTL[1].Mean[sdr])/2, grids.meanOracle()-grids.mean(sdr),
		floor.Name, floor.mean(sdr)-grids.mean(sdr), floor.mean(sir)-grids.mean(sir), floor.meanOracle()-floor.mean(sdr))
}

func tlOnly(r *row) bool  { return r.File != dct.File }
func dctOnly(r *row) bool { return r.File == dct.File }

// most returns the row with the highest SDR among those of a kind.
func most(rows []*row, of func(*row) bool) *row {
	var best *row
	for _, r := range rows {
		if of(r) && (best == nil || r.mean(sdr) > best.mean(sdr)) {
			best = r
		}
	}
	return best
}

// FramesVerdict says which frames are best with each transform, and when learning one
// does not pay.
func (r *results) FramesVerdict() string {
	learnt, fixed := most(r.Frames, tlOnly), most(r.Frames, dctOnly)
	s := fmt.Sprintf("Best with a learnt transform is %s, SDR %.1f dB and SIR %.1f dB; with the DCT it is %s, SDR %.1f dB and SIR %.1f dB. ",
		learnt.Name, learnt.mean(sdr), learnt.mean(sir), fixed.Name, fixed.mean(sdr), fixed.mean(sir))
	var wins, loses []string
	for i := 0; i+1 < len(r.Frames); i += 2 {
		a, b := r.Frames[i], r.Frames[i+1]
		d := b.mean(sdr) - a.mean(sdr)
		name := fmt.Sprintf("%.1f dB at %s", math.Abs(d), strings.TrimPrefix(a.Name, "DCT-NMF, "))
		if d > 0 {
			wins = append(wins, name)
		} else {
			loses = append(loses, name)
		}
	}
	if wins != nil {
		s += "Learning Φ gains " + strings.Join(wins, ", ") + ". "
	}
	if loses != nil {
		s += "It loses " + strings.Join(loses, ", ") + ": notes that stay on pitch for a second allow frames so long that the DCT tells them apart by itself. "
	}
	return s + "Learning pays where frames must be short."
}

// mean is the mean of a ratio over the sources and the experiments.
func (r *row) mean(ratio int) (sum float64) {
	sources := r.Sources()
	for j := range sources {
		sum += r.Spread(j, ratio).Mean / float64(len(sources))
	}
	return sum
}

func (r *row) meanOracle() float64 { return (r.oracle(0) + r.oracle(1)) / 2 }

// Known is the SDR of masks that know the sources.
func (r *row) Known(source int) string { return fmt.Sprintf("%.1f", r.oracle(source)) }

func (r *row) oracle(source int) float64 {
	var sum float64
	for _, s := range r.Oracle {
		sum += s.Mean()[source][0]
	}
	return sum / float64(len(r.Oracle))
}

// Sources and Ratios are what a template counts.
func (r *row) Sources() []ratios { return r.Scores[0].Mean() }
func (r *row) Ratios() [3]string { return ratioNames }

// Commands lists every trial as the command that runs it.
func (r *results) Commands() []method {
	var all []method
	for _, row := range slices.Concat(r.Table, r.Beyond, r.Frames, r.Singles) {
		m := row.method
		if row.Realisations == 1 {
			m = m.with(m.Name+", one recording", "synth_notes.realisations=1")
		}
		all = append(all, m)
	}
	return all
}
