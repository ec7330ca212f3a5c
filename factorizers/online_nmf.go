package factorizers

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"runtime"

	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
	block "github.com/audiosep/audiosep/internal/blocks"
	"github.com/audiosep/audiosep/internal/counted"
	"github.com/audiosep/audiosep/internal/kernel"
)

// OnlineNMFParams are the parameters of online_nmf.
type OnlineNMFParams struct {
	Rank     int      `json:"rank" min:"0" max:"100000" unit:"components" doc:"Number of components K; 0: as many as the wired factors have."`
	Beta     float64  `json:"beta" min:"-4" max:"4" doc:"Which divergence: 0 is Itakura-Saito, 1 Kullback-Leibler, 2 Euclidean."`
	Batch    int      `json:"batch" min:"1" max:"1000000" unit:"columns" doc:"Columns of V after which W is updated; so many are in memory at a time. A short recording is taken in 8 batches, but of no fewer columns than there are components."`
	Epochs   int      `json:"epochs" min:"1" max:"1000000" doc:"How often all columns are read."`
	Steps    int      `json:"steps" min:"1" max:"1000000" doc:"Iterations over a batch. Its activations begin anew; W is updated with them, but in the first sixth of the iterations."`
	Warm     int      `json:"warm" min:"0" max:"1000000" doc:"Iterations of plain NMF of the first batch, from which W starts; not where factors are wired."`
	Restarts int      `json:"restarts" min:"1" max:"100000" doc:"Random starts of that NMF; W starts from the one with the least objective."`
	Forget   *float64 `json:"forget" min:"1e-100" max:"1" doc:"What is left of a batch's weight after all columns have been read once more: 1 forgets nothing; less trusts more in what came last, when W was better. Left open: 0.1 for beta 2, whose sums over batches are exact, else 0.001."`
	Eps      float64  `json:"eps" min:"0" doc:"Floor added to V and to WH, in the units of V."`
	Power    int      `json:"power" min:"1" max:"2" doc:"2 factorises V, a power; 1 its root, a magnitude."`
}

// DefaultOnlineNMF returns the defaults of online_nmf.
func DefaultOnlineNMF() OnlineNMFParams {
	return OnlineNMFParams{Rank: 8, Beta: 0, Batch: 1024, Epochs: 1, Steps: 30, Warm: 200, Restarts: 4, Eps: defaultNMF().Eps, Power: 2}
}

var onlineNMFStage = audiosep.Define("online_nmf",
	`NMF of recordings of any length, or of many, in bounded memory: V is read a batch of columns at a time and never whole.
A batch is made of short runs of columns from all over the recordings. W is what the weighted sums over all batches so far and the one at hand say (Lefèvre, Bach and Févotte, Online algorithms for nonnegative matrix factorization with the Itakura-Saito divergence, WASPAA 2011; Mairal, Bach, Ponce and Sapiro, Online learning for matrix factorization and sparse coding, JMLR 2010). The factors are W alone: let activations follow, with the same beta, eps and power, then a separator.`,
	DefaultOnlineNMF(), NewOnlineNMF)

// OnlineNMF is the stage online_nmf.
type OnlineNMF struct{ p OnlineNMFParams }

// NewOnlineNMF returns the stage. It is an error if p is out of the ranges in its tags.
func NewOnlineNMF(p OnlineNMFParams) (*OnlineNMF, error) {
	if err := audiosep.CheckStruct(p); err != nil {
		return nil, err
	}
	return &OnlineNMF{p}, nil
}

// forget returns Forget. Where it is left open it is what had the least objective, on average over
// ten recordings of 6 to 30 s and all of them in a row, of 0.001, 0.01, 0.1 and, for the Euclidean
// distance, 1: that has 5 % less with 0.1 than whole NMF after 200 iterations, and 4 % more with
// 0.001.
func (p OnlineNMFParams) forget() float64 {
	switch {
	case p.Forget != nil:
		return *p.Forget
	case p.Beta == 2:
		return 0.1
	default:
		return 0.001
	}
}

// OnlineNMFIn is what online_nmf takes: the power of one recording or of several, cut into
// frames alike, and W to start from.
type OnlineNMFIn struct {
	Power []audiosep.Power  `port:"power,many"`
	Init  *audiosep.Factors `port:"init_factors,optional"`
}

// OnlineNMFOut is what online_nmf makes: W, F×K, its columns summing to 1, and no H.
type OnlineNMFOut struct {
	Factors *audiosep.Factors `port:"factors"`
}

