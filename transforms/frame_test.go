package transforms

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/npy"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func build(t interface{ Fatal(...any) }, d audiosep.Definition, params string) any {
	stage, err := d.Build(json.RawMessage(params))
	if err != nil {
		t.Fatal(err)
	}
	return stage
}

func framing(t interface{ Fatal(...any) }, params string, h audiosep.Head) audiosep.Framing {
	f, err := build(t, frameStage, params).(audiosep.Framer).Framing(context.Background(), h)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

var mono = audiosep.Head{Rate: 5000, Samples: 15000, Channels: 1, Realisations: 1}

func TestFramePaper(t *testing.T) {
	const params = `{"length": 200, "hop": 100, "window": "tukey", "alpha": 0.1, "scale": "sum"`
	f := framing(t, params+"}", mono)
	if f.Pad != 100 || f.Frames() != 151 {
		t.Errorf("%d zeros, %d frames; want 100, 151", f.Pad, f.Frames())
	}
	var sum float64
	for _, a := range f.Analysis {
		sum += a
	}
	if math.Abs(sum-1) > 1e-14 || f.Analysis[0] != 0 || f.Analysis[100] != f.Analysis[11] || f.Analysis[1] != f.Analysis[199] {
		t.Errorf("the window adds to %v; want a periodic one that adds to 1", sum)
	}
	for _, s := range []string{"2", "4", "10"} {
		if g := framing(t, params+`, "grids": `+s+"}", mono); g.Columns() != 151 || g.Hop*g.Share != 100 || g.Pad != 100 {
			t.Errorf("%s grids: %d activations, %d samples apart, %d zeros; want as many as without", s, g.Columns(), g.Hop*g.Share, g.Pad)
		}
	}
}

func TestFrameDefaults(t *testing.T) {
	for _, c := range []struct {
		params              string
		rate                int
		length, hop, pad, s int
	}{
		{`{}`, 44100, 1764, 882, 882, 1},
		{`{}`, 11025, 440, 220, 220, 1},
		{`{"length_ms": 40, "overlap": 0.75}`, 48000, 1920, 480, 1440, 1},
		{`{"grids": 8}`, 44100, 1764, 110, 884, 8},
		{`{"length": 5, "overlap": 0, "window": "rectangular"}`, 8000, 5, 5, 0, 1},
		{`{"length": 200, "overlap": 0, "window": "hann", "grids": 4}`, 8000, 200, 50, 100, 4},
		{`{"length_ms": 40, "hop": 441}`, 44100, 1764, 441, 1323, 1},
	} {
		h := mono
		h.Rate = c.rate
		f := framing(t, c.params, h)
		if got, want := [4]int{f.Length, f.Hop, f.Pad, f.Share}, [4]int{c.length, c.hop, c.pad, c.s}; got != want {
			t.Errorf("%s at %d Hz: length, hop, pad, share %v; want %v", c.params, c.rate, got, want)
		}
	}
}

func TestFrameRefuses(t *testing.T) {
	for _, c := range []struct{ params, want string }{
		{`{"length": 200, "length_ms": 40}`, "parameter length_ms is 40 while length is 200; want only one of the two"},
		{`{"hop": 100, "overlap": 0.5}`, "parameter overlap is 0.5 while hop is 100; want only one of the two"},
		{`{"overlap": 1}`, "parameter overlap is 1; want 0 to less than 1"},
		{`{"overlap": -0.5}`, "parameter overlap is -0.5; want at least 0"},
		{`{"length_ms": -40}`, "parameter length_ms is -40; want 0.1 to 60000 ms"},
		{`{"grids": 0}`, "parameter grids is 0; want 1 to 1024"},
		{`{"window": "han"}`, `parameter window is "han"; want one of tukey, hann, hamming, blackman, blackman_harris, triangular, kaiser, kbd, sine, rectangular, own`},
		{`{"alpha": 0.5}`, "parameter alpha is 0.5 while window is sine; want it with tukey alone"},
		{`{"window": "hann", "beta": 5}`, "parameter beta is 5 while window is hann; want it with kaiser and kbd alone"},
		{`{"length": 200, "hop": 100, "grids": 8}`, "parameter grids is 8; want what divides the hop of 100 samples, such as 5 or 10"},
		{`{"length": 200, "hop": 100, "grids": 101}`, "parameter grids is 101; want what divides the hop of 100 samples, such as 100"},
		{`{"length": 200, "hop": 201}`, "parameter hop does not do: the hop of 201 samples for 1 grids is longer than a frame of 200; want at most that"},
		{`{"length": 3, "hop": 1, "window": "kbd"}`, "parameter window does not do: a kbd window has 3 weights; want an even number"},
		{`{"length": 4, "window": "own", "weights": [1, 1, 1]}`, "parameter weights does not do: a window has 3 weights of one's own; want 4, as the frames are long"},
		{`{"length": 4, "window": "own"}`, "parameter weights and weights_file are both left out; want one of the two with window own"},
		{`{"length": 4, "window": "own", "weights": [1, 1, 1, 1], "weights_file": "w.npy"}`, "parameter weights and weights_file are both given; want one of the two with window own"},
		{`{"length": 4, "weights": [1, 1, 1, 1]}`, "parameter weights are 4 while window is sine; want them with own alone"},
		{`{"length": 4, "window": "hann", "weights_file": "w.npy"}`, "parameter weights_file is given while window is hann; want it with own alone"},
		{`{"length": 4, "window": "own", "weights": [1, -1, 1, -1], "scale": "sum"}`, "parameter weights does not do: the weights of the window add up to 0; want scale none, or other weights"},
		{`{"length": 5, "window": "kbd"}`, "parameter window does not do: a kbd window has 5 weights; want an even number"},
		{`{"length": 200, "hop": 200, "window": "hann"}`, "parameter hop does not do: frames of 200 samples, 200 apart, cannot be joined again: sample 0 of every 200 gets the weight 0 of at most 1; use a smaller hop or another window"},
		{`{"length_ms": 40, "overlap": 0, "window": "hann"}`, "parameter overlap does not do: frames of 1920 samples, 1920 apart, cannot be joined again: sample 0 of every 1920 gets the weight 0 of at most 1; use a smaller hop or another window"},
		{`{"length": 100000, "hop": 1}`, "parameter hop does not do: frames of 100000 samples, 1 apart, overlap more than 1024 times; use a greater hop or fewer grids"},
	} {
		if _, err := frameStage.Build(json.RawMessage(c.params)); err == nil || err.Error() != c.want {
			t.Errorf("%s: error\n\t%v; want\n\t%s", c.params, err, c.want)
		} else if _, ok := audiosep.AsParamErrors(err); !ok {
			t.Errorf("%s: the error names no parameter", c.params)
		}
	}
}

func TestFrameRefusesEveryFaultAtOnce(t *testing.T) {
	_, err := frameStage.Build(json.RawMessage(`{"length": 200, "length_ms": 40, "hop": 100, "overlap": 0.5, "alpha": 1, "grids": 3}`))
	errs, _ := audiosep.AsParamErrors(err)
	var names []string
	for _, e := range errs {
		names = append(names, e.Name)
	}
	if diff := cmp.Diff([]string{"length_ms", "overlap", "alpha", "grids"}, names); diff != "" {
		t.Errorf("wrong parameters (-want +got):\n%s", diff)
	}
}

func TestFrameRefusesRecording(t *testing.T) {
	for _, c := range []struct {
		params string
		rate   int
		want   string
	}{
		{`{"length_ms": 0.1}`, 8000, "frames of 0.1 ms at 8000 Hz are 0 samples long; want 2 to 1048576"},
		{`{"length_ms": 60000}`, 192000, "frames of 60000 ms at 192000 Hz are 1.152e+07 samples long; want 2 to 1048576"},
		{`{"length_ms": 10, "hop": 512}`, 44100, "the hop of 512 samples for 1 grids is longer than a frame of 440; want at most that"},
	} {
		stage, err := frameStage.Build(json.RawMessage(c.params))
		if err != nil {
			continue // 60 s are too long at any rate that is checked
		}
		h := mono
		h.Rate = c.rate
		if _, err := stage.(audiosep.Framer).Framing(context.Background(), h); err == nil || err.Error() != c.want {
			t.Errorf("%s: error\n\t%v; want\n\t%s", c.params, err, c.want)
		}
	}
}

func TestNewFrameFromGo(t *testing.T) {
	for _, p := range []FrameParams{{}, {Grids: 1}, {Grids: 1, Window: "sine", Hop: new(int)}, {Grids: 1, Window: "sine", Length: new(int)}} {
		if _, err := NewFrame(p); err == nil {
			t.Errorf("%+v is taken", p)
		}
	}
}

// Whatever framing is accepted, cutting and joining in any runs restores the signal.
func TestFrameReconstructs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := map[string]any{
			"length":    rapid.IntRange(1, 60).Draw(t, "length"),
			"overlap":   rapid.Float64Range(0, 0.98).Draw(t, "overlap"),
			"window":    rapid.SampledFrom(windowNames()).Draw(t, "window"),
			"symmetry":  rapid.SampledFrom([]string{"periodic", "symmetric"}).Draw(t, "symmetry"),
			"scale":     rapid.SampledFrom([]string{"none", "sum"}).Draw(t, "scale"),
			"synthesis": rapid.SampledFrom([]string{"same", "rectangular"}).Draw(t, "synthesis"),
			"grids":     rapid.IntRange(1, 5).Draw(t, "grids"),
		}
		raw, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		stage, err := frameStage.Build(raw)
		if err != nil {
			t.Skip(err.Error())
		}
		samples := rapid.IntRange(1, 300).Draw(t, "samples")
		x := &audiosep.Signal{Rate: 8000, Data: [][]float64{noise(samples)}}
		head, err := x.Head(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		f, err := stage.(audiosep.Framer).Framing(context.Background(), head)
		if err != nil {
			t.Fatalf("%s was built, but not for %d samples: %v", raw, samples, err)
		}
		run := f.Share * rapid.IntRange(1, 7).Draw(t, "run")
		join := audiosep.NewJoiner(f, 1)
		var got []float64
		var frames audiosep.Frames
		for n := 0; n < f.Frames(); n += run {
			size := min(run, f.Frames()-n)
			if err := f.Cut(context.Background(), &frames, x, n, size); err != nil {
				t.Fatal(err)
			}
			got = append(got, join.Add(frames.Data, size)[0]...)
		}
		if e := distance(got, x.Data[0]); !(e <= 1e-12) {
			t.Fatalf("%s: %d samples come back as %d, off by %.3g", raw, samples, len(got), e)
		}
	})
}

