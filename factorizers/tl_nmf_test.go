package factorizers_test

import (
	"bytes"
	"cmp"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/analysis"
	"github.com/audiosep/audiosep/factorizers"
	"github.com/audiosep/audiosep/pipeline/stagetest"
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

func learnTL(t testing.TB, p factorizers.TLNMFParams, seed uint64, y *audiosep.Frames) audiosep.Model {
	t.Helper()
	return learnFrom(t, p, seed, y, audiosep.Model{})
}

func learnFrom(t testing.TB, p factorizers.TLNMFParams, seed uint64, y *audiosep.Frames, init audiosep.Model) audiosep.Model {
	t.Helper()
	learner, err := factorizers.NewTLNMF(p)
	if err != nil {
		t.Fatal(err)
	}
	m, err := learner.LearnJointly(t.Context(), audiosep.Env{Seed: seed}, y, init)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func paperParams() factorizers.TLNMFParams {
	return factorizers.TLNMFParams{
		Rank: 2, Iterations: 500, Tol: 1e-7, Eps: 5e-7, MMSteps: 10, Update: "momentum", PhiSteps: 1, Solver: "auto",
		Curvature: "corrected", Objective: "gcm", Start: "random", StartBlock: 10, Restarts: 1, Fix: "none",
	}
}

func last(m audiosep.Model) float64 { return m.Factors.Objective[len(m.Factors.Objective)-1] }

func phiOf(m audiosep.Model) *mat.Dense {
	return mat.DenseCopyOf(m.Transform.(audiosep.MatrixTransform).Phi())
}

// noteFrames are frames of 60 samples of short realisations of the paper's notes.
func noteFrames(t testing.TB, realisations, share int) *audiosep.Frames {
	mix, _, _ := notes(rand.New(rand.NewPCG(7, 7)), realisations, 900)
	return paperFrames(t, mix, 60, share)
}

// everySolver runs test with every solver and objective.
func everySolver(t *testing.T, test func(t *testing.T, p factorizers.TLNMFParams)) {
	for _, objective := range []string{"gcm", "is"} {
		for _, solver := range []string{"jacobi", "reach", "blocks", "mm", "quasi_newton", "published", "projected_gradient"} {
			if objective == "is" && (solver == "jacobi" || solver == "reach") {
				continue
			}
			t.Run(objective+" "+solver, func(t *testing.T) {
				p := paperParams()
				p.Objective, p.Solver, p.Iterations, p.Tol = objective, solver, 12, 0
				switch solver {
				case "published":
					p.Solver, p.Curvature = "quasi_newton", "published"
				case "mm":
					p.Solver, p.Update = "blocks", "mm"
				case "reach":
					p.Solver, p.Start, p.Reach = "jacobi", "dct", 3
				}
				if objective == "is" {
					p.L1 = 1e-3
				}
				test(t, p)
			})
		}
	}
}

func TestTLNMFPromises(t *testing.T) {
	y := noteFrames(t, 3, 2)
	everySolver(t, func(t *testing.T, p factorizers.TLNMFParams) {
		m := learnTL(t, p, 1, y)
		f := m.Factors
		for i := 1; i < len(f.Objective); i++ {
			if f.Objective[i] > f.Objective[i-1] {
				t.Errorf("the objective rises from %.15g to %.15g in iteration %d", f.Objective[i-1], f.Objective[i], i+1)
			}
		}
		if first := f.Objective[0]; !(last(m) < first-1) {
			t.Errorf("the objective falls from %g to %g; want it to fall", first, last(m))
		}
		if e := audiosep.OrthogonalityError(phiOf(m)); e > 1e-12 {
			t.Errorf("the transform is %g from orthogonal; want at most 1e-12", e)
		}
		if err := f.Validate(60, y.N/2); err != nil {
			t.Error(err)
		}
		for k := range 2 {
			if sum := mat.Sum(f.W.ColView(k)); math.Abs(sum-1) > 1e-12 {
				t.Errorf("column %d of W sums to %.15g; want 1", k, sum)
			}
		}
		if c := objective(t, p, y, m); math.Abs(c-last(m)) > 1e-8*math.Abs(c) {
			t.Errorf("the objective of what was learnt is %.12g; it says %.12g", c, last(m))
		}
	})
}

// objective returns C of m by its definition.
func objective(t testing.TB, p factorizers.TLNMFParams, y *audiosep.Frames, m audiosep.Model) float64 {
	s := &audiosep.Spectrogram{Framing: y.Framing, Transform: m.Transform, N: y.N}
	for _, data := range y.Data {
		x := audiosep.MakeCoefs(m.Transform, y.N)
		if err := m.Transform.Forward(t.Context(), x, data); err != nil {
			t.Fatal(err)
		}
		s.Layers = append(s.Layers, x)
	}
	v := mat.NewDense(y.Length, y.N/y.Share, nil)
	if err := s.Power(v); err != nil {
		t.Fatal(err)
	}
	var model mat.Dense
	model.Mul(m.Factors.W, m.Factors.H)
	c := p.L1 * mat.Sum(m.Factors.H)
	for i := range y.Length {
		for n := range y.N / y.Share {
			x, z := v.At(i, n)+p.Eps, model.At(i, n)+p.Eps
			if p.Objective == "is" {
				c += x/z - math.Log(x/z) - 1
			} else {
				c += 0.5 * (x/z + math.Log(z))
			}
		}
	}
	return c
}

func TestTLNMFDoesNotDependOnThreads(t *testing.T) {
	y := noteFrames(t, 12, 1) // fewer are learnt on one thread
	everySolver(t, func(t *testing.T, p factorizers.TLNMFParams) {
		p.Iterations = 2
		if n := factorizers.ThreadsOf(t, p, y, audiosep.Model{}, 4); n != 4 {
			t.Fatalf("one start is learnt on %d threads; want 4", n)
		}
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
		var one audiosep.Model
		for _, p.Restarts = range []int{3, 1} { // three at once, then four threads in one
			runtime.GOMAXPROCS(1)
			one = learnTL(t, p, 5, y)
			runtime.GOMAXPROCS(4)
			four := learnTL(t, p, 5, y)
			if !mat.Equal(phiOf(one), phiOf(four)) || !mat.Equal(one.Factors.W, four.Factors.W) || !mat.Equal(one.Factors.H, four.Factors.H) {
				t.Errorf("%d starts: one thread and four learn different numbers", p.Restarts)
			}
		}
		if other := learnTL(t, p, 6, y); mat.Equal(phiOf(one), phiOf(other)) {
			t.Error("another seed learns the same")
		}
	})
}

// A Φ that is given is followed down twice: the promises hold, on any number of threads, with
// frames of silence too.
func TestTLNMFGivenStart(t *testing.T) {
	y := noteFrames(t, 4, 1)
	for _, data := range y.Data {
		clear(data[:3*y.Length])
	}
	phi, err := audiosep.NewMatrixTransform(dct(60))
	if err != nil {
		t.Fatal(err)
	}
	start := audiosep.Model{Transform: phi}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	for _, model := range []string{"gcm", "is"} {
		if testing.Short() && model == "gcm" {
			continue // it is longer, and most other tests are of it
		}
		p := paperParams()
		p.Objective, p.Iterations, p.Tol, p.L1 = model, 6, 0, 1e-3
		if n := factorizers.ThreadsOf(t, p, y, start, 4); n != 4 {
			t.Fatalf("it is learnt on %d threads; want 4", n)
		}
		two := learnFrom(t, p, 1, y, start)
		if two.Factors.Stop != "iterations" {
			t.Errorf("%s: without a tolerance it stops by %s; want iterations", model, two.Factors.Stop)
		}
		p.Tol = 0.1
		if early := learnFrom(t, p, 1, y, start); early.Factors.Stop != "tolerance" || len(early.Factors.Objective) == 6 {
			t.Errorf("%s: with tol %g it stops by %s after %d iterations; want tolerance, before the sixth", model, p.Tol, early.Factors.Stop, len(early.Factors.Objective))
		}
		p.Tol = 0
		if !slices.IsSortedFunc(two.Factors.Objective, func(a, b float64) int { return cmp.Compare(b, a) }) {
			t.Errorf("%s: the objective rises: %.9g", model, two.Factors.Objective)
		}
		if e := audiosep.OrthogonalityError(phiOf(two)); e > 1e-12 {
			t.Errorf("%s: the transform is %g from orthogonal; want at most 1e-12", model, e)
		}
		if c := objective(t, p, y, two); math.Abs(c-last(two)) > 1e-8*math.Abs(c) {
			t.Errorf("%s: the objective of what was learnt is %.12g; it says %.12g", model, c, last(two))
		}
		runtime.GOMAXPROCS(1)
		again := learnFrom(t, p, 1, y, start)
		runtime.GOMAXPROCS(4)
		if !mat.Equal(phiOf(two), phiOf(again)) || !mat.Equal(two.Factors.H, again.Factors.H) {
			t.Errorf("%s: one thread and four learn different numbers", model)
		}
		for _, solver := range []string{"jacobi", "blocks"} { // what auto chooses for gcm, and for is
			if p.Solver = solver; (model == "gcm") == (solver == "jacobi") {
				one := learnFrom(t, p, 1, y, start)
				for i, c := range one.Factors.Objective {
					if two.Factors.Objective[i] > c {
						t.Errorf("%s, iteration %d: C = %.12g; by one course %.12g", model, i+1, two.Factors.Objective[i], c)
					}
				}
			}
		}
	}
}

// The log says how many courses were followed and which is kept, and the objective that progress
// tells does not rise where the second begins. The DCT is given wherever it comes from.
func TestTLNMFTellsOfTwoCourses(t *testing.T) {
	y := noteFrames(t, 2, 1)
	phi, err := audiosep.NewMatrixTransform(dct(60))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, start string
		init        audiosep.Model
		want        string
	}{
		{"wired", "random", audiosep.Model{Transform: phi}, "courses=2 kept=(own|published) iterations=5 stop=iterations"},
		{"dct", "dct", audiosep.Model{}, "courses=2 kept=(own|published) iterations=5 stop=iterations"},
		{"random", "random", audiosep.Model{}, "courses=1 kept=own iterations=5 stop=iterations"},
	} {
		p := paperParams()
		p.Iterations, p.Tol, p.Start = 5, 0, c.start
		learner, err := factorizers.NewTLNMF(p)
		if err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		var steps []audiosep.Step
		env := audiosep.Env{Seed: 1, Log: slog.New(slog.NewTextHandler(&log, nil)), Progress: func(s audiosep.Step) { steps = append(steps, s) }}
		m, err := learner.LearnJointly(t.Context(), env, y, c.init)
		if err != nil {
			t.Fatal(err)
		}
		if !regexp.MustCompile(c.want).MatchString(log.String()) {
			t.Errorf("%s: the log lacks %q:\n%s", c.name, c.want, log.String())
		}
		if n := len(steps); n == 0 || steps[n-1].Done != steps[n-1].Of || steps[n-1].Objective != last(m) {
			t.Errorf("%s: the steps are %v; want the last to have %g", c.name, steps, last(m))
		}
		if !slices.IsSortedFunc(steps, func(a, b audiosep.Step) int { return cmp.Compare(b.Objective, a.Objective) }) {
			t.Errorf("%s: the objective that is told rises: %v", c.name, steps)
		}
	}
}

// The result does not depend on the order of the realisations.
func TestTLNMFPermutedRealisations(t *testing.T) {
	y := noteFrames(t, 4, 1)
	turned := *y
	turned.Data = [][]float64{y.Data[2], y.Data[0], y.Data[3], y.Data[1]}
	everySolver(t, func(t *testing.T, p factorizers.TLNMFParams) {
		p.Iterations = 3
		p.Start = "dct"
		a, b := learnTL(t, p, 1, y), learnTL(t, p, 1, &turned)
		if math.Abs(last(a)-last(b)) > 1e-9*math.Abs(last(a)) {
			t.Errorf("C = %.15g in one order, %.15g in another", last(a), last(b))
		}
	})
}

// A louder recording has the same transform; so has one cut with a louder window.
func TestTLNMFScale(t *testing.T) {
	y := noteFrames(t, 2, 1)
	loud := *y
	loud.Analysis = slices.Clone(y.Analysis)
	for i := range loud.Analysis {
		loud.Analysis[i] *= 1024 // a power of two: the same bits
	}
	loud.Data = make([][]float64, len(y.Data))
	for l, data := range y.Data {
		loud.Data[l] = slices.Clone(data)
		for i := range data {
			loud.Data[l][i] *= 1024
		}
	}
	p := paperParams()
	p.Iterations, p.Tol = 5, 0
	a, b := learnTL(t, p, 1, y), learnTL(t, p, 1, &loud)
	var h mat.Dense
	h.Scale(1024*1024, a.Factors.H)
	if d := worst(phiOf(a), phiOf(b)); d > 1e-9 {
		t.Errorf("the transforms differ by %g", d)
	}
	if d := worst(a.Factors.W, b.Factors.W); d > 1e-9 {
		t.Errorf("W differs by %g", d)
	}
	if d := worst(&h, b.Factors.H) / mat.Max(&h); d > 1e-9 {
		t.Errorf("H differs by %g of its largest entry; want 1024² times as much", d)
	}
}

func worst(a, b mat.Matrix) float64 {
	var d mat.Dense
	d.Sub(a, b)
	return max(mat.Max(&d), -mat.Min(&d))
}

// With all rows of W̄H̄ different the transform itself is identifiable (theorem 1, Q = M).
func TestTLNMFRecoversTheTransform(t *testing.T) {
	const m, k, n = 6, 2, 12
	rng := rand.New(rand.NewPCG(1, 1))
	truth := dct(m)
	w, h := mat.NewDense(m, k, nil), mat.NewDense(k, n, nil)
	fill(rng, w)
	fill(rng, h)
	y, err := factorizers.ExpectedFrames(truth, w, h)
	if err != nil {
		t.Fatal(err)
	}
	for _, solver := range []string{"jacobi", "blocks"} {
		p := paperParams()
		p.Solver, p.Eps, p.Iterations, p.Tol, p.Restarts = solver, 1e-12, 2000, 1e-16, 4
		var g mat.Dense
		g.Mul(phiOf(learnTL(t, p, 3, y)), truth.T())
		for i := range m {
			row := g.RawRowView(i)
			big := 0
			for _, a := range row {
				if a = math.Abs(a); a > 0.5 {
					big++
					a = math.Abs(a - 1)
				}
				if math.Abs(a) > 1e-4 && math.Abs(a) < 0.9999 {
					t.Errorf("%s: row %d of ΦΦ̄ᵀ is %.6f; want ±1 once and 0", solver, i, row)
					break
				}
			}
			if big != 1 {
				t.Errorf("%s: row %d of ΦΦ̄ᵀ has %d large entries; want 1", solver, i, big)
			}
		}
	}
}

func fill(rng *rand.Rand, a *mat.Dense) {
	for i := range a.RawMatrix().Data {
		a.RawMatrix().Data[i] = 0.05 + rng.Float64()*rng.Float64()
	}
}

// Equal rows of W̄H̄ leave their atoms undetermined within the space that these span, but not
// the space.
func TestTLNMFRecoversRowSpaces(t *testing.T) {
	const m, n = 6, 9
	rng := rand.New(rand.NewPCG(2, 2))
	truth := dct(m)
	w := mat.NewDense(m, 2, []float64{1, 0.2, 1, 0.2, 1, 0.2, 0.1, 1, 0.1, 1, 0.6, 0.7})
	h := mat.NewDense(2, n, nil)
	fill(rng, h)
	y, err := factorizers.ExpectedFrames(truth, w, h)
	if err != nil {
		t.Fatal(err)
	}
	var v mat.Dense
	v.Mul(w, h)
	sets := analysis.Partition(&v, 1e-9, 0)
	p := paperParams()
	p.Eps, p.Iterations, p.Tol, p.Restarts = 1e-9, 2000, 1e-16, 4
	learnt := learnTL(t, p, 1, y)
	found, err := analysis.Identify(learnt.Factors, 1e-4, 0)
	if err != nil {
		t.Fatal(err)
	}
	pairs, err := analysis.Match(truth, sets, phiOf(learnt), found)
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != 3 || len(pairs) != 3 {
		t.Fatalf("the row-spaces are %v; want three, of 3, 2 and 1 rows", found)
	}
	for _, pair := range pairs {
		if len(pair.A) != len(pair.B) || pair.Largest() > 1e-4 {
			t.Errorf("rows %v match %v with the angles %v; want 0", pair.A, pair.B, pair.Angles)
		}
	}
}

func TestTLNMFRestarts(t *testing.T) {
	y := noteFrames(t, 1, 1)
	p := paperParams()
	p.Iterations, p.Restarts = 5, 5
	var log bytes.Buffer
	learner, _ := factorizers.NewTLNMF(p)
	env := audiosep.Env{Seed: 1, Log: slog.New(slog.NewTextHandler(&log, nil))}
	m, err := learner.LearnJointly(t.Context(), env, y, audiosep.Model{})
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Factors.Restarts) != 5 || slices.Min(m.Factors.Restarts) != last(m) {
		t.Errorf("restarts ended at %v; %g was kept", m.Factors.Restarts, last(m))
	}
	p.Restarts = 1
	if one := learnTL(t, p, 1, y); last(one) != m.Factors.Restarts[0] || one.Factors.Restarts != nil {
		t.Errorf("alone the first start ends at %g, among others at %g", last(one), m.Factors.Restarts[0])
	}
	for _, want := range []string{"few frames", "starts_that_agree=", "transform_part=", "nmf_part=", "stop=iterations"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %q:\n%s", want, log.String())
		}
	}
}

