package fft

import (
	"math/bits"
	"unsafe"
)

// A dft is the passes of the complex DFT of n numbers by Stockham's algorithm, which leaves
// the results in order.
type dft struct {
	n      int
	passes []pass
}

// greatestRadix is the greatest prime for which there is a pass. A length with a greater prime
// factor is convolved with a chirp, and so is one whose factors above cheapRadix would take
// longer: a pass takes a time proportional to its radix.
const (
	cheapRadix    = 61
	greatestRadix = 211
)

// A pass takes x to y: y[q+s(rp+j)] = exp(-2πi·jp/(rm)) Σ_i x[q+s(p+mi)] exp(-2πi·ij/r)
// for p < m, q < s, j < r, the radix.
type pass struct {
	radix, m, s int
	twiddle     []float64 // re, im for each p and j from 1
	trig        []float64 // cos, sin of 2π·ij/r for i, j = 1 … (r-1)/2
}

// A passArg is the argument of a kernel, which knows the offsets of the fields.
type passArg struct {
	x, y    *float64
	m, s    int
	twiddle *float64
	radix   int
	trig    *float64
	scratch *float64 // 4 vectors for each pair of an odd radix
}

func newDFT(n int, e *engine) *dft {
	d := &dft{n: n}
	m, s := n, 1
	for _, r := range factors(n, e) {
		m /= r
		d.passes = append(d.passes, newPass(r, m, s))
		s *= r
	}
	return d
}

// factors returns the radices of the passes.
func factors(n int, e *engine) []int {
	var f []int
	for p := 3; n>>bits.TrailingZeros(uint(n)) > 1; p += 2 {
		for n%p == 0 {
			f = append(f, p)
			n /= p
		}
	}
	twos := bits.TrailingZeros(uint(n))
	for e.radix[8] != nil && twos >= 3 && twos != 4 {
		f, twos = append(f, 8), twos-3
	}
	for ; twos >= 2; twos -= 2 {
		f = append(f, 4)
	}
	if twos == 1 {
		f = append(f, 2)
	}
	return f
}

// direct tells whether the DFT of n numbers is made of passes, without a chirp. A pass takes a time
// proportional to its radix. For each of its numbers a chirp, which is two DFTs, is taken to last
// as long as a pass of radix 60, and twice as long where they do not fit in the second cache: chosen
// by timing both on an AVX-512 machine.
func direct(n int) bool {
	rest, great := n, 0
	for p := 2; p <= greatestRadix; p++ {
		for rest%p == 0 {
			if rest /= p; p > cheapRadix {
				great += p
			}
		}
	}
	worth := 60
	if 2*n > 4096 {
		worth = 120
	}
	return rest == 1 && great*n <= worth*padded(n)
}

// padded returns how long the DFTs are with which n numbers are convolved with a chirp.
func padded(n int) int { return Quick(2*n - 1) }

// Quick returns a length of at least n whose transforms are quick: with the factors 2, 3 and 5
// alone, and the least when weighed by the sweeps over its numbers.
func Quick(n int) int {
	best := 1 << bits.Len(uint(max(0, n-1)))
	sweeps := func(n int) (s int) { // passes, and two besides
		twos := bits.TrailingZeros(uint(n))
		for s, n = 2+(twos+2)/3, n>>twos; n > 1; s++ {
			if n%3 == 0 {
				n /= 3
			} else {
				n /= 5
			}
		}
		return s
	}
	for odd := 1; odd < best; odd *= 3 {
		for odd := odd; odd < best; odd *= 5 {
			size := odd
			for size < n {
				size *= 2
			}
			if size*sweeps(size) < best*sweeps(best) {
				best = size
			}
		}
	}
	return best
}

func newPass(r, m, s int) pass {
	p := pass{radix: r, m: m, s: s, twiddle: make([]float64, 0, 2*m*(r-1))}
	for i := range m {
		for j := 1; j < r; j++ {
			w := root(i*j, r*m)
			p.twiddle = append(p.twiddle, real(w), imag(w))
		}
	}
	for j := 1; j <= (r-1)/2; j++ {
		for i := 1; i <= (r-1)/2; i++ {
			w := root(i*j, r)
			p.trig = append(p.trig, real(w), -imag(w))
		}
	}
	return p
}

