package multichannel

import (
	"cmp"
	"fmt"
	"log/slog"
	"math"
	"math/cmplx"
	"slices"

	"github.com/audiosep/audiosep"
)

// Line says how the microphones stand, so that the log tells where the sources are.
type Line struct {
	Spacing float64 `json:"spacing" min:"0" max:"100" unit:"m" doc:"From one microphone to the next, if they stand in a line, in the order of the channels: the log then tells the direction of each source. 0: not known."`
	Order   string  `json:"order" oneof:"found|angle" doc:"In what order the sources are numbered: as they were found, or by angle, from the direction of the first microphone on; that needs spacing."`
}

func defaultLine() Line { return Line{Order: "found"} }

// validate checks what the ranges do not say.
func (l Line) validate() error {
	if l.Order == "angle" && l.Spacing == 0 {
		return &audiosep.ParamError{Name: "order", What: "is angle, and spacing is not known; want the distance of the microphones"}
	}
	return nil
}

// locate tells log where the sources are and, if asked to, puts them in order.
func (s *images) locate(l Line, x audiosep.Spectra, log *slog.Logger) error {
	if l.Spacing == 0 {
		return nil
	}
	hz := audiosep.PowerOf(x, nil).Hz()
	if hz == nil {
		return fmt.Errorf("the bins have no frequencies, and so no directions; want those of stft, or a spacing of 0")
	}
	angles := s.directions(hz, l.Spacing)
	order := make([]int, s.sources)
	for n := range order {
		order[n] = n
	}
	if l.Order == "angle" {
		slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(angles[i], angles[j]) })
		s.reorder(order)
	}
	for n, i := range order {
		log.Info("a source was located", "source", n+1, "angle", math.Round(angles[i]))
	}
	return nil
}

// directions returns for each source the angle between it and the line of microphones, 0° to
// 180°, 0° on the side of the first: that to which the phases of its steering vectors fit best,
// each bin and microphone counting alike (as SRP-PHAT does with a recording: DiBiase, A
// high-accuracy, low-latency technique for talker localization in reverberant environments,
// 2000). A source behind the line has the angle of its mirror image.
func (s *images) directions(hz []float64, spacing float64) []float64 {
	const steps = 720
	angles := make([]float64, s.sources)
	score := make([]float64, steps+1)
	for n := range angles {
		clear(score)
		for f, frequency := range hz {
			a := s.a[(f*s.sources+n)*s.channels:][:s.channels]
			for c := 1; c < s.channels; c++ {
				z := a[c] * cmplx.Conj(a[0])
				if size(z) == 0 || frequency == 0 {
					continue
				}
				phase, most := cmplx.Phase(z), 2*math.Pi*frequency*float64(c)*spacing/speedOfSound
				for i := range score {
					score[i] += math.Cos(phase + most*math.Cos(math.Pi*float64(i)/steps))
				}
			}
		}
		best := 0
		for i, v := range score {
			if v > score[best] {
				best = i
			}
		}
		angles[n] = 180 * float64(best) / steps
	}
	return angles
}

// reorder makes source order[n] the n-th.
func (s *images) reorder(order []int) {
	w, a := slices.Clone(s.w), slices.Clone(s.a)
	c := s.channels
	for at := 0; at < len(w); at += s.sources * c {
		for n, i := range order {
			copy(s.w[at+n*c:at+(n+1)*c], w[at+i*c:])
			copy(s.a[at+n*c:at+(n+1)*c], a[at+i*c:])
		}
	}
}
