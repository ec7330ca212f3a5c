package multichannel

import (
	"context"
	"math"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/kernel"
)

// FastMNMFParams are the parameters of fast_mnmf.
type FastMNMFParams struct {
	Sources    int     `json:"sources" min:"0" max:"64" doc:"How many sources, more or fewer than microphones; 0: as many."`
	Rank       int     `json:"rank" min:"1" max:"10000" unit:"components" doc:"Bases of each source."`
	Update     string  `json:"update" oneof:"ip1|ip2|iss1" doc:"How the diagonalising matrices are updated: ip1 row after row, ip2 two rows at once, iss1 without an inverse."`
	Iterations int     `json:"iterations" min:"1" max:"100000" doc:"How many times everything is updated."`
	Warm       int     `json:"warm" min:"0" max:"100000" doc:"Iterations of iva, of model gauss, that the matrices are begun with; 0: from the microphones as they are."`
	Eps        float64 `json:"eps" min:"0" max:"1" unit:"power" doc:"Power added to the model, as part of the mixture's mean power in a bin."`
	Storage
}

// DefaultFastMNMF returns the defaults of fast_mnmf.
func DefaultFastMNMF() FastMNMFParams {
	return FastMNMFParams{Rank: 8, Update: "ip1", Iterations: 100, Warm: 60, Eps: 1e-10, Storage: defaultStorage()}
}

var fastMNMFStage = audiosep.Define("fast_mnmf",
	`Separates any number of sources by FastMNMF2: each source's powers are an NMF, and in each bin a matrix diagonalises the spatial covariances of all sources, which may be of full rank, as diffuse sound and reverberation are.
Σ_c |q_fc x_ft|² has the variances y_ftc = Σ_n λ_nft g_nc + eps; the image of a source is Q⁻¹ diag(λ_n g_n/y) Q x, and the images sum to the mixture. All of the recording is learnt from, and is kept in memory.
Objective: 1/T Σ_ftc (|q_fc x_ft|²/y_ftc + log y_ftc) − 2 Σ_f log |det Q_f| (Sekiguchi et al., Fast multichannel nonnegative matrix factorization with directivity-aware jointly-diagonalizable spatial covariance matrices for blind source separation, 2020).`,
	DefaultFastMNMF(), NewFastMNMF, audiosep.Sums)

// FastMNMF is the stage fast_mnmf.
type FastMNMF struct{ p FastMNMFParams }

// NewFastMNMF returns a stage that separates as p says. It is an error if p is out of the
// ranges in its tags, as in a spec.
func NewFastMNMF(p FastMNMFParams) (*FastMNMF, error) {
	if err := audiosep.CheckStruct(p); err != nil {
		return nil, err
	}
	return &FastMNMF{p}, nil
}

// Run learns the model; the sources are separated as they are taken.
func (s *FastMNMF) Run(ctx context.Context, env audiosep.Env, in In) (Out, error) {
	im, err := recallMNMF(ctx, env, func() (*mnmfImages, error) { return s.learn(ctx, env, in) })
	if err != nil {
		return Out{}, err
	}
	return Out{audiosep.Separated(in.Coefs, numbered(im.count), 0, im.separate)}, nil
}

func (s *FastMNMF) learn(ctx context.Context, env audiosep.Env, in In) (*mnmfImages, error) {
	m, err := readMixture(ctx, env, in.Coefs, Excerpt{}, s.p.Storage)
	if err != nil {
		return nil, err
	}
	told := &progress{env: env, of: s.p.Warm + s.p.Iterations}
	d, err := begin(ctx, m, s.p.Warm, told.step)
	if err != nil {
		return nil, err
	}
	solver := newMNMF(d, s.p, env)
	if err := learn(ctx, solver, s.p.Iterations, told.step); err != nil {
		return nil, err
	}
	told.end(solver.objective())
	return solver.model(in.Coefs.Framing()), nil
}

// mnmfSolver learns Q, which is W of the demixer, g, B and A by FastMNMF2. Its powers are those
// of Q x, one for each channel.
type mnmfSolver struct {
	*lowRank
	gains     []float64 // g: [n][c], Σ_c g_nc = 1
	update    update
	benches   []*mnmfBench // one for each thread
	gainSums  []float64    // the numerators [n][c], then the denominators, of each run of bins
	pass      func(worker, chunk int)
	first     func(worker, chunk int)
	gainsPass func(worker, chunk int)
}

// mnmfBench is the scratch memory of a thread for some bins.
type mnmfBench struct {
	lambda                 []float64 // [n][bin][T]
	y, inverse, ratio, one []float64 // [c][bin][T]: y, 1/y, p/y²; 1
	inverseOf, ratioOf     []float64 // [n][bin][T]: Σ_c g_nc/y_c, Σ_c g_nc p_c/y_c²
}

