package metrics

import (
	"cmp"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"text/tabwriter"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/counted"
	"github.com/audiosep/audiosep/internal/percussion"
)

// The tolerances of MIREX's note tracking, as mir_eval has them.
const (
	onsetTolerance = 0.05 // s
	pitchTolerance = 0.5  // semitones
	offsetRatio    = 0.2  // of the reference's duration
	leastOffset    = 0.05 // s; the tolerance of offsets is the greater
	timesRoundedTo = 1e4  // differences of times are rounded to 1/10 000 s, as mir_eval does
)

// NoteScore says how many notes of a transcription are right.
type NoteScore struct {
	Matched, References, Estimates int
	Precision, Recall, F           float64 // 0 where there is nothing to divide by
	// Overlap is the mean, over matched notes, of the time that both sound, as part of the time
	// that either does; 0 where none match.
	Overlap float64
}

// NoteReport holds the note scores of one transcription.
type NoteReport struct {
	Onsets  NoteScore // onsets alone are right
	Notes   NoteScore // onset and pitch are
	Offsets NoteScore // onset, pitch and offset are
	LeftOut int       // references and estimates without a pitch that were not counted
}

// EvaluateNotes holds the notes of a transcription against those of a reference, whoever plays
// them: as mir_eval.transcription does (Raffel et al., mir_eval: a transparent implementation of
// common MIR metrics, 2014). An onset is right within 50 ms, a pitch within half a semitone, an
// offset within 50 ms or a fifth of the reference's duration, whichever is more. As many notes as
// possible are matched, each with one at most. Notes without a pitch are left out, and so are
// those of sources called after percussion, whose pitches are keys of a kit. It is an error if a
// note is not valid.
func EvaluateNotes(reference, estimate audiosep.Notes) (*NoteReport, error) {
	r := &NoteReport{}
	var sets [2]audiosep.Notes
	for i, n := range []audiosep.Notes{reference, estimate} {
		if err := n.Validate(); err != nil {
			return nil, fmt.Errorf("%s: %w", []string{"the reference", "the estimate"}[i], err)
		}
		for _, x := range n {
			if math.IsNaN(x.Pitch) || percussion.Named(x.Source) {
				r.LeftOut++
			} else {
				sets[i] = append(sets[i], x)
			}
		}
		slices.SortStableFunc(sets[i], func(a, b audiosep.Note) int {
			return cmp.Compare(a.Onset, b.Onset)
		})
	}
	pitch := func(a, b audiosep.Note) bool { return math.Abs(a.Pitch-b.Pitch) <= pitchTolerance }
	offset := func(a, b audiosep.Note) bool {
		return apart(a.Offset, b.Offset) <= max(leastOffset, offsetRatio*(a.Offset-a.Onset))
	}
	r.Onsets = scoreNotes(sets[0], sets[1], func(_, _ audiosep.Note) bool { return true })
	r.Notes = scoreNotes(sets[0], sets[1], pitch)
	r.Offsets = scoreNotes(sets[0], sets[1], func(a, b audiosep.Note) bool { return pitch(a, b) && offset(a, b) })
	return r, nil
}

// apart is how far two times are apart, rounded.
func apart(a, b float64) float64 {
	return math.RoundToEven(math.Abs(a-b)*timesRoundedTo) / timesRoundedTo
}

// scoreNotes matches notes, sorted by onset, whose onsets are right and for which also holds.
func scoreNotes(reference, estimate audiosep.Notes, also func(r, e audiosep.Note) bool) NoteScore {
	s := NoteScore{References: len(reference), Estimates: len(estimate)}
	may := make([][]int, len(reference))
	first := 0
	for i, r := range reference {
		for first < len(estimate) && estimate[first].Onset < r.Onset-2*onsetTolerance {
			first++
		}
		for j := first; j < len(estimate) && estimate[j].Onset <= r.Onset+2*onsetTolerance; j++ {
			if apart(r.Onset, estimate[j].Onset) <= onsetTolerance && also(r, estimate[j]) {
				may[i] = append(may[i], j)
			}
		}
	}
	for i, j := range matchMost(may, len(estimate)) {
		if j < 0 {
			continue
		}
		r, e := reference[i], estimate[j]
		s.Matched++
		s.Overlap += (min(r.Offset, e.Offset) - max(r.Onset, e.Onset)) / (max(r.Offset, e.Offset) - min(r.Onset, e.Onset))
	}
	if s.Matched > 0 {
		m := float64(s.Matched)
		s.Overlap /= m
		s.Precision, s.Recall = m/float64(s.Estimates), m/float64(s.References)
		s.F = 2 * m / float64(s.Estimates+s.References)
	}
	return s
}

