package fft

import "math"

// An expr is a complex number as a sum of complex multiples of real rows.
type expr []term

type term struct {
	row int
	c   complex128
}

// row is the expression that is row i.
func row(i int) expr { return expr{{i, 1}} }

// pair is the complex number whose parts are two rows.
func pair(re, im int) expr { return expr{{re, 1}, {im, 1i}} }

func (e expr) times(c complex128) expr {
	f := make(expr, len(e))
	for i, t := range e {
		f[i] = term{t.row, t.c * c}
	}
	return f
}

func (e expr) conj() expr {
	f := make(expr, len(e))
	for i, t := range e {
		f[i] = term{t.row, complex(real(t.c), -imag(t.c))}
	}
	return f
}

func (e expr) plus(f expr) expr {
	sum := append(make(expr, 0, len(e)+len(f)), e...)
next:
	for _, t := range f {
		for i := range sum {
			if sum[i].row == t.row {
				sum[i].c += t.c
				continue next
			}
		}
		sum = append(sum, t)
	}
	return sum
}

// numbers returns the expression of the i-th number. It is a function because a list would be
// long for a long transform.
type numbers func(i int) expr

// A sparse is a matrix with few real entries in a row.
type sparse struct {
	rows int
	row  func(i int) []entry
}

type entry struct {
	col int
	c   float64
}

// re and im are the real and imaginary part of an expression as a matrix row.
func (e expr) re() []entry { return e.part(func(c complex128) float64 { return real(c) }) }
func (e expr) im() []entry { return e.part(func(c complex128) float64 { return imag(c) }) }

func (e expr) part(f func(complex128) float64) []entry {
	var r []entry
	for _, t := range e {
		if c := f(t.c); c != 0 {
			r = append(r, entry{t.row, c})
		}
	}
	return r
}

// complexRows are the rows re, im, re, im … of n numbers.
func complexRows(z numbers, n int) sparse {
	return sparse{2 * n, func(i int) []entry {
		if i%2 == 1 {
			return z(i / 2).im()
		}
		return z(i / 2).re()
	}}
}

// realRows are the real parts of n numbers.
func realRows(z numbers, n int) sparse {
	return sparse{n, func(i int) []entry { return z(i).re() }}
}

// planar is the real parts of n numbers, then the imaginary ones.
func planar(z numbers, n int) sparse {
	return sparse{2 * n, func(i int) []entry {
		if i >= n {
			return z(i - n).im()
		}
		return z(i).re()
	}}
}

// of returns the product a·b.
func (a sparse) of(b sparse) sparse {
	return sparse{a.rows, func(i int) []entry {
		var e expr
		for _, x := range a.row(i) {
			for _, y := range b.row(x.col) {
				e = e.plus(expr{{y.col, complex(x.c*y.c, 0)}})
			}
		}
		return e.re()
	}}
}

// same is the matrix that leaves n complex numbers as they are.
func same(n int) sparse {
	return sparse{2 * n, func(i int) []entry { return []entry{{i, 1}} }}
}

// identity tells whether a leaves a column of cols numbers as it is.
func (a sparse) identity(cols int) bool {
	if a.rows != cols {
		return false
	}
	for i := range a.rows {
		if r := a.row(i); len(r) != 1 || r[0] != (entry{i, 1}) {
			return false
		}
	}
	return true
}

// root returns exp(-2πi·a/b). a/b is reduced to an eighth of the circle in integers, as in
// floating point the angle would lose digits.
func root(a, b int) complex128 {
	a = ((a % b) + b) % b
	switch {
	case 8*a > 4*b: // the lower half of the circle
		w := root(b-a, b)
		return complex(real(w), -imag(w))
	case 8*a > 2*b: // the second quarter
		w := root4(2*b-4*a, 4*b)
		return complex(-real(w), imag(w))
	}
	return root4(4*a, 4*b)
}

// root4 is root on the first quarter.
func root4(a, b int) complex128 {
	if 8*a > b {
		sin, cos := math.Sincos(2 * math.Pi * float64(b-4*a) / float64(4*b))
		return complex(sin, -cos)
	}
	sin, cos := math.Sincos(2 * math.Pi * float64(a) / float64(b))
	return complex(cos, -sin)
}
