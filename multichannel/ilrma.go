package multichannel

import (
	"context"
	"math"
	"strconv"

	"gonum.org/v1/gonum/blas/blas64"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/kernel"
)

// ILRMAParams are the parameters of ilrma.
type ILRMAParams struct {
	Model      string  `json:"model" oneof:"gauss|t" doc:"How a coefficient of a source is distributed about 0: gauss, or Student's t, which forgives what the bases cannot say."`
	Freedom    float64 `json:"freedom" min:"0.1" max:"1e6" doc:"Degrees of freedom of t; 1 is Cauchy's distribution, a great number gauss."`
	Update     string  `json:"update" oneof:"ip1|ip2|iss1" doc:"How the demixing matrices are updated: ip1 row after row, ip2 two rows at once, iss1 without an inverse."`
	Bases      string  `json:"bases" oneof:"own|partitioned" doc:"Whether each source has bases of its own, or all share them, each base being a source's in part."`
	Rank       int     `json:"rank" min:"1" max:"10000" unit:"components" doc:"Bases of each source, or of all together where they are partitioned."`
	Iterations int     `json:"iterations" min:"1" max:"100000" doc:"How many times bases, activations and demixing matrices are updated."`
	Warm       int     `json:"warm" min:"0" max:"100000" doc:"Iterations of iva, of model gauss, that the demixing matrices are begun with; 0: from the microphones as they are."`
	Restarts   int     `json:"restarts" min:"1" max:"1000" doc:"Starts with other random bases, every second from the microphones as they are whatever warm is; the one that ends with the least objective is kept."`
	Eps        float64 `json:"eps" min:"0" max:"1" unit:"power" doc:"Power added to the model, as part of the mixture's mean power in a bin."`
	Scaling
	Line
	Excerpt
	Storage
}

// DefaultILRMA returns the defaults of ilrma.
func DefaultILRMA() ILRMAParams {
	return ILRMAParams{Model: "gauss", Freedom: 10, Update: "ip1", Bases: "own", Rank: 10, Iterations: 100, Warm: 60, Restarts: 4, Eps: 1e-10, Scaling: defaultScaling(), Line: defaultLine(), Storage: defaultStorage()}
}

var ilrmaStage = audiosep.Define("ilrma",
	`Separates as many sources as there are microphones, by independent low-rank matrix analysis: as iva, but each source's powers are an NMF.
It wins over iva where sources have few spectra that recur, as music has. Frames should be longer than the reverberation, 128 to 256 ms, and the sources should not move.
Objective of gauss: 1/T Σ_nft (|y|²/λ + log λ) − 2 Σ_f log |det W_f|, λ_n = B_n A_n + eps (Kitamura et al., Determined blind source separation unifying independent vector analysis and nonnegative matrix factorization, 2016); of t: (1 + ν/2) log(1 + 2|y|²/(νλ)) in place of |y|²/λ (Mogami et al., Independent low-rank matrix analysis based on complex Student's t-distribution, 2017).`,
	DefaultILRMA(), NewILRMA)

// Validate checks what the ranges do not say.
func (p ILRMAParams) Validate() error { return p.Line.validate() }

// keepsPowers tells whether the powers of all bins are kept from an iteration to the next: shared
// bases are updated from all bins, and t weighs by the powers that there were.
func (p ILRMAParams) keepsPowers() bool { return p.Bases == "partitioned" || p.Model == "t" }

// ILRMA is the stage ilrma.
type ILRMA struct{ p ILRMAParams }

// NewILRMA returns a stage that separates as p says. It is an error if p is out of the ranges
// in its tags, as in a spec.
func NewILRMA(p ILRMAParams) (*ILRMA, error) {
	if err := audiosep.CheckStruct(p); err != nil {
		return nil, err
	}
	return &ILRMA{p}, nil
}

// Run learns the demixing matrices; the sources are separated as they are taken.
func (s *ILRMA) Run(ctx context.Context, env audiosep.Env, in In) (Out, error) {
	im, err := recallImages(ctx, env, func() (*images, error) { return s.learn(ctx, env, in) })
	if err != nil {
		return Out{}, err
	}
	return im.out(in.Coefs, s.p.Line, env)
}

func (s *ILRMA) learn(ctx context.Context, env audiosep.Env, in In) (*images, error) {
	m, err := readMixture(ctx, env, in.Coefs, s.p.Excerpt, s.p.Storage)
	if err != nil {
		return nil, err
	}
	if m.silent {
		return m.asHeard(m.channels, s.p.Scale), nil
	}
	told := &progress{env: env, of: s.p.Warm + s.p.Restarts*s.p.Iterations}
	d, err := begin(ctx, m, s.p.Warm, told.step)
	if err != nil {
		return nil, err
	}
	var best []complex128
	least := math.Inf(1)
	for i := range s.p.Restarts {
		start := d.from(d.w)
		if i%2 == 1 {
			start = newDemixer(m)
		}
		solver := newILRMA(start, s.p, env, i)
		if err := learn(ctx, solver, s.p.Iterations, told.step); err != nil {
			return nil, err
		}
		end := solver.objective()
		env.Logger().Info("a start of ilrma ended", "start", i+1, "objective", end)
		if best == nil || end < least {
			best, least = solver.w, end
		}
	}
	told.end(least)
	return d.from(best).images(s.p.Scale).bounded(m, env), nil
}

// from returns a demixer of the same mixture that begins with matrices w.
func (d *demixer) from(w []complex128) *demixer {
	other := newDemixer(d.mixture)
	copy(other.w, w)
	return other
}

