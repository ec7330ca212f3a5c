package metrics

import (
	"context"
	"slices"
	"sync"

	"gonum.org/v1/gonum/blas/blas64"
)

// correlations are the inner products of every signal with the delayed references. A signal is
// one channel of a source, numbered source·per + channel; where one gain is fitted to all
// channels it is a whole source, and per is 1.
type correlations struct {
	per    int
	lags   [][][]float64 // [signal i][reference signal j][k] = Σ_t x_i(t) s_j(t-k)
	energy []float64     // [source] over all channels
}

// correlate returns the correlations of the part of s in win, at lags 0 to taps-1.
//
// Blocks of both signals are Fourier-transformed and the products of the spectra are added
// up, so the work is O(T log taps) and the memory does not depend on the length T. Every sum
// is made in order of time by one goroutine: the bits do not depend on the number of cores.
func correlate(ctx context.Context, s *signals, win span, taps int) (*correlations, error) {
	c, f := s.channels, transformFor(taps)
	block := f.n - taps + 1
	sum := make([][][]complex128, len(s.sources)*c)
	for i := range sum {
		sum[i] = planes[complex128](s.refs*c, f.n)
	}
	out := &correlations{per: c, energy: make([]float64, len(s.sources))}
	pairs := (win.len() + 2*block - 1) / (2 * block) // of blocks
	here, past := planes[complex128](correlateRun*len(sum), f.n), planes[complex128](correlateRun*s.refs*c, f.n)
	scratch := sync.Pool{New: func() any { x := planes[float64](c, 2*block+taps-1); return &x }}
	energy := make([]float64, correlateRun*len(s.sources))
	for first := 0; first < pairs; first += correlateRun {
		run := min(correlateRun, pairs-first)
		err := parallel(run*len(s.sources), func(i int) error {
			p, source := i/len(s.sources), i%len(s.sources)
			x := scratch.Get().(*[][]float64)
			defer scratch.Put(x)
			if err := s.read(ctx, *x, source, win, win.from+(first+p)*2*block-(taps-1)); err != nil {
				return err
			}
			energy[i] = 0
			for ch, x := range *x {
				tail := vector(x[taps-1:])
				energy[i] += blas64.Dot(tail, tail)
				if source < s.refs {
					pack(past[p*s.refs*c+source*c+ch], x, block, 0)
					f.forward(past[p*s.refs*c+source*c+ch])
				}
				pack(here[p*len(sum)+source*c+ch], x, block, taps-1)
				f.forward(here[p*len(sum)+source*c+ch])
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		for i, e := range energy[:run*len(s.sources)] {
			out.energy[i%len(s.sources)] += e
		}
		err = each(ctx, len(sum)*s.refs*c, func(ij int) {
			i, j := ij/(s.refs*c), ij%(s.refs*c)
			for p := range run {
				addProduct(sum[i][j], here[p*len(sum)+i], past[p*s.refs*c+j])
			}
		})
		if err != nil {
			return nil, err
		}
	}
	out.lags = planes[[]float64](len(sum), s.refs*c)
	err := each(ctx, len(sum)*s.refs*c, func(ij int) {
		i, j := ij/(s.refs*c), ij%(s.refs*c)
		f.inverse(sum[i][j])
		lag := make([]float64, taps)
		for k := range lag {
			lag[k] = real(sum[i][j][k]) / float64(f.n)
		}
		out.lags[i][j] = lag
	})
	return out, err
}

// correlateRun is how many pairs of blocks are transformed before their products are added:
// enough to keep the cores busy, and few enough to fit into the cache.
const correlateRun = 4

// transformFor returns a transform so long that most samples of a block are new.
func transformFor(taps int) *fft {
	n := 1024
	for n < 4*taps {
		n *= 4
	}
	return newFFT(n)
}

// pack puts two overlapping blocks of x, each block samples after the last, into the
// real and imaginary parts of z, with the first skip samples of each left zero.
func pack(z []complex128, x []float64, block, skip int) {
	clear(z[:skip])
	b := x[block:]
	for t := skip; t < len(z); t++ {
		z[t] = complex(x[t], b[t])
	}
}

// addProduct adds a times the conjugate of b to sum. The real part of its inverse
// transform is the correlation of the real parts plus that of the imaginary parts.
func addProduct(sum, a, b []complex128) {
	a, b = a[:len(sum)], b[:len(sum)]
	for i := range sum {
		sum[i] += a[i] * conj(b[i])
	}
}

// innerProducts is correlate without delays, the channels of a source being one vector.
func innerProducts(ctx context.Context, s *signals, win span) (*correlations, error) {
	n := len(s.sources)
	block := min(blockFor(n*s.channels), win.len())
	blocks := (win.len() + block - 1) / block
	parts := planes[float64](blocks, n*(s.refs+1))
	scratch := sync.Pool{New: func() any {
		x := make([][][]float64, n)
		for i := range x {
			x[i] = planes[float64](s.channels, block)
		}
		return &x
	}}
	err := parallel(blocks, func(b int) error {
		held := scratch.Get().(*[][][]float64)
		defer scratch.Put(held)
		x := *held
		for i := range x {
			if err := s.read(ctx, x[i], i, win, win.from+b*block); err != nil {
				return err
			}
		}
		for i := range x {
			for j := range s.refs {
				parts[b][i*s.refs+j] = dot(x[i], x[j])
			}
			parts[b][n*s.refs+i] = dot(x[i], x[i])
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	total := make([]float64, n*(s.refs+1))
	for _, p := range parts {
		blas64.Axpy(1, vector(p), vector(total))
	}
	out := &correlations{per: 1, lags: planes[[]float64](n, s.refs), energy: total[n*s.refs:]}
	for i := range n {
		for j := range s.refs {
			out.lags[i][j] = total[i*s.refs+j:][:1]
		}
	}
	return out, nil
}

// blockFor is the number of samples that are read at a time where no filter is fitted:
// less of very many layers, so that a block of them takes no more than 32 MiB.
func blockFor(layers int) int { return min(1<<14, max(16, 1<<22/layers)) }

// dot is the inner product of two signals of several channels.
func dot(a, b [][]float64) float64 {
	var sum float64
	for c := range a {
		sum += blas64.Dot(vector(a[c]), vector(b[c]))
	}
	return sum
}

func dotProduct(a, b []float64) float64 { return blas64.Dot(vector(a), vector(b)) }

// sameReferences lists the references that are multiples of earlier ones.
func (c *correlations) sameReferences(refs int) (same [][2]int) {
	for i := range refs {
		for j := range i {
			var product float64
			for ch := range c.per {
				product += c.lags[i*c.per+ch][j*c.per+ch][0]
			}
			if product*product >= (1-1e-12)*c.energy[i]*c.energy[j] && c.energy[i]*c.energy[j] > 0 {
				same = append(same, [2]int{j, i})
			}
		}
	}
	return same
}

// sameEstimates lists the estimates that are copies of earlier ones. Only products
// with references are known, so they count as copies when all of those agree.
func (c *correlations) sameEstimates(refs int) (same [][2]int) {
	for i := refs; i < 2*refs; i++ {
		for j := refs; j < i; j++ {
			copied := c.energy[i] == c.energy[j] && c.energy[i] > 0
			for ch := range c.per {
				copied = copied && slices.EqualFunc(c.lags[i*c.per+ch], c.lags[j*c.per+ch], slices.Equal[[]float64])
			}
			if copied {
				same = append(same, [2]int{j, i})
			}
		}
	}
	return same
}
