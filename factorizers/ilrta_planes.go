package factorizers

import (
	"context"
	"fmt"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/kernel"
	"github.com/audiosep/audiosep/internal/threads"
)

// planes are complex numbers, their real parts and their imaginary ones; nil if they are real.
type planes struct{ re, im []float64 }

// row returns row i of a matrix of so many columns.
func (x planes) row(i, cols int) planes { return x.rows(i, 1, cols) }

// rows returns n rows of a matrix of so many columns from row i on.
func (x planes) rows(i, n, cols int) planes {
	y := planes{re: x.re[i*cols : (i+n)*cols]}
	if x.im != nil {
		y.im = x.im[i*cols : (i+n)*cols]
	}
	return y
}

func (x planes) scale(by float64) {
	for i := range x.re {
		x.re[i] *= by
	}
	for i := range x.im {
		x.im[i] *= by
	}
}

// subtract subtracts (re + j·im)·y.
func (x planes) subtract(y planes, re, im float64) {
	a, b := x.re, y.re[:len(x.re)]
	if x.im == nil {
		for i, v := range b {
			a[i] -= re * v
		}
		return
	}
	c, d := x.im[:len(a)], y.im[:len(a)]
	for i, v := range b {
		a[i] -= re*v - im*d[i]
		c[i] -= re*d[i] + im*v
	}
}

// products returns Σ x·conj(y) and Σ |y|².
func (x planes) products(y planes) (re, im, den float64) {
	b := y.re[:len(x.re)]
	for i, v := range x.re {
		re += v * b[i]
		den += b[i] * b[i]
	}
	if x.im == nil {
		return re, 0, den
	}
	c, d := x.im[:len(b)], y.im[:len(b)]
	for i, v := range d {
		re += c[i] * v
		im += c[i]*b[i] - x.re[i]*v
		den += v * v
	}
	return re, im, den
}

// weighted returns Σ u·x·conj(y)/per and Σ u·|y|²/per; a number of u belongs to per of x.
func (x planes) weighted(y planes, u []float64, per int) (re, im, den float64) {
	if per == 1 {
		return x.weightedEach(y, u)
	}
	for n, q := range u {
		at := planes{re: x.re[n*per : (n+1)*per]}
		by := planes{re: y.re[n*per : (n+1)*per]}
		if x.im != nil {
			at.im, by.im = x.im[n*per:(n+1)*per], y.im[n*per:(n+1)*per]
		}
		r, i, d := at.products(by)
		re, im, den = re+q*r, im+q*i, den+q*d
	}
	return re / float64(per), im / float64(per), den / float64(per)
}

// weightedEach is weighted where each number of u belongs to one of x.
func (x planes) weightedEach(y planes, u []float64) (re, im, den float64) {
	a, b := x.re[:len(u)], y.re[:len(u)]
	if x.im == nil {
		for i, q := range u {
			v := q * b[i]
			re += v * a[i]
			den += v * b[i]
		}
		return re, 0, den
	}
	c, d := x.im[:len(u)], y.im[:len(u)]
	for i, q := range u {
		v, w := q*b[i], q*d[i]
		re += v*a[i] + w*c[i]
		im += v*c[i] - w*a[i]
		den += v*b[i] + w*d[i]
	}
	return re, im, den
}

// turn sets dst to the transpose of x, a matrix of rows×cols whose entries are per numbers each.
func (dst planes) turn(x planes, rows, cols, per int) {
	transpose(dst.re, x.re, rows, cols, per)
	if x.im != nil {
		transpose(dst.im, x.im, rows, cols, per)
	}
}

func transpose(dst, x []float64, rows, cols, per int) {
	for i := range rows {
		for j := range cols {
			copy(dst[(j*rows+i)*per:][:per], x[(i*cols+j)*per:])
		}
	}
}

// times sets dst, of so many columns, to a·b, or a·bᵀ; a has inner columns.
func (dst planes) times(a, b planes, inner, cols int, transposed bool) {
	tb, wide := blas.NoTrans, cols
	if transposed {
		tb, wide = blas.Trans, inner
	}
	gemm := func(by float64, x, y, to []float64, keep float64) {
		kernel.Gemm(blas.NoTrans, tb, by, rowMajor(x, inner), rowMajor(y, wide), keep, rowMajor(to, cols))
	}
	gemm(1, a.re, b.re, dst.re, 0)
	if dst.im != nil {
		gemm(-1, a.im, b.im, dst.re, 1)
		gemm(1, a.re, b.im, dst.im, 0)
		gemm(1, a.im, b.re, dst.im, 1)
	}
}

