package contract

import (
	"context"
	"fmt"
	"math"

	"github.com/audiosep/audiosep"
)

// transformMaker makes the Transform on trial, for m samples a frame if it can.
type transformMaker func(s *subject, ctx context.Context, m int) (audiosep.Transform, error)

func (s *subject) transformer(ctx context.Context, m int) (audiosep.Transform, error) {
	if m == 0 {
		m = s.o.Length
	}
	if m == 0 {
		m = 100 // above 64, where matrix products start to be cut in blocks
	}
	stage, err := build[audiosep.Transformer](s)
	if err != nil {
		return nil, err
	}
	t, err := stage.Transform(ctx, m)
	if err != nil {
		return nil, fmt.Errorf("a transform of %d samples: %w", m, err)
	}
	if t == nil {
		return nil, fmt.Errorf("the transform of %d samples is nil and so is the error; want one of them", m)
	}
	if t.Len() != m {
		return nil, fmt.Errorf("the transform for frames of %d samples has Len %d; want %d", m, t.Len(), m)
	}
	return t, nil
}

func transformChecks(prefix string, transform transformMaker) []check {
	checks := []check{
		{prefix + "round trip", "Inverse(Forward(y)) = y to 1e-9 of each frame's norm.",
			"compare with the plain sum over samples; look at the scaling of the first and last bin and of conjugate bins",
			func(ctx context.Context, s *subject) error { return roundTrip(ctx, s, transform) }},
	}
	checks = append(checks, localChecks(prefix+"Forward", func(ctx context.Context, s *subject, m int) (*local, error) {
		t, err := transform(s, ctx, m)
		if err != nil {
			return nil, err
		}
		return forward(t), nil
	})...)
	return append(checks, localChecks(prefix+"Inverse", func(ctx context.Context, s *subject, m int) (*local, error) {
		t, err := transform(s, ctx, m)
		if err != nil {
			return nil, err
		}
		return inverse(ctx, t)
	})...)
}

// parts is how many numbers a coefficient has.
func parts(t audiosep.Transform) int {
	if t.Complex() {
		return 2
	}
	return 1
}

func forward(t audiosep.Transform) *local {
	bins, in := t.Bins(), t.Len()
	return &local{
		in: in, out: parts(t) * bins, mayFinish: true,
		input: func(n int) []float64 { return random("frames", n*in) },
		call: func(ctx context.Context, src []float64, n int) ([]float64, error, error) {
			re, im := newGuarded(n*bins), newGuarded(n*bins)
			dst := audiosep.Coefs{Re: re.data}
			if t.Complex() {
				dst.Im = im.data
			}
			src = append([]float64(nil), src...)
			arg := watch("src", src)
			if err := t.Forward(ctx, dst, src); err != nil {
				return nil, touched(arg), err
			}
			if err := re.check("dst.Re"); err != nil {
				return nil, touched(arg), err
			}
			if t.Complex() {
				if err := im.check("dst.Im"); err != nil {
					return nil, touched(arg), err
				}
			}
			return interleave(dst, bins, n), touched(arg), nil
		},
	}
}

// interleave returns the real and then the imaginary parts of each frame.
func interleave(c audiosep.Coefs, bins, n int) []float64 {
	out := make([]float64, 0, len(c.Re)+len(c.Im))
	for i := range n {
		f := c.Slice(i, i+1, bins)
		out = append(append(out, f.Re...), f.Im...)
	}
	return out
}

// separated undoes interleave.
func separated(x []float64, bins, n int, complex bool) audiosep.Coefs {
	c := audiosep.Coefs{Re: make([]float64, n*bins)}
	if complex {
		c.Im = make([]float64, n*bins)
	}
	for i := range n {
		f := c.Slice(i, i+1, bins)
		x = x[copy(f.Re, x):]
		x = x[copy(f.Im, x):]
	}
	return c
}

func inverse(ctx context.Context, t audiosep.Transform) (*local, error) {
	bins, m := t.Bins(), t.Len()
	fwd := forward(t)
	// The coefficients of real frames, as others need not be those of any frame.
	coefs, err := fwd.of(ctx, fwd.input(usual))
	if err != nil {
		return nil, err
	}
	return &local{
		in: parts(t) * bins, out: m, mayFinish: true,
		input: func(n int) []float64 {
			x := make([]float64, 0, n*parts(t)*bins)
			for len(x) < cap(x) {
				x = append(x, coefs[:min(len(coefs), cap(x)-len(x))]...)
			}
			return x
		},
		call: func(ctx context.Context, src []float64, n int) ([]float64, error, error) {
			dst, x := newGuarded(n*m), separated(src, bins, n, t.Complex())
			re, im := watch("src.Re", x.Re), watch("src.Im", x.Im)
			if err := t.Inverse(ctx, dst.data, x); err != nil {
				return nil, touched(re, im), err
			}
			return dst.data, touched(re, im), dst.check("dst")
		},
	}, nil
}

func roundTrip(ctx context.Context, s *subject, transform transformMaker) error {
	t, err := transform(s, ctx, 0)
	if err != nil {
		return err
	}
	fwd := forward(t)
	src := fwd.input(usual)
	for n, scale := range []float64{0, 1, 1e-9, 1e6} {
		for m := range fwd.in {
			src[n*fwd.in+m] *= scale
		}
	}
	for n := range min(fwd.in, usual-4) { // an impulse in each place
		frame := src[(n+4)*fwd.in : (n+5)*fwd.in]
		clear(frame)
		frame[n] = 1
	}
	coefs, err := fwd.of(ctx, src)
	if err != nil {
		return err
	}
	inv, err := inverse(ctx, t)
	if err != nil {
		return err
	}
	back, err := inv.of(ctx, coefs)
	if err != nil {
		return err
	}
	for n := range usual {
		var norm, off float64
		for m := n * fwd.in; m < (n+1)*fwd.in; m++ {
			norm = math.Hypot(norm, src[m])
			off = math.Hypot(off, back[m]-src[m])
		}
		if !(off <= 1e-9*norm) {
			return fmt.Errorf("a frame of norm %.3g comes back %.3g away; want at most 1e-9 of its norm", norm, off)
		}
	}
	return nil
}
