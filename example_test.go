package audiosep_test

import (
	"context"
	"fmt"
	"math"

	"github.com/audiosep/audiosep"
)

// HaarParams are the parameters of the stage that the example defines.
type HaarParams struct {
	Levels int `json:"levels" min:"1" max:"16" unit:"levels" doc:"Number of times the frame is halved."`
}

// NewHaar makes a Haar wavelet transform: sums and differences of neighbours, then of
// the sums again.
func NewHaar(p HaarParams) (audiosep.Transformer, error) {
	return audiosep.PerFrame(func(m int) (forward, inverse func(dst, src []float64), err error) {
		if m%(1<<p.Levels) != 0 {
			return nil, nil, fmt.Errorf("frames are %d samples long; want a multiple of %d for %d levels", m, 1<<p.Levels, p.Levels)
		}
		forward = func(dst, src []float64) {
			low := append([]float64(nil), src...)
			for n := m / 2; n >= m>>p.Levels; n /= 2 {
				for i := range n {
					a, b := low[2*i], low[2*i+1]
					low[i], dst[n+i] = (a+b)/math.Sqrt2, (a-b)/math.Sqrt2
				}
				copy(dst, low[:n])
			}
		}
		inverse = func(dst, src []float64) {
			copy(dst, src)
			for n := m >> p.Levels; n < m; n *= 2 {
				for i, sum := range append([]float64(nil), dst[:n]...) {
					dst[2*i], dst[2*i+1] = (sum+src[n+i])/math.Sqrt2, (sum-src[n+i])/math.Sqrt2
				}
			}
		}
		return forward, inverse, nil
	}), nil
}

// A stage is a constructor and what is known of its parameters. A pipeline or a plugin
// needs nothing but the Definition.
func Example() {
	haar := audiosep.Define("haar", "Haar wavelet transform; real, orthonormal, F = M.", HaarParams{Levels: 2}, NewHaar)

	fmt.Println(haar.In[0].Cargo, haar.Params[0].Name, haar.Params[0].Range())
	_, err := haar.Build([]byte(`{"level": 3}`))
	fmt.Println(err)

	stage, err := haar.Build(nil) // the defaults
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	transform, err := stage.(audiosep.Transformer).Transform(ctx, 4)
	if err != nil {
		fmt.Println(err)
		return
	}
	frames := []float64{1, 1, 3, 3, 1, -1, 0, 0}
	x := audiosep.MakeCoefs(transform, 2)
	if err := transform.Forward(ctx, x, frames); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.2f\n", x.Re)
	back := make([]float64, len(frames))
	if err := transform.Inverse(ctx, back, x); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.2f\n", back)
	// Output:
	// frames levels 1 to 16 levels
	// parameter level is no parameter of this stage; did you mean "levels"?
	// [4.00 -2.00 0.00 0.00 0.00 0.00 1.41 0.00]
	// [1.00 1.00 3.00 3.00 1.00 -1.00 0.00 0.00]
}

// A recording is cut into frames and joined again, whatever is done to the frames.
func ExampleFraming() {
	signal := &audiosep.Signal{Rate: 8000, Data: [][]float64{{1, 2, 3, 4, 5, 6}}}
	ctx := context.Background()
	head, err := signal.Head(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	window := []float64{0.5, 1, 1, 0.5}
	framing := audiosep.Framing{Head: head, Length: 4, Hop: 2, Pad: 2, Share: 1, Analysis: window, Synthesis: window}
	if err := framing.Validate(); err != nil {
		fmt.Println(err)
		return
	}
	var y audiosep.Frames
	if err := framing.Cut(ctx, &y, signal, 0, framing.Frames()); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(y.N, "frames; the second:", y.Data[0][4:8])
	fmt.Println(audiosep.NewJoiner(framing, 1).Add(y.Data, y.N)[0])
	// Output:
	// 4 frames; the second: [0.5 2 3 2]
	// [1 2 3 4 5 6]
}
