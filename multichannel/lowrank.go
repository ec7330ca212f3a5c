package multichannel

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"

	"github.com/audiosep/audiosep/internal/kernel"
)

// lowRank models the powers p_n, F×T, of the demixed sources as
//
//	λ_n = B_n A_n + eps,
//
// where source n has K bases of its own, B_n (F×K) and A_n (K×T), or, if they are shared,
// B_n = B and A_n = diag(z_n) A: base k is source n's to the part z_nk, Σ_n z_nk = 1.
// All updates lower the objective, by majorisation and minimisation with exponent ½:
//
//	gauss  Σ p/λ + log λ
//	t      Σ (1 + ν/2) log(1 + 2p/(νλ)) + log λ
//
// (Kitamura et al., Determined blind source separation unifying independent vector analysis
// and nonnegative matrix factorization, 2016; Mogami et al., Independent low-rank matrix
// analysis based on complex Student's t-distribution, 2017). In other words p is replaced by
// p·λ/r with r = (νλ + 2p)/(ν + 2), which is λ for gauss, ν = ∞.
type lowRank struct {
	*demixer
	sources int
	rank    int
	shared  bool
	nu      float64 // ∞ for gauss
	eps     float64
	bases   []float64 // B: [n][F][K], or [F][K] if they are shared
	acts    []float64 // A: [n][K][T], or [K][T]
	part    []float64 // z: [n][K], if they are shared
	given   []float64 // A_n: [n][K][T]; acts itself if they are not shared
	power   []float64 // p: [n][F][T]

	// prepare does what quotients needs for some bins of all sources. The two are replaced
	// where what is measured is not one power for each source.
	prepare   func(worker, from, to int)
	quotients func(worker, n, from, to int)

	sums       []float64 // for A_n, of all bins: the numerators [n][K][T], then the denominators
	chunkSums  []float64 // the same for each run of bins
	blocks     []*block  // one for each thread
	objectives []float64 // of each run of bins
	basesPass  func(worker, chunk int)
	sumsPass   func(worker, chunk int)
}

// block is the scratch memory of a thread for some bins of all sources.
type block struct {
	lambda, inverse, ratio []float64 // [bin][T]
	one                    []float64 // 1, so many times
	num, den, numOf, denOf []float64 // [bin][K]
}

// newLowRank returns a model with bases and activations drawn from ½ to 1½.
func newLowRank(d *demixer, sources, rank int, shared bool, nu, eps float64, r *rand.Rand) *lowRank {
	own := sources
	if shared {
		own = 1
	}
	m := &lowRank{demixer: d, sources: sources, rank: rank, shared: shared, nu: nu, eps: eps,
		bases: make([]float64, own*d.bins*rank), acts: make([]float64, own*rank*d.frames), power: make([]float64, d.channels*d.bins*d.frames),
		sums: make([]float64, 2*sources*rank*d.frames), objectives: make([]float64, d.chunks)}
	m.chunkSums = make([]float64, d.chunks*len(m.sums))
	for _, x := range [][]float64{m.bases, m.acts} {
		for i := range x {
			x[i] = 0.5 + r.Float64()
		}
	}
	m.given = m.acts
	if shared {
		m.part, m.given = make([]float64, sources*rank), make([]float64, sources*rank*d.frames)
		for i := range m.part {
			m.part[i] = 0.5 + r.Float64()
		}
		m.share()
	}
	size := m.together() * max(d.frames, rank)
	for range d.each {
		numbers := func() []float64 { return make([]float64, size) }
		b := &block{numbers(), numbers(), numbers(), numbers(), numbers(), numbers(), numbers(), numbers()}
		for i := range b.one {
			b.one[i] = 1
		}
		m.blocks = append(m.blocks, b)
	}
	m.prepare, m.quotients = func(_, _, _ int) {}, m.quotientsOfOne
	m.basesPass = func(worker, chunk int) { m.inBlocks(worker, chunk, true) }
	m.sumsPass = func(worker, chunk int) { m.inBlocks(worker, chunk, false) }
	return m
}

