package factorizers_test

import (
	"context"
	"math"
	"os"
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/separators"
	"github.com/audiosep/audiosep/transforms"
	"gonum.org/v1/gonum/mat"
)

// separate divides every layer of y into components by masks with exponent and eps, and joins
// the frames again: [layer][component][sample]. H is interpolated between its columns.
func separate(t testing.TB, y *audiosep.Frames, m audiosep.Model, eps, exponent float64) [][][]float64 {
	t.Helper()
	h := between(m.Factors.H, y.Share, y.N)
	return separateWith(t, y, m.Transform, &audiosep.Factors{W: m.Factors.W, H: h}, eps, exponent)
}

func separateWith(t testing.TB, y *audiosep.Frames, phi audiosep.Transform, f *audiosep.Factors, eps, exponent float64) [][][]float64 {
	t.Helper()
	ctx := context.Background()
	p := separators.DefaultWiener()
	p.Exponent, p.Eps = exponent, eps
	wiener, err := separators.NewWiener(p)
	if err != nil {
		t.Fatal(err)
	}
	groups, err := wiener.Group(ctx, audiosep.Env{}, f)
	if err != nil {
		t.Fatal(err)
	}
	var all [][][]float64
	for _, data := range y.Data {
		x := audiosep.MakeCoefs(phi, y.N)
		if err := phi.Forward(ctx, x, data); err != nil {
			t.Fatal(err)
		}
		dst := make([]audiosep.Coefs, len(groups))
		for i := range dst {
			dst[i] = audiosep.MakeCoefs(phi, y.N)
		}
		if err := wiener.Separate(ctx, dst, x, f, groups); err != nil {
			t.Fatal(err)
		}
		frames := make([][]float64, len(groups))
		for i := range frames {
			frames[i] = make([]float64, len(data))
			if err := phi.Inverse(ctx, frames[i], dst[i]); err != nil {
				t.Fatal(err)
			}
		}
		all = append(all, audiosep.NewJoiner(y.Framing, len(groups)).Add(frames, y.N))
	}
	return all
}

// between returns H with a column for each of n frames, of which share had one: interpolated
// linearly between the middles of the columns.
func between(h *mat.Dense, share, n int) *mat.Dense {
	k, cols := h.Dims()
	out := mat.NewDense(k, n, nil)
	for i := range n {
		at := (float64(i) - float64(share-1)/2) / float64(share)
		at = min(max(at, 0), float64(cols-1))
		j := min(int(at), max(cols-2, 0))
		a := at - float64(j)
		for c := range k {
			v := h.At(c, j)
			if j+1 < cols {
				v += a * (h.At(c, j+1) - v)
			}
			out.Set(c, i, v)
		}
	}
	return out
}

// ratios are SDR, SIR and SAR in dB of BSS Eval 2.1, which allows one gain.
type ratios struct{ sdr, sir, sar float64 }

// evaluate matches the two estimates with the two sources by SIR.
func evaluate(est [][]float64, refs ...[]float64) [2]ratios {
	straight := [2]ratios{evaluateOne(est[0], refs[0], refs[1]), evaluateOne(est[1], refs[1], refs[0])}
	crossed := [2]ratios{evaluateOne(est[1], refs[0], refs[1]), evaluateOne(est[0], refs[1], refs[0])}
	if crossed[0].sir+crossed[1].sir > straight[0].sir+straight[1].sir {
		return crossed
	}
	return straight
}

func evaluateOne(est, ref, other []float64) ratios {
	aa, bb, ab := inner(ref, ref), inner(other, other), inner(ref, other)
	ea, eb, ee := inner(est, ref), inner(est, other), inner(est, est)
	det := aa*bb - ab*ab
	ga, gb := (ea*bb-eb*ab)/det, (eb*aa-ea*ab)/det
	both := ga*ea + gb*eb // energy of the projection on both
	target := ea * ea / aa
	db := func(a, b float64) float64 { return 10 * math.Log10(a/b) }
	return ratios{db(target, ee-target), db(target, both-target), db(both, ee-both)}
}

func inner(a, b []float64) float64 {
	var sum float64
	for i, x := range a {
		sum += x * b[i]
	}
	return sum
}

