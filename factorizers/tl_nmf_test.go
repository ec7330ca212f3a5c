package factorizers

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/sbinet/npyio"
	"gonum.org/v1/gonum/mat"
)

// paperFrames cuts realisations, 5000 Hz, as the paper does: frames of m samples, a
// periodic Tukey window of cosine fraction 0.1 divided by its sum, hop m/2/share.
func paperFrames(t testing.TB, realisations [][]float64, m, share int) *audiosep.Frames {
	t.Helper()
	signal := &audiosep.Signal{Rate: 5000, Data: realisations}
	head, err := signal.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	window := make([]float64, m)
	var sum float64
	for i := range window {
		x := float64(min(i, m-i)) / (0.05 * float64(m))
		window[i] = 0.5 * (1 - math.Cos(math.Pi*min(x, 1)))
		sum += window[i]
	}
	for i := range window {
		window[i] /= sum
	}
	f := audiosep.Framing{Head: head, Length: m, Hop: m / 2 / share, Pad: m / 2, Share: share, Analysis: window, Synthesis: window}
	if err := f.Validate(); err != nil {
		t.Fatal(err)
	}
	var y audiosep.Frames
	if err := f.Cut(t.Context(), &y, signal, 0, f.Frames()); err != nil {
		t.Fatal(err)
	}
	return &y
}

// notes makes realisations of the paper's mixture of two notes (§III-A), of note
// samples a note at 5000 Hz, and the two sources of each.
func notes(rng *rand.Rand, realisations, note int) (mix, first, second [][]float64) {
	for range realisations {
		a, b := make([]float64, 3*note), make([]float64, 3*note)
		sum := make([]float64, 3*note)
		thetaA, thetaB := 2*math.Pi*rng.Float64(), 2*math.Pi*rng.Float64()
		for t := range sum {
			x := -1 + 2*float64(t%note+1)/float64(note+1)
			g := math.Exp(1 - 1/(1-x*x))
			if t < note || t >= 2*note {
				a[t] = g * harmonics(440, thetaA, t)
			}
			if t >= note {
				b[t] = g * harmonics(466.16, thetaB, t)
			}
			sum[t] = a[t] + b[t]
		}
		mix, first, second = append(mix, sum), append(first, a), append(second, b)
	}
	return mix, first, second
}

func harmonics(f, theta float64, t int) float64 {
	phase := 2*math.Pi*f*float64(t)/5000 + theta
	return 0.25*math.Cos(phase) + 0.125*math.Cos(2*phase)
}

// paperData reads one of the published signals, or skips the test.
func paperData(t testing.TB, name string) [][]float64 {
	t.Helper()
	x := paperMatrix(t, name)
	rows, _ := x.Dims()
	signals := make([][]float64, rows)
	for i := range signals {
		signals[i] = x.RawRowView(i)
	}
	return signals
}

func paperMatrix(t testing.TB, name string) *mat.Dense {
	t.Helper()
	dir := os.Getenv("AUDIOSEP_DATA")
	if dir == "" {
		t.Skip("needs the published data: AUDIOSEP_DATA is not set")
	}
	f, err := os.Open(filepath.Join(dir, "paper_data", name+".npy"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var x mat.Dense
	if err := npyio.Read(f, &x); err != nil {
		t.Fatal(err)
	}
	return &x
}

func learnTL(t testing.TB, p TLNMFParams, seed uint64, y *audiosep.Frames) audiosep.Model {
	t.Helper()
	return learnFrom(t, p, seed, y, audiosep.Model{})
}

func learnFrom(t testing.TB, p TLNMFParams, seed uint64, y *audiosep.Frames, init audiosep.Model) audiosep.Model {
	t.Helper()
	learner, err := NewTLNMF(p)
	if err != nil {
		t.Fatal(err)
	}
	m, err := learner.LearnJointly(t.Context(), audiosep.Env{Seed: seed}, y, init)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func paperParams() TLNMFParams {
	return TLNMFParams{
		Rank: 2, Iterations: 500, Tol: 1e-7, Eps: 5e-7, MMSteps: 10, PhiSteps: 1, Solver: "auto",
		Curvature: "corrected", Objective: "gcm", Start: "random", StartBlock: 10, Restarts: 1, Fix: "none",
	}
}

func TestPublishedObjective(t *testing.T) {
	y := paperFrames(t, paperData(t, "sim1_mix"), 200, 1)
	for seed := range uint64(5) {
		m := learnTL(t, paperParams(), seed, y)
		f := m.Factors
		t.Logf("seed %d: C = %.2f after %d iterations (%s)", seed, f.Objective[len(f.Objective)-1], len(f.Objective), f.Stop)
		if c := f.Objective[len(f.Objective)-1]; c > -202748.65 {
			t.Errorf("seed %d: C = %.2f; want at most -202748.65", seed, c)
		}
	}
}

func TestPublishedDCTBaseline(t *testing.T) {
	y := paperFrames(t, paperData(t, "sim1_mix"), 200, 1)
	p := paperParams()
	p.Start, p.Fix, p.MMSteps, p.Tol, p.Iterations = "dct", "phi", 1, 0, 500
	m := learnTL(t, p, 1, y)
	c := m.Factors.Objective[499]
	if math.Abs(c - -201469.7) > 0.1 {
		t.Errorf("C = %.2f after 500 steps; want -201469.7", c)
	}
}

func BenchmarkTLNMFPaper(b *testing.B) {
	y := paperFrames(b, paperData(b, "sim1_mix"), 200, 1)
	b.ResetTimer()
	for b.Loop() {
		learnTL(b, paperParams(), 1, y)
	}
}

// The published code's start on sim1 and its objective after each outer iteration: one
// step of W and H, then at most 20 of Φ.
func TestPublishedIterations(t *testing.T) {
	y := paperFrames(t, paperData(t, "sim1_mix"), 200, 1)
	want := paperMatrix(t, "tl_sim1_seed1_refobj").RawMatrix().Data
	p := paperParams()
	p.Solver, p.Curvature, p.MMSteps, p.PhiSteps, p.Iterations, p.Tol = "quasi_newton", "published", 1, 20, 10, 0
	m := learnFrom(t, p, 1, y, publishedStart(t))
	for i, c := range m.Factors.Objective {
		d := (c - want[i]) / math.Abs(want[i])
		t.Logf("%d: %.6f, published %.6f: %.2g", i+1, c, want[i], d)
	}
}

func publishedStart(t testing.TB) audiosep.Model {
	phi, err := audiosep.NewMatrixTransform(paperMatrix(t, "tl_sim1_seed1_Phi0"))
	if err != nil {
		t.Fatal(err)
	}
	return audiosep.Model{Transform: phi, Factors: &audiosep.Factors{
		W: paperMatrix(t, "tl_sim1_seed1_W0"), H: paperMatrix(t, "tl_sim1_seed1_H0"),
	}}
}

func phiOf(m audiosep.Model) *mat.Dense {
	return mat.DenseCopyOf(m.Transform.(audiosep.MatrixTransform).Phi())
}
