package multichannel

import (
	"context"
	"math"
	"math/cmplx"
	"slices"

	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/assign"
)

// FDICAParams are the parameters of fdica.
type FDICAParams struct {
	Iterations int    `json:"iterations" min:"1" max:"100000" doc:"How many times all rows are updated."`
	Align      string `json:"align" oneof:"correlation|none" doc:"How the sources of all bins are put in one order: by the correlation of their shares of the power over time, or not at all."`
	Scaling
	Line
	Excerpt
	Storage
}

// DefaultFDICA returns the defaults of fdica.
func DefaultFDICA() FDICAParams {
	return FDICAParams{Iterations: 50, Align: "correlation", Scaling: defaultScaling(), Line: defaultLine(), Storage: defaultStorage()}
}

var fdicaStage = audiosep.Define("fdica",
	`Separates as many sources as there are microphones, by independent component analysis of each bin by itself, after which the sources of all bins are put in one order. It is the plain way that iva and ilrma were made to better: take it to see by how much.
Objective: 1/T Σ_nt 2|y_nft| − 2 log |det W_f| in each bin (Ono and Miyabe, Auxiliary-function-based independent component analysis for super-Gaussian sources, 2010). The order is that of the greatest correlation of each source's share of the power in a bin with the mean over all bins, until nothing changes (Sawada, Araki and Makino, Underdetermined convolutive blind source separation via frequency bin-wise clustering and permutation alignment, 2011).`,
	DefaultFDICA(), NewFDICA)

// Validate checks what the ranges do not say.
func (p FDICAParams) Validate() error { return p.Line.validate() }

// FDICA is the stage fdica.
type FDICA struct{ p FDICAParams }

// NewFDICA returns a stage that separates as p says. It is an error if p is out of the ranges
// in its tags, as in a spec.
func NewFDICA(p FDICAParams) (*FDICA, error) {
	if err := audiosep.CheckStruct(p); err != nil {
		return nil, err
	}
	return &FDICA{p}, nil
}

// Run learns the demixing matrices; the sources are separated as they are taken.
func (s *FDICA) Run(ctx context.Context, env audiosep.Env, in In) (Out, error) {
	im, err := recallImages(ctx, env, func() (*images, error) { return s.learn(ctx, env, in) })
	if err != nil {
		return Out{}, err
	}
	return im.out(in.Coefs, s.p.Line, env)
}

func (s *FDICA) learn(ctx context.Context, env audiosep.Env, in In) (*images, error) {
	m, err := readMixture(ctx, env, in.Coefs, s.p.Excerpt, s.p.Storage)
	if err != nil {
		return nil, err
	}
	if m.silent {
		return m.asHeard(m.channels, s.p.Scale), nil
	}
	solver := newFDICA(newDemixer(m))
	told := &progress{env: env, of: s.p.Iterations}
	if err := learn(ctx, solver, s.p.Iterations, told.step); err != nil {
		return nil, err
	}
	told.end(solver.objective())
	if s.p.Align == "correlation" {
		solver.align()
	}
	return solver.images(s.p.Scale).bounded(m, env), nil
}

// fdicaSolver learns W of each bin by itself.
type fdicaSolver struct {
	*demixer
	weights     []blas64.General // φ of one bin, for each thread
	objectives  []float64        // of each bin
	pass, first func(worker, chunk int)
}

func newFDICA(d *demixer) *fdicaSolver {
	s := &fdicaSolver{demixer: d, objectives: make([]float64, d.bins)}
	s.canDemix()
	for range d.each {
		s.weights = append(s.weights, matrix(make([]float64, d.channels*d.stride), d.channels, d.stride))
	}
	s.pass = func(worker, chunk int) { s.inChunk(worker, chunk, true) }
	s.first = func(worker, chunk int) { s.inChunk(worker, chunk, false) }
	return s
}

