package separators_test

import (
	"context"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"gonum.org/v1/gonum/floats"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/blocks"
	"github.com/audiosep/audiosep/separators"
	"github.com/audiosep/audiosep/transforms"
)

// peers is what librosa and nussl make of a spectrogram; testdata/background_peers.py has how
// it was made.
type peers struct {
	X     []float64
	Bins  int
	REPET struct {
		Least, Most, Period int
		Background          []float64
	}
	REPETSim struct {
		Similar, Apart int
		Power          float64
		Background     []float64
	} `json:"repet_sim"`
	FT2D struct {
		Rates, Scales int
		Background    []float64
	}
	RPCA struct {
		Iterations int
		Background []float64
	}
	HPSS []struct {
		Frames, Bins         int
		Power, Margin        float64
		Harmonic, Percussive []float64
	}
}

func readPeers(t *testing.T) (p peers) {
	t.Helper()
	text, err := os.ReadFile("testdata/background_peers.json")
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// seconds is how long n frames of the spectra of bare are.
func (p *peers) seconds(n int) float64 { return float64(n*p.Bins) / 8000 }

// backgroundStage is any of the stages that tell background from foreground.
type backgroundStage interface {
	Run(context.Context, audiosep.Env, separators.BackgroundIn) (separators.BackgroundOut, error)
}

func collect(t *testing.T, stage backgroundStage, x audiosep.Spectra, block int) []*audiosep.Signal {
	t.Helper()
	ctx := blocks.WithSize(context.Background(), block)
	out, err := stage.Run(ctx, audiosep.Env{}, separators.BackgroundIn{Coefs: x})
	if err != nil {
		t.Fatal(err)
	}
	stems, err := audiosep.Collect(ctx, out.Sources)
	if err != nil {
		t.Fatal(err)
	}
	return stems
}

func near(t *testing.T, what string, got, want []float64, tol float64) {
	t.Helper()
	for i, w := range want {
		if math.Abs(got[i]-w) > tol {
			t.Errorf("%s: number %d is %v; want %v", what, i, got[i], w)
			return
		}
	}
}

func must[T any](s T, err error) T {
	if err != nil {
		panic(err)
	}
	return s
}

func TestBackgroundGolden(t *testing.T) {
	p := readPeers(t)
	x := bare(t, p.X, p.Bins)
	repet := separators.DefaultREPET()
	repet.MinPeriod, repet.MaxPeriod = p.seconds(p.REPET.Least), p.seconds(p.REPET.Most)
	sim := separators.DefaultREPETSim()
	sim.Similar, sim.Apart, sim.Power = p.REPETSim.Similar, p.seconds(p.REPETSim.Apart), p.REPETSim.Power
	ft2d := separators.DefaultFT2D()
	ft2d.Rates, ft2d.Scales = p.FT2D.Rates, p.FT2D.Scales
	rpca := separators.DefaultRPCA()
	rpca.Iterations, rpca.Tol = p.RPCA.Iterations, 0
	for _, block := range []int{1, 7, 100} {
		near(t, "repet", collect(t, must(separators.NewREPET(repet)), x, block)[0].Data[0], p.REPET.Background, 1e-7)
		near(t, "repet_sim", collect(t, must(separators.NewREPETSim(sim)), x, block)[0].Data[0], p.REPETSim.Background, 1e-6)
		near(t, "ft2d", collect(t, must(separators.NewFT2D(ft2d)), x, block)[0].Data[0], p.FT2D.Background, 1e-6)
		near(t, "rpca", collect(t, must(separators.NewRPCA(rpca)), x, block)[0].Data[0], p.RPCA.Background, 1e-6)
	}
	for _, c := range p.HPSS {
		stems, err := audiosep.Collect(t.Context(), must(separators.NewHPSS(separators.HPSSParams{Frames: c.Frames, Bins: c.Bins, Power: c.Power, Margin: c.Margin})).Separate(x))
		if err != nil {
			t.Fatal(err)
		}
		near(t, "harmonic", stems[0].Data[0], c.Harmonic, 1e-7)
		near(t, "percussive", stems[1].Data[0], c.Percussive, 1e-7)
	}
}

// repeating returns a pattern of frames that repeats, and a few loud numbers that do not, frame by frame.
func repeating(frames, bins, period int) (mix, pattern []float64) {
	rng := rand.New(rand.NewPCG(1, 1))
	one := make([]float64, period*bins)
	for i := range one {
		one[i] = rng.ExpFloat64()
	}
	for i := range frames * bins {
		v := one[i%len(one)]
		pattern = append(pattern, v)
		if rng.Float64() < 0.05 {
			v += 5
		}
		mix = append(mix, v)
	}
	return mix, pattern
}

// Of a foreground over what repeats exactly each stage leaves little of its power in the
// background: repet next to nothing, repet_sim and rpca a tenth at most, ft2d two fifths. The
// limits are this test's own.
func TestBackgroundRecovers(t *testing.T) {
	const frames, bins, period = 140, 60, 10
	mix, pattern := repeating(frames, bins, period)
	x := bare(t, mix, bins)
	d := float64(bins) / 8000
	repet, sim := separators.DefaultREPET(), separators.DefaultREPETSim()
	repet.MinPeriod, repet.MaxPeriod = 6*d, 14*d
	sim.Similar, sim.Apart = 9, d
	for name, stage := range map[string]backgroundStage{
		"repet": must(separators.NewREPET(repet)), "repet_sim": must(separators.NewREPETSim(sim)),
		"ft2d": must(separators.NewFT2D(separators.DefaultFT2D())), "rpca": must(separators.NewRPCA(separators.DefaultRPCA())),
	} {
		got := collect(t, stage, x, 0)
		var wrong, before float64
		for i, want := range pattern {
			if sum := got[0].Data[0][i] + got[1].Data[0][i]; math.Abs(sum-mix[i]) > 1e-12 {
				t.Fatalf("%s: the stems sum to %v; want %v", name, sum, mix[i])
			}
			wrong += (got[0].Data[0][i] - want) * (got[0].Data[0][i] - want)
			before += (mix[i] - want) * (mix[i] - want)
		}
		limit := map[string]float64{"repet": 1e-3, "repet_sim": 0.1, "ft2d": 0.4, "rpca": 0.1}[name]
		if !(wrong <= limit*before) {
			t.Errorf("%s: %.3g of the foreground is left in the background; want at most %g", name, wrong/before, limit)
		}
	}
}

// kam is hpss where its sources are harmonic and percussive, in one iteration.
func TestKAMIsHPSS(t *testing.T) {
	p := readPeers(t)
	x := bare(t, p.X, p.Bins)
	k := separators.DefaultKAM()
	k.Sources, k.Frames, k.Bins, k.Iterations = []string{"harmonic", "percussive"}, 9, 5, 1
	h := separators.DefaultHPSS()
	h.Frames, h.Bins = 9, 5
	want := must(audiosep.Collect(t.Context(), must(separators.NewHPSS(h)).Separate(x)))
	got := must(audiosep.Collect(t.Context(), must(separators.NewKAM(k)).Separate(x)))
	for j := range want {
		near(t, "kam", got[j].Data[0], want[j].Data[0], 1e-12)
	}
}

// Two iterations of all kinds of sources, in blocks of any size, are what the definition says,
// written down place by place.
func TestKAMAgainstDefinition(t *testing.T) {
	const frames, bins, period = 23, 9, 4
	rng := rand.New(rand.NewPCG(1, 1))
	x := make([]float64, frames*bins)
	for i := range x {
		x[i] = rng.NormFloat64()
	}
	p := separators.DefaultKAM()
	p.Sources, p.Iterations = []string{"harmonic", "percussive", "repeating", "smooth"}, 2
	p.Frames, p.Bins, p.Cross, p.Period, p.Repeats = 5, 3, 3, float64(period*bins)/8000, 2
	mirror := func(i, n int) int { return max(min(i, 2*n-1-i), -1-i) }
	around := []func(n, f int) [][2]int{
		func(n, f int) (a [][2]int) {
			for d := -2; d <= 2; d++ {
				a = append(a, [2]int{mirror(n+d, frames), f})
			}
			return a
		},
		func(n, f int) [][2]int { return [][2]int{{n, mirror(f-1, bins)}, {n, f}, {n, mirror(f+1, bins)}} },
		func(n, f int) (a [][2]int) {
			for k := -2; k <= 2; k++ {
				if at := n + k*period; at >= 0 && at < frames {
					a = append(a, [2]int{at, f})
				}
			}
			return a
		},
		func(n, f int) [][2]int {
			return [][2]int{{n, f}, {mirror(n-1, frames), f}, {mirror(n+1, frames), f}, {n, mirror(f-1, bins)}, {n, mirror(f+1, bins)}}
		},
	}
	want := make([][]float64, len(around))
	for j := range want {
		want[j] = slices.Clone(x)
	}
	for range p.Iterations {
		models := make([][]float64, len(around))
		for j, places := range around {
			for i := range x {
				var all []float64
				for _, at := range places(i/bins, i%bins) {
					v := want[j][at[0]*bins+at[1]]
					all = append(all, v*v)
				}
				slices.Sort(all)
				models[j] = append(models[j], (all[(len(all)-1)/2]+all[len(all)/2])/2)
			}
		}
		for i, v := range x {
			var sum float64
			for j := range models {
				sum += models[j][i]
			}
			for j := range models {
				want[j][i] = v * models[j][i] / sum
			}
		}
	}
	for _, block := range []int{1, 7, 1000} {
		stems := must(audiosep.Collect(blocks.WithSize(t.Context(), block), must(separators.NewKAM(p)).Separate(bare(t, x, bins))))
		for j := range want {
			near(t, p.Sources[j], stems[j].Data[0], want[j], 1e-12)
		}
	}
}

// What is below the frequency is background: the higher it is, the less is foreground, and nothing but
// rounding where it is above the highest bin.
func TestBackgroundBelow(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	noise := make([]float64, 8000)
	for i := range noise {
		noise[i] = rng.NormFloat64()
	}
	s := &audiosep.Signal{Rate: 8000, Data: [][]float64{noise}}
	x, err := transforms.STFT(t.Context(), s, transforms.Frame(64, 0.5, "sine"))
	if err != nil {
		t.Fatal(err)
	}
	left := math.Inf(1)
	for _, below := range []float64{0, 1000, 4001} {
		p := separators.DefaultREPET()
		p.MinPeriod, p.MaxPeriod, p.Below = 0.1, 0.3, below
		foreground := collect(t, must(separators.NewREPET(p)), x, 0)[1].Data[0]
		now := floats.Dot(foreground, foreground)
		if nothing := now < 1e-30*floats.Dot(noise, noise); !(now < left) || nothing != (below > 4000) {
			t.Errorf("with %v Hz the foreground has the power %v, before %v; want less, and none above 4000 Hz only", below, now, left)
		}
		left = now
	}
}

// Names are told before, and differ.
func TestBackgroundNames(t *testing.T) {
	p := separators.DefaultREPET()
	p.Margin = 2
	f, err := must(separators.NewREPET(p)).Forecast(nil)
	if err != nil || len(f["sources"].Sources) != 3 {
		t.Errorf("the forecast is %v, %v", f, err)
	}
	k := separators.DefaultKAM()
	k.Sources = []string{"smooth", "repeating", "smooth"}
	if f, _ := must(separators.NewKAM(k)).Forecast(nil); f["sources"].Sources[2] != "smooth-2" {
		t.Errorf("the names are %v", f["sources"].Sources)
	}
	k.Names = []string{"a", "b", "a"}
	if _, err := separators.NewKAM(k); err == nil {
		t.Error("two sources of one name are taken")
	}
}

// A spectrogram with fewer frames than bins is that of its transpose, turned.
func TestRPCATurned(t *testing.T) {
	p := readPeers(t)
	frames := len(p.X) / p.Bins
	turn := func(x []float64, rows, cols int) []float64 {
		y := make([]float64, len(x))
		for i, v := range x {
			y[i%cols*rows+i/cols] = v
		}
		return y
	}
	rpca := separators.DefaultRPCA()
	rpca.Iterations, rpca.Tol = p.RPCA.Iterations, 0
	got := collect(t, must(separators.NewRPCA(rpca)), bare(t, turn(p.X, frames, p.Bins), frames), 0)[0].Data[0]
	near(t, "rpca", turn(got, p.Bins, frames), p.RPCA.Background, 1e-6)
}
