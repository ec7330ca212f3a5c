package factorizers

import "math"

// wide is the number of columns that the kernels below work on at once: a strip of a
// row of V, V̂ or a quotient. H is stored strip by strip and padded with zeros, so
// every strip is whole and what happens to a column does not depend on its place.
const wide = 64

type strip = [wide]float64

// stripOf returns strip i of x.
func stripOf(x []float64, i int) *strip { return (*strip)(x[i*wide:]) }

// multiplyStrips sets c = init + AB: c has rows strips, b has k, a is rows×k. rows and
// k must be even.
func multiplyStrips(c, a, b []float64, rows, k int, init float64) {
	for i := 0; i < rows; i += 2 {
		c0, c1 := stripOf(c, i), stripOf(c, i+1)
		for j := range c0 {
			c0[j], c1[j] = init, init
		}
		a0, a1 := a[i*k:(i+1)*k], a[(i+1)*k:(i+2)*k]
		q := 0
		for ; q+4 <= k; q += 4 {
			addFour(c0, c1, stripOf(b, q), stripOf(b, q+1), stripOf(b, q+2), stripOf(b, q+3),
				a0[q], a0[q+1], a0[q+2], a0[q+3], a1[q], a1[q+1], a1[q+2], a1[q+3])
		}
		for ; q < k; q += 2 {
			addTwo(c0, c1, stripOf(b, q), stripOf(b, q+1), a0[q], a0[q+1], a1[q], a1[q+1])
		}
	}
}

// addTransposed adds AᵀB to c: c has k strips, b has rows, a is rows×k. rows must be a
// multiple of 4, k even.
func addTransposed(c, a, b []float64, rows, k int) {
	for i := 0; i < rows; i += 4 {
		a0, a1, a2, a3 := a[i*k:(i+1)*k], a[(i+1)*k:(i+2)*k], a[(i+2)*k:(i+3)*k], a[(i+3)*k:(i+4)*k]
		b0, b1, b2, b3 := stripOf(b, i), stripOf(b, i+1), stripOf(b, i+2), stripOf(b, i+3)
		for q := 0; q < k; q += 2 {
			addFour(stripOf(c, q), stripOf(c, q+1), b0, b1, b2, b3,
				a0[q], a1[q], a2[q], a3[q], a0[q+1], a1[q+1], a2[q+1], a3[q+1])
		}
	}
}

// addProducts adds ABᵀ to c, rows×k: a has rows strips, b has k. rows and k must be
// even.
func addProducts(c, a, b []float64, rows, k int) {
	for i := 0; i < rows; i += 2 {
		a0, a1 := stripOf(a, i), stripOf(a, i+1)
		c0, c1 := c[i*k:(i+1)*k], c[(i+1)*k:(i+2)*k]
		q := 0
		for ; q+4 <= k; q += 4 {
			addDots(c0[q:], c1[q:], a0, a1, stripOf(b, q), stripOf(b, q+1), stripOf(b, q+2), stripOf(b, q+3))
		}
		for ; q < k; q += 2 {
			x, y := stripOf(b, q), stripOf(b, q+1)
			var s00, s01, s10, s11 float64
			for j, u := range a0 {
				v := a1[j]
				s00 += u * x[j]
				s01 += u * y[j]
				s10 += v * x[j]
				s11 += v * y[j]
			}
			c0[q], c0[q+1] = c0[q]+s00, c0[q+1]+s01
			c1[q], c1[q+1] = c1[q]+s10, c1[q+1]+s11
		}
	}
}

// addFour adds a combination of four strips to each of two.
func addFour(c, d, x0, x1, x2, x3 *strip, c0, c1, c2, c3, d0, d1, d2, d3 float64) {
	for j, p := range x0 {
		q, r, s := x1[j], x2[j], x3[j]
		c[j] += (c0*p + c1*q) + (c2*r + c3*s)
		d[j] += (d0*p + d1*q) + (d2*r + d3*s)
	}
}

