package factorizers

import (
	"context"

	"github.com/audiosep/audiosep"
)

// ilrtaStems separates: source j is P⁻¹ Ẑ_j R⁻ᵀ, Ẑ_j being the part of z that its components
// have of λ, each with its share of eps; so the sources sum to the mixture.
type ilrtaStems struct {
	*tensor
	z, p, r planes // P X Rᵀ; P⁻¹ and R⁻¹, empty where they are I
	w, h    []float64
	rank    int
	eps     float64
	groups  [][]int
}

// stems returns the sources that f says, else one a component.
func (l *ilrtaSolver) stems(ctx context.Context, x audiosep.Spectra, mix *tensor, f *audiosep.Factors) (audiosep.Stems, error) {
	s := &ilrtaStems{tensor: mix, z: mix.planes, w: l.w, h: l.h, rank: l.rank, eps: l.eps}
	names := componentNames(l.rank)
	for k := range l.rank {
		s.groups = append(s.groups, []int{k})
	}
	if f.Sources != nil {
		names, s.groups = nil, nil
		for _, g := range f.Sources {
			names, s.groups = append(names, g.Name), append(s.groups, g.Components)
		}
	}
	var err error
	total := mix.cols * mix.per
	if l.learnP {
		s.z = mix.like(len(mix.re))
		s.z.times(l.p.matrix, mix.planes, mix.bins, total, false)
		if s.p, err = l.p.matrix.inverse(ctx, mix.bins); err != nil {
			return nil, err
		}
	}
	if l.learnR {
		before := s.z
		s.z = mix.like(len(mix.re))
		for m := range mix.bins {
			s.z.row(m, total).times(l.r.matrix, before.row(m, total), mix.cols, mix.per, false)
		}
		if s.r, err = l.r.matrix.inverse(ctx, mix.cols); err != nil {
			return nil, err
		}
	}
	return audiosep.Separated(x, names, 0, s.separate), nil
}

// separate writes all sources in some frames.
func (s *ilrtaStems) separate(ctx context.Context, dst [][]audiosep.Coefs, x *audiosep.Spectrogram, _, n int) error {
	from, to := x.First, x.First+n
	if s.r.re != nil { // every frame is of all
		from, to = 0, s.cols
	}
	size := (to - from) * s.bins
	part, mixed := s.z.like(size), s.z.like(n*s.bins)
	mask := make([]float64, s.bins)
	for l := range s.layers {
		for j := range s.groups {
			if err := ctx.Err(); err != nil {
				return err
			}
			s.part(part, mask, j, l, from, to)
			y := part
			if s.r.re != nil {
				mixed.times(s.r.rows(x.First, n, s.cols), part, s.cols, s.bins, false)
				y = mixed
			}
			out := planes{dst[j][l].Re, dst[j][l].Im}
			if s.p.re == nil {
				out.copy(y)
				continue
			}
			out.times(y, s.p, s.bins, s.bins, true)
		}
	}
	return nil
}

// part sets dst, frame after frame, to what source j has of frames from to to-1 of z in a layer.
func (s *ilrtaStems) part(dst planes, mask []float64, j, layer, from, to int) {
	total := s.cols * s.per
	for t := from; t < to; t++ {
		col := t / s.shared
		for m := range s.bins {
			all, own := s.eps, s.eps*float64(len(s.groups[j]))/float64(s.rank)
			for k, w := range s.w[m*s.rank : (m+1)*s.rank] {
				all += w * s.h[k*s.cols+col]
			}
			for _, k := range s.groups[j] {
				own += s.w[m*s.rank+k] * s.h[k*s.cols+col]
			}
			mask[m] = own / all
		}
		for m, q := range mask {
			at, to := m*total+t*s.layers+layer, (t-from)*s.bins+m
			dst.re[to] = q * s.z.re[at]
			if dst.im != nil {
				dst.im[to] = q * s.z.im[at]
			}
		}
	}
}