func windowNames() []string {
	i := slices.IndexFunc(frameStage.Params, func(p audiosep.Param) bool { return p.Name == "window" })
	return frameStage.Params[i].OneOf
}

// Weights of one's own, in a list or a file of either shape, are the window.
func TestFrameOfOnesOwnWindow(t *testing.T) {
	want := []float64{0.5, 1, 0.75, 0.25}
	dir := t.TempDir()
	specs := []string{`{"length": 4, "hop": 2, "window": "own", "weights": [0.5, 1, 0.75, 0.25]}`}
	for name, shape := range map[string][]int{"vector": {4}, "row": {1, 4}, "column": {4, 1}, "matrix": {2, 2}} {
		f, err := os.Create(filepath.Join(dir, name+".npy"))
		if err != nil {
			t.Fatal(err)
		}
		if err := npy.Write(f, npy.Array{Shape: shape, Data: want}); err != nil {
			t.Fatal(err)
		}
		f.Close()
		if name != "matrix" {
			specs = append(specs, fmt.Sprintf(`{"length": 4, "hop": 2, "window": "own", "weights_file": %q}`, f.Name()))
		}
	}
	for _, spec := range specs {
		stage, err := frameStage.Build(json.RawMessage(spec))
		if err != nil {
			t.Fatal(err)
		}
		f, err := stage.(audiosep.Framer).Framing(context.Background(), mono)
		if err != nil || !slices.Equal(f.Analysis, want) {
			t.Errorf("%s: the window is %v (%v); want %v", spec, f.Analysis, err, want)
		}
	}
	for file, want := range map[string]string{"matrix.npy": "is 2×2; want one row or one column", "none.npy": "there is no file", ".": "is no regular file"} {
		path := filepath.Join(dir, file)
		p := DefaultFrame()
		p.Window, p.WeightsFile, p.Length = "own", &path, new(int)
		*p.Length = 4
		if _, err := p.Framing(context.Background(), mono); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %s", file, err, want)
		}
	}
}

func TestFrameKnowsItsWindows(t *testing.T) {
	for _, name := range windowNames() {
		if _, err := (Window{Name: name, Own: []float64{0, 1, 2, 1}}).Weights(4); err != nil {
			t.Errorf("the parameter window allows %s: %v", name, err)
		}
	}
}
