package separators

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"slices"

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
		a := newLagrangian(tall(v, x), s.p.Sparsity)
		left := 1.0
		steps := 0
		for ; steps < s.p.Iterations && left > s.p.Tol; steps++ {
			if left, err = a.step(ctx); err != nil {
				return BackgroundOut{}, err
			}
			env.Report(audiosep.Step{Done: l*s.p.Iterations + steps + 1, Of: len(v.layers) * s.p.Iterations, Objective: left})
		}
		env.Logger().Info("low rank and sparse", slog.Int("layer", l+1), slog.Int("iterations", steps), slog.Int("rank", a.rank), slog.Float64("left", left))
		for i := range x {
			at := i
			if a.m.Rows != v.frames { // it was turned
				at = i%v.bins*v.frames + i/v.bins
			}
			x[i] = float32(math.Abs(a.low.Data[at]))
		}
	}
	return BackgroundOut{s.separated(in.Coefs, v.asModel)}, nil
}

// asModel has a spectrum be the model of a background.
func (s *spectrum) asModel(w, _ []float64, layer, first, n int) {
	for i, v := range s.frame(layer, first, n) {
		w[i] = float64(v)
	}
}

// tall returns the magnitudes x as a matrix with no fewer rows than columns.
func tall(v *spectrum, x []float32) blas64.General {
	m := blas64.General{Rows: v.frames, Cols: v.bins, Stride: v.bins, Data: widen(nil, x)}
	if m.Rows >= m.Cols {
		return m
	}
	turned := general(m.Cols, m.Rows)
	kernel.Transpose(turned.Data, turned.Stride, m.Data, m.Stride, m.Rows, m.Cols)
	return turned
}

// lagrangian is the state of the inexact ALM method for M = L + S, m×n with m ≥ n:
//
//	L ← D_1/μ(M - S + Y/μ), the singular values less 1/μ where they are above;
//	S ← M - L + Y/μ, its numbers nearer to 0 by λ/μ;
//	Y ← Y + μ(M - L - S), μ ← min(1.5 μ, 10⁷ μ₀).
type lagrangian struct {
	m, low, sparse, y, a blas64.General
	gram                 blas64.General // n×n: AᵀA
	parts                blas64.General // m×r: A times the leading singular vectors
	lambda, mu, most     float64
	norm                 float64 // of M
	rank                 int     // of L
	leading              subspace
}

func general(rows, cols int) blas64.General {
	return blas64.General{Rows: rows, Cols: cols, Stride: cols, Data: make([]float64, rows*cols)}
}

func newLagrangian(m blas64.General, sparsity float64) *lagrangian {
	s := &lagrangian{m: m, lambda: sparsity / math.Sqrt(float64(max(m.Rows, m.Cols)))}
	s.low, s.sparse, s.y, s.a = general(m.Rows, m.Cols), general(m.Rows, m.Cols), general(m.Rows, m.Cols), general(m.Rows, m.Cols)
	s.gram = general(m.Cols, m.Cols)
	s.norm = floats.Norm(m.Data, 2)
	if s.norm == 0 {
		return s
	}
	products(m, s.gram)
	s.leading.size = leadingAtFirst
	values, _ := s.leading.of(s.gram)
	two := math.Sqrt(max(values[0], math.SmallestNonzeroFloat64))
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
	step := 1 / s.mu
	inRuns(len(s.m.Data), lagrangianRun, func(at, n int) {
		m, sparse, y, a := s.m.Data[at:at+n], s.sparse.Data[at:at+n], s.y.Data[at:at+n], s.a.Data[at:at+n]
		for i, v := range m {
			a[i] = v - sparse[i] + y[i]*step
		}
	})
	if err := s.threshold(ctx); err != nil {
		return 0, err
	}
	left := make([]float64, (len(s.m.Data)+lagrangianRun-1)/lagrangianRun)
	inRuns(len(s.m.Data), lagrangianRun, func(at, n int) { left[at/lagrangianRun] = s.shrink(at, n) })
	s.mu = min(1.5*s.mu, s.most)
	return math.Sqrt(floats.Sum(left)) / s.norm, ctx.Err()
}

// lagrangianRun is how many numbers of a matrix are updated at once.
const lagrangianRun = 1 << 16

// shrink sets S and Y of n numbers and returns the sum of the squares of M-L-S there.
func (s *lagrangian) shrink(at, n int) (left float64) {
	m, low, sparse, y := s.m.Data[at:at+n], s.low.Data[at:at+n], s.sparse.Data[at:at+n], s.y.Data[at:at+n]
	step, bound := 1/s.mu, s.lambda/s.mu
	for i, v := range m {
		rest := v - low[i]
		x := rest + y[i]*step
		sparse[i] = max(x-bound, 0) + min(x+bound, 0)
		rest -= sparse[i]
		y[i] += s.mu * rest
		left += rest * rest
	}
	return left
}

// products sets gram to AᵀA, of which a half is computed and mirrored.
func products(a, gram blas64.General) {
	const size = 128
	for from := 0; from < a.Cols; from += size {
		some := min(size, a.Cols-from)
		left, right := a, a
		left.Cols, left.Data = some, a.Data[from:]
		right.Cols, right.Data = a.Cols-from, a.Data[from:]
		kernel.Gemm(blas.Trans, blas.NoTrans, 1, left, right, 0,
			blas64.General{Rows: some, Cols: right.Cols, Stride: gram.Stride, Data: gram.Data[from*gram.Stride+from:]})
		if below := from + some; below < a.Cols {
			kernel.Transpose(gram.Data[below*gram.Stride+from:], gram.Stride, gram.Data[from*gram.Stride+below:], gram.Stride, some, a.Cols-below)
		}
	}
}

