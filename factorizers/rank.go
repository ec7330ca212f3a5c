package factorizers

import (
	"context"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/assign"
	"github.com/audiosep/audiosep/internal/kernel"
)

// RankParams are those of SuggestRank.
type RankParams struct {
	Most       int // the greatest rank tried, 2 or more
	Starts     int // random starts of each rank, 2 or more
	Iterations int // of each start; relevance determination has 40 times as many at most
}

// DefaultRank returns the parameters that audiosep rank has.
func DefaultRank() RankParams { return RankParams{Most: 24, Starts: 4, Iterations: 50} }

// RankReport is what SuggestRank found.
type RankReport struct {
	// Suggested is Relevant, a number of components for NMF, not of instruments.
	Suggested int `json:"suggested"`
	// Relevant is how many of Most components automatic relevance determination keeps.
	Relevant int `json:"relevant"`
	// Relevance has λ of the components, the greatest first, in units of the λ of one that is
	// not needed; the relevant are those above 1 by a tenth or more.
	Relevance []float64 `json:"relevance"`
	// RelevantFrom is the λ from which on a component is relevant.
	RelevantFrom float64 `json:"relevant_from"`
	// Stable is the greatest rank with a stability of StableFrom or more.
	Stable     int     `json:"stable"`
	StableFrom float64 `json:"stable_from"`
	// Dispersion is φ of the noise in V over its mean, whose variance is taken for φ times
	// its mean, by what the greatest rank leaves.
	Dispersion float64      `json:"dispersion"`
	Ranks      []RankOfMany `json:"ranks"`
}

// RankOfMany is what one rank does.
type RankOfMany struct {
	Rank int `json:"rank"`
	// Explained is 1 - D/D₀, D being the least divergence of the starts and D₀ that of V from
	// its mean.
	Explained float64 `json:"explained"`
	// Stability is the mean cosine between the spectra of two starts, over all pairs of
	// starts, their spectra matched one to one: 1 where all starts find the same.
	Stability float64 `json:"stability"`
}

// SuggestRank says how many components V, F×N ≥ 0, a magnitude or a power, seems to have, and
// why: by the Kullback-Leibler divergence that ranks of up to Most leave, by how far starts of
// a rank agree, and by automatic relevance determination, NMF whose components have a common
// scale λ each that a prior draws to nothing where they are not needed (Tan and Févotte, IEEE
// TPAMI 35(7), 2013, ℓ1-ARD). It is an error if V is 0 throughout, or p out of range.
func SuggestRank(ctx context.Context, env audiosep.Env, v *mat.Dense, p RankParams) (*RankReport, error) {
	if p.Most < 2 || p.Starts < 2 || p.Iterations < 1 {
		return nil, fmt.Errorf("most is %d, starts %d, iterations %d; want at least 2, 2 and 1", p.Most, p.Starts, p.Iterations)
	}
	if err := checkPower(v, 1, 1e-10); err != nil {
		return nil, err
	}
	bins, cols := v.Dims()
	mean := mat.Sum(v) / float64(bins*cols)
	if mean == 0 {
		return nil, fmt.Errorf("the spectrogram is silent; want some sound")
	}
	if most := bins * cols / (bins + cols); p.Most > most {
		return nil, fmt.Errorf("most is %d, with which W and H have more numbers than V, %d×%d; want at most %d, or more sound", p.Most, bins, cols, most)
	}
	v = mat.DenseCopyOf(v)
	v.Scale(1/mean, v)
	out := &RankReport{RelevantFrom: relevantFrom, StableFrom: stableFrom}
	ranks := ranksUpTo(p.Most)
	told := &rankProgress{env: env, of: ardIterations * p.Most}
	for _, rank := range ranks {
		told.of += rank * p.Starts
	}
	var best *audiosep.Factors
	for _, rank := range ranks {
		r, f, err := tryRank(ctx, env, v, rank, p, told)
		if err != nil {
			return nil, err
		}
		out.Ranks, best = append(out.Ranks, r), f
	}
	for _, r := range out.Ranks {
		if r.Stability >= stableFrom {
			out.Stable = r.Rank
		}
	}
	var err error
	if out.Relevance, out.Dispersion, err = relevance(ctx, env, v, p, dispersion(v, best.W, best.H, p.Most), told); err != nil {
		return nil, err
	}
	out.Relevant = relevant(out.Relevance)
	out.Suggested = out.Relevant
	told.step(told.of - told.done) // relevance may be settled early
	return out, nil
}