func newMNMF(d *demixer, p FastMNMFParams, env audiosep.Env) *mnmfSolver {
	sources := p.Sources
	if sources == 0 {
		sources = d.channels
	}
	s := &mnmfSolver{update: sweeps[p.Update], gains: make([]float64, sources*d.channels), gainSums: make([]float64, 2*sources*d.channels*d.chunks)}
	s.lowRank = newLowRank(d, sources, p.Rank, false, math.Inf(1), p.Eps, env.Rand("start"))
	s.keepPowers(true)
	for n := range sources { // a source has most in one row of Q
		for c := range d.channels {
			s.gains[n*d.channels+c] = 0.1
			if c == n%d.channels {
				s.gains[n*d.channels+c] = 1
			}
		}
	}
	block := binsTogether * d.stride
	for range d.each {
		numbers := func(n int) []float64 { return make([]float64, n*block) }
		c := d.channels
		b := &mnmfBench{numbers(sources), numbers(c), numbers(c), numbers(c), numbers(c), numbers(sources), numbers(sources)}
		for i := range b.one {
			b.one[i] = 1
		}
		s.benches = append(s.benches, b)
	}
	s.prepare, s.quotients = s.quotientsOfAll, s.quotientsAt
	s.pass = func(worker, chunk int) { s.inChunk(worker, chunk, true) }
	s.first = func(worker, chunk int) { s.inChunk(worker, chunk, false) }
	s.gainsPass = s.sumGains
	return s
}

// start computes what follows from Q.
func (s *mnmfSolver) start() { s.inChunks(s.first) }

// iterate updates B and A, then g, then Q.
func (s *mnmfSolver) iterate() {
	s.lowRank.update()
	s.inChunks(s.gainsPass)
	s.updateGains()
	s.inChunks(s.pass)
}

// variancesOfAll finds λ of all sources in some bins, and y, 1/y and p/y² of all channels.
func (s *mnmfSolver) variancesOfAll(worker, from, to int) {
	b, size := s.benches[worker], (to-from)*s.stride
	for n := range s.sources {
		kernel.Gemm(blas.NoTrans, blas.NoTrans, 1, s.basesOf(n, from, to), s.actsOf(n), 0, matrix(b.lambda[n*size:], to-from, s.stride))
	}
	all := s.channels * size
	// y, C×(bins·T) = gᵀ·λ.
	kernel.Gemm(blas.Trans, blas.NoTrans, 1, matrix(s.gains, s.sources, s.channels), matrix(b.lambda, s.sources, size), 0, matrix(b.y, s.channels, size))
	for i := 0; i < all; i += s.stride {
		floats.Add(b.y[i:i+s.stride], s.floor)
	}
	kernel.Div(b.inverse[:all], b.one[:all], b.y[:all])
	for c := range s.channels {
		kernel.MulSquare(b.ratio[c*size:(c+1)*size], s.powers(worker, c, from, to).Data, b.inverse[c*size:(c+1)*size])
	}
}

// quotientsOfAll finds besides Σ_c g_nc/y_c and Σ_c g_nc p_c/y_c².
func (s *mnmfSolver) quotientsOfAll(worker, from, to int) {
	s.variancesOfAll(worker, from, to)
	b, size := s.benches[worker], (to-from)*s.stride
	g := matrix(s.gains, s.sources, s.channels)
	kernel.Gemm(blas.NoTrans, blas.NoTrans, 1, g, matrix(b.inverse, s.channels, size), 0, matrix(b.inverseOf, s.sources, size))
	kernel.Gemm(blas.NoTrans, blas.NoTrans, 1, g, matrix(b.ratio, s.channels, size), 0, matrix(b.ratioOf, s.sources, size))
}

// quotientsAt returns the two for some bins and frames of a source.
func (s *mnmfSolver) quotientsAt(worker, n, from, to, at, frames int) (ratio, inverse blas64.General) {
	b, first := s.benches[worker], n*(to-from)*s.stride
	return columns(matrix(b.ratioOf[first:], to-from, s.stride), at, frames), columns(matrix(b.inverseOf[first:], to-from, s.stride), at, frames)
}

// sumGains sums what g is updated with over a run of bins.
func (s *mnmfSolver) sumGains(worker, chunk int) {
	b, count := s.benches[worker], s.sources*s.channels
	num := matrix(s.gainSums[chunk*2*count:], s.sources, s.channels)
	den := matrix(s.gainSums[(chunk*2+1)*count:], s.sources, s.channels)
	clear(num.Data)
	clear(den.Data)
	from, to := s.chunk(chunk)
	for ; from < to; from += binsTogether {
		end := min(to, from+binsTogether)
		s.variancesOfAll(worker, from, end)
		size := (end - from) * s.stride
		lambda := matrix(b.lambda, s.sources, size)
		kernel.Gemm(blas.NoTrans, blas.Trans, 1, lambda, matrix(b.ratio, s.channels, size), 1, num)
		kernel.Gemm(blas.NoTrans, blas.Trans, 1, lambda, matrix(b.inverse, s.channels, size), 1, den)
	}
}

