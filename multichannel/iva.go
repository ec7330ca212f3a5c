package multichannel

import (
	"context"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/counted"
)

// IVAParams are the parameters of iva.
type IVAParams struct {
	Model      string `json:"model" oneof:"laplace|gauss" doc:"How a source is distributed over all bins of a frame: laplace, by its norm; gauss, with a variance of each frame."`
	Update     string `json:"update" oneof:"ip1|ip2|iss1" doc:"How the demixing matrices are updated: ip1 row after row, ip2 two rows at once, iss1 without an inverse."`
	Iterations int    `json:"iterations" min:"1" max:"100000" doc:"How many times all rows are updated."`
	Sources    int    `json:"sources" min:"0" max:"64" doc:"How many sources; 0: as many as microphones. With fewer, what none of them is, such as noise from all sides, is one stem more, rest (OverIVA); that needs ip1 or ip2."`
	Scaling
	Line
	Excerpt
	Storage
}

// DefaultIVA returns the defaults of iva.
func DefaultIVA() IVAParams {
	return IVAParams{Model: "gauss", Update: "ip2", Iterations: 50, Scaling: defaultScaling(), Line: defaultLine(), Storage: defaultStorage()}
}

var ivaStage = audiosep.Define("iva",
	`Separates as many sources as there are microphones, or fewer, by independent vector analysis (AuxIVA, OverIVA).
All bins of a source rise and fall together, which tells the sources apart. Frames should be longer than the reverberation, 128 to 256 ms, and the sources should not move.
Objective: Σ_n 1/T Σ_t G(r_nt) − 2 Σ_f log |det W_f| with r_nt² = Σ_f |y_nft|²; laplace G = 2r, gauss G = F log(r²/F) + F (Ono, Stable and fast update rules for independent vector analysis based on auxiliary function technique, 2011).`,
	DefaultIVA(), NewIVA)

// Validate checks what the ranges do not say.
func (p IVAParams) Validate() error {
	if p.Sources > 0 && p.Update == "iss1" {
		return &audiosep.ParamError{Name: "update", What: "is iss1, which has no background; want ip1 or ip2 with a number of sources"}
	}
	return p.Line.validate()
}

// sourcesOf returns how many sources there are on so many microphones.
func (p IVAParams) sourcesOf(channels int) (int, error) {
	if p.Sources > channels {
		return 0, &audiosep.ParamError{Name: "sources", What: fmt.Sprintf("is %d, and %s; want no more sources than that, or fast_mnmf", p.Sources, counted.There(channels, "microphone"))}
	}
	if p.Sources == 0 {
		return channels, nil
	}
	return p.Sources, nil
}

// IVA is the stage iva.
type IVA struct{ p IVAParams }

// NewIVA returns a stage that separates as p says. It is an error if p is out of the ranges in
// its tags, as in a spec.
func NewIVA(p IVAParams) (*IVA, error) {
	if err := audiosep.CheckStruct(p); err != nil {
		return nil, err
	}
	return &IVA{p}, nil
}

// In is what the stages of this package take.
type In struct {
	Coefs audiosep.Spectra `port:"coefs"`
}

// Out is what the stages of this package make: the images of the sources, named 1, 2, ….
type Out struct {
	Sources audiosep.Stems `port:"sources"`
}

// Run learns the demixing matrices; the sources are separated as they are taken.
func (s *IVA) Run(ctx context.Context, env audiosep.Env, in In) (Out, error) {
	im, err := recallImages(ctx, env, func() (*images, error) { return s.learn(ctx, env, in) })
	if err != nil {
		return Out{}, err
	}
	return im.out(in.Coefs, s.p.Line, env)
}

func (s *IVA) learn(ctx context.Context, env audiosep.Env, in In) (*images, error) {
	m, err := readMixture(ctx, env, in.Coefs, s.p.Excerpt, s.p.Storage)
	if err != nil {
		return nil, err
	}
	sources, err := s.p.sourcesOf(m.channels)
	if err != nil {
		return nil, err
	}
	if m.silent {
		return m.asHeard(sources, s.p.Scale), nil
	}
	solver := newIVA(newOverdemixer(m, sources), s.p)
	told := &progress{env: env, of: s.p.Iterations}
	if err := learn(ctx, solver, s.p.Iterations, told.step); err != nil {
		return nil, err
	}
	told.end(solver.objective())
	return solver.images(s.p.Scale).bounded(m, env), nil
}

