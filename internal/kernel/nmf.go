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

// An NMF goes through V, F×N, to make what multiplicative updates of V ≈ V̂ = WH + eps are
// made of, under the β-divergence of V + eps from V̂. V, W and H, K×N, are row-major and
// at least 0, and V̂ must be a normal number everywhere: above 1e-307. For β = 2, where it
// cancels, there is no eps.
type NMF struct {
	// GramW and GramH are WᵀW and HHᵀ, K×K, of the last step of β = 2 that made sums for H
	// and for W.
	GramW, GramH blas64.General

	rows, cols  int
	beta, eps   float64
	engine      *engine
	chunks      int
	source      blas64.General // V
	copied      []float64      // V in strips one after the other, nil if it is large
	halfSquares float64        // ½ΣV² for β = 2

	// Of the step that is being made.
	ctx                        context.Context
	step                       Step
	groups                     int
	claims                     sync.Mutex
	left                       []int     // chunks of each group that are to be made
	busy                       []bool    // whether a thread works on it
	objectives                 []float64 // of the chunks
	flat                       []float64 // for β = 1 the sums of W's columns, then of H's rows
	sums                       []float64 // for W, of the groups: num, den, HHᵀ
	load, forChunks, forTotals *team
}

// A Step is one pass over V, which makes what there is a matrix or function for. With NumH
// and DenH, K×N,
//
//	NumH = Wᵀ((V+eps)∘V̂^(β-2)), DenH = Wᵀ V̂^(β-1);
//
// with NumW and DenW, F×K, the same with Hᵀ on the other side.
type Step struct {
	W, H       blas64.General
	NumH, DenH blas64.General
	// Update makes columns from `from` on of Next, K×N, as soon as the sums for them are
	// there, and while they and V are in the cache: from h and these sums, num and den, which
	// it may change. All are K×n, row after row; columns beyond N are 0 in h and should be so
	// in next. Calls are concurrent. The sums for W are then those of Next, else of H.
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

// A V of up to so many bytes is copied once to where it is read fastest, which more than
// repays itself over the steps that an update takes; of a larger one, to save the memory, each
// step copies chunk after chunk.
const copyBytes = 512 << 20

// NewNMF returns an NMF of v, of which it may keep a copy or go on to read it.
func NewNMF(v blas64.General, beta, eps float64) *NMF {
	p := &NMF{rows: v.Rows, cols: v.Cols, beta: beta, eps: eps, engine: current}
	if beta == 2 {
		p.eps = 0
	}
	if 8*p.rows*p.cols <= copyBytes {
		p.copied = make([]float64, p.rows*p.strips()*p.width())
	}
	p.enlist()
	p.Load(v)
	return p
}

// Fork returns another NMF of the same V, for use beside p: they share the copy, into which
// neither may Load.
func (p *NMF) Fork() *NMF {
	q := &NMF{
		rows: p.rows, cols: p.cols, beta: p.beta, eps: p.eps, engine: p.engine,
		source: p.source, copied: p.copied, halfSquares: p.halfSquares,
	}
	q.enlist()
	return q
}

func (p *NMF) enlist() {
	p.load, p.forChunks, p.forTotals = newTeam(p.loadStrip), newWorkers(p.makeSums), newTeam(p.total)
}

// Load puts another V of the same shape, or what has changed of it, in the place of the one
// there is.
func (p *NMF) Load(v blas64.General) {
	p.source = v
	p.halfSquares = 0
	if p.copied == nil && p.beta != 2 {
		return
	}
	p.objectives = grow(p.objectives, p.strips())
	p.load.run(p.strips(), p.rows*p.cols)
	for _, x := range p.objectives {
		p.halfSquares += x
	}
}

// loadStrip copies a strip of V, for good if there is a place for it, and sums half of its
// squares if they are wanted.
func (p *NMF) loadStrip(w *workspace, i int) {
	size := p.rows * p.width()
	w.v = grow(w.v, size)
	strip := w.v
	if p.copied != nil {
		strip = p.copied[i*size : (i+1)*size]
	}
	p.copyStrip(strip, i)
	p.objectives[i] = 0
	if p.beta == 2 {
		p.objectives[i] = floats.Dot(strip, strip) / 2
	}
}

// Do makes a step and returns the divergence, 0 if it is not asked for. Once ctx is done it
// returns early, with any number. The sums are made in chunks of columns and in an order
// that depends on the shapes alone, so that the bits are the same for any number of
// threads, and those of a column for H in any company.
func (p *NMF) Do(ctx context.Context, s Step) (objective float64) {
	k := s.W.Cols
	if p.rows == 0 || p.cols == 0 || k == 0 {
		return 0
	}
	p.ctx, p.step = ctx, s
	p.cut()
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
		objective += x
	}
	if s.forW() {
		p.afterW()
	}
	if p.beta == 2 && p.engine.lanes > 0 && s.Objective && (s.forH() || s.forW()) {
		objective = p.halfSquaresAnd(objective)
	}
	p.ctx, p.step = nil, Step{}
	return objective
}