// rankProgress tells how far SuggestRank is, in components times rounds of Iterations.
type rankProgress struct {
	env      audiosep.Env
	done, of int
}

func (p *rankProgress) step(n int) {
	if n > 0 {
		p.done += n
		p.env.Report(audiosep.Step{Done: p.done, Of: p.of, Objective: math.NaN()})
	}
}

// stableFrom is the mean cosine from which on starts are said to agree.
const stableFrom = 0.995

// ranksUpTo returns 1, 2, 3 and on, with steps of about a fifth from 8 on, and most.
func ranksUpTo(most int) (ranks []int) {
	for k := 1; k < most; k += max(1, k/5) {
		ranks = append(ranks, k)
	}
	return append(ranks, most)
}

// last returns the objective where f ended.
func last(f *audiosep.Factors) float64 { return f.Objective[len(f.Objective)-1] }

// dispersion returns φ of V with the variance φ·WH, as Poisson numbers times φ have it: the
// moment estimate Σ (V-WH)²/Σ WH, over the part of V that the factors leave free.
func dispersion(v, w, h *mat.Dense, rank int) float64 {
	bins, cols := v.Dims()
	model := mat.NewDense(bins, cols, nil)
	kernel.Gemm(blas.NoTrans, blas.NoTrans, 1, w.RawMatrix(), h.RawMatrix(), 0, model.RawMatrix())
	var off, of float64
	for i, x := range v.RawMatrix().Data {
		y := model.RawMatrix().Data[i]
		off += (x - y) * (x - y)
		of += y
	}
	all := float64(bins * cols)
	return off / of * all / (all - float64(rank*(bins+cols-rank)))
}

// tryRank returns what a rank does, and the factors of least divergence.
func tryRank(ctx context.Context, env audiosep.Env, v *mat.Dense, rank int, p RankParams, told *rankProgress) (RankOfMany, *audiosep.Factors, error) {
	q := DefaultKLNMF()
	q.Rank, q.Iterations, q.Update = rank, p.Iterations, "accelerated"
	nmf, err := NewNMF(1, q)
	if err != nil {
		return RankOfMany{}, nil, err
	}
	var best *audiosep.Factors
	var spectra []*mat.Dense
	for start := range p.Starts {
		seed := env.Rand(fmt.Sprintf("rank-%d-start-%d", rank, start)).Uint64()
		f, err := nmf.Factorize(ctx, audiosep.Env{Seed: seed}, v, nil)
		if err != nil {
			return RankOfMany{}, nil, err
		}
		if best == nil || last(f) < last(best) {
			best = f
		}
		spectra = append(spectra, f.W)
		told.step(rank)
	}
	null := 0.0
	for _, x := range v.RawMatrix().Data { // V has the mean 1
		if x > 0 {
			null += x * math.Log(x)
		}
	}
	return RankOfMany{rank, 1 - last(best)/null, stability(spectra)}, best, nil
}

// stability returns the mean cosine of the matched columns of pairs of dictionaries.
func stability(all []*mat.Dense) float64 {
	sum, pairs := 0.0, 0
	for i, a := range all {
		for _, b := range all[:i] {
			_, rank := a.Dims()
			score := make([][]float64, rank)
			for k := range score {
				x := mat.Col(nil, k, a)
				for l := range rank {
					y := mat.Col(nil, l, b)
					score[k] = append(score[k], floats.Dot(x, y)/max(floats.Norm(x, 2)*floats.Norm(y, 2), math.SmallestNonzeroFloat64))
				}
			}
			for k, l := range assign.Best(score) {
				sum += score[k][l] / float64(rank)
			}
			pairs++
		}
	}
	return sum / float64(pairs)
}

// ardIterations is how many times as many iterations relevance determination has: a component
// that is not needed shrinks slowly.
const ardIterations = 40

// shapeARD is a, the shape of the inverse-gamma prior of λ: the method of moments for b needs
// it above 2, and results hardly depend on it (Tan and Févotte, Sec. 5).
const shapeARD = 5

