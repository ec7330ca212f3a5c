package kernel

import (
	"context"
	"runtime"
	"slices"
	"sync"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"
)

// An NMF makes the sums that multiplicative updates of W and H need for V ≈ V̂ = WH + eps, V
// being F×N, with the β-divergence of V + eps from V̂. V, W, F×K, and H, K×N, are row-major and
// ≥ 0, and V̂ must be a normal number everywhere: above 1e-307. For β = 2 eps cancels and is
// taken as 0.
type NMF struct {
	// GramW and GramH are WᵀW and HHᵀ, K×K, for β = 2: of the last step that made sums for H,
	// and for W.
	GramW, GramH blas64.General

	rows, cols  int
	beta, eps   float64
	engine      *engine
	chunks      int
	source      blas64.General // V
	copied      []float64      // V in strips one after the other; nil if V is large
	low         []float32      // the same in float32, in the place of copied; see overLow
	single      bool           // whether the passes are float32 too
	scale       float64        // V is so many times low, where the passes are float64
	units       units
	halfSquares float64 // ½ΣV² for β = 2

	// State of the step under way.
	ctx                        context.Context
	step                       Step
	groups                     int
	claims                     sync.Mutex
	left                       []int     // chunks of each group that no thread has claimed
	busy                       []bool    // whether a thread works on the group
	objectives                 []float64 // of the chunks
	flat                       []float64 // for β = 1 the sums of W's columns, then of H's rows
	sums                       []float64 // for W, of the groups: num, den, HHᵀ
	lowW, lowGramW             []float32 // W and GramW in float32
	load, forChunks, forTotals *team
}

// A Step says what a pass over V makes: the sums for which it has a matrix or function. With
// NumH and DenH, K×N,
//
//	NumH = Wᵀ((V+eps)∘V̂^(β-2)), DenH = Wᵀ V̂^(β-1);
//
// with NumW and DenW, F×K, NumW = ((V+eps)∘V̂^(β-2))Hᵀ and DenW = V̂^(β-1)Hᵀ.
type Step struct {
	W, H       blas64.General
	NumH, DenH blas64.General
	// Update makes n columns of Next, K×N, from column `from` on, as soon as the sums for them
	// are there and while these and V are in the cache: next from h and the sums num and den,
	// which it may overwrite. All are K×n, row after row; columns beyond N are 0 in h and must
	// be 0 in next. Calls are concurrent. With Update the sums for W are made with Next instead
	// of H.
	Update     func(next, h, num, den []float64, from int)
	Next       blas64.General
	NumW, DenW blas64.General
	// Objective asks for the divergence of V + eps from WH + eps:
	//
	//	β = 0: Σ r - log r - 1,  r = (V+eps)/V̂     (Itakura-Saito)
	//	β = 1: Σ y log(y/V̂) - y + V̂,  y = V+eps     (Kullback-Leibler)
	//	else:  Σ (y^β + (β-1)V̂^β - βyV̂^(β-1)) / (β(β-1))
	Objective bool
}

func (s *Step) forH() bool { return s.NumH.Data != nil || s.Update != nil }
func (s *Step) forW() bool { return s.NumW.Data != nil }

// A V of up to copyBytes is copied once into strips, in which it is read fastest. Of a larger
// one, to save memory, each step copies one chunk after the other.
const copyBytes = 512 << 20

// NewNMF returns an NMF of v, which it copies, or reads at every step if v is large.
func NewNMF(v blas64.General, beta, eps float64) *NMF {
	p := &NMF{rows: v.Rows, cols: v.Cols, beta: beta, eps: eps, engine: current, units: noUnits}
	if beta == 2 {
		p.eps = 0
	}
	if bytes := 8 * p.rows * p.cols; bytes > 0 && bytes <= copyBytes {
		p.copied = NewStrips(p.rows, p.cols, Full).data
	}
	p.enlist()
	p.Load(v)
	return p
}

