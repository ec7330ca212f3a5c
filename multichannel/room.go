package multichannel

import (
	"math"

	"github.com/audiosep/audiosep/internal/resample"
)

// speedOfSound in air, m/s.
const speedOfSound = 343

// A Room is a shoebox whose walls all reflect alike, in which a sound source and microphones
// radiate and hear alike in all directions (Allen and Berkley, Image method for efficiently
// simulating small-room acoustics, 1979). Positions are in m from a corner.
type Room struct {
	size [3]float64 // m
	t60  float64    // s
	wall float64    // what part of the amplitude a wall reflects
	rate int        // Hz
}

// NewRoom returns a room of so many m in which sound decays by 60 dB in t60 seconds, 0 for no
// reflections. The walls reflect such that the energy between some places decays as said from
// -5 to -25 dB (ISO 3382-2: T20), averaged over the places. Eyring's formula, with which most begin, holds
// in a diffuse field, and is wrong by a third in a bare shoebox.
func NewRoom(size [3]float64, t60 float64, rate int) Room {
	r := Room{size: size, t60: t60, rate: rate}
	if t60 == 0 {
		return r
	}
	long := r
	long.t60 *= 1.5 // so that what is beyond the end does not bend the decay
	at := func(x, y, z float64) [3]float64 { return [3]float64{x * size[0], y * size[1], z * size[2]} }
	d := new(decay)
	for _, place := range [][3]float64{at(0.37, 0.62, 0.45), at(0.71, 0.33, 0.52), at(0.24, 0.29, 0.61)} {
		d.add(long.images(place, at(0.58, 0.41, 0.53)))
	}
	low, high := 0.0, 1.0
	for range 50 {
		if mid := (low + high) / 2; d.t60(mid) < t60 {
			low = mid
		} else {
			high = mid
		}
	}
	r.wall = (low + high) / 2
	return r
}

// taps is how many samples on either side of its delay an image is heard in: a sinc under a
// Hann window.
const taps = 40

// Response returns the response of the room from a source to a microphone: a source has the
// amplitude 1/d in d m, and a delay of d/c. It is as long as sound takes to decay by 60 dB
// after the direct sound.
func (r Room) Response(source, microphone [3]float64) []float64 {
	images := r.images(source, microphone)
	direct := distance(source, microphone)
	length := int((direct/speedOfSound+r.t60)*float64(r.rate)) + taps + 1
	h := make([]float64, length)
	for _, m := range images {
		delay := m.distance / speedOfSound * float64(r.rate)
		gain := math.Pow(r.wall, float64(m.reflections)) / m.distance
		at := int(math.Round(delay))
		for t := max(0, at-taps+1); t < min(length, at+taps); t++ {
			x := float64(t) - delay
			h[t] += gain * resample.Sinc(x) * (0.5 + 0.5*math.Cos(math.Pi*x/taps))
		}
	}
	return h
}

func distance(a, b [3]float64) float64 {
	return math.Hypot(math.Hypot(a[0]-b[0], a[1]-b[1]), a[2]-b[2])
}

// image is an image of a source behind walls.
type image struct {
	distance    float64 // m, to the microphone
	reflections int
}

// images returns all images that are heard within T60 after the direct sound.
func (r Room) images(source, microphone [3]float64) []image {
	if r.t60 == 0 {
		return []image{{distance(source, microphone), 0}}
	}
	reach := distance(source, microphone) + r.t60*speedOfSound
	var axes [3][]image
	for i := range axes {
		for n := -int(reach/(2*r.size[i])) - 1; n <= int(reach/(2*r.size[i]))+1; n++ {
			shift := 2 * float64(n) * r.size[i]
			axes[i] = append(axes[i],
				image{source[i] + shift - microphone[i], 2 * abs(n)},
				image{-source[i] + shift - microphone[i], abs(2*n - 1)})
		}
	}
	var all []image
	for _, x := range axes[0] {
		for _, y := range axes[1] {
			flat := x.distance*x.distance + y.distance*y.distance
			if flat > reach*reach {
				continue
			}
			for _, z := range axes[2] {
				if d := math.Sqrt(flat + z.distance*z.distance); d <= reach {
					all = append(all, image{d, x.reflections + y.reflections + z.reflections})
				}
			}
		}
	}
	return all
}

func abs(n int) int { return max(n, -n) }

// decay is the energy of images by time and number of reflections.
type decay struct {
	energy [][]float64 // [slot][reflections], at a reflection of 1
}

// slot is the time that energies are summed over, s.
const slot = 1e-3

// add adds the energies of images, from the direct sound on.
func (d *decay) add(images []image) {
	first := math.Inf(1)
	for _, m := range images {
		first = min(first, m.distance)
	}
	for _, m := range images {
		at := int((m.distance - first) / speedOfSound / slot)
		for at >= len(d.energy) {
			d.energy = append(d.energy, nil)
		}
		for m.reflections >= len(d.energy[at]) {
			d.energy[at] = append(d.energy[at], 0)
		}
		d.energy[at][m.reflections] += 1 / (m.distance * m.distance)
	}
}

// t60 returns the time of decay for walls that reflect such a part of the amplitude.
func (d *decay) t60(wall float64) float64 {
	energy := make([]float64, len(d.energy))
	for i, byReflections := range d.energy {
		power := 1.0
		for _, e := range byReflections {
			energy[i] += e * power
			power *= wall * wall
		}
	}
	return slot * decayTime(energy)
}

// decayTime returns how many slots energy takes to fall by 60 dB, by a line through the
// decay of what is left of it (Schroeder, New method of measuring reverberation time, 1965)
// from -5 to -25 dB; 0 if it falls at once, infinity if it does not fall so far.
func decayTime(energy []float64) float64 {
	var left, total float64
	level := make([]float64, len(energy))
	for i := len(energy) - 1; i >= 0; i-- {
		left += energy[i]
		level[i] = left
	}
	total = left
	var n, t, tt, l, tl float64
	for i, e := range level {
		db := 10 * math.Log10(e/total)
		if db > -5 || db < -25 || e == 0 {
			continue
		}
		x := float64(i)
		n, t, tt, l, tl = n+1, t+x, tt+x*x, l+db, tl+x*db
	}
	if n < 2 {
		return 0
	}
	slope := (n*tl - t*l) / (n*tt - t*t)
	if slope >= 0 {
		return math.Inf(1)
	}
	return -60 / slope
}