// together is how many bins are worked on at a time: so few that a product of matrices is
// one thread's.
func (m *lowRank) together() int { return max(1, (1<<17-1)/(m.rank*m.frames)) }

// share makes Σ_n z_nk = 1, B taking the scale, and A_n of z and A.
func (m *lowRank) share() {
	k, t := m.rank, m.frames
	for i := range k {
		var sum float64
		for n := range m.sources {
			sum += m.part[n*k+i]
		}
		for n := range m.sources {
			m.part[n*k+i] /= sum
		}
		for f := range m.bins {
			m.bases[f*k+i] *= sum
		}
	}
	for n := range m.sources {
		for i := range k {
			floats.ScaleTo(m.given[(n*k+i)*t:(n*k+i+1)*t], m.part[n*k+i], m.acts[i*t:(i+1)*t])
		}
	}
}

// basesOf returns B_n of bins from to to-1.
func (m *lowRank) basesOf(n, from, to int) blas64.General {
	if m.shared {
		n = 0
	}
	return matrix(m.bases[(n*m.bins+from)*m.rank:], to-from, m.rank)
}

// actsOf returns A_n.
func (m *lowRank) actsOf(n int) blas64.General {
	return matrix(m.given[n*m.rank*m.frames:], m.rank, m.frames)
}

// powers returns p_n of bins from to to-1.
func (m *lowRank) powers(n, from, to int) []float64 {
	return m.power[(n*m.bins+from)*m.frames : (n*m.bins+to)*m.frames]
}

func matrix(x []float64, rows, cols int) blas64.General {
	return blas64.General{Rows: rows, Cols: cols, Stride: cols, Data: x[:rows*cols]}
}

// update updates z, if there is one, B and A.
func (m *lowRank) update() {
	if m.shared {
		m.inChunks(m.sumsPass)
		m.addSums()
		m.updateParts()
	}
	m.inChunks(m.basesPass)
	m.addSums()
	m.updateActs()
}

// inBlocks sums what A_n and z are updated with over a run of bins, after an update of B.
func (m *lowRank) inBlocks(worker, chunk int, withBases bool) {
	b := m.blocks[worker]
	clear(m.chunkSums[chunk*len(m.sums) : (chunk+1)*len(m.sums)])
	from, to := m.chunk(chunk)
	for ; from < to; from += m.together() {
		end := min(to, from+m.together())
		if withBases {
			m.updateBases(worker, from, end)
		}
		m.prepare(worker, from, end)
		for n := range m.sources {
			m.quotients(worker, n, from, end)
			size := m.rank * m.frames
			num := m.chunkSums[chunk*len(m.sums)+n*size:]
			den := num[len(m.sums)/2:]
			bases := m.basesOf(n, from, end)
			kernel.Gemm(blas.Trans, blas.NoTrans, 1, bases, matrix(b.ratio, end-from, m.frames), 1, matrix(num, m.rank, m.frames))
			kernel.Gemm(blas.Trans, blas.NoTrans, 1, bases, matrix(b.inverse, end-from, m.frames), 1, matrix(den, m.rank, m.frames))
		}
	}
}

// variances sets dst to λ_n of some bins, and returns it.
func (m *lowRank) variances(dst []float64, n, from, to int) []float64 {
	lambda := dst[:(to-from)*m.frames]
	kernel.Gemm(blas.NoTrans, blas.NoTrans, 1, m.basesOf(n, from, to), m.actsOf(n), 0, matrix(lambda, to-from, m.frames))
	if m.eps > 0 {
		floats.AddConst(m.eps, lambda)
	}
	return lambda
}

