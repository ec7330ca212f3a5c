package multichannel

import (
	"fmt"
	"log/slog"
	"math/cmplx"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/gonum/floats"
)

// humBelow is the frequency in Hz below which channels may have an offset or a hum in common that is not of the room.
const humBelow = 120

// leastOwn is the least part of the power of a channel that is its own, and not another channel at some level, before it
// counts as a copy: -50 dB. That of two microphones a few centimetres apart is far more, that of rounding to 16 bits less.
const leastOwn = 1e-5

// channelPair compares two channels, bin by bin.
type channelPair struct {
	i, j     int
	own, of  float64 // their powers so far
	products complex128
}

// add takes one more bin.
func (p *channelPair) add(re, im, re2, im2 []float64) {
	p.own, p.of = p.own+floats.Dot(re, re)+floats.Dot(im, im), p.of+floats.Dot(re2, re2)+floats.Dot(im2, im2)
	p.products += complex(floats.Dot(re, re2)+floats.Dot(im, im2), floats.Dot(im, re2)-floats.Dot(re, im2))
}

// left is the power of channel i without what is channel j at some level.
func (p *channelPair) left() float64 {
	if p.of == 0 {
		return p.own
	}
	common := cmplx.Abs(p.products)
	return p.own - common*common/p.of
}

// warn tells of channels without sound, and of those that are another's copy, louder or softer: nothing tells sources
// apart there. Of channels that are neither it reads no more than tells so.
func (m *mixture) warn(log *slog.Logger) {
	silent, pairs := m.silentAndAlike()
	m.silent, m.copies = len(silent) == m.channels, len(pairs) > 0
	switch {
	case m.silent:
		log.Warn("there is no sound in what is learnt from; want a part with sound in it")
		return
	case len(silent) > 0:
		var names []string
		for _, i := range silent {
			names = append(names, strconv.Itoa(i+1))
		}
		log.Warn("channels are silent in what is learnt from, so nothing tells sources apart by them; want the microphones alone", "channels", strings.Join(names, ", "))
	}
	if m.copies {
		var names []string
		for i, p := range pairs {
			if i == 0 || pairs[i-1].i != p.i { // each but once
				names = append(names, fmt.Sprintf("%d of %d", p.i+1, p.j+1))
			}
		}
		log.Warn("channels are copies of others but for their level, so nothing tells sources apart by them; want a recording of microphones that stand apart", "channels", strings.Join(names, ", "))
	}
}

// silentAndAlike returns the channels without sound, and the pairs of others of which one is a copy.
func (m *mixture) silentAndAlike() (silent []int, pairs []*channelPair) {
	for i := range m.channels {
		silent = append(silent, i)
		for j := range i {
			pairs = append(pairs, &channelPair{i: i, j: j})
		}
	}
	buf := make([]float64, 2*m.channels*m.stride)
	for f := 0; f < m.bins && len(pairs)+len(silent) > 0; f++ {
		x := m.bin(f).Double(buf).Data
		row := func(i int) (re, im []float64) {
			return x[i*m.stride:][:m.stride], x[(m.channels+i)*m.stride:][:m.stride]
		}
		silent = slices.DeleteFunc(silent, func(i int) bool {
			re, im := row(i)
			return slices.ContainsFunc(re, sounds) || slices.ContainsFunc(im, sounds)
		})
		pairs = slices.DeleteFunc(pairs, func(p *channelPair) bool {
			re, im := row(p.i)
			re2, im2 := row(p.j)
			if f >= m.hum {
				p.add(re, im, re2, im2)
			}
			return p.left() > leastOwn*m.numbers() // the mean power of all channels is 1
		})
	}
	return silent, slices.DeleteFunc(pairs, func(p *channelPair) bool { return p.own == 0 || p.of == 0 || p.left() > leastOwn*p.own })
}

func sounds(x float64) bool { return x != 0 }