// score separates with the paper's eps and returns the mean ratios over realisations and
// both sources.
func score(t testing.TB, y *audiosep.Frames, m audiosep.Model, a, b [][]float64) ratios {
	return scoreWith(t, y, m, 5e-7, a, b)
}

func scoreWith(t testing.TB, y *audiosep.Frames, m audiosep.Model, eps float64, a, b [][]float64) ratios {
	var mean ratios
	for l, est := range separate(t, y, m, eps, 1) {
		for _, r := range evaluate(est, a[l], b[l]) {
			mean.sdr += r.sdr
			mean.sir += r.sir
			mean.sar += r.sar
		}
	}
	n := float64(2 * len(y.Data))
	return ratios{mean.sdr / n, mean.sir / n, mean.sar / n}
}

// The tests below are on the data published with the paper.

func TestPublishedObjective(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long")
	}
	y := paperFrames(t, paperData(t, "sim1_mix"), 200, 1)
	for seed := range uint64(5) {
		// Here the published code ends, after 88 iterations.
		if c := last(learnTL(t, paperParams(), seed, y)); c > -202748.65 {
			t.Errorf("seed %d: C = %.2f; want at most -202748.65", seed, c)
		}
	}
}

func TestPublishedDCTBaseline(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long")
	}
	y := paperFrames(t, paperData(t, "sim1_mix"), 200, 1)
	p := paperParams()
	p.Start, p.Fix, p.Tol, p.Iterations = "dct", "phi", 0, 500
	p.MMSteps = 1
	m := learnTL(t, p, 1, y)
	if math.Abs(last(m) - -201469.7) > 0.1 { // measured with the published code
		t.Errorf("C = %.2f after 500 steps; want -201469.7", last(m))
	}
	s := score(t, y, m, paperData(t, "sim1_src1"), paperData(t, "sim1_src2"))
	for i, d := range []float64{s.sdr - 14.365, s.sir - 19.965, s.sar - 15.805} { // Table II
		if math.Abs(d) > 0.03 {
			t.Errorf("ratio %d is %.3f dB from the paper's", i, d)
		}
	}
}

// Table II, TL-NMF, for each of the published simulations.
func TestPublishedSeparation(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long")
	}
	for _, sim := range []string{"sim1", "sim2", "sim3"} {
		y := paperFrames(t, paperData(t, sim+"_mix"), 200, 1)
		p := paperParams()
		p.Tol = 1e-8
		s := score(t, y, learnTL(t, p, 1, y), paperData(t, sim+"_src1"), paperData(t, sim+"_src2"))
		t.Logf("%s: SDR, SIR, SAR %.2f", sim, s)
		for i, d := range []float64{s.sdr - 32.415, s.sir - 40.68, s.sar - 33.12} {
			if math.Abs(d) > []float64{0.2, 0.15, 0.25}[i] { // two standard deviations
				t.Errorf("%s: ratio %d is %.3f dB from the paper's", sim, i, d)
			}
		}
	}
}

// From the published start the published algorithm takes the published course.
func TestPublishedIterations(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long")
	}
	y := paperFrames(t, paperData(t, "sim1_mix"), 200, 1)
	want := paperMatrix(t, "tl_sim1_seed1_refobj").RawMatrix().Data
	p := paperParams()
	p.Iterations, p.Tol = 6, 0
	p.Solver, p.Curvature, p.Update, p.MMSteps, p.PhiSteps = "quasi_newton", "published", "mm", 1, 20
	for i, c := range learnFrom(t, p, 1, y, publishedStart(t)).Factors.Objective {
		if d := (c - want[i]) / math.Abs(want[i]); math.Abs(d) > 1e-6 {
			t.Errorf("iteration %d: C = %.6f, %.2g from the published %.6f", i+1, c, d, want[i])
		}
	}
}

