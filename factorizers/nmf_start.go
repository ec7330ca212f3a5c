package factorizers

import (
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/lapack/lapack64"
	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/counted"
	"github.com/audiosep/audiosep/internal/kernel"
)

// nmfStart is what all starts of a factorisation have in common: wired factors, or those of
// nndsvd. A nil factor is drawn for each start.
type nmfStart struct {
	w, h *mat.Dense
	fill string // for each start anew, nndsvdar: the zeros of w and h
}

// wired returns what is common to all starts.
func (b *betaNMF) wired(v *spectrogram, init *audiosep.Factors) (nmfStart, error) {
	var s nmfStart
	if init != nil {
		if b.Use != "h" {
			s.w = init.W
		}
		if b.Use != "w" {
			s.h = init.H
		}
	}
	if err := b.checkWired(v, s); err != nil {
		return s, err
	}
	if b.Start != "random" && s.w == nil && s.h == nil {
		if bins, cols := v.Dims(); b.Rank > min(bins, cols) {
			return s, fmt.Errorf("rank is %d, but V is %d×%d; want a rank of at most %d with start %s", b.Rank, bins, cols, min(bins, cols), b.Start)
		}
		s.w, s.h = nndsvd(v, b.Rank)
		if s.fill = b.Start; s.fill != "nndsvdar" {
			s.fillZeros(nil)
		}
	}
	return s, nil
}

// wiredRank returns the number of components of init, 0 where it has none.
func wiredRank(init *audiosep.Factors) int {
	switch {
	case init != nil && init.W != nil:
		return init.Rank()
	case init != nil && init.H != nil:
		k, _ := init.H.Dims()
		return k
	}
	return 0
}

// rankOf returns the rank or, where it is 0, that of the wired factors.
func rankOf(rank int, init *audiosep.Factors) (int, error) {
	if rank == 0 {
		rank = wiredRank(init)
	}
	if rank == 0 {
		return 0, &audiosep.ParamError{Name: "rank", What: "is 0, but no factors are wired whose number of components it could be; want at least 1, or init_factors"}
	}
	return rank, nil
}

func (b *betaNMF) checkWired(v *spectrogram, s nmfStart) error {
	if b.Fix == "w" && s.w == nil || b.Fix == "h" && s.h == nil {
		return fmt.Errorf("fix is %s, but no such factor is wired; wire init_factors", b.Fix)
	}
	if b.Restarts > 1 && s.w != nil && s.h != nil {
		return fmt.Errorf("restarts is %d, but with W and H wired every start is the same; want 1, or use w or h", b.Restarts)
	}
	bins, cols := v.Dims()
	if s.h != nil {
		if _, n := s.h.Dims(); n != cols {
			return fmt.Errorf("the wired H has %s; want %d, those of V, or use: \"w\" to start from W alone", counted.Of(n, "column"), cols)
		}
	}
	if err := (&audiosep.Factors{W: s.w, H: s.h}).Validate(bins, cols); err != nil {
		return fmt.Errorf("the wired factors: %w", err)
	}
	if err := checkRank(b.Rank, bins, cols); err != nil && s.w == nil && s.h == nil {
		return err
	}
	rank := b.Rank
	if s.w != nil {
		_, rank = s.w.Dims()
	} else if s.h != nil {
		rank, _ = s.h.Dims()
	}
	if rank != b.Rank {
		return fmt.Errorf("rank is %d, but the wired factors have %s; want rank %d", b.Rank, counted.Of(rank, "component"), rank)
	}
	return checkNotZero(s.w, s.h, (s.w != nil || s.h != nil) && v.Sum() > 0)
}

// mostNumbers is how many numbers W and H may have together, or four times as many as V has.
const mostNumbers = 1 << 22

