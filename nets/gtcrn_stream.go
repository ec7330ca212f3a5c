package nets

import (
	"math"
	"sync"

	"github.com/audiosep/audiosep/internal/fft"
)

// gtcrnStream is GTCRN with what is around it, for the channels that share a mask.
type gtcrnStream struct {
	channels int
	net      *gtcrnState
	forward  *fft.Plan
	inverse  *fft.Plan
	window   []float64
	past     [][]float64 // [channel] the hop before
	tail     [][]float64 // [channel] the second half of the last frame
	frames   []float64
	re, im   [][]float64 // [channel][frame*bins+bin]
	mix      [2][]float64
	across   [2][]float64 // [bin][frame], of the network's input
}

// The transforms of all streams.
var (
	gtcrnForward = sync.OnceValue(func() *fft.Plan { return fft.NewReal(gtcrnLength, gtcrnLength, 1) })
	gtcrnInverse = sync.OnceValue(func() *fft.Plan { return fft.NewRealInverse(gtcrnLength, gtcrnLength, 1.0/gtcrnLength) })
)

func newGTCRNStream(channels int) (network, error) {
	net, err := newGTCRNState()
	if err != nil {
		return nil, err
	}
	s := &gtcrnStream{
		channels: channels, net: net, window: make([]float64, gtcrnLength), frames: make([]float64, gtcrnFrames*gtcrnLength),
		forward: gtcrnForward(), inverse: gtcrnInverse(),
		past: grown(nil, channels, gtcrnHop), tail: grown(nil, channels, gtcrnHop),
		re: grown(nil, channels, gtcrnFrames*gtcrnBins), im: grown(nil, channels, gtcrnFrames*gtcrnBins),
	}
	for i := range s.window { // √Hann, periodic: its squares overlap to 1
		s.window[i] = math.Sin(math.Pi * float64(i) / gtcrnLength)
	}
	for i := range s.mix {
		s.mix[i], s.across[i] = make([]float64, gtcrnFrames*gtcrnBins), make([]float64, gtcrnFrames*gtcrnBins)
	}
	return s, nil
}

func (s *gtcrnStream) remembered() []any {
	all := s.net.remembered()
	for c := range s.channels {
		all = append(all, s.past[c], s.tail[c])
	}
	return all
}

func (s *gtcrnStream) run(dst, x [][]float64) {
	for c, x := range x {
		s.analyse(c, x)
	}
	s.shareMask()
	for c := range x {
		s.apply(c)
		dst[c] = append(dst[c], s.synthesise(c)...)
	}
}

// analyse cuts a channel into frames, the first of which begins a hop before x, and transforms
// them.
func (s *gtcrnStream) analyse(c int, x []float64) {
	for t := range gtcrnFrames {
		frame := s.frames[t*gtcrnLength : (t+1)*gtcrnLength]
		before := s.past[c]
		if t > 0 {
			before = x[(t-1)*gtcrnHop : t*gtcrnHop]
		}
		for i, w := range s.window[:gtcrnHop] {
			frame[i] = before[i] * w
			frame[gtcrnHop+i] = x[t*gtcrnHop+i] * s.window[gtcrnHop+i]
		}
	}
	copy(s.past[c], x[len(x)-gtcrnHop:])
	s.forward.Run(s.re[c], s.im[c], s.frames, nil)
}

// shareMask has the network compute the mask of the channels' mean.
func (s *gtcrnStream) shareMask() {
	for part, of := range [][][]float64{s.re, s.im} {
		mean := s.mix[part]
		copy(mean, of[0])
		if s.channels > 1 {
			for i := range mean {
				sum := 0.0
				for _, x := range of {
					sum += x[i]
				}
				mean[i] = sum / float64(s.channels)
			}
		}
		for t := range gtcrnFrames {
			for b := range gtcrnBins {
				s.across[part][b*gtcrnFrames+t] = mean[t*gtcrnBins+b]
			}
		}
	}
	s.net.run(s.across[0], s.across[1])
}

// apply multiplies the coefficients of a channel by the mask.
func (s *gtcrnStream) apply(c int) {
	re, im := s.re[c], s.im[c]
	for t := range gtcrnFrames {
		for b := range gtcrnBins {
			i, m := t*gtcrnBins+b, b*gtcrnFrames+t
			x, y, mr, mi := re[i], im[i], s.net.maskRe[m], s.net.maskIm[m]
			re[i], im[i] = x*mr-y*mi, y*mr+x*mi
		}
	}
}

// synthesise returns the overlapped halves of a channel's frames.
func (s *gtcrnStream) synthesise(c int) []float64 {
	s.inverse.Run(s.frames, nil, s.re[c], s.im[c])
	tail := s.tail[c]
	for t := range gtcrnFrames {
		frame := s.frames[t*gtcrnLength : (t+1)*gtcrnLength]
		for i, w := range s.window[:gtcrnHop] {
			// The sums take the place of frames that are done with.
			s.frames[t*gtcrnHop+i], tail[i] = tail[i]+frame[i]*w, frame[gtcrnHop+i]*s.window[gtcrnHop+i]
		}
	}
	return s.frames[:gtcrnFrames*gtcrnHop]
}
