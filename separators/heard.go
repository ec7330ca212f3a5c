package separators

import (
	"context"
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/blocks"
	"github.com/audiosep/audiosep/internal/kernel"
	"github.com/audiosep/audiosep/internal/lend"
)

// heard is what is heard of each component through its own Wiener mask m = w h / WH: the
// power m²V, summed over time and over frequency. It does not depend on whether WH models a
// power or a magnitude, nor on the scale of W and H.
type heard struct {
	spectra     [][]float64 // [k][f], power
	activations [][]float64 // [k][n], power
	hz          []float64   // of each bin
}

// heardColumns is how many columns are measured at a time, fixed so that sums are made in one order.
const heardColumns = 256

// hearNeeds is what hear takes for K components.
func hearNeeds(e audiosep.Extent, rank int) int64 {
	n := min(heardColumns, max(1, e.Columns))
	return 8 * int64(max(1, e.Threads)) * int64(2*e.Bins*n+e.Bins*rank+2*rank*n)
}

// hear measures the components of f in the mixture of power v; where v is nil WH stands for
// it. V is read a block of columns at a time, several beside each other.
func hear(ctx context.Context, v audiosep.Power, f *audiosep.Factors) (*heard, error) {
	bins, rank := f.W.Dims()
	_, cols := f.H.Dims()
	out := &heard{spectra: zeros(rank, bins), activations: zeros(rank, cols), hz: binFrequencies(v, f)}
	w, h := toOne(f.W), toOne(f.H)
	w2 := squares(w)
	err := blocks.Run(ctx, cols, heardColumns, lend.From(v).Blocks(), func() *hearing { return newHearing(bins, rank, min(heardColumns, cols)) },
		func(ctx context.Context, b *hearing, first, n int) error {
			return b.block(ctx, v, w, w2, h.Slice(0, rank, first, first+n).(*mat.Dense), first)
		},
		func(_ context.Context, b *hearing, first, n int) error {
			for k := range rank {
				for i, s := range out.spectra[k] {
					out.spectra[k][i] = s + w2.At(i, k)*b.sums.At(i, k)
				}
				for i := range n {
					out.activations[k][first+i] = b.h2.At(k, i) * b.along.At(k, i)
				}
			}
			return nil
		})
	return out, err
}

// hearing is what one goroutine measures components in a block of columns with.
type hearing struct {
	model, power *mat.Dense // WH and V, F×n at most
	sums         *mat.Dense // V/(WH)² h², F×K
	h2, along    *mat.Dense // h², and (w²)ᵀ V/(WH)², K×n
}

func newHearing(bins, rank, n int) *hearing {
	return &hearing{model: mat.NewDense(bins, n, nil), power: mat.NewDense(bins, n, nil), sums: mat.NewDense(bins, rank, nil), along: mat.NewDense(rank, n, nil)}
}

// block measures the columns from first on, whose activations are h.
func (b *hearing) block(ctx context.Context, v audiosep.Power, w, w2, h *mat.Dense, first int) error {
	bins, rank := w.Dims()
	_, n := h.Dims()
	m, p := b.model.Slice(0, bins, 0, n).(*mat.Dense), b.power.Slice(0, bins, 0, n).(*mat.Dense)
	multiply(m, w, h, blas.NoTrans)
	if v == nil {
		p.Copy(m)
	} else if err := v.Columns(ctx, p, first); err != nil {
		return err
	}
	overSquare(p, m)
	b.h2 = squares(h)
	multiply(b.sums, p, b.h2, blas.Trans)
	a := b.along.Slice(0, rank, 0, n).(*mat.Dense)
	kernel.Gemm(blas.Trans, blas.NoTrans, 1, w2.RawMatrix(), p.RawMatrix(), 0, a.RawMatrix())
	return nil
}