// checkRank refuses a rank with which W and H are out of all proportion to V.
func checkRank(rank, bins, cols int) error {
	most := max(mostNumbers, 4*bins*cols) / (bins + cols)
	if rank <= most {
		return nil
	}
	return &audiosep.ParamError{Name: "rank", What: fmt.Sprintf("is %d, with which W and H have %.3g numbers, %.3g GB, where V has %.3g; want a rank of at most %d",
		rank, float64(rank)*float64(bins+cols), 8e-9*float64(rank)*float64(bins+cols), float64(bins)*float64(cols), most)}
}

// checkNotZero refuses wired factors that are 0 everywhere, where there is power to factorise:
// no multiplicative update leaves 0.
func checkNotZero(w, h *mat.Dense, power bool) error {
	for i, a := range []*mat.Dense{w, h} {
		if power && a != nil && mat.Max(a) == 0 {
			return fmt.Errorf("the wired %c is 0 everywhere, where updates would leave it; want some numbers above 0, or the other factor alone", "WH"[i])
		}
	}
	return nil
}

// summed is what a random start has to know of V.
type summed interface {
	Dims() (bins, cols int)
	Sum() float64
}

// draw returns W and H, drawing those that are nil in s: |N(0,1)|+1 for both, W scaled so that
// its columns sum to 1 and H so that WH has the sum of V.
func (s nmfStart) draw(v summed, rank int, rng *rand.Rand) (w, h *mat.Dense) {
	bins, cols := v.Dims()
	if s.fill == "nndsvdar" {
		s.w, s.h = mat.DenseCopyOf(s.w), mat.DenseCopyOf(s.h)
		s.fillZeros(rng)
	}
	w, h = s.w, s.h
	if w == nil {
		w = randomPositive(rng, bins, rank)
		normaliseColumns(w)
	}
	if h == nil {
		h = randomPositive(rng, rank, cols)
		var sum float64
		for k := range rank {
			sum += mat.Sum(w.ColView(k)) * floats.Sum(h.RawRowView(k))
		}
		if sum > 0 {
			h.Scale(v.Sum()/sum, h)
		}
	}
	return w, h
}

// fillZeros gives the zeros of nndsvd, which multiplicative updates cannot leave, a value, as
// start says. Boutsidis and Gallopoulos fill with the mean of V, or with random numbers up to a
// hundredth of it; here it is the mean of the column of W or row of H, so that V may have any
// scale.
func (s *nmfStart) fillZeros(rng *rand.Rand) {
	bins, rank := s.w.Dims()
	column := make([]float64, bins)
	for k := range rank {
		mat.Col(column, k, s.w)
		fillPart(column, s.fill, rng)
		s.w.SetCol(k, column)
		fillPart(s.h.RawRowView(k), s.fill, rng)
	}
}

func fillPart(x []float64, fill string, rng *rand.Rand) {
	mean := floats.Sum(x) / float64(len(x))
	least := mean / 100
	for i, a := range x {
		switch {
		case fill == "nndsvd":
			x[i] = max(a, least)
		case a == 0 && fill == "nndsvda":
			x[i] = mean
		case a == 0:
			x[i] = least * (1 - rng.Float64()) // above 0
		}
	}
}

// nndsvd returns W and H of the non-negative parts of V's first singular vectors
// (Boutsidis and Gallopoulos, Pattern Recognition 41(4), 2008), zeros included. rank is at most
// min(F, N).
func nndsvd(v *spectrogram, rank int) (w, h *mat.Dense) {
	bins, cols := v.Dims()
	w, h = mat.NewDense(bins, rank, nil), mat.NewDense(rank, cols, nil)
	u, sigma, vt := leadingSVD(v, rank)
	for k := range rank {
		x, y := mat.Col(nil, k, u), mat.Row(nil, k, vt)
		sign, most := 1.0, -1.0
		for _, side := range []float64{1, -1} {
			if p := partNorm(x, side) * partNorm(y, side); p > most {
				sign, most = side, p
			}
		}
		// σ‖x₊‖‖y₊‖ · (x₊/‖x₊‖)(y₊/‖y₊‖)ᵀ = σ x₊y₊ᵀ
		positivePart(x, sign)
		positivePart(y, sign*sigma[k])
		w.SetCol(k, x)
		h.SetRow(k, y)
	}
	return w, h
}

