package transforms

import (
	"context"
	"fmt"
	"math"
	"sync"

	"github.com/audiosep/audiosep"
	"gonum.org/v1/gonum/mat"
)

// DCTParams are the parameters of the stage dct.
type DCTParams struct {
	Type int `json:"type" min:"1" max:"4" doc:"Which of the four: 1, 2 (the usual one), 3 (its inverse) or 4."`
}

var dctStage = audiosep.Define("dct",
	"Discrete cosine transform of type I, II, III or IV. Real, orthonormal, F = M; bin k of types II and IV lies at k/(2M) and (k+½)/(2M) of the sample rate.",
	DCTParams{Type: 2}, NewDCT)

// NewDCT returns the maker of orthonormal discrete cosine transforms, whose matrices
// Φ (M×M, row k, column n) are
//
//	I    √(2/(M-1)) e_k e_n cos(πkn/(M-1)), e = 1/√2 at 0 and M-1, else 1; M ≥ 2
//	II   √(2/M) e_k cos(πk(2n+1)/(2M)),     e_0 = 1/√2, else 1
//	III  the transpose of II
//	IV   √(2/M) cos(π(2k+1)(2n+1)/(4M))
//
// (Wang and Hunt, 1985). I and IV are their own inverses. A frame takes O(M log M)
// operations for every M. The transforms are [audiosep.MatrixTransform]s.
func NewDCT(p DCTParams) (audiosep.Transformer, error) {
	if p.Type < 1 || p.Type > 4 {
		return nil, &audiosep.ParamError{Name: "type", What: fmt.Sprintf("is %d; want 1 to 4", p.Type)}
	}
	return p, nil
}

// Transform returns the DCT of frames of m samples.
func (p DCTParams) Transform(_ context.Context, m int) (audiosep.Transform, error) {
	if least := map[bool]int{true: 2, false: 1}[p.Type == 1]; m < least {
		return nil, fmt.Errorf("frames are %d samples long; want at least %d for a DCT of type %d", m, least, p.Type)
	}
	plan := [...]func(m int) *dctPlan{1: planDCT1, 2: planDCT2, 3: planDCT3, 4: planDCT4}[p.Type]
	t := &dct{shape: shape{len: m, bins: m}, typ: p.Type}
	t.plans.New = func() any { return plan(m) }
	return t, nil
}

type dct struct {
	shape
	typ   int
	plans sync.Pool // of *dctPlan
}

// dctPlan transforms one frame, both ways. It holds scratch: one goroutine at a time.
type dctPlan struct{ forward, inverse func(dst, src []float64) }

func (t *dct) Forward(ctx context.Context, dst audiosep.Coefs, src []float64) error {
	n, err := t.frames(src, dst)
	if err != nil {
		return err
	}
	m := t.len
	return eachFrame(ctx, &t.plans, n, m, func(p *dctPlan, i int) {
		p.forward(dst.Re[i*m:(i+1)*m], src[i*m:(i+1)*m])
	})
}

func (t *dct) Inverse(ctx context.Context, dst []float64, src audiosep.Coefs) error {
	n, err := t.frames(dst, src)
	if err != nil {
		return err
	}
	m := t.len
	return eachFrame(ctx, &t.plans, n, m, func(p *dctPlan, i int) {
		p.inverse(dst[i*m:(i+1)*m], src.Re[i*m:(i+1)*m])
	})
}

// Phi returns the matrix of the formula, M×M, made anew.
func (t *dct) Phi() mat.Matrix {
	m := t.len
	phi := mat.NewDense(m, m, nil)
	for k := range m {
		for n := range m {
			phi.Set(k, n, dctEntry(t.typ, m, k, n))
		}
	}
	return phi
}

// dctEntry returns one entry of the matrix of the DCT of that type.
func dctEntry(typ, m, k, n int) float64 {
	end := func(at bool) float64 {
		if at {
			return math.Sqrt2 / 2
		}
		return 1
	}
	// cos(π·a/b), with a reduced first: the sum in a float would lose digits.
	cos := func(a, b int) float64 { return real(expPi(a%(2*b), b)) }
	switch typ {
	case 1:
		return math.Sqrt(2/float64(m-1)) * end(k == 0 || k == m-1) * end(n == 0 || n == m-1) * cos(k*n, m-1)
	case 2:
		return math.Sqrt(2/float64(m)) * end(k == 0) * cos(k*(2*n+1), 2*m)
	case 3:
		return dctEntry(2, m, n, k)
	default:
		return math.Sqrt(2/float64(m)) * cos((2*k+1)*(2*n+1), 4*m)
	}
}

// planDCT1 takes the DFT of the frame's even extension to 2(M-1) samples.
func planDCT1(m int) *dctPlan {
	dft := newRealDFT(2 * (m - 1))
	ext, coef := make([]float64, 2*(m-1)), make([]complex128, m)
	scale := math.Sqrt(2/float64(m-1)) / 2
	both := func(dst, src []float64) {
		for n := 1; n < m-1; n++ {
			ext[n], ext[2*(m-1)-n] = src[n], src[n]
		}
		ext[0], ext[m-1] = math.Sqrt2*src[0], math.Sqrt2*src[m-1]
		dft.forward(coef, ext)
		for k, c := range coef {
			dst[k] = scale * real(c)
		}
		dst[0] *= math.Sqrt2 / 2
		dst[m-1] *= math.Sqrt2 / 2
	}
	return &dctPlan{both, both}
}

