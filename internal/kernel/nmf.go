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
	sums                       []float64 // for W, of the groups: num, then den
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
	p.load, p.forChunks, p.forTotals = newTeam(p.loadStrip), newWorkers(p.makeSums), newTeam(p.total)
	p.Load(v)
	return p
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
	p.left, p.busy = slices.Grow(p.left[:0], p.groups)[:p.groups], slices.Grow(p.busy[:0], p.groups)[:p.groups]
	for g := range p.groups {
		p.left[g], p.busy[g] = (g+1)*p.chunks/p.groups-g*p.chunks/p.groups, false
	}
}

// beforeH makes what the sums for H need.
func (p *NMF) beforeH() {
	w := p.step.W
	switch p.beta {
	case 1:
		p.flat = grow(p.flat, w.Cols)
		clear(p.flat)
		for i := range w.Rows {
			floats.Add(p.flat, w.Data[i*w.Stride:][:w.Cols])
		}
	case 2:
		p.GramW = square(p.GramW, w.Cols)
		Gemm(blas.Trans, blas.NoTrans, 1, w, w, 0, p.GramW)
	}
}

// square returns an n×n matrix, a if it is one.
func square(a blas64.General, n int) blas64.General {
	if a.Rows != n {
		a = blas64.General{Rows: n, Cols: n, Stride: n, Data: make([]float64, n*n)}
	}
	return a
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

// rowsTogether is the number of rows of a strip whose quotients stay in the first cache.
const rowsTogether = 96

// overRows makes the sums for H of strip i, and with them that strip of the next H, and
// returns their objective. For β = 2 that is, with sums, ½ΣV̂² - ΣVV̂.
func (p *NMF) overRows(w *workspace, i int, next []float64) (objective float64) {
	s, k, width, cols := &p.step, p.step.W.Cols, p.width(), p.columns(i)
	w.b = packStrips(w.b, asView(s.H, blas.NoTrans).from(0, i*width), k, cols, width)
	w.num, w.den = grow(w.num, k*width), grow(w.den, k*width)
	if p.engine.lanes == 0 {
		objective = p.sumsPlain(w, i)
	} else {
		objective = p.sumsOver(w, i)
	}
	switch {
	case s.Update != nil:
		s.Update(next, w.b[:k*width], w.num, w.den, i*width)
		p.unpack(s.Next, next, i)
	case s.forH():
		p.unpack(s.NumH, w.num, i)
		p.unpack(s.DenH, w.den, i)
	}
	return objective
}

// sumsOver leaves the sums for H of strip i in w.num and w.den.
func (p *NMF) sumsOver(w *workspace, i int) (objective float64) {
	s, width := &p.step, p.width()
	w.p, w.q = grow(w.p, rowsTogether*width), grow(w.q, rowsTogether*width)
	if p.beta != 2 {
		w.begin(p.beta, p.eps)
	}
	for row := 0; row < p.rows; row += rowsTogether {
		rows := min(rowsTogether, p.rows-row)
		if p.beta == 2 && s.forH() {
			p.add(w, w.num, p.strip(w, i)[row*width:], row, rows)
			continue
		}
		objective += p.quotients(w, w.b, 0, i, row, rows, s.Objective)
		if s.forH() {
			p.add(w, w.num, w.p, row, rows)
			if p.beta != 1 {
				p.add(w, w.den, w.q, row, rows)
			}
		}
	}
	switch {
	case p.beta == 2 && s.forH():
		objective = p.euclidean(w)
	case p.beta == 1 && s.forH():
		for k, sum := range p.flat {
			den := w.den[k*width : (k+1)*width]
			for j := range den {
				den[j] = sum
			}
		}
	}
	if p.beta != 2 && s.Objective {
		objective += w.total(p.beta)
	}
	return objective
}

// add adds the product of some of Wᵀ's columns and as many rows of a strip.
func (p *NMF) add(w *workspace, sums, strip []float64, row, rows int) {
	t := &w.tile
	t.k, t.alpha, t.add = rows, 1, min(row, 1)
	t.bs, t.ldc = uintptr(8*p.width()), uintptr(8*p.width())
	t.b, t.c = &strip[0], &sums[0]
	p.engine.strip(t, asView(p.step.W, blas.Trans).from(0, row), false, p.step.W.Cols, 3)
}

// euclidean sets w.den to the product of GramW and H, and returns ½ΣV̂² - ΣVV̂.
func (p *NMF) euclidean(w *workspace) float64 {
	t, k := &w.tile, p.step.W.Cols
	t.k, t.alpha, t.add = k, 1, 0
	t.bs, t.ldc = uintptr(8*p.width()), uintptr(8*p.width())
	t.b, t.c = &w.b[0], &w.den[0]
	p.engine.strip(t, asView(p.GramW, blas.NoTrans), false, k, 3)
	if !p.step.Objective {
		return 0
	}
	return p.dot(w, w.den)/2 - p.dot(w, w.num)
}

// dot returns the sum of products with H.
func (p *NMF) dot(w *workspace, x []float64) float64 {
	t, width := &w.dotTile, uintptr(8*p.width())
	sum := &w.sum
	*sum = 0
	t.strips, t.a, t.b, t.c = p.step.W.Cols, &w.b[0], &x[0], sum
	t.ars, t.as, t.brs, t.bs = width, width, width, width
	p.engine.dots(t, 1, 1)
	return *sum
}

// unpack takes a strip to where it is wanted.
func (p *NMF) unpack(to blas64.General, strip []float64, i int) {
	width, cols := p.width(), p.columns(i)
	for k := range to.Rows {
		copy(to.Data[k*to.Stride+i*width:][:cols], strip[k*width:])
	}
}

// panelRows is the number of rows of V that sums along them go through at a time.
const panelRows = 24

// alongRows adds to the sums of group g for W those of some strips, whose H is in w.next, and
// returns their objective.
func (p *NMF) alongRows(w *workspace, first, last, g int) (objective float64) {
	if p.engine.lanes == 0 {
		return p.alongRowsPlain(w, first, last, g)
	}
	k, width, wanted := p.step.W.Cols, p.width(), p.step.Objective && !p.overH()
	t, size, block := &w.dotTile, k*width, panelRows*width
	num, den, gram := p.sumsOf(g)
	w.p, w.q = grow(w.p, (last-first)*block), grow(w.q, (last-first)*block)
	if p.beta != 2 {
		w.begin(p.beta, p.eps)
	}
	t.strips, t.brs, t.bs, t.ars = last-first, uintptr(8*width), uintptr(8*size), uintptr(8*width)
	for row := 0; row < p.rows; row += panelRows {
		rows := min(panelRows, p.rows-row)
		t.a, t.b, t.c, t.as = &p.strip(w, first)[row*width], &w.next[0], &num[row*k], uintptr(8*p.rows*width)
		if p.beta != 2 {
			for j := range last - first {
				objective += p.quotients(w, w.next[j*size:], j*block, first+j, row, rows, wanted)
			}
			t.a, t.as = &w.p[0], uintptr(8*block)
		}
		p.engine.dots(t, rows, k)
		if p.beta != 1 && p.beta != 2 {
			t.a, t.b, t.c = &w.q[0], &w.next[0], &den[row*k]
			p.engine.dots(t, rows, k)
		}
	}
	if p.beta == 2 {
		t.a, t.b, t.c, t.as = &w.next[0], &w.next[0], &gram[0], uintptr(8*size)
		p.engine.dots(t, k, k)
	} else if wanted {
		objective += w.total(p.beta)
	}
	return objective
}

// rowsOfTotal is the number of rows of W of which one thread at a time totals the sums.
const rowsOfTotal = 32

// afterW totals the groups' sums for W.
func (p *NMF) afterW() {
	s, h := &p.step, p.next()
	switch p.beta {
	case 1:
		p.flat = grow(p.flat, h.Rows)
		for k := range p.flat {
			p.flat[k] = sumOf(h.Data[k*h.Stride:][:h.Cols])
		}
	case 2:
		p.GramH = square(p.GramH, h.Rows)
		clear(p.GramH.Data)
		for g := range p.groups {
			_, _, gram := p.sumsOf(g)
			floats.Add(p.GramH.Data, gram)
		}
		Gemm(blas.NoTrans, blas.NoTrans, 1, s.W, p.GramH, 0, s.DenW)
	}
	p.forTotals.run((p.rows+rowsOfTotal-1)/rowsOfTotal, p.groups*p.rows*s.W.Cols)
}

// sumOf returns the sum of x, whose additions do not all wait for each other.
func sumOf(x []float64) float64 {
	var a, b, c, d float64
	for ; len(x) >= 4; x = x[4:] {
		a, b, c, d = a+x[0], b+x[1], c+x[2], d+x[3]
	}
	for _, x := range x {
		a += x
	}
	return (a + b) + (c + d)
}

// total writes some rows of the sums for W.
func (p *NMF) total(_ *workspace, i int) {
	s := &p.step
	row, end := i*rowsOfTotal, min((i+1)*rowsOfTotal, p.rows)
	num, den, _ := p.sumsOf(0)
	for g := 1; g < p.groups; g++ {
		more, _, _ := p.sumsOf(g)
		floats.Add(num[row*s.W.Cols:end*s.W.Cols], more[row*s.W.Cols:end*s.W.Cols])
		if p.beta != 1 && p.beta != 2 {
			_, more, _ := p.sumsOf(g)
			floats.Add(den[row*s.W.Cols:end*s.W.Cols], more[row*s.W.Cols:end*s.W.Cols])
		}
	}
	for ; row < end; row++ {
		copy(s.NumW.Data[row*s.NumW.Stride:][:s.W.Cols], num[row*s.W.Cols:])
		switch p.beta {
		case 1:
			copy(s.DenW.Data[row*s.DenW.Stride:], p.flat)
		case 2:
		default:
			copy(s.DenW.Data[row*s.DenW.Stride:][:s.W.Cols], den[row*s.W.Cols:])
		}
	}
}

// halfSquaresAnd returns ½Σ(V-WH)² from the sums for H or W. Where little is left of what
// cancels it is summed anew, entry by entry.
func (p *NMF) halfSquaresAnd(rest float64) float64 {
	s := p.step
	if !s.forH() {
		for i := range s.W.Rows {
			w := s.W.Data[i*s.W.Stride:][:s.W.Cols]
			rest += floats.Dot(w, s.DenW.Data[i*s.DenW.Stride:][:s.W.Cols])/2 - floats.Dot(w, s.NumW.Data[i*s.NumW.Stride:][:s.W.Cols])
		}
	}
	d := p.halfSquares + rest
	if d < 1e-6*p.halfSquares {
		return p.Objective(p.ctx, s.W, s.H)
	}
	return d
}