// inverse returns that of an n×n matrix. It does not wait for that of a great one once ctx is done.
func (x planes) inverse(ctx context.Context, n int) (planes, error) {
	size := n
	if x.im != nil {
		size = 2 * n // [re -im; im re]
	}
	whole, inverse := mat.NewDense(size, size, nil), new(mat.Dense)
	for i := range n {
		for j := range n {
			whole.Set(i, j, x.re[i*n+j])
			if x.im != nil {
				whole.Set(n+i, n+j, x.re[i*n+j])
				whole.Set(n+i, j, x.im[i*n+j])
				whole.Set(i, n+j, -x.im[i*n+j])
			}
		}
	}
	done := make(chan error, 1)
	go func() { done <- inverse.Inverse(whole) }()
	select {
	case err := <-done:
		if err != nil {
			return x, fmt.Errorf("a learnt matrix has no inverse that could be relied on (%w); want a greater blend or eps, or more sound", err)
		}
	case <-ctx.Done():
		return x, ctx.Err()
	}
	y := x.like(n * n)
	for i := range n {
		for j := range n {
			y.re[i*n+j] = inverse.At(i, j)
			if x.im != nil {
				y.im[i*n+j] = inverse.At(n+i, j)
			}
		}
	}
	return y, nil
}

// like returns n zeros, complex if x is.
func (x planes) like(n int) planes {
	y := planes{re: make([]float64, n)}
	if x.im != nil {
		y.im = make([]float64, n)
	}
	return y
}

// rowTeam calls a task for all rows, some at a time, on several threads.
type rowTeam struct {
	team            *threads.Team
	rows, most, row int
	part            func(worker, chunk int)
}

// steeredAtOnce is how many rows a thread takes at a time.
const steeredAtOnce = 16

func newRowTeam(rows, most int, task func(i, k int)) *rowTeam {
	t := &rowTeam{team: threads.NewTeam(), rows: rows, most: most}
	t.part = func(_, chunk int) {
		for i := chunk * steeredAtOnce; i < min(rows, (chunk+1)*steeredAtOnce); i++ {
			task(i, t.row)
		}
	}
	return t
}

// do calls task for all rows i, and k.
func (t *rowTeam) do(k int) {
	t.row = k
	t.team.Do((t.rows+steeredAtOnce-1)/steeredAtOnce, t.most, t.part)
}

// tensor is all coefficients of a recording: M×(N·per), those of a column of all layers and
// frames that share an activation one after the other.
type tensor struct {
	bins, cols, per, shared, layers int
	power                           float64 // mean of |x|²
	planes
}

// readTensor reads all coefficients.
func readTensor(ctx context.Context, x audiosep.Spectra) (*tensor, error) {
	f, t := x.Framing(), x.Transform()
	frames := f.Frames()
	if frames == 0 {
		return nil, fmt.Errorf("the recording has no frames; want at least one")
	}
	a := &tensor{bins: t.Bins(), cols: f.Columns(), shared: f.Share, layers: f.Layers(), per: f.Share * f.Layers()}
	total := a.cols * a.per
	a.re = make([]float64, a.bins*total)
	if t.Complex() {
		a.im = make([]float64, len(a.re))
	}
	var s audiosep.Spectrogram
	const step = 256
	for first := 0; first < frames; first += step {
		if err := x.Read(ctx, &s, first, min(step, frames-first)); err != nil {
			return nil, err
		}
		for l, layer := range s.Layers {
			for i, v := range layer.Re {
				at := i%a.bins*total + (first+i/a.bins)*a.layers + l
				a.re[at] = v
				a.power += v * v
				if a.im != nil {
					a.im[at] = layer.Im[i]
					a.power += layer.Im[i] * layer.Im[i]
				}
			}
		}
	}
	a.power /= float64(len(a.re))
	return a, nil
}
