package factorizers

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/counted"
	"github.com/audiosep/audiosep/internal/kernel"
)

// PaintedNMFParams are the parameters of painted_nmf.
type PaintedNMFParams struct {
	File       *string  `json:"file" file:"in" doc:"What is painted: JSON, a list of {source, from, to (s), low, high (Hz), belongs, strength}, or a label track of Audacity, spectral or not, whose labels are sources, or not and a source. Left open: nothing."`
	Sources    []string `json:"sources" doc:"The sources' names; empty: those that are painted, in their order, and rest where that is one."`
	Components int      `json:"components" min:"1" max:"10000" unit:"components" doc:"Components of each source."`
	Alpha      float64  `json:"alpha" min:"0" max:"100" doc:"How much paint weighs: a source that it is against has exp(-alpha) times its model there."`
	Iterations int      `json:"iterations" min:"1" max:"1000000000" doc:"Most iterations; each updates H, then W."`
	Tol        float64  `json:"tol" min:"0" doc:"Stop when an iteration lowers the objective by no more than this part of itself."`
	Eps        float64  `json:"eps" min:"0" doc:"Floor added to V and to its model, in the units of V's root."`
	Power      int      `json:"power" min:"1" max:"2" doc:"2 factorises V, a power; 1 its root, a magnitude."`
}

// DefaultPaintedNMF returns the defaults of painted_nmf.
func DefaultPaintedNMF() PaintedNMFParams {
	return PaintedNMFParams{Components: 12, Alpha: 5, Iterations: 30, Tol: 1e-5, Eps: 1e-10, Power: 1}
}

var paintedNMFStage = audiosep.Define("painted_nmf",
	`Separates with regions of time and frequency that somebody says belong, or do not belong, to a source (after Bryan and Mysore, Interactive refinement of supervised and semi-supervised sound source separation estimates, ICASSP 2013).
NMF with the Kullback-Leibler divergence of V ≈ Σ Λ ∘ (W H) over the sources, Λ being exp(-alpha) where paint is against a source, else 1, by multiplicative updates, which never raise it; the stems are the model's shares in each coefficient. From init_factors, such as those of a run with less paint, it goes on where that ended.`,
	DefaultPaintedNMF(), NewPaintedNMF)

// PaintedNMF is the stage painted_nmf.
type PaintedNMF struct{ p PaintedNMFParams }

// NewPaintedNMF returns a stage that separates as p says.
func NewPaintedNMF(p PaintedNMFParams) (*PaintedNMF, error) {
	if err := audiosep.CheckStruct(p); err != nil {
		return nil, err
	}
	return &PaintedNMF{p}, nil
}

// Validate says which names are none.
func (p PaintedNMFParams) Validate() error {
	var errs audiosep.ParamErrors
	for i, name := range p.Sources {
		if first := slices.Index(p.Sources, name); name == "" || first < i {
			errs = append(errs, &audiosep.ParamError{Name: fmt.Sprintf("sources/%d", i), What: fmt.Sprintf("is %q; want names that differ, none empty", name)})
		}
	}
	if len(p.Sources) == 1 {
		errs = append(errs, &audiosep.ParamError{Name: "sources", What: "has one name; want at least two", Hint: "name what else sounds, such as rest"})
	}
	if p.File == nil && len(p.Sources) == 0 {
		errs = append(errs, &audiosep.ParamError{Name: "sources", What: "is empty and no file says what is painted; want one of the two"})
	}
	if errs == nil {
		return nil
	}
	return errs
}

// PaintedNMFIn is what painted_nmf takes.
type PaintedNMFIn struct {
	Coefs audiosep.Spectra  `port:"coefs"`
	Init  *audiosep.Factors `port:"init_factors,optional"`
}

// PaintedNMFOut is what painted_nmf makes. The factors know whose their components are, not
// what is painted: masks of them alone are others than those of the stems.
type PaintedNMFOut struct {
	Sources audiosep.Stems    `port:"sources"`
	Factors *audiosep.Factors `port:"factors"`
}

// Forecast says how the sources will be called, if the parameters say it.
func (s *PaintedNMF) Forecast(map[string]audiosep.Forecast) (map[string]audiosep.Forecast, error) {
	if len(s.p.Sources) == 0 {
		return nil, nil
	}
	return map[string]audiosep.Forecast{
		"sources": {Sources: s.p.Sources},
		"factors": {Sources: s.p.Sources, Rank: len(s.p.Sources) * s.p.Components},
	}, nil
}

