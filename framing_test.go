package audiosep_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/audiosep/audiosep"
	"pgregory.net/rapid"
)

// drawFraming draws framings that mostly can be inverted.
func drawFraming(t *rapid.T) audiosep.Framing {
	length := rapid.IntRange(1, 12).Draw(t, "length")
	weights := rapid.SliceOfN(rapid.OneOf(rapid.Float64Range(0.01, 2), rapid.SampledFrom([]float64{0, 1, 1e-3})), length, length)
	return audiosep.Framing{
		Head: audiosep.Head{
			Rate: 8000, Samples: rapid.IntRange(0, 60).Draw(t, "samples"),
			Channels: rapid.IntRange(1, 2).Draw(t, "channels"), Realisations: rapid.IntRange(1, 2).Draw(t, "realisations"),
		},
		Length: length, Hop: rapid.IntRange(1, length).Draw(t, "hop"), Pad: rapid.IntRange(0, length-1).Draw(t, "pad"),
		Share: rapid.IntRange(1, 4).Draw(t, "share"), Analysis: weights.Draw(t, "analysis"), Synthesis: weights.Draw(t, "synthesis"),
	}
}

// drawSignal draws a recording that f describes.
func drawSignal(t *rapid.T, f audiosep.Framing) *audiosep.Signal {
	s := &audiosep.Signal{Rate: f.Rate, Channels: f.Channels}
	for range f.Layers() {
		s.Data = append(s.Data, rapid.SliceOfN(rapid.Float64Range(-1, 1), f.Samples, f.Samples).Draw(t, "signal"))
	}
	return s
}

// cutAndJoin returns what comes back when the frames are cut and joined in runs of the
// given lengths.
func cutAndJoin(t *rapid.T, f audiosep.Framing, s *audiosep.Signal, runs []int) [][]float64 {
	back := make([][]float64, f.Layers())
	joiner := audiosep.NewJoiner(f, f.Layers())
	var y audiosep.Frames // kept, as a pipeline does
	first := 0
	for _, n := range runs {
		if err := f.Cut(context.Background(), &y, s, first, n); err != nil {
			t.Fatal(err)
		}
		for l, out := range joiner.Add(y.Data, n) {
			back[l] = append(back[l], out...)
		}
		first += n
	}
	return back
}

func drawRuns(t *rapid.T, n int) (runs []int) {
	for n > 0 {
		run := rapid.IntRange(1, n).Draw(t, "run")
		runs = append(runs, run)
		n -= run
	}
	return runs
}

func TestCutAndJoinAreExact(t *testing.T) {
	drawn, valid := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		drawn++
		f := drawFraming(t)
		if f.Samples == 0 || f.Validate() != nil {
			return
		}
		valid++
		s := drawSignal(t, f)
		whole := cutAndJoin(t, f, s, []int{f.Frames()})
		for l, want := range s.Data {
			if len(whole[l]) != len(want) {
				t.Fatalf("%d samples come back; want %d", len(whole[l]), len(want))
			}
			for i, x := range want {
				if d := math.Abs(whole[l][i] - x); !(d <= 1e-12) {
					t.Fatalf("sample %d of layer %d comes back %v away", i, l, d)
				}
			}
		}
		parts := cutAndJoin(t, f, s, drawRuns(t, f.Frames()))
		for l := range whole {
			for i, x := range whole[l] {
				if math.Float64bits(parts[l][i]) != math.Float64bits(x) {
					t.Fatalf("sample %d of layer %d is %v in one run, %v in several", i, l, x, parts[l][i])
				}
			}
		}
	})
	if drawn >= 100 && valid < drawn/5 { // of the few under -short that is chance
		t.Errorf("only %d of %d framings drawn were valid", valid, drawn)
	}
}

// The middle of a column is midway between its first sample and its last.
func TestMiddle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawFraming(t)
		if f.Samples == 0 || f.Validate() != nil || f.Rate == 0 {
			return
		}
		c := rapid.IntRange(0, f.Columns()-1).Draw(t, "column")
		first := c*f.Share*f.Hop - f.Pad
		behind := ((c+1)*f.Share-1)*f.Hop - f.Pad + f.Length
		if got, want := f.Middle(c)*float64(f.Rate), float64(first+behind)/2; math.Abs(got-want) > 1e-6 {
			t.Fatalf("the middle of column %d is at sample %v; want %v", c, got, want)
		}
	})
}

