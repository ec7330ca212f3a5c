package notes

import (
	"context"
	"fmt"
	"log/slog"
	"math"

	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/counted"
	"github.com/audiosep/audiosep/internal/percussion"
)

// AlignNotesParams are the parameters of align_notes.
type AlignNotesParams struct {
	Step   float64 `json:"step" min:"0.005" max:"1" unit:"s" doc:"Resolution of the comparison; coarser where score times recording would need more than 64 million comparisons."`
	Onsets float64 `json:"onsets" min:"0" max:"1000" doc:"What onsets count beside harmony."`
	Smooth float64 `json:"smooth" min:"0.1" max:"1000" unit:"s" doc:"How far around a note the tempo is taken to be steady where it seems so, elsewhere half or a quarter as far: less follows freer playing, more is surer."`
}

// DefaultAlignNotes returns the defaults of align_notes.
func DefaultAlignNotes() AlignNotesParams {
	return AlignNotesParams{Step: 0.025, Onsets: 0.4, Smooth: 8}
}

var alignNotesStage = audiosep.Define("align_notes",
	`Moves the notes of a score to where they sound in the recording: for one that is late, played faster or slower, or freely.
Harmony (the twelve chroma classes) and onsets of both are compared, the cheapest way through all comparisons is found (dynamic time warping; Ewert, Müller and Grosche, High resolution audio synchronization using chroma onset features, ICASSP 2009), and lines are fitted to it around each note. The score must have all of the recording, and nothing else, but for silence and wrong notes. Onsets come out some 5 to 50 ms off, later where an instrument speaks slowly: near enough to separate by.`,
	DefaultAlignNotes(), NewAlignNotes)

// AlignNotes is the stage align_notes.
type AlignNotes struct{ p AlignNotesParams }

// NewAlignNotes returns the stage. It is an error if p is out of the ranges in its tags.
func NewAlignNotes(p AlignNotesParams) (*AlignNotes, error) {
	if err := audiosep.CheckStruct(p); err != nil {
		return nil, err
	}
	return &AlignNotes{p}, nil
}

// AlignNotesIn is what align_notes takes.
type AlignNotesIn struct {
	Notes audiosep.Notes `port:"notes"`
	Power audiosep.Power `port:"power"`
}

// Needs says what it takes: V, features of recording and score, taken to be as long as each other,
// and a byte for each comparison.
func (s *AlignNotes) Needs(e audiosep.Extent) audiosep.Needs {
	length := float64(e.Samples) / float64(max(1, e.Rate))
	steps := length / max(s.p.Step, length/math.Sqrt(mostCells))
	perStep := 8 * (12 + 13 + 2) // harmony, onsets and the greatest of them
	work := 2*int64(perStep)*int64(steps) + 8*13*int64(e.Columns) + int64(steps*steps)
	return audiosep.Needs{Power: true, Work: work, Operations: 200 * steps * steps}
}

// mostCells bounds the comparisons.
const mostCells = 1 << 26

// Run returns the notes, moved. It is an error if there are none or if the bins have no
// frequencies.
func (s *AlignNotes) Run(ctx context.Context, env audiosep.Env, in AlignNotesIn) (Out, error) {
	if err := in.Notes.Validate(); err != nil {
		return Out{}, err
	}
	hz, f := in.Power.Hz(), in.Power.Framing()
	if len(in.Notes) == 0 || hz == nil {
		return Out{}, fmt.Errorf("%s, and %s with a frequency; want some of both, as an stft has", counted.There(len(in.Notes), "note"), counted.Of(len(hz), "bin"))
	}
	v, err := in.Power.V(ctx)
	if err != nil {
		return Out{}, err
	}
	end := 0.0
	for _, n := range in.Notes {
		end = max(end, n.Offset)
	}
	length := float64(f.Samples) / float64(f.Rate)
	if end > 10*length+60 {
		return Out{}, fmt.Errorf("the score is %.6g s long, the recording %.6g s; want a score of this recording", end, length)
	}
	end += 0.5
	step := max(s.p.Step, math.Sqrt(end*length/mostCells))
	heard := hear(v, hz, f, step, int(length/step)+1)
	read, err := score(ctx, in.Notes, step, int(end/step)+1)
	if err != nil {
		return Out{}, err
	}
	way, err := warp(ctx, read, heard, s.p.Onsets)
	if err != nil {
		return Out{}, err
	}
	return Out{s.move(env, in.Notes, way, read, step)}, nil
}

// features are those of a recording or a score: 12 numbers of harmony for each step of time,
// of norm 1 or 0, and 13 of onsets, in each chroma class and in all.
type features struct {
	harmony [][12]float64
	onsets  [][13]float64
}