// Needs says what it takes: V, its root, the same laid out with a model, a part of it and two kinds
// of quotients, and paint of each source, which stays for the stems.
func (s *PaintedNMF) Needs(e audiosep.Extent) audiosep.Needs {
	names := s.p.Sources
	if s.p.File != nil && len(names) == 0 {
		if regions, err := ReadPaint(*s.p.File); err == nil { // else the run will say so
			names = s.names(regions)
		}
	}
	rank, matrices := len(names)*s.p.Components, int64(6)
	if s.p.Power == 1 {
		matrices++
	}
	paint := int64(0)
	if s.p.File != nil {
		paint = int64(len(names)) * e.V()
	}
	factors := 8 * int64(rank) * int64(e.Bins+e.Columns)
	points := float64(e.Bins) * float64(e.Columns)
	return audiosep.Needs{Large: matrices * e.V(), Work: matrices*e.V() + 3*factors + readingBytes(e), Keeps: paint + 2*factors,
		Operations: float64(s.p.Iterations) * points * (12*float64(rank)/productSpeed + float64(len(names))*elementWork)}
}

// Prepare fails where the file of what is painted cannot be read.
func (s *PaintedNMF) Prepare(context.Context, audiosep.Plan) error {
	_, err := s.read()
	return err
}

// read reads what is painted, if a file says it.
func (s *PaintedNMF) read() ([]Region, error) {
	if s.p.File == nil {
		return nil, nil
	}
	return ReadPaint(*s.p.File)
}

// Run reads what is painted and separates by it.
func (s *PaintedNMF) Run(ctx context.Context, env audiosep.Env, in PaintedNMFIn) (PaintedNMFOut, error) {
	regions, err := s.read()
	if err != nil {
		return PaintedNMFOut{}, err
	}
	stems, f, err := s.Separate(ctx, env, in.Coefs, regions, in.Init)
	return PaintedNMFOut{stems, f}, err
}

// Separate separates x by regions. init may be nil; else its W, H and Sources are those that
// an earlier call returned for the same sources and recording, and the objective begins where
// that call's ended, if nothing was painted since.
func (s *PaintedNMF) Separate(ctx context.Context, env audiosep.Env, x audiosep.Spectra, regions []Region, init *audiosep.Factors) (audiosep.Stems, *audiosep.Factors, error) {
	names := s.names(regions)
	power := audiosep.PowerOf(x, nil)
	hz := power.Hz()
	if hz == nil && len(regions) > 0 {
		return nil, nil, fmt.Errorf("bins have no frequency in Hz under this transform; want one such as stft or dct")
	}
	if hz == nil {
		hz = make([]float64, power.Bins())
	}
	if err := checkRank(len(names)*s.p.Components, power.Bins(), x.Framing().Columns()); err != nil {
		return nil, nil, fmt.Errorf("%s with %s each: %w", counted.Of(len(names), "source"), counted.Of(s.p.Components, "component"), err)
	}
	penalties, err := (&painter{names, x.Framing(), hz, s.p.Alpha}).penalties(ctx, regions)
	if err != nil {
		return nil, nil, err
	}
	l, err := audiosep.Recall(ctx, env, func() (paintedLearnt, error) { return s.learn(ctx, env, power, penalties, names, init) })
	if err != nil {
		return nil, nil, err
	}
	framing := x.Framing()
	m := &paintedModel{penalty: penalties, eps: paintedFloor(s.p.Eps), bins: power.Bins(), cols: framing.Columns(), each: s.p.Components}
	for j := range names {
		m.w = append(m.w, general(m.each, m.bins, l.W[j]))
		m.h = append(m.h, general(m.cols, m.each, l.H[j]))
	}
	f := m.factors(names)
	f.Objective, f.Stop, f.Framing, f.Hz = l.Objective, l.Stop, &framing, power.Hz()
	env.Logger().Info("painted", slog.Float64("part", painted(penalties)), slog.Int("iterations", len(l.Objective)))
	return m.stems(x, names), f, nil
}

// paintedLearnt is what is learnt of W and H of each source, as paintedModel has them.
type paintedLearnt struct {
	W, H      [][]float64
	Objective []float64
	Stop      string
}