// overSquare sets p to p/m², 0 where m is 0 or nearly so.
func overSquare(p, m *mat.Dense) {
	bins, n := p.Dims()
	for i := range bins {
		to, by := p.RawRowView(i), m.RawRowView(i)
		for j := range n {
			if by[j] > 1e-150 {
				to[j] = to[j] / by[j] / by[j]
			} else {
				to[j] = 0
			}
		}
	}
}

// multiply sets dst to a·b or a·bᵀ.
func multiply(dst, a, b *mat.Dense, tb blas.Transpose) {
	kernel.Gemm(blas.NoTrans, tb, 1, a.RawMatrix(), b.RawMatrix(), 0, dst.RawMatrix())
}

// toOne returns m over its greatest entry.
func toOne(m *mat.Dense) *mat.Dense {
	out := mat.DenseCopyOf(m)
	if most := mat.Max(m); most > 0 {
		for i, x := range out.RawMatrix().Data {
			out.RawMatrix().Data[i] = x / most
		}
	}
	return out
}

func squares(m *mat.Dense) *mat.Dense {
	out := mat.DenseCopyOf(m)
	for i, x := range out.RawMatrix().Data {
		out.RawMatrix().Data[i] = x * x
	}
	return out
}

func zeros(rows, cols int) [][]float64 {
	all := make([][]float64, rows)
	for i := range all {
		all[i] = make([]float64, cols)
	}
	return all
}

// usualRate is taken where nobody says what the sample rate is, in Hz.
const usualRate = 44100

// binFrequencies returns the frequency of each bin in Hz: what the power says, else evenly
// spaced up to half the sample rate, as those of a DCT are and, nearly, those of a Φ that was
// learnt from one.
func binFrequencies(v audiosep.Power, f *audiosep.Factors) []float64 {
	if v != nil && v.Hz() != nil {
		return v.Hz()
	}
	rate := usualRate
	if f.Framing != nil && f.Framing.Rate > 0 {
		rate = f.Framing.Rate
	}
	bins, _ := f.W.Dims()
	hz := make([]float64, bins)
	for i := range hz {
		hz[i] = float64(i) / float64(max(1, bins-1)) * float64(rate) / 2
	}
	return hz
}

const (
	melBands  = 40
	lowestMel = 50. // Hz, where the first band begins
	melFloor  = 80. // dB below a component's loudest band, under which nothing is told apart
)

// logMel returns the spectrum of a component in dB in mel bands, triangles that overlap by
// half, from 50 Hz to the highest bin, relative to its mean over the bands. Silence is 0.
func logMel(power, hz []float64) []float64 {
	top := hz[len(hz)-1]
	low, high := mel(min(lowestMel, top/8)), mel(top)
	edge := func(b int) float64 {
		return 700 * (math.Pow(10, (low+(high-low)*float64(b)/(melBands+1))/2595) - 1)
	}
	bands := make([]float64, melBands)
	most := 0.0
	for b := range bands {
		bands[b] = triangle(power, hz, edge(b), edge(b+1), edge(b+2))
		most = max(most, bands[b])
	}
	if most == 0 {
		return bands
	}
	mean := 0.0
	for b, e := range bands {
		bands[b] = 10 * math.Log10(e/most+math.Pow(10, -melFloor/10))
		mean += bands[b] / melBands
	}
	for b := range bands {
		bands[b] -= mean
	}
	return bands
}

func mel(hz float64) float64 { return 2595 * math.Log10(1+hz/700) }

// triangle returns the mean of power under a triangle with its peak at hz mid; that of the
// nearest bin where no bin is under it.
func triangle(power, hz []float64, from, mid, to float64) float64 {
	var sum, weight float64
	nearest := 0
	for i, f := range hz {
		if t := min((f-from)/(mid-from), (to-f)/(to-mid)); t > 0 {
			sum += t * power[i]
			weight += t
		}
		if math.Abs(f-mid) < math.Abs(hz[nearest]-mid) {
			nearest = i
		}
	}
	if weight == 0 {
		return power[nearest]
	}
	return sum / weight
}