func (s *fdicaSolver) start()   { s.inChunks(s.first) }
func (s *fdicaSolver) iterate() { s.inChunks(s.pass) }

// inChunk updates the rows in a run of bins, unless the objective alone is wanted.
func (s *fdicaSolver) inChunk(worker, chunk int, change bool) {
	b, phi := s.each[worker], s.weights[worker]
	for f, to := s.chunk(chunk); f < to; f++ {
		if change {
			re, im := s.demix(b, f, s.all)
			for i, v := range re {
				phi.Data[i] = 1 / max(math.Hypot(v, im[i]), leastNorm)
			}
			s.covariances(b, f, phi)
			s.projectRows(b, f, s.all)
		}
		s.measure(b, f)
		s.objectives[f] = 0
		re, im := s.demix(b, f, s.all)
		for n := range s.channels {
			for i, v := range re[n*s.stride:][:s.frames] {
				r := math.Hypot(v, im[n*s.stride+i])
				if r < leastNorm { // the parabola that φ belongs to there
					r = (r*r/leastNorm + leastNorm) / 2
				}
				s.objectives[f] += 2 * r
			}
		}
	}
}

func (s *fdicaSolver) objective() float64 {
	return sumOf(s.objectives)/float64(s.frames) - 2*s.logDets()
}

// mostRounds is how often all bins are put in order at most.
const mostRounds = 100

// align puts the rows of all bins in one order.
func (s *fdicaSolver) align() {
	shares, mean := s.shares(), make([]float64, s.channels*s.frames)
	for range mostRounds {
		clear(mean)
		for f := range s.bins {
			floats.Add(mean, shares[f*len(mean):(f+1)*len(mean)])
		}
		changed := false
		for f := range s.bins {
			own := shares[f*len(mean) : (f+1)*len(mean)]
			order := s.order(mean, own)
			if slices.IsSorted(order) {
				continue
			}
			changed = true
			old, rows := slices.Clone(own), slices.Clone(s.matrix(f))
			for n, i := range order {
				copy(own[n*s.frames:(n+1)*s.frames], old[i*s.frames:])
				copy(s.matrix(f)[n*s.channels:(n+1)*s.channels], rows[i*s.channels:])
			}
		}
		if !changed {
			return
		}
	}
}

// shares returns what part of the power of a bin's images each source has in each frame, less
// its mean and of norm 1: [f][n][T].
func (s *fdicaSolver) shares() []float64 {
	all := make([]float64, s.bins*s.channels*s.frames)
	im, t := s.images("projection_back"), s.frames
	sum := make([]float64, t)
	for f := range s.bins {
		own := all[f*s.channels*t : (f+1)*s.channels*t]
		re, imag := s.demix(s.each[0], f, s.all)
		clear(sum)
		for n := range s.channels {
			var gain float64
			for _, a := range im.a[(f*s.channels+n)*s.channels:][:s.channels] {
				gain += math.Pow(cmplx.Abs(a), 2)
			}
			for i, v := range re[n*s.stride:][:t] {
				own[n*t+i] = gain * (v*v + imag[n*s.stride+i]*imag[n*s.stride+i])
				sum[i] += own[n*t+i]
			}
		}
		for n := range s.channels {
			x := own[n*t : (n+1)*t]
			for i, v := range sum {
				x[i] /= max(v, math.SmallestNonzeroFloat64)
			}
			floats.AddConst(-sumOf(x)/float64(t), x)
			if norm := math.Sqrt(floats.Dot(x, x)); norm > 0 {
				floats.Scale(1/norm, x)
			}
		}
	}
	return all
}

// order returns which source of own is most like each of mean.
func (s *fdicaSolver) order(mean, own []float64) []int {
	t := s.frames
	score := make([][]float64, s.channels)
	for n := range score {
		for i := range s.channels {
			score[n] = append(score[n], floats.Dot(mean[n*t:(n+1)*t], own[i*t:(i+1)*t]))
		}
	}
	return assign.Best(score)
}
