package report

import (
	"fmt"
	"math"
	"os"

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

// HeatMap names what a heat map shows.
type HeatMap struct{ Title, X, Y, Z string }

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
	stepX, stepY float64
}

const mostCells = 1500

func newGrid(m mat.Matrix) grid {
	rows, cols := m.Dims()
	r, c := min(rows, mostCells), min(cols, mostCells)
	g := grid{mat.NewDense(r, c, nil), float64(cols) / float64(c), float64(rows) / float64(r)}
	counts := mat.NewDense(r, c, nil)
	for i := range rows {
		for j := range cols {
			y, x := i*r/rows, j*c/cols
			g.Set(y, x, g.At(y, x)+m.At(i, j))
			counts.Set(y, x, counts.At(y, x)+1)
		}
	}
	g.DivElem(g.Dense, counts)
	return g
}

func (g grid) Dims() (c, r int)   { r, c = g.Dense.Dims(); return c, r }
func (g grid) Z(c, r int) float64 { return g.At(r, c) }
func (g grid) X(c int) float64    { return (float64(c)+0.5)*g.stepX - 0.5 }
func (g grid) Y(r int) float64    { return (float64(r)+0.5)*g.stepY - 0.5 }

// SaveHeatMap draws a matrix as a PNG, row 0 at the bottom.
func SaveHeatMap(file string, m mat.Matrix, names HeatMap) error {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = names.Title, names.X, names.Y
	g := newGrid(m)
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
	return p.Save(20*vg.Centimeter, 12*vg.Centimeter, file)
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

// mostLines is how many components a legend still has room for.
const mostLines = 12

// SaveFactors draws the columns of W beside the rows of H as a PNG.
func SaveFactors(file string, f *audiosep.Factors) error {
	_, k := f.W.Dims()
	var w, h []Line
	for c := range k {
		name := ""
		if k <= mostLines {
			name = fmt.Sprint(c)
		}
		w = append(w, Line{Name: name, Y: mat.Col(nil, c, f.W)})
		h = append(h, Line{Name: name, Y: mat.Row(nil, c, f.H)})
	}
	left, err := Lines("W", "bin", "weight", w...)
	if err != nil {
		return err
	}
	right, err := Lines("H", "column", "power", h...)
	if err != nil {
		return err
	}
	return SaveTiles(file, [][]*plot.Plot{{left, right}}, 28*vg.Centimeter, 11*vg.Centimeter)
}

// SaveTiles draws a table of plots as a PNG.
func SaveTiles(file string, plots [][]*plot.Plot, width, height vg.Length) error {
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
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := (vgimg.PngCanvas{Canvas: img}).WriteTo(f); err != nil {
		return err
	}
	return f.Close()
}
