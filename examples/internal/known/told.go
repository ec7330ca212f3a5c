package known

import (
	"math"
	"slices"

	"github.com/audiosep/audiosep"
)

// Voice tells whether one of the stems is speech.
func (r *Recording) Voice() bool { return slices.Contains(r.Names, "speech") }

// First returns the first channel, or microphone, of a recording.
func (r *Recording) First() *Recording {
	one := *r
	one.Mix = FirstChannel(r.Mix)
	one.Stems = nil
	for _, s := range r.Stems {
		one.Stems = append(one.Stems, FirstChannel(s))
	}
	return &one
}

// FirstChannel returns the first channel of a signal.
func FirstChannel(s *audiosep.Signal) *audiosep.Signal {
	return &audiosep.Signal{Rate: s.Rate, Channels: 1, Data: s.Data[:1]}
}

// Halves returns the two halves of a signal.
func Halves(s *audiosep.Signal) (first, second *audiosep.Signal) {
	n := len(s.Data[0])
	return part(s, 0, n/2), part(s, n/2, n)
}

// part returns samples from to to-1 of a signal.
func part(s *audiosep.Signal, from, to int) *audiosep.Signal {
	out := &audiosep.Signal{Rate: s.Rate, Channels: s.Channels}
	for _, x := range s.Data {
		out.Data = append(out.Data, x[from:to])
	}
	return out
}

// Labels returns when each stem is within 40 dB of its loudest tenth of a second.
func (r *Recording) Labels() (labels audiosep.Notes) {
	const step = 0.1
	for j, s := range r.Stems {
		n := int(step * float64(s.Rate))
		var energy []float64
		most := 0.0
		for at := 0; at < len(s.Data[0]); at += n {
			sum := 0.0
			for _, x := range s.Data {
				for _, a := range x[at:min(at+n, len(x))] {
					sum += a * a
				}
			}
			energy, most = append(energy, sum), max(most, sum)
		}
		for i, e := range energy {
			if e > 1e-4*most {
				labels = append(labels, audiosep.Note{Onset: step * float64(i), Offset: step * float64(i+1), Pitch: math.NaN(), Source: r.Names[j], Velocity: 1})
			}
		}
	}
	return labels
}