// Forecast says what is known of the factors before they are there.
func (s *OnlineNMF) Forecast(in map[string]audiosep.Forecast) (map[string]audiosep.Forecast, error) {
	out, err := forecast(s.p.Rank, in)
	if err != nil {
		return nil, err
	}
	f := out["factors"]
	f.NoH = true
	return map[string]audiosep.Forecast{"factors": f}, nil
}

// CheckFramings refuses recordings that are cut otherwise than the first.
func (s *OnlineNMF) CheckFramings(in map[string][]*audiosep.Framing) error {
	return alike(in["power"], "recording")
}

// Run learns W. It is an error if the recordings are cut otherwise than the first, if there
// are no columns, or if V is not finite.
func (s *OnlineNMF) Run(ctx context.Context, env audiosep.Env, in OnlineNMFIn) (OnlineNMFOut, error) {
	r, err := newReader(in.Power, s.p)
	if err != nil {
		return OnlineNMFOut{}, err
	}
	o, done, err := s.begin(ctx, env, r, in.Init)
	if err != nil {
		return OnlineNMFOut{}, err
	}
	all, forget := s.p.Epochs*r.batches, s.p.forget()
	for i := done; i < all; i++ {
		v, err := r.read(ctx, i%r.batches)
		if err != nil {
			return OnlineNMFOut{}, err
		}
		_, n := v.Dims()
		d := o.learn(ctx, v, flatStart(v, columnSums(o.w)), math.Pow(forget, float64(n)/float64(r.columns)))
		if err := ctx.Err(); err != nil {
			return OnlineNMFOut{}, err
		}
		env.Report(audiosep.Step{Done: i + 1, Of: all, Objective: d / float64(n)})
		if err := o.keep(env.Checkpoint, i+1); err != nil {
			return OnlineNMFOut{}, err
		}
	}
	normaliseColumns(o.w)
	framing := in.Power[0].Framing()
	f := &audiosep.Factors{W: o.w, Framing: &framing, Hz: in.Power[0].Hz(), Power: s.p.Power, Stop: fmt.Sprintf("%s read %d times", counted.Of(r.columns, "column"), s.p.Epochs)}
	if err := f.Validate(-1, -1); err != nil {
		return OnlineNMFOut{}, fmt.Errorf("%w: scale V or raise eps", err)
	}
	if in.Init != nil && in.Init.W != nil {
		f.Sources = in.Init.Sources
	}
	env.Logger().Info("learnt in batches", slog.Int("columns", r.columns), slog.Int("batch", r.batch), slog.Int("updates", all))
	return OnlineNMFOut{f}, nil
}

// empty returns an online without W.
func (s *OnlineNMF) empty() *online {
	return &online{beta: s.p.Beta, eps: s.p.Eps, steps: s.p.Steps, first: s.p.Steps / 6, gamma: exponent(s.p.Beta, false, false), coordinates: s.p.Beta == 2}
}

// start returns what W starts from: the wired W, or that of NMF of the first batch.
func (s *OnlineNMF) start(ctx context.Context, env audiosep.Env, r *reader, init *audiosep.Factors) (*online, error) {
	o := s.empty()
	bins := r.powers[0].Bins()
	if init != nil && init.W != nil {
		if err := init.Validate(bins, -1); err != nil {
			return nil, fmt.Errorf("the wired factors: %w", err)
		}
		if k := init.Rank(); s.p.Rank != 0 && k != s.p.Rank {
			return nil, fmt.Errorf("rank is %d, but the wired factors have %s; want rank %d", s.p.Rank, counted.Of(k, "component"), k)
		}
		o.w = mat.DenseCopyOf(init.W)
		return o.ready(), nil
	}
	if s.p.Rank == 0 {
		return nil, &audiosep.ParamError{Name: "rank", What: "is 0, but no W is wired whose number of components it could be; want at least 1, or init_factors"}
	}
	if err := checkRank(s.p.Rank, bins, r.columns); err != nil {
		return nil, err
	}
	v, err := r.read(ctx, 0)
	if err != nil {
		return nil, err
	}
	first := layOut(v)
	if s.p.Warm == 0 {
		o.w, _ = nmfStart{}.draw(first, s.p.Rank, env.Rand("start-0"))
		return o.ready(), nil
	}
	passes := first.passes(s.p.Beta, s.p.Eps)
	f, _, _, err := leastOfStarts(s.p.Restarts, func(i, threads int) (*audiosep.Factors, error) {
		w, h := nmfStart{}.draw(first, s.p.Rank, env.Rand(fmt.Sprintf("start-%d", i)))
		n := newNMF(ctx, first, w, h, nmfOptions{beta: s.p.Beta, eps: s.p.Eps, threads: threads, shared: passes})
		objective, _, err := n.minimise(s.p.Warm, 0, func(int, float64) {})
		w, _ = n.factors()
		return &audiosep.Factors{W: w, Objective: objective}, err
	}, last)
	if err != nil {
		return nil, err
	}
	o.w = f.W
	return o.ready(), nil
}

