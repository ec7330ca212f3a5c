package metrics

import (
	"math/rand/v2"
	"testing"

	"github.com/audiosep/audiosep"
)

// coloured returns n references of the given length, channels apart, and estimates
// with leakage and noise.
func coloured(n, channels, samples int, seed uint64) (refs, ests []audiosep.Source) {
	rng := rand.New(rand.NewPCG(seed, 1))
	for j := range n {
		r := &audiosep.Signal{Rate: 44100, Channels: channels, Data: planes[float64](channels, samples)}
		for _, d := range r.Data {
			for t := range d {
				d[t] = rng.NormFloat64()
				if t > 0 {
					d[t] += (0.5 + 0.1*float64(j%4)) * d[t-1]
				}
			}
		}
		refs = append(refs, r)
	}
	for j := range n {
		e := &audiosep.Signal{Rate: 44100, Channels: channels, Data: planes[float64](channels, samples)}
		for c, d := range e.Data {
			for t := range d {
				d[t] = refs[j].(*audiosep.Signal).Data[c][t] + 0.2*refs[(j+1)%n].(*audiosep.Signal).Data[c][t] + 0.05*rng.NormFloat64()
			}
		}
		ests = append(ests, e)
	}
	return refs, ests
}

// Four sources, 60 s at 44.1 kHz.
func BenchmarkEvaluate(b *testing.B) {
	for _, channels := range []int{1, 2} {
		refs, ests := coloured(4, channels, 60*44100, 1)
		for _, c := range Conventions() {
			b.Run(string(c)+[]string{"/mono", "/stereo"}[channels-1], func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := Evaluate(b.Context(), refs, ests, nil, Options{Convention: c}); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// The factor of the Gram matrix of four mono and four stereo sources.
func BenchmarkFactorise(b *testing.B) {
	for _, m := range []int{4, 8} {
		lags := randomLags(m, 512, 1)
		b.Run([]string{"mono", "stereo"}[m/8], func(b *testing.B) {
			for b.Loop() {
				if _, err := factorise(lags, m); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
