package separators

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/counted"
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

// LeavesRest says that the last of several sources need not be written.
func (*mask) LeavesRest() {}

// Needs says what it takes while components are clustered, if they are.
func (s *mask) Needs(e audiosep.Extent) audiosep.Needs {
	if s.Sources == 0 || len(s.Groups) > 0 {
		return audiosep.Needs{}
	}
	return audiosep.Needs{Work: hearNeeds(e, e.Rank)}
}

// Separate shares x out. It is an error if x, W or H are not finite.
func (s *mask) Separate(ctx context.Context, dst []audiosep.Coefs, x audiosep.Coefs, f *audiosep.Factors, groups []audiosep.Group) error {
	if err := checkShapes(dst, x, f, groups); err != nil {
		return err
	}
	frames := f.H.RawMatrix().Cols
	sh := s.newSharer(f, groups)
	defer sh.done()
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
	want := fmt.Sprintf("%d: %s, the columns of H, of %s, the rows of W", frames*bins, counted.Of(frames, "frame"), counted.Of(bins, "bin"))
	for _, part := range [][]float64{x.Re, x.Im} {
		if part != nil && len(part) != frames*bins || x.Re == nil {
			return &audiosep.ShapeError{What: "the mixture", Is: fmt.Sprintf("%d coefficients", len(part)), Want: want}
		}
	}
	if len(dst) != len(groups) || len(groups) == 0 {
		return &audiosep.ShapeError{What: "dst", Is: counted.Of(len(dst), "source"), Want: fmt.Sprintf("%d, one for each group, at least 1", len(groups))}
	}
	for j, d := range dst {
		if d.Re == nil && d.Im == nil && j > 0 && j == len(dst)-1 {
			continue // what the others leave, which nobody wants
		}
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
	groups  []audiosep.Group
	spectra blas64.General   // Wᵀ, K×F, scaled by a power of two so that nothing overflows
	w       []blas64.General // [source] its rows, K_j×F
	scale   int              // the power's binary exponent
	h       blas64.General
	bins    int
	floor   []float64 // what of eps is source j's; the floors sum to 1
}

// newSharer returns a sharer, in memory of one that is done with: a call is made for each block of
// frames, and with what it needs of W dropped each time the heap would be let grow to twice what it is.
func (s *mask) newSharer(f *audiosep.Factors, groups []audiosep.Group) *sharer {
	w, h := f.W.RawMatrix(), f.H.RawMatrix()
	sh := sharers.Get().(*sharer)
	sh.mask, sh.groups, sh.h, sh.bins = s, groups, h, w.Rows
	sh.w, sh.floor = resized(sh.w, len(groups)), resized(sh.floor, len(groups))
	sh.spectra = resizedRows(sh.spectra, w.Cols, w.Rows)
	kernel.Transpose(sh.spectra.Data, w.Rows, w.Data, w.Stride, w.Rows, w.Cols)
	if sh.scale = max(0, exponentOf(floats.Max(sh.spectra.Data))); sh.scale > 0 {
		floats.Scale(math.Ldexp(1, -sh.scale), sh.spectra.Data)
	}
	for j, g := range groups {
		sh.w[j] = resizedRows(sh.w[j], len(g.Components), w.Rows)
		for i, k := range g.Components {
			copy(row(sh.w[j], i), row(sh.spectra, k))
		}
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

// sharers are those that are done with.
var sharers = sync.Pool{New: func() any { return new(sharer) }}

// done gives sh back.
func (sh *sharer) done() {
	sh.mask, sh.groups, sh.h = nil, nil, blas64.General{}
	sharers.Put(sh)
}

func row(a blas64.General, i int) []float64 { return a.Data[i*a.Stride:][:a.Cols] }

func exponentOf(x float64) int {
	_, e := math.Frexp(x)
	return e
}

// frames shares frames from to to-1 out.
func (sh *sharer) frames(ctx context.Context, dst []audiosep.Coefs, x audiosep.Coefs, from, to int) error {
	b, re, im := benches.Get().(*shareBench), make([][]float64, len(dst)), make([][]float64, len(dst))
	defer benches.Put(b)
	b.fit(sh)
	for j, d := range dst {
		re[j], im[j] = d.Re, d.Im
	}
	for n := from; n < to; n++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		i := (n - from) % b.run
		if i == 0 {
			sh.powers(b, n, min(b.run, to-n))
		}
		for j, p := range b.powers {
			b.masks[j] = row(p, i)
		}
		if len(b.masks) == 2 && sh.exponent == 1 && b.least[i] > leastInverse {
			kernel.MaskTwo(b.masks[0], b.masks[1])
		} else {
			sh.setMasks(b)
		}
		finite := b.shareOutFrame(re, x.Re, n*sh.bins)
		if x.Im != nil {
			finite = b.shareOutFrame(im, x.Im, n*sh.bins) && finite
		}
		if !finite {
			return fmt.Errorf("frame %d of the mixture has a coefficient that is not finite; want finite numbers", n)
		}
	}
	return nil
}

// shareBench is what one goroutine shares frames on: rows of a number for each bin, so that what is
// done to all bins is done in vectors.
type shareBench struct {
	run     int              // how many frames' powers are computed at a time
	weights []blas64.General // [source] its activations in these frames, run×K_j
	powers  []blas64.General // [source], run×F

	masks  [][]float64 // [source], of a frame: at first the powers; at last as kernel.Mask makes them
	least  []float64   // of these frames: what the powers of all sources together are at least
	most   []float64   // the greatest of the powers
	by     []float64   // what they are multiplied with
	rest   []float64   // of the mixture
	column []float64   // of one bin
}

// togetherNumbers is how many powers are computed at a time: they fit into the second cache beside
// the spectra.
const togetherNumbers = 1 << 15

var benches = sync.Pool{New: func() any { return new(shareBench) }}

// fit makes room for what sh shares out. What is there before is written before it is read.
func (b *shareBench) fit(sh *sharer) {
	sources := len(sh.groups)
	b.run = min(max(1, togetherNumbers/max(1, sources*sh.bins)), 16)
	b.masks, b.column = resized(b.masks, sources), resized(b.column, sources)
	b.most, b.by, b.rest = resized(b.most, sh.bins), resized(b.by, sh.bins), resized(b.rest, sh.bins)
	b.weights, b.powers, b.least = resized(b.weights, sources), resized(b.powers, sources), resized(b.least, b.run)
	for j, g := range sh.groups {
		b.weights[j] = resizedRows(b.weights[j], b.run, len(g.Components))
		b.powers[j] = resizedRows(b.powers[j], b.run, sh.bins)
	}
}

func resized[T any](x []T, n int) []T { return slices.Grow(x[:0], n)[:n] }

func resizedRows(a blas64.General, n, length int) blas64.General {
	return blas64.General{Rows: n, Cols: length, Stride: max(1, length), Data: resized(a.Data, n*max(1, length))}
}

// leastInverse is above the least number that has an inverse, by more than floors are rounded.
const leastInverse = 1e-300

// powers computes the powers of each source in each bin of n frames from number first on, in a unit
// that is each frame's own.
func (sh *sharer) powers(b *shareBench, first, n int) {
	for i := range n {
		var most float64
		for k := range sh.h.Rows {
			most = max(most, sh.h.Data[k*sh.h.Stride+first+i])
		}
		scale := max(0, exponentOf(most))
		eps := math.Ldexp(sh.eps, -scale-sh.scale)
		b.least[i] = eps // the floors sum to 1, but for rounding
		for j, g := range sh.groups {
			weights, power := row(b.weights[j], i), row(b.powers[j], i)
			for l, k := range g.Components {
				weights[l] = math.Ldexp(sh.h.Data[k*sh.h.Stride+first+i], -scale)
			}
			fill(power, eps*sh.floor[j])
		}
	}
	for j, p := range b.powers {
		weights := b.weights[j]
		weights.Rows, p.Rows = n, n
		kernel.Gemm(blas.NoTrans, blas.NoTrans, 1, weights, sh.w[j], 1, p)
	}
}

// fill sets all of x, which is not empty, to v.
func fill(x []float64, v float64) {
	x[0] = v
	for n := 1; n < len(x); n *= 2 {
		copy(x[n:], x[:n])
	}
}

// setMasks turns the powers of a frame into masks, in every bin as shares does.
func (sh *sharer) setMasks(b *shareBench) {
	copy(b.most, b.masks[0])
	for _, m := range b.masks[1:] {
		kernel.Max(b.most, b.most, m)
	}
	if math.IsInf(sh.exponent, 1) {
		clear(b.by)
	} else {
		sh.raise(b)
		copy(b.by, b.masks[0])
		for _, m := range b.masks[1:] {
			kernel.Add(b.by, m)
		}
		kernel.Inverse(b.by, b.by)
		if !(floats.Sum(b.by) < math.MaxFloat64) {
			sh.setMasksSingly(b)
			return
		}
	}
	for _, m := range b.masks {
		kernel.Mask(m, b.most, b.by)
	}
}

// setMasksSingly is the end of setMasks where the inverse of a sum may be too great.
func (sh *sharer) setMasksSingly(b *shareBench) {
	for f, by := range b.by {
		if by < math.MaxFloat64 {
			for _, m := range b.masks {
				kernel.Mask(m[f:f+1], b.most[f:f+1], b.by[f:f+1])
			}
			continue
		}
		for j, m := range b.masks {
			if b.column[j] = m[f]; math.IsNaN(m[f]) {
				b.column[j] = 0 // raise has made 0/0 of it
			}
		}
		best := sh.shares(b.column)
		for j, m := range b.masks {
			m[f] = b.column[j]
		}
		b.masks[best][f] = -1
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
	for f := range b.most {
		b.most[f] = 1
	}
}

// shareOutFrame writes a frame of every source, from number i on, and tells whether the mixture is
// finite there. The source whose mask is -1 has what the others leave, so that the sources sum to x;
// where it has the greatest share, to the last bit or two, however small the numbers and however many the
// sources.
func (b *shareBench) shareOutFrame(dst [][]float64, x []float64, i int) bool {
	x = x[i : i+len(b.rest)]
	if len(b.masks) == 2 {
		for j, y := range dst {
			if y != nil {
				kernel.Part(y[i:i+len(x)], b.masks[j], b.masks[1-j], x)
			}
		}
	} else {
		b.shareOutAmong(dst, x, i)
	}
	if sum := floats.Sum(x); sum-sum == 0 {
		return true // else one is not finite, or their sum is too great
	}
	return !slices.ContainsFunc(x, func(v float64) bool { return v-v != 0 })
}

// shareOutAmong is shareOutFrame among any number of sources.
func (b *shareBench) shareOutAmong(dst [][]float64, x []float64, i int) {
	copy(b.rest, x)
	for j, m := range b.masks {
		y := b.by // which are in the masks by now
		if dst[j] != nil {
			y = dst[j][i : i+len(x)]
		}
		kernel.ShareOut(y, m, x, b.rest)
	}
	for j, m := range b.masks {
		if dst[j] != nil {
			kernel.Leave(dst[j][i:i+len(x)], m, b.rest)
		}
	}
}

// shares replaces the powers p of the sources in one bin by their masks, but for the
// greatest, raised to the exponent, which it returns: its mask is what is left of 1, and p has a 0 there.
func (sh *sharer) shares(p []float64) (best int) {
	best = floats.MaxIdx(p)
	most := p[best]
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
	best = floats.MaxIdx(p)
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