func TestTLNMFStarts(t *testing.T) {
	y := noteFrames(t, 3, 1)
	file := filepath.Join(t.TempDir(), "phi.npy")
	write, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := npyio.Write(write, dct(60)); err != nil {
		t.Fatal(err)
	}
	write.Close()
	p := paperParams()
	p.Iterations, p.Start = 4, "dct"
	fromDCT := learnTL(t, p, 1, y)
	p.Start, p.StartFile = "file", &file
	if m := learnTL(t, p, 1, y); math.Abs(last(m)-last(fromDCT)) > 1e-9*math.Abs(last(m)) {
		t.Errorf("from the DCT in a file C = %g; from the DCT %g", last(m), last(fromDCT))
	}
	p.Start, p.StartFile = "random", nil
	wired := learnFrom(t, p, 1, y, audiosep.Model{Transform: fromDCT.Transform, Factors: fromDCT.Factors})
	if wired.Factors.Objective[0] > last(fromDCT) {
		t.Errorf("from where another descent ended, at %g, C begins at %g", last(fromDCT), wired.Factors.Objective[0])
	}
	p.Fix = "phi"
	fixed := learnFrom(t, p, 1, y, audiosep.Model{Transform: fromDCT.Transform})
	if d := worst(phiOf(fixed), phiOf(fromDCT)); d > 1e-13 {
		t.Errorf("a fixed transform changed by %g", d)
	}
	p.Fix, p.Start = "none", "joint_diagonalization"
	if m := learnTL(t, p, 1, y); !(last(m) < fromDCT.Factors.Objective[0]) {
		t.Errorf("from joint diagonalisation C = %g; the first step from the DCT has %g", last(m), fromDCT.Factors.Objective[0])
	}
}

