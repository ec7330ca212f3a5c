package kernel

// The steps of an NMF in plain Go, against which tests hold those with vector instructions.

func sumsPlain[T number](p *NMF, w *scratch[T], strip int) (objective float64) {
	dictionary := dictionaryOf[T](p)
	clear(w.num)
	clear(w.den)
	for i := range p.rows {
		objective += quotientsPlain(p, w, w.b, strip, i, p.step.Objective)
		for k, a := range dictionary.from(i, 0).data[:p.step.W.Cols] {
			for j, x := range w.p {
				w.num[k*plainWidth+j] += a * x
				w.den[k*plainWidth+j] += a * w.q[j]
			}
		}
	}
	return objective
}

func alongStripsPlain[T number](p *NMF, w *scratch[T], first, last, g int) (objective float64) {
	k := p.step.W.Cols
	num, den, gram := p.sumsOf(g)
	for strip := first; strip < last; strip++ {
		h := w.next[(strip-first)*k*plainWidth:][:k*plainWidth]
		for i := range p.rows {
			objective += quotientsPlain(p, w, h, strip, i, p.step.Objective && !p.overH())
			for c := range k {
				for j, b := range h[c*plainWidth:][:len(w.p)] {
					num[i*k+c] += float64(b) * float64(w.p[j])
					den[i*k+c] += float64(b) * float64(w.q[j])
				}
			}
		}
		for c := range k {
			for d := range k {
				for j, b := range h[c*plainWidth : (c+1)*plainWidth] {
					gram[c*k+d] += float64(b) * float64(h[d*plainWidth+j])
				}
			}
		}
	}
	return objective
}

// quotientsPlain sets w.p and w.q to P and Q of row i of a strip with the given H, and returns
// the part of the objective, if wanted.
func quotientsPlain[T number](p *NMF, w *scratch[T], h []T, strip, i int, wanted bool) (objective float64) {
	cols := p.columns(strip)
	w.p, w.q = grow(w.p, cols), grow(w.q, cols)
	for j := range w.p {
		w.p[j] = T(p.eps)
	}
	for c, a := range dictionaryOf[T](p).from(i, 0).data[:p.step.W.Cols] {
		for j, b := range h[c*plainWidth:][:cols] {
			w.p[j] += a * b
		}
	}
	for j, v := range stripAt(p, w, strip)[i*plainWidth:][:cols] {
		y, x := v+T(p.eps), w.p[j]
		if wanted {
			objective += divergence(p.beta, float64(y), float64(x))
		}
		w.p[j], w.q[j] = quotients(p.beta, y, x)
	}
	return objective
}
