package factorizers

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep/internal/counted"
	"github.com/audiosep/audiosep/internal/kernel"
)

// convolutive is NMF whose components are pictures of T columns that may be shifted by P-1 bins:
//
//	V̂(f, n) = Σ_k Σ_τ Σ_φ w_kτ(f-φ) h_kφ(n-τ), τ = 0 … T-1, φ = 0 … P-1.
//
// It is plain NMF, V̂ = WH, of K·T·P components that are tied: with i = (k·T+τ)·P+φ, column i of
// W is w_kτ shifted by φ, row i of H is h_kφ shifted by τ. The multiplicative updates of w and h
// have the sums of those of W and H, each shifted back, in numerator and denominator; the
// exponents are the same.
type convolutive struct {
	beta, eps, gamma   float64
	rank, taps, shifts int
	bins, cols         int
	passes             *kernel.NMF
	w, wPrev, wKept    blas64.General // F×(K·T), column k·T+τ
	h, hPrev, hKept    blas64.General // (K·P)×N, row k·P+φ
	wAll, hAll         blas64.General // W and H
	numW, denW         blas64.General // of W, then in their first columns of w
	numH, denH         blas64.General
	foldNum, foldDen   []float64
}

// newConvolutive starts from copies of w, F×(K·T), and h, (K·P)×N.
func newConvolutive(w, h *mat.Dense, taps, shifts int, beta, eps float64, passes *kernel.NMF) *convolutive {
	bins, wide := w.Dims()
	_, cols := h.Dims()
	c := &convolutive{
		beta: beta, eps: eps, gamma: exponent(beta, false, false), rank: wide / taps, taps: taps, shifts: shifts,
		bins: bins, cols: cols, passes: passes,
		w: mat.DenseCopyOf(w).RawMatrix(), h: mat.DenseCopyOf(h).RawMatrix(),
	}
	c.wPrev, c.hPrev = newGeneral(c.w), newGeneral(c.h)
	c.wKept, c.hKept = newGeneral(c.w), newGeneral(c.h)
	all := wide * shifts
	for _, p := range []*blas64.General{&c.wAll, &c.numW, &c.denW} {
		*p = mat.NewDense(bins, all, nil).RawMatrix()
	}
	for _, p := range []*blas64.General{&c.hAll, &c.numH, &c.denH} {
		*p = mat.NewDense(all, cols, nil).RawMatrix()
	}
	size := max(len(c.w.Data), len(c.h.Data))
	c.foldNum, c.foldDen = make([]float64, size), make([]float64, size)
	c.spreadW()
	c.spreadH()
	return c
}

// spreadW sets W to w, shifted.
func (c *convolutive) spreadW() {
	for f := range c.bins {
		dst := row(c.wAll, f)
		for i := range dst {
			if from := f - i%c.shifts; from >= 0 {
				dst[i] = c.w.Data[from*c.w.Stride+i/c.shifts]
			} else {
				dst[i] = 0
			}
		}
	}
}

// spreadH sets H to h, shifted.
func (c *convolutive) spreadH() {
	for i := range c.hAll.Rows {
		tap := i / c.shifts % c.taps
		src, dst := row(c.h, i/(c.taps*c.shifts)*c.shifts+i%c.shifts), row(c.hAll, i)
		clear(dst[:min(tap, c.cols)])
		if tap < c.cols {
			copy(dst[tap:], src)
		}
	}
}

// foldH sums rows of a, shaped like H, shifted back, to dst, shaped like h.
func (c *convolutive) foldH(dst []float64, a blas64.General) {
	clear(dst[:len(c.h.Data)])
	for i := range a.Rows {
		tap := i / c.shifts % c.taps
		if tap < c.cols {
			to := (i/(c.taps*c.shifts)*c.shifts + i%c.shifts) * c.cols
			floats.Add(dst[to:to+c.cols-tap], row(a, i)[tap:])
		}
	}
}

