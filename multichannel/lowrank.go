package multichannel

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"

	"github.com/audiosep/audiosep/internal/huge"
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
	nu      float64   // ∞ for gauss
	floor   []float64 // eps in each frame, and 1 in the padding, where B_n A_n is 0
	bases   []float64 // B: [n][F][K], or [F][K] if they are shared
	acts    []float64 // A: [n][K][T], or [K][T]
	part    []float64 // z: [n][K], if they are shared
	given   []float64 // A_n: [n][K][T]; acts itself if they are not shared
	power   []float64 // p: [n][F][T]; nil if they are needed no longer than their bins are worked on

	// prepare does what quotients needs for some bins of all sources; quotients returns p_n/(λ_n r_n)
	// and 1/λ_n of some bins and frames of one. The two are replaced where what is measured is
	// not one power for each source.
	prepare   func(worker, from, to int)
	quotients func(worker, n, from, to, at, frames int) (ratio, inverse blas64.General)

	sums       []float64 // for A_n, of all bins: the numerators [n][K][T], then the denominators
	chunkSums  []float64 // the same for each run of bins
	blocks     []*block  // one for each thread
	objectives []float64 // of each run of bins
	basesPass  func(worker, chunk int)
	sumsPass   func(worker, chunk int)
}

// binsTogether is how many bins are worked on at a time, and framesTogether how many of their
// frames: what is made of those stays in the first cache, what is made of all frames of the bins
// in the second.
const binsTogether, framesTogether = 8, 192

// block is the scratch memory of a thread for some bins of all sources.
type block struct {
	rows           kernel.Rows
	ratio, inverse []float64 // [bin][some frames]
	num, den       []float64 // [bin][K]
	power          []float64 // p, if it is not kept, of the bins from first on: [n][bin][T]
	first          int
}

// newLowRank returns a model with bases and activations drawn from ½ to 1½.
func newLowRank(d *demixer, sources, rank int, shared bool, nu, eps float64, r *rand.Rand) *lowRank {
	own := sources
	if shared {
		own = 1
	}
	m := &lowRank{demixer: d, sources: sources, rank: rank, shared: shared, nu: nu, floor: make([]float64, d.stride),
		bases: make([]float64, own*d.bins*rank), acts: make([]float64, own*rank*d.stride),
		sums: make([]float64, 2*sources*rank*d.stride), objectives: make([]float64, d.chunks)}
	m.chunkSums = huge.Floats(d.chunks * len(m.sums))
	for i := range m.bases {
		m.bases[i] = 0.5 + r.Float64()
	}
	for i := range own * rank {
		for t := range d.frames {
			m.acts[i*d.stride+t] = 0.5 + r.Float64()
		}
	}
	for t := range m.floor {
		if m.floor[t] = 1; t < d.frames {
			m.floor[t] = eps
		}
	}
	m.given = m.acts
	if shared {
		m.part, m.given = make([]float64, sources*rank), make([]float64, sources*rank*d.stride)
		for i := range m.part {
			m.part[i] = 0.5 + r.Float64()
		}
		m.share()
	}
	for range d.each {
		numbers := func(n int) []float64 { return make([]float64, binsTogether*n) }
		m.blocks = append(m.blocks, &block{ratio: numbers(framesTogether), inverse: numbers(framesTogether), num: numbers(rank), den: numbers(rank)})
	}
	m.prepare, m.quotients = func(_, _, _ int) {}, m.quotientsOfOne
	m.basesPass = func(worker, chunk int) { m.inBlocks(worker, chunk, true) }
	m.sumsPass = func(worker, chunk int) { m.inBlocks(worker, chunk, false) }
	return m
}

// keepPowers has the powers of all bins kept; else there is room for those that are worked on.
func (m *lowRank) keepPowers(keep bool) {
	if keep {
		m.power = huge.Floats(m.channels * m.bins * m.stride)
		return
	}
	for _, b := range m.blocks {
		b.power = make([]float64, m.channels*binsTogether*m.stride)
	}
}

// share makes Σ_n z_nk = 1, B taking the scale, and A_n of z and A.
func (m *lowRank) share() {
	k, t := m.rank, m.stride
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
	return matrix(m.given[n*m.rank*m.stride:], m.rank, m.stride)
}

// powers returns p_n of bins from to to-1, which a thread works on.
func (m *lowRank) powers(worker, n, from, to int) blas64.General {
	if b := m.blocks[worker]; m.power == nil {
		return matrix(b.power[(n*binsTogether+from-b.first)*m.stride:], to-from, m.stride)
	}
	return matrix(m.power[(n*m.bins+from)*m.stride:], to-from, m.stride)
}

