package contract

import (
	"context"
	"errors"
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
		return nil, fmt.Errorf("a transform of %d samples: %w", m, fails(err))
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
		{prefix + "round trip", "Inverse(Forward(y)) = y to 1e-9 of each frame's norm, or overlap-add gives the recording back.",
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
				return nil, touched(arg), fails(err)
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
				return nil, touched(re, im), fails(err)
			}
			return dst.data, touched(re, im), dst.check("dst")
		},
	}, nil
}

func roundTrip(ctx context.Context, s *subject, transform transformMaker) error {
	t, err := transform(s, ctx, 0)
	if err != nil {
		err = s.lengthWanted(ctx, transform, err)
		if errors.As(err, new(*hinted)) {
			return &stop{err}
		}
		return ordinary(err)
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
			if lapped, err := comesBackLapped(ctx, t); err != nil || lapped {
				return errors.Join(err, advice("a frame does not come back by itself, but frames with sine windows, half overlapped, do by overlap-add; better say in Doc that it wants these"))
			}
			return fmt.Errorf("a frame of norm %.3g comes back %.3g away; want at most 1e-9 of its norm, or a recording that comes back by overlap-add", norm, off)
		}
	}
	return nil
}

// lengthWanted says of a transform that is not made for the usual length, for which it is.
func (s *subject) lengthWanted(ctx context.Context, transform transformMaker, err error) error {
	for _, m := range []int{128, 96, 64, 1024} {
		if s.o.Length > 0 || ctx.Err() != nil {
			break
		}
		if _, other := transform(s, ctx, m); other == nil {
			return &hinted{fmt.Errorf("%w; one of %d samples is made", err, m), fmt.Sprintf(
				"if only some lengths make sense, test with one of them: audiosep plugin test --length %d, or Length in Options", m)}
		}
	}
	return err
}

// comesBackLapped tells whether a recording comes back by overlap-add of its frames under sine
// windows, half overlapped, as it does under lapped transforms (Princen, Bradley, 1986), whose
// frames by themselves do not.
func comesBackLapped(ctx context.Context, t audiosep.Transform) (bool, error) {
	m := t.Len()
	if m%2 != 0 {
		return false, nil
	}
	w := make([]float64, m)
	for i := range w {
		w[i] = math.Sin(math.Pi * (float64(i) + 0.5) / float64(m))
	}
	x := &audiosep.Signal{Rate: 8000, Channels: 1, Data: [][]float64{random("lapped", 20*m)}}
	h, err := x.Head(ctx)
	if err != nil {
		return false, err
	}
	f := audiosep.Framing{Head: h, Length: m, Hop: m / 2, Pad: m / 2, Share: 1, Analysis: w, Synthesis: w}
	var y audiosep.Frames
	if err := f.Cut(ctx, &y, x, 0, f.Frames()); err != nil {
		return false, err
	}
	coefs, err := forward(t).of(ctx, y.Data[0])
	if err != nil {
		return false, err
	}
	inv, err := inverse(ctx, t)
	if err != nil {
		return false, err
	}
	back, err := inv.of(ctx, coefs)
	if err != nil {
		return false, err
	}
	for i, v := range audiosep.NewJoiner(f, 1).Add([][]float64{back}, f.Frames())[0] {
		if !(math.Abs(v-x.Data[0][i]) <= 1e-9) {
			return false, nil
		}
	}
	return true, nil
}
