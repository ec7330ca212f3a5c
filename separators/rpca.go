package separators

import (
	"context"
	"fmt"
	"log/slog"
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/kernel"
)

// RPCAParams are the parameters of rpca.
type RPCAParams struct {
	Sparsity   float64 `json:"sparsity" min:"0.001" max:"1000" doc:"λ, the weight of the foreground, in units of 1/√max(F, N): greater leaves more to the background."`
	Iterations int     `json:"iterations" min:"1" max:"100000" doc:"Most iterations."`
	Tol        float64 `json:"tol" min:"0" doc:"Stop when what is neither part is no more than this, as part of the norm of V."`
	BackgroundParams
}

// DefaultRPCA returns the parameters of the paper, with masks W/V.
func DefaultRPCA() RPCAParams {
	return RPCAParams{Sparsity: 1, Iterations: 100, Tol: 1e-6, BackgroundParams: defaultBackground()}
}

var rpcaStage = audiosep.Define("rpca",
	`Tells an accompaniment, of low rank, from a voice, sparse, by robust principal component analysis of the magnitude spectrogram: V = L + S with the least sum of L's singular values and λ times that of |S| (Huang, Chen, Smaragdis and Hasegawa-Johnson, Singing-voice separation from monaural recordings using robust principal component analysis, ICASSP 2012).
It is solved by the inexact augmented Lagrange multiplier method (Lin, Chen and Ma, arXiv:1009.5055). Each channel has its own. The spectrogram is whole in memory, several times: about 500 MB a minute at 44.1 kHz with a hop of 512.`,
	DefaultRPCA(), NewRPCA, audiosep.Sums)

// RPCA is the stage rpca.
type RPCA struct {
	BackgroundParams
	p RPCAParams
}

// NewRPCA returns a stage that separates as p says.
func NewRPCA(p RPCAParams) (*RPCA, error) {
	if err := audiosep.CheckStruct(p); err != nil {
		return nil, err
	}
	return &RPCA{p.BackgroundParams, p}, nil
}

// Run finds L; the stems are separated as they are taken.
func (s *RPCA) Run(ctx context.Context, env audiosep.Env, in BackgroundIn) (BackgroundOut, error) {
	v, err := readSpectrum(ctx, in.Coefs)
	if err != nil {
		return BackgroundOut{}, err
	}
	for l, x := range v.layers {
		if len(x) == 0 {
			continue
		}
		a := newLagrangian(blas64.General{Rows: v.frames, Cols: v.bins, Stride: v.bins, Data: widen(nil, x)}, s.p.Sparsity)
		left := 1.0
		steps := 0
		for ; steps < s.p.Iterations && left > s.p.Tol; steps++ {
			if left, err = a.step(ctx); err != nil {
				return BackgroundOut{}, err
			}
			env.Report(audiosep.Step{Done: l*s.p.Iterations + steps + 1, Of: len(v.layers) * s.p.Iterations, Objective: left})
		}
		env.Logger().Info("low rank and sparse", slog.Int("layer", l+1), slog.Int("iterations", steps), slog.Int("rank", a.rank), slog.Float64("left", left))
		for i, w := range a.low.Data {
			x[i] = float32(math.Abs(w))
		}
	}
	return BackgroundOut{s.separated(in.Coefs, v.asModel)}, nil
}

// lagrangian is the state of the inexact ALM method for M = L + S, N×F:
//
//	L ← D_1/μ(M - S + Y/μ), the singular values less 1/μ where they are above;
//	S ← M - L + Y/μ, its numbers nearer to 0 by λ/μ;
//	Y ← Y + μ(M - L - S), μ ← min(1.5 μ, 10⁷ μ₀).
type lagrangian struct {
	m, low, sparse, y, a blas64.General
	gram, vectors, part  blas64.General // F×F
	lambda, mu, most     float64
	norm                 float64 // of M
	rank                 int     // of L
}

