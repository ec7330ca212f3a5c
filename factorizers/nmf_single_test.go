package factorizers

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/kernel"
)

// singleParams are params with precision float32.
func singleParams(rank, iterations int) NMFParams {
	p := params(rank, iterations)
	p.Precision = "float32"
	return p
}

// noisyV is of a rank nearly, each number times that of an exponential distribution, with a frame and
// a bin of silence.
func noisyV(seed uint64, bins, cols, rank int) *mat.Dense {
	rng := rand.New(rand.NewPCG(seed, 32))
	v := new(mat.Dense)
	v.Mul(randomV(rng, bins, rank), randomV(rng, rank, cols))
	for i := range v.RawMatrix().Data {
		v.RawMatrix().Data[i] *= rng.ExpFloat64()
	}
	for f := range bins {
		v.Set(f, cols/2, 0)
	}
	clear(v.RawRowView(bins / 3))
	return v
}

// TestSingleNMFIsAsGood: with precision float32 mm ends within 1e-5 of where float64 ends, from the
// same start, with factors that are nearly the same but not the same; every update descends, and the
// objective that is told is, to 1e-5, that of the factors that are returned.
func TestSingleNMFIsAsGood(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long")
	}
	v := noisyV(1, 70, 400, 5)
	for _, beta := range []float64{0, 1, 2} {
		for _, update := range []string{"mm", "warm", "accelerated"} {
			for _, penalty := range []string{"", "l1", "smooth"} {
				p := singleParams(5, 60)
				p.Update, p.Eps = update, 1e-6
				switch penalty {
				case "l1":
					p.L1 = 0.05
				case "smooth":
					p.Smooth = 0.1
				}
				name := fmt.Sprintf("β = %v, %s %s", beta, update, penalty)
				low := factorize(t, beta, p, v, nil)
				p.Precision = "float64"
				high := factorize(t, beta, p, v, nil)
				for i := 1; i < len(low.Objective); i++ {
					if low.Objective[i] > low.Objective[i-1] {
						t.Errorf("%s: iteration %d raised the objective", name, i+1)
					}
				}
				a, b := last(low), last(high)
				if update == "mm" && (math.Abs(a-b) > 1e-5*b || !mat.EqualApprox(low.W, high.W, 1e-3) || mat.Equal(low.W, high.W)) {
					t.Errorf("%s: float32 ends at %v, float64 at %v; want 1e-5 of it between them, and factors that differ a little", name, a, b)
				}
				if penalty != "" {
					continue
				}
				of := kernel.NewNMF(v.RawMatrix(), beta, p.Eps).Objective(t.Context(), low.W.RawMatrix(), low.H.RawMatrix())
				if math.Abs(a-of) > 1e-5*of {
					t.Errorf("%s: the objective is %v; that of the factors is %v", name, a, of)
				}
			}
		}
	}
}

// TestSingleNMFScales: what scales V and eps by a power of two scales H by it and changes no other bit,
// however far from 1 V is.
func TestSingleNMFScales(t *testing.T) {
	v := noisyV(2, 40, 150, 4)
	for _, beta := range []float64{0, 1, 2} {
		p := singleParams(4, 20)
		p.Eps = 0x1p-30
		want := factorize(t, beta, p, v, nil)
		for _, scale := range []float64{0x1p-60, 0x1p+20, 0x1p+100} {
			var large, h mat.Dense
			large.Scale(scale, v)
			q := p
			q.Eps *= scale
			got := factorize(t, beta, q, &large, nil)
			h.Scale(scale, want.H)
			if !mat.Equal(got.W, want.W) || !mat.Equal(got.H, &h) {
				t.Errorf("β = %v: V times %g makes other factors", beta, scale)
			}
		}
	}
}

// TestSingleNMFOfExtremes: silence, one frame, one bin, a click among numbers far below the floor, and
// V in which WH must come to 0 are factorised with finite numbers that descend.
func TestSingleNMFOfExtremes(t *testing.T) {
	click := mat.NewDense(30, 60, nil)
	for i := range click.RawMatrix().Data {
		click.RawMatrix().Data[i] = 1e-30
	}
	click.Set(7, 20, 1e4)
	for name, v := range map[string]*mat.Dense{
		"silence": mat.NewDense(20, 50, nil), "one frame": noisyV(3, 60, 3, 2).Slice(0, 60, 0, 1).(*mat.Dense), "one bin": noisyV(4, 3, 90, 2).Slice(0, 1, 0, 90).(*mat.Dense), "click": click,
	} {
		for _, beta := range []float64{0, 1, 2} {
			for _, eps := range []float64{1e-10, 0} {
				if beta == 0 && eps == 0 && name != "click" {
					continue // refused, as in float64
				}
				p := singleParams(3, 100)
				p.Eps = eps
				f := factorize(t, beta, p, mat.DenseCopyOf(v), nil)
				before := math.Inf(1)
				for _, d := range f.Objective {
					if !(d <= before) {
						t.Fatalf("%s, β = %v, eps %v: the objective goes from %v to %v", name, beta, eps, before, d)
					}
					before = d
				}
				if s := mat.Sum(f.W) + mat.Sum(f.H); math.IsNaN(s) || math.IsInf(s, 0) {
					t.Errorf("%s, β = %v, eps %v: the factors sum to %v", name, beta, eps, s)
				}
			}
		}
	}
}

