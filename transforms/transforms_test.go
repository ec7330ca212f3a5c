package transforms

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/npy"
	"gonum.org/v1/gonum/mat"
)

// writeNPY writes a matrix to a file of the test and returns the file's name.
func writeNPY(t testing.TB, a npy.Array) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "phi.npy")
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(npy.Write(file, a), file.Close()); err != nil {
		t.Fatal(err)
	}
	return name
}

// eachTransform tries f on every transform of the package for frames of m samples.
func eachTransform(t *testing.T, m int, f func(t *testing.T, x audiosep.Transform)) {
	file := writeNPY(t, npy.Array{Shape: []int{m, m}, Data: mat.DenseCopyOf(newDCT(t, 2, m).Phi()).RawMatrix().Data})
	for _, c := range []struct {
		d      audiosep.Definition
		params string
	}{
		{dctStage, `{"type": 1}`}, {dctStage, `{}`}, {dctStage, `{"type": 3}`}, {dctStage, `{"type": 4}`},
		{stftStage, `{}`}, {stftStage, fmt.Sprintf(`{"size": %d}`, 2*m+1)},
		{matrixStage, fmt.Sprintf(`{"file": %q}`, file)}, {identityStage, `{}`},
	} {
		t.Run(fmt.Sprint(c.d.Name, c.params[:min(len(c.params), 12)], m), func(t *testing.T) {
			x, err := build(t, c.d, c.params).(audiosep.Transformer).Transform(context.Background(), m)
			if err != nil {
				t.Fatal(err)
			}
			f(t, x)
		})
	}
}

func TestRoundTrip(t *testing.T) {
	for _, m := range []int{2, 13, 200, 211, 256} {
		eachTransform(t, m, func(t *testing.T, x audiosep.Transform) {
			const frames = 300 // several chunks for the greater lengths
			y, coefs, back := noise(frames*m), audiosep.MakeCoefs(x, frames), make([]float64, frames*m)
			before := slices.Clone(y)
			if err := x.Forward(context.Background(), coefs, y); err != nil {
				t.Fatal(err)
			}
			if err := x.Inverse(context.Background(), back, coefs); err != nil {
				t.Fatal(err)
			}
			if e := distance(back, y); !(e <= 1e-12) {
				t.Errorf("off by %.3g", e)
			}
			if !slices.Equal(before, y) {
				t.Error("Forward changed its frames")
			}
		})
	}
}