// quotientsOfOne sets inverse of a block to 1/λ_n and ratio to p_n/(λ_n r_n).
func (m *lowRank) quotientsOfOne(worker, n, from, to int) {
	b := m.blocks[worker]
	lambda, p := m.variances(b.lambda, n, from, to), m.powers(n, from, to)
	inverse, ratio := b.inverse[:len(p)], b.ratio[:len(p)]
	kernel.Div(inverse, b.one[:len(p)], lambda)
	kernel.Mul(ratio, p, m.weights(ratio, lambda, p, inverse))
	kernel.Mul(ratio, ratio, inverse)
}

// weights returns 1/r, inverse being 1/λ: for gauss that itself, else phi.
func (m *lowRank) weights(phi, lambda, p, inverse []float64) []float64 {
	if math.IsInf(m.nu, 1) {
		return inverse
	}
	for i, v := range lambda {
		phi[i] = (m.nu + 2) / (m.nu*v + 2*p[i])
	}
	return phi
}

// updateBases updates B for some bins.
func (m *lowRank) updateBases(worker, from, to int) {
	b := m.blocks[worker]
	m.prepare(worker, from, to)
	size := (to - from) * m.rank
	num, den := b.num[:size], b.den[:size]
	clear(num)
	clear(den)
	for n := range m.sources {
		m.quotients(worker, n, from, to)
		acts := m.actsOf(n)
		kernel.Gemm(blas.NoTrans, blas.Trans, 1, matrix(b.ratio, to-from, m.frames), acts, 1, matrix(num, to-from, m.rank))
		kernel.Gemm(blas.NoTrans, blas.Trans, 1, matrix(b.inverse, to-from, m.frames), acts, 1, matrix(den, to-from, m.rank))
		if m.shared && n+1 < m.sources {
			continue
		}
		bases := m.basesOf(n, from, to).Data
		kernel.Scale(bases, bases, num, den, 0.5)
		clear(num)
		clear(den)
	}
}

// addSums adds the sums of all runs of bins, in order.
func (m *lowRank) addSums() {
	clear(m.sums)
	for c := range m.chunks {
		floats.Add(m.sums, m.chunkSums[c*len(m.sums):(c+1)*len(m.sums)])
	}
}

// updateActs updates A from the sums.
func (m *lowRank) updateActs() {
	size := m.rank * m.frames
	num, den := m.sums[:len(m.sums)/2], m.sums[len(m.sums)/2:]
	if !m.shared {
		kernel.Scale(m.acts, m.acts, num, den, 0.5)
		return
	}
	for n := range m.sources {
		for k := range m.rank {
			m.gather(num, n, k)
			m.gather(den, n, k)
		}
	}
	kernel.Scale(m.acts, m.acts, num[:size], den[:size], 0.5)
	m.share()
}

// gather adds z_nk times source n's sums for base k to those of the first source.
func (m *lowRank) gather(sums []float64, n, k int) {
	t := m.frames
	own := sums[(n*m.rank+k)*t:][:t]
	floats.Scale(m.part[n*m.rank+k], own)
	if n > 0 {
		floats.Add(sums[k*t:(k+1)*t], own)
	}
}

// updateParts updates z from the sums.
func (m *lowRank) updateParts() {
	for i := range m.part {
		acts := m.acts[i%m.rank*m.frames:][:m.frames]
		num := floats.Dot(acts, m.sums[i*m.frames:(i+1)*m.frames])
		den := floats.Dot(acts, m.sums[len(m.sums)/2+i*m.frames:][:m.frames])
		if den > 0 {
			m.part[i] *= math.Sqrt(num / den)
		}
	}
	m.share()
}

// objective returns that of the matrices and the model as they are.
func (m *lowRank) objective() float64 {
	return sumOf(m.objectives)/float64(m.frames) - 2*m.logDets()
}

// sumOf adds in order; the last bits of floats.Sum depend on the address of x.
func sumOf(x []float64) (sum float64) {
	for _, v := range x {
		sum += v
	}
	return sum
}
