package report

import (
	"fmt"
	"io"
	"math"
	"os"
	"slices"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/palette/moreland"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"github.com/audiosep/audiosep"
)

// Axes are what the bins and columns of V, W and H stand for.
type Axes struct {
	Hz      []float64 // of each bin, rising; nil: bins have no frequencies
	Seconds float64   // from one column to the next; 0: not known
	// Quantity is what V is, power or magnitude, by which W and H are drawn in dB: 10·log10 of
	// a power, 20·log10 of a magnitude. Empty: it is not known, and is taken for a power.
	Quantity string
}

// HeatMap names what a heat map shows. With Hz rows are drawn over a logarithmic axis, those
// at 0 Hz left out; with Seconds columns are drawn over time.
type HeatMap struct {
	Title, X, Y, Z string
	Axes
}

// floor is how far below its greatest value a power is still told apart, in dB.
const floor = 80

// Decibels returns 10·log10 of a power, at most 80 dB below its greatest value.
func Decibels(v mat.Matrix) *mat.Dense {
	d := mat.DenseCopyOf(v)
	most := mat.Max(v)
	d.Apply(func(_, _ int, x float64) float64 {
		if x <= most*1e-8 {
			x = most * 1e-8
		}
		if x == 0 {
			return -floor
		}
		return 10 * math.Log10(x)
	}, d)
	return d
}

// grid is a matrix as a plotter.GridXYZ: columns to the right, rows upwards. A picture
// cannot show more than some thousand cells a side, so larger matrices are averaged.
type grid struct {
	*mat.Dense
	x, y func(i float64) float64 // where the cell with that middle stands
}

const mostCells = 1500

func newGrid(m mat.Matrix) grid {
	rows, cols := m.Dims()
	r, c := min(rows, mostCells), min(cols, mostCells)
	stepX, stepY := float64(cols)/float64(c), float64(rows)/float64(r)
	return grid{
		averaged(m, r, c, func(i int) (int, int) { return i * r / rows, i*r/rows + 1 }),
		func(i float64) float64 { return i*stepX - 0.5 }, func(i float64) float64 { return i*stepY - 0.5 },
	}
}

// averaged returns m in r×c cells: columns shared out evenly, row i to the cells from to to-1
// that rowsOf says, each the mean of what it gets.
func averaged(m mat.Matrix, r, c int, rowsOf func(i int) (from, to int)) *mat.Dense {
	rows, cols := m.Dims()
	sums, counts := mat.NewDense(r, c, nil), mat.NewDense(r, c, nil)
	for i := range rows {
		from, to := rowsOf(i)
		for y := from; y < to; y++ {
			for j := range cols {
				x := j * c / cols
				sums.Set(y, x, sums.At(y, x)+m.At(i, j))
				counts.Set(y, x, counts.At(y, x)+1)
			}
		}
	}
	sums.DivElem(sums, counts)
	return sums
}

// logCells is the number of rows of a heat map over a logarithmic axis.
const logCells = 600

// newLogGrid is newGrid over log10 of the frequencies of the rows. A bin fills the cells from
// half-way to the bin below to half-way to the one above; of bins in one cell it is the mean.
func newLogGrid(m mat.Matrix, hz []float64) grid {
	first := firstAbove0(hz)
	low, high := math.Log10(edge(hz, first)), math.Log10(edge(hz, len(hz)))
	cell := func(f float64) int {
		return min(max(int(math.Floor((math.Log10(f)-low)/(high-low)*logCells)), 0), logCells-1)
	}
	_, cols := m.Dims()
	c := min(cols, mostCells)
	step := float64(cols) / float64(c)
	return grid{
		averaged(m, logCells, c, func(i int) (int, int) {
			if i < first {
				return 0, 0
			}
			from := cell(edge(hz, i))
			return from, max(from+1, cell(edge(hz, i+1)))
		}),
		func(i float64) float64 { return i*step - 0.5 }, func(i float64) float64 { return low + (high-low)*i/logCells },
	}
}

// edge returns the frequency between bins i-1 and i, and the outer ends of the first and last.
func edge(hz []float64, i int) float64 {
	switch {
	case i == 0 || hz[i-1] <= 0:
		return hz[i] * 0.75
	case i == len(hz):
		return hz[i-1]
	}
	return (hz[i-1] + hz[i]) / 2
}

func firstAbove0(hz []float64) int {
	return slices.IndexFunc(hz, func(f float64) bool { return f > 0 })
}

// tuned tells whether the rows can stand over a logarithmic axis of frequencies.
func (a Axes) tuned(rows int) bool {
	return len(a.Hz) == rows && rows > 2 && slices.IsSorted(a.Hz) && a.Hz[rows-2] > 0 && a.Hz[rows-1] > a.Hz[rows-2]
}

