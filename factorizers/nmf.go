package factorizers

import (
	"context"
	"fmt"
	"strconv"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/counted"
	"github.com/audiosep/audiosep/internal/huge"
	"github.com/audiosep/audiosep/internal/kernel"
	"gonum.org/v1/gonum/mat"
)

// NMFParams are the parameters of is_nmf, kl_nmf and euclidean_nmf.
type NMFParams struct {
	Rank       int     `json:"rank" min:"0" max:"100000" unit:"components" doc:"Number of components K, with coverage the most; 0: as many as the wired factors have."`
	Iterations int     `json:"iterations" min:"1" max:"1000000000" doc:"Most iterations; each updates H, then W."`
	Tol        float64 `json:"tol" min:"0" doc:"Stop when an iteration lowers the objective by no more than this part of itself, with update warm also while that still is mm."`
	Eps        float64 `json:"eps" min:"0" doc:"Floor added to V and to WH, in the units of V. The default is about the power of 16-bit rounding under an orthonormal transform."`
	Update     string  `json:"update" oneof:"mm|warm|heuristic|accelerated" doc:"mm is the plain updates, which never raise the objective. accelerated goes on from them, in euclidean_nmf without smooth and l2 from coordinate descent, along the way of the last two iterations, where that lowers the objective further. warm begins with iterations of mm, 25 or in kl_nmf 100, which mostly decide to which minimum the factors go, and is accelerated after them, which goes there sooner; a run that tol ends before is one of mm. heuristic has the exponent 1 whatever the divergence, which is faster where that of mm is another, as in is_nmf, and is undone if it raises the objective."`
	L1         float64 `json:"l1" min:"0" doc:"Weight in the objective of the sum of H, the columns of W summing to 1, a fixed W's too: larger is sparser."`
	L2         float64 `json:"l2" min:"0" doc:"Weight in the objective of half the sum of the squares of H, the columns of W summing to 1: larger is more even. With l1 the two are the elastic net. W has no such weights, as its sum is K."`
	Smooth     float64 `json:"smooth" min:"0" doc:"Weight in the objective of the Itakura-Saito divergence between an activation and the one before it: larger is smoother in time."`
	Start      string  `json:"start" oneof:"random|nndsvd|nndsvda|nndsvdar" doc:"W and H to start from where none are wired. nndsvd has them from the singular vectors of V, with no number below a hundredth of the mean of its column of W or row of H; nndsvda has that mean in place of zeros, for dense factors, and nndsvdar random numbers up to a hundredth of it."`
	Coverage   float64 `json:"coverage" min:"0" max:"1" doc:"With a start of singular vectors: K is the least number of singular values of V whose squares sum to this part of those of all, and at most rank; 0: K is rank."`
	Restarts   int     `json:"restarts" min:"1" max:"100000" doc:"Random starts that are tried; the one with the least objective is kept."`
	Use        string  `json:"use" oneof:"both|w|h" doc:"Which of the wired factors to start from."`
	Fix        string  `json:"fix" oneof:"none|w|h" doc:"Which of the wired factors is left as it is, but for the scale of each component."`
	Power      int     `json:"power" min:"1" max:"2" doc:"2 factorises V, a power; 1 its root, a magnitude, and then H is a magnitude too, and the Wiener filter has exponent 2 in the stage wiener."`
	Precision  string  `json:"precision" oneof:"auto|float64|float32" doc:"Of V in memory and of the passes over it. auto is float64, but a V that would take more than 1 GiB, of 25 minutes with frames of 2048 every 512 at 44.1 kHz, is in memory in float32, 24 bits of each number, which become float64 on their way. float32 takes half the memory for V and, with AVX2 or AVX-512, about half the time. The factors are float64 either way, and as good. It is for beta 0, 1 and 2 alone, and raises an eps below 2^-48 (4e-15) of the greatest number of V to that."`
}

// defaultNMF returns the defaults whatever the divergence.
func defaultNMF() NMFParams {
	return NMFParams{
		Rank: 8, Iterations: 200, Tol: 1e-5, Eps: 1e-10, Update: "mm",
		Start: "random", Restarts: 1, Use: "both", Fix: "none", Power: 2, Precision: "auto",
	}
}