// reader reads batches of columns of several recordings.
type reader struct {
	powers                  []audiosep.Power
	runs                    []run
	columns, batch, batches int // in all; in a batch, about; how many of them
	power                   int
	v                       *mat.Dense
}

// run is some columns of a recording that follow each other.
type run struct{ of, first, n int }

// columnsOfRun is the length of a run: long enough that frames, which overlap, are cut and
// transformed together, short enough that a batch has runs from so many places that it is a
// sample of the whole. (With runs of 16 columns W of ten recordings in a row, K = 10, ended
// with an objective a fifth above that of runs of 4.)
const columnsOfRun = 4

// leastBatches is into how many batches a short recording is cut: few, as a batch is to be a
// sample of the whole.
const leastBatches = 8

func newReader(powers []audiosep.Power, p OnlineNMFParams) (*reader, error) {
	r := &reader{powers: powers, power: p.Power}
	for i, v := range powers {
		if v.Bins() != powers[0].Bins() {
			return nil, fmt.Errorf("recording %d has %s; want %d, as the first", i+1, counted.Of(v.Bins(), "bin"), powers[0].Bins())
		}
		if err := v.Framing().Fits(powers[0].Framing()); err != nil {
			return nil, fmt.Errorf("recording %d: %w", i+1, err)
		}
		n := v.Framing().Columns()
		r.columns += n
		for first := 0; first < n; first += columnsOfRun {
			r.runs = append(r.runs, run{i, first, min(columnsOfRun, n-first)})
		}
	}
	if r.columns == 0 {
		return nil, fmt.Errorf("the recording has no frames; want at least one")
	}
	r.batch = min(p.Batch, max(p.Rank, columnsOfRun, r.columns/leastBatches))
	r.batches = max(1, r.columns/r.batch)
	r.batches = min(r.batches, len(r.runs))
	return r, nil
}

// read returns batch i: runs i, i+B, i+2B, … of the B batches. It is valid until the next call.
func (r *reader) read(ctx context.Context, i int) (*mat.Dense, error) {
	var mine []run
	var at []int
	n := 0
	for j := i; j < len(r.runs); j += r.batches {
		mine, at = append(mine, r.runs[j]), append(at, n)
		n += r.runs[j].n
	}
	bins := r.powers[0].Bins()
	if r.v == nil || r.v.RawMatrix().Cols != n {
		r.v = mat.NewDense(bins, n, nil)
	}
	err := block.Run(ctx, len(mine), 1, runtime.GOMAXPROCS(0), func() struct{} { return struct{}{} },
		func(ctx context.Context, _ struct{}, j, _ int) error {
			dst := r.v.Slice(0, bins, at[j], at[j]+mine[j].n).(*mat.Dense)
			return r.powers[mine[j].of].Columns(ctx, dst, mine[j].first)
		},
		func(context.Context, struct{}, int, int) error { return nil })
	if err != nil {
		return nil, err
	}
	if err := checkPower(r.v, 1, 0); err != nil {
		return nil, err
	}
	if r.power == 1 {
		for i, x := range r.v.RawMatrix().Data {
			r.v.RawMatrix().Data[i] = math.Sqrt(x)
		}
	}
	return r.v, nil
}

// online is W and what is known of all batches so far.
//
// With W̃ and h̃ of a batch, majorisation-minimisation bounds its divergence by a function of W
// that has its minimum at W̃∘(num/den)^γ, with num and den as in nmf. The sum of such bounds
// over batches, each weighted by ρ for every batch since, is bounded in turn by one whose
// minimum is
//
//	W = (A/B)^γ,  A = Σ ρ^age W̃^(1/γ)∘num,  B = Σ ρ^age den.
//
// For β = 2 no bound is needed: the divergence of all batches is a quadratic function of W,
//
//	½ tr(W G Wᵀ) - tr(W Aᵀ),  A = Σ ρ^age V Hᵀ,  G = Σ ρ^age H Hᵀ,
//
// and W, as H before it, is found by coordinate descent (Mairal et al., Algorithm 2).
type online struct {
	beta, eps, gamma float64
	steps, first     int
	coordinates      bool
	w                *mat.Dense     // F×K
	a, b             blas64.General // F×K; with coordinates b is G, K×K
	num, den         blas64.General
	passes           *kernel.NMF
	of               *mat.Dense // what passes is over
	h, next          blas64.General
	across, gram     blas64.General // with coordinates: K×F, Wᵀ and A of all batches; K×K
	numAcross        blas64.General
}

