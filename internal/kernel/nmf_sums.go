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
		if p.single {
			p.lowGramW = lowered(p.engine, p.lowGramW, p.GramW.Data, 1)
		}
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
func overRows[T number](p *NMF, w *workspace, x *scratch[T], i int, next []T) (objective float64) {
	s, k, width, cols := &p.step, p.step.W.Cols, p.width(), p.columns(i)
	w.b = packStrips(w.b, asView(s.H, blas.NoTrans).from(0, i*width), k, cols, width)
	x.b = lowered(p.engine, x.b, w.b, p.units.down)
	x.num, x.den = grow(x.num, k*width), grow(x.den, k*width)
	if p.lanes() == 0 {
		objective = sumsPlain(p, x, i)
	} else {
		objective = sumsOver(p, x, i)
	}
	if !s.forH() {
		return objective
	}
	num, den := inFull(p, w, x.num, x.den)
	if s.Update == nil {
		p.unpack(s.NumH, num, i)
		p.unpack(s.DenH, den, i)
		return objective
	}
	made := made(w, next)
	s.Update(made, w.b[:k*width], num, den, i*width)
	p.unpack(s.Next, made, i)
	lowered(p.engine, next, made, p.units.down)
	return objective
}

// made returns where Update makes a strip: next, or what is to become that.
func made[T number](w *workspace, next []T) []float64 {
	if sizeOf[T]() == 8 {
		return same[float64](next)
	}
	w.next = grow(w.next, len(next))
	return w.next
}

// inFull returns the sums for H of a strip as the caller wants them.
func inFull[T number](p *NMF, w *workspace, num, den []T) (fullNum, fullDen []float64) {
	w.num = raised(p.engine, w.num, num, p.units.forH)
	switch {
	case p.beta != 1:
		w.den = raised(p.engine, w.den, den, p.units.forH)
	default:
		width := p.width()
		w.den = grow(w.den, len(den))
		for k, sum := range p.flat {
			den := w.den[k*width : (k+1)*width]
			for j := range den {
				den[j] = sum
			}
		}
	}
	return w.num, w.den
}

// sumsOver sets w.num and w.den to the sums for H of strip i and returns its objective.
func sumsOver[T number](p *NMF, w *scratch[T], i int) (objective float64) {
	s, width := &p.step, p.width()
	w.p, w.q = grow(w.p, rowsTogether*width), grow(w.q, rowsTogether*width)
	if p.beta != 2 {
		w.begin(p.beta, p.eps)
	}
	for row := 0; row < p.rows; row += rowsTogether {
		rows := min(rowsTogether, p.rows-row)
		if p.beta == 2 && s.forH() {
			add(p, w, w.num, stripAt(p, w, i)[row*width:], row, rows)
			continue
		}
		objective += quotientsOf(p, w, w.b, 0, i, row, rows, s.Objective)
		if s.forH() {
			add(p, w, w.num, w.p, row, rows)
			if p.beta != 1 {
				add(p, w, w.den, w.q, row, rows)
			}
		}
	}
	if p.beta == 2 && s.forH() {
		objective = euclidean(p, w)
	}
	if p.beta != 2 && s.Objective {
		objective += w.total(p.beta)
	}
	return objective
}

// add adds the product of columns row to row+rows-1 of Wᵀ and as many rows of a strip to sums,
// or sets sums to it if row is 0.
func add[T number](p *NMF, w *scratch[T], sums, strip []T, row, rows int) {
	t, stride := &w.tileOf, uintptr(sizeOf[T]()*p.width())
	t.k, t.alpha, t.add = rows, 1, min(row, 1)
	t.bs, t.ldc = stride, stride
	t.b, t.c = &strip[0], &sums[0]
	stripOf(kernelsOf[T](p.engine), t, dictionaryOf[T](p).transposed().from(0, row), false, p.step.W.Cols, 3)
}