// learn fits the model to V.
func (s *PaintedNMF) learn(ctx context.Context, env audiosep.Env, power audiosep.Power, penalties [][]float64, names []string, init *audiosep.Factors) (l paintedLearnt, err error) {
	v, err := power.V(ctx)
	if err != nil {
		return l, err
	}
	if err := checkPower(v, 1, s.p.Eps); err != nil {
		return l, err
	}
	m := newPainted(magnitude(v, s.p.Power), penalties, s.p.Components, s.p.Eps)
	if err := m.start(env, names, init); err != nil {
		return l, err
	}
	l.Objective, l.Stop, err = m.minimise(ctx, env, s.p.Iterations, s.p.Tol)
	for j := range m.w {
		l.W, l.H = append(l.W, m.w[j].Data), append(l.H, m.h[j].Data)
	}
	return l, err
}

// names returns those of the sources.
func (s *PaintedNMF) names(regions []Region) []string {
	if len(s.p.Sources) > 0 {
		return s.p.Sources
	}
	var names []string
	known := map[string]bool{}
	for _, r := range regions {
		if !known[r.Source] {
			names, known[r.Source] = append(names, r.Source), true
		}
	}
	if len(names) < 2 {
		names = append(names, "rest")
	}
	return names
}

// painted returns the part of the spectrogram that paint is on.
func painted(penalties [][]float64) float64 {
	on, of := 0, 0
	for n := range len(slices.MaxFunc(penalties, func(a, b []float64) int { return len(a) - len(b) })) {
		of++
		if slices.ContainsFunc(penalties, func(p []float64) bool { return p != nil && p[n] < 1 }) {
			on++
		}
	}
	return float64(on) / float64(max(1, of))
}

// paintedModel is V ≈ Σ_j Λ_j ∘ (W_j H_j) of J sources with K components each. All matrices
// of V's size have columns of V as rows, [column*F+bin].
type paintedModel struct {
	v       []float64        // V + eps
	penalty [][]float64      // Λ_j, nil where it is 1
	w       []blas64.General // K×F, rows sum to 1
	h       []blas64.General // N×K
	eps     float64

	bins, cols, each                int
	part, model, quotient, weighted []float64 // of V's size
	num, den                        blas64.General
}

func newPainted(v *mat.Dense, penalty [][]float64, each int, eps float64) *paintedModel {
	bins, cols := v.Dims()
	m := &paintedModel{v: mat.DenseCopyOf(v.T()).RawMatrix().Data, penalty: penalty, eps: paintedFloor(eps), bins: bins, cols: cols, each: each}
	for i := range m.v {
		m.v[i] += m.eps
	}
	for _, x := range []*[]float64{&m.part, &m.model, &m.quotient, &m.weighted} {
		*x = make([]float64, bins*cols)
	}
	longest := make([]float64, 2*each*max(bins, cols))
	m.num.Data, m.den.Data = longest[:len(longest)/2], longest[len(longest)/2:]
	return m
}

// paintedFloor is the floor of V and its model.
func paintedFloor(eps float64) float64 { return max(eps, leastEps(1)) }

func general(rows, cols int, data []float64) blas64.General {
	return blas64.General{Rows: rows, Cols: cols, Stride: cols, Data: data[:rows*cols]}
}

// start draws W and H, or takes those of init.
func (m *paintedModel) start(env audiosep.Env, names []string, init *audiosep.Factors) error {
	rank := m.each * len(names)
	var w, h *mat.Dense
	if init != nil {
		w, h = init.W, init.H
		if w == nil || h == nil {
			return fmt.Errorf("the wired factors lack W or H; want both, such as those of painted_nmf")
		}
		if err := init.Validate(m.bins, m.cols); err != nil {
			return fmt.Errorf("the wired factors: %w", err)
		}
		if init.Rank() != rank {
			return fmt.Errorf("the wired factors have %s; want %d, %d for each source", counted.Of(init.Rank(), "component"), rank, m.each)
		}
		if err := sameSources(init.Sources, names, m.each); err != nil {
			return err
		}
		if err := checkNotZero(w, h, true); err != nil {
			return err
		}
	} else {
		v := mat.NewDense(m.cols, m.bins, m.v)
		w, h = nmfStart{}.draw(denseSum{mat.DenseCopyOf(v.T())}, rank, env.Rand("start"))
	}
	for j := range names {
		wj, hj := general(m.each, m.bins, make([]float64, m.each*m.bins)), general(m.cols, m.each, make([]float64, m.cols*m.each))
		for k := range m.each {
			for f := range m.bins {
				wj.Data[k*m.bins+f] = w.At(f, j*m.each+k)
			}
			for n := range m.cols {
				hj.Data[n*m.each+k] = h.At(j*m.each+k, n)
			}
		}
		m.w, m.h = append(m.w, wj), append(m.h, hj)
	}
	return nil
}

