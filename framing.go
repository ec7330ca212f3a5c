package audiosep

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/audiosep/audiosep/internal/counted"
	"github.com/audiosep/audiosep/internal/kernel"
	"github.com/audiosep/audiosep/internal/overlap"
)

// Framing says how a signal is cut into frames and so how it is joined again. It
// is plain data: it travels with frames, into models and to plugins.
//
// Frame n covers the samples n·Hop-Pad … n·Hop-Pad+Length-1; what lies outside
// the recording is zero. With Share = S > 1 each run of S frames, from a multiple
// of S on, is described by one activation: the frames are then S shifted grids of
// the coarser hop S·Hop, and count as S realisations of one scene.
type Framing struct {
	Head
	Length, Hop, Pad    int       // samples; 1 ≤ Hop ≤ Length; Pad zeros before sample 0
	Share               int       // S ≥ 1 frames to one activation
	Analysis, Synthesis []float64 // windows, Length weights each
}

// leastWeight is the least overlap-added weight of a sample, as part of the
// greatest, with which it can be restored to 1e-12 after rounding in a transform.
const leastWeight = 1e-6

// Frames returns N, the number of frames: the last one ends at least Pad samples
// after the recording, and N is a multiple of Share.
func (f Framing) Frames() int {
	if f.Samples == 0 {
		return 0
	}
	n := 1 + max(0, f.Samples+2*f.Pad-f.Length+f.Hop-1)/f.Hop
	return (n + f.Share - 1) / f.Share * f.Share
}

// Columns returns N/S, the number of columns of V and H.
func (f Framing) Columns() int { return f.Frames() / f.Share }

// Middle returns where the middle of column c is, in s from the first sample on; it may lie
// outside the recording.
func (f Framing) Middle(c int) float64 {
	frame := float64(c*f.Share) + float64(f.Share-1)/2
	return (frame*float64(f.Hop) - float64(f.Pad) + float64(f.Length)/2) / float64(f.Rate)
}

// Validate says why frames cut so could not be joined again, or nil. While
// Samples is 0 the recording is unknown and its two ends are not looked at.
func (f Framing) Validate() error {
	switch {
	case f.Length < 1:
		return fmt.Errorf("frames are %s long; want at least 1", counted.Of(f.Length, "sample"))
	case f.Hop < 1 || f.Hop > f.Length:
		return fmt.Errorf("the hop is %s; want 1 to %d, the length of a frame", counted.Of(f.Hop, "sample"), f.Length)
	case f.Share < 1:
		return fmt.Errorf("%s share an activation; want at least 1", counted.Of(f.Share, "frame"))
	case f.Pad < 0 || f.Pad >= f.Length:
		return fmt.Errorf("%d zeros stand before the first sample; want 0 to %d", f.Pad, f.Length-1)
	case len(f.Analysis) != f.Length || len(f.Synthesis) != f.Length:
		return fmt.Errorf("the windows have %d and %d weights; want %d, the length of a frame", len(f.Analysis), len(f.Synthesis), f.Length)
	}
	for i := range f.Analysis {
		if p := f.Analysis[i] * f.Synthesis[i]; math.IsNaN(p) || math.IsInf(p, 0) {
			return fmt.Errorf("weight %d of the windows is not finite", i)
		}
	}
	return f.invertible()
}

// invertible checks that every sample is given enough weight by the frames over it.
func (f Framing) invertible() error {
	// Far from the ends the weight of a sample depends on its place in the hop alone.
	var most float64
	inner := make([]float64, f.Hop)
	for m := range f.Length {
		inner[m%f.Hop] += f.Analysis[m] * f.Synthesis[m]
	}
	for _, w := range inner {
		most = max(most, w)
	}
	for r, w := range inner {
		if w <= leastWeight*most || most == 0 {
			return fmt.Errorf("frames of %s, %d apart, cannot be joined again: sample %d of every %d gets the weight %.3g of at most %.3g; use a smaller hop or another window",
				counted.Of(f.Length, "sample"), f.Hop, r, f.Hop, w, most)
		}
	}
	over := overlap.New(f.Analysis, f.Synthesis, f.Hop, f.Pad, f.Frames())
	for t := 0; t < f.Samples; t++ {
		if t == f.Length { // the middle was looked at above
			t = max(t, f.Samples-f.Length)
		}
		if over.About(t) > 2*leastWeight*most {
			continue
		}
		if w := over.Weight(t); w <= leastWeight*most {
			return fmt.Errorf("sample %d of %d cannot be restored: it gets the weight %.3g of at most %.3g; pad with more zeros", t, f.Samples, w, most)
		}
	}
	return nil
}

// Gain returns how much a change of frames, such as a mask makes, is amplified at most where
// they are joined: the greatest Σ|s| max|a| / Σ a·s over the frames at a place in the hop,
// a and s being their weights. It is 1 to 2 for windows that overlap well, and grows without
// bound where both windows are small and no other frame helps.
func (f Framing) Gain() float64 {
	sum, change, most := make([]float64, f.Hop), make([]float64, f.Hop), 0.0
	for m := range f.Length {
		most = max(most, math.Abs(f.Analysis[m]))
		sum[m%f.Hop] += f.Analysis[m] * f.Synthesis[m]
		change[m%f.Hop] += math.Abs(f.Synthesis[m])
	}
	var gain float64
	for r := range sum {
		gain = max(gain, change[r]*most/sum[r])
	}
	return gain
}