func newLagrangian(m blas64.General, sparsity float64) *lagrangian {
	like := func(rows, cols int) blas64.General {
		return blas64.General{Rows: rows, Cols: cols, Stride: cols, Data: make([]float64, rows*cols)}
	}
	s := &lagrangian{m: m, lambda: sparsity / math.Sqrt(float64(max(m.Rows, m.Cols)))}
	s.low, s.sparse, s.y, s.a = like(m.Rows, m.Cols), like(m.Rows, m.Cols), like(m.Rows, m.Cols), like(m.Rows, m.Cols)
	s.gram, s.vectors, s.part = like(m.Cols, m.Cols), like(m.Cols, m.Cols), like(m.Cols, m.Cols)
	s.norm = floats.Norm(m.Data, 2)
	if s.norm == 0 {
		return s
	}
	kernel.Gemm(blas.Trans, blas.NoTrans, 1, m, m, 0, s.gram)
	var eigen mat.EigenSym
	eigen.Factorize(mat.NewSymDense(m.Cols, s.gram.Data), false)
	values := eigen.Values(nil)
	two := math.Sqrt(max(values[len(values)-1], math.SmallestNonzeroFloat64))
	floats.AddScaled(s.y.Data, 1/max(two, floats.Norm(m.Data, math.Inf(1))/s.lambda), m.Data)
	s.mu = 1.25 / two
	s.most = 1e7 * s.mu
	return s
}

// step returns ‖M-L-S‖ as part of ‖M‖ after an iteration.
func (s *lagrangian) step(ctx context.Context) (float64, error) {
	if s.norm == 0 {
		return 0, nil
	}
	for i, v := range s.m.Data {
		s.a.Data[i] = v - s.sparse.Data[i] + s.y.Data[i]/s.mu
	}
	if err := s.threshold(ctx); err != nil {
		return 0, err
	}
	var left float64
	bound := s.lambda / s.mu
	for i, v := range s.m.Data {
		rest := v - s.low.Data[i]
		x := rest + s.y.Data[i]/s.mu
		s.sparse.Data[i] = max(x-bound, 0) + min(x+bound, 0)
		rest -= s.sparse.Data[i]
		s.y.Data[i] += s.mu * rest
		left += rest * rest
	}
	s.mu = min(1.5*s.mu, s.most)
	return math.Sqrt(left) / s.norm, ctx.Err()
}

// threshold sets L to A with its singular values less 1/μ. With AᵀA = QΛQᵀ, L = A Q diag(1 -
// 1/(μ√λ))₊ Qᵀ.
func (s *lagrangian) threshold(ctx context.Context) error {
	kernel.Gemm(blas.Trans, blas.NoTrans, 1, s.a, s.a, 0, s.gram)
	if err := ctx.Err(); err != nil {
		return err
	}
	var eigen mat.EigenSym
	if !eigen.Factorize(mat.NewSymDense(s.gram.Rows, s.gram.Data), true) {
		return fmt.Errorf("the singular values of the spectrogram could not be found")
	}
	var q mat.Dense
	eigen.VectorsTo(&q)
	from := q.RawMatrix()
	n, kept := s.gram.Rows, 0
	for i, v := range eigen.Values(nil) {
		sigma := math.Sqrt(max(v, 0))
		if sigma*s.mu <= 1 {
			continue
		}
		for f := range n {
			s.vectors.Data[f*n+kept] = from.Data[f*from.Stride+i]
			s.part.Data[f*n+kept] = from.Data[f*from.Stride+i] * (1 - 1/(sigma*s.mu))
		}
		kept++
	}
	s.rank = kept
	if kept == 0 {
		clear(s.low.Data)
		return nil
	}
	left, right := s.part, s.vectors
	left.Cols, right.Cols = kept, kept
	kernel.Gemm(blas.NoTrans, blas.Trans, 1, left, right, 0, s.gram)
	kernel.Gemm(blas.NoTrans, blas.NoTrans, 1, s.a, s.gram, 0, s.low)
	return nil
}
