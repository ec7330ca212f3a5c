package factorizers

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/audiosep/audiosep/internal/scene"
	"gonum.org/v1/gonum/mat"
)

// noteScene is a scene of m coefficients in which the first few partials rise and fall on
// their own, under a sine window, and the rest is far below eps.
func noteScene(m, cols, per int) *scene.Scene {
	rng := rand.New(rand.NewPCG(3, 3))
	s := &scene.Scene{Samples: m, Cols: cols, Per: per, Y: mat.NewDense(m, cols*per, nil), Scale: 1}
	for n := range cols * per {
		for i := range m {
			s.Y.Set(i, n, 1e-6*rng.NormFloat64())
		}
		for f := 1; f <= 3; f++ {
			a, phase := rng.ExpFloat64()*float64(n/per%(f+1)), 2*math.Pi*rng.Float64()
			for i := range m {
				s.Y.Set(i, n, s.Y.At(i, n)+a*math.Sin(math.Pi*(float64(i)+0.5)/float64(m))*math.Cos(phase+0.17*float64(f*i)))
			}
		}
	}
	return s
}

func learningOf(s *scene.Scene, p TLNMFParams, threads int) *learning {
	rng := rand.New(rand.NewPCG(4, 4))
	w := randomPositive(rng, s.Samples, p.Rank)
	normaliseColumns(w)
	return newLearning(s, p, dctMatrix(s.Samples), w, randomPositive(rng, p.Rank, s.Cols), threads)
}

// However many updates are made at a time, C does not rise, and with Φ fixed it comes as low in
// 100 updates as in 400 plain ones.
func TestMomentum(t *testing.T) {
	for name, p := range map[string]TLNMFParams{
		"gcm": {Rank: 3, Eps: 1e-3, Objective: "gcm"}, "gcm, l1": {Rank: 3, Eps: 1e-3, L1: 1, Objective: "gcm"},
		"is": {Rank: 3, Eps: 1e-6, Objective: "is"}, "is, l1": {Rank: 3, Eps: 1e-6, L1: 10, Objective: "is"},
	} {
		s := noteScene(40, 80, 2)
		slow := learningOf(s, p, 1)
		plain := newMomentum(slow)
		plain.updateMM(t.Context(), 400)
		target := slow.value()

		l := learningOf(s, p, 1)
		factors := newMomentum(l)
		l.model()
		before, made := l.value(), 0
		for i := 0; made < 100; i++ {
			updates := 1 + i%5
			factors.update(t.Context(), updates)
			made += updates
			c := l.value()
			if c > before+1e-12*(math.Abs(c)+float64(len(l.v))) {
				t.Errorf("%s: %d updates raise C from %.15g to %.15g", name, updates, before, c)
			}
			before = c
			for k := range l.rank {
				sum := 0.0
				for m := range l.rows {
					sum += l.w[m*l.rank+k]
				}
				if math.Abs(sum-1) > 1e-12 {
					t.Errorf("%s: column %d of W sums to %.15g; want 1", name, k, sum)
				}
			}
		}
		if before > target {
			t.Errorf("%s: C = %.6f after %d updates; want the %.6f of 400 plain ones", name, before, made, target)
		}
	}
}

// Where C has risen W and H are restored, bit by bit, and the next update is careful.
func TestMomentumRestores(t *testing.T) {
	updated := func() *momentum {
		factors := newMomentum(learningOf(noteScene(20, 30, 1), TLNMFParams{Rank: 2, Eps: 1e-3, Objective: "gcm"}, 1))
		factors.update(t.Context(), 3)
		factors.careful = false
		factors.step(t.Context(), true)
		factors.restore()
		return factors
	}
	want := updated()
	want.step(t.Context(), false)

	got := updated()
	got.careful = false
	for i := range got.learning.h {
		got.learning.h[i] *= 1e6
	}
	got.learning.w[0] = math.NaN()
	got.step(t.Context(), false)
	if !slices.Equal(want.learning.w, got.learning.w) || !slices.Equal(want.learning.h, got.learning.h) {
		t.Error("W and H are not those of a careful update of what they were")
	}
}