// ready makes room for the sums.
func (o *online) ready() *online {
	w := o.w.RawMatrix()
	for _, m := range []*blas64.General{&o.a, &o.b, &o.num, &o.den} {
		*m = newGeneral(w)
	}
	if o.coordinates {
		o.b, o.gram = mat.NewDense(w.Cols, w.Cols, nil).RawMatrix(), mat.NewDense(w.Cols, w.Cols, nil).RawMatrix()
		o.across, o.numAcross = mat.NewDense(w.Cols, w.Rows, nil).RawMatrix(), mat.NewDense(w.Cols, w.Rows, nil).RawMatrix()
	}
	return o
}

// learn takes a batch, from the activations h on, and returns its divergence before W is updated
// for the last time. The sums so far have the weight rho.
func (o *online) learn(ctx context.Context, v, h *mat.Dense, rho float64) (d float64) {
	if o.passes == nil || o.of != v {
		o.passes, o.of = kernel.NewNMF(v.RawMatrix(), o.beta, max(o.eps, leastEps(o.beta))), v
	} else {
		o.passes.Load(v.RawMatrix())
	}
	floats.Scale(rho, o.a.Data)
	floats.Scale(rho, o.b.Data)
	o.h, o.next = h.RawMatrix(), newGeneral(h.RawMatrix())
	update, updateW := o.updateH, o.update
	if o.coordinates {
		update, updateW = o.descendH, o.descend
	}
	w := o.w.RawMatrix()
	for i := range o.steps {
		last := i == o.steps-1
		step := kernel.Step{W: w, H: o.h, Next: o.next, Update: update, Objective: last}
		if i >= o.first {
			step.NumW, step.DenW = o.num, o.den
		}
		d = o.passes.Do(ctx, step)
		if ctx.Err() != nil {
			return 0
		}
		o.h, o.next = o.next, o.h
		if i >= o.first {
			updateW(last)
		}
	}
	return d
}

// updateH writes some columns of the next H.
func (o *online) updateH(next, h, num, den []float64, _ int) {
	kernel.Scale(next, h, num, den, o.gamma)
}

// descendH writes some columns of the next H for β = 2.
func (o *online) descendH(next, h, num, _ []float64, _ int) {
	copy(next, h)
	kernel.Descend(next, num, o.passes.GramW, 0, sweeps)
}

// descend sets W to what the sums and those of the batch say for β = 2. Kept, these are added to
// the sums.
func (o *online) descend(keep bool) {
	w := o.w.RawMatrix()
	a, b := o.num.Data, o.gram.Data
	floats.Add(a, o.a.Data)
	floats.AddTo(b, o.b.Data, o.passes.GramH.Data)
	kernel.Transpose(o.across.Data, w.Rows, w.Data, w.Cols, w.Rows, w.Cols)
	kernel.Transpose(o.numAcross.Data, w.Rows, a, w.Cols, w.Rows, w.Cols)
	kernel.Descend(o.across.Data, o.numAcross.Data, o.gram, 0, sweeps)
	kernel.Transpose(w.Data, w.Cols, o.across.Data, w.Rows, w.Cols, w.Rows)
	if keep {
		copy(o.a.Data, a)
		copy(o.b.Data, b)
	}
}

// update sets W to what the sums and num and den of the batch say. Kept, these are added to the
// sums.
func (o *online) update(keep bool) {
	w := o.w.RawMatrix().Data
	for i, x := range w {
		a := o.num.Data[i]
		switch o.gamma {
		case 1:
			a *= x
		case 0.5:
			a *= x * x
		default:
			a *= math.Pow(x, 1/o.gamma)
		}
		a += o.a.Data[i]
		b := o.b.Data[i] + o.den.Data[i]
		if keep {
			o.a.Data[i], o.b.Data[i] = a, b
		}
		if b > 0 { // else no activation has any weight, and W stays
			switch w[i] = a / b; o.gamma {
			case 1:
			case 0.5:
				w[i] = math.Sqrt(w[i])
			default:
				w[i] = math.Pow(w[i], o.gamma)
			}
		}
	}
}