// NMF returns an NMF of v, which it reads where it lies: v must not change any more, and the NMF
// cannot Load another.
//
// Of a V of precision Single the passes are float32 where there are kernels for that: V̂ and what is made
// of it in the place where it is, each sum over a chunk of V. What chunks add to, and all that the caller
// sees, is float64. β is 0, 1 or 2 then, and eps at least LeastEpsSingle times the greatest number of V,
// or taken as that. Of a V of precision Halved all is as of one of precision Full with the same numbers,
// but that eps is at least 2^-126 times the greatest.
func (v *Strips) NMF(beta, eps float64) *NMF {
	p := &NMF{rows: v.rows, cols: v.cols, beta: beta, eps: eps, engine: v.engine, copied: v.data, low: v.low, units: noUnits}
	if v.low != nil {
		p.overLow(v.exponent, v.precision)
	}
	if beta == 2 {
		p.eps = 0
	}
	p.enlist()
	if beta == 2 {
		p.loadAll()
	}
	return p
}

// Fork returns another NMF of the same V, for use at the same time as p. They share the copy of
// V, so neither may Load any more.
func (p *NMF) Fork() *NMF {
	q := &NMF{
		rows: p.rows, cols: p.cols, beta: p.beta, eps: p.eps, engine: p.engine,
		source: p.source, copied: p.copied, low: p.low, single: p.single, scale: p.scale, units: p.units, halfSquares: p.halfSquares,
	}
	q.enlist()
	return q
}

func (p *NMF) enlist() {
	load := loadStrip[float64]
	if p.single {
		load = loadStrip[float32]
	}
	p.load = newTeam(func(w *workspace, i int) { load(p, w, i) })
	p.forChunks, p.forTotals = newWorkers(p.makeSums), newTeam(p.total)
}

// Load replaces V by v of the same shape, or reads V again after it has changed.
func (p *NMF) Load(v blas64.General) {
	p.source = v
	if p.copied != nil || p.beta == 2 {
		p.loadAll()
	}
}

// loadAll copies V, if there is a copy, and sums half of its squares for β = 2.
func (p *NMF) loadAll() {
	p.halfSquares = 0
	p.objectives = grow(p.objectives, p.strips())
	p.load.run(p.strips(), p.rows*p.cols)
	for _, x := range p.objectives {
		p.halfSquares += x
	}
}

// loadStrip copies strip i of V into copied, if there is one, and sums half of its squares for
// β = 2.
func loadStrip[T number](p *NMF, w *workspace, i int) {
	size := p.rows * p.width()
	var strip []T
	if stored := storedOf[T](p); stored != nil {
		strip = stored[i*size : (i+1)*size]
	} else if p.low != nil {
		fetchStrips(p, &w.scratch, i, i+1)
		strip = same[T](w.chunk)
	} else {
		w.v = grow(w.v, size)
		strip = same[T](w.v)
	}
	if p.source.Data != nil {
		p.copyStrip(same[float64](strip), i)
	}
	p.objectives[i] = 0
	if p.beta == 2 {
		p.objectives[i] = p.units.product * halfSquares(strip)
	}
}

// halfSquares returns half the sum of the squares of x.
func halfSquares[T number](x []T) (sum float64) {
	if sizeOf[T]() == 8 {
		return floats.Dot(same[float64](x), same[float64](x)) / 2
	}
	var sums [4]float64 // that the processor adds to at the same time
	for ; len(x) >= 4; x = x[4:] {
		for i, x := range x[:4] {
			sums[i] += float64(x) * float64(x)
		}
	}
	for _, x := range x {
		sum += float64(x) * float64(x)
	}
	return (sum + (sums[0] + sums[1]) + (sums[2] + sums[3])) / 2
}

// storedOf returns V in strips, or nil if it is large and read at every step.
func storedOf[T number](p *NMF) []T {
	if sizeOf[T]() == 4 {
		return same[T](p.low)
	}
	return same[T](p.copied)
}

