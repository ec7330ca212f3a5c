package metrics

import (
	"context"

	"github.com/audiosep/audiosep"
)

// centred is a recording less the mean of each channel.
type centred struct {
	audiosep.Source
	samples int
	mean    []float64 // [channel]
}

// centre reads a recording through for its means.
func centre(ctx context.Context, s audiosep.Source, h audiosep.Head) (audiosep.Source, error) {
	c := &centred{Source: s, samples: h.Samples, mean: make([]float64, h.Layers())}
	x := planes[float64](h.Layers(), min(h.Samples, blockFor(h.Layers())))
	for at := 0; at < h.Samples; at += len(x[0]) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := s.ReadAt(ctx, x, at); err != nil {
			return nil, err
		}
		for l, d := range x {
			for _, v := range d {
				c.mean[l] += v
			}
		}
	}
	for l := range c.mean {
		c.mean[l] /= float64(h.Samples)
	}
	return c, nil
}

// ReadAt fills dst[layer] with the samples from at on; zeros outside the recording.
func (c *centred) ReadAt(ctx context.Context, dst [][]float64, at int) error {
	if err := c.Source.ReadAt(ctx, dst, at); err != nil {
		return err
	}
	for l, d := range dst {
		for t := max(0, -at); t < min(len(d), c.samples-at); t++ {
			d[t] -= c.mean[l]
		}
	}
	return nil
}

// channel is one channel of a recording.
type channel struct {
	audiosep.Source
	all, one int
}

// Head says what the recording is, of one channel.
func (c channel) Head(ctx context.Context) (audiosep.Head, error) {
	h, err := c.Source.Head(ctx)
	h.Channels = 1
	return h, err
}

// ReadAt fills dst[0] with the samples from at on; zeros outside the recording. The
// other channels are read piece by piece, since there may be many.
func (c channel) ReadAt(ctx context.Context, dst [][]float64, at int) error {
	x := planes[float64](c.all, min(len(dst[0]), blockFor(c.all)))
	for n := 0; n < len(dst[0]); n += len(x[0]) {
		part := make([][]float64, c.all)
		for l := range part {
			part[l] = x[l][:min(len(x[l]), len(dst[0])-n)]
		}
		part[c.one] = dst[0][n:][:len(part[0])]
		if err := c.Source.ReadAt(ctx, part, at+n); err != nil {
			return err
		}
	}
	return nil
}