// covered returns the number of components with which the singular values of v hold the part
// Coverage of its energy, at most Rank.
func (b *betaNMF) covered(env audiosep.Env, v *spectrogram, init *audiosep.Factors) (int, error) {
	if wiredRank(init) > 0 {
		return 0, b.coverageOfWired()
	}
	bins, cols := v.Dims()
	squares, err := squaredSingularValues(bins, cols, v.eachPanel)
	if err != nil {
		return 0, err
	}
	rank := coverageRank(squares, b.Coverage)
	log := env.Logger().With(slog.Float64("coverage", b.Coverage), slog.Int("components", rank))
	if rank > b.Rank {
		log.Warn("coverage wants more components than rank allows; a greater rank, or less coverage, holds it", slog.Int("rank", b.Rank))
		return b.Rank, nil
	}
	log.Info("rank by coverage")
	return rank, nil
}

// coverageOfWired is the fault of a coverage beside wired factors.
func (b *betaNMF) coverageOfWired() error {
	return &audiosep.ParamError{Name: "coverage", What: fmt.Sprintf("is %g, but factors are wired, which have a number of components; want 0, or no init_factors", b.Coverage)}
}

// CoverageRank returns the least k ≥ 1 with σ₁² + … + σ_k² ≥ coverage·Σσ², σ being the singular
// values of v, the greatest first: that of the best approximation of v whose error is at most
// 1 - coverage of ‖v‖²_F (Eckart and Young, Psychometrika 1, 1936). v is F×N and any real matrix;
// coverage is from 0 to 1. It is an error if coverage is out of range or v has numbers that are
// not finite.
func CoverageRank(v *mat.Dense, coverage float64) (int, error) {
	if !(coverage >= 0 && coverage <= 1) {
		return 0, fmt.Errorf("coverage is %v; want 0 to 1", coverage)
	}
	if v.IsEmpty() {
		return 0, &audiosep.ShapeError{What: "V", Is: "0×0", Want: "at least one row and one column"}
	}
	rows, cols := v.Dims()
	squares, err := squaredSingularValues(rows, cols, func(work func(int, blas64.General)) { work(0, v.RawMatrix()) })
	if err != nil {
		return 0, err
	}
	return coverageRank(squares, coverage), nil
}

// coverageRank is CoverageRank by σ², the greatest first.
func coverageRank(squares []float64, coverage float64) int {
	// σ² are exact to about this part of the greatest: what is below is 0.
	least := float64(len(squares)) * 0x1p-52 * squares[0]
	want := coverage * floats.Sum(squares) * (1 - 0x1p-40) // or half of two equal ones is not half
	sum := 0.0
	for k, s := range squares {
		if sum += s; sum >= want || k+1 == len(squares) || squares[k+1] <= least {
			return k + 1
		}
	}
	return len(squares)
}

// squaredSingularValues returns σ² of a matrix that is given in panels of columns, the greatest
// first: the eigenvalues of the smaller of VVᵀ and VᵀV, which hold σ² to within rounding of the
// greatest.
func squaredSingularValues(rows, cols int, eachPanel func(work func(first int, panel blas64.General))) ([]float64, error) {
	gram := mat.NewSymDense(min(rows, cols), nil)
	to := rowMajor(gram.RawSymmetric().Data, min(rows, cols))
	if cols < rows {
		whole := rowMajor(make([]float64, rows*cols), cols)
		eachPanel(func(first int, panel blas64.General) {
			for i := range rows {
				copy(row(whole, i)[first:], row(panel, i))
			}
		})
		kernel.Gemm(blas.Trans, blas.NoTrans, 1, whole, whole, 0, to)
	} else {
		eachPanel(func(_ int, panel blas64.General) {
			kernel.Gemm(blas.NoTrans, blas.Trans, 1, panel, panel, 1, to)
		})
	}
	for _, x := range gram.RawSymmetric().Data {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return nil, fmt.Errorf("the matrix, or its square, has %v in it; want finite numbers", x)
		}
	}
	var eigen mat.EigenSym
	if !eigen.Factorize(gram, false) {
		return nil, fmt.Errorf("the singular values of a matrix of %d×%d were not found; want other numbers", rows, cols)
	}
	squares := eigen.Values(nil)
	slices.Reverse(squares)
	for i, s := range squares {
		squares[i] = max(0, s)
	}
	return squares, nil
}

