package metrics

import (
	"math"

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
	signals []int   // indices in correlations
	factor  *factor // nil where the Gram matrix is singular
	lags    [][]float64
}

// newFit factorises the Gram matrices once, for all estimates. load is added to
// their diagonals, relative to them.
func newFit(c *correlations, refs int, gain bool, load float64) *fit {
	f := &fit{corr: c, gain: gain, refs: refs, own: make([]projector, refs)}
	for j := range refs {
		f.channels = append(f.channels, independent(c, j))
	}
	each(refs+1, func(j int) {
		if j == 0 {
			var all []int
			for _, s := range f.channels {
				all = append(all, s...)
			}
			f.whole = newProjector(c, all, load)
			return
		}
		f.own[j-1] = newProjector(c, f.channels[j-1], load)
	})
	return f
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

func newProjector(c *correlations, signals []int, load float64) projector {
	m := len(signals)
	if m == 0 {
		return projector{}
	}
	p := projector{signals: signals, lags: planes[float64](len(c.lags[0][0]), m*m)}
	for k, block := range p.lags {
		for i, x := range signals {
			for j, y := range signals {
				block[i*m+j] = c.lags[x][y][k]
			}
		}
	}
	for i := range signals {
		p.lags[0][i*m+i] *= 1 + load
	}
	if f, err := factorise(p.lags, m); err == nil {
		p.factor = f
	}
	return p
}

// project returns the filters with which p's signals come nearest to signal x, numbered like
// the unknowns of factor, and the energy of the projection. If filters is false only the
// energy is valid.
func (p projector) project(c *correlations, x int, filters bool) ([]float64, float64) {
	m := len(p.signals)
	d := make([]float64, p.factor.n)
	for i := range d {
		d[i] = c.lags[x][p.signals[i%m]][i/m]
	}
	energy := p.factor.forward(d)
	if filters {
		p.factor.backward(d)
	}
	return d, energy
}

// energy returns ‖Pŝ‖² of the channels of a source, NaN where P is unknown.
func (p projector) energy(c *correlations, source int) float64 {
	if p.factor == nil {
		return math.NaN()
	}
	var sum float64
	for ch := range c.per {
		_, e := p.project(c, source*c.per+ch, false)
		sum += e
	}
	return sum
}

// scores returns, for each reference j and estimate k, the SIR of the pair, or its SDR, in dB,
// by which a match is chosen.
func (f *fit) scores(bySDR bool) [][]float64 {
	score := planes[float64](f.refs, f.refs)
	whole := make([]float64, f.refs)
	each(f.refs, func(k int) {
		if !bySDR {
			whole[k] = f.whole.energy(f.corr, f.refs+k)
		}
	})
	each(f.refs*f.refs, func(jk int) {
		j, k := jk/f.refs, jk%f.refs
		own, all := f.own[j].energy(f.corr, f.refs+k), whole[k]
		if bySDR {
			all = f.corr.energy[f.refs+k]
		}
		score[j][k] = decibel(own, max(all-own, 0))
	})
	return score
}

// rank returns the numerical rank of p's Gram matrix and its size n; the rank is 0 if it would
// take too long to find.
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