// Frames counts as it says: whole groups, the last reaching Pad samples past the end,
// and no group more than that needs.
func TestFramesCount(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawFraming(t)
		n := f.Frames()
		if f.Samples == 0 {
			if n != 0 {
				t.Fatalf("%d frames of nothing", n)
			}
			return
		}
		end := func(n int) int { return (n-1)*f.Hop - f.Pad + f.Length }
		if n%f.Share != 0 || n < 1 || n != f.Share*f.Columns() {
			t.Fatalf("%d frames, %d columns, in groups of %d", n, f.Columns(), f.Share)
		}
		if end(n) < f.Samples+f.Pad {
			t.Fatalf("the last of %d frames ends at %d; want at least %d", n, end(n), f.Samples+f.Pad)
		}
		if fewer := n - f.Share; fewer > 0 && end(fewer) >= f.Samples+f.Pad {
			t.Fatalf("%d frames would reach %d already", fewer, end(fewer))
		}
	})
}

// The paper has T = 15000, M = 200, hop 100, M/2 zeros before and after: N = 151.
func TestFramesOfThePaper(t *testing.T) {
	f := audiosep.Framing{Head: audiosep.Head{Samples: 15000}, Length: 200, Hop: 100, Pad: 100, Share: 1}
	if n := f.Frames(); n != 151 {
		t.Errorf("%d frames; want 151", n)
	}
}

// A frame is a window over the samples that Framing says, zeros outside.
func TestCutPlacesFrames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawFraming(t)
		s := drawSignal(t, f)
		first, n := rapid.IntRange(0, 5).Draw(t, "first"), rapid.IntRange(1, 5).Draw(t, "n")
		var y audiosep.Frames
		if err := f.Cut(context.Background(), &y, s, first, n); err != nil {
			t.Fatal(err)
		}
		for l, data := range y.Data {
			m := y.Matrix(l)
			for i := range n {
				for k := range f.Length {
					want, at := 0.0, (first+i)*f.Hop-f.Pad+k
					if at >= 0 && at < f.Samples {
						want = s.Data[l][at] * f.Analysis[k]
					}
					if data[i*f.Length+k] != want || m.At(k, i) != want {
						t.Fatalf("frame %d, sample %d is %v; want %v", first+i, k, data[i*f.Length+k], want)
					}
				}
			}
		}
	})
}

func TestCutPassesErrorsOn(t *testing.T) {
	f := audiosep.Framing{Head: audiosep.Head{Channels: 1, Realisations: 1, Samples: 4}, Length: 2, Hop: 2, Share: 1, Analysis: []float64{1, 1}, Synthesis: []float64{1, 1}}
	if err := f.Cut(t.Context(), &audiosep.Frames{}, brokenSource{}, 0, 2); !errors.Is(err, errBroken) {
		t.Errorf("the error is %v; want the source's", err)
	}
}

var errBroken = errors.New("broken")

type brokenSource struct{ audiosep.Source }

func (brokenSource) ReadAt(context.Context, [][]float64, int) error { return errBroken }

