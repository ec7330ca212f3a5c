package transforms

import (
	"context"
	"fmt"
	"math"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/counted"
	"github.com/audiosep/audiosep/internal/fft"
	"gonum.org/v1/gonum/mat"
)

// DCTParams are the parameters of the stage dct.
type DCTParams struct {
	Type int `json:"type" min:"1" max:"4" doc:"Which of the four: 1, 2 (the usual one), 3 (its inverse) or 4."`
}

var dctStage = audiosep.Define("dct",
	"Discrete cosine transform of type I, II, III or IV. Real, orthonormal, F = M; bin k of types II and IV lies at k/(2M) and (k+½)/(2M) of the sample rate.",
	DefaultDCT(), NewDCT)

// DefaultDCT returns the defaults of dct.
func DefaultDCT() DCTParams { return DCTParams{Type: 2} }

// NewDCT returns the maker of orthonormal discrete cosine transforms, whose matrices
// Φ (M×M, row k, column n) are
//
//	I    √(2/(M-1)) e_k e_n cos(πkn/(M-1)), e = 1/√2 at 0 and M-1, else 1; M ≥ 2
//	II   √(2/M) e_k cos(πk(2n+1)/(2M)),     e_0 = 1/√2, else 1
//	III  the transpose of II
//	IV   √(2/M) cos(π(2k+1)(2n+1)/(4M))
//
// (Wang and Hunt, 1985). I and IV are their own inverses. A frame takes O(M log M)
// operations for every M. The transforms are [audiosep.MatrixTransform]s. Another Type is an
// error.
func NewDCT(p DCTParams) (audiosep.Transformer, error) {
	if err := audiosep.CheckStruct(p); err != nil {
		return nil, err
	}
	return p, nil
}

// Transform returns the DCT of frames of m samples.
func (p DCTParams) Transform(ctx context.Context, m int) (audiosep.Transform, error) {
	if err := audiosep.CheckStruct(p); err != nil {
		return nil, err
	}
	if least := map[bool]int{true: 2, false: 1}[p.Type == 1]; m < least {
		return nil, fmt.Errorf("frames are %s long; want at least %d for a DCT of type %d", counted.Of(m, "sample"), least, p.Type)
	}
	t, err := planned(ctx, m, func() *dct { return planDCT(p.Type, m) })
	if err != nil {
		return nil, err
	}
	return t, nil
}

func planDCT(typ, m int) *dct {
	t := &dct{shape: shape{len: m, bins: m}, typ: typ, forward: fft.NewDCT(typ, m)}
	t.inverse = t.forward
	switch typ {
	case 2:
		t.inverse = fft.NewDCT(3, m)
	case 3:
		t.inverse = fft.NewDCT(2, m)
	}
	return t
}

type dct struct {
	shape
	typ              int
	forward, inverse *fft.Plan
}

func (t *dct) Forward(ctx context.Context, dst audiosep.Coefs, src []float64) error {
	n, err := t.frames(src, dst)
	if err != nil {
		return err
	}
	m := t.len
	return eachRun(ctx, n, m, func(i, j int) {
		t.forward.Run(dst.Re[i*m:j*m], nil, src[i*m:j*m], nil)
	})
}

func (t *dct) Inverse(ctx context.Context, dst []float64, src audiosep.Coefs) error {
	n, err := t.frames(dst, src)
	if err != nil {
		return err
	}
	m := t.len
	return eachRun(ctx, n, m, func(i, j int) {
		t.inverse.Run(dst[i*m:j*m], nil, src.Re[i*m:j*m], nil)
	})
}

// Frequencies returns where the cosine of each row lies, as part of the sample rate.
func (t *dct) Frequencies() []float64 {
	hz := make([]float64, t.bins)
	for k := range hz {
		switch t.typ {
		case 1:
			hz[k] = float64(k) / float64(2*(t.len-1))
		case 2:
			hz[k] = float64(k) / float64(2*t.len)
		default:
			hz[k] = (float64(k) + 0.5) / float64(2*t.len)
		}
	}
	return hz
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

// expPi returns exp(πi·a/b).
func expPi(a, b int) complex128 {
	sin, cos := math.Sincos(math.Pi * float64(a) / float64(b))
	return complex(cos, sin)
}