// sameSources says why groups are not those of names with so many components each, in order.
func sameSources(groups []audiosep.Group, names []string, each int) error {
	if groups == nil {
		return nil
	}
	for j, name := range names {
		if j >= len(groups) || groups[j].Name != name || len(groups[j].Components) != each || groups[j].Components[0] != j*each {
			return fmt.Errorf("the wired factors are not of the sources %q with %s each, in this order; want those of painted_nmf for the same sources", names, counted.Of(each, "component"))
		}
	}
	return nil
}

// add adds Λ_j ∘ (W_j H_j) to the model.
func (m *paintedModel) add(j int) {
	p := m.penalty[j]
	if p == nil {
		kernel.Gemm(blas.NoTrans, blas.NoTrans, 1, m.h[j], m.w[j], 1, general(m.cols, m.bins, m.model))
		return
	}
	kernel.Gemm(blas.NoTrans, blas.NoTrans, 1, m.h[j], m.w[j], 0, general(m.cols, m.bins, m.part))
	for i, x := range m.part {
		m.model[i] += p[i] * x
	}
}

// divide sets the model, V̂, and the quotients, V/V̂.
func (m *paintedModel) divide() {
	for i := range m.model {
		m.model[i] = m.eps
	}
	for j := range m.w {
		m.add(j)
	}
	kernel.Div(m.quotient, m.v, m.model)
}

// compare does what divide does and returns the divergence Σ v log(v/v̂) - v + v̂.
func (m *paintedModel) compare() (sum float64) {
	m.divide()
	var logs [512]float64
	for from := 0; from < len(m.v); from += len(logs) {
		v := m.v[from:min(from+len(logs), len(m.v))]
		kernel.Log(logs[:len(v)], m.quotient[from:from+len(v)])
		for i, x := range v {
			sum += x*logs[i] - x + m.model[from+i]
		}
	}
	return sum
}

// update updates one factor of every source from the quotients: with Λ the penalty image,
//
//	W_j ← W_j ∘ ((Λ_j ∘ V/V̂) H_jᵀ)/(Λ_j H_jᵀ)
//
// and H_j alike. All sources at once are one step of majorisation and minimisation, as the
// model is a sum of components of weights Λ_j w h (Lee and Seung's bound holds for each).
func (m *paintedModel) update(ofH bool) {
	size := func(data []float64) blas64.General { return general(m.cols, m.bins, data) }
	for j := range m.w {
		quotient, weight := m.quotient, m.penalty[j]
		if weight != nil {
			quotient = m.weighted
			kernel.Mul(quotient, m.quotient, weight)
		}
		factor := m.w[j]
		num, den := general(m.each, m.bins, m.num.Data), general(m.each, m.bins, m.den.Data)
		if ofH {
			factor = m.h[j]
			num, den = general(m.cols, m.each, m.num.Data), general(m.cols, m.each, m.den.Data)
			kernel.Gemm(blas.NoTrans, blas.Trans, 1, size(quotient), m.w[j], 0, num)
		} else {
			kernel.Gemm(blas.Trans, blas.NoTrans, 1, m.h[j], size(quotient), 0, num)
		}
		switch {
		case weight != nil && ofH:
			kernel.Gemm(blas.NoTrans, blas.Trans, 1, size(weight), m.w[j], 0, den)
		case weight != nil:
			kernel.Gemm(blas.Trans, blas.NoTrans, 1, m.h[j], size(weight), 0, den)
		case ofH:
			sumOver(den, m.w[j], true)
		default:
			sumOver(den, m.h[j], false)
		}
		for i, x := range factor.Data {
			if den.Data[i] > 0 {
				factor.Data[i] = x * num.Data[i] / den.Data[i]
			}
		}
	}
}

// sumOver sets every row of den to the sums of a's rows, or every column to those of a's
// columns: the products with a matrix of ones.
func sumOver(den, a blas64.General, rows bool) {
	if rows {
		for k := range a.Rows {
			sum := 0.0
			for _, x := range a.Data[k*a.Cols : (k+1)*a.Cols] {
				sum += x
			}
			for n := range den.Rows {
				den.Data[n*den.Cols+k] = sum
			}
		}
		return
	}
	for k := range a.Cols {
		sum := 0.0
		for n := range a.Rows {
			sum += a.Data[n*a.Cols+k]
		}
		for f := range den.Cols {
			den.Data[k*den.Cols+f] = sum
		}
	}
}

