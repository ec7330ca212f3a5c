package multichannel

import (
	"math"
	"slices"
	"testing"

	"github.com/audiosep/audiosep"
)

func ilrma(t testing.TB, p ILRMAParams) *ILRMA {
	t.Helper()
	s, err := NewILRMA(p)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// everyILRMA calls try for each way to compute.
func everyILRMA(try func(p ILRMAParams)) {
	for _, model := range []string{"gauss", "t"} {
		for _, update := range []string{"ip1", "ip2", "iss1"} {
			for _, bases := range []string{"own", "partitioned"} {
				p := DefaultILRMA()
				p.Model, p.Update, p.Bases = model, update, bases
				try(p)
			}
		}
	}
}

// The objective never rises, however random the problem.
func TestILRMAIsMonotone(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long")
	}
	for seed := range uint64(8) {
		m := problem(seed, 3+int(seed%7), 2+int(seed%3), 30+int(seed))
		everyILRMA(func(p ILRMAParams) {
			p.Rank, p.Eps = 1+int(seed%5), 1e-6
			s := newILRMA(newDemixer(m), p, audiosep.Env{Seed: seed}, 0)
			s.inChunks(s.first)
			last := s.objective()
			for i := range 15 {
				s.iterate()
				now := s.objective()
				if !(now <= last+1e-9*math.Abs(last)) {
					t.Fatalf("problem %d, %s, %s, %s: the objective rose from %.12g to %.12g in iteration %d", seed, p.Model, p.Update, p.Bases, last, now, i+1)
				}
				last = now
			}
		})
	}
}

// Sources that come with delays and gains are separated.
func TestILRMASeparates(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long")
	}
	mix, images := delayed(talkers(7, 2, 30000), 2)
	x := spectra(t, mix, 256)
	everyILRMA(func(p ILRMAParams) {
		p.Iterations, p.Warm, p.Restarts = 20, 20, 1
		if got := bestOrder(separate(t, ilrma(t, p), x, audiosep.Env{Seed: 1}), images); got < 15 {
			t.Errorf("%s, %s, %s: the stems have an SI-SDR of %.1f dB; want 15", p.Model, p.Update, p.Bases, got)
		}
	})
}

// The stems have the same bits on any number of threads, of each model, update and kind of bases.
func TestILRMASameBits(t *testing.T) {
	mix, _ := delayed(talkers(3, 3, 9000), 3)
	everyILRMA(func(p ILRMAParams) {
		if testing.Short() && p.Model != DefaultILRMA().Model { // the threads are the same
			return
		}
		p.Iterations, p.Warm, p.Restarts = 3, 2, 2
		sameBits(t, p.Model+", "+p.Update+", "+p.Bases, mix, ilrma(t, p))
	})
}

// Of several starts the one with the least objective is kept, which no single start beats.
func TestILRMARestarts(t *testing.T) {
	mix, _ := delayed(talkers(11, 2, 9000), 2)
	x := spectra(t, mix, 256)
	p := DefaultILRMA()
	p.Iterations, p.Restarts, p.Warm = 5, 3, 0
	var ends []float64
	env := audiosep.Env{Seed: 2, Progress: func(s audiosep.Step) {
		if s.Done%p.Iterations == 0 {
			ends = append(ends, s.Objective)
		}
	}}
	all := separate(t, ilrma(t, p), x, env)
	if len(ends) != 3 || ends[0] == ends[1] {
		t.Fatalf("the starts end at %v; want three that differ", ends)
	}
	best := slices.Index(ends, slices.Min(ends))
	if ends[2] != ends[best] {
		t.Errorf("the last step shows %v; want what the start that is kept ends at, %v", ends[2], ends[best])
	}
	m, err := readMixture(t.Context(), audiosep.Env{}, x, Excerpt{}, defaultStorage())
	if err != nil {
		t.Fatal(err)
	}
	s := newILRMA(newDemixer(m), p, audiosep.Env{Seed: 2}, best)
	if err := learn(t.Context(), s, p.Iterations, func(float64) {}); err != nil {
		t.Fatal(err)
	}
	want, err := audiosep.Collect(t.Context(), s.images(p.Scale).stems(x))
	if err != nil {
		t.Fatal(err)
	}
	for j := range want {
		if !slices.Equal(all[j].Data[0], want[j].Data[0]) {
			t.Errorf("stem %d is not that of start %d, the best", j+1, best+1)
		}
	}
}
