package separators

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"sync"

	"gonum.org/v1/gonum/floats"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/kernel"
)

// mask is every separator of the package. Source j has the power
//
//	p_j = Σ_{k in group j} (w_k h_k + eps/K)
//
// in a bin of a frame, and gets the part p_jᵃ / Σ_i p_iᵃ of the mixture there, a being
// the exponent; an infinite one gives everything to the greatest, the first of equals.
// With a residual, the last group, all of eps is the residual's.
type mask struct {
	grouping
	exponent, eps float64
}

// Separate shares x out. It is an error if x, W or H are not finite.
func (s *mask) Separate(ctx context.Context, dst []audiosep.Coefs, x audiosep.Coefs, f *audiosep.Factors, groups []audiosep.Group) error {
	if err := checkShapes(dst, x, f, groups); err != nil {
		return err
	}
	frames := f.H.RawMatrix().Cols
	sh := s.newSharer(f, groups)
	workers := min(runtime.GOMAXPROCS(0), frames)
	errs := make([]error, workers)
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() { errs[i] = sh.frames(ctx, dst, x, i*frames/workers, (i+1)*frames/workers) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

func checkShapes(dst []audiosep.Coefs, x audiosep.Coefs, f *audiosep.Factors, groups []audiosep.Group) error {
	if f == nil || f.W == nil || f.H == nil {
		return fmt.Errorf("the factors lack W or H; want both")
	}
	if err := f.Validate(-1, -1); err != nil {
		return err
	}
	bins, rank := f.W.Dims()
	_, frames := f.H.Dims()
	want := fmt.Sprintf("%d: %d frames, the columns of H, of %d bins, the rows of W", frames*bins, frames, bins)
	for _, part := range [][]float64{x.Re, x.Im} {
		if part != nil && len(part) != frames*bins || x.Re == nil {
			return &audiosep.ShapeError{What: "the mixture", Is: fmt.Sprintf("%d coefficients", len(part)), Want: want}
		}
	}
	if len(dst) != len(groups) || len(groups) == 0 {
		return &audiosep.ShapeError{What: "dst", Is: fmt.Sprintf("%d sources", len(dst)), Want: fmt.Sprintf("%d, one for each group, at least 1", len(groups))}
	}
	for j, d := range dst {
		if len(d.Re) != len(x.Re) || len(d.Im) != len(x.Im) {
			return &audiosep.ShapeError{What: fmt.Sprintf("dst %d", j), Is: fmt.Sprintf("%d and %d coefficients", len(d.Re), len(d.Im)),
				Want: fmt.Sprintf("%d real and %d imaginary ones, as the mixture has", len(x.Re), len(x.Im))}
		}
	}
	return audiosep.CheckGroups(groups, rank)
}

// sharer is what one call of Separate knows of the factors. Its methods may be called
// from several goroutines.
type sharer struct {
	*mask
	groups []audiosep.Group
	w      [][]float64 // [k][f], scaled by a power of two so that nothing overflows
	scale  int         // its binary exponent
	h      []float64   // [k*stride+n]
	stride int
	floor  []float64 // what of eps is source j's; the floors sum to 1
}

func (s *mask) newSharer(f *audiosep.Factors, groups []audiosep.Group) *sharer {
	w, h := f.W.RawMatrix(), f.H.RawMatrix()
	sh := &sharer{mask: s, groups: groups, h: h.Data, stride: h.Stride, w: make([][]float64, w.Cols), floor: make([]float64, len(groups))}
	var most float64
	for i := range w.Rows {
		most = max(most, floats.Max(w.Data[i*w.Stride:i*w.Stride+w.Cols]))
	}
	sh.scale = max(0, exponentOf(most))
	for k := range sh.w {
		sh.w[k] = make([]float64, w.Rows)
		for i := range sh.w[k] {
			sh.w[k][i] = math.Ldexp(w.Data[i*w.Stride+k], -sh.scale)
		}
	}
	for j, g := range groups {
		sh.floor[j] = float64(len(g.Components)) / float64(w.Cols)
		if s.Residual {
			sh.floor[j] = 0
		}
	}
	if s.Residual {
		sh.floor[len(groups)-1] = 1
	}
	return sh
}

func exponentOf(x float64) int {
	_, e := math.Frexp(x)
	return e
}

// frames shares frames from to to-1 out.
func (sh *sharer) frames(ctx context.Context, dst []audiosep.Coefs, x audiosep.Coefs, from, to int) error {
	bins := len(sh.w[0])
	b, re, im := newShareBench(len(dst), bins), make([][]float64, len(dst)), make([][]float64, len(dst))
	for j, d := range dst {
		re[j], im[j] = d.Re, d.Im
	}
	for n := from; n < to; n++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		sh.powers(b.masks, n)
		sh.setMasks(b)
		bad := b.shareOutFrame(re, x.Re, n*bins)
		if x.Im != nil {
			bad += b.shareOutFrame(im, x.Im, n*bins)
		}
		if bad != 0 {
			return fmt.Errorf("frame %d of the mixture has a coefficient that is not finite; want finite numbers", n)
		}
	}
	return nil
}

// shareBench is what one goroutine shares a frame on: rows of a number for each bin, so that what is
// done to all bins is done in vectors.
type shareBench struct {
	masks     [][]float64 // [source], at first the powers
	best      []int       // the source of the greatest power, whose mask is 0: it has what the others leave
	most      []float64   // its power
	sum, rest []float64
	column    []float64 // of one bin
}

func newShareBench(sources, bins int) *shareBench {
	row := func() []float64 { return make([]float64, bins) }
	b := &shareBench{masks: make([][]float64, sources), best: make([]int, bins), most: row(), sum: row(), rest: row(), column: make([]float64, sources)}
	for j := range b.masks {
		b.masks[j] = row()
	}
	return b
}

// setMasks turns the powers of a frame into masks, in every bin as shares does.
func (sh *sharer) setMasks(b *shareBench) {
	b.findMost()
	if math.IsInf(sh.exponent, 1) {
		for _, m := range b.masks {
			clear(m)
		}
		return
	}
	sh.raise(b)
	copy(b.sum, b.masks[0])
	for _, m := range b.masks[1:] {
		floats.Add(b.sum, m)
	}
	for f, sum := range b.sum {
		b.sum[f] = 1 / sum
		if b.sum[f] < math.MaxFloat64 {
			b.masks[b.best[f]][f] = 0
			continue
		}
		b.sum[f] = 1
		for j, m := range b.masks {
			if b.column[j] = m[f]; b.most[f] == 0 {
				b.column[j] = 0 // raise has made 0/0 of it
			}
		}
		b.best[f] = sh.shares(b.column)
		for j, m := range b.masks {
			m[f] = b.column[j]
		}
	}
	for _, m := range b.masks {
		kernel.Mul(m, m, b.sum)
	}
}

func (b *shareBench) findMost() {
	clear(b.best)
	copy(b.most, b.masks[0])
	for j, m := range b.masks {
		for f, most := range b.most {
			if m[f] > most {
				b.most[f], b.best[f] = m[f], j
			}
		}
	}
}

// raise raises the powers to the exponent, those other than 1 as parts of the greatest, which
// neither overflow nor vanish.
func (sh *sharer) raise(b *shareBench) {
	if sh.exponent == 1 {
		return
	}
	for _, m := range b.masks {
		kernel.Div(m, m, b.most)
		if sh.exponent == 2 { // the squares of magnitudes
			kernel.Mul(m, m, m)
			continue
		}
		for f, v := range m {
			if sh.exponent == 0.5 {
				m[f] = math.Sqrt(v)
			} else {
				m[f] = math.Pow(v, sh.exponent)
			}
		}
	}
}

// shareOutFrame writes a frame of every source, from number i on, as shareOut does a number.
func (b *shareBench) shareOutFrame(dst [][]float64, x []float64, i int) (bad float64) {
	n := len(b.rest)
	x = x[i : i+n]
	copy(b.rest, x)
	for j, m := range b.masks {
		y := dst[j][i : i+n]
		kernel.Mul(y, m, x)
		floats.Sub(b.rest, y)
	}
	for f, best := range b.best {
		dst[best][i+f] = b.rest[f]
		bad += x[f] - x[f]
	}
	return bad
}

// shareOut writes number i of every source. The source best, whose mask is 0 here, has what the
// others leave, so that the sources sum to x; where it has the greatest share, to the last bit or
// two, however small the numbers and however many the sources. It returns 0, or NaN if x is not
// finite.
func shareOut(dst [][]float64, x []float64, i int, masks []float64, best int) float64 {
	rest := x[i]
	for j, m := range masks {
		y := m * x[i]
		dst[j][i] = y
		rest -= y
	}
	dst[best][i] = rest
	return x[i] - x[i]
}

// powers sets power[j] to the power of source j in each bin of frame n, in any unit.
func (sh *sharer) powers(power [][]float64, n int) {
	var most float64
	for k := range sh.w {
		most = max(most, sh.h[k*sh.stride+n])
	}
	scale := max(0, exponentOf(most))
	eps := math.Ldexp(sh.eps, -scale-sh.scale)
	for j, g := range sh.groups {
		floor := eps * sh.floor[j]
		for f := range power[j] {
			power[j][f] = floor
		}
		for _, k := range g.Components {
			floats.AddScaled(power[j], math.Ldexp(sh.h[k*sh.stride+n], -scale), sh.w[k])
		}
	}
}

// shares replaces the powers p of the sources in one bin by their masks, but for the
// greatest, which it returns: its mask is what is left of 1, and p has a 0 there.
func (sh *sharer) shares(p []float64) (best int) {
	most := p[0]
	for j, v := range p {
		if v > most {
			best, most = j, v
		}
	}
	switch {
	case math.IsInf(sh.exponent, 1):
		clear(p)
		return best
	case most == 0: // only without eps: as if it were tiny
		copy(p, sh.floor)
		best = floats.MaxIdx(p)
		p[best] = 0
		return best
	case sh.exponent == 0.5:
		for j, v := range p {
			p[j] = math.Sqrt(v / most)
		}
	case sh.exponent != 1:
		for j, v := range p {
			p[j] = math.Pow(v/most, sh.exponent)
		}
	}
	var sum float64
	for _, v := range p {
		sum += v
	}
	p[best] = 0
	if inv := 1 / sum; inv < math.MaxFloat64 {
		for j := range p {
			p[j] *= inv
		}
		return best
	}
	for j := range p {
		p[j] /= sum
	}
	return best
}