// With reach 1 a sweep rotates even pairs of rows, then odd ones: no atom extends more than two
// bins to either side of its own. With the reach of all rows nothing is lost.
func TestTLNMFReach(t *testing.T) {
	y := noteFrames(t, 3, 2)
	p := paperParams()
	p.Start, p.Reach, p.Iterations = "dct", 1, 1
	var bins mat.Dense
	bins.Mul(phiOf(learnTL(t, p, 1, y)), dct(60).T())
	for i := range 60 {
		for j := range 60 {
			a := math.Abs(bins.At(i, j))
			if far := max(i-j, j-i) > 2; far && a > 1e-12 {
				t.Errorf("atom %d has %g of bin %d", i, a, j)
			}
		}
	}
	if c := math.Abs(bins.At(5, 5)); c > 0.999999 {
		t.Errorf("atom 5 has %g of bin 5; want it turned", c)
	}
	p.Iterations = 300
	near := last(learnTL(t, p, 1, y))
	p.Reach = 59
	all := last(learnTL(t, p, 1, y))
	p.Reach, p.Solver = 0, "jacobi" // auto would follow a second course
	free := last(learnTL(t, p, 1, y))
	if !(all < near) || math.Abs(all-free) > 0.01*math.Abs(free) {
		t.Errorf("the objective is %g within reach 1, %g within 59, %g without end; want the first above, the others alike", near, all, free)
	}
}

