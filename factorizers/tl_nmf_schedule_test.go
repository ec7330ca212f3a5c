package factorizers

import (
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/orthogonal"
	"gonum.org/v1/gonum/mat"
)

// gaussianFrames are recordings, one a layer, of a Gaussian composite model with a random Φ̄.
func gaussianFrames(seed uint64, m, n, k, layers int) (y *audiosep.Frames, phi *mat.Dense) {
	rng := rand.New(rand.NewPCG(seed, 77))
	phi = orthogonal.Random(rng, m)
	w, h := mat.NewDense(m, k, nil), mat.NewDense(k, n, nil)
	for _, a := range []*mat.Dense{w, h} {
		for i := range a.RawMatrix().Data {
			a.RawMatrix().Data[i] = math.Pow(rng.ExpFloat64(), 2)
		}
	}
	var v mat.Dense
	v.Mul(w, h)
	var data [][]float64
	for range layers {
		x := mat.NewDense(m, n, nil)
		x.Apply(func(i, j int, _ float64) float64 { return math.Sqrt(v.At(i, j)) * rng.NormFloat64() }, x)
		frames := mat.NewDense(n, m, nil)
		frames.Mul(x.T(), phi)
		data = append(data, frames.RawMatrix().Data)
	}
	return framesOf(data, m, n), phi
}

// framesOf returns n frames of m samples, a layer each slice of data, under a window whose sum is 1.
func framesOf(data [][]float64, m, n int) *audiosep.Frames {
	window := make([]float64, m)
	for i := range window {
		window[i] = 1 / float64(m)
	}
	return &audiosep.Frames{
		Framing: audiosep.Framing{
			Head:   audiosep.Head{Rate: 1, Samples: n * m, Channels: 1, Realisations: len(data)},
			Length: m, Hop: m, Share: 1, Analysis: window, Synthesis: window,
		},
		N: n, Data: data,
	}
}

func learnModel(t *testing.T, p TLNMFParams, seed uint64, y *audiosep.Frames, init audiosep.Model) float64 {
	t.Helper()
	learner, err := NewTLNMF(p)
	if err != nil {
		t.Fatal(err)
	}
	m, err := learner.LearnJointly(t.Context(), audiosep.Env{Seed: seed}, y, init)
	if err != nil {
		t.Fatal(err)
	}
	return m.Factors.Objective[len(m.Factors.Objective)-1]
}

// wiredAs returns the Φ that tl_nmf draws with this seed where the frames span all dimensions.
func wiredAs(t *testing.T, seed uint64, m int) audiosep.Model {
	t.Helper()
	phi := orthogonal.Random(audiosep.Env{Seed: seed}.Rand("phi-0"), m)
	transform, err := audiosep.NewMatrixTransform(phi)
	if err != nil {
		t.Fatal(err)
	}
	return audiosep.Model{Transform: transform}
}

// Wired, a random Φ ends no higher than the same Φ that was drawn.
func TestWiredRandomPhiIsNoWorseThanDrawn(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long")
	}
	for _, objective := range []string{"gcm", "is"} {
		for _, layers := range []int{1, 10} {
			for seed := range uint64(3) {
				y, _ := gaussianFrames(seed, 12, 80, 3, layers)
				p := DefaultTLNMF()
				p.Rank, p.Objective, p.Iterations = 3, objective, 60
				drawn := learnModel(t, p, seed, y, audiosep.Model{})
				wired := learnModel(t, p, seed, y, wiredAs(t, seed, 12))
				if wired > drawn+1e-3*math.Abs(drawn) {
					t.Errorf("%s, %d recordings, seed %d: C = %.6g wired, %.6g drawn", objective, layers, seed, wired, drawn)
				}
			}
		}
	}
}

// From the same start C ends no higher, on average, than by the plain method: one update by
// majorisation-minimisation and one sweep of rotations an iteration. The starts lie from the
// truth to chance.
func TestGivenStartsEndAsLowAsPlainSteps(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long")
	}
	const m, cols, rank, iterations = 10, 60, 3, 100
	for _, c := range []struct{ layers, problems int }{{1, 24}, {10, 4}} {
		if os.Getenv("AUDIOSEP_RELEASE") == "" {
			c.problems = (c.problems + 2) / 3
		}
		var ours, plain float64
		for _, spread := range []float64{0, 0.1, 0.3, 3} {
			for seed := range uint64(c.problems) {
				y, truth := gaussianFrames(seed, m, cols, rank, c.layers)
				rng := rand.New(rand.NewPCG(seed, 5))
				phi := turned(rng, truth, spread)
				w, h := randomPositive(rng, m, rank), randomPositive(rng, rank, cols)
				normaliseColumns(w)
				p := DefaultTLNMF()
				p.Rank, p.Iterations = rank, iterations
				transform, err := audiosep.NewMatrixTransform(phi)
				if err != nil {
					t.Fatal(err)
				}
				ours += learnModel(t, p, seed, y, audiosep.Model{Transform: transform, Factors: &audiosep.Factors{W: w, H: h}})
				plain += plainTLNMF(y, phi, w, h, p.Eps, iterations)
			}
		}
		if n := float64(4 * c.problems); !(ours <= plain) {
			t.Errorf("%d recordings: C ends at %.6g in the mean of %v problems; by plain steps at %.6g", c.layers, ours/n, n, plain/n)
		} else {
			t.Logf("%d recordings: C ends at %.6g in the mean of %v problems; by plain steps at %.6g", c.layers, ours/n, n, plain/n)
		}
	}
}

