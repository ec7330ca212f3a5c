package metrics

import (
	"context"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// fit holds the least-squares projections of every estimate on the references of
// one stretch of sound: on all of them, P, and on reference j alone, P_j.
type fit struct {
	corr     *correlations
	gain     bool // no delays, one gain for all channels
	refs     int
	channels [][]int     // [reference] its signals that are not combinations of earlier ones
	whole    projector   // on all references
	own      []projector // [reference]
}

// projector solves for the filters that turn its signals into an estimate.
type projector struct {
	signals []int       // indices in correlations
	lags    [][]float64 // the blocks of the Gram matrix G, as in factorise
	factor  *factor     // of G + load·diag(G); nil where there are no signals
	load    float64     // relative to G's diagonal; 0 where G is regular
	refine  int         // passes that take the effect of the load out again
}

// newFit factorises the Gram matrices once, for all estimates. load is added to
// their diagonals, relative to them.
func newFit(ctx context.Context, c *correlations, refs int, gain bool, load float64) (*fit, error) {
	f := &fit{corr: c, gain: gain, refs: refs, own: make([]projector, refs)}
	for j := range refs {
		f.channels = append(f.channels, independent(c, j))
	}
	err := each(ctx, refs+1, func(j int) {
		if j == 0 {
			var all []int
			for _, s := range f.channels {
				all = append(all, s...)
			}
			f.whole = newProjector(ctx, c, all, load)
			return
		}
		f.own[j-1] = newProjector(ctx, c, f.channels[j-1], load)
	})
	return f, err
}

// independent lists the channels of reference j that its earlier channels do not
// already span, sample by sample: of a mono sound stored as stereo only the first.
// Without this step such a file would make the Gram matrix singular, although the
// projection is as well defined as that of the mono sound.
func independent(c *correlations, j int) []int {
	var kept []int
	var rows [][]float64 // of the Cholesky factor, with a number for each channel kept
	for ch := range c.per {
		i := j*c.per + ch
		row := make([]float64, 0, len(kept)+1)
		rest := c.lags[i][i][0]
		for k, other := range kept {
			x := c.lags[i][other][0]
			for l, y := range row {
				x -= y * rows[k][l]
			}
			x /= rows[k][k]
			row = append(row, x)
			rest -= x * x
		}
		if rest > 1e-13*c.lags[i][i][0] {
			kept, rows = append(kept, i), append(rows, append(row, math.Sqrt(rest)))
		}
	}
	return kept
}

func newProjector(ctx context.Context, c *correlations, signals []int, load float64) projector {
	m := len(signals)
	if m == 0 {
		return projector{}
	}
	p := projector{signals: signals, lags: planes[float64](len(c.lags[0][0]), m*m), load: load}
	for k, block := range p.lags {
		for i, x := range signals {
			for j, y := range signals {
				block[i*m+j] = c.lags[x][y][k]
			}
		}
	}
	for p.factor = p.factorise(); p.factor == nil && p.load < greatestLoad && ctx.Err() == nil; p.factor = p.factorise() {
		p.load = max(10*p.load, 4*float64(m*len(p.lags))*epsilon)
		p.refine = refinements
	}
	return p
}

// Where G is singular the projection on the span of its signals is as well defined as
// elsewhere; only the filters are not, since some of them make silence of the
// references. Of these the smallest are wanted. They come from iterated Tikhonov
// regularisation: with the least load λ that makes G factorisable,
//
//	c ← c + (G + λ diag G)⁻¹ (d - G c)
//
// from c = 0 goes to G⁺d; after n passes a direction of eigenvalue µ is there up to
// (λ/(λ+µ))ⁿ. The load grows tenfold until it does.
const (
	refinements  = 12
	greatestLoad = 1e-3 // far more than the rounding of any G needs
)

// factorise returns the factor of the loaded Gram matrix, nil where it has none.
func (p projector) factorise() *factor {
	m, lags := len(p.signals), slices.Clone(p.lags)
	lags[0] = slices.Clone(lags[0])
	for i := range m {
		lags[0][i*m+i] *= 1 + p.load
	}
	f, err := factorise(lags, m)
	if err != nil {
		return nil
	}
	return f
}

// project returns the filters that turn p's signals into signal x, numbered like
// factor's unknowns, and the energy of what they make. Without filters it may return
// the energy alone. Where ctx is done the filters may be unfinished.
func (p projector) project(ctx context.Context, c *correlations, x int, filters bool) ([]float64, float64) {
	m := len(p.signals)
	d := make([]float64, p.factor.n)
	for i := range d {
		d[i] = c.lags[x][p.signals[i%m]][i/m]
	}
	if p.refine > 0 {
		h := p.refined(ctx, d)
		return h, max(0, dotProduct(d, h))
	}
	energy := p.factor.forward(d)
	if filters {
		p.factor.backward(d)
	}
	return d, energy
}

// refined solves Gh = d for a singular G, until ctx is done.
func (p projector) refined(ctx context.Context, d []float64) []float64 {
	h := make([]float64, len(d))
	rest := make([]float64, len(d))
	for range 1 + p.refine {
		if ctx.Err() != nil {
			break
		}
		copy(rest, d)
		p.subtractProduct(rest, h)
		p.factor.forward(rest)
		p.factor.backward(rest)
		for i, x := range rest {
			h[i] += x
		}
	}
	return h
}

// subtractProduct subtracts Gh from y.
func (p projector) subtractProduct(y, h []float64) {
	m := len(p.signals)
	for k, block := range p.lags {
		far := k * m // how far the block stands right of the diagonal
		for i := range m {
			for j := range m {
				g := block[i*m+j]
				for a := 0; a+far < len(y); a += m {
					y[a+i] -= g * h[a+far+j]
				}
				if k == 0 {
					continue
				}
				for a := 0; a+far < len(y); a += m {
					y[a+far+j] -= g * h[a+i]
				}
			}
		}
	}
}

// energy returns ‖Pŝ‖² of the channels of a source, NaN where there is nothing to
// project on.
func (p projector) energy(ctx context.Context, c *correlations, source int) float64 {
	if p.factor == nil {
		return math.NaN()
	}
	var sum float64
	for ch := range c.per {
		_, e := p.project(ctx, c, source*c.per+ch, false)
		sum += e
	}
	return sum
}

// scores returns, for each reference j and estimate k, the SIR of the pair, or its SDR, in dB,
// by which a match is chosen.
func (f *fit) scores(ctx context.Context, bySDR bool) ([][]float64, error) {
	score := planes[float64](f.refs, f.refs)
	whole := make([]float64, f.refs)
	err := each(ctx, f.refs, func(k int) {
		if !bySDR {
			whole[k] = f.whole.energy(ctx, f.corr, f.refs+k)
		}
	})
	if err != nil {
		return nil, err
	}
	err = each(ctx, f.refs*f.refs, func(jk int) {
		j, k := jk/f.refs, jk%f.refs
		own, all := f.own[j].energy(ctx, f.corr, f.refs+k), whole[k]
		if bySDR {
			all = f.corr.energy[f.refs+k]
		}
		rest := all - own
		if rest <= max(f.own[j].noise(), f.whole.noise())*all {
			rest = 0
		}
		score[j][k] = decibel(own, rest)
	})
	return score, err
}

// noise returns how much energy rounding leaves in a part that is zero, relative to
// the estimate. An error ε in a solution of condition number κ becomes one of κε² in the
// energy of what it makes; 1000 covers the sums and Fourier transforms behind it. κ is
// known from one side only where there are delays. So with filters -200 dB count as
// nothing, which is less than the last bit of one 24-bit sample in an hour of sound.
func (p projector) noise() float64 {
	if p.factor == nil {
		return 0
	}
	noise := 1000 * epsilon * epsilon / p.factor.least
	if len(p.lags) > 1 {
		return max(noise, 1e-20)
	}
	return noise
}

// condition is what the warnings need of a fit, without its large matrices.
type condition struct {
	singular bool      // some Gram matrix is
	gram     projector // the first that is, without its factor
	silent   []int     // estimates
	same     [][2]int  // sources of one sound
}

// artifacts returns ‖ŝ - Pŝ‖²/‖ŝ‖² of each estimate.
func (f *fit) artifacts(ctx context.Context) ([]float64, error) {
	a := make([]float64, f.refs)
	err := each(ctx, f.refs, func(k int) {
		all := f.corr.energy[f.refs+k]
		a[k] = max(0, all-f.whole.energy(ctx, f.corr, f.refs+k)) / all
	})
	return a, err
}

func (f *fit) condition() *condition {
	c := &condition{}
	for _, p := range append([]projector{f.whole}, f.own...) {
		if len(p.signals) > 0 && (p.refine > 0 || p.factor == nil) {
			c.singular, c.gram = true, projector{signals: p.signals, lags: p.lags}
			break
		}
	}
	for k := range f.refs {
		if f.corr.energy[f.refs+k] == 0 {
			c.silent = append(c.silent, k)
		}
	}
	c.same = append(f.corr.sameReferences(f.refs), f.corr.sameEstimates(f.refs)...)
	return c
}

// rank returns the numerical rank of p's Gram matrix and its size, or 0 for a rank
// that would take too long to find.
func (p projector) rank() (rank, n int) {
	m := len(p.signals)
	n = m * len(p.lags)
	if n > 2048 {
		return 0, n
	}
	g := mat.NewSymDense(n, nil)
	for i := range n {
		for j := i; j < n; j++ {
			g.SetSym(i, j, p.lags[j/m-i/m][i%m*m+j%m])
		}
	}
	var chol mat.PivotedCholesky
	chol.Factorize(g, -1)
	return chol.Rank(), n
}