func (g grid) Dims() (c, r int)   { r, c = g.Dense.Dims(); return c, r }
func (g grid) Z(c, r int) float64 { return g.At(r, c) }
func (g grid) X(c int) float64    { return g.x(float64(c) + 0.5) }
func (g grid) Y(r int) float64    { return g.y(float64(r) + 0.5) }

// hertz are the ticks of an axis of log10 of frequencies: 10, 20, 50, 100, …
type hertz struct{}

func (hertz) Ticks(low, high float64) (ticks []plot.Tick) {
	for decade := math.Floor(low); decade <= high; decade++ {
		for _, c := range []float64{1, 2, 5} {
			f := c * math.Pow(10, decade)
			if at := math.Log10(f); at >= low && at <= high {
				label := fmt.Sprintf("%g", f)
				if f >= 1000 {
					label = fmt.Sprintf("%gk", f/1000)
				}
				ticks = append(ticks, plot.Tick{Value: at, Label: label})
			}
		}
	}
	return ticks
}

// leastCells is how many cells a side has: of fewer each is repeated, as an image is drawn
// whose cells run into each other.
const leastCells = 300

// sharp returns g with cells repeated so that their edges are sharp.
func (g grid) sharp() grid {
	r, c := g.Dense.Dims()
	up, right := (leastCells+r-1)/r, (leastCells+c-1)/c
	d := mat.NewDense(r*up, c*right, nil)
	d.Apply(func(i, j int, _ float64) float64 { return g.At(i/up, j/right) }, d)
	return grid{
		d, func(i float64) float64 { return g.x(i / float64(right)) },
		func(i float64) float64 { return g.y(i / float64(up)) },
	}
}

// heatPlot makes a heat map of a matrix, row 0 at the bottom.
func heatPlot(m mat.Matrix, names HeatMap) *plot.Plot {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = names.Title, names.X, names.Y
	rows, _ := m.Dims()
	var g grid
	if names.tuned(rows) {
		g = newLogGrid(m, names.Hz)
		p.Y.Label.Text, p.Y.Tick.Marker = "Hz", hertz{}
	} else {
		g = newGrid(m)
	}
	if columns := g.x; names.Seconds > 0 {
		p.X.Label.Text = "s"
		g.x = func(i float64) float64 { return columns(i) * names.Seconds }
	}
	g = g.sharp()
	colours := moreland.ExtendedBlackBody()
	lo, hi := mat.Min(g.Dense), mat.Max(g.Dense)
	if lo == hi {
		hi = lo + 1
	}
	colours.SetMin(lo)
	colours.SetMax(hi)
	h := plotter.NewHeatMap(g, colours.Palette(255))
	h.Min, h.Max = lo, hi
	h.Rasterized = true
	p.Add(h)
	if names.Z != "" {
		p.Title.Text += fmt.Sprintf(" (%s, %.3g to %.3g)", names.Z, lo, hi)
	}
	return p
}

// DrawHeatMap draws a matrix as a PNG, row 0 at the bottom.
func DrawHeatMap(w io.Writer, m mat.Matrix, names HeatMap) error {
	png, err := heatPlot(m, names).WriterTo(20*vg.Centimeter, 12*vg.Centimeter, "png")
	if err != nil {
		return err
	}
	_, err = png.WriteTo(w)
	return err
}

// Line is one line of a plot. X is 0, 1, … where it is nil.
type Line struct {
	Name string
	X, Y []float64
}

// Lines makes a plot of lines, each in a colour of its own.
func Lines(title, x, y string, lines ...Line) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x, y
	p.Legend.Top = true
	for i, l := range lines {
		xy := make(plotter.XYs, len(l.Y))
		for n, v := range l.Y {
			xy[n] = plotter.XY{X: float64(n), Y: v}
			if l.X != nil {
				xy[n].X = l.X[n]
			}
		}
		line, err := plotter.NewLine(xy)
		if err != nil {
			return nil, err
		}
		line.Color = plotutil.Color(i)
		p.Add(line)
		if l.Name != "" {
			p.Legend.Add(l.Name, line)
		}
	}
	return p, nil
}

// mostMultiples is how many components have a row of their own; more are drawn in heat maps.
const mostMultiples = 12

