// Package picture makes pictures of spectrograms: numbers from 0 to 255 in rows that are evenly
// spaced in octaves.
package picture

import (
	"math"
	"slices"
)

const (
	// Rows is how many frequencies a picture has.
	Rows = 320
	// Step is what one step of a picture's numbers is, in dB; 255 is what it is relative to.
	Step = 0.5
	// lowest is the lower edge of row 0, in Hz.
	lowest = 30.0
)

// Scale says which bins each row of a picture shows. Row 0 is the lowest.
type Scale struct {
	Low, High float64 // Hz, of the lower edge of row 0 and the upper edge of the last
	From, To  []int   // bins [From, To) of each row, at least one
}

// NewScale returns that of bins whose frequencies are hz, in Hz and rising, up to half the
// sample rate.
func NewScale(hz []float64, nyquist float64) *Scale {
	s := &Scale{Low: min(lowest, nyquist/8), High: nyquist}
	edge := func(i int) float64 { return s.Low * math.Pow(s.High/s.Low, float64(i)/Rows) }
	bin := 0
	for i := range Rows {
		for bin < len(hz)-1 && hz[bin] < edge(i) {
			bin++
		}
		to := bin
		for to < len(hz) && hz[to] < edge(i+1) {
			to++
		}
		from := bin
		if to == from { // no bin has its middle in this row: the nearest
			middle := math.Sqrt(edge(i) * edge(i+1))
			if from > 0 && middle-hz[from-1] < hz[from]-middle {
				from--
			}
			to = from + 1
		}
		s.From, s.To = append(s.From, from), append(s.To, to)
	}
	return s
}

// Loudness is 0 to 255 for a power, 255 being full.
func Loudness(power, full float64) byte {
	if !(power > 0) || !(full > 0) {
		return 0
	}
	return byte(max(0, min(255, math.Round(255+10*math.Log10(power/full)/Step))))
}

// Spectrum returns a column of magnitudes as Rows numbers, in steps of a quarter dB below its
// greatest.
func (s *Scale) Spectrum(w []float64) []byte {
	out := make([]byte, Rows)
	most := slices.Max(w)
	for i := range out {
		if x := slices.Max(w[s.From[i]:s.To[i]]); x > 0 && most > 0 {
			out[i] = byte(max(0, min(255, math.Round(255+4*20*math.Log10(x/most)))))
		}
	}
	return out
}

// Activation returns a row of activations as at most points numbers: the root of the greatest
// of each run, 255 being that of most.
func Activation(h []float64, most float64, points int) []byte {
	run := max(1, (len(h)+points-1)/points)
	out := make([]byte, 0, points)
	for part := range slices.Chunk(h, run) {
		x := slices.Max(part)
		if most > 0 {
			x = math.Sqrt(x / most)
		}
		out = append(out, byte(math.Round(255*min(1, x))))
	}
	return out
}
