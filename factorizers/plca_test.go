package factorizers

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// plca is shift-invariant probabilistic latent component analysis (Smaragdis, Raj and Shashanka,
// Sparse and shift-invariant feature extraction from non-negative data, ICASSP 2008),
//
//	P(f, n) = Σ_z P(z) Σ_τ P(f, τ|z) P(n-τ|z), τ = 0 … T-1,
//
// of a histogram V, by expectation and maximisation; with T = 1 it is PLCA (Smaragdis and Raj,
// 2007).
type plca struct {
	v       *mat.Dense
	taps    int
	prior   []float64 // P(z)
	picture []float64 // P(f, τ|z), [(f*K+z)*T+τ]
	when    []float64 // P(n|z), [z*N+n]
}

// newPLCA starts where an NMF with w, F×(K·T), and h, K×N, does.
func newPLCA(v, w, h *mat.Dense, taps int) *plca {
	rank, _ := h.Dims()
	p := &plca{v: v, taps: taps, prior: make([]float64, rank)}
	p.picture = append(p.picture, w.RawMatrix().Data...)
	p.when = append(p.when, h.RawMatrix().Data...)
	pictures, times := p.normalise(p.picture, p.pictureOf), p.normalise(p.when, p.timeOf)
	floats.MulTo(p.prior, pictures, times)
	floats.Scale(1/floats.Sum(p.prior), p.prior)
	return p
}

func (p *plca) pictureOf(i int) int { return i / p.taps % len(p.prior) }
func (p *plca) timeOf(i int) int    { return i / p.v.RawMatrix().Cols }

// normalise has the numbers of each component sum to 1 and returns their sums.
func (p *plca) normalise(x []float64, of func(i int) int) []float64 {
	sums := make([]float64, len(p.prior))
	for i, a := range x {
		sums[of(i)] += a
	}
	for i := range x {
		x[i] /= sums[of(i)]
	}
	return sums
}

// expect returns how much of V each number of the pictures and of the times is expected to have
// made.
func (p *plca) expect() (pictures, times []float64) {
	bins, cols := p.v.Dims()
	rank := len(p.prior)
	pictures, times = make([]float64, len(p.picture)), make([]float64, len(p.when))
	for f := range bins {
		for n := range cols {
			var joint []float64
			for z := range rank {
				for tap := range p.taps {
					a := 0.0
					if n >= tap {
						a = p.prior[z] * p.picture[(f*rank+z)*p.taps+tap] * p.when[z*cols+n-tap]
					}
					joint = append(joint, a)
				}
			}
			floats.Scale(p.v.At(f, n)/floats.Sum(joint), joint)
			for i, a := range joint {
				z, tap := i/p.taps, i%p.taps
				pictures[(f*rank+z)*p.taps+tap] += a
				if n >= tap {
					times[z*cols+n-tap] += a
				}
			}
		}
	}
	return pictures, times
}

// setPrior takes the sums of what is expected of each component.
func (p *plca) setPrior(sums []float64) {
	copy(p.prior, sums)
	floats.Scale(1/floats.Sum(p.prior), p.prior)
}

// iterate maximises P(z) and P(n|z), then P(z) and P(f, τ|z) with expectations taken anew.
func (p *plca) iterate() {
	_, p.when = p.expect()
	p.setPrior(p.normalise(p.when, p.timeOf))
	p.picture, _ = p.expect()
	p.setPrior(p.normalise(p.picture, p.pictureOf))
}

// differs returns by how much factors, of which each picture sums to 1, differ from the
// distributions at most, times the sum of V where they are activations.
func (p *plca) differs(w, h []float64) (most float64) {
	_, cols := p.v.Dims()
	for i, a := range p.picture {
		most = max(most, math.Abs(a-w[i]))
	}
	sum := mat.Sum(p.v)
	for i, a := range p.when {
		most = max(most, math.Abs(p.prior[i/cols]*a-h[i]/sum))
	}
	return most
}

// PLCA is KL-NMF whose factors are normalised: the two have the same W and H after as many
// iterations.
func TestPLCAIsNMF(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	v, w, h := randomPositive(rng, 9, 30), randomPositive(rng, 9, 3), randomPositive(rng, 3, 30)
	p := newPLCA(v, w, h, 1)
	// From one expectation, both factors as the paper maximises them.
	pictures, times := p.expect()
	p.normalise(pictures, p.pictureOf)
	for fix, want := range map[string][]float64{"h": pictures, "w": times} {
		normalised := mat.DenseCopyOf(w)
		sums := columnSums(normalised)
		scaled := mat.DenseCopyOf(h)
		normaliseColumns(normalised)
		for k, sum := range sums {
			floats.Scale(sum, scaled.RawRowView(k))
		}
		s := newNMF(t.Context(), layOut(v), normalised, scaled, nmfOptions{beta: 1, fixW: fix == "w", fixH: fix == "h"})
		s.updateH()
		s.updateW()
		gotW, gotH := s.factors()
		got := gotW.RawMatrix().Data
		if fix == "w" {
			got = gotH.RawMatrix().Data
		}
		if d := floats.Distance(got, want, math.Inf(1)); !(d <= 1e-12) {
			t.Errorf("an update with %s held differs from the expectation by %.3g", fix, d)
		}
	}
	s := newNMF(t.Context(), layOut(v), w, h, nmfOptions{beta: 1})
	if _, _, err := s.minimise(40, 0, func(int, float64) {}); err != nil {
		t.Fatal(err)
	}
	for range 40 {
		p.iterate()
	}
	gotW, gotH := s.factors()
	if d := p.differs(gotW.RawMatrix().Data, gotH.RawMatrix().Data); !(d <= 1e-10) {
		t.Errorf("after 40 iterations NMF and PLCA differ by %.3g; want 1e-10", d)
	}
}

// Shift-invariant PLCA is NMFD with the Kullback-Leibler divergence, where no sound begins in the
// last T-1 columns: elsewhere the model of the one is a distribution over what comes after the
// recording, too.
func TestShiftInvariantPLCAIsNMFD(t *testing.T) {
	const bins, cols, rank, taps = 7, 25, 2, 4
	rng := rand.New(rand.NewPCG(2, 1))
	v, w, h := randomPositive(rng, bins, cols), randomPositive(rng, bins, rank*taps), randomPositive(rng, rank, cols)
	for k := range rank {
		clear(h.RawRowView(k)[cols-taps+1:])
	}
	c := newConvolutive(w, h, taps, 1, 1, 0, layOut(v).passes(1, 0))
	if _, _, err := c.minimise(t.Context(), 40, 0, func(int, float64) {}); err != nil {
		t.Fatal(err)
	}
	p := newPLCA(v, w, h, taps)
	for range 40 {
		p.iterate()
	}
	if d := p.differs(c.w.Data, c.h.Data); !(d <= 1e-10) {
		t.Errorf("after 40 iterations NMFD and shift-invariant PLCA differ by %.3g; want 1e-10", d)
	}
}