// ivaSolver learns W by AuxIVA.
type ivaSolver struct {
	*demixer
	update       update
	pairs, gauss bool
	rows         []int          // to be updated
	weights      blas64.General // φ of these rows, [row][T]
	power        []float64      // r²: [n][T]
	before       []float64      // r² when the iteration began
	parts        []float64      // of r², [chunk][row][T]
	pass, first  func(worker, chunk int)
}

func newIVA(d *demixer, p IVAParams) *ivaSolver {
	size := d.sources * d.stride
	s := &ivaSolver{demixer: d, update: updates[p.Update], pairs: p.Update == "ip2", gauss: p.Model == "gauss"}
	if s.sources == 1 { // there are no pairs
		s.update, s.pairs = (*demixer).projectRows, false
	}
	if s.pairs && s.gauss { // the weights of all pairs are known when the iteration begins
		s.update, s.pairs = (*demixer).projectPairs, false
	}
	s.weights = matrix(make([]float64, size), d.sources, d.stride)
	s.power, s.before, s.parts = make([]float64, size), make([]float64, size), make([]float64, s.chunks*size)
	s.rows = slices.Clone(s.all)
	s.pass = func(worker, chunk int) { s.inChunk(worker, chunk, true) }
	s.first = func(worker, chunk int) { s.inChunk(worker, chunk, false) }
	return s
}

// start computes what follows from W.
func (s *ivaSolver) start() {
	s.rows = append(s.rows[:0], s.all...)
	s.inChunks(s.first)
	s.addPowers()
}

// iterate updates all rows once; with ip2 the pairs (1, 2), (2, 3), …, (C, 1), each row twice.
func (s *ivaSolver) iterate() {
	copy(s.before, s.power)
	if !s.pairs {
		s.rows = append(s.rows[:0], s.all...)
		s.updateRows()
		return
	}
	for n := range s.sources {
		s.rows = append(s.rows[:0], n, (n+1)%s.sources)
		s.updateRows()
	}
}

// The least r and the least variance of a frame, for data of power 1. Without that of gauss the
// objective has no lower bound: W could make a frame of one source silent in all bins.
const (
	leastNorm     = 1e-6
	leastVariance = 1e-8
)

// updateRows updates rows in all bins, with φ = 1/r, or φ = F/r² with r as the iteration
// began.
func (s *ivaSolver) updateRows() {
	for i, n := range s.rows {
		for t := range s.stride {
			phi := 1 / max(math.Sqrt(s.power[n*s.stride+t]), leastNorm)
			if s.gauss {
				phi = 1 / s.variance(s.before[n*s.stride+t])
			}
			s.weights.Data[i*s.stride+t] = phi
		}
	}
	s.weights.Rows = len(s.rows)
	s.inChunks(s.pass)
	s.addPowers()
}

// inChunk updates the rows in a run of bins, unless only their powers are wanted, and sums
// their powers.
func (s *ivaSolver) inChunk(worker, chunk int, change bool) {
	b := s.each[worker]
	parts := matrix(s.parts[chunk*s.sources*s.stride:], len(s.rows), s.stride)
	clear(parts.Data)
	for f, to := s.chunk(chunk); f < to; f++ {
		if change {
			s.covariances(b, f, s.weights)
			s.update(s.demixer, b, f, s.rows)
		}
		s.measure(b, f)
		b.rows.Powers(parts, s.realRows(b, f, s.rows), s.bin(f), true, s.after(f).Half(1))
	}
}

// addPowers adds the powers of the rows in the runs of bins, in order.
func (s *ivaSolver) addPowers() {
	t := s.stride
	for i, n := range s.rows {
		power := s.power[n*t : (n+1)*t]
		clear(power)
		for c := range s.chunks {
			floats.Add(power, s.parts[(c*s.sources+i)*t:][:t])
		}
	}
}

// variance returns that of a frame in which r² is power.
func (s *ivaSolver) variance(power float64) float64 {
	return max(power/float64(s.bins), leastVariance)
}

// objective returns that of the powers as they are. Below the least r it is the parabola that
// φ belongs to there.
func (s *ivaSolver) objective() float64 {
	var sum float64
	for n := range s.sources {
		for _, v := range s.power[n*s.stride:][:s.frames] {
			if s.gauss {
				a := s.variance(v)
				sum += float64(s.bins)*math.Log(a) + v/a
			} else if r := math.Sqrt(v); r >= leastNorm {
				sum += 2 * r
			} else {
				sum += v/leastNorm + leastNorm
			}
		}
	}
	return sum/float64(s.frames) - 2*s.logDets()
}
