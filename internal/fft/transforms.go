package fft

import (
	"fmt"
	"math"
)

// NewComplex returns X[k] = scale · Σ_t x[t] exp(-2πi·kt/n) of n ≥ 1 complex numbers.
func NewComplex(n int, scale float64) *Plan {
	z := func(t int) expr { return pair(t, n+t) }
	return newPlan(shape{n, true}, shape{n, true}, complexRows(z, n), n, planar(spectrum(scale), n))
}

// NewComplexInverse returns x[t] = scale · Σ_k X[k] exp(2πi·kt/n).
func NewComplexInverse(n int, scale float64) *Plan {
	z := func(k int) expr {
		k = (n - k) % n
		return pair(k, n+k)
	}
	return newPlan(shape{n, true}, shape{n, true}, complexRows(z, n), n, planar(spectrum(scale), n))
}

// spectrum is the result of a DFT times scale.
func spectrum(scale float64) numbers {
	return func(k int) expr { return pair(2*k, 2*k+1).times(complex(scale, 0)) }
}

// NewReal returns X[k] = scale · Σ_t x[t] exp(-2πi·kt/n), k = 0 … n/2, of m ≤ n real
// numbers that are followed by zeros.
func NewReal(m, n int, scale float64) *Plan {
	before, size := realInput(n, func(t int) expr {
		if t >= m {
			return nil
		}
		return row(t)
	})
	spec := realSpectrum(n)
	out := func(k int) expr { return spec(k).times(complex(scale, 0)) }
	return newPlan(shape{m, false}, shape{n/2 + 1, true}, before, size, planar(out, n/2+1))
}

// NewRealInverse returns the first m of the n numbers x[t] = scale · Σ_k X[k]
// exp(2πi·kt/n) of the n/2+1 coefficients X[0 … n/2], the others being their conjugates.
// The imaginary parts of the first coefficient and, for even n, of the last count as zero.
func NewRealInverse(m, n int, scale float64) *Plan {
	bins := n/2 + 1
	before, size := realInverse(n, func(k int) expr {
		if k == 0 || 2*k == n {
			return row(k).times(complex(scale, 0))
		}
		return pair(k, bins+k).times(complex(scale, 0))
	})
	return newPlan(shape{bins, true}, shape{m, false}, before, size, realRows(realOutput(n), m))
}

// realInput packs n real numbers for a DFT: for even n two of them into each complex number.
func realInput(n int, x numbers) (before sparse, size int) {
	if n%2 == 1 {
		return complexRows(x, n), n
	}
	z := func(t int) expr { return x(2 * t).plus(x(2*t + 1).times(1i)) }
	return complexRows(z, n/2), n / 2
}

// realSpectrum returns coefficient k, 0 ≤ k < n, of the numbers that realInput has packed, from
// the rows of the DFT.
func realSpectrum(n int) numbers {
	if n%2 == 1 {
		return func(k int) expr { return pair(2*k, 2*k+1) }
	}
	h := n / 2
	return func(k int) expr {
		a, b := k%h, (h-k%h)%h
		z, c := pair(2*a, 2*a+1), pair(2*b, 2*b+1).conj()
		even, odd := z.plus(c).times(0.5), z.plus(c.times(-1)).times(-0.5i)
		return even.plus(odd.times(root(k, n)))
	}
}

// realInverse packs the spectrum of n real numbers, given for 0 ≤ k ≤ n/2, for a DFT
// that leaves them as realOutput says. The spectrum is in reverse order, which turns
// the DFT into its inverse.
func realInverse(n int, spec numbers) (before sparse, size int) {
	full := func(k int) expr {
		if 2*k > n {
			return spec(n - k).conj()
		}
		return spec(k)
	}
	if n%2 == 1 {
		return complexRows(func(k int) expr { return full((n - k) % n) }, n), n
	}
	h := n / 2
	z := func(k int) expr {
		k = (h - k) % h
		a, b := full(k), full(k+h)
		return a.plus(b).plus(a.plus(b.times(-1)).times(1i * root(-k, n)))
	}
	return complexRows(z, h), h
}

// realOutput is the numbers x[t] after realInverse.
func realOutput(n int) numbers {
	if n%2 == 1 {
		return func(t int) expr { return row(2 * t) }
	}
	return row
}