func TestFramesDoNotDependOnEachOther(t *testing.T) {
	const m, frames = 150, 300
	eachTransform(t, m, func(t *testing.T, x audiosep.Transform) {
		y, whole, parts := noise(frames*m), audiosep.MakeCoefs(x, frames), audiosep.MakeCoefs(x, frames)
		if err := x.Forward(context.Background(), whole, y); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for i := 0; i < frames; i += 7 {
			wg.Go(func() {
				j := min(frames, i+7)
				if err := x.Forward(context.Background(), parts.Slice(i, j, x.Bins()), y[i*m:j*m]); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if !slices.Equal(whole.Re, parts.Re) || !slices.Equal(whole.Im, parts.Im) {
			t.Error("frames transformed at once and seven at a time differ")
		}
		back, again := make([]float64, frames*m), make([]float64, frames*m)
		for i, n := 0, 1; i < frames; i, n = i+n, n+1 {
			j := min(frames, i+n)
			if err := x.Inverse(context.Background(), again[i*m:j*m], whole.Slice(i, j, x.Bins())); err != nil {
				t.Fatal(err)
			}
		}
		if err := x.Inverse(context.Background(), back, whole); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(back, again) {
			t.Error("frames restored at once and a few at a time differ")
		}
	})
}

func TestSilence(t *testing.T) {
	eachTransform(t, 24, func(t *testing.T, x audiosep.Transform) {
		coefs, back := audiosep.MakeCoefs(x, 2), []float64{47: 1}
		for _, c := range [][]float64{coefs.Re, coefs.Im} {
			for i := range c {
				c[i] = math.NaN() // what is not written shows
			}
		}
		if err := x.Forward(context.Background(), coefs, make([]float64, 48)); err != nil {
			t.Fatal(err)
		}
		if err := x.Inverse(context.Background(), back, coefs); err != nil {
			t.Fatal(err)
		}
		for _, c := range slices.Concat(coefs.Re, coefs.Im, back) {
			if c != 0 {
				t.Fatalf("silence becomes %v", c)
			}
		}
	})
}

func TestWrongShapes(t *testing.T) {
	for _, x := range []audiosep.Transform{newDCT(t, 2, 8), newSTFT(t, 8, 0), &identity{shape{len: 8, bins: 8}}} {
		for _, n := range []int{7, 8, 24} { // not whole; one frame; three
			coefs := audiosep.MakeCoefs(x, 2)
			var shape *audiosep.ShapeError
			if err := x.Forward(context.Background(), coefs, make([]float64, n)); !errors.As(err, &shape) {
				t.Errorf("%T: %d samples into two frames of coefficients: error %v", x, n, err)
			}
			if err := x.Inverse(context.Background(), make([]float64, n), coefs); !errors.As(err, &shape) {
				t.Errorf("%T: %d samples from two frames of coefficients: error %v", x, n, err)
			}
		}
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, x := range []audiosep.Transform{newDCT(t, 2, 8), newSTFT(t, 8, 0)} {
		if err := x.Forward(ctx, audiosep.MakeCoefs(x, 3), make([]float64, 24)); !errors.Is(err, context.Canceled) {
			t.Errorf("%T: error %v; want %v", x, err, context.Canceled)
		}
	}
}

// However many frames are transformed, a call allocates as much.
func TestFramesAllocateNothing(t *testing.T) {
	for _, x := range []audiosep.Transform{newDCT(t, 2, 128), newDCT(t, 4, 58), newSTFT(t, 128, 211)} {
		const frames = 100 // one chunk
		y, coefs := noise(frames*x.Len()), audiosep.MakeCoefs(x, frames)
		allocs := testing.AllocsPerRun(20, func() {
			if err := x.Forward(context.Background(), coefs, y); err != nil {
				t.Fatal(err)
			}
		})
		// A plan may be lost to the garbage collector now and then.
		if allocs > frames/4 {
			t.Errorf("%T: %v allocations for %d frames", x, allocs, frames)
		}
	}
}

func TestMatrixFile(t *testing.T) {
	tall := writeNPY(t, npy.Array{Shape: []int{3, 2}, Data: []float64{1, 0, 0, 2, 1, 1}})
	x, err := build(t, matrixStage, fmt.Sprintf(`{"file": %q}`, tall)).(audiosep.Transformer).Transform(context.Background(), 2)
	if err != nil {
		t.Fatal(err)
	}
	coefs := audiosep.MakeCoefs(x, 1)
	if err := x.Forward(context.Background(), coefs, []float64{3, 5}); err != nil {
		t.Fatal(err)
	}
	if want := []float64{3, 10, 8}; !slices.Equal(coefs.Re, want) {
		t.Errorf("coefficients %v; want %v", coefs.Re, want)
	}
	for _, c := range []struct {
		file string
		m    int
		want string
	}{
		{tall, 3, "Φ is for frames of 2 samples; want 3, the length of a frame"},
		{filepath.Join(t.TempDir(), "none.npy"), 2, "there is no file"},
		{writeNPY(t, npy.Array{Shape: []int{2}, Data: []float64{1, 2}}), 2, "the array has the shape [2]; want a matrix that is not empty"},
		{writeNPY(t, npy.Array{Shape: []int{2, 2}, Data: []float64{1, 2, 2, 4}}), 2, "condition number"},
		{writeNPY(t, npy.Array{Shape: []int{1, 2}, Data: []float64{1, 2}}), 2, "Φ is 1×2; want at least as many rows"},
		{writeNPY(t, npy.Array{Shape: []int{1, 1}, Data: []float64{math.NaN()}}), 1, "row 0, column 0 of Φ is NaN"},
	} {
		maker := build(t, matrixStage, fmt.Sprintf(`{"file": %q}`, c.file)).(audiosep.Transformer)
		if _, err := maker.Transform(context.Background(), c.m); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.file) {
			t.Errorf("error %v; want the file's name and %q", err, c.want)
		}
	}
	if _, err := matrixStage.Build(json.RawMessage(`{}`)); err == nil {
		t.Error("no file is taken")
	}
}

func TestIdentityMatrix(t *testing.T) {
	x, err := build(t, identityStage, `{}`).(audiosep.Transformer).Transform(context.Background(), 3)
	if err != nil {
		t.Fatal(err)
	}
	if !mat.Equal(x.(audiosep.MatrixTransform).Phi(), mat.NewDense(3, 3, []float64{1, 0, 0, 0, 1, 0, 0, 0, 1})) {
		t.Error("Φ is not I")
	}
}