// DrawFactors draws W, H and the objective as a PNG. Up to 12 components have a row each, W_k
// over the bins beside H_k over the columns, all over the same scales, in dB below the greatest
// number of W or of H; more are columns and rows of two heat maps. The objective stands below.
func DrawFactors(to io.Writer, f *audiosep.Factors, axes Axes) error {
	factor := 1.0
	name := "number, as a power"
	if axes.Quantity != "" {
		name = axes.Quantity
	}
	if name == "magnitude" {
		factor = 2
	}
	w, h := relative(f.W, factor), relative(f.H, factor)
	var tiles [][]*plot.Plot
	var err error
	height := 10 * vg.Centimeter
	if _, k := f.W.Dims(); k <= mostMultiples {
		tiles, err = multiples(w, h, axes, name)
		height = vg.Length(k) * 3 * vg.Centimeter
	} else {
		left := heatPlot(w, HeatMap{Title: "W, dB below its greatest " + name, X: "component", Y: "bin", Axes: Axes{Hz: axes.Hz}})
		right := heatPlot(h, HeatMap{Title: "H, dB below its greatest " + name, X: "column", Y: "component", Axes: Axes{Seconds: axes.Seconds}})
		left.X.Tick.Marker, right.Y.Tick.Marker = fromOne(k), fromOne(k)
		tiles = [][]*plot.Plot{{left, right}}
	}
	if err != nil {
		return err
	}
	if len(f.Objective) > 1 {
		p, err := Lines("", "iteration", "objective", Line{X: count(1, len(f.Objective)), Y: f.Objective})
		if err != nil {
			return err
		}
		tiles = append(tiles, []*plot.Plot{p, nil})
		height += 4 * vg.Centimeter
	}
	return DrawTiles(to, tiles, 28*vg.Centimeter, height)
}

// fromOne are the ticks of an axis of so many components, counted from 1 as everywhere.
func fromOne(k int) plot.ConstantTicks {
	var ticks plot.ConstantTicks
	each := (k + 19) / 20
	for c := each; c <= k; c += each {
		ticks = append(ticks, plot.Tick{Value: float64(c - 1), Label: fmt.Sprint(c)})
	}
	return ticks
}

// relative returns a in dB below its greatest number, at least -80.
func relative(a mat.Matrix, factor float64) *mat.Dense {
	most := mat.Max(a)
	d := mat.DenseCopyOf(a)
	d.Apply(func(_, _ int, x float64) float64 {
		if most <= 0 || x <= 0 {
			return -floor
		}
		return max(-floor, factor*10*math.Log10(x/most))
	}, d)
	return d
}

// count returns n numbers from first on.
func count(first, n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = float64(first + i)
	}
	return x
}

// multiples makes a row of plots for each component; the last row has the labels of the axes.
func multiples(w, h *mat.Dense, axes Axes, name string) (tiles [][]*plot.Plot, err error) {
	bins, k := w.Dims()
	_, cols := h.Dims()
	bin, column, from := count(0, bins), count(0, cols), 0
	labels := [2]string{"bin", "column"}
	if axes.tuned(bins) {
		from = firstAbove0(axes.Hz)
		for i, f := range axes.Hz {
			bin[i] = math.Log10(f)
		}
		labels[0] = "Hz"
	}
	if axes.Seconds > 0 {
		for i := range column {
			column[i] *= axes.Seconds
		}
		labels[1] = "s"
	}
	for c := range k {
		row := make([]*plot.Plot, 2)
		for i, l := range []Line{{X: bin[from:], Y: mat.Col(nil, c, w)[from:]}, {X: column, Y: mat.Row(nil, c, h)}} {
			p, err := Lines("", "", fmt.Sprintf("%c %d, dB", "WH"[i], c+1), l)
			if err != nil {
				return nil, err
			}
			p.Y.Min, p.Y.Max = -floor, 0
			if c == 0 {
				p.Title.Text = fmt.Sprintf("%c, dB below its greatest %s", "WH"[i], name)
			}
			if c == k-1 {
				p.X.Label.Text = labels[i]
			}
			if labels[i] == "Hz" {
				p.X.Tick.Marker = hertz{}
			}
			row[i] = p
		}
		tiles = append(tiles, row)
	}
	return tiles, nil
}

// SaveTiles draws a table of plots as a PNG file.
func SaveTiles(file string, plots [][]*plot.Plot, width, height vg.Length) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := DrawTiles(f, plots, width, height); err != nil {
		return err
	}
	return f.Close()
}

// DrawTiles draws a table of plots as a PNG.
func DrawTiles(w io.Writer, plots [][]*plot.Plot, width, height vg.Length) error {
	img := vgimg.New(width, height)
	const edge = 3 * vg.Millimeter
	tiles := draw.Tiles{
		Rows: len(plots), Cols: len(plots[0]), PadX: 5 * vg.Millimeter, PadY: 5 * vg.Millimeter,
		PadTop: edge, PadBottom: edge, PadLeft: edge, PadRight: edge,
	}
	for i, row := range plot.Align(plots, tiles, draw.New(img)) {
		for j, canvas := range row {
			if plots[i][j] != nil {
				plots[i][j].Draw(canvas)
			}
		}
	}
	_, err := vgimg.PngCanvas{Canvas: img}.WriteTo(w)
	return err
}
