package nn

import (
	"math"

	"github.com/audiosep/audiosep/internal/kernel"
)

// Sigmoid sets each x to 1/(1+e⁻ˣ).
func Sigmoid(x []float64) {
	for i, v := range x {
		x[i] = -v
	}
	kernel.Exp(x, x)
	for i, e := range x {
		x[i] = 1 / (1 + e)
	}
}

// Tanh sets each x to its hyperbolic tangent, 1 - 2/(1+e²ˣ).
func Tanh(x []float64) {
	for i, v := range x {
		x[i] = 2 * v
	}
	kernel.Exp(x, x)
	for i, e := range x {
		x[i] = 1 - 2/(1+e)
	}
}

// ReLU sets what is below 0 to slope times itself: 0 for the plain one, a learnt number for
// PReLU.
func ReLU(x []float64, slope float64) {
	for i, v := range x {
		if v < 0 {
			x[i] = slope * v
		}
	}
}

// LayerNorm normalises each column of the planes by itself over all C·R numbers in it, to mean 0
// and variance 1, then scales and shifts them: y = (x - mean)/√(variance + Eps)·w + b. mean and
// scale are scratch memory of N numbers.
type LayerNorm struct {
	W, B []float64 // [channel][row]
	Eps  float64
}

// Apply normalises p in place.
func (l *LayerNorm) Apply(p *Planes, mean, scale []float64) {
	mean, scale = mean[:p.N], scale[:p.N]
	clear(mean)
	clear(scale)
	size := float64(p.C * p.R)
	for c := range p.C {
		for r := range p.R {
			for n, x := range p.Row(c, r) {
				mean[n] += x / size
			}
		}
	}
	for c := range p.C {
		for r := range p.R {
			for n, x := range p.Row(c, r) {
				d := x - mean[n]
				scale[n] += d * d / size
			}
		}
	}
	for n, v := range scale {
		scale[n] = 1 / math.Sqrt(v+l.Eps)
	}
	for c := range p.C {
		for r := range p.R {
			w, b, row := l.W[c*p.R+r], l.B[c*p.R+r], p.Row(c, r)
			for n, x := range row {
				row[n] = (x-mean[n])*scale[n]*w + b
			}
		}
	}
}
