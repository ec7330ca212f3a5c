package nn

import (
	"archive/zip"
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/audiosep/audiosep/internal/npy"
)

// Weights are the arrays of a network by their names.
type Weights struct {
	arrays map[string]npy.Array
	err    error
}

// ReadWeights reads an .npz, NumPy's archive of arrays.
func ReadWeights(npz []byte) (*Weights, error) {
	z, err := zip.NewReader(bytes.NewReader(npz), int64(len(npz)))
	if err != nil {
		return nil, err
	}
	w := &Weights{arrays: map[string]npy.Array{}}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			return nil, err
		}
		a, err := npy.Read(r, int64(f.UncompressedSize64))
		r.Close()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		w.arrays[strings.TrimSuffix(f.Name, ".npy")] = a
	}
	return w, nil
}

// Scale multiplies all numbers of all arrays, as of weights that are stored as whole numbers.
func (w *Weights) Scale(by float64) {
	for _, a := range w.arrays {
		for i := range a.Data {
			a.Data[i] *= by
		}
	}
}

// Take returns the array of that name, of that shape; one of more than two dimensions is stored
// as a matrix, with all but the first as one. What is missing or of another shape is told by
// Err, and is zeros here.
func (w *Weights) Take(name string, shape ...int) []float64 {
	size := 1
	for _, n := range shape {
		size *= n
	}
	if len(shape) > 2 {
		shape = []int{shape[0], size / shape[0]}
	}
	a, ok := w.arrays[name]
	if !ok || !slices.Equal(a.Shape, shape) {
		if w.err == nil {
			w.err = fmt.Errorf("array %q has the shape %v; want %v", name, a.Shape, shape)
		}
		return make([]float64, size)
	}
	return a.Data
}

// Err returns what was wrong with the first array that was.
func (w *Weights) Err() error { return w.err }

// Conv returns a convolution over rows with the arrays name.w, [out][in][taps], and name.b.
func (w *Weights) Conv(name string, out, in, taps int) Conv {
	return Conv{Out: out, In: in, Rows: taps, Cols: 1, W: w.Take(name+".w", out, in, taps), B: w.Take(name+".b", out)}
}

// Conv2D returns a convolution over rows and columns with the arrays name.w,
// [out][in][rows][cols], and name.b, centred on the number that it makes.
func (w *Weights) Conv2D(name string, out, in, rows, cols int) Conv {
	return Conv{Out: out, In: in, Rows: rows, Cols: cols, First: -(rows / 2), Left: -(cols / 2),
		W: w.Take(name+".w", out, in, rows, cols), B: w.Take(name+".b", out)}
}

// GRU returns the layer with the arrays name.wx, .wh, .b and .bn.
func (w *Weights) GRU(name string, in, hidden int) GRU {
	return GRU{
		Hidden: hidden,
		X:      Conv{Out: 3 * hidden, In: in, Rows: 1, Cols: 1, W: w.Take(name+".wx", 3*hidden, in), B: w.Take(name+".b", 3*hidden)},
		Wh:     w.Take(name+".wh", 3*hidden, hidden),
		Bn:     w.Take(name+".bn", hidden),
	}
}

// GRUBefore returns the layer with the arrays name.wx, .wh and .b.
func (w *Weights) GRUBefore(name string, in, hidden int) GRUBefore {
	return GRUBefore{
		Hidden: hidden,
		X:      Conv{Out: 3 * hidden, In: in, Rows: 1, Cols: 1, W: w.Take(name+".wx", 3*hidden, in), B: w.Take(name+".b", 3*hidden)},
		Wh:     w.Take(name+".wh", hidden, 3*hidden),
	}
}
