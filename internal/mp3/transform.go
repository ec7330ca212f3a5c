package mp3

import (
	"math"
	"slices"
)

// butterflies are cs and ca of table B.9.
var butterflies = func() (b [8][2]float64) {
	for i, c := range [8]float64{-0.6, -0.535, -0.33, -0.185, -0.095, -0.041, -0.0142, -0.0037} {
		b[i] = [2]float64{1 / math.Sqrt(1+c*c), c / math.Sqrt(1+c*c)}
	}
	return b
}()

// blockWindows are those of section 2.4.3.4.10.3, by kind of block; of short blocks 12 values.
var blockWindows = func() (w [4][36]float64) {
	sine := func(i, n int) float64 { return math.Sin(math.Pi / float64(n) * (float64(i) + 0.5)) }
	for i := range 36 {
		w[0][i] = sine(i, 36)
		switch {
		case i < 18:
			w[1][i] = sine(i, 36)
		case i < 24:
			w[1][i] = 1
		case i < 30:
			w[1][i] = sine(i-18, 12)
		}
		if i < 12 {
			w[2][i] = sine(i, 12)
		}
	}
	for i := range 36 {
		w[3][i] = w[1][35-i]
	}
	return w
}()

// cosines are those of inverse MDCTs of 36 and 12 values: cos(π/2n·(2i+1+n/2)(2k+1)).
var (
	cosines36 [36][18]float64
	cosines12 [12][6]float64
)

func fillCosines() {
	for i := range 36 {
		for k := range 18 {
			cosines36[i][k] = math.Cos(math.Pi / 72 * float64((2*i+19)*(2*k+1)))
		}
	}
	for i := range 12 {
		for k := range 6 {
			cosines12[i][k] = math.Cos(math.Pi / 24 * float64((2*i+7)*(2*k+1)))
		}
	}
	for i := range matrix {
		for k := range matrix[i] {
			matrix[i][k] = math.Cos(math.Pi / 64 * float64((16+i)*(2*k+1)))
		}
	}
}

// hybrid transforms the coefficients of a channel back to samples of subbands, adds what
// overlaps from the granule before, and puts them into d.slots.
func (d *Decoder) hybrid(g *granule, c int) {
	for sb := range 32 {
		x := d.x[c][18*sb:][:18]
		var y [36]float64
		switch kind := g.kind; {
		case g.short() && !(g.mixed && sb < 2):
			short(&y, x)
		default:
			if !g.switched || g.mixed && sb < 2 {
				kind = 0
			}
			long(&y, x, &blockWindows[kind])
		}
		overlap := &d.overlap[c][sb]
		for t := range 18 {
			v := y[t] + overlap[t]
			if t&sb&1 != 0 { // every second subband is upside down
				v = -v
			}
			d.slots[t][sb] = v
			overlap[t] = y[18+t]
		}
	}
}

// long transforms a long block of a subband. The cosines are odd about the middle of the first
// half, even about that of the second.
func long(y *[36]float64, x []float64, window *[36]float64) {
	if !slices.ContainsFunc(x, func(v float64) bool { return v != 0 }) {
		return // as most are at high frequencies
	}
	for i := range 9 {
		odd, even := 0.0, 0.0
		a, b := &cosines36[i], &cosines36[18+i]
		for k, v := range x {
			odd += v * a[k]
			even += v * b[k]
		}
		y[i], y[17-i] = odd*window[i], -odd*window[17-i]
		y[18+i], y[35-i] = even*window[18+i], even*window[35-i]
	}
}

// short transforms the three short blocks of a subband.
func short(y *[36]float64, x []float64) {
	for w := range 3 {
		for i := range 12 {
			sum := 0.0
			for k := range 6 {
				sum += x[3*k+w] * cosines12[i][k]
			}
			y[6+6*w+i] += sum * blockWindows[2][i]
		}
	}
}

// synthesis is the filter bank that makes samples of subbands (section 2.4.3.4.10.4 and figure
// A.2), with what it remembers.
type synthesis struct {
	v  [1024]float64
	at int // of the newest 64 in v
}

// matrix is cos(π/64·(16+i)(2k+1)).
var matrix [64][32]float64

// run makes 32 samples of a sample of each subband.
func (s *synthesis) run(out []float64, bands *[32]float64) {
	s.at = (s.at + 1024 - 64) & 1023
	v := s.v[s.at:][:64]
	for i := range 16 { // odd about 16, even about 48
		odd, even := 0.0, 0.0
		a, b := &matrix[i], &matrix[48-i]
		for k, x := range bands {
			odd += a[k] * x
			even += b[k] * x
		}
		v[i], v[32-i] = odd, -odd
		v[48-i], v[48+i] = even, even
	}
	v[16] = 0
	for j := range out {
		sum := 0.0
		for i := range 8 {
			sum += s.v[(s.at+128*i+j)&1023]*float64(window[64*i+j]) + s.v[(s.at+128*i+96+j)&1023]*float64(window[64*i+32+j])
		}
		out[j] = sum / 65536
	}
}