// euclidean sets w.den to the product of GramW and H, and returns ½ΣV̂² - ΣVV̂.
func euclidean[T number](p *NMF, w *scratch[T]) float64 {
	t, k, stride := &w.tileOf, p.step.W.Cols, uintptr(sizeOf[T]()*p.width())
	t.k, t.alpha, t.add = k, 1, 0
	t.bs, t.ldc = stride, stride
	t.b, t.c = &w.b[0], &w.den[0]
	gram := view{p.GramW.Data, p.GramW.Stride, 1}
	stripOf(kernelsOf[T](p.engine), t, inPrecision[T](gram, p.lowGramW), false, k, 3)
	if !p.step.Objective {
		return 0
	}
	return dot(p, w, w.den)/2 - dot(p, w, w.num)
}

// dot returns Σ x∘h, h being the strip of H in w.b.
func dot[T number](p *NMF, w *scratch[T], x []T) float64 {
	t, width := &w.dotTile, uintptr(sizeOf[T]()*p.width())
	sum := &w.dotted
	*sum = 0
	t.strips, t.a, t.b, t.c = p.step.W.Cols, &w.b[0], &x[0], sum
	t.ars, t.as, t.brs, t.bs = width, width, width, width
	dotsOf(kernelsOf[T](p.engine), t, 1, 1)
	return *sum
}

// unpack copies a strip to its columns of a matrix.
func (p *NMF) unpack(to blas64.General, strip []float64, i int) {
	width, cols := p.width(), p.columns(i)
	for k := range to.Rows {
		copy(to.Data[k*to.Stride+i*width:][:cols], strip[k*width:])
	}
}

// panelRows is the number of rows of V for which alongStrips makes the sums for W at a time.
const panelRows = 24

// alongStrips adds the sums for W of strips first to last-1, whose H is in w.next, to those of
// group g, and returns the objective of the strips if the pass for H has not.
func alongStrips[T number](p *NMF, w *scratch[T], first, last, g int) (objective float64) {
	if p.lanes() == 0 {
		return alongStripsPlain(p, w, first, last, g)
	}
	e, bytes := kernelsOf[T](p.engine), sizeOf[T]()
	k, width, wanted := p.step.W.Cols, p.width(), p.step.Objective && !p.overH()
	t, size, block := &w.dotTile, k*width, panelRows*width
	num, den, gram := p.sumsOf(g)
	w.p, w.q = grow(w.p, (last-first)*block), grow(w.q, (last-first)*block)
	if p.beta != 2 {
		w.begin(p.beta, p.eps)
	}
	t.strips, t.brs, t.bs, t.ars = last-first, uintptr(bytes*width), uintptr(bytes*size), uintptr(bytes*width)
	for row := 0; row < p.rows; row += panelRows {
		rows := min(panelRows, p.rows-row)
		t.a, t.b, t.c, t.as = &stripAt(p, w, first)[row*width], &w.next[0], &num[row*k], uintptr(bytes*p.rows*width)
		if p.beta != 2 {
			for j := range last - first {
				objective += quotientsOf(p, w, w.next[j*size:], j*block, first+j, row, rows, wanted)
			}
			t.a, t.as = &w.p[0], uintptr(bytes*block)
		}
		dotsOf(e, t, rows, k)
		if p.beta != 1 && p.beta != 2 {
			t.a, t.b, t.c = &w.q[0], &w.next[0], &den[row*k]
			dotsOf(e, t, rows, k)
		}
	}
	if p.beta == 2 {
		t.a, t.b, t.c, t.as = &w.next[0], &w.next[0], &gram[0], uintptr(bytes*size)
		dotsOf(e, t, k, k)
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
		floats.Scale(p.units.product, p.GramH.Data)
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
	for _, sums := range [2][]float64{num, den} {
		floats.Scale(p.units.product, sums[row*s.W.Cols:end*s.W.Cols])
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
	if d < p.units.cancels*p.halfSquares {
		return p.Objective(p.ctx, s.W, s.H)
	}
	return d
}
