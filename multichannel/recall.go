package multichannel

import (
	"context"

	"github.com/audiosep/audiosep"
)

// learntImages is what is kept of images from one run to the next.
type learntImages struct {
	Channels, Sources int
	W, A              []complex128
	Sums              bool
}

func (im *images) learnt() learntImages {
	return learntImages{im.channels, im.sources, im.w, im.a, im.sums}
}

func (l learntImages) images() *images { return &images{l.Channels, l.Sources, l.W, l.A, l.Sums} }

// recallImages returns the images that learn finds, or that an earlier run of the same found.
func recallImages(ctx context.Context, env audiosep.Env, learn func() (*images, error)) (*images, error) {
	l, err := audiosep.Recall(ctx, env, func() (learntImages, error) {
		im, err := learn()
		if err != nil {
			return learntImages{}, err
		}
		return im.learnt(), nil
	})
	return l.images(), err
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
		return learntMNMF{m.learnt(), m.gains, m.bases, m.acts, m.rank, m.count, m.stride, m.perTake, m.bins, m.eps}, nil
	})
	return &mnmfImages{l.Images.images(), l.Gains, l.Bases, l.Acts, l.Rank, l.Count, l.Stride, l.PerTake, l.Bins, l.Eps}, err
}