// coverageBytes is the memory of squaredSingularValues: VVᵀ and the copy that is factorised.
func coverageBytes(bins, cols int) int64 {
	n := int64(min(bins, cols))
	return 2 * 8 * n * n
}

// partNorm returns the norm of the positive part of sign·x.
func partNorm(x []float64, sign float64) float64 {
	var sum float64
	for _, a := range x {
		if p := sign * a; p > 0 {
			sum += p * p
		}
	}
	return math.Sqrt(sum)
}

// positivePart sets x to the positive part of scale·x.
func positivePart(x []float64, scale float64) {
	for i, a := range x {
		x[i] = max(0, scale*a)
	}
}

// powerSteps is how often leadingSVD multiplies by VVᵀ; with 7 the leading subspace of a
// spectrogram has converged (Halko, Martinsson and Tropp, SIAM Review 2011, algorithm 4.4).
const powerSteps = 7

// moreVectors is how many vectors leadingSVD has more than are asked for.
const moreVectors = 10

// leadingSVD returns the first rank singular triplets of v, u F×rank, vt rank×N, by
// subspace iteration from a fixed start.
func leadingSVD(v *spectrogram, rank int) (u *mat.Dense, sigma []float64, vt *mat.Dense) {
	bins, cols := v.Dims()
	size := min(rank+moreVectors, bins, cols)
	rng := rand.New(rand.NewPCG(1, 1)) // fixed: the subspace found does not depend on the start
	x := mat.NewDense(cols, size, nil)
	for i := range x.RawMatrix().Data {
		x.RawMatrix().Data[i] = rng.NormFloat64()
	}
	y := mat.NewDense(bins, size, nil)
	for range powerSteps {
		v.times(y, x)
		orthonormalise(y)
		v.transposedTimes(x, y)
		orthonormalise(x)
	}
	v.times(y, x) // V ≈ (VX)Xᵀ
	var svd mat.SVD
	svd.Factorize(y, mat.SVDThin)
	var left, right mat.Dense
	svd.UTo(&left)
	svd.VTo(&right)
	vt = mat.NewDense(rank, cols, nil)
	vt.Mul(right.Slice(0, size, 0, rank).T(), x.T())
	return mat.DenseCopyOf(left.Slice(0, bins, 0, rank)), svd.Values(nil)[:rank], vt
}

// orthonormalise replaces the columns of x, no more than its rows, by an orthonormal basis of their
// span. mat.QR would make a matrix of rows×rows.
func orthonormalise(x *mat.Dense) {
	a := x.RawMatrix()
	tau, work := make([]float64, a.Cols), make([]float64, 1)
	lapack64.Geqrf(a, tau, work, -1)
	most := work[0]
	lapack64.Orgqr(a, tau, work, -1)
	work = make([]float64, int(max(most, work[0])))
	lapack64.Geqrf(a, tau, work, len(work))
	lapack64.Orgqr(a, tau, work, len(work))
}

// leadingBytes is the memory of leadingSVD: the basis on either side, what they are multiplied to, and
// what is made of them.
func leadingBytes(bins, cols, rank int) int64 {
	return 3 * 8 * int64(min(rank+moreVectors, bins, cols)) * int64(bins+cols)
}
