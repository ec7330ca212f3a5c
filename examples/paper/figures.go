package main

import (
	"fmt"
	"path/filepath"
	"slices"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"

	"github.com/audiosep/audiosep/analysis"
	"github.com/audiosep/audiosep/report"
)

// figures draws the report's pictures into a folder.
func (r *results) figures(dir string) error {
	for name, draw := range map[string]func(file string) error{
		"figure1.png": r.First.signal,
		"figure2.png": r.First.factors,
		"figure3.png": r.First.TL.drawAtoms,
		"singles.png": r.sortedSingles,
	} {
		if err := draw(filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// signal draws Figure 1, one realisation.
func (e example) signal(file string) error {
	p, err := report.Lines("", "t (samples)", "y(t)", outline(e.Scene.Mix.Data[0], 750))
	if err != nil {
		return err
	}
	return p.Save(20*vg.Centimeter, 8*vg.Centimeter, file)
}

// outline is a line through the least and the greatest of every so many samples: all that
// a picture of so many columns can show, and far quicker to draw.
func outline(y []float64, columns int) report.Line {
	var l report.Line
	for c := range columns {
		from, to := c*len(y)/columns, (c+1)*len(y)/columns
		if from == to {
			continue
		}
		at := float64(from)
		l.X = append(l.X, at, at)
		l.Y = append(l.Y, slices.Min(y[from:to]), slices.Max(y[from:to]))
	}
	return l
}

// shown is the number of rows of W in Figure 2.
const shown = 20

// factors draws Figure 2: W, its rows by decreasing influence, and H.
func (e example) factors(file string) error {
	var tiles [][]*plot.Plot
	for _, m := range []struct {
		name string
		learnt
	}{{"DCT-NMF", e.DCT}, {"TL-NMF", e.TL}} {
		order := analysis.Influence(m.Model)[:shown]
		var w, h []report.Line
		for j, k := range m.Score.Components {
			name := fmt.Sprintf("source %d", j+1)
			column, rank := make([]float64, shown), make([]float64, shown)
			for i, row := range order {
				column[i], rank[i] = m.Model.Factors.W.At(row, k), float64(i+1)
			}
			w = append(w, report.Line{Name: name, X: rank, Y: column})
			h = append(h, report.Line{Y: mat.Row(nil, k, m.Model.Factors.H)})
		}
		left, err := report.Lines(m.name+": W", "m", "", w...)
		if err != nil {
			return err
		}
		right, err := report.Lines(m.name+": H", "n", "", h...)
		if err != nil {
			return err
		}
		tiles = append(tiles, []*plot.Plot{left, right})
	}
	return report.SaveTiles(file, tiles, 24*vg.Centimeter, 16*vg.Centimeter)
}

// drawAtoms draws Figure 3, the eight most influential rows of Φ.
func (l learnt) drawAtoms(file string) error {
	tiles := make([][]*plot.Plot, 2)
	for i, a := range l.atoms(len(paperTLAtoms)) {
		p, err := report.Lines(fmt.Sprintf("m = %d, %.2f Hz", i+1, a.Frequency), "", "", report.Line{Y: mat.Row(nil, a.Row, l.phi())})
		if err != nil {
			return err
		}
		tiles[i/4] = append(tiles[i/4], p)
	}
	return report.SaveTiles(file, tiles, 30*vg.Centimeter, 12*vg.Centimeter)
}

// sortedSingles draws the SDR of single recordings, worst first, for each method that
// was run on many.
func (r *results) sortedSingles(file string) error {
	var lines []report.Line
	for _, row := range r.Singles {
		if len(row.Scores) < len(r.Singles[0].Scores) {
			continue
		}
		lines = append(lines, report.Line{Name: row.Name, Y: slices.Sorted(slices.Values(row.SDR()))})
	}
	p, err := report.Lines("One recording at a time", "recordings, the worst first", "SDR (dB)", lines...)
	if err != nil {
		return err
	}
	p.Legend.Top = false
	return p.Save(20*vg.Centimeter, 10*vg.Centimeter, file)
}