// planDCT2 takes the DFT of M samples in another order: the even ones, then the odd
// ones backwards (Makhoul, 1980).
func planDCT2(m int) *dctPlan {
	dft := newRealDFT(m)
	order, coef := make([]float64, m), make([]complex128, m/2+1)
	turn, back := make([]complex128, m/2+1), make([]complex128, m/2+1)
	for k := range turn {
		w := expPi(-k, 2*m)
		turn[k] = complex(math.Sqrt(2/float64(m)), 0) * w
		back[k] = complex(math.Sqrt(1/float64(2*m)), 0) / w
	}
	turn[0], back[0] = complex(math.Sqrt(1/float64(m)), 0), complex(math.Sqrt(1/float64(m)), 0)
	half := (m + 1) / 2 // number of even samples
	forward := func(dst, src []float64) {
		for i := range half {
			order[i] = src[2*i]
		}
		for i := range m / 2 {
			order[m-1-i] = src[2*i+1]
		}
		dft.forward(coef, order)
		dst[0] = real(turn[0] * coef[0])
		for k := 1; k <= m/2; k++ {
			c := turn[k] * coef[k]
			dst[m-k] = -imag(c)
			dst[k] = real(c)
		}
	}
	inverse := func(dst, src []float64) {
		coef[0] = back[0] * complex(src[0], 0)
		for k := 1; k <= m/2; k++ {
			coef[k] = back[k] * complex(src[k], -src[m-k])
		}
		dft.inverse(order, coef)
		for i := range half {
			dst[2*i] = order[i]
		}
		for i := range m / 2 {
			dst[2*i+1] = order[m-1-i]
		}
	}
	return &dctPlan{forward, inverse}
}

func planDCT3(m int) *dctPlan {
	p := planDCT2(m)
	return &dctPlan{p.inverse, p.forward}
}

func planDCT4(m int) *dctPlan {
	if m%2 == 1 {
		return planDCT4Odd(m)
	}
	return planDCT4Even(m)
}

// planDCT4Even takes the complex DFT of M/2 numbers: with c_n = x_2n + i·x_(M-1-2n) and
// C_k = X_2k - i·X_(M-1-2k), C_k = Σ_n c_n exp(-iπ(4n+1)(4k+1)/(4M)).
func planDCT4Even(m int) *dctPlan {
	h := m / 2
	dft := newComplexDFT(h)
	c, turn := make([]complex128, h), make([]complex128, h)
	scale := complex(math.Sqrt(math.Sqrt(2/float64(m))), 0) // once before, once behind
	for n := range turn {
		turn[n] = scale * expPi(-(8*n+1), 8*m)
	}
	both := func(dst, src []float64) {
		for n, w := range turn {
			c[n] = w * complex(src[2*n], src[m-1-2*n])
		}
		dft.forward(c)
		for k, w := range turn {
			y := w * c[k]
			dst[2*k], dst[m-1-2*k] = real(y), -imag(y)
		}
	}
	return &dctPlan{both, both}
}

// planDCT4Odd takes the real DFT of M samples in another order and with other signs
// (after Chan and Ho, 1990). With a = 2n+1, b = 2k+1 the cosine is that of 2π·ab/(8M),
// and as M is odd 1/(8M) = u/8 + v/M, up to whole numbers, for uM + 8v = 1 modulo 8M:
//
//	cos(2π·ab/(8M)) = [ χ(uab) cos(2π·vab/M) - ψ(uab) sin(2π·vab/M) ] / √2
//
// where χ(j) = √2·cos(πj/4) and ψ(j) = √2·sin(πj/4) are ±1 and multiplicative for odd
// j. So the cosines want the even part of χ(a)x and the sines the odd part of ψ(a)x, as
// sequences in a modulo M, which has -a at 2M-a. Their sum is ±x, in another order.
func planDCT4Odd(m int) *dctPlan {
	chi := [8]float64{1: 1, 3: -1, 5: -1, 7: 1}
	psi := [8]float64{1: 1, 3: 1, 5: -1, 7: -1}
	v := 0 // 1/8 modulo M
	for 8*v%m != 1%m {
		v++
	}
	type pick struct {
		from int
		sign float64
	}
	type mix struct {
		coef   int
		re, im float64
	}
	in, out := make([]pick, m), make([]mix, m)
	scale := math.Sqrt(1 / float64(m))
	for n := range m {
		a := 2*n + 1
		from := a
		if a%4 == 3 {
			from = 2*m - a
		}
		in[a%m] = pick{from / 2, chi[from%8]}
		j, u := v*a%m, m*a%8
		out[n] = mix{j, scale * chi[u], scale * psi[u]}
		if j > m/2 { // the conjugate of coefficient m-j
			out[n] = mix{m - j, scale * chi[u], -scale * psi[u]}
		}
	}
	dft := newRealDFT(m)
	z, coef := make([]float64, m), make([]complex128, m/2+1)
	both := func(dst, src []float64) {
		for r, p := range in {
			z[r] = p.sign * src[p.from]
		}
		dft.forward(coef, z)
		for k, o := range out {
			dst[k] = o.re*real(coef[o.coef]) + o.im*imag(coef[o.coef])
		}
	}
	return &dctPlan{both, both}
}
