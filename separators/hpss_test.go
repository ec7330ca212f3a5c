package separators_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/blocks"
	"github.com/audiosep/audiosep/separators"
)

// bare are the samples of a recording as they are, m to a frame, for coefficients.
func bare(t testing.TB, x []float64, m int) audiosep.Spectra {
	t.Helper()
	same := func(dst, src []float64) { copy(dst, src) }
	tr, err := audiosep.PerFrame(func(int) (forward, inverse func(dst, src []float64), err error) { return same, same, nil }).Transform(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	ones := make([]float64, m)
	for i := range ones {
		ones[i] = 1
	}
	s := &audiosep.Signal{Rate: 8000, Data: [][]float64{x}}
	h, _ := s.Head(t.Context())
	f := audiosep.Framing{Head: h, Length: m, Hop: m, Share: 1, Analysis: ones, Synthesis: ones}
	spectra, err := audiosep.NewSpectra(&audiosep.Framed{Source: s, Framing: f}, tr)
	if err != nil {
		t.Fatal(err)
	}
	return spectra
}

// The numbers are scipy's; testdata/hpss_scipy.py has how they were made.
func TestHPSSGolden(t *testing.T) {
	text, err := os.ReadFile("testdata/hpss_scipy.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		X     []float64
		M     int
		Cases []struct {
			Frames, Bins         int
			Power, Margin        float64
			Harmonic, Percussive []float64
		}
	}
	if err := json.Unmarshal(text, &golden); err != nil {
		t.Fatal(err)
	}
	for _, c := range golden.Cases {
		stage, err := separators.NewHPSS(separators.HPSSParams{Frames: c.Frames, Bins: c.Bins, Power: c.Power, Margin: c.Margin})
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range []int{1, 7, 100} {
			stems, err := audiosep.Collect(blocks.WithSize(context.Background(), block), stage.Separate(bare(t, golden.X, golden.M)))
			if err != nil {
				t.Fatal(err)
			}
			for j, want := range [][]float64{c.Harmonic, c.Percussive} {
				for i, w := range want {
					if got := stems[j].Data[0][i]; math.Abs(got-w) > 1e-12 {
						t.Fatalf("%d×%d, margin %v, blocks of %d: number %d of stem %d is %v; want %v", c.Frames, c.Bins, c.Margin, block, i, j, got, w)
					}
				}
			}
			if (len(stems) == 3) != (c.Margin > 1) {
				t.Errorf("margin %v makes %d stems", c.Margin, len(stems))
			}
		}
	}
}

func TestHPSSRefuses(t *testing.T) {
	for params, want := range map[string]string{
		`{"frames": 30}`: "parameter frames is 30; want an odd number, so that a window has a middle",
		`{"bins": 2}`:    "parameter bins is 2; want an odd number, so that a window has a middle",
	} {
		for _, def := range separators.Stages {
			if def.Name == "hpss" {
				if _, err := def.Build([]byte(params)); fmt.Sprint(err) != want {
					t.Errorf("%s: %v; want %s", params, err, want)
				}
			}
		}
	}
}

// Long medians, and sources that reach far, are told to have as many frames in memory.
func TestMediansTellTheirMemory(t *testing.T) {
	e := audiosep.Extent{Head: audiosep.Head{Rate: 44100, Channels: 2, Realisations: 1, Samples: 1 << 27},
		Length: 2048, Hop: 512, Frames: 1 << 18, Columns: 1 << 18, Bins: 1025, Complex: true, Threads: 4}
	p := separators.DefaultHPSS()
	p.Frames = 10001
	long, err := separators.NewHPSS(p)
	if err != nil {
		t.Fatal(err)
	}
	k := separators.DefaultKAM()
	k.Frames = 10001
	kam, err := separators.NewKAM(k)
	if err != nil {
		t.Fatal(err)
	}
	held := e.Coefs(10000) * int64(e.Layers()) * int64(e.Threads)
	if got := long.Needs(e); got.Streams < held || got.Operations < 1e12 {
		t.Errorf("hpss: %d bytes, %g operations; want at least %d and 1e12", got.Streams, got.Operations, held)
	}
	if got := kam.Needs(e).Streams; got < 3*held {
		t.Errorf("kam: %d bytes; want at least %d, for three iterations", got, 3*held)
	}
	short, err := separators.NewHPSS(separators.DefaultHPSS())
	if err != nil {
		t.Fatal(err)
	}
	if got := short.Needs(e).Streams; got > held/20 {
		t.Errorf("hpss of 31 frames: %d bytes; want few", got)
	}
}

// BenchmarkHPSS times medians of several lengths along time and frequency.
func BenchmarkHPSS(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	x := make([]float64, 1<<19)
	for i := range x {
		x[i] = r.NormFloat64()
	}
	for _, length := range []int{5, 17, 31, 101, 301} {
		b.Run(fmt.Sprint(length), func(b *testing.B) {
			stage, err := separators.NewHPSS(separators.HPSSParams{Frames: length, Bins: length, Power: 2, Margin: 1})
			if err != nil {
				b.Fatal(err)
			}
			stems := stage.Separate(bare(b, x, 1024))
			for b.Loop() {
				if err := stems.Each(b.Context(), func(int, [][]float64) error { return nil }); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(x)), "ns/coefficient")
		})
	}
}
