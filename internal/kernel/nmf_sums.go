package kernel

import (
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"
)

// beforeH makes what all strips need for the sums for H: the sums of W's columns, or WᵀW.
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

// square returns an n×n matrix: a if it is n×n, else a new one.
func square(a blas64.General, n int) blas64.General {
	if a.Rows != n {
		a = blas64.General{Rows: n, Cols: n, Stride: n, Data: make([]float64, n*n)}
	}
	return a
}

// rowsTogether is the number of rows of a strip whose quotients fit into the first cache.
const rowsTogether = 96

// overRows makes the sums for H of strip i and, with Update, that strip of Next, and returns
// the strip's part of the objective; for β = 2, if there are sums for H, ½ΣV̂² - ΣVV̂.
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

// sumsOver sets w.num and w.den to the sums for H of strip i and returns its objective.
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

// add adds the product of columns row to row+rows-1 of Wᵀ and as many rows of a strip to sums,
// or sets sums to it if row is 0.
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

// dot returns Σ x∘h, h being the strip of H in w.b.
func (p *NMF) dot(w *workspace, x []float64) float64 {
	t, width := &w.dotTile, uintptr(8*p.width())
	sum := &w.sum
	*sum = 0
	t.strips, t.a, t.b, t.c = p.step.W.Cols, &w.b[0], &x[0], sum
	t.ars, t.as, t.brs, t.bs = width, width, width, width
	p.engine.dots(t, 1, 1)
	return *sum
}

// unpack copies a strip to its columns of a matrix.
func (p *NMF) unpack(to blas64.General, strip []float64, i int) {
	width, cols := p.width(), p.columns(i)
	for k := range to.Rows {
		copy(to.Data[k*to.Stride+i*width:][:cols], strip[k*width:])
	}
}

// panelRows is the number of rows of V for which alongRows makes the sums for W at a time.
const panelRows = 24

// alongRows adds the sums for W of strips first to last-1, whose H is in w.next, to those of
// group g, and returns the objective of the strips if the pass for H has not.
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

// rowsOfTotal is the number of rows of W whose sums a task totals.
const rowsOfTotal = 32

// afterW adds the groups' sums for W up and writes them to NumW and DenW.
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

// sumOf returns the sum of x, in four sums that the processor adds to at the same time.
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

// halfSquaresAnd returns ½Σ(V-WH)² = ½ΣV² + rest; without sums for H it makes rest,
// ½ΣV̂² - ΣVV̂, from those for W. If the two nearly cancel it sums entry by entry instead.
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
