package nets

import (
	"math"
	"sync"

	"github.com/audiosep/audiosep/internal/fft"
)

// fullScale is what ±1 is to RNNoise, which hears numbers of 16 bits.
const fullScale = 32768

// bandEdges are where RNNoise's bands are centred, in bins: triangles that reach from one to the
// next but one. Bins from the last on belong to none.
var bandEdges = [rnnoiseBands]int{0, 4, 8, 12, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 136, 160, 192, 240, 312, 400}

const bandedBins = 400

// banded is a number for each band.
type banded [rnnoiseBands]float64

// spectrum is the coefficients of rnnoiseFrames frames, [frame*rnnoiseBins+bin].
type spectrum struct{ re, im []float64 }

func newSpectrum() spectrum {
	return spectrum{make([]float64, rnnoiseFrames*rnnoiseBins), make([]float64, rnnoiseFrames*rnnoiseBins)}
}

// frame returns the coefficients of a frame that belong to bands.
func (s spectrum) frame(t int) (re, im []float64) {
	from, to := t*rnnoiseBins, t*rnnoiseBins+bandedBins
	return s.re[from:to], s.im[from:to]
}

// voice is what is heard of a channel, or of the mean of channels.
type voice struct {
	heard []float32 // the past, then a chunk: high-passed, ±fullScale
	cut   [2]float32
	tail  []float64 // the second half of the last frame
	x     spectrum
	past  spectrum // of what was heard a period earlier
}

// pastSamples is what is remembered of a voice.
const pastSamples = periodSamples - rnnoiseHop

func newVoice() *voice {
	return &voice{heard: make([]float32, pastSamples+rnnoiseFrames*rnnoiseHop), tail: make([]float64, rnnoiseHop), x: newSpectrum(), past: newSpectrum()}
}

// rnnoiseStream is RNNoise with what is around it, for the channels that share their gains: those
// of their mean.
type rnnoiseStream struct {
	net      *rnnoiseState
	channels []*voice
	mean     *voice // of the channels; the channel itself where there is one
	forward  *fft.Plan
	inverse  *fft.Plan
	window   [rnnoiseLength]float64
	frames   []float64
	pitch    pitchFinder
	periods  [rnnoiseFrames]int
	silent   [rnnoiseFrames]bool
	// Of the mean: energies of the frames, of what was a period earlier, and how they correlate.
	energy, pastEnergy, likeness [rnnoiseFrames]banded
	cepstra                      [8]banded // of the last frames that were not silent
	newest                       int       // of these
	gain                         banded    // of the last frame
	share                        [bandedBins]float64
	re, im, comb, scale          [bandedBins]float64
	cosines                      [rnnoiseBands]banded
}

// The transforms of all streams.
var (
	rnnoiseForward = sync.OnceValue(func() *fft.Plan { return fft.NewReal(rnnoiseLength, rnnoiseLength, 1.0/rnnoiseLength) })
	rnnoiseInverse = sync.OnceValue(func() *fft.Plan { return fft.NewRealInverse(rnnoiseLength, rnnoiseLength, 1) })
)

func newRNNoiseStream(channels int) (network, error) {
	net, err := newRNNoiseState()
	if err != nil {
		return nil, err
	}
	s := &rnnoiseStream{
		net: net, frames: make([]float64, rnnoiseFrames*rnnoiseLength),
		forward: rnnoiseForward(), inverse: rnnoiseInverse(),
	}
	for range channels {
		s.channels = append(s.channels, newVoice())
	}
	if s.mean = s.channels[0]; channels > 1 {
		s.mean = newVoice()
	}
	for i := range s.window { // Vorbis': its squares overlap to 1
		sin := math.Sin(math.Pi * (float64(i) + 0.5) / rnnoiseLength)
		s.window[i] = math.Sin(math.Pi / 2 * sin * sin)
	}
	for b := range rnnoiseBands - 1 {
		for k := bandEdges[b]; k < bandEdges[b+1]; k++ {
			s.share[k] = float64(k-bandEdges[b]) / float64(bandEdges[b+1]-bandEdges[b])
		}
	}
	for i := range s.cosines { // orthonormal, of type II
		for b := range s.cosines[i] {
			s.cosines[i][b] = math.Sqrt(2.0/rnnoiseBands) * math.Cos((float64(b)+0.5)*float64(i)*math.Pi/rnnoiseBands)
			if i == 0 {
				s.cosines[i][b] *= math.Sqrt(0.5)
			}
		}
	}
	return s, nil
}

func (s *rnnoiseStream) remembered() []any {
	all := []any{s.net.vadH, s.net.noiseH, s.net.gainsH, &s.pitch.period, &s.pitch.gain, &s.cepstra, &s.newest, &s.gain}
	for _, v := range s.channels {
		all = append(all, v.heard, &v.cut, v.tail)
	}
	if len(s.channels) > 1 {
		all = append(all, s.mean.heard)
	}
	return all
}