// foldW sums columns of a, shaped like W, shifted back, to dst, shaped like w.
func (c *convolutive) foldW(dst []float64, a blas64.General) {
	clear(dst[:len(c.w.Data)])
	for f := range c.bins {
		for i, x := range row(a, f) {
			if to := f - i%c.shifts; to >= 0 {
				dst[to*c.w.Stride+i/c.shifts] += x
			}
		}
	}
}

// updateH updates h and returns the divergence before.
func (c *convolutive) updateH(ctx context.Context) float64 {
	d := c.passes.Do(ctx, kernel.Step{W: c.wAll, H: c.hAll, NumH: c.numH, DenH: c.denH, Objective: true})
	n := len(c.h.Data)
	c.foldH(c.foldNum, c.numH)
	c.foldH(c.foldDen, c.denH)
	copy(c.hPrev.Data, c.h.Data)
	kernel.Scale(c.h.Data, c.hPrev.Data, c.foldNum[:n], c.foldDen[:n], c.gamma)
	c.spreadH()
	return max(0, d)
}

// updateW updates w.
func (c *convolutive) updateW(ctx context.Context) {
	c.passes.Do(ctx, kernel.Step{W: c.wAll, H: c.hAll, NumW: c.numW, DenW: c.denW})
	n := len(c.w.Data)
	c.foldW(c.foldNum, c.numW)
	c.foldW(c.foldDen, c.denW)
	copy(c.wPrev.Data, c.w.Data)
	kernel.Scale(c.w.Data, c.wPrev.Data, c.foldNum[:n], c.foldDen[:n], c.gamma)
	c.spreadW()
}

// normalise has the picture of each component sum to 1 and scales its rows of h, so that V̂
// stays.
func (c *convolutive) normalise() {
	for k := range c.rank {
		var sum float64
		for f := range c.bins {
			sum += floats.Sum(row(c.w, f)[k*c.taps : (k+1)*c.taps])
		}
		if sum == 0 {
			continue
		}
		for f := range c.bins {
			floats.Scale(1/sum, row(c.w, f)[k*c.taps:(k+1)*c.taps])
		}
		floats.Scale(sum, c.h.Data[k*c.shifts*c.cols:(k+1)*c.shifts*c.cols])
	}
	c.spreadW()
	c.spreadH()
}

// minimise runs the iterations, each an update of h and one of w, and returns the objective after
// each, which never rises, and why it stopped.
func (c *convolutive) minimise(ctx context.Context, iterations int, tol float64, report func(done int, objective float64)) (all []float64, stop string, err error) {
	before := math.Inf(1)
	for i := 0; ; i++ {
		if i%balanced == 0 {
			c.normalise()
		}
		after := c.updateH(ctx) // of w with h as it was
		switch {
		case ctx.Err() != nil:
			return nil, "", ctx.Err()
		case math.IsNaN(after) || math.IsInf(after, 0):
			return nil, "", fmt.Errorf("the objective is %v after %s; want a finite number: scale V or raise eps", after, counted.Of(i, "iteration"))
		case after > before:
			c.restore()
			return append(all, before), "the objective fell as far as its rounding allows", nil
		}
		copy(c.wKept.Data, c.w.Data)
		copy(c.hKept.Data, c.hPrev.Data)
		if i > 0 {
			all = append(all, after)
			report(i, after)
		}
		if i == iterations {
			c.restore()
			return all, fmt.Sprintf("all %d iterations done", i), nil
		}
		if i > 0 && before-after <= tol*before {
			c.restore()
			return all, fmt.Sprintf("an iteration lowered the objective by no more than %.3g of itself", tol), nil
		}
		before = after
		c.updateW(ctx)
	}
}

// restore goes back to the w and h whose objective is the last that was not above the one before.
func (c *convolutive) restore() {
	copy(c.w.Data, c.wKept.Data)
	copy(c.h.Data, c.hKept.Data)
	c.normalise()
}