// run replaces b.x by its DFT.
func (d *dft) run(e *engine, b *buffers) {
	for i := range d.passes {
		p := &d.passes[i]
		b.y = b.y[:2*d.n*e.lanes]
		if e.plain {
			p.run(b.y, b.x, e.lanes)
		} else {
			a := &b.arg
			a.x, a.y, a.m, a.s = &b.x[0], &b.y[0], p.m, p.s
			a.twiddle, a.radix = &p.twiddle[0], p.radix
			if len(p.trig) > 0 {
				a.trig = &p.trig[0]
			}
			a.scratch = &b.scratch[0]
			e.pass(p)((*uint64)(unsafe.Pointer(a)))
		}
		b.x, b.y = b.y, b.x
	}
}

// run is the pass in plain Go, for any radix.
func (p *pass) run(y, x []float64, lanes int) {
	r, number := p.radix, 2*lanes
	var sums [4 * greatestRadix]float64
	for i := range p.m {
		w := p.twiddle[2*i*(r-1):]
		for q := range p.s {
			for l := range lanes {
				in := x[(q+p.s*i)*number+l:]
				out := y[(q+p.s*r*i)*number+l:]
				step, stride := p.s*p.m*number, p.s*number
				switch r {
				case 2:
					p.two(out, in, w, lanes, step, stride)
				case 4:
					p.four(out, in, w, lanes, step, stride)
				default:
					p.any(out, in, w, lanes, step, stride, sums[:])
				}
			}
		}
	}
}

func (p *pass) two(out, in, w []float64, lanes, step, stride int) {
	ar, ai, br, bi := in[0], in[lanes], in[step], in[step+lanes]
	out[0], out[lanes] = ar+br, ai+bi
	put(out[stride:], ar-br, ai-bi, w, lanes)
}

func (p *pass) four(out, in, w []float64, lanes, step, stride int) {
	ar, ai, br, bi := in[0], in[lanes], in[step], in[step+lanes]
	cr, ci, dr, di := in[2*step], in[2*step+lanes], in[3*step], in[3*step+lanes]
	sr, si, tr, ti := ar+cr, ai+ci, ar-cr, ai-ci
	ur, ui, vr, vi := br+dr, bi+di, br-dr, bi-di
	out[0], out[lanes] = sr+ur, si+ui
	put(out[stride:], tr+vi, ti-vr, w, lanes)
	put(out[2*stride:], sr-ur, si-ui, w[2:], lanes)
	put(out[3*stride:], tr-vi, ti+vr, w[4:], lanes)
}

// any is for odd r: inputs i and r-i have the same cosines and opposite sines.
func (p *pass) any(out, in, w []float64, lanes, step, stride int, sums []float64) {
	h := (p.radix - 1) / 2
	fr, fi := in[0], in[lanes]
	for i := 1; i <= h; i++ {
		a, b := in[i*step:], in[(p.radix-i)*step:]
		s := sums[4*(i-1) : 4*i]
		s[0], s[1], s[2], s[3] = a[0]+b[0], a[lanes]+b[lanes], a[0]-b[0], a[lanes]-b[lanes]
		fr, fi = fr+s[0], fi+s[1]
	}
	out[0], out[lanes] = fr, fi
	for j := 1; j <= h; j++ {
		cr, ci, dr, di := in[0], in[lanes], 0.0, 0.0
		for i := range h {
			cos, sin := p.trig[2*(h*(j-1)+i)], p.trig[2*(h*(j-1)+i)+1]
			s := sums[4*i : 4*i+4]
			cr, ci, dr, di = cr+cos*s[0], ci+cos*s[1], dr+sin*s[2], di+sin*s[3]
		}
		put(out[j*stride:], cr+di, ci-dr, w[2*(j-1):], lanes)
		put(out[(p.radix-j)*stride:], cr-di, ci+dr, w[2*(p.radix-j-1):], lanes)
	}
}

// put writes a number times a twiddle factor.
func put(out []float64, re, im float64, w []float64, lanes int) {
	out[0], out[lanes] = re*w[0]-im*w[1], im*w[0]+re*w[1]
}
