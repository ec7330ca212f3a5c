package kernel

// The steps of an NMF in plain Go, against which tests hold those with vector instructions.

func (p *NMF) sumsPlain(w *workspace, strip int) (objective float64) {
	clear(w.num)
	clear(w.den)
	for i := range p.rows {
		objective += p.quotientsPlain(w, w.b, strip, i, p.step.Objective)
		for k, a := range p.step.W.Data[i*p.step.W.Stride:][:p.step.W.Cols] {
			for j, x := range w.p {
				w.num[k*plainWidth+j] += a * x
				w.den[k*plainWidth+j] += a * w.q[j]
			}
		}
	}
	return objective
}

func (p *NMF) alongRowsPlain(w *workspace, first, last, g int) (objective float64) {
	k := p.step.W.Cols
	num, den, gram := p.sumsOf(g)
	for strip := first; strip < last; strip++ {
		h := w.next[(strip-first)*k*plainWidth:][:k*plainWidth]
		for i := range p.rows {
			objective += p.quotientsPlain(w, h, strip, i, p.step.Objective && !p.overH())
			for c := range k {
				for j, b := range h[c*plainWidth:][:len(w.p)] {
					num[i*k+c] += b * w.p[j]
					den[i*k+c] += b * w.q[j]
				}
			}
		}
		for c := range k {
			for d := range k {
				for j, b := range h[c*plainWidth : (c+1)*plainWidth] {
					gram[c*k+d] += b * h[d*plainWidth+j]
				}
			}
		}
	}
	return objective
}

// quotientsPlain sets w.p and w.q to P and Q of row i of a strip with the given H, and returns
// the part of the objective, if wanted.
func (p *NMF) quotientsPlain(w *workspace, h []float64, strip, i int, wanted bool) (objective float64) {
	cols := p.columns(strip)
	w.p, w.q = grow(w.p, cols), grow(w.q, cols)
	for j := range w.p {
		w.p[j] = p.eps
	}
	for c, a := range p.step.W.Data[i*p.step.W.Stride:][:p.step.W.Cols] {
		for j, b := range h[c*plainWidth:][:cols] {
			w.p[j] += a * b
		}
	}
	for j, v := range p.strip(w, strip)[i*plainWidth:][:cols] {
		y, x := v+p.eps, w.p[j]
		if wanted {
			objective += divergence(p.beta, y, x)
		}
		w.p[j], w.q[j] = quotients(p.beta, y, x)
	}
	return objective
}
