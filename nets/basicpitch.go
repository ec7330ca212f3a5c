package nets

import (
	_ "embed"
	"fmt"
	"math"
	"sync"

	"github.com/audiosep/audiosep/internal/kernel"
	"github.com/audiosep/audiosep/internal/nn"
)

//go:embed basicpitch/weights.npz
var basicPitchWeights []byte

// The sizes of Basic Pitch (Bittner et al., A lightweight instrument-agnostic model for
// polyphonic note transcription and multipitch estimation, ICASSP 2022).
const (
	pitchRate    = 22050 // Hz
	pitchHop     = 256   // samples from a frame to the next
	pitchFrames  = 172   // of a window
	pitchSamples = 2*pitchRate - pitchHop
	octaves      = 9
	octaveBins   = 36 // three a semitone
	cqtBins      = 309
	cqtLength    = 256 // samples of a kernel, at the rate of its octave
	contourBins  = 264
	pitches      = 88 // keys of a piano, from lowestPitch
	lowestPitch  = 21 // MIDI number
	cqtLanes     = (pitchFrames + 7) / 8 * 8
)

// stackShifts are where the harmonics ½, 1, 2, … 7 of a bin are, in bins above it.
var stackShifts = [8]int{-36, 0, 36, 57, 72, 84, 93, 101}

// basicPitch is the network's weights.
type basicPitch struct {
	cqt                  []float64    // [real and imaginary parts of octaveBins][sample]
	lowpass              [2][]float64 // even and odd taps
	scale                []float64    // of each bin
	gain, offset         float64      // of the batch normalisation behind
	contour, note, onset [2]nn.Conv
}

var loadBasicPitch = sync.OnceValues(func() (*basicPitch, error) {
	w, err := nn.ReadWeights(basicPitchWeights)
	if err != nil {
		return nil, fmt.Errorf("the weights of Basic Pitch: %w", err)
	}
	b := &basicPitch{cqt: w.Take("cqt", 2*octaveBins, cqtLength), scale: w.Take("scale", cqtBins)}
	for i, tap := range w.Take("lowpass", cqtLength) {
		b.lowpass[i%2] = append(b.lowpass[i%2], tap)
	}
	norm := w.Take("norm", 2)
	b.gain, b.offset = norm[0], norm[1]
	b.contour = [2]nn.Conv{w.Conv2D("contour1", 8, 8, 3, 39), w.Conv2D("contour2", 1, 8, 5, 5)}
	b.note = [2]nn.Conv{w.Conv2D("note1", 32, 3, 7, 3), w.Conv2D("note2", 1, 32, 7, 3)}
	b.onset = [2]nn.Conv{w.Conv2D("onset1", 32, 24, 5, 3), w.Conv2D("onset2", 1, 33, 3, 3)}
	if err := w.Err(); err != nil {
		return nil, fmt.Errorf("the weights of Basic Pitch: %w", err)
	}
	return b, nil
})

// basicPitchState is memory for one window. Planes are [channel][frame][bin].
type basicPitchState struct {
	*basicPitch
	sums          kernel.Overlapping
	x             []float64    // an octave's samples, between mirror images of half a kernel
	phases        [2][]float64 // even and odd samples, between zeros
	windows       []float64    // [sample of a kernel][frame]
	octave        []float64    // [part of a bin][frame]
	bins          []float64    // [frame][bin]
	stack         *nn.Planes   // 8 harmonics
	contours      *nn.Planes   // 8 channels
	contour       *nn.Planes
	stackThirds   *nn.Planes // 24 channels: harmonics of the bins 3n, 3n+1, 3n+2
	contourThirds *nn.Planes
	notes         *nn.Planes // 32 channels
	onsets        *nn.Planes // the notes and 32 channels
	note, onset   *nn.Planes // of the 88 pitches: how likely each sounds, and begins, in a frame
}

func (b *basicPitch) state() *basicPitchState {
	planes := func(c, bins, margin, side int) *nn.Planes { return nn.NewPlanes(c, pitchFrames, bins, margin, side) }
	s := &basicPitchState{
		basicPitch: b,
		x:          make([]float64, pitchSamples+cqtLength), windows: make([]float64, cqtLength*cqtLanes),
		octave: make([]float64, 2*octaveBins*cqtLanes), bins: make([]float64, pitchFrames*cqtBins),
		stack: planes(8, contourBins, 1, 19), contours: planes(8, contourBins, 2, 2), contour: planes(1, contourBins, 0, 0),
		stackThirds: planes(24, pitches, 2, 1), contourThirds: planes(3, pitches, 3, 1),
		notes: planes(32, pitches, 3, 1), onsets: planes(33, pitches, 1, 1), note: planes(1, pitches, 0, 0), onset: planes(1, pitches, 0, 0),
	}
	for i := range s.phases {
		s.phases[i] = make([]float64, pitchSamples/2+cqtLength+8)
	}
	return s
}