// From the same start two sweeps of jacobi lower C more than twenty steps of the published
// code.
func TestPublishedStart(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long")
	}
	y := paperFrames(t, paperData(t, "sim1_mix"), 200, 1)
	want := paperMatrix(t, "tl_sim1_seed1_refobj").RawMatrix().Data
	p := paperParams()
	p.Iterations, p.Tol, p.Solver, p.PhiSteps = 12, 0, "jacobi", 2
	for i, c := range learnFrom(t, p, 1, y, publishedStart(t)).Factors.Objective {
		if c > want[i] {
			t.Errorf("iteration %d: C = %.2f; the published code has %.2f", i+1, c, want[i])
		}
	}
}

// One recording, one start: every one of the published realisations is separated when
// frames of two or four grids share an activation; of every other either is tried where
// AUDIOSEP_RELEASE is not set.
func TestPublishedSingles(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long")
	}
	for _, share := range []int{2, 4} {
		var sum float64
		count := 0
		for _, sim := range []string{"sim1", "sim2", "sim3"} {
			mix, a, b := paperData(t, sim+"_mix"), paperData(t, sim+"_src1"), paperData(t, sim+"_src2")
			for r := range mix {
				if os.Getenv("AUDIOSEP_RELEASE") == "" && r%2 != share/4 {
					continue
				}
				y := paperFrames(t, mix[r:r+1], 200, share)
				s := score(t, y, learnTL(t, paperParams(), 1, y), a[r:r+1], b[r:r+1])
				if s.sdr < 31.5 {
					t.Errorf("%s %d on %d grids: %.2f dB; want an SDR of at least 31.5", sim, r, share, s)
				}
				sum += s.sdr
				count++
			}
		}
		t.Logf("%d grids: mean SDR %.2f dB", share, sum/float64(count))
	}
}

// The paper's ratios are limited by eps in the masks: half of it goes to each note where the
// other sounds alone. With eps in the learning but not in the masks one recording gives 46 dB,
// and 49 dB on fine grids; masks of the true powers under the same transform give 47.7 and
// 52.5 dB.
func TestPublishedSinglesWithoutFloor(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long")
	}
	mix, a, b := paperData(t, "sim1_mix"), paperData(t, "sim1_src1"), paperData(t, "sim1_src2")
	for share, want := range map[int]float64{4: 46, 20: 49} {
		for r := range 3 {
			y := paperFrames(t, mix[r:r+1], 200, share)
			m := learnTL(t, paperParams(), 1, y)
			if s := scoreWith(t, y, m, 5e-10, a[r:r+1], b[r:r+1]); s.sdr < want || s.sir < 58 {
				t.Errorf("realisation %d on %d grids: %.2f dB; want an SDR of at least %g and an SIR of 58", r, share, s, want)
			}
		}
	}
}

// Joint diagonalisation of ten realisations, with NMF after it, finds what joint learning finds.
func TestPublishedJointDiagonalization(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long")
	}
	y := paperFrames(t, paperData(t, "sim1_mix"), 200, 1)
	learner, err := transforms.NewJointDiagonalization(transforms.JointDiagonalizationParams{Method: "quasi_newton", Block: 1, Eps: 5e-7, Iterations: 300, Tol: 1e-10})
	if err != nil {
		t.Fatal(err)
	}
	phi, err := learner.LearnTransform(t.Context(), audiosep.Env{}, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	p := paperParams()
	p.Fix = "phi"
	s := score(t, y, learnFrom(t, p, 1, y, audiosep.Model{Transform: phi}), paperData(t, "sim1_src1"), paperData(t, "sim1_src2"))
	t.Logf("%.2f", s)
	if math.Abs(s.sdr-32.4) > 0.3 {
		t.Errorf("an SDR of %.2f dB; want 32.4", s.sdr)
	}
}

// On one recording and one grid a start may fail, but C shows it: the best of six does not.
func TestPublishedRestarts(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long")
	}
	mix, a, b := paperData(t, "sim1_mix"), paperData(t, "sim1_src1"), paperData(t, "sim1_src2")
	p := paperParams()
	p.Restarts = 6
	for r := range mix {
		y := paperFrames(t, mix[r:r+1], 200, 1)
		if s := score(t, y, learnTL(t, p, 1, y), a[r:r+1], b[r:r+1]); s.sdr < 31.5 {
			t.Errorf("realisation %d: %.2f dB; want an SDR of at least 31.5", r, s)
		}
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