// Do makes a step and returns the divergence, 0 if it is not asked for. Once ctx is done it
// returns early, with any number. The sums are made in chunks of columns and in an order that
// depends on the shapes alone, so the bits are the same for any number of threads, and those
// of a column of the sums for H do not depend on the other columns.
func (p *NMF) Do(ctx context.Context, s Step) (objective float64) {
	k := s.W.Cols
	if p.rows == 0 || p.cols == 0 || k == 0 {
		return 0
	}
	p.ctx, p.step = ctx, s
	p.cut()
	p.lower()
	p.objectives = grow(p.objectives, p.chunks)
	clear(p.objectives)
	if s.forH() {
		p.beforeH()
	}
	if s.forW() {
		p.sums = grow(p.sums, p.groups*p.sizeOfSums())
	}
	p.forChunks.run(p.chunks, p.rows*p.cols*k)
	for _, x := range p.objectives {
		objective += p.units.product * x
	}
	if s.forW() {
		p.afterW()
	}
	if p.beta == 2 && p.lanes() > 0 && s.Objective && (s.forH() || s.forW()) {
		objective = p.halfSquaresAnd(objective)
	}
	p.ctx, p.step = nil, Step{}
	return objective
}

// Objective returns the divergence.
func (p *NMF) Objective(ctx context.Context, w, h blas64.General) float64 {
	return p.Do(ctx, Step{W: w, H: h, Objective: true})
}

// plainWidth is the number of columns of a strip in plain Go.
const plainWidth = 16

func (p *NMF) width() int { return p.kernels().stripWidth() }

// kernels returns those of the passes.
func (p *NMF) kernels() *kernels {
	if p.single {
		return &p.engine.single
	}
	return &p.engine.kernels
}

// lanes returns the numbers of a vector, 0 in plain Go.
func (p *NMF) lanes() int { return p.kernels().lanes }

// size returns the bytes of a number of the passes.
func (p *NMF) size() int {
	if p.single {
		return 4
	}
	return 8
}

// stripWidth returns the number of columns of a strip of V.
func (e *kernels) stripWidth() int {
	if e.lanes == 0 {
		return plainWidth
	}
	return 3 * e.lanes
}

// sizeOfSums returns the number of numbers in the sums of a group: num, den, HHᵀ.
func (p *NMF) sizeOfSums() int {
	k := p.step.W.Cols
	return 2*p.rows*k + k*k
}

// sumsOf returns the sums of group g.
func (p *NMF) sumsOf(g int) (num, den, gram []float64) {
	size, part := p.sizeOfSums(), p.rows*p.step.W.Cols
	sums := p.sums[g*size : (g+1)*size]
	return sums[:part], sums[part : 2*part], sums[2*part:]
}

// strips returns how many strips there are.
func (p *NMF) strips() int { return (p.cols + p.width() - 1) / p.width() }

// copyStrip copies strip i of V, row after row, padded with zeros.
func (p *NMF) copyStrip(dst []float64, i int) {
	if p.columns(i) < p.width() {
		clear(dst)
	}
	packInto(dst, view{p.source.Data[i*p.width():], 1, p.source.Stride}, p.columns(i), p.rows, p.width())
}

// fetchStrips sets w.chunk to the strips first to last-1 of V.
func fetchStrips[T number](p *NMF, w *scratch[T], first, last int) {
	size := p.rows * p.width()
	w.first = first
	if stored := storedOf[T](p); stored != nil {
		w.chunk = stored[first*size : last*size]
		return
	}
	w.v = grow(w.v, (last-first)*size)
	w.chunk = w.v
	if p.low != nil {
		widen(p.engine, same[float64](w.v), p.low[first*size:last*size], p.scale)
		return
	}
	for i := first; i < last; i++ {
		p.copyStrip(same[float64](w.v[(i-first)*size:][:size]), i)
	}
}

// stripAt returns strip i of V, which has been fetched, row after row.
func stripAt[T number](p *NMF, w *scratch[T], i int) []T {
	size := p.rows * p.width()
	return w.chunk[(i-w.first)*size:][:size]
}

// columns returns how many columns strip i has.
func (p *NMF) columns(i int) int { return min(p.width(), p.cols-i*p.width()) }

// A chunk is a run of strips of V that fits into the second cache, so that it is still there
// for the sums for W after those for H, and whose H fits into the first. A group is a run of
// chunks that share sums for W, to which one thread at a time adds, in the order of the
// chunks. Twice as many groups as threads keep all threads busy; more groups take more memory
// and more time to total.
const (
	chunkBytes   = 640 << 10
	chunkColumns = 192

	columnsToTotal = 512
	leastGroups    = 4
	mostGroups     = 64
	groupBytes     = 64 << 20
)