// run has note and onset of a window of pitchSamples samples.
func (s *basicPitchState) run(window []float64) {
	s.transform(window)
	s.normalise()
	for h, shift := range stackShifts {
		for t := range pitchFrames {
			row, bins := s.stack.Row(h, t), s.bins[t*cqtBins:(t+1)*cqtBins]
			for n := range row {
				row[n] = 0
				if at := n + shift; at >= 0 && at < cqtBins {
					row[n] = bins[at]
				}
			}
		}
	}
	s.contour1()
	thirds(s.contourThirds, s.contour)
	s.rectified(s.notes, s.contourThirds, &s.basicPitch.note[0])
	s.sigmoid(s.note, s.notes, &s.basicPitch.note[1])
	thirds(s.stackThirds, s.stack)
	onset := s.basicPitch.onset
	s.rectified(s.notes, s.stackThirds, &onset[0]) // notes are done with
	for t := range pitchFrames {
		copy(s.onsets.Row(0, t), s.note.Row(0, t))
		for c := range s.notes.C {
			copy(s.onsets.Row(c+1, t), s.notes.Row(c, t))
		}
	}
	s.sigmoid(s.onset, s.onsets, &onset[1])
}

func (s *basicPitchState) contour1() {
	s.rectified(s.contours, s.stack, &s.basicPitch.contour[0])
	s.sigmoid(s.contour, s.contours, &s.basicPitch.contour[1])
}

func (s *basicPitchState) rectified(y, x *nn.Planes, c *nn.Conv) {
	c.Apply(&s.sums, y, x, 0)
	relu(y, 0)
}

func (s *basicPitchState) sigmoid(y, x *nn.Planes, c *nn.Conv) {
	c.Apply(&s.sums, y, x, 0)
	nn.Sigmoid(y.Rows(0))
}

// thirds deals the bins 3n, 3n+1 and 3n+2 of each channel to three.
func thirds(dst, src *nn.Planes) {
	for c := range src.C {
		for t := range src.R {
			x := src.Row(c, t)
			for p := range 3 {
				for n := range dst.Row(3*c+p, t) {
					dst.Row(3*c+p, t)[n] = x[3*n+p]
				}
			}
		}
	}
}

// transform has the constant-Q magnitudes of a window in bins: octave after octave with the same
// kernels, from the uppermost down, at half the rate each (Schörkhuber and Klapuri, 2010).
func (s *basicPitchState) transform(window []float64) {
	const half = cqtLength / 2
	n := len(window)
	copy(s.x[half:], window)
	for o, hop := 0, pitchHop; o < octaves; o, hop = o+1, hop/2 {
		for i := range half { // mirrored at the first sample and at the last
			s.x[half-1-i] = s.x[half+1+i]
			s.x[half+n+i] = s.x[half+n-2-i]
		}
		for i := range cqtLength {
			row := s.windows[i*cqtLanes : i*cqtLanes+pitchFrames]
			for t := range row {
				row[t] = s.x[i+t*hop]
			}
		}
		clear(s.octave)
		s.sums.Add(s.octave, cqtLanes, s.cqt, cqtLength, 2*octaveBins, cqtLength, s.windows, cqtLanes, cqtLanes)
		first := cqtBins - (o+1)*octaveBins
		for k := max(0, -first); k < octaveBins; k++ {
			re, im := s.octave[k*cqtLanes:], s.octave[(octaveBins+k)*cqtLanes:]
			scale := s.scale[first+k]
			for t := range pitchFrames {
				s.bins[t*cqtBins+first+k] = scale * math.Sqrt(re[t]*re[t]+im[t]*im[t])
			}
		}
		if o+1 < octaves {
			n = s.halve(n)
		}
	}
}

// halve filters the n samples in x, takes every second and returns how many that are.
func (s *basicPitchState) halve(n int) int {
	const half = cqtLength / 2
	x := s.x[half : half+n]
	for p, phase := range s.phases { // sample i of the filter's input is x[i-(half-1)]
		clear(phase)
		for i := range (n + 1) / 2 {
			if at := 2*i + 1 - p; at < n {
				phase[half/2-p+i] = x[at]
			}
		}
	}
	m := (n-2)/2 + 1
	padded := (m + 7) / 8 * 8
	y := s.x[half : half+padded]
	clear(s.x[half:])
	for p, phase := range s.phases {
		s.sums.Add(y, padded, s.lowpass[p], half, 1, half, phase, 1, padded)
	}
	return m
}

// normalise takes the bins to decibels, from 0 at the least of a window to 1 at the most, and
// normalises these as the network was trained.
func (s *basicPitchState) normalise() {
	least, most := math.Inf(1), math.Inf(-1)
	for i, x := range s.bins {
		s.bins[i] = x*x + 1e-10
	}
	kernel.Log(s.bins, s.bins)
	for _, x := range s.bins {
		least, most = min(least, x), max(most, x)
	}
	for i, x := range s.bins {
		if most > least {
			x = (x - least) / (most - least)
		} else {
			x = 0
		}
		s.bins[i] = s.gain*x + s.offset
	}
}