// turned returns phi turned by random angles of about so many radians.
func turned(rng *rand.Rand, phi *mat.Dense, spread float64) *mat.Dense {
	m, _ := phi.Dims()
	e, r := mat.NewDense(m, m, nil), mat.NewDense(m, m, nil)
	for i := range m {
		for j := range i {
			a := spread * rng.NormFloat64()
			e.Set(i, j, a)
			e.Set(j, i, -a)
		}
	}
	orthogonal.NewExponential(m).Of(r.RawMatrix(), 1, e.RawMatrix())
	r.Mul(r, phi)
	return r
}

// plainTLNMF returns the gcm objective after so many iterations of plain steps, written out.
func plainTLNMF(y *audiosep.Frames, phi, w, h *mat.Dense, eps float64, iterations int) (c float64) {
	m, cols := y.Length, y.N
	w, h = mat.DenseCopyOf(w), mat.DenseCopyOf(h)
	var xs []*mat.Dense
	for _, data := range y.Data {
		var x mat.Dense
		x.Mul(phi, mat.NewDense(cols, m, data).T())
		xs = append(xs, &x)
	}
	v, model := mat.NewDense(m, cols, nil), mat.NewDense(m, cols, nil)
	power := func(i, j int, _ float64) (sum float64) {
		for _, x := range xs {
			sum += x.At(i, j) * x.At(i, j) / float64(len(xs))
		}
		return sum + eps
	}
	update := func(next, a, b mat.Matrix, v, model mat.Matrix) { // next is a, with v ≈ a·b
		var num, den, p, q mat.Dense
		p.Apply(func(i, j int, z float64) float64 { return z / math.Pow(model.At(i, j), 2) }, v)
		q.Apply(func(_, _ int, z float64) float64 { return 1 / z }, model)
		num.Mul(&p, b.T())
		den.Mul(&q, b.T())
		next.(*mat.Dense).Apply(func(i, j int, z float64) float64 { return z * math.Sqrt(num.At(i, j)/den.At(i, j)) }, a)
	}
	multiplied := func() {
		model.Mul(w, h)
		model.Apply(func(_, _ int, z float64) float64 { return z + eps }, model)
	}
	for range iterations {
		v.Apply(power, v)
		multiplied()
		ht := mat.DenseCopyOf(h.T())
		update(ht, mat.DenseCopyOf(ht), w.T(), v.T(), model.T())
		h.Copy(ht.T())
		multiplied()
		update(w, mat.DenseCopyOf(w), h, v, model)
		multiplied()
		for p := range m {
			for q := range p {
				plainRotation(xs, model, p, q)
			}
		}
		v.Apply(power, v)
		c = 0
		for i, z := range model.RawMatrix().Data {
			c += 0.5 * (v.RawMatrix().Data[i]/z + math.Log(z))
		}
	}
	return c
}

// plainRotation rotates rows p and q of all xs by the best angle: see jacobi.
func plainRotation(xs []*mat.Dense, model *mat.Dense, p, q int) {
	var a, b, d float64
	for _, x := range xs {
		for n, xp := range x.RawRowView(p) {
			xq, up, uq := x.At(q, n), 1/model.At(p, n), 1/model.At(q, n)
			a += xp*xp*up + xq*xq*uq
			b += xq*xq*up + xp*xp*uq
			d += xp * xq * (up - uq)
		}
	}
	sin, cos := math.Sincos(0.5 * math.Atan2(-2*d, b-a))
	for _, x := range xs {
		for n, xp := range x.RawRowView(p) {
			xq := x.At(q, n)
			x.Set(p, n, cos*xp+sin*xq)
			x.Set(q, n, cos*xq-sin*xp)
		}
	}
}

// What is drawn at random is not settled, and a DCT of notes is.
func TestSettledIsMeasured(t *testing.T) {
	s := noteScene(60, 100, 1)
	p := DefaultTLNMF()
	p.Rank = 3
	for seed := range uint64(20) {
		for name, phi := range map[string]*mat.Dense{"random": orthogonal.Random(rand.New(rand.NewPCG(seed, 1)), 60), "dct": dctMatrix(60)} {
			rng := rand.New(rand.NewPCG(seed, 2))
			w := randomPositive(rng, 60, 3)
			normaliseColumns(w)
			l := newLearning(s, p, phi, w, randomPositive(rng, 3, 100), 1)
			c, err := newSchedule(t.Context(), p, l, s)
			if err != nil {
				t.Fatal(err)
			}
			if c.settled != (name == "dct") {
				t.Errorf("seed %d: a %s start is measured as settled: %v", seed, name, c.settled)
			}
		}
	}
}