// addTwo adds a combination of two strips to each of two.
func addTwo(c, d, x0, x1 *strip, c0, c1, d0, d1 float64) {
	for j, p := range x0 {
		q := x1[j]
		c[j] += c0*p + c1*q
		d[j] += d0*p + d1*q
	}
}

// addDots adds the products of strips a and b with the four others to c and d.
func addDots(c, d []float64, a, b, x0, x1, x2, x3 *strip) {
	var c0, c1, c2, c3, d0, d1, d2, d3 float64
	for j, u := range a {
		v := b[j]
		c0 += u * x0[j]
		d0 += v * x0[j]
		c1 += u * x1[j]
		d1 += v * x1[j]
		c2 += u * x2[j]
		d2 += v * x2[j]
		c3 += u * x3[j]
		d3 += v * x3[j]
	}
	c, d = c[:4], d[:4]
	c[0], c[1], c[2], c[3] = c[0]+c0, c[1]+c1, c[2]+c2, c[3]+c3
	d[0], d[1], d[2], d[3] = d[0]+d0, d[1]+d1, d[2]+d2, d[3]+d3
}

// isQuotients takes v and V̂ in den and sets num = (v+eps)/V̂², den = 1/V̂. All have one
// length.
func isQuotients(num, den, v []float64, eps float64) {
	num, den = num[:len(v)], den[:len(v)]
	for j, x := range v {
		r := 1 / den[j]
		num[j] = (x + eps) * r * r
		den[j] = r
	}
}

// isDivergence does what isQuotients does and returns Σ q - log q - 1 with
// q = (v+eps)/V̂. The logarithm is that of the product of the mantissas, the exponents
// being counted apart.
func isDivergence(num, den, v []float64, eps float64) float64 {
	num, den = num[:len(v)], den[:len(v)]
	var sum float64
	product := 1.0
	exponents := 0
	for j, x := range v {
		r := 1 / den[j]
		q := (x + eps) * r
		num[j] = q * r
		den[j] = r
		sum += q - 1
		bits := math.Float64bits(q)
		e := int(bits >> 52)
		if e == 0 { // a denormal has no leading one
			sum -= math.Log(q)
			continue
		}
		exponents += e - 1023
		product *= math.Float64frombits(bits&(1<<52-1) | 1023<<52)
	}
	return sum - math.Log(product) - float64(exponents)*math.Ln2
}

// klQuotients sets num = (v+eps)/V̂.
func klQuotients(num, model, v []float64, eps float64) {
	num, model = num[:len(v)], model[:len(v)]
	for j, x := range v {
		num[j] = (x + eps) / model[j]
	}
}

// klDivergence does what klQuotients does and returns Σ x log(x/V̂) - x + V̂, x = v+eps.
func klDivergence(num, model, v []float64, eps float64) float64 {
	num, model = num[:len(v)], model[:len(v)]
	var sum float64
	for j, x := range v {
		x += eps
		q := x / model[j]
		num[j] = q
		sum += model[j] - x
		if q > 0 {
			sum += x * math.Log(q)
		}
	}
	return sum
}

// betaQuotients takes v and V̂ in den and sets num = (v+eps)V̂^(β-2), den = V̂^(β-1).
func betaQuotients(num, den, v []float64, eps, beta float64) {
	num, den = num[:len(v)], den[:len(v)]
	for j, x := range v {
		y := den[j]
		p := math.Pow(y, beta-2)
		num[j] = (x + eps) * p
		den[j] = p * y
	}
}

// betaDivergence does what betaQuotients does and returns, with x = v+eps,
// Σ (x^β + (β-1)V̂^β - βxV̂^(β-1)) / (β(β-1)) for β other than 0 and 1.
func betaDivergence(num, den, v []float64, eps, beta float64) float64 {
	num, den = num[:len(v)], den[:len(v)]
	var sum float64
	for j, x := range v {
		x += eps
		y := den[j]
		p := math.Pow(y, beta-2)
		num[j] = x * p
		den[j] = p * y
		// In units of V̂^β, so that what cancels is near 1.
		q := x / y
		sum += (math.Pow(q, beta) + beta - 1 - beta*q) * (p * y * y)
	}
	return sum / (beta * (beta - 1))
}
