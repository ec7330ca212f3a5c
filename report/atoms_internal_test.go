package report

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/pipeline"
)

// TestPageOfALearntTransform gives a report a Φ whose rows are those of a DCT in another order: the page
// has the strongest of them by rising frequency, and W over an axis in Hz on which the one row that a
// component has stands at its frequency.
func TestPageOfALearntTransform(t *testing.T) {
	const m, rate = 64, 8000
	row := func(i int) int { return 27 * i % m } // the frequency of row i is that of row(i) of a DCT
	phi := mat.NewDense(m, m, nil)
	for i := range m {
		for n := range m {
			phi.Set(i, n, math.Cos(math.Pi*float64(row(i))*(float64(n)+0.5)/m))
		}
	}
	transform, err := audiosep.NewMatrixTransform(phi)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "report")
	r, err := New(pipeline.ReportSpec{Dir: dir, Ports: []string{"tl.*"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	const bin = 20
	f := &audiosep.Factors{W: mat.NewDense(m, 1, nil), H: mat.NewDense(1, 4, []float64{1, 2, 3, 4})}
	f.W.Set(bin, 0, 1)
	r.Port(pipeline.Ref{Stage: "frame", Port: "frames"}, audiosep.CargoFrames, audiosep.Framing{Head: audiosep.Head{Rate: rate}, Hop: 32, Share: 1})
	r.Port(pipeline.Ref{Stage: "tl", Port: "transform"}, audiosep.CargoTransform, transform)
	r.Port(pipeline.Ref{Stage: "tl", Port: "factors"}, audiosep.CargoFactors, f)
	if err := r.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "report.html"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), `id="data">`)
	inside, _, _ := strings.Cut(rest, "</script>")
	var page pageData
	if err := json.Unmarshal([]byte(inside), &page); err != nil || len(page.Transforms) != 1 || len(page.Factors) != 1 {
		t.Fatalf("the page has %d transforms and %d factors, %v; want one of each", len(page.Transforms), len(page.Factors), err)
	}
	all := page.Transforms[0]
	if all.Of != m || len(all.Atoms) != mostAtoms || all.Seconds != m/float64(rate) {
		t.Errorf("of %d rows of %g s the page has %d; want %d of %d, %g s long", all.Of, all.Seconds, len(all.Atoms), mostAtoms, m, m/float64(rate))
	}
	if !slices.IsSortedFunc(all.Atoms, func(a, b pageAtom) int { return int(math.Copysign(1, a.Hz-b.Hz)) }) {
		t.Error("the atoms are not in the order of their frequencies")
	}
	strongest := false
	for _, a := range all.Atoms {
		strongest = strongest || a.Row == bin+1
		if want := float64(row(a.Row-1)) * rate / 2 / m; math.Abs(a.Hz-want) > 0.1 || a.Unexplained > 1e-3 {
			t.Errorf("row %d lies at %g Hz, %g of it unexplained; want %g Hz", a.Row, a.Hz, a.Unexplained, want)
		}
	}
	if !strongest {
		t.Errorf("row %d, which the factors have alone, is not shown", bin+1)
	}
	w := page.Factors[0]
	spectrum, err := base64.StdEncoding.DecodeString(w.Components[0].Spectrum)
	if err != nil || !w.Fitted || math.Abs(w.High-rate/2*63.0/64) > 0.1 {
		t.Fatalf("W stands from %g to %g Hz, %v; want up to %g", w.Low, w.High, err, rate/2*63.0/64)
	}
	last := len(spectrum) - 1
	for last >= 0 && spectrum[last] != 255 {
		last--
	}
	at := float64(slices.Index(spectrum, 255)+last+1) / 2 / float64(len(spectrum))
	if hz, want := w.Low*math.Pow(w.High/w.Low, at), float64(row(bin))*rate/2/m; math.Abs(hz/want-1) > 0.03 {
		t.Errorf("the component's row is drawn at %.0f Hz; want %.0f", hz, want)
	}
}