func TestTLNMFRefuses(t *testing.T) {
	y := noteFrames(t, 1, 1)
	bad := *y
	bad.Data = [][]float64{slices.Clone(y.Data[0])}
	bad.Data[0][77] = math.NaN()
	skew := dct(60)
	skew.Set(0, 0, 2)
	skewed, err := audiosep.NewMatrixTransform(skew)
	if err != nil {
		t.Fatal(err)
	}
	small, err := audiosep.NewMatrixTransform(dct(4))
	if err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(t.TempDir(), "none.npy")
	for name, c := range map[string]struct {
		y    *audiosep.Frames
		init audiosep.Model
		set  func(*factorizers.TLNMFParams)
	}{
		"NaN":            {y: &bad},
		"no frames":      {y: &audiosep.Frames{Framing: y.Framing}},
		"not orthogonal": {y: y, init: audiosep.Model{Transform: skewed}},
		"other length":   {y: y, init: audiosep.Model{Transform: small}},
		"other rank":     {y: y, init: audiosep.Model{Factors: &audiosep.Factors{W: mat.NewDense(60, 3, nil)}}},
		"other columns":  {y: y, init: audiosep.Model{Factors: &audiosep.Factors{H: mat.NewDense(2, 3, nil)}}},
		"H of zeros":     {y: y, init: audiosep.Model{Factors: &audiosep.Factors{H: mat.NewDense(2, y.N, nil)}}},
		"no file":        {y: y, set: func(p *factorizers.TLNMFParams) { p.Start, p.StartFile = "file", &missing }},
	} {
		p := paperParams()
		if c.set != nil {
			c.set(&p)
		}
		learner, err := factorizers.NewTLNMF(p)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := learner.LearnJointly(t.Context(), audiosep.Env{}, c.y, c.init); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for name, p := range map[string]factorizers.TLNMFParams{
		"jacobi for is": {Objective: "is", Solver: "jacobi"},
		"reach for is":  {Objective: "is", Solver: "auto", Reach: 2},
		"blocks' reach": {Objective: "gcm", Solver: "blocks", Reach: 2},
		"file unnamed":  {Start: "file"},
	} {
		if p.Validate() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestTLNMFSilence(t *testing.T) {
	y := noteFrames(t, 1, 1)
	clear(y.Data[0])
	p := paperParams()
	p.Iterations = 3
	if e := audiosep.OrthogonalityError(phiOf(learnTL(t, p, 1, y))); e > 1e-12 {
		t.Errorf("the transform of silence is %g from orthogonal", e)
	}
}

func TestTLNMFContract(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long")
	}
	for _, def := range factorizers.Stages {
		if def.Name == "tl_nmf" {
			stagetest.Stage(t, def, `{"iterations": 3, "rank": 2}`)
		}
	}
}

// Ten realisations reach the paper's figures, and one recording too, where two grids of
// frames share an activation. (Table II has 32.4 dB.)
func TestNotesAreSeparated(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long")
	}
	mix, a, b := notes(rand.New(rand.NewPCG(1, 2)), 10, 5000)
	y := paperFrames(t, mix, 200, 1)
	if s := score(t, y, learnTL(t, paperParams(), 1, y), a, b); s.sdr < 32.1 || s.sir < 40.3 || s.sar < 32.8 {
		t.Errorf("ten realisations: %.2f dB; want SDR, SIR and SAR of 32.4, 40.7 and 33.1", s)
	}
	for r := range 3 {
		y := paperFrames(t, mix[r:r+1], 200, 2)
		if s := score(t, y, learnTL(t, paperParams(), 1, y), a[r:r+1], b[r:r+1]); s.sdr < 33.5 {
			t.Errorf("recording %d alone, on two grids: %.2f dB; want an SDR of 34", r, s)
		}
	}
}

func BenchmarkTLNMFPaper(b *testing.B) {
	mix, _, _ := notes(rand.New(rand.NewPCG(1, 2)), 10, 5000)
	y := paperFrames(b, mix, 200, 1)
	p := paperParams()
	p.Tol = 1e-6
	for b.Loop() {
		learnTL(b, p, 1, y)
	}
}

// A minute at 44.1 kHz: twenty iterations from the DCT.
func BenchmarkTLNMFMinute(b *testing.B) {
	y := music(b, 1024, 2600)
	p := paperParams()
	p.Rank, p.Iterations, p.Tol, p.Start = 10, 20, 0, "dct"
	for b.Loop() {
		b.ReportMetric(last(learnTL(b, p, 1, y)), "C")
	}
}

// Two minutes at 11 kHz with the objective of the earlier papers.
func BenchmarkTLNMFItakuraSaito(b *testing.B) {
	y := music(b, 440, 5400)
	p := paperParams()
	p.Rank, p.Iterations, p.Tol, p.Objective, p.Eps = 10, 20, 0, "is", 1e-12
	for b.Loop() {
		b.ReportMetric(last(learnTL(b, p, 1, y)), "C")
	}
}

// music makes n frames of m samples, half overlapping, of notes that die away over noise.
func music(t testing.TB, m, n int) *audiosep.Frames {
	rng := rand.New(rand.NewPCG(9, 9))
	x := make([]float64, (n-1)*m/2)
	for i := range x {
		x[i] = 1e-3 * rng.NormFloat64()
	}
	for at := 0; at < len(x); at += 4 * m {
		f := 0.01 * math.Exp2(float64(rng.IntN(36))/12)
		for k := range 8 {
			phase := 2 * math.Pi * rng.Float64()
			for i := at; i < min(at+30*m, len(x)); i++ {
				d := float64(i - at)
				x[i] += 0.1 / float64(k+1) * math.Exp(-d/float64(8*m)) * math.Sin(math.Pi*f*float64(k+1)*d+phase)
			}
		}
	}
	return paperFrames(t, [][]float64{x}, m, 1)
}