// finish scales the features: harmony to the norm 1, onsets to the greatest around them, so
// that soft passages count as loud ones do. Onsets ring, so that near misses still match.
func (f *features) finish(step float64) {
	n := len(f.harmony)
	most := make([][2]float64, n) // of the classes, of all
	var all [2]float64
	for i := range n {
		var sum float64
		for _, x := range f.harmony[i] {
			sum += x * x
		}
		for c := range f.harmony[i] {
			f.harmony[i][c] /= max(math.Sqrt(sum), 1e-12)
		}
		for c, x := range f.onsets[i] {
			most[i][c/12] = max(most[i][c/12], x)
			all[c/12] = max(all[c/12], x)
		}
	}
	around := int(math.Round(nearby / step))
	for i := range n {
		greatest := [2]float64{0.1 * all[0], 0.1 * all[1]}
		for _, m := range most[max(0, i-around):min(n, i+around+1)] {
			greatest[0], greatest[1] = max(greatest[0], m[0]), max(greatest[1], m[1])
		}
		for c := range f.onsets[i] {
			f.onsets[i][c] /= max(greatest[c/12], 1e-12)
			if i > 0 {
				f.onsets[i][c] = max(f.onsets[i][c], ring*f.onsets[i-1][c])
			}
		}
	}
}

// nearby is how far around an onset others are that it is compared with, in s; ring is what is
// left of an onset after a step.
const (
	nearby = 1.5
	ring   = 0.7
)

func class(pitch float64) int { return ((int(math.Round(pitch)) % 12) + 12) % 12 }

// hear returns the features of a recording.
func hear(v *mat.Dense, hz []float64, f audiosep.Framing, step float64, n int) *features {
	out := &features{make([][12]float64, n), make([][13]float64, n)}
	bins, columns := v.Dims()
	classes := make([]int, bins)
	for b, x := range hz {
		if classes[b] = -1; x >= 60 && x <= 5000 {
			classes[b] = class(69 + 12*math.Log2(x/440))
		}
	}
	loudest := mat.Max(v)
	loud := math.Sqrt(loudest)
	level, before := make([]float64, bins), make([]float64, bins) // of a column, and of the one before
	middle, hop := f.Middle(0), f.Middle(1)-f.Middle(0)
	flux := make([][13]float64, columns)
	for c := range columns {
		level, before = before, level
		for b := range bins {
			level[b] = math.Log1p(100 * math.Sqrt(v.At(b, c)) / max(loud, 1e-300))
			if d := level[b] - before[b]; c > 0 && d > 0 {
				flux[c][12] += d
				if classes[b] >= 0 {
					flux[c][classes[b]] += d
				}
			}
		}
	}
	for i := range n {
		c := min(max(int(math.Round((float64(i)*step-middle)/hop)), 0), columns-1)
		for b, k := range classes {
			if x := v.At(b, c); k >= 0 && x > quiet*loudest && b > 0 && b+1 < bins && x > v.At(b-1, c) && x >= v.At(b+1, c) { // a peak, no noise
				out.harmony[i][k] += math.Sqrt(math.Sqrt(x))
			}
		}
		out.onsets[i] = flux[c]
	}
	out.finish(step)
	return out
}

// quiet is the power, as part of the greatest, below which a peak is not heard: −60 dB.
const quiet = 1e-6

// partialsHeard is how many partials of a note count for harmony.
const partialsHeard = 8

// score returns the features of notes.
func score(ctx context.Context, notes audiosep.Notes, step float64, n int) (*features, error) {
	out := &features{make([][12]float64, n), make([][13]float64, n)}
	for _, note := range notes {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		from, to := int(math.Round(note.Onset/step)), int(math.Round(note.Offset/step))
		if from >= n || from < 0 {
			continue
		}
		out.onsets[from][12] += 0.2 + note.Velocity
		if math.IsNaN(note.Pitch) || percussion.Named(note.Source) {
			continue
		}
		for h := 1; h <= partialsHeard; h++ {
			k := class(note.Pitch + 12*math.Log2(float64(h)))
			a := (0.2 + note.Velocity) / float64(h)
			out.onsets[from][k] += a
			for i := from; i <= min(to, n-1); i++ {
				out.harmony[i][k] += a
			}
		}
	}
	out.finish(step)
	return out, nil
}

// cost is how unlike two steps are.
func cost(a, b *features, i, j int, onsets float64) float64 {
	var dot, na, nb, d float64
	for c, x := range a.harmony[i] {
		y := b.harmony[j][c]
		dot += x * y
		na += x
		nb += y
	}
	for c, x := range a.onsets[i] {
		e := x - b.onsets[j][c]
		if c == 12 {
			e *= 2
		}
		d += e * e
	}
	harmony := 1 - dot
	if na == 0 && nb == 0 {
		harmony = 0
	}
	return harmony + onsets*math.Sqrt(d)
}

// pair says that a step of the score sounds at a step of the recording.
type pair struct{ score, sound int }

// steps are those of a way: both sides go on, neither more than twice as fast as the other, so
// that no side can pass while the other stands still. A step counts in proportion to its length, hence
// all ways count the same in all (Müller, Fundamentals of Music Processing, 2015, §3.2).
var steps = [...]pair{1: {1, 1}, 2: {2, 1}, 3: {1, 2}}