// NewDCT returns the orthonormal discrete cosine transform of m real numbers,
//
//	I    √(2/(m-1)) e_k e_n cos(πkn/(m-1)), e = 1/√2 at 0 and m-1, else 1; m ≥ 2
//	II   √(2/m) e_k cos(πk(2n+1)/(2m)),     e_0 = 1/√2, else 1
//	III  the inverse of II
//	IV   √(2/m) cos(π(2k+1)(2n+1)/(4m))
//
// (Wang and Hunt, 1985). I and IV are their own inverses. It panics for another type.
func NewDCT(typ, m int) *Plan {
	before, size, after := dct(typ, m)
	return newPlan(shape{m, false}, shape{m, false}, before, size, after)
}

func dct(typ, m int) (before sparse, size int, after sparse) {
	switch {
	case m == 1:
		return complexRows(row, 1), 1, realRows(row, 1)
	case typ == 1:
		return dct1(m)
	case typ == 2:
		return dct2(m)
	case typ == 3:
		return dct3(m)
	case typ == 4 && m%2 == 0:
		return dct4Even(m)
	case typ == 4:
		return dct4Odd(m)
	default:
		panic(fmt.Sprintf("fft: the DCT has no type %d", typ))
	}
}

// dct1 takes the DFT of the frame's even extension to 2(m-1) samples.
func dct1(m int) (before sparse, size int, after sparse) {
	n := 2 * (m - 1)
	before, size = realInput(n, func(t int) expr {
		t = min(t, n-t)
		if t == 0 || t == m-1 {
			return row(t).times(math.Sqrt2)
		}
		return row(t)
	})
	spec := realSpectrum(n)
	return before, size, realRows(func(k int) expr {
		scale := math.Sqrt(1 / float64(n))
		if k == 0 || k == m-1 {
			scale *= math.Sqrt2 / 2
		}
		return spec(k).times(complex(scale, 0))
	}, m)
}

// dct2 takes the DFT of the samples in another order: the even ones, then the odd
// ones backwards (Makhoul, 1980).
func dct2(m int) (before sparse, size int, after sparse) {
	before, size = realInput(m, func(t int) expr { return row(makhoul(t, m)) })
	spec := realSpectrum(m)
	return before, size, realRows(func(k int) expr {
		scale := math.Sqrt(2 / float64(m))
		if k == 0 {
			scale = math.Sqrt(1 / float64(m))
		}
		return spec(k).times(complex(scale, 0) * root(k, 4*m))
	}, m)
}

// makhoul returns which sample is t-th in that order.
func makhoul(t, m int) int {
	if 2*t < m {
		return 2 * t
	}
	return 2*(m-t) - 1
}

// dct3 undoes dct2: it takes the inverse DFT and puts the samples back in order.
func dct3(m int) (before sparse, size int, after sparse) {
	before, size = realInverse(m, func(k int) expr {
		w := root(-k, 4*m)
		switch {
		case k == 0:
			return row(0).times(complex(math.Sqrt(1/float64(m)), 0))
		case 2*k == m: // y - iy times (1+i)/√2
			return row(k).times(complex(math.Sqrt(1/float64(m)), 0))
		}
		return row(k).plus(row(m - k).times(-1i)).times(complex(math.Sqrt(1/float64(2*m)), 0) * w)
	})
	x := realOutput(m)
	return before, size, realRows(func(n int) expr {
		if n%2 == 1 {
			return x(m - 1 - n/2)
		}
		return x(n / 2)
	}, m)
}

// dct4Even takes the complex DFT of m/2 numbers: with c_n = x_2n + i·x_(m-1-2n) and
// C_k = X_2k - i·X_(m-1-2k), C_k = Σ_n c_n exp(-iπ(4n+1)(4k+1)/(4m)).
func dct4Even(m int) (before sparse, size int, after sparse) {
	h, scale := m/2, complex(math.Sqrt(2/float64(m)), 0)
	turn := func(n int) complex128 { return root(8*n+1, 16*m) }
	in := func(n int) expr { return pair(2*n, m-1-2*n).times(turn(n)) }
	return complexRows(in, h), h, realRows(func(n int) expr {
		if n%2 == 1 { // i·C has the real part -Im C
			k := (m - 1 - n) / 2
			return pair(2*k, 2*k+1).times(1i * scale * turn(k))
		}
		return pair(n, n+1).times(scale * turn(n/2))
	}, m)
}