// Validate says which parameters do not go together.
func (p NMFParams) Validate() error {
	var errs audiosep.ParamErrors
	if p.Restarts > 1 && (p.Start == "nndsvd" || p.Start == "nndsvda") {
		errs = append(errs, &audiosep.ParamError{Name: "restarts", What: fmt.Sprintf("is %d, but every %s start is the same; want 1, or start random or nndsvdar", p.Restarts, p.Start)})
	}
	if p.Coverage > 0 && p.Start == "random" {
		errs = append(errs, &audiosep.ParamError{Name: "coverage", What: fmt.Sprintf("is %g, but start is random; want 0, or start nndsvd, nndsvda or nndsvdar", p.Coverage)})
	}
	if p.Coverage > 0 && p.Rank == 0 {
		errs = append(errs, &audiosep.ParamError{Name: "coverage", What: fmt.Sprintf("is %g, but rank is 0, the number that wired factors have; want coverage 0, or the most components as rank", p.Coverage)})
	}
	if p.Fix == "w" && p.Use == "h" || p.Fix == "h" && p.Use == "w" {
		errs = append(errs, &audiosep.ParamError{Name: "fix", What: fmt.Sprintf("is %s, but use is %s; want fix none, or a factor that is used", p.Fix, p.Use)})
	}
	if errs != nil {
		return errs
	}
	return nil
}

// NewNMF returns the factorizer of D_β(V+eps | WH+eps) by multiplicative updates:
//
//	β = 0  Σ q - log q - 1, q = x/y     Itakura-Saito
//	β = 1  Σ x log(x/y) - x + y         Kullback-Leibler
//	β = 2  ½ Σ (x-y)²                   Euclidean
//	else   Σ (x^β + (β-1)y^β - βxy^(β-1)) / (β(β-1))
//
// plus l1 Σ_k ‖w_k‖₁‖h_k‖₁ + ½ l2 Σ_k ‖w_k‖₁²‖h_k‖², which scaling a component does not change,
// and the smoothness penalty; Factors.Objective is all of it. Columns of W sum to 1. The objective
// never rises, with any update: one that would raise it is undone and ends the iterations.
// (Févotte and Idier, Neural Computation 23(9), 2011.) It is an error if p is out of the
// ranges in its tags, as in a spec.
func NewNMF(beta float64, p NMFParams) (audiosep.Factorizer, error) {
	if err := audiosep.CheckStruct(BetaNMFParams{beta, p}); err != nil {
		return nil, err
	}
	return &betaNMF{beta, p}, nil
}

type betaNMF struct {
	beta float64
	NMFParams
}

// Forecast says what is known of the factors before they are there.
func (b *betaNMF) Forecast(in map[string]audiosep.Forecast) (map[string]audiosep.Forecast, error) {
	init := in["init_factors"]
	if init.NoH && b.Fix == "h" {
		return nil, &audiosep.ParamError{Name: "fix", What: "is h, but the wired factors are W alone; want those of activations"}
	}
	if init.NoH && b.Use == "h" {
		return nil, &audiosep.ParamError{Name: "use", What: "is h, but the wired factors are W alone; want those of activations"}
	}
	if _, wired := in["init_factors"]; wired && b.Coverage > 0 {
		return nil, b.coverageOfWired()
	}
	if b.Coverage > 0 { // K is not known before V is
		return map[string]audiosep.Forecast{"factors": {}}, nil
	}
	return forecast(b.Rank, in)
}

// forecast returns that of factors of a rank which may have begun with others.
func forecast(rank int, in map[string]audiosep.Forecast) (map[string]audiosep.Forecast, error) {
	init := in["init_factors"]
	f := audiosep.Forecast{Rank: rank}
	if _, wired := in["init_factors"]; rank == 0 && !wired {
		_, err := rankOf(0, nil)
		return nil, err
	}
	if rank == 0 { // as many as init has
		return map[string]audiosep.Forecast{"factors": {Rank: init.Rank, Sources: init.Sources}}, nil
	}
	if init.Rank > 0 && init.Rank != rank {
		return nil, &audiosep.ParamError{Name: "rank", What: fmt.Sprintf("is %d, but the wired factors have %s; want rank %d", rank, counted.Of(init.Rank, "component"), init.Rank)}
	}
	if init.Rank == rank {
		f.Sources = init.Sources
	}
	return map[string]audiosep.Forecast{"factors": f}, nil
}

// componentNames returns what sources are called that are one component each: 1, 2, ….
func componentNames(n int) (names []string) {
	for i := range n {
		names = append(names, strconv.Itoa(i+1))
	}
	return names
}