func (s *rnnoiseStream) run(dst, x [][]float64) {
	s.listen(x)
	for t := range rnnoiseFrames {
		s.periods[t] = s.pitch.next(s.mean.heard[t*rnnoiseHop:][:periodSamples])
	}
	s.analyse(s.mean)
	for _, v := range s.channels {
		if v != s.mean {
			s.analyse(v)
		}
	}
	for t := range rnnoiseFrames {
		s.silent[t] = !s.features(t)
	}
	s.net.run(&s.silent)
	for t := range rnnoiseFrames {
		if s.silent[t] {
			continue
		}
		s.filter(t)
		for _, v := range s.channels {
			s.apply(v, t)
		}
	}
	for c, v := range s.channels {
		dst[c] = append(dst[c], s.synthesise(v)...)
	}
}

// listen appends x[channel] to what is heard: without what is below speech, by a filter of second
// order in the authors' arithmetic, float32 between samples and float64 within one.
func (s *rnnoiseStream) listen(x [][]float64) {
	const b0, b1 = -2, 1
	a0, a1 := float64(float32(-1.99599)), float64(float32(0.99600))
	for c, v := range s.channels {
		copy(v.heard, v.heard[len(v.heard)-pastSamples:])
		for i, sample := range x[c] {
			in := float32(sample * fullScale)
			out := in + v.cut[0]
			v.cut[0] = float32(float64(v.cut[1]) + (float64(b0*float64(in)) - float64(a0*float64(out))))
			v.cut[1] = float32(float64(b1*float64(in)) - float64(a1*float64(out)))
			v.heard[pastSamples+i] = out
		}
	}
	if len(s.channels) == 1 {
		return
	}
	copy(s.mean.heard, s.mean.heard[len(s.mean.heard)-pastSamples:])
	for i := pastSamples; i < len(s.mean.heard); i++ {
		sum := 0.0
		for _, v := range s.channels {
			sum += float64(v.heard[i])
		}
		s.mean.heard[i] = float32(sum / float64(len(s.channels)))
	}
}

// analyse transforms a voice's frames, and those that lie a period earlier.
func (s *rnnoiseStream) analyse(v *voice) {
	for _, earlier := range []bool{false, true} {
		dst := v.x
		for t := range rnnoiseFrames {
			from := t*rnnoiseHop + longestPeriod
			if earlier {
				dst = v.past
				from -= s.periods[t]
			}
			frame, heard := s.frames[t*rnnoiseLength:][:rnnoiseLength], v.heard[from:][:rnnoiseLength]
			for i, x := range heard {
				frame[i] = float64(x) * s.window[i]
			}
		}
		s.forward.Run(dst.re, dst.im, s.frames, nil)
	}
}

// correlateBands sets dst to Σ Re(x·conj(y)) over the bins of each band, weighted by its triangle.
func (s *rnnoiseStream) correlateBands(dst *banded, xRe, xIm, yRe, yIm []float64) {
	*dst = banded{}
	for b := range rnnoiseBands - 1 {
		var here, next float64
		for k := bandEdges[b]; k < bandEdges[b+1]; k++ {
			p := xRe[k]*yRe[k] + xIm[k]*yIm[k]
			next += s.share[k] * p
			here += (1 - s.share[k]) * p
		}
		dst[b] += here
		dst[b+1] += next
	}
	dst[0] *= 2 // half triangles
	dst[rnnoiseBands-1] *= 2
}

// spread sets dst[bin] to what lies between the numbers of its bands.
func (s *rnnoiseStream) spread(dst []float64, x *banded) {
	for b := range rnnoiseBands - 1 {
		for k := bandEdges[b]; k < bandEdges[b+1]; k++ {
			dst[k] = (1-s.share[k])*x[b] + s.share[k]*x[b+1]
		}
	}
}

// cosine is coefficient i of a cosine transform of the bands.
func (s *rnnoiseStream) cosine(i int, x *banded) (sum float64) {
	for b, w := range s.cosines[i] {
		sum += w * x[b]
	}
	return sum
}

// features computes those of frame t, as section 3.3 of the paper has them, and says whether there
// is sound.
func (s *rnnoiseStream) features(t int) bool {
	e, past, like := &s.energy[t], &s.pastEnergy[t], &s.likeness[t]
	xRe, xIm := s.mean.x.frame(t)
	pRe, pIm := s.mean.past.frame(t)
	s.correlateBands(e, xRe, xIm, xRe, xIm)
	s.correlateBands(past, pRe, pIm, pRe, pIm)
	s.correlateBands(like, xRe, xIm, pRe, pIm)
	total := 0.0
	for b := range like {
		like[b] /= math.Sqrt(0.001 + e[b]*past[b])
		total += e[b]
	}
	if total < 0.04 {
		for i := range rnnoiseFeatures {
			s.net.features(i)[t] = 0
		}
		return false
	}
	const changes = 6 // coefficients whose changes are features
	for i, mean := range [changes]float64{1.3, 0.9} {
		s.net.features(rnnoiseBands + 2*changes + i)[t] = s.cosine(i, like) - mean
	}
	s.net.features(rnnoiseBands + 3*changes)[t] = 0.01 * float64(s.periods[t]-300)
	now := s.cepstrum(e)
	before, first := &s.cepstra[(s.newest+7)%8], &s.cepstra[(s.newest+6)%8]
	for i, c := range now {
		if i >= changes {
			s.net.features(i)[t] = c
			continue
		}
		s.net.features(i)[t] = c + before[i] + first[i]
		s.net.features(rnnoiseBands + i)[t] = c - first[i]
		s.net.features(rnnoiseBands + changes + i)[t] = c - 2*before[i] + first[i]
	}
	s.net.features(rnnoiseBands + 3*changes + 1)[t] = s.variability() - 2.1
	return true
}

