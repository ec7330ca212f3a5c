package report

import (
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/pipeline"
	"gonum.org/v1/gonum/mat"
)

// Over a logarithmic axis every bin above 0 Hz stands at its frequency.
func TestLogGrid(t *testing.T) {
	const bins = 400
	m, hz := mat.NewDense(bins, 2, nil), make([]float64, bins)
	for i := range bins {
		hz[i] = 25 * float64(i)
		m.Set(i, 0, hz[i])
		m.Set(i, 1, -hz[i])
	}
	g := newLogGrid(m, hz)
	c, r := g.Dims()
	for y := range r {
		f := math.Pow(10, g.Y(y))
		// Half the way to the next bin, and what a cell spans.
		if got := g.Z(0, y); math.Abs(got-f) > 12.5+f*(math.Pow(10, g.Y(1)-g.Y(0))-1) || g.Z(1, y) != -got {
			t.Errorf("at %.0f Hz stands bin %v", f, got)
		}
	}
	if c != 2 || g.Y(0) < math.Log10(18) || g.Y(r-1) > math.Log10(hz[bins-1]) {
		t.Errorf("%d columns, from %v to %v", c, g.Y(0), g.Y(r-1))
	}
}

func TestHertz(t *testing.T) {
	var labels []string
	for _, tick := range (hertz{}).Ticks(math.Log10(40), math.Log10(12000)) {
		labels = append(labels, tick.Label)
	}
	if want := []string{"50", "100", "200", "500", "1k", "2k", "5k", "10k"}; !slices.Equal(labels, want) {
		t.Errorf("the ticks are %v; want %v", labels, want)
	}
}

// Components have a row each, over the same 80 dB, with frequencies and times where these are
// known.
func TestMultiples(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long")
	}
	f := &audiosep.Factors{W: mat.NewDense(4, 12, nil), H: mat.NewDense(12, 5, nil)}
	f.W.Set(2, 3, 1)
	f.H.Set(3, 1, 1)
	axes := Axes{Hz: []float64{0, 100, 200, 300}, Seconds: 0.5}
	for quantity, factor := range map[string]float64{"power": 1, "magnitude": 2} {
		f.W.Set(1, 0, 0.01)
		if got := relative(f.W, factor).At(1, 0); math.Abs(got+20*factor) > 1e-12 {
			t.Errorf("a hundredth of a %s is %v dB; want %v", quantity, got, -20*factor)
		}
		tiles, err := multiples(relative(f.W, factor), relative(f.H, factor), axes, quantity)
		if err != nil || len(tiles) != 12 {
			t.Fatalf("%d rows, %v; want 12", len(tiles), err)
		}
		for k, row := range tiles {
			for i, p := range row {
				if want := fmt.Sprintf("%c %d, dB", "WH"[i], k+1); p.Y.Label.Text != want || p.Y.Min != -80 || p.Y.Max != 0 {
					t.Errorf("the plot of %s has %q from %v to %v", want, p.Y.Label.Text, p.Y.Min, p.Y.Max)
				}
			}
			if low, high := row[0].X.Min, row[1].X.Max; low != 2 || high != 2 {
				t.Errorf("W %d begins at 10^%v Hz, H ends at %v s; want 10² and 2", k, low, high)
			}
		}
		if last := tiles[11]; last[0].X.Label.Text != "Hz" || last[1].X.Label.Text != "s" || !strings.Contains(tiles[0][0].Title.Text, quantity) {
			t.Errorf("the labels are %q and %q, the title %q", last[0].X.Label.Text, last[1].X.Label.Text, tiles[0][0].Title.Text)
		}
	}
	for _, k := range []int{1, 12, 13, 40} {
		many := &audiosep.Factors{W: mat.NewDense(4, k, nil), H: mat.NewDense(k, 5, nil), Objective: []float64{3, 2, 1}}
		if err := DrawFactors(io.Discard, many, axes); err != nil {
			t.Errorf("%d components: %v", k, err)
		}
	}
}

type tunedTransform struct{ audiosep.Transform }

func (tunedTransform) Frequencies() []float64 { return []float64{0, 0.25, 0.5} }

// What passes the ports says what the axes of later pictures mean: a learnt Φ of as many rows
// takes the frequencies away.
func TestReportKnowsAxes(t *testing.T) {
	r, err := New(pipeline.ReportSpec{Dir: filepath.Join(t.TempDir(), "report")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	phi, err := audiosep.NewMatrixTransform(mat.NewDense(3, 3, []float64{1, 0, 0, 0, 1, 0, 0, 0, 1}))
	if err != nil {
		t.Fatal(err)
	}
	framing := audiosep.Framing{Head: audiosep.Head{Rate: 8000}, Hop: 10, Share: 4}
	r.Port(pipeline.Ref{Stage: "frame", Port: "frames"}, audiosep.CargoFrames, framing)
	r.Port(pipeline.Ref{Stage: "dct", Port: "transform"}, audiosep.CargoTransform, tunedTransform{phi})
	want := Axes{Hz: []float64{0, 2000, 4000}, Seconds: 0.005}
	for _, stage := range []string{"dct", "nmf"} {
		if a := r.axes(stage, 3, nil); !slices.Equal(a.Hz, want.Hz) || a.Seconds != want.Seconds {
			t.Errorf("the axes of %s are %v; want %v", stage, a, want)
		}
	}
	r.Port(pipeline.Ref{Stage: "learnt", Port: "transform"}, audiosep.CargoTransform, phi)
	if a := r.axes("nmf", 3, nil); a.Hz != nil {
		t.Errorf("the rows of a learnt transform are said to lie at %v", a.Hz)
	}
	if a := r.axes("dct", 3, nil); !slices.Equal(a.Hz, want.Hz) {
		t.Errorf("those of the first now lie at %v; want %v", a.Hz, want.Hz)
	}
}