// Needs says what it takes: V or its root, and for each start that runs at once W and H with their
// updates.
func (b *betaNMF) Needs(e audiosep.Extent) audiosep.Needs {
	rank := b.Rank
	if rank == 0 {
		rank = e.Rank
	}
	n := nmfNeedsOf(e, b.precision(e.Bins, e.Columns), b.beta, rank, b.Restarts, b.Iterations)
	if b.single() && kernel.GoesSingle() {
		n.Operations /= 2 // twice as many numbers in a vector
	}
	if b.Coverage > 0 {
		n.Work += coverageBytes(e.Bins, e.Columns)
	}
	if b.Start != "random" {
		n.Work += leadingBytes(e.Bins, e.Columns, rank)
	}
	return n
}

// Leaner is the same in float32, where that is computed.
func (b *betaNMF) Leaner() []audiosep.Variant {
	own := *b
	own.Precision = "float32"
	if (BetaNMFParams{own.beta, own.NMFParams}).Validate() != nil {
		return nil
	}
	return []audiosep.Variant{{Param: "precision", Value: "float32", Stage: &own}}
}

// nmfNeeds are those of NMF of V or its root from so many starts. What the factors of a start that
// is done take is garbage.
func nmfNeeds(e audiosep.Extent, beta float64, rank, starts, iterations int) audiosep.Needs {
	return nmfNeedsOf(e, kernel.Full, beta, rank, starts, iterations)
}

// nmfNeedsOf is nmfNeeds of a V in a precision.
func nmfNeedsOf(e audiosep.Extent, precision kernel.Precision, beta float64, rank, starts, iterations int) audiosep.Needs {
	v := kernel.StripsBytes(e.Bins, e.Columns, precision)
	factors := 8 * int64(rank) * int64(e.Bins+e.Columns)
	together := int64(min(starts, e.Threads))
	n := audiosep.Needs{Large: v, Work: v + readingBytes(e) + factorsAtOnce*together*factors, Keeps: factors}
	n.Garbage = factorsAtOnce * (int64(starts) - together) * factors
	products := 12. // FNK operations: 2 for WH, 4 for what updates H, and the same for W
	if beta == 1 {
		products = 8 // 2 for what updates each: the other sums are those of W's columns and H's rows
	}
	n.Operations = float64(starts) * float64(iterations) * float64(e.Bins) * float64(e.Columns) * (products*float64(rank)/productSpeed + elementWork)
	return n
}

// readingBytes is what reading V takes besides V: frames, coefficients and columns of a block for each
// thread.
func readingBytes(e audiosep.Extent) int64 {
	return e.Blocks() + int64(max(1, e.Threads))*8*int64(e.Bins)*int64(e.Block())
}

// What an NMF has of each factor: as drawn, now, next, before, the sums for its update, and the
// copy that is returned. And how its passes compare to the fastest product: the part of its speed
// that their products reach, and what an element costs besides, in operations.
const (
	factorsAtOnce = 6
	productSpeed  = 0.5
	elementWork   = 40
)

// Factorize factorises v, F×N, from W, F×K, and H, K×N, of init where they are not nil. It is
// an error if their shapes do not fit, if v is not finite and ≥ 0, or if it is 0 anywhere
// while β ≤ 0 and eps is 0.
func (b *betaNMF) Factorize(ctx context.Context, env audiosep.Env, v *mat.Dense, init *audiosep.Factors) (*audiosep.Factors, error) {
	bins, cols := v.Dims()
	s, err := b.spectrogram(bins, cols, func(s *spectrogram) error { return s.set(v, b.Power, b.beta, b.Eps) })
	if err != nil {
		return nil, err
	}
	return b.factorize(ctx, env, s, init)
}

// FactorizePower is Factorize of a V that is read in blocks.
func (b *betaNMF) FactorizePower(ctx context.Context, env audiosep.Env, v audiosep.Power, init *audiosep.Factors) (*audiosep.Factors, error) {
	s, err := b.spectrogram(v.Bins(), v.Framing().Columns(), func(s *spectrogram) error { return s.read(ctx, v, b.Power, b.beta, b.Eps, nil) })
	if err != nil {
		return nil, err
	}
	return b.factorize(ctx, env, s, init)
}

// single tells whether V and the passes are float32.
func (p NMFParams) single() bool { return p.Precision == "float32" }

// mostFull is how many bytes of V are float64 where the precision is auto.
const mostFull = 1 << 30

