package nets

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/audiosep/audiosep"
)

// patience is how many frames a note may be below the threshold and still go on.
const patience = 11

// events are notes as they are found in posteriors.
type events struct {
	*posteriors
	p        TranscribeParams
	shortest int       // frames
	left     []float32 // what sounds and belongs to no note yet
	found    []event
}

// event is a note: frames from to to-1.
type event struct {
	from, to, pitch int // pitch from 0
	amplitude       float64
}

// notes returns the notes of a recording that lasts for so many seconds.
func (p *posteriors) notes(params TranscribeParams, seconds float64) audiosep.Notes {
	e := &events{posteriors: p, p: params, shortest: int(math.RoundToEven(params.Shortest * pitchRate / pitchHop))}
	e.find()
	var out audiosep.Notes
	for _, n := range e.found {
		note := audiosep.Note{
			Onset: max(0, frameTime(n.from)), Offset: min(frameTime(n.to), seconds),
			Pitch: float64(lowestPitch + n.pitch), Velocity: min(max(n.amplitude, 0), 1), Source: "notes",
		}
		if params.Source == "pitch" {
			note.Source = pitchName(lowestPitch + n.pitch)
		}
		if note.Onset < note.Offset {
			out = append(out, note)
		}
	}
	if params.Parts > 0 {
		registers(out, params.Parts)
	}
	slices.SortStableFunc(out, func(a, b audiosep.Note) int {
		return cmp.Or(cmp.Compare(a.Onset, b.Onset), cmp.Compare(a.Pitch, b.Pitch))
	})
	return out
}

// registers gives each note to one of so many parts by its pitch: k-means of the pitches, weighted
// by how long and how surely they sound, from quantiles.
func registers(n audiosep.Notes, parts int) {
	var weight [128]float64
	total := 0.0
	for _, x := range n {
		w := (x.Offset - x.Onset) * x.Velocity
		weight[int(x.Pitch)] += w
		total += w
	}
	var centres []float64
	sum := 0.0
	for p, w := range weight {
		sum += w
		for w > 0 && len(centres) < parts && sum >= total*(float64(len(centres))+0.5)/float64(parts) {
			centres = append(centres, float64(p))
		}
	}
	nearest := func(p float64) (best int) {
		for j, c := range centres {
			if math.Abs(c-p) < math.Abs(centres[best]-p) {
				best = j
			}
		}
		return best
	}
	for range 50 {
		moments, weights := make([]float64, len(centres)), make([]float64, len(centres))
		for p, w := range weight {
			if w > 0 {
				j := nearest(float64(p))
				moments[j], weights[j] = moments[j]+w*float64(p), weights[j]+w
			}
		}
		for j, w := range weights {
			if w > 0 {
				centres[j] = moments[j] / w
			}
		}
	}
	for i, x := range n {
		n[i].Source = fmt.Sprint("part", nearest(x.Pitch)+1)
	}
}

// pitchName is that of a key, such as C4, 60, or F#3.
func pitchName(midi int) string {
	return fmt.Sprintf("%s%d", []string{"C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"}[midi%12], midi/12-1)
}

// frameTime is when frame t is, in s. A window of 172 frames has 171.3 hops of samples, for which
// the authors of Basic Pitch set the clock back every 172 frames, and by 1.8 ms more, found by
// listening; here too, so that times are theirs.
func frameTime(t int) float64 {
	const back = pitchHop*(pitchFrames-float64(pitchSamples)/pitchHop)/pitchRate + 0.0018
	return float64(t)*pitchHop/pitchRate - back*float64(t/pitchFrames)
}

// find finds the notes: from the last onset back each as long as it sounds, then what is left.
func (e *events) find() {
	lowest, highest := e.p.Lowest-lowestPitch, e.p.Highest-lowestPitch
	sounds, begins := e.note, slices.Clone(e.onset)
	if lowest > 0 || highest < pitches-1 {
		sounds = slices.Clone(sounds)
		for i := range sounds {
			if k := i % pitches; k < lowest || k > highest {
				sounds[i], begins[i] = 0, 0
			}
		}
	}
	if e.p.Infer {
		inferOnsets(begins, sounds)
	}
	e.left = slices.Clone(sounds)
	for i := len(begins) - pitches - 1; i >= pitches; i-- {
		if x := begins[i]; float64(x) >= e.p.Onset && x > begins[i-pitches] && x > begins[i+pitches] {
			e.follow(sounds, i/pitches, i%pitches)
		}
	}
	if e.p.Rest {
		e.findRest(sounds)
	}
}

// inferOnsets raises begins where sounds rises within two frames, scaled to begins' maximum.
func inferOnsets(begins, sounds []float32) {
	rise := func(i int) float32 {
		return max(0, min(sounds[i]-sounds[i-pitches], sounds[i]-sounds[i-2*pitches]))
	}
	most, highest := float32(0), float32(0)
	for i := 2 * pitches; i < len(sounds); i++ {
		most = max(most, rise(i))
	}
	for _, x := range begins {
		highest = max(highest, x)
	}
	if most == 0 {
		return
	}
	for i := 2 * pitches; i < len(sounds); i++ {
		begins[i] = max(begins[i], highest*rise(i)/most)
	}
}

// follow adds the note that begins in frame from, as far as it sounds.
func (e *events) follow(sounds []float32, from, pitch int) {
	if from >= e.frames-1 {
		return
	}
	to, quiet := from+1, 0
	for to < e.frames-1 && quiet < patience {
		quiet = e.quiet(to, pitch, quiet)
		to++
	}
	to -= quiet
	if to-from <= e.shortest {
		return
	}
	for t := from; t < to; t++ {
		e.take(t, pitch)
	}
	e.add(sounds, from, to, pitch)
}

// quiet counts the frames up to t in which the pitch is below the threshold.
func (e *events) quiet(t, pitch, before int) int {
	if float64(e.left[t*pitches+pitch]) < e.p.Frame {
		return before + 1
	}
	return 0
}

// take has what sounds in a frame at the pitch, and a semitone beside it, belong to a note.
func (e *events) take(t, pitch int) {
	for k := max(0, pitch-1); k <= min(pitches-1, pitch+1); k++ {
		e.left[t*pitches+k] = 0
	}
}

func (e *events) add(sounds []float32, from, to, pitch int) {
	sum := 0.0
	for t := from; t < to; t++ {
		sum += float64(sounds[t*pitches+pitch])
	}
	e.found = append(e.found, event{from, to, pitch, sum / float64(to-from)})
}

// findRest makes notes of what is left, around the loudest frame first, onsets or not.
func (e *events) findRest(sounds []float32) {
	var loud []int
	for i, x := range e.left {
		if float64(x) > e.p.Frame {
			loud = append(loud, i)
		}
	}
	slices.SortStableFunc(loud, func(a, b int) int { return cmp.Compare(e.left[b], e.left[a]) })
	for _, i := range loud {
		if float64(e.left[i]) <= e.p.Frame { // taken meanwhile
			continue
		}
		middle, pitch := i/pitches, i%pitches
		e.left[i] = 0
		t, quiet := middle+1, 0
		for ; t < e.frames-1 && quiet < patience; t++ {
			quiet = e.quiet(t, pitch, quiet)
			e.take(t, pitch)
		}
		to := t - 1 - quiet
		t, quiet = middle-1, 0
		for ; t > 0 && quiet < patience; t-- {
			quiet = e.quiet(t, pitch, quiet)
			e.take(t, pitch)
		}
		from := t + 1 + quiet
		if to-from > e.shortest {
			e.add(sounds, from, to, pitch)
		}
	}
}