// cepstrum appends that of a frame's energies to those before, and returns it. A band counts as no
// more than 70 dB below the loudest of those below it, and no more than 15 dB below the next.
func (s *rnnoiseStream) cepstrum(e *banded) *banded {
	var log banded
	loudest, follow := -2.0, -2.0
	for b, x := range e {
		log[b] = max(loudest-7, follow-1.5, math.Log10(0.01+x))
		loudest = max(loudest, log[b])
		follow = max(follow-1.5, log[b])
	}
	s.newest = (s.newest + 1) % len(s.cepstra)
	c := &s.cepstra[s.newest]
	for i := range c {
		c[i] = s.cosine(i, &log)
	}
	c[0] -= 12
	c[1] -= 4
	return c
}

// variability is how far the last cepstra are from the nearest of the others, in the mean.
func (s *rnnoiseStream) variability() (sum float64) {
	for i := range s.cepstra {
		nearest := 1e15
		for j := range s.cepstra {
			if i == j {
				continue
			}
			d := 0.0
			for b, x := range s.cepstra[i] {
				d += (x - s.cepstra[j][b]) * (x - s.cepstra[j][b])
			}
			nearest = min(nearest, d)
		}
		sum += nearest
	}
	return sum / float64(len(s.cepstra))
}

// filter has in comb how much of what was heard a period earlier is added to frame t, bin by bin,
// and in scale by what the sum is multiplied: the gain, and what gives each band its energy back.
func (s *rnnoiseStream) filter(t int) {
	e, past, like := &s.energy[t], &s.pastEnergy[t], &s.likeness[t]
	var add, back banded
	for b := range add {
		g, l := s.net.band.Row(b, 0)[t], like[b]
		add[b] = 1
		if l <= g {
			add[b] = math.Sqrt(min(1, max(0, l*l*(1-g*g)/(0.001+g*g*(1-l*l)))))
		}
		add[b] *= math.Sqrt(e[b] / (1e-8 + past[b]))
		s.gain[b] = max(g, 0.6*s.gain[b]) // which falls no faster than a room does
	}
	s.spread(s.comb[:], &add)
	xRe, xIm := s.mean.x.frame(t)
	pRe, pIm := s.mean.past.frame(t)
	for k, w := range s.comb {
		s.re[k], s.im[k] = xRe[k]+w*pRe[k], xIm[k]+w*pIm[k]
	}
	var with banded
	s.correlateBands(&with, s.re[:], s.im[:], s.re[:], s.im[:])
	for b := range back {
		back[b] = math.Sqrt(e[b] / (1e-8 + with[b]))
	}
	s.spread(s.scale[:], &back)
	s.spread(s.re[:], &s.gain)
	for k, g := range s.re {
		s.scale[k] *= g
	}
}

// apply filters frame t of a voice.
func (s *rnnoiseStream) apply(v *voice, t int) {
	xRe, xIm := v.x.frame(t)
	pRe, pIm := v.past.frame(t)
	for k, w := range s.comb {
		xRe[k] = (xRe[k] + w*pRe[k]) * s.scale[k]
		xIm[k] = (xIm[k] + w*pIm[k]) * s.scale[k]
	}
	clear(v.x.re[t*rnnoiseBins+bandedBins : (t+1)*rnnoiseBins])
	clear(v.x.im[t*rnnoiseBins+bandedBins : (t+1)*rnnoiseBins])
}

// synthesise returns the overlapped halves of a voice's frames.
func (s *rnnoiseStream) synthesise(v *voice) []float64 {
	s.inverse.Run(s.frames, nil, v.x.re, v.x.im)
	for t := range rnnoiseFrames {
		frame := s.frames[t*rnnoiseLength:][:rnnoiseLength]
		for i, w := range s.window[:rnnoiseHop] {
			// The sums take the place of frames that are done with.
			s.frames[t*rnnoiseHop+i], v.tail[i] = (v.tail[i]+frame[i]*w)/fullScale, frame[rnnoiseHop+i]*s.window[rnnoiseHop+i]
		}
	}
	return s.frames[:rnnoiseFrames*rnnoiseHop]
}
