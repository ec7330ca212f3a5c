package multichannel

import (
	"context"
	"math"
	"strconv"

	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"

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
}

// DefaultILRMA returns the defaults of ilrma.
func DefaultILRMA() ILRMAParams {
	return ILRMAParams{Model: "gauss", Freedom: 10, Update: "ip1", Bases: "own", Rank: 10, Iterations: 100, Warm: 60, Restarts: 4, Eps: 1e-10, Scaling: defaultScaling(), Line: defaultLine()}
}

var ilrmaStage = audiosep.Define("ilrma",
	`Separates as many sources as there are microphones, by independent low-rank matrix analysis: as iva, but each source's powers are an NMF.
It wins over iva where sources have few spectra that recur, as music has. Frames should be longer than the reverberation, 128 to 256 ms, and the sources should not move.
Objective of gauss: 1/T Σ_nft (|y|²/λ + log λ) − 2 Σ_f log |det W_f|, λ_n = B_n A_n + eps (Kitamura et al., Determined blind source separation unifying independent vector analysis and nonnegative matrix factorization, 2016); of t: (1 + ν/2) log(1 + 2|y|²/(νλ)) in place of |y|²/λ (Mogami et al., Independent low-rank matrix analysis based on complex Student's t-distribution, 2017).`,
	DefaultILRMA(), NewILRMA)

// Validate checks what the ranges do not say.
func (p ILRMAParams) Validate() error { return p.Line.validate() }

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
	m, err := readMixture(ctx, in.Coefs, s.p.Excerpt)
	if err != nil {
		return Out{}, err
	}
	told := &progress{env: env, of: s.p.Warm + s.p.Restarts*s.p.Iterations}
	d, err := begin(ctx, m, s.p.Warm, told.step)
	if err != nil {
		return Out{}, err
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
			return Out{}, err
		}
		end := solver.objective()
		env.Logger().Info("a start of ilrma ended", "start", i+1, "objective", end)
		if best == nil || end < least {
			best, least = solver.w, end
		}
	}
	told.end(least)
	return d.from(best).out(in.Coefs, s.p.Scaling, s.p.Line, env)
}

// from returns a demixer of the same mixture that begins with matrices w.
func (d *demixer) from(w []complex128) *demixer {
	other := newDemixer(d.mixture)
	copy(other.w, w)
	return other
}

// ilrmaSolver learns W, B and A by ILRMA.
type ilrmaSolver struct {
	*lowRank
	update  update
	benches []*lowRankBench // one for each thread
	pass    func(worker, chunk int)
	first   func(worker, chunk int)
}

// lowRankBench is the scratch memory of a thread for some bins: of all sources.
type lowRankBench struct {
	lambda, phi []float64 // [n][bin][T]
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
	size := d.channels * s.together() * d.frames
	for range d.each {
		s.benches = append(s.benches, &lowRankBench{make([]float64, size), make([]float64, size)})
	}
	s.pass = func(worker, chunk int) { s.inChunk(worker, chunk, true) }
	s.first = func(worker, chunk int) { s.inChunk(worker, chunk, false) }
	return s
}

// start computes what follows from W.
func (s *ilrmaSolver) start() { s.inChunks(s.first) }

// iterate updates B and A, then W.
func (s *ilrmaSolver) iterate() {
	s.lowRank.update()
	s.inChunks(s.pass)
}

// inChunk updates W in a run of bins, unless only what follows from it is wanted: the powers
// of the sources and the objective.
func (s *ilrmaSolver) inChunk(worker, chunk int, change bool) {
	b, low, t := s.each[worker], s.benches[worker], s.frames
	s.objectives[chunk] = 0
	from, to := s.chunk(chunk)
	for ; from < to; from += s.together() {
		end := min(to, from+s.together())
		stride := (end - from) * t
		for n := range s.channels {
			lambda, phi := low.lambda[n*stride:(n+1)*stride], low.phi[n*stride:(n+1)*stride]
			s.variances(lambda, n, from, end)
			kernel.Div(phi, s.blocks[worker].one[:stride], lambda)
			s.weights(phi, lambda, s.powers(n, from, end), phi)
		}
		for f := from; f < end; f++ {
			if change {
				s.covariances(b, f, blas64.General{Rows: s.channels, Cols: t, Stride: stride, Data: low.phi[(f-from)*t:]})
				s.update(s.demixer, b, f, s.all)
			}
			s.measure(b, f)
			re, im := s.demix(b, f, s.all)
			for n := range s.channels {
				p := s.powers(n, f, f+1)
				clear(p)
				kernel.AddPower(p, re[n*t:(n+1)*t], im[n*t:(n+1)*t])
				at := n*stride + (f-from)*t
				s.objectives[chunk] += s.divergence(p, low.lambda[at:at+t], low.phi[at:at+t])
			}
		}
	}
}

// divergence returns the objective of powers under the model's; phi is 1/λ for gauss.
func (s *ilrmaSolver) divergence(p, lambda, phi []float64) float64 {
	if math.IsInf(s.nu, 1) {
		return floats.Dot(p, phi) + kernel.SumLog(lambda, 0)
	}
	var sum float64
	for i, v := range lambda {
		sum += (1 + s.nu/2) * math.Log1p(2*p[i]/(s.nu*v))
	}
	return sum + kernel.SumLog(lambda, 0)
}