func TestValidate(t *testing.T) {

	good := audiosep.Framing{Head: audiosep.Head{Rate: 8000, Samples: 20, Channels: 1, Realisations: 1}, Length: 4, Hop: 2, Pad: 2, Share: 1, Analysis: ones(4), Synthesis: ones(4)}
	for _, c := range []struct {
		want  string
		spoil func(f *audiosep.Framing)
	}{
		{"<nil>", func(*audiosep.Framing) {}},
		{"frames are 0 samples long; want at least 1", func(f *audiosep.Framing) { f.Length = 0 }},
		{"the hop is 0 samples; want 1 to 4, the length of a frame", func(f *audiosep.Framing) { f.Hop = 0 }},
		{"the hop is 5 samples; want 1 to 4, the length of a frame", func(f *audiosep.Framing) { f.Hop = 5 }},
		{"0 frames share an activation; want at least 1", func(f *audiosep.Framing) { f.Share = 0 }},
		{"4 zeros stand before the first sample; want 0 to 3", func(f *audiosep.Framing) { f.Pad = 4 }},
		{"-1 zeros stand before the first sample; want 0 to 3", func(f *audiosep.Framing) { f.Pad = -1 }},
		{"the windows have 3 and 4 weights; want 4, the length of a frame", func(f *audiosep.Framing) { f.Analysis = ones(3) }},
		{"the windows have 4 and 5 weights; want 4, the length of a frame", func(f *audiosep.Framing) { f.Synthesis = ones(5) }},
		{"weight 1 of the windows is not finite", func(f *audiosep.Framing) { f.Analysis[1] = math.NaN() }},
		{"weight 3 of the windows is not finite", func(f *audiosep.Framing) { f.Synthesis[3] = math.Inf(1) }},
		{"frames of 4 samples, 4 apart, cannot be joined again: sample 1 of every 4 gets the weight 0 of at most 1; use a smaller hop or another window",
			func(f *audiosep.Framing) { f.Hop, f.Analysis = 4, []float64{1, 0, 1, 1} }},
		{"frames of 4 samples, 2 apart, cannot be joined again: sample 0 of every 2 gets the weight 0 of at most 0; use a smaller hop or another window",
			func(f *audiosep.Framing) { f.Analysis = make([]float64, 4) }},
		{"frames of 4 samples, 2 apart, cannot be joined again: sample 0 of every 2 gets the weight -2 of at most 2; use a smaller hop or another window",
			func(f *audiosep.Framing) { f.Analysis = []float64{-1, 1, -1, 1} }},
		{"sample 0 of 20 cannot be restored: it gets the weight 0 of at most 1; pad with more zeros",
			func(f *audiosep.Framing) { f.Pad, f.Analysis = 0, []float64{0, 0, 1, 1} }},
		{"sample 18 of 20 cannot be restored: it gets the weight 0 of at most 1; pad with more zeros",
			func(f *audiosep.Framing) { f.Pad, f.Analysis = 0, []float64{1, 1, 0, 0} }},
		{"<nil>", func(f *audiosep.Framing) { f.Samples, f.Pad, f.Analysis = 0, 0, []float64{0, 0, 1, 1} }},
	} {
		f := good
		f.Analysis, f.Synthesis = ones(4), ones(4)
		c.spoil(&f)
		if got := fmt.Sprint(f.Validate()); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

// A framing is refused where some sample's weight is too small, found by brute force.
func TestValidateAgreesWithBruteForce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawFraming(t)
		if f.Samples == 0 {
			return
		}
		weight := func(at, n int) (w float64) { // of the sample at, by n frames
			for i := range n {
				if m := at + f.Pad - i*f.Hop; m >= 0 && m < f.Length {
					w += f.Analysis[m] * f.Synthesis[m]
				}
			}
			return w
		}
		// Sample 100·Hop-Pad+r has every frame that can be over it.
		most, least := 0.0, math.Inf(1)
		for r := range f.Hop {
			w := weight(100*f.Hop-f.Pad+r, 200)
			most, least = max(most, w), min(least, w)
		}
		for at := range f.Samples {
			least = min(least, weight(at, f.Frames()))
		}
		if near := math.Abs(least-1e-6*most) < 1e-12*most; near {
			return
		}
		if err := f.Validate(); (err == nil) != (least > 1e-6*most) {
			t.Fatalf("Validate says %v; the least weight is %v of %v", err, least, most)
		}
	})
}

func ones(n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = 1
	}
	return x
}

// Where windows overlap well, changes of frames are hardly amplified; where they barely do,
// much.
func TestGain(t *testing.T) {
	window := func(n int, f func(x float64) float64) []float64 {
		w := make([]float64, n)
		for i := range w {
			w[i] = f((float64(i) + 0.5) / float64(n))
		}
		return w
	}
	sine := func(x float64) float64 { return math.Sin(math.Pi * x) }
	hann := func(x float64) float64 { return sine(x) * sine(x) }
	one := func(float64) float64 { return 1 }
	for _, c := range []struct {
		window      func(float64) float64
		hop         int
		least, most float64
	}{
		{one, 100, 1, 1}, {sine, 50, 1.4, math.Sqrt2 + 1e-9}, {hann, 25, 1.3, 1.4}, {hann, 50, 1.5, 2.1}, {sine, 95, 10, 30}, {hann, 95, 100, 1000},
	} {
		w := window(100, c.window)
		f := audiosep.Framing{Length: 100, Hop: c.hop, Share: 1, Analysis: w, Synthesis: w}
		if g := f.Gain(); g < c.least || g > c.most {
			t.Errorf("hop %d: the gain is %v; want %v to %v", c.hop, g, c.least, c.most)
		}
	}
}