// powersOfAll returns p of all channels in bin f.
func (m *lowRank) powersOfAll(worker, f int) blas64.General {
	p := m.powers(worker, 0, f, f+1)
	p.Rows, p.Stride, p.Data = m.channels, m.bins*m.stride, p.Data[:cap(p.Data)]
	if m.power == nil {
		p.Stride = binsTogether * m.stride
	}
	return p
}

// columns returns some of the columns of a.
func columns(a blas64.General, at, count int) blas64.General {
	if a.Rows > 0 {
		a.Data = a.Data[at:]
	}
	a.Cols = count
	return a
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
	from, to := m.chunk(chunk)
	for ; from < to; from += binsTogether {
		end := min(to, from+binsTogether)
		if withBases {
			m.updateBases(worker, from, end, m.quotients)
		}
		m.sumUp(worker, chunk, from, end)
	}
}

// sumUp adds some bins to the sums of their run, which it begins with the first of them.
func (m *lowRank) sumUp(worker, chunk, from, to int) {
	b, size := m.blocks[worker], m.rank*m.stride
	first, _ := m.chunk(chunk)
	m.prepare(worker, from, to)
	for n := range m.sources {
		sums := m.chunkSums[chunk*len(m.sums)+n*size:]
		num, den := matrix(sums, m.rank, m.stride), matrix(sums[len(m.sums)/2:], m.rank, m.stride)
		bases := m.basesOf(n, from, to)
		for at := 0; at < m.stride; at += framesTogether {
			count := min(framesTogether, m.stride-at)
			ratio, inverse := m.quotients(worker, n, from, to, at, count)
			b.rows.Outer(columns(num, at, count), bases, ratio, from > first)
			b.rows.Outer(columns(den, at, count), bases, inverse, from > first)
		}
	}
}

// quotientsOfOne finds them from the model.
func (m *lowRank) quotientsOfOne(worker, n, from, to, at, frames int) (ratio, inverse blas64.General) {
	b, p := m.blocks[worker], columns(m.powers(worker, n, from, to), at, frames)
	ratio, inverse = matrix(b.ratio, to-from, frames), matrix(b.inverse, to-from, frames)
	b.rows.Quotients(ratio, inverse, p, m.basesOf(n, from, to), columns(m.actsOf(n), at, frames), m.floor[at:])
	if math.IsInf(m.nu, 1) {
		return ratio, inverse
	}
	for i := range to - from { // λ/r of p/λ²
		for t, v := range p.Data[i*p.Stride:][:frames] {
			ratio.Data[i*frames+t] *= m.softness(v, inverse.Data[i*frames+t])
		}
	}
	return ratio, inverse
}

// softness returns λ/r, inverse being 1/λ.
func (m *lowRank) softness(p, inverse float64) float64 { return (m.nu + 2) / (m.nu + 2*p*inverse) }

// updateBases updates B for some bins.
func (m *lowRank) updateBases(worker, from, to int, quotients func(worker, n, from, to, at, frames int) (ratio, inverse blas64.General)) {
	b := m.blocks[worker]
	m.prepare(worker, from, to)
	size := (to - from) * m.rank
	num, den := b.num[:size], b.den[:size]
	clear(num)
	clear(den)
	for n := range m.sources {
		acts := m.actsOf(n)
		for at := 0; at < m.stride; at += framesTogether {
			count := min(framesTogether, m.stride-at)
			ratio, inverse := quotients(worker, n, from, to, at, count)
			b.rows.AddDots(num, ratio, columns(acts, at, count))
			b.rows.AddDots(den, inverse, columns(acts, at, count))
		}
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
	copy(m.sums, m.chunkSums)
	for c := 1; c < m.chunks; c++ {
		floats.Add(m.sums, m.chunkSums[c*len(m.sums):(c+1)*len(m.sums)])
	}
}

// updateActs updates A from the sums.
func (m *lowRank) updateActs() {
	size := m.rank * m.stride
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
	t := m.stride
	own := sums[(n*m.rank+k)*t:][:t]
	floats.Scale(m.part[n*m.rank+k], own)
	if n > 0 {
		floats.Add(sums[k*t:(k+1)*t], own)
	}
}

// updateParts updates z from the sums.
func (m *lowRank) updateParts() {
	for i := range m.part {
		acts := m.acts[i%m.rank*m.stride:][:m.stride]
		num := floats.Dot(acts, m.sums[i*m.stride:(i+1)*m.stride])
		den := floats.Dot(acts, m.sums[len(m.sums)/2+i*m.stride:][:m.stride])
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
