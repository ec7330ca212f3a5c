package scene

import (
	"math"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// Frames of all layers that share a column stand side by side, in the order of layers.
func TestLayout(t *testing.T) {
	layers := [][]float64{
		{1, 2, 3, 4, 5, 6, 7, 8},
		{-1, -2, -3, -4, -5, -6, -7, -8},
	}
	s, err := New(layers, 2, 2, []float64{1, 3})
	if err != nil {
		t.Fatal(err)
	}
	want := mat.NewDense(2, 8, []float64{
		1, 3, -1, -3, 5, 7, -5, -7,
		2, 4, -2, -4, 6, 8, -6, -8,
	})
	if !mat.Equal(s.Y, want) || s.Cols != 2 || s.Per != 4 || s.Scale != 16 {
		t.Errorf("%d columns of %d frames, scale %v:\n%v", s.Cols, s.Per, s.Scale, mat.Formatted(s.Y))
	}
}

func TestNewRefuses(t *testing.T) {
	for what, c := range map[string]struct {
		layers   [][]float64
		m, share int
		want     string
	}{
		"no layers":      {nil, 2, 1, "at least one frame"},
		"too long":       {[][]float64{make([]float64, 20000)}, 20000, 1, "so that Φ has 4e+08 numbers, 3.2 GB"},
		"no frames":      {[][]float64{{}}, 2, 1, "at least one frame"},
		"no samples":     {[][]float64{{}}, 0, 1, "at least one frame"},
		"part of groups": {[][]float64{make([]float64, 6)}, 2, 2, "whole groups of 2"},
		"uneven layers":  {[][]float64{make([]float64, 4), make([]float64, 2)}, 2, 1, "layer 1 is 2 samples long; want 4"},
		"not a number":   {[][]float64{{0, 0, 0, math.NaN()}}, 2, 1, "sample 1 of frame 1 of layer 0 is NaN"},
	} {
		if _, err := New(c.layers, c.m, c.share, []float64{1, 1}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v; want %q", what, err, c.want)
		}
	}
}