// Objective returns the divergence.
func (p *NMF) Objective(ctx context.Context, w, h blas64.General) float64 {
	return p.Do(ctx, Step{W: w, H: h, Objective: true})
}

// plainWidth is the number of columns of a strip where there are no vectors.
const plainWidth = 16

func (p *NMF) width() int {
	if p.engine.lanes == 0 {
		return plainWidth
	}
	return 3 * p.engine.lanes
}

// sizeOfSums returns how many numbers the sums of a group are.
func (p *NMF) sizeOfSums() int {
	k := p.step.W.Cols
	return 2*p.rows*k + k*k
}

// sumsOf returns those of group g.
func (p *NMF) sumsOf(g int) (num, den, gram []float64) {
	size, part := p.sizeOfSums(), p.rows*p.step.W.Cols
	sums := p.sums[g*size : (g+1)*size]
	return sums[:part], sums[part : 2*part], sums[2*part:]
}

// strips returns how many strips there are.
func (p *NMF) strips() int { return (p.cols + p.width() - 1) / p.width() }

// copyStrip copies strip i of V, row after row, filled up with 0.
func (p *NMF) copyStrip(dst []float64, i int) {
	if p.columns(i) < p.width() {
		clear(dst)
	}
	packInto(dst, view{p.source.Data[i*p.width():], 1, p.source.Stride}, p.columns(i), p.rows, p.width())
}

// fetch leaves V in the strips from first to before last in w.chunk.
func (p *NMF) fetch(w *workspace, first, last int) {
	size := p.rows * p.width()
	w.first = first
	if p.copied != nil {
		w.chunk = p.copied[first*size : last*size]
		return
	}
	w.v = grow(w.v, (last-first)*size)
	w.chunk = w.v
	for i := first; i < last; i++ {
		p.copyStrip(w.v[(i-first)*size:][:size], i)
	}
}

// strip returns V in strip i, row after row.
func (p *NMF) strip(w *workspace, i int) []float64 {
	size := p.rows * p.width()
	return w.chunk[(i-w.first)*size:][:size]
}

// columns returns how many columns strip i has.
func (p *NMF) columns(i int) int { return min(p.width(), p.cols-i*p.width()) }

// A chunk is strips of V of so many bytes that they stay in the second cache between both
// halves of a step, and not so many columns that the H of these would not stay in the
// first. A group is chunks that share sums for W. One thread at a time adds to these, in the
// order of the chunks: twice as many groups as threads keep all busy, and more take time to
// total, and memory.
const (
	chunkBytes   = 640 << 10
	chunkColumns = 192

	columnsToTotal = 512
	leastGroups    = 4
	mostGroups     = 64
	groupBytes     = 64 << 20
)

// cut decides on chunks and groups, none of which is made.
func (p *NMF) cut() {
	strips := p.strips()
	each := min(max(1, chunkBytes/(8*p.rows*p.width())), chunkColumns/p.width())
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

// makeSums makes the sums of chunks as long as there are any.
func (p *NMF) makeSums(w *workspace, worker int) {
	for g, chunk := p.claim(worker, -1); g >= 0 && p.ctx.Err() == nil; g, chunk = p.claim(worker, g) {
		p.addChunk(w, g, chunk)
	}
	w.chunk = nil
}

// claim returns the next chunk of a group that nobody works on, or below 0 if there is none:
// who works on the others does the rest of them. A worker's own groups come first, as its
// cache has their H, then those with most left. It takes back the group that is done with.
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

// addChunk makes the sums of a chunk and adds those for W to the group's.
func (p *NMF) addChunk(w *workspace, g, chunk int) {
	s, size := &p.step, p.width()*p.step.W.Cols
	if s.forW() && chunk == g*p.chunks/p.groups {
		clear(p.sums[g*p.sizeOfSums() : (g+1)*p.sizeOfSums()])
	}
	first, last := chunk*p.strips()/p.chunks, (chunk+1)*p.strips()/p.chunks
	p.fetch(w, first, last)
	w.next = grow(w.next, (last-first)*size)
	for j := first; j < last && p.overH(); j++ {
		p.objectives[chunk] += p.overRows(w, j, w.next[(j-first)*size:(j-first+1)*size])
	}
	if !s.forW() {
		return
	}
	if s.Update == nil {
		cols := min(last*p.width(), p.cols) - first*p.width()
		w.next = packStrips(w.next, asView(s.H, blas.NoTrans).from(0, first*p.width()), s.W.Cols, cols, p.width())
	}
	p.objectives[chunk] += p.alongRows(w, first, last, g)
}

// overH tells whether V is gone through over its rows, which gives the objective too.
func (p *NMF) overH() bool { return p.step.forH() || !p.step.forW() }

// next returns the H of the sums for W.
func (p *NMF) next() blas64.General {
	if p.step.Update != nil {
		return p.step.Next
	}
	return p.step.H
}