// minimise iterates and returns the objective after each iteration, which never rises but by
// rounding, and why it stopped.
func (m *paintedModel) minimise(ctx context.Context, env audiosep.Env, iterations int, tol float64) (all []float64, stop string, err error) {
	told := newProgress(env, iterations, 1)
	defer func() {
		if err == nil {
			told.end(all[len(all)-1])
		}
	}()
	before := m.compare()
	for i := range iterations {
		if err := ctx.Err(); err != nil {
			return nil, "", err
		}
		m.update(true)
		m.divide()
		m.update(false)
		after := m.compare()
		if math.IsNaN(after) || math.IsInf(after, 0) {
			return nil, "", fmt.Errorf("the objective is %v after %s; want a finite number: scale V, or raise eps", after, counted.Of(i+1, "iteration"))
		}
		all = append(all, after)
		told.step(1, after)
		if before-after <= tol*before {
			return all, fmt.Sprintf("an iteration lowered the objective by no more than %.3g of itself", tol), ctx.Err()
		}
		before = after
	}
	return all, fmt.Sprintf("all %d iterations done", iterations), ctx.Err()
}

// factors returns W, columns summing to 1, and H of all sources, one after the other.
func (m *paintedModel) factors(names []string) *audiosep.Factors {
	rank := m.each * len(names)
	f := &audiosep.Factors{W: mat.NewDense(m.bins, rank, nil), H: mat.NewDense(rank, m.cols, nil)}
	for j, name := range names {
		group := audiosep.Group{Name: name}
		for k := range m.each {
			c, sum := j*m.each+k, 0.0
			group.Components = append(group.Components, c)
			w := m.w[j].Data[k*m.bins : (k+1)*m.bins]
			for _, x := range w {
				sum += x
			}
			for i, x := range w {
				if sum > 0 {
					f.W.Set(i, c, x/sum)
				} else {
					f.W.Set(i, c, 1/float64(m.bins))
				}
			}
			for n := range m.cols {
				f.H.Set(c, n, sum*m.h[j].Data[n*m.each+k])
			}
		}
		f.Sources = append(f.Sources, group)
	}
	return f
}

// stems shares the coefficients out: source j has (Λ_j ∘ W_j H_j + eps/J)/V̂ of each. The
// greatest share is what the others leave, so that they sum.
func (m *paintedModel) stems(x audiosep.Spectra, names []string) audiosep.Stems {
	share := x.Framing().Share
	return audiosep.Separated(x, names, 0, func(ctx context.Context, dst [][]audiosep.Coefs, x *audiosep.Spectrogram, _, n int) error {
		models := make([][]float64, len(names))
		for j := range models {
			models[j] = make([]float64, m.bins)
		}
		for i := range n {
			if err := ctx.Err(); err != nil {
				return err
			}
			m.column(models, (x.First+i)/share)
			for l, mix := range x.Layers {
				for f := range m.bins {
					shareOut(dst, l, mix, i*m.bins+f, models, f)
				}
			}
		}
		return nil
	})
}

// column sets models[j] to source j's share of each bin of a column.
func (m *paintedModel) column(models [][]float64, c int) {
	for j, y := range models {
		clear(y)
		for k := range m.each {
			h := m.h[j].Data[c*m.each+k]
			for f, w := range m.w[j].Data[k*m.bins : (k+1)*m.bins] {
				y[f] += h * w
			}
		}
		for f := range y {
			if p := m.penalty[j]; p != nil {
				y[f] *= p[c*m.bins+f]
			}
			y[f] += m.eps / float64(len(models))
		}
	}
	for f := range m.bins {
		sum := 0.0
		for _, y := range models {
			sum += y[f]
		}
		for _, y := range models {
			y[f] /= sum
		}
	}
}

// shareOut writes coefficient i of layer l of every source, in shares[j][f].
func shareOut(dst [][]audiosep.Coefs, l int, x audiosep.Coefs, i int, shares [][]float64, f int) {
	best := 0
	for j := range shares {
		if shares[j][f] > shares[best][f] {
			best = j
		}
	}
	re, im := x.Re[i], 0.0
	if x.Im != nil {
		im = x.Im[i]
	}
	restRe, restIm := re, im
	for j := range shares {
		if j == best {
			continue
		}
		y, z := float64(shares[j][f]*re), float64(shares[j][f]*im) // what is subtracted is what is written
		dst[j][l].Re[i] = y
		restRe -= y
		if x.Im != nil {
			dst[j][l].Im[i] = z
			restIm -= z
		}
	}
	dst[best][l].Re[i] = restRe
	if x.Im != nil {
		dst[best][l].Im[i] = restIm
	}
}