// ilrmaSolver learns W, B and A by ILRMA. Where sources have bases of their own, what B and A are
// updated with in a bin is summed as soon as its W is, while its numbers are in the caches: an
// iteration then begins with A and ends with B.
type ilrmaSolver struct {
	*lowRank
	update  update
	benches []*lowRankBench // one for each thread
	pass    func(worker, chunk int)
	first   func(worker, chunk int)
	known   func(worker, n, from, to, at, frames int) (ratio, inverse blas64.General)
}

// lowRankBench is the scratch memory of a thread for some bins: of all sources.
type lowRankBench struct {
	dots         kernel.Dots
	inverse, phi []float64 // 1/λ and 1/r: [n][bin][T]; one for gauss
}

// sweeps are the updates of all rows by name.
var sweeps = map[string]update{"ip1": (*demixer).projectRows, "iss1": (*demixer).steerRows, "ip2": (*demixer).projectPairs}

func newILRMA(d *demixer, p ILRMAParams, env audiosep.Env, number int) *ilrmaSolver {
	nu := math.Inf(1)
	if p.Model == "t" {
		nu = p.Freedom
	}
	s := &ilrmaSolver{update: sweeps[p.Update]}
	s.lowRank = newLowRank(d, d.channels, p.Rank, p.Bases == "partitioned", nu, p.Eps, env.Rand("start-"+strconv.Itoa(number)))
	s.keepPowers(p.keepsPowers())
	size := d.channels * binsTogether * d.stride
	for range d.each {
		b := &lowRankBench{inverse: make([]float64, size)}
		if b.phi = b.inverse; p.Model == "t" {
			b.phi = make([]float64, size)
		}
		s.benches = append(s.benches, b)
	}
	s.pass = func(worker, chunk int) { s.inChunk(worker, chunk, true) }
	s.first = func(worker, chunk int) { s.inChunk(worker, chunk, false) }
	if s.known = s.knownQuotients; p.Model == "t" {
		s.known = s.quotients
	}
	return s
}

// start computes what follows from W.
func (s *ilrmaSolver) start() { s.inChunks(s.first) }

// iterate updates B and A, then W.
func (s *ilrmaSolver) iterate() {
	if s.shared {
		s.lowRank.update()
	} else {
		s.addSums()
		s.updateActs()
	}
	s.inChunks(s.pass)
}

// inChunk updates W in a run of bins, unless only what follows from it is wanted: the powers
// of the sources, the objective and, if bases are not shared, the next B and sums for A.
func (s *ilrmaSolver) inChunk(worker, chunk int, change bool) {
	b, low := s.each[worker], s.benches[worker]
	s.objectives[chunk] = 0
	from, to := s.chunk(chunk)
	for ; from < to; from += binsTogether {
		end := min(to, from+binsTogether)
		s.blocks[worker].first = from
		for n := range s.channels {
			s.objectives[chunk] += s.weigh(worker, n, from, end)
		}
		stride := (end - from) * s.stride
		for f := from; f < end; f++ {
			if change {
				phi := blas64.General{Rows: s.channels, Cols: s.stride, Stride: stride, Data: low.phi[(f-from)*s.stride:]}
				s.covariances(b, f, phi)
				s.update(s.demixer, b, f, s.all)
			}
			s.measure(b, f)
			p := s.powersOfAll(worker, f)
			b.rows.Powers(p, s.realRows(b, f, s.all), s.bin(f), false, s.after(f).Half(1))
			for n := range s.channels {
				s.objectives[chunk] += s.misfit(low, p.Data[n*p.Stride:][:s.stride], low.inverse[n*stride+(f-from)*s.stride:][:s.stride])
			}
		}
		if !s.shared {
			s.updateBases(worker, from, end, s.known)
			s.sumUp(worker, chunk, from, end)
		}
	}
}

// weigh finds 1/λ_n and 1/r_n for some bins, and returns Σ log λ_n.
func (s *ilrmaSolver) weigh(worker, n, from, to int) (logs float64) {
	low := s.benches[worker]
	inverse := s.inverses(low, n, from, to)
	logs = s.blocks[worker].rows.Inverses(inverse, s.basesOf(n, from, to), s.actsOf(n), s.floor)
	if math.IsInf(s.nu, 1) {
		return logs
	}
	phi := low.phi[n*(to-from)*s.stride:]
	for i, p := range s.powers(worker, n, from, to).Data {
		phi[i] = inverse.Data[i] * s.softness(p, inverse.Data[i])
	}
	return logs
}

// inverses is where 1/λ_n is for some bins that are worked on.
func (s *ilrmaSolver) inverses(low *lowRankBench, n, from, to int) blas64.General {
	return matrix(low.inverse[n*(to-from)*s.stride:], to-from, s.stride)
}

// knownQuotients finds them, for gauss, from the 1/λ that W was updated with.
func (s *ilrmaSolver) knownQuotients(worker, n, from, to, at, frames int) (ratio, inverse blas64.General) {
	ratio, inverse = matrix(s.blocks[worker].ratio, to-from, frames), columns(s.inverses(s.benches[worker], n, from, to), at, frames)
	p := columns(s.powers(worker, n, from, to), at, frames)
	for i := range to - from {
		kernel.MulSquare(ratio.Data[i*frames:][:frames], p.Data[i*p.Stride:], inverse.Data[i*inverse.Stride:])
	}
	return ratio, inverse
}

// misfit returns the objective of powers under the model's, less Σ log λ; inverse is 1/λ.
func (s *ilrmaSolver) misfit(low *lowRankBench, p, inverse []float64) (sum float64) {
	if math.IsInf(s.nu, 1) {
		return low.dots.Dot(p, inverse)
	}
	for t, v := range inverse[:s.frames] {
		sum += (1 + s.nu/2) * math.Log1p(2*p[t]*v/s.nu)
	}
	return sum
}