// warp returns the cheapest way through all pairs. It may begin late and end early on one side;
// what it leaves out there costs what steps do that have nothing to do with each other.
func warp(ctx context.Context, a, b *features, onsets float64) ([]pair, error) {
	n, m := len(a.harmony), len(b.harmony)
	skip := meanCost(a, b, onsets)
	by := make([]byte, n*m) // which of steps led there, 0 none
	rows := [3][]float64{make([]float64, m), make([]float64, m), make([]float64, m)}
	end, least := pair{n - 1, m - 1}, math.Inf(1)
	for i := range n {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		row := rows[i%3]
		for j := range m {
			c := cost(a, b, i, j, onsets)
			best := math.Inf(1)
			if i == 0 || j == 0 {
				best = skip*float64(i+j) + 2*c
			}
			for k := 1; k < len(steps); k++ {
				if s := steps[k]; i >= s.score && j >= s.sound {
					if x := rows[(i-s.score)%3][j-s.sound] + float64(s.score+s.sound)*c; x < best {
						best, by[i*m+j] = x, byte(k)
					}
				}
			}
			row[j] = best
			if i == n-1 || j == m-1 {
				if x := best + skip*float64(n-1-i+m-1-j); x < least {
					end, least = pair{i, j}, x
				}
			}
		}
	}
	way := []pair{end}
	for p := end; by[p.score*m+p.sound] != 0; {
		s := steps[by[p.score*m+p.sound]]
		p = pair{p.score - s.score, p.sound - s.sound}
		way = append(way, p)
	}
	return way, nil
}

// meanCost returns the mean cost of pairs, of a grid of them.
func meanCost(a, b *features, onsets float64) float64 {
	var sum, count float64
	for i := 0; i < len(a.harmony); i += 1 + len(a.harmony)/100 {
		for j := 0; j < len(b.harmony); j += 1 + len(b.harmony)/100 {
			sum += cost(a, b, i, j, onsets)
			count++
		}
	}
	return sum / count
}

// move returns the notes at the places that the way has for them. Where the score has onsets the way is
// sure, while a note is held it is not, so they weigh more in the lines. A line is fitted as far
// around a note as Smooth; where the way strays from it, as the tempo does, half or a quarter as far.
func (s *AlignNotes) move(env audiosep.Env, notes audiosep.Notes, way []pair, read *features, step float64) audiosep.Notes {
	at := func(t float64) float64 {
		var y float64
		for part := 1.0; part <= 4; part *= 2 {
			var off float64
			if y, off = line(way, read, t/step, s.p.Smooth/part/step); off*step <= straight {
				break
			}
		}
		return y * step
	}
	out := make(audiosep.Notes, len(notes))
	var most float64
	for i, n := range notes {
		out[i] = n
		out[i].Onset = max(0, at(n.Onset)) // a recording has nothing before it
		out[i].Offset = max(at(n.Offset), out[i].Onset+step/2)
		most = max(most, math.Abs(out[i].Onset-n.Onset))
	}
	if most > farMoved {
		env.Logger().Warn("a note is moved far: the score may be of another recording", slog.Float64("most_moved_s", most), slog.String("remedy", "look at the notes that come out, such as by write_notes"))
	} else {
		env.Logger().Info("score aligned", slog.Float64("most_moved_s", most))
	}
	return out
}

// farMoved is by how much, in s, a note that is moved is remarkable: scores of five recordings and the late one of
// examples/score were moved by 0.7 s at most, those of other recordings by 3.4 s and more.
const farMoved = 2

// straight is how far a way strays from a line at most, root mean square in s, where the tempo is
// steady: two steps and a half.
const straight = 0.06

// line fits a line to the way around step x of the score, as far as width, and returns where it
// has x, and the weighted root mean square of what the way is off it.
func line(way []pair, read *features, x, width float64) (y, off float64) {
	var w, wx, wy, wxx, wxy, wyy float64
	for _, p := range way {
		d := (float64(p.score) - x) / width
		if d < -1 || d > 1 {
			continue
		}
		onset := 0.0
		if p.score > 0 { // where it rises
			onset = max(0, read.onsets[p.score][12]-read.onsets[p.score-1][12])
		}
		k := (1 - d*d) * (0.0002 + onset)
		u, v := float64(p.score)-x, float64(p.sound)-x // near 0, for the squares
		w, wx, wy, wxx, wxy, wyy = w+k, wx+k*u, wy+k*v, wxx+k*u*u, wxy+k*u*v, wyy+k*v*v
	}
	if w == 0 {
		return x, 0
	}
	slope := 0.0 // of v: how much faster than the score
	if det := w*wxx - wx*wx; det > 1e-9*w*wxx && wxx > 0 {
		slope = min(max((w*wxy-wx*wy)/det, -0.75), 3)
	}
	y = (wy - slope*wx) / w
	square := (wyy + slope*slope*wxx + y*y*w - 2*slope*wxy - 2*y*wy + 2*slope*y*wx) / w
	return x + y, math.Sqrt(max(0, square))
}
