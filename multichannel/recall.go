package multichannel

import (
	"context"

	"github.com/audiosep/audiosep"
)

// learntImages is what is kept of images from one run to the next.
type learntImages struct {
	Channels, Sources int
	W, A              []complex128
}

// recallImages returns the images that learn finds, or that an earlier run of the same found.
func recallImages(ctx context.Context, env audiosep.Env, learn func() (*images, error)) (*images, error) {
	l, err := audiosep.Recall(ctx, env, func() (learntImages, error) {
		im, err := learn()
		if err != nil {
			return learntImages{}, err
		}
		return learntImages{im.channels, im.sources, im.w, im.a}, nil
	})
	return &images{l.Channels, l.Sources, l.W, l.A}, err
}

// learntMNMF is what is kept of mnmfImages.
type learntMNMF struct {
	Images                             learntImages
	Gains, Bases, Acts                 []float64
	Rank, Count, Stride, PerTake, Bins int
	Eps                                float64
}

// recallMNMF is recallImages for the model of fast_mnmf.
func recallMNMF(ctx context.Context, env audiosep.Env, learn func() (*mnmfImages, error)) (*mnmfImages, error) {
	l, err := audiosep.Recall(ctx, env, func() (learntMNMF, error) {
		m, err := learn()
		if err != nil {
			return learntMNMF{}, err
		}
		return learntMNMF{learntImages{m.channels, m.sources, m.w, m.a}, m.gains, m.bases, m.acts, m.rank, m.count, m.stride, m.perTake, m.bins, m.eps}, nil
	})
	im := l.Images
	return &mnmfImages{&images{im.Channels, im.Sources, im.W, im.A}, l.Gains, l.Bases, l.Acts, l.Rank, l.Count, l.Stride, l.PerTake, l.Bins, l.Eps}, err
}