// matchMost returns for each row which of n columns is its own, or -1, such that as many rows as
// possible have one: by augmenting paths, breadth first (Kuhn 1955).
func matchMost(may [][]int, n int) []int {
	row, column := make([]int, n), make([]int, len(may))
	for j := range row {
		row[j] = -1
	}
	from, seen := make([]int, n), make([]int, n) // the row that a column was reached from; in which search
	for start := range may {
		column[start] = -1
		queue, end := []int{start}, -1
		for len(queue) > 0 && end < 0 {
			i := queue[0]
			queue = queue[1:]
			for _, j := range may[i] {
				if seen[j] == start+1 {
					continue
				}
				seen[j], from[j] = start+1, i
				if row[j] < 0 {
					end = j
					break
				}
				queue = append(queue, row[j])
			}
		}
		for end >= 0 { // each row of the path takes the column that it reached
			i := from[end]
			row[end], column[i], end = i, end, column[i]
		}
	}
	return column
}

// rows are the scores with their names.
func (r *NoteReport) rows() []struct {
	name, doc string
	NoteScore
} {
	return []struct {
		name, doc string
		NoteScore
	}{{"onset", "onsets within 50 ms", r.Onsets}, {"note", "and pitches within half a semitone", r.Notes}, {"note_with_offset", "and offsets within 50 ms or a fifth of the duration", r.Offsets}}
}

// WriteText writes a table.
func (r *NoteReport) WriteText(w io.Writer) error {
	fmt.Fprintf(w, "notes, as mir_eval counts them: %d in the reference, %d in the estimate\n", r.Notes.References, r.Notes.Estimates)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "right\tmatched\tprecision\trecall\tF\toverlap\t\n")
	for _, s := range r.rows() {
		fmt.Fprintf(t, "%s\t%d\t%.3f\t%.3f\t%.3f\t%.3f\t\n", s.name, s.Matched, s.Precision, s.Recall, s.F, s.Overlap)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, s := range r.rows() {
		fmt.Fprintf(w, "%s: %s\n", s.name, s.doc)
	}
	var err error
	if r.LeftOut > 0 {
		_, err = fmt.Fprintf(w, "left out: %s without a pitch, or of percussion\n", counted.Of(r.LeftOut, "note"))
	}
	return err
}

// WriteCSV writes a table with a line for each score.
func (r *NoteReport) WriteCSV(w io.Writer) error {
	c := csv.NewWriter(w)
	c.Write([]string{"right", "matched", "references", "estimates", "precision", "recall", "f", "overlap"})
	number := func(x float64) string { return strconv.FormatFloat(x, 'g', 6, 64) }
	for _, s := range r.rows() {
		c.Write([]string{s.name, strconv.Itoa(s.Matched), strconv.Itoa(s.References), strconv.Itoa(s.Estimates), number(s.Precision), number(s.Recall), number(s.F), number(s.Overlap)})
	}
	c.Flush()
	return c.Error()
}

// WriteJSON writes an object with one for each score.
func (r *NoteReport) WriteJSON(w io.Writer) error {
	type score struct {
		Matched    int     `json:"matched"`
		References int     `json:"references"`
		Estimates  int     `json:"estimates"`
		Precision  float64 `json:"precision"`
		Recall     float64 `json:"recall"`
		F          float64 `json:"f"`
		Overlap    float64 `json:"overlap"`
	}
	all := map[string]any{"left_out": r.LeftOut}
	for _, s := range r.rows() {
		all[s.name] = score{s.Matched, s.References, s.Estimates, s.Precision, s.Recall, s.F, s.Overlap}
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(all)
}