// precision returns that of a V of so many bins and columns.
func (p NMFParams) precision(bins, cols int) kernel.Precision {
	switch {
	case p.single():
		return kernel.Single
	case p.Precision == "auto" && 8*int64(bins)*int64(cols) > mostFull:
		return kernel.Halved
	}
	return kernel.Full
}

// spectrogram returns the V that read makes of zeros, in the precision that is wanted.
func (b *betaNMF) spectrogram(bins, cols int, read func(*spectrogram) error) (*spectrogram, error) {
	if err := checkShape(bins, cols); err != nil {
		return nil, err
	}
	return readIn(b.precision(bins, cols), bins, cols, read)
}

// readIn returns the V that read makes of zeros, in float64 after all if it was to be halved and is out of the
// range of float32.
func readIn(precision kernel.Precision, bins, cols int, read func(*spectrogram) error) (*spectrogram, error) {
	s := spectrogramIn(precision, bins, cols)
	if err := read(s); err != nil {
		return nil, err
	}
	err := s.Settle()
	if err != nil && precision == kernel.Halved {
		s = newSpectrogram(bins, cols)
		return s, read(s)
	}
	return s, err
}

func (b *betaNMF) factorize(ctx context.Context, env audiosep.Env, v *spectrogram, init *audiosep.Factors) (*audiosep.Factors, error) {
	own := *b
	b = &own
	var err error
	if b.Coverage > 0 {
		b.Rank, err = b.covered(env, v, init)
	} else {
		b.Rank, err = rankOf(b.Rank, init)
	}
	if err != nil {
		return nil, err
	}
	start, err := b.wired(v, init)
	if err != nil {
		return nil, err
	}
	passes := v.passes(b.beta, b.Eps)
	told := newProgress(env, b.Iterations, b.Restarts)
	f, kept, ends, err := leastOfStarts(b.Restarts, func(i, threads int) (*audiosep.Factors, error) {
		return b.run(ctx, env, v, passes, start, i, threads, told)
	}, last)
	if err != nil {
		return nil, err
	}
	told.compared(f, kept, ends)
	return f, nil
}

// Magnitude returns the root of each number of v.
func Magnitude(v *mat.Dense) *mat.Dense { return magnitude(v, 1) }

// magnitude returns v, or its root where power is 1.
func magnitude(v *mat.Dense, power int) *mat.Dense {
	if power == 2 {
		return v
	}
	rows, cols := v.Dims()
	root := mat.NewDense(rows, cols, huge.Floats(rows*cols))
	setRoots(root, v)
	return root
}

// run factorises v from start i, with the stream of random numbers of that name.
func (b *betaNMF) run(ctx context.Context, env audiosep.Env, v *spectrogram, passes *kernel.NMF, start nmfStart, i, threads int, told *progress) (*audiosep.Factors, error) {
	w, h := start.draw(v, b.Rank, env.Rand(fmt.Sprintf("restart-%d", i)))
	s := newNMF(ctx, v, w, h, nmfOptions{
		beta: b.beta, eps: b.Eps, l1: b.L1, l2: b.L2, smooth: b.Smooth,
		heuristic: b.Update == "heuristic", accelerated: b.Update == "accelerated" || b.Update == "warm", settle: b.settling(), fixW: b.Fix == "w", fixH: b.Fix == "h",
		threads: threads, shared: passes,
	})
	objective, stop, err := s.minimise(b.Iterations, b.Tol, func(_ int, objective float64) {
		told.step(1, objective)
	})
	if err != nil {
		return nil, err
	}
	told.skip(objective)
	w, h = s.factors()
	return &audiosep.Factors{W: w, H: h, Objective: objective, Stop: stop, Power: b.Power}, nil
}

// settlingIterations is how many iterations of mm come before the accelerated ones of update warm.
// Which minimum the factors go to is mostly decided in them: accelerated at once they come to
// another, higher one in about one start of ten for β = 0. `audiosep bench starts` counts: for β = 1
// they were behind mm from 4 of 1008 starts after 25 iterations, from 2 after 60 and from none after 100.
const (
	settlingIterations = 25
	settlingOfKL       = 100
)

// settling returns how many iterations are those of mm before accelerated ones.
func (b *betaNMF) settling() int {
	switch {
	case b.Update != "warm":
		return 0
	case b.beta == 1:
		return settlingOfKL
	}
	return settlingIterations
}