// cut decides on chunks and groups and marks all chunks as not made.
func (p *NMF) cut() {
	strips := p.strips()
	each := min(max(1, chunkBytes/(p.size()*p.rows*p.width())), 8*chunkColumns/p.size()/p.width())
	p.chunks = min(roundUp((strips+each-1)/each, leastGroups), strips)
	most := min(p.cols/columnsToTotal, mostGroups, groupBytes/(8*p.sizeOfSums()))
	p.groups = min(p.chunks, max(leastGroups, most&^(leastGroups-1)))
	if !p.step.forW() {
		p.groups = p.chunks
	}
	p.left, p.busy = slices.Grow(p.left[:0], p.groups)[:p.groups], slices.Grow(p.busy[:0], p.groups)[:p.groups]
	for g := range p.groups {
		p.left[g], p.busy[g] = (g+1)*p.chunks/p.groups-g*p.chunks/p.groups, false
	}
}

// makeSums is the work of a thread: it makes the sums of one chunk after the other.
func (p *NMF) makeSums(w *workspace, worker int) {
	for g, chunk := p.claim(worker, -1); g >= 0 && p.ctx.Err() == nil; g, chunk = p.claim(worker, g) {
		if p.single {
			addChunk(p, w, &w.singles, g, chunk)
		} else {
			addChunk(p, w, &w.scratch, g, chunk)
		}
	}
	w.chunk, w.singles.chunk = nil, nil
}

// claim first frees the group done, unless that is below 0, and then returns a group on which
// no thread works and its next chunk, or g < 0 if there is none: the rest is then done by the
// threads at work. The groups i with i mod threads = worker come first, as this thread's cache
// has their H, then those with most chunks left.
func (p *NMF) claim(worker, done int) (g, chunk int) {
	p.claims.Lock()
	defer p.claims.Unlock()
	if done >= 0 {
		p.busy[done] = false
	}
	g = -1
	most, workers := 0, runtime.GOMAXPROCS(0)
	for i, left := range p.left {
		if left == 0 || p.busy[i] {
			continue
		}
		if i%workers == worker {
			left += p.chunks
		}
		if left > most {
			g, most = i, left
		}
	}
	if g < 0 {
		return -1, 0
	}
	chunk = (g+1)*p.chunks/p.groups - p.left[g]
	p.left[g]--
	p.busy[g] = true
	return g, chunk
}

// addChunk makes the sums of a chunk and adds those for W to the group's; x is w's part in the
// precision of V.
func addChunk[T number](p *NMF, w *workspace, x *scratch[T], g, chunk int) {
	s, size := &p.step, p.width()*p.step.W.Cols
	if s.forW() && chunk == g*p.chunks/p.groups {
		clear(p.sums[g*p.sizeOfSums() : (g+1)*p.sizeOfSums()])
	}
	first, last := chunk*p.strips()/p.chunks, (chunk+1)*p.strips()/p.chunks
	fetchStrips(p, x, first, last)
	x.next = grow(x.next, (last-first)*size)
	for j := first; j < last && p.overH(); j++ {
		p.objectives[chunk] += overRows(p, w, x, j, x.next[(j-first)*size:(j-first+1)*size])
	}
	if !s.forW() {
		return
	}
	if s.Update == nil {
		cols := min(last*p.width(), p.cols) - first*p.width()
		w.next = packStrips(w.next, asView(s.H, blas.NoTrans).from(0, first*p.width()), s.W.Cols, cols, p.width())
		x.next = lowered(p.engine, x.next, w.next, p.units.down)
	}
	p.objectives[chunk] += alongStrips(p, x, first, last, g)
}

// overH tells whether the step has a pass over V for H, which also gives the objective.
func (p *NMF) overH() bool { return p.step.forH() || !p.step.forW() }

// next returns the H of the sums for W.
func (p *NMF) next() blas64.General {
	if p.step.Update != nil {
		return p.step.Next
	}
	return p.step.H
}