// TestSingleNMFRefuses what float32 cannot hold, and β that it has not.
func TestSingleNMFRefuses(t *testing.T) {
	p := singleParams(2, 5)
	for _, scale := range []float64{1e38, 1e200, 1e-27, 1e-60} {
		nmf, err := NewNMF(1, p)
		if err != nil {
			t.Fatal(err)
		}
		var v mat.Dense
		v.Scale(scale, noisyV(5, 10, 20, 2))
		if _, err = nmf.Factorize(t.Context(), audiosep.Env{Seed: 1}, &v, nil); err == nil || !strings.Contains(err.Error(), "float32") {
			t.Errorf("V times %g: %v; want an error of float32", scale, err)
		}
	}
	if _, err := NewNMF(0.5, p); err == nil || !strings.Contains(err.Error(), "precision is float32, but beta is 0.5") {
		t.Errorf("β = 0.5: %v; want a fault of precision", err)
	}
}

// TestSingleNMFBitsDoNotDependOnThreads: nor with restarts and both penalties.
func TestSingleNMFBitsDoNotDependOnThreads(t *testing.T) {
	v := noisyV(6, 50, 700, 4)
	p := singleParams(6, 5)
	p.Restarts, p.L1 = 3, 0.1
	for _, p.Update = range []string{"mm", "accelerated"} {
		for _, beta := range []float64{0, 1, 2} {
			one := onThreads(1, func() *audiosep.Factors { return factorize(t, beta, p, v, nil) })
			four := onThreads(4, func() *audiosep.Factors { return factorize(t, beta, p, v, nil) })
			if !mat.Equal(one.W, four.W) || !mat.Equal(one.H, four.H) {
				t.Errorf("β = %v, %s: one thread and four differ", beta, p.Update)
			}
		}
	}
}

// TestLargeVIsHalved: with precision auto V is in memory in float32 where float64 would take more than a
// GiB, and what is told of the memory says so; with float64 it never is.
func TestLargeVIsHalved(t *testing.T) {
	p := params(4, 10)
	for _, c := range []struct {
		bins, cols int
		auto       kernel.Precision
	}{{1025, 130000, kernel.Full}, {1024, 131072, kernel.Full}, {1024, 131073, kernel.Halved}, {1025, 310000, kernel.Halved}} {
		p.Precision = "auto"
		if got := p.precision(c.bins, c.cols); got != c.auto {
			t.Errorf("%d×%d: precision %v; want %v", c.bins, c.cols, got, c.auto)
		}
		needs := func(precision string) int64 {
			p.Precision = precision
			return (&betaNMF{0, p}).Needs(audiosep.Extent{Bins: c.bins, Columns: c.cols, Threads: 2}).Large
		}
		if got, full := needs("auto"), needs("float64"); (got < full) != (c.auto == kernel.Halved) {
			t.Errorf("%d×%d: %d bytes with auto, %d with float64", c.bins, c.cols, got, full)
		}
	}
}

// TestHalvedNMFIsAsGood: from a V with 24 bits of each number every update ends within 1e-6 of where that
// of float64 does, if it is the same way, and descends.
func TestHalvedNMFIsAsGood(t *testing.T) {
	v := noisyV(7, 70, 400, 5)
	for _, beta := range []float64{-1, 0, 0.5, 1, 2} {
		for _, update := range []string{"mm", "warm"} {
			p := params(5, 60)
			p.Update, p.Eps = update, 1e-6
			full := factorize(t, beta, p, v, nil)
			s := spectrogramIn(kernel.Halved, 70, 400)
			if err := s.set(v, p.Power, beta, p.Eps); err != nil {
				t.Fatal(err)
			}
			halved, err := (&betaNMF{beta, p}).factorize(t.Context(), audiosep.Env{Seed: 3}, s, nil)
			if err != nil {
				t.Fatal(err)
			}
			for i := 1; i < len(halved.Objective); i++ {
				if halved.Objective[i] > halved.Objective[i-1] {
					t.Errorf("β = %v, %s: iteration %d raised the objective", beta, update, i+1)
				}
			}
			if a, b := last(halved), last(full); math.Abs(a-b) > 1e-6*b || mat.Equal(halved.W, full.W) {
				t.Errorf("β = %v, %s: ends at %v, that of float64 at %v; want 1e-6 of it between them, and factors that differ a little", beta, update, a, b)
			}
		}
	}
}

// TestLargeVOutOfRange: with precision auto a large V is halved; one that float32 cannot hold is read again, in float64.
func TestLargeVOutOfRange(t *testing.T) {
	p := params(2, 3)
	p.Precision = "auto"
	for cols, want := range map[int]kernel.Precision{mostFull / 8: kernel.Full, mostFull/8 + 1: kernel.Halved} {
		if got := p.precision(1, cols); got != want {
			t.Errorf("the precision of %d numbers is %v; want %v", cols, got, want)
		}
	}
	for _, c := range []struct {
		scale float64
		reads int
		want  kernel.Precision
	}{{1e-60, 2, kernel.Full}, {1, 1, kernel.Halved}, {1e60, 2, kernel.Full}} {
		reads := 0
		s, err := readIn(kernel.Halved, 1, 2, func(s *spectrogram) error {
			reads++
			s.Set(0, blas64.General{Rows: 1, Cols: 2, Stride: 2, Data: []float64{c.scale, 2 * c.scale}})
			return nil
		})
		if err != nil || reads != c.reads || s.Precision() != c.want || s.Sum() != 3*c.scale {
			t.Errorf("V of %g: %v after %d reads; want one of %v after %d", c.scale, err, reads, c.want, c.reads)
		}
	}
}
