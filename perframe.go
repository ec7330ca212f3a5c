package audiosep

import "context"

// PerFrame is the short way to write a real, square Transformer: plan is given M and
// returns what transforms one frame, and what undoes it. Both write all M numbers of
// dst, do not modify src, and may be called from several goroutines at once.
func PerFrame(plan func(m int) (forward, inverse func(dst, src []float64), err error)) Transformer {
	return perFrame(plan)
}

type perFrame func(m int) (forward, inverse func(dst, src []float64), err error)

func (p perFrame) Transform(_ context.Context, m int) (Transform, error) {
	forward, inverse, err := p(m)
	if err != nil {
		return nil, err
	}
	return &perFrameTransform{m, forward, inverse}, nil
}

type perFrameTransform struct {
	m                int
	forward, inverse func(dst, src []float64)
}

func (t *perFrameTransform) Len() int      { return t.m }
func (t *perFrameTransform) Bins() int     { return t.m }
func (t *perFrameTransform) Complex() bool { return false }

func (t *perFrameTransform) Forward(ctx context.Context, dst Coefs, src []float64) error {
	return t.each(ctx, t.forward, dst.Re, src)
}

func (t *perFrameTransform) Inverse(ctx context.Context, dst []float64, src Coefs) error {
	return t.each(ctx, t.inverse, dst, src.Re)
}

func (t *perFrameTransform) each(ctx context.Context, f func(dst, src []float64), dst, src []float64) error {
	for i := 0; i+t.m <= len(src); i += t.m {
		if err := ctx.Err(); err != nil {
			return err
		}
		f(dst[i:i+t.m], src[i:i+t.m])
	}
	return nil
}