// threshold sets L to A with its singular values less 1/μ. With AᵀA = QΛQᵀ,
// L = A Q diag(1 - 1/(μ√λ))₊ Qᵀ.
func (s *lagrangian) threshold(ctx context.Context) error {
	products(s.a, s.gram)
	if err := ctx.Err(); err != nil {
		return err
	}
	values, q := s.leading.of(s.gram)
	if values == nil {
		return fmt.Errorf("the singular values of the spectrogram could not be found")
	}
	s.rank = 0
	for s.rank < len(values) && math.Sqrt(max(values[s.rank], 0))*s.mu > 1 {
		s.rank++
	}
	s.leading.grow(s.rank, len(values))
	if s.rank == 0 {
		clear(s.low.Data)
		return nil
	}
	q.Rows = s.rank
	if cap(s.parts.Data) < s.a.Rows*s.rank {
		s.parts.Data = make([]float64, s.a.Rows*s.rank)
	}
	s.parts = blas64.General{Rows: s.a.Rows, Cols: s.rank, Stride: s.rank, Data: s.parts.Data[:s.a.Rows*s.rank]}
	kernel.Gemm(blas.NoTrans, blas.Trans, 1, s.a, q, 0, s.parts)
	for i := range s.parts.Rows {
		for k, v := range values[:s.rank] {
			s.parts.Data[i*s.rank+k] *= 1 - 1/(math.Sqrt(v)*s.mu)
		}
	}
	kernel.Gemm(blas.NoTrans, blas.NoTrans, 1, s.parts, q, 0, s.low)
	return nil
}

// subspace finds the leading eigenvectors of one symmetric matrix after another, each near the
// one before: all of a small matrix, those of a large one by subspace iteration from the last
// ones, as many as Lin, Chen and Ma expect to need.
type subspace struct {
	size int
	q    blas64.General // size×n, orthonormal rows; none before the first matrix
}

const (
	leadingAtFirst = 10
	exactUpTo      = 128 // rows of a matrix of which all eigenvectors are found
	turns          = 4   // multiplications by the matrix; from vectors that are near, few are enough
)

// grow says how many eigenvectors were of use, of so many found, and so how many are wanted next
// time.
func (s *subspace) grow(used, found int) {
	if used < found {
		s.size = used + 1 + leadingAtFirst/2
	} else {
		s.size = used + max(leadingAtFirst, s.q.Cols/20)
	}
}

// of returns the leading eigenvalues of a, n×n, the greatest first, and the eigenvectors as rows.
func (s *subspace) of(a blas64.General) ([]float64, blas64.General) {
	n := a.Rows
	if n <= exactUpTo || 2*s.size > n {
		return eigen(a)
	}
	q, product := general(s.size, n), general(s.size, n)
	rng := rand.New(rand.NewPCG(1, uint64(s.size)))
	for i := range q.Data {
		q.Data[i] = rng.NormFloat64()
	}
	for k := range min(s.q.Rows, s.size) {
		copy(q.Data[k*n:(k+1)*n], s.q.Data[k*n:(k+1)*n])
	}
	for range turns {
		kernel.Gemm(blas.NoTrans, blas.NoTrans, 1, q, a, 0, product)
		q, product = product, q
		orthonormalise(q)
	}
	small := general(s.size, s.size)
	kernel.Gemm(blas.NoTrans, blas.NoTrans, 1, q, a, 0, product)
	kernel.Gemm(blas.NoTrans, blas.Trans, 1, product, q, 0, small)
	values, turn := eigen(small)
	if values == nil {
		return nil, q
	}
	kernel.Gemm(blas.NoTrans, blas.NoTrans, 1, turn, q, 0, product)
	s.q = product
	return values, s.q
}

// orthonormalise replaces the rows of q by an orthonormal basis of their span, by the
// Gram-Schmidt method in blocks, done twice so that rounding leaves them orthogonal.
func orthonormalise(q blas64.General) {
	const size = 32
	for from := 0; from < q.Rows; from += size {
		block := q
		block.Rows, block.Data = min(size, q.Rows-from), q.Data[from*q.Stride:]
		before := q
		before.Rows = from
		for range 2 {
			if from > 0 {
				p := general(block.Rows, from)
				kernel.Gemm(blas.NoTrans, blas.Trans, 1, block, before, 0, p)
				kernel.Gemm(blas.NoTrans, blas.NoTrans, -1, p, before, 1, block)
			}
			for i := range block.Rows {
				x := block.Data[i*q.Stride : i*q.Stride+q.Cols]
				for j := range i {
					y := block.Data[j*q.Stride : j*q.Stride+q.Cols]
					floats.AddScaled(x, -floats.Dot(x, y), y)
				}
				if norm := floats.Norm(x, 2); norm > 0 {
					floats.Scale(1/norm, x)
				}
			}
		}
	}
}

// eigen returns all eigenvalues of a symmetric matrix, the greatest first, and the eigenvectors as
// rows; nil where they are not found.
func eigen(a blas64.General) ([]float64, blas64.General) {
	n := a.Rows
	var e mat.EigenSym
	if !e.Factorize(mat.NewSymDense(n, a.Data), true) {
		return nil, a
	}
	var v mat.Dense
	e.VectorsTo(&v)
	values, q := e.Values(nil), general(n, n)
	for k := range n {
		for i := range n {
			q.Data[k*n+i] = v.At(i, n-1-k)
		}
	}
	slices.Reverse(values)
	return values, q
}