// dct4Odd takes the real DFT of the samples in another order and with other signs (after Chan
// and Ho, 1990). With a = 2n+1 and b = 2k+1 the cosine is that of 2π·ab/(8m). As m is odd there
// are u and v with um + 8v = 1 modulo 8m, so that 1/(8m) = u/8 + v/m up to a whole number:
//
//	cos(2π·ab/(8m)) = [ χ(uab) cos(2π·vab/m) - ψ(uab) sin(2π·vab/m) ] / √2
//
// where χ(j) = √2·cos(πj/4) and ψ(j) = √2·sin(πj/4) are ±1 and multiplicative for odd
// j. So the cosines take the even part of χ(a)x and the sines the odd part of ψ(a)x, as
// sequences in a modulo m, in which -a is 2m-a. The sum of the two parts is ±x, in another
// order.
func dct4Odd(m int) (before sparse, size int, after sparse) {
	chi := [8]float64{1: 1, 3: -1, 5: -1, 7: 1}
	psi := [8]float64{1: 1, 3: 1, 5: -1, 7: -1}
	v := 0 // 1/8 modulo m
	for 8*v%m != 1%m {
		v++
	}
	x := make([]expr, m)
	for n := range m {
		a := 2*n + 1
		from := a
		if a%4 == 3 {
			from = 2*m - a
		}
		x[a%m] = row(from / 2).times(complex(chi[from%8], 0))
	}
	before, size = realInput(m, func(t int) expr { return x[t] })
	spec, scale := realSpectrum(m), math.Sqrt(1/float64(m))
	return before, size, realRows(func(n int) expr {
		// re·χ + im·ψ is the real part of the product with χ - iψ.
		j, u := v*(2*n+1)%m, m*(2*n+1)%8
		return spec(j).times(complex(scale*chi[u], -scale*psi[u]))
	}, m)
}

// NewMDCT returns the modified discrete cosine transform of 2m real numbers,
//
//	X[k] = √(2/m) Σ_n x[n] cos(π(2n+1+m)(2k+1)/(4m)), k = 0 … m-1
//
// (Princen, Johnson and Bradley, 1987). The cosines are even about one point of the frame and
// odd about another, so that the numbers on both sides of each may be added up, or subtracted,
// first: what is left is a DCT of m numbers, of type IV or, where m is odd and the two points lie
// on samples, III.
func NewMDCT(m int) *Plan {
	terms := make([]expr, m)
	for n := range 2 * m {
		if t, c := lap(n, m); c != 0 {
			terms[t] = append(terms[t], term{n, complex(c, 0)})
		}
	}
	before, size, after := dct(4-m%2, m)
	return newPlan(shape{2 * m, false}, shape{m, false}, before.of(realRows(func(t int) expr { return terms[t] }, m)), size, after)
}

// NewMDCTInverse returns the transpose of NewMDCT, by which a frame comes back with its mirror
// images added: x[n] - x[m-1-n] in its first half, x[n] + x[3m-1-n] in its second.
func NewMDCTInverse(m int) *Plan {
	before, size, after := dct(4-2*(m%2), m) // the inverse of type III is II
	spread := realRows(func(n int) expr {
		t, c := lap(n, m)
		return row(t).times(complex(c, 0))
	}, 2*m)
	return newPlan(shape{m, false}, shape{2 * m, false}, before, size, spread.of(after))
}

// lap returns to which of the m numbers of a DCT sample n of 2m is added, and times what.
func lap(n, m int) (t int, c float64) {
	at, c := 2*n+1+m, 1.0 // the cosine is cos(π·at(2k+1)/(4m))
	if at >= 4*m {        // after half a turn for each k the sign is the other
		at, c = at-4*m, -c
	}
	if at > 2*m { // odd about 2m
		at, c = 4*m-at, -c
	}
	switch {
	case at == 2*m: // the cosine is 0
		return 0, 0
	case at == 0: // the orthonormal DCT of type III has 1/√2 there
		return 0, c * math.Sqrt2
	}
	return at / 2, c
}
