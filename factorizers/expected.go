package factorizers

import (
	"fmt"
	"math"

	"github.com/audiosep/audiosep"
	"gonum.org/v1/gonum/mat"
)

// ExpectedFrames returns frames on which every objective has its expected value for a signal
// of the Gaussian composite model with the parameters phi, M×M and orthogonal, w, M×K,
// and h, K×N (paper, eq. 4 and 8):
//
//	V = E|ΦY|² = (ΦΦ̄ᵀ)∘² W̄H̄.
//
// They are M realisations: frame n of realisation m is row m of Φ̄ times √(M·(W̄H̄)_mn), so
// that the mean of |ΦY|² over the realisations is exactly V. A learner's eps is relative to
// these variances. It is an error if phi is not orthogonal to 1e-9 or the shapes do not fit.
func ExpectedFrames(phi, w, h *mat.Dense) (*audiosep.Frames, error) {
	m, cols := phi.Dims()
	if m != cols || !(audiosep.OrthogonalityError(phi) <= 1e-9) {
		return nil, fmt.Errorf("the transform Φ̄, %d×%d, is not orthogonal to 1e-9", m, cols)
	}
	if w == nil || h == nil {
		return nil, fmt.Errorf("a factor, W̄ or H̄, is missing; want both")
	}
	f := &audiosep.Factors{W: w, H: h}
	if err := f.Validate(m, -1); err != nil {
		return nil, err
	}
	var v mat.Dense
	v.Mul(w, h)
	_, n := v.Dims()
	window := make([]float64, m)
	for i := range window {
		window[i] = 1 / float64(m)
	}
	y := &audiosep.Frames{
		Framing: audiosep.Framing{
			Head:   audiosep.Head{Rate: 1, Samples: n * m, Channels: 1, Realisations: m},
			Length: m, Hop: m, Share: 1, Analysis: window, Synthesis: window,
		},
		N: n, Data: make([][]float64, m),
	}
	for r := range y.Data {
		y.Data[r] = make([]float64, n*m)
		for j := range n {
			amplitude := math.Sqrt(float64(m) * v.At(r, j))
			for i := range m {
				y.Data[r][j*m+i] = amplitude * phi.At(r, i)
			}
		}
	}
	return y, nil
}