// Fits says why what was learnt from frames cut as learnt says is of no use for frames
// cut as f says, or nil. The rate, the length, the hop of an activation (Hop·Share) and
// the analysis window must agree, the window to 1e-9 of its greatest weight. How many
// frames share an activation, the zeros before the recording, its length, channels and
// realisations may differ.
func (f Framing) Fits(learnt Framing) error {
	if f.Rate != learnt.Rate {
		return fmt.Errorf("the sample rate is %d Hz; want %d, as the model was learnt: the stage resample gives a recording that rate", f.Rate, learnt.Rate)
	}
	for _, c := range []struct {
		what, unit string
		have, want int
	}{
		{"the length of a frame", "samples", f.Length, learnt.Length},
		{"the hop of an activation", "samples", f.Hop * f.Share, learnt.Hop * learnt.Share},
	} {
		if c.have != c.want {
			return fmt.Errorf("%s is %d %s; want %d, as the model was learnt", c.what, c.have, c.unit, c.want)
		}
	}
	var most float64
	for _, a := range learnt.Analysis {
		most = max(most, math.Abs(a))
	}
	for i, a := range learnt.Analysis {
		if i >= len(f.Analysis) || !(math.Abs(f.Analysis[i]-a) <= 1e-9*most) {
			return fmt.Errorf("the window is another than the model was learnt with; want the same shape, form and scale")
		}
	}
	return nil
}

// Cut fills dst with the n windowed frames of src from frame first on, in every
// layer. It reuses dst's storage; a zero Frames is filled anew. A sample that is not
// finite makes a *SampleError.
func (f Framing) Cut(ctx context.Context, dst *Frames, src Source, first, n int) error {
	span := (n-1)*f.Hop + f.Length
	dst.samples = resize(dst.samples, f.Layers(), span)
	if err := src.ReadAt(ctx, dst.samples, first*f.Hop-f.Pad); err != nil {
		return err
	}
	for l, x := range dst.samples {
		if i := notFinite(x); i >= 0 {
			return blame(src, &SampleError{Layer: l, Channel: l % max(1, f.Channels), Sample: first*f.Hop - f.Pad + i, Value: x[i]})
		}
	}
	dst.Framing, dst.First, dst.N = f, first, n
	dst.Data = resize(dst.Data, f.Layers(), n*f.Length)
	for l, samples := range dst.samples {
		for i := range n {
			kernel.Mul(dst.Data[l][i*f.Length:(i+1)*f.Length], f.Analysis, samples[i*f.Hop:])
		}
	}
	return nil
}

// resize returns rows slices of n numbers, in a's storage where that is enough.
func resize(a [][]float64, rows, n int) [][]float64 {
	if cap(a) < rows {
		a = make([][]float64, rows)
	}
	a = a[:rows]
	for i := range a {
		if cap(a[i]) < n {
			a[i] = make([]float64, n)
		}
		a[i] = a[i][:n]
	}
	return a
}

// A Joiner puts frames together again: it overlap-adds runs of frames given in
// order and divides by the overlap-added weights, the least-squares inverse of
// [Framing.Cut] where the two windows are equal (Griffin and Lim, 1984).
// The result is the same however the frames are split into runs.
type Joiner struct {
	f      Framing
	next   int         // index of the next frame
	total  int         // N
	rows   [][]float64 // sums from the first sample of frame next on
	weight []float64
	added  int       // frames since the first that was added
	steady []float64 // the weights of a run that follows enough others, which each such run of as many frames has
	both   []float64 // windows, multiplied
	out    [][]float64
}

// NewJoiner returns a Joiner of rows signals cut as f says: the layers of a
// recording, or of several sources.
func NewJoiner(f Framing, rows int) *Joiner {
	j := &Joiner{f: f, total: f.Frames(), rows: make([][]float64, rows), out: make([][]float64, rows)}
	j.both = make([]float64, f.Length)
	kernel.Mul(j.both, f.Analysis, f.Synthesis)
	return j
}

// Add adds the next n frames of every row, [row][n*M+m], and returns the samples
// that no later frame can change, [row][samples]. They are valid until the next call.
func (j *Joiner) Add(frames [][]float64, n int) [][]float64 {
	f := &j.f
	span := (n-1)*f.Hop + f.Length
	weight := j.weigh(n, span)
	at := j.next*f.Hop - f.Pad // where the rows begin
	j.next += n
	done := n * f.Hop
	if j.next >= j.total {
		done = span
	}
	from, to := max(0, -at), min(done, f.Samples-at)
	to = max(from, to)
	for r, frames := range frames {
		sum := extend(j.rows[r], span)
		for i := range n {
			kernel.AddMul(sum[i*f.Hop:i*f.Hop+f.Length], f.Synthesis, frames[i*f.Length:])
		}
		out := slices.Grow(j.out[r][:0], to-from)[:to-from]
		kernel.Div(out, sum[from:to], weight[from:])
		j.out[r] = out
		j.rows[r] = sum[:copy(sum, sum[done:])]
	}
	j.weight = append(j.weight[:0], weight[done:]...)
	return j.out
}

// weigh returns the overlap-added weights from the next frame on, of all frames before and the next n.
// Those left over from before are the same wherever enough frames came before.
func (j *Joiner) weigh(n, span int) []float64 {
	f := &j.f
	enough := j.added >= (f.Length-1)/f.Hop
	j.added += n
	if enough && len(j.steady) == span {
		return j.steady
	}
	j.weight = extend(j.weight, span)
	for i := range n {
		kernel.Add(j.weight[i*f.Hop:i*f.Hop+f.Length], j.both)
	}
	if enough {
		j.steady = append(j.steady[:0], j.weight...)
	}
	return j.weight
}

// extend returns a with zeros appended up to n numbers.
func extend(a []float64, n int) []float64 {
	have := len(a)
	if cap(a) < n {
		a = append(make([]float64, 0, n), a...)
	}
	a = a[:n]
	clear(a[have:])
	return a
}