// updateGains updates g from the sums, and gives its scale to B.
func (s *mnmfSolver) updateGains() {
	count := s.sources * s.channels
	sums := s.gainSums[:2*count]
	for c := 1; c < s.chunks; c++ {
		floats.Add(sums, s.gainSums[c*2*count:(c+1)*2*count])
	}
	kernel.Scale(s.gains, s.gains, sums[:count], sums[count:], 0.5)
	for n := range s.sources {
		g := s.gains[n*s.channels : (n+1)*s.channels]
		if sum := sumOf(g); sum > 0 {
			floats.Scale(1/sum, g)
			floats.Scale(sum, s.basesOf(n, 0, s.bins).Data)
		}
	}
}

// inChunk updates Q in a run of bins, unless only what follows from it is wanted: the powers
// and the objective.
func (s *mnmfSolver) inChunk(worker, chunk int, change bool) {
	b, bench, t := s.each[worker], s.benches[worker], s.stride
	s.objectives[chunk] = 0
	from, to := s.chunk(chunk)
	for ; from < to; from += binsTogether {
		end := min(to, from+binsTogether)
		s.variancesOfAll(worker, from, end)
		stride := (end - from) * t
		for f := from; f < end; f++ {
			if change {
				s.covariances(b, f, blas64.General{Rows: s.channels, Cols: t, Stride: stride, Data: bench.inverse[(f-from)*t:]})
				s.update(s.demixer, b, f, s.all)
			}
			s.measure(b, f)
			p := s.powersOfAll(worker, f)
			b.rows.Powers(p, s.realRows(b, f, s.all), s.bin(f), false, s.after(f).Half(1))
			for c := range s.channels {
				at := c*stride + (f-from)*t
				s.objectives[chunk] += floats.Dot(p.Data[c*p.Stride:][:t], bench.inverse[at:at+t]) + kernel.SumLog(bench.y[at:at+t], 0)
			}
		}
	}
}

// model returns what makes the images of all sources, Q⁻¹ diag(λ_n g_n/y) Q x, of a frame. What of y is eps
// belongs to all evenly.
func (s *mnmfSolver) model(f audiosep.Framing) *mnmfImages {
	return &mnmfImages{images: s.images("projection_back"), gains: slices.Clone(s.gains), bases: s.bases, acts: s.acts,
		rank: s.rank, count: s.sources, stride: s.stride, perTake: f.Frames(), bins: s.bins, eps: s.floor[0]}
}

// mnmfImages are what is needed to separate a frame.
type mnmfImages struct {
	*images                            // of the rows of Q
	gains, bases, acts                 []float64
	rank, count, stride, perTake, bins int
	eps                                float64
}

// separate writes the images of all sources in some frames.
func (m *mnmfImages) separate(ctx context.Context, dst [][]audiosep.Coefs, x *audiosep.Spectrogram, _, n int) error {
	c := m.channels
	q, sum, powers := make([]complex128, c), make([]float64, c), make([]float64, m.count*c)
	for r := 0; r < len(x.Layers); r += c {
		for i := range n * m.bins {
			f, t := i%m.bins, r/c*m.perTake+x.First+i/m.bins
			if f == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			m.demix(q, x.Layers[r:r+c], i, f)
			m.variances(powers, sum, f, t)
			for j := range m.count {
				m.image(dst[j][r:r+c], i, f, q, powers[j*c:(j+1)*c], sum)
			}
		}
	}
	return nil
}

// image sets coefficient i of the channels to Q⁻¹ of q, the part power/sum of it.
func (m *mnmfImages) image(dst []audiosep.Coefs, i, f int, q []complex128, power, sum []float64) {
	for l := range dst {
		dst[l].Re[i], dst[l].Im[i] = 0, 0
	}
	for k, y := range q {
		part := y * complex(power[k]/sum[k], 0)
		for l, a := range m.a[(f*m.channels+k)*m.channels:][:m.channels] {
			z := a * part
			dst[l].Re[i] += real(z)
			dst[l].Im[i] += imag(z)
		}
	}
}

// variances sets powers to λ_n g_nc and a part of eps, and sum to the sums over n.
func (m *mnmfImages) variances(powers, sum []float64, f, t int) {
	clear(sum)
	for j := range m.count {
		var lambda float64
		for k, b := range m.bases[(j*m.bins+f)*m.rank:][:m.rank] {
			lambda += b * m.acts[(j*m.rank+k)*m.stride+t]
		}
		for c, g := range m.gains[j*m.channels : (j+1)*m.channels] {
			p := lambda*g + (m.eps+1e-300)/float64(m.count)
			powers[j*m.channels+c] = p
			sum[c] += p
		}
	}
}
