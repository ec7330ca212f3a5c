package multichannel

import (
	"math"
	"testing"

	"github.com/audiosep/audiosep"
)

func fastMNMF(t testing.TB, p FastMNMFParams) *FastMNMF {
	t.Helper()
	s, err := NewFastMNMF(p)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The objective never rises, however random the problem, with fewer and more sources than
// channels.
func TestFastMNMFIsMonotone(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long")
	}
	for seed := range uint64(12) {
		m := problem(seed, 3+int(seed%7), 2+int(seed%3), 30+int(seed))
		for update := range sweeps {
			p := DefaultFastMNMF()
			p.Update, p.Rank, p.Sources, p.Eps = update, 1+int(seed%5), 1+int(seed%5), 1e-6
			s := newMNMF(newDemixer(m), p, audiosep.Env{Seed: seed})
			s.inChunks(s.first)
			last := s.objective()
			for i := range 15 {
				s.iterate()
				now := s.objective()
				if !(now <= last+1e-9*math.Abs(last)) {
					t.Fatalf("problem %d, %s: the objective rose from %.12g to %.12g in iteration %d", seed, update, last, now, i+1)
				}
				last = now
			}
		}
	}
}

// With g of one row of Q for each source the model is ILRMA's: from the same start so are the
// objective and, but for the scale, Q in every iteration.
func TestFastMNMFIsILRMA(t *testing.T) {
	m := problem(5, 12, 3, 80)
	low := DefaultILRMA()
	low.Rank = 3
	want := newILRMA(newDemixer(m), low, audiosep.Env{}, 0)
	p := DefaultFastMNMF()
	p.Rank = 3
	got := newMNMF(newDemixer(m), p, audiosep.Env{})
	copy(got.bases, want.bases)
	copy(got.acts, want.acts)
	clear(got.gains)
	for n := range m.channels {
		got.gains[n*m.channels+n] = 1
	}
	want.inChunks(want.first)
	got.inChunks(got.first)
	for i := range 5 {
		want.iterate()
		got.iterate()
		if a, b := got.objective(), want.objective(); math.Abs(a-b) > 1e-9*math.Abs(b) {
			t.Errorf("the objective is %.12g after %d iterations; want ILRMA's %.12g", a, i+1, b)
		}
		a, b := got.images("projection_back"), want.images("projection_back")
		for j := range a.w {
			row := j / m.channels * m.channels
			x, y := a.w[j]*a.a[row], b.w[j]*b.a[row]
			if size(x-y) > 1e-9*(1+size(y)) {
				t.Fatalf("number %d of Q, projected back, is %v after %d iterations; want ILRMA's %v", j, x, i+1, y)
			}
		}
	}
}

// Two sources are separated, and of three on two microphones, which no demixing separates,
// each is better heard than in the mixture.
func TestFastMNMFSeparates(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long")
	}
	for _, c := range []struct {
		sources int
		least   float64 // dB
	}{{2, 15}, {3, 5}} {
		mix, images := delayed(talkers(7, c.sources, 30000), 2)
		p := DefaultFastMNMF()
		p.Sources, p.Iterations, p.Warm = c.sources, 60, 30
		got := bestOrder(separate(t, fastMNMF(t, p), spectra(t, mix, 256), audiosep.Env{Seed: 1}), images)
		for _, im := range images {
			got -= siSDR(mix.Data[0], im[0]) / float64(len(images))
		}
		if got < c.least {
			t.Errorf("%d sources: they are %.1f dB better than the mixture; want %v", c.sources, got, c.least)
		}
	}
}

// The stems have the same bits on any number of threads, of each update.
func TestFastMNMFSameBits(t *testing.T) {
	mix, _ := delayed(talkers(3, 3, 9000), 2)
	for update := range sweeps {
		p := DefaultFastMNMF()
		p.Update, p.Sources, p.Iterations, p.Warm = update, 3, 3, 2
		sameBits(t, update, mix, fastMNMF(t, p))
	}
}
