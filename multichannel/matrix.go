package multichannel

import (
	"math"
	"math/cmplx"
)

// Small complex matrices, row after row in a slice, of as many rows as there are channels.

// identity sets a, n×n, to I.
func identity(a []complex128, n int) {
	clear(a)
	for i := range n {
		a[i*n+i] = 1
	}
}

// multiply sets dst, n×n, to a·b.
func multiply(dst, a, b []complex128, n int) {
	for i := range n {
		for j := range n {
			var sum complex128
			for k := range n {
				sum += a[i*n+k] * b[k*n+j]
			}
			dst[i*n+j] = sum
		}
	}
}

// factorise replaces a, n×n, by its LU factors, with partial pivoting: row i of them is row
// pivot[i] of a. It returns log |det a|, -Inf if a is singular.
func factorise(a []complex128, pivot []int, n int) (logDet float64) {
	pivots := 1.0
	for i := range n {
		pivot[i] = i
	}
	for k := range n {
		best := k
		for i := k + 1; i < n; i++ {
			if size(a[i*n+k]) > size(a[best*n+k]) {
				best = i
			}
		}
		if best != k {
			pivot[k], pivot[best] = pivot[best], pivot[k]
			for j := range n {
				a[k*n+j], a[best*n+j] = a[best*n+j], a[k*n+j]
			}
		}
		if a[k*n+k] == 0 {
			return math.Inf(-1)
		}
		abs := cmplx.Abs(a[k*n+k])
		// One logarithm serves many pivots, as long as their product can neither vanish nor overflow.
		if !(abs > 1e-100 && abs < 1e100) {
			logDet += math.Log(abs)
		} else if pivots *= abs; !(pivots > 1e-200 && pivots < 1e200) {
			logDet += math.Log(pivots)
			pivots = 1
		}
		inverse := complex(real(a[k*n+k])/abs/abs, -imag(a[k*n+k])/abs/abs)
		for i := k + 1; i < n; i++ {
			a[i*n+k] *= inverse
			for j := k + 1; j < n; j++ {
				a[i*n+j] -= a[i*n+k] * a[k*n+j]
			}
		}
	}
	return logDet + math.Log(pivots)
}

// solve sets x to the solution of a·x = e_unit, a having been factorised.
func solve(x, lu []complex128, pivot []int, unit, n int) {
	for i := range n {
		x[i] = 0
		if pivot[i] == unit {
			x[i] = 1
		}
		for j := range i {
			x[i] -= lu[i*n+j] * x[j]
		}
	}
	substitute(x, lu, n)
}

// solveFor sets x to the solution of a·x = y, a having been factorised.
func solveFor(x, lu []complex128, pivot []int, y []complex128, n int) {
	for i := range n {
		x[i] = y[pivot[i]]
		for j := range i {
			x[i] -= lu[i*n+j] * x[j]
		}
	}
	substitute(x, lu, n)
}

// substitute replaces x by U⁻¹x, U being the upper one of the factors.
func substitute(x, lu []complex128, n int) {
	for i := n - 1; i >= 0; i-- {
		for j := i + 1; j < n; j++ {
			x[i] -= lu[i*n+j] * x[j]
		}
		x[i] /= lu[i*n+i]
	}
}

// form returns aᵀ·u·conj(b), where u is n×n.
func form(a, u, b []complex128, n int) complex128 {
	var sum complex128
	for i := range n {
		var row complex128
		for j := range n {
			row += u[i*n+j] * cmplx.Conj(b[j])
		}
		sum += a[i] * row
	}
	return sum
}

// conjugated sets dst to u·conj(b), where u is n×n.
func conjugated(dst, u, b []complex128) {
	n := len(b)
	for i := range dst[:n] {
		var re, im float64
		for j, z := range u[i*n : i*n+n] {
			re += real(z)*real(b[j]) + imag(z)*imag(b[j])
			im += imag(z)*real(b[j]) - real(z)*imag(b[j])
		}
		dst[i] = complex(re, im)
	}
}

// product returns aᵀ·b.
func product(a, b []complex128) (sum complex128) {
	b = b[:len(a)]
	for i, z := range a {
		sum += z * b[i]
	}
	return sum
}

// size is a cheap measure of a number's magnitude.
func size(z complex128) float64 { return math.Abs(real(z)) + math.Abs(imag(z)) }

// finite tells whether all numbers are.
func finite(a []complex128) bool {
	var bad float64
	for _, z := range a {
		bad += real(z)*0 + imag(z)*0
	}
	return bad == 0
}
