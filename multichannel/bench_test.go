package multichannel

import (
	"testing"

	"github.com/audiosep/audiosep"
)

// 4 channels, 30 s at 16 kHz, frames of 2048 every 512.
const benchBins, benchChannels, benchFrames = 1025, 4, 941

func BenchmarkIVA(b *testing.B) {
	m := problem(1, benchBins, benchChannels, benchFrames)
	for _, update := range []string{"ip1", "ip2", "iss1"} {
		b.Run(update, func(b *testing.B) {
			s := newIVA(newDemixer(m), IVAParams{Model: "laplace", Update: update})
			s.start()
			for b.Loop() {
				s.iterate()
			}
		})
	}
}

func BenchmarkILRMA(b *testing.B) {
	d := newDemixer(problem(1, benchBins, benchChannels, benchFrames))
	for _, update := range []string{"ip1", "iss1"} {
		b.Run(update, func(b *testing.B) {
			p := DefaultILRMA()
			p.Update, p.Rank = update, 4
			s := newILRMA(d, p, audiosep.Env{}, 0)
			s.inChunks(s.first)
			for b.Loop() {
				s.iterate()
			}
		})
	}
}