// relevance minimises over W, H ≥ 0 and λ > 0
//
//	D_KL(V | WH)/φ + Σ_k (Σ_f w_fk + Σ_n h_kn + b)/λ_k + c log λ_k,  c = F + N + a + 1
//
// by the updates of Tan and Févotte's Algorithm 2 with β = 1, of which λ_k = (‖w_k‖₁ + ‖h_k‖₁
// + b)/c, and returns λ in units of b/c, the greatest first, and φ. b is that of their equation
// for the mean of V, which is 1 here. φ is estimated anew, every few iterations, by what the
// components that are left leave of V, as many components take noise for sound.
func relevance(ctx context.Context, env audiosep.Env, v *mat.Dense, p RankParams, phi float64, told *rankProgress) ([]float64, float64, error) {
	bins, cols := v.Dims()
	c := float64(bins + cols + shapeARD + 1)
	b := math.Sqrt((shapeARD - 1) * (shapeARD - 2) / float64(p.Most))
	m := &ard{v: v, lambda: make([]float64, p.Most), w: randomPositive(env.Rand("relevance-w"), bins, p.Most), h: randomPositive(env.Rand("relevance-h"), p.Most, cols)}
	scale := math.Sqrt(1 / (float64(p.Most) * meanOf(m.w) * meanOf(m.h)))
	m.w.Scale(scale, m.w)
	m.h.Scale(scale, m.h)
	m.model, m.numW, m.numH = mat.NewDense(bins, cols, nil), mat.NewDense(bins, p.Most, nil), mat.NewDense(p.Most, cols, nil)
	m.settle(b, c)
	var before []float64
	for i := range ardIterations * p.Iterations {
		if err := ctx.Err(); err != nil {
			return nil, 0, err
		}
		if i > 0 && i%p.Iterations == 0 {
			told.step(p.Most)
			if slices.EqualFunc(m.lambda, before, func(x, y float64) bool { return math.Abs(x-y) <= 1e-4*y }) {
				break
			}
			before = slices.Clone(m.lambda)
			phi = dispersion(v, m.w, m.h, relevant(scaled(m.lambda, c/b)))
		}
		m.updateH(phi)
		m.updateW(phi)
		m.settle(b, c)
	}
	lambda := scaled(m.lambda, c/b)
	slices.Sort(lambda)
	slices.Reverse(lambda)
	return lambda, phi, nil
}

// relevantFrom is the λ from which on a component is relevant.
const relevantFrom = 1.1

// relevant returns how many of λ, in units of that of a component that is not needed, are
// above 1 by a tenth or more.
func relevant(lambda []float64) (n int) {
	for _, l := range lambda {
		if l >= relevantFrom {
			n++
		}
	}
	return n
}

func scaled(x []float64, by float64) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = by * v
	}
	return y
}

func meanOf(m *mat.Dense) float64 {
	r, c := m.Dims()
	return mat.Sum(m) / float64(r*c)
}

// ard are the factors under automatic relevance determination.
type ard struct {
	v, w, h, model, numW, numH *mat.Dense
	lambda                     []float64
}

// compare sets the model to V/WH.
func (m *ard) compare() {
	kernel.Gemm(blas.NoTrans, blas.NoTrans, 1, m.w.RawMatrix(), m.h.RawMatrix(), 0, m.model.RawMatrix())
	v, y := m.v.RawMatrix(), m.model.RawMatrix()
	for i, x := range v.Data {
		y.Data[i] = x / max(y.Data[i], 1e-100)
	}
}

func (m *ard) updateH(dispersion float64) {
	m.compare()
	kernel.Gemm(blas.Trans, blas.NoTrans, 1, m.w.RawMatrix(), m.model.RawMatrix(), 0, m.numH.RawMatrix())
	for k, l := range m.lambda {
		den := mat.Sum(m.w.ColView(k)) + dispersion/l
		h, num := m.h.RawRowView(k), m.numH.RawRowView(k)
		for n := range h {
			h[n] *= num[n] / den
		}
	}
}

func (m *ard) updateW(dispersion float64) {
	m.compare()
	kernel.Gemm(blas.NoTrans, blas.Trans, 1, m.model.RawMatrix(), m.h.RawMatrix(), 0, m.numW.RawMatrix())
	den := make([]float64, len(m.lambda))
	for k, l := range m.lambda {
		den[k] = dispersion / l
		for _, x := range m.h.RawRowView(k) {
			den[k] += x
		}
	}
	bins, _ := m.w.Dims()
	for f := range bins {
		w, num := m.w.RawRowView(f), m.numW.RawRowView(f)
		for k := range w {
			w[k] *= num[k] / den[k]
		}
	}
}

// settle sets λ to where the objective is least for the W and H there are.
func (m *ard) settle(b, c float64) {
	for k := range m.lambda {
		m.lambda[k] = (mat.Sum(m.w.ColView(k)) + mat.Sum(m.h.RowView(k)) + b) / c
	}
}
