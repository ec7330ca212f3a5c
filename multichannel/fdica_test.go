package multichannel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/audiosep/audiosep"
)

func fdica(t testing.TB, p FDICAParams) *FDICA {
	t.Helper()
	s, err := NewFDICA(p)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The objective never rises, however random the problem.
func TestFDICAIsMonotone(t *testing.T) {
	for seed := range uint64(50) {
		s := newFDICA(newDemixer(problem(seed, 3+int(seed%7), 2+int(seed%4), 30+int(seed))))
		s.start()
		last := s.objective()
		for i := range 15 {
			s.iterate()
			now := s.objective()
			if !(now <= last+1e-9*math.Abs(last)) {
				t.Fatalf("problem %d: the objective rose from %.12g to %.12g in iteration %d", seed, last, now, i+1)
			}
			last = now
		}
	}
}

// Sources that come and go are separated in each bin, and put in one order however the bins have
// them.
func TestFDICASeparates(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long")
	}
	r := rand.New(rand.NewPCG(1, 7))
	for _, channels := range []int{2, 3} {
		mix, images := delayed(talkers(7, channels, 40000), channels)
		x := spectra(t, mix, 256)
		if got := bestOrder(separate(t, fdica(t, DefaultFDICA()), x, audiosep.Env{}), images); got < 12 {
			t.Errorf("%d channels: SI-SDR is %.1f dB; want 12", channels, got)
		}
		m, err := readMixture(t.Context(), audiosep.Env{}, x, Excerpt{}, defaultStorage())
		if err != nil {
			t.Fatal(err)
		}
		s := newFDICA(newDemixer(m))
		if err := learn(t.Context(), s, 50, func(float64) {}); err != nil {
			t.Fatal(err)
		}
		for f := range s.bins {
			rows := slices.Clone(s.matrix(f))
			for n, i := range r.Perm(channels) {
				copy(s.matrix(f)[n*channels:(n+1)*channels], rows[i*channels:])
			}
		}
		measure := func() float64 {
			stems, err := audiosep.Collect(t.Context(), s.images("projection_back").stems(x))
			if err != nil {
				t.Fatal(err)
			}
			return bestOrder(stems, images)
		}
		before := measure()
		if s.align(); before > 6 || measure() < 12 {
			t.Errorf("%d channels: SI-SDR is %.1f dB in random order, %.1f dB after that; want at most 6, and at least 12", channels, before, measure())
		}
	}
}

// The stems have the same bits on any number of threads.
func TestFDICASameBits(t *testing.T) {
	mix, _ := delayed(talkers(3, 3, 9000), 3)
	p := DefaultFDICA()
	p.Iterations = 4
	sameBits(t, "fdica", mix, fdica(t, p))
}

// With fewer sources than microphones the objective never rises, either model and update.
func TestOverIVAIsMonotone(t *testing.T) {
	for seed := range uint64(40) {
		m := problem(seed, 3+int(seed%7), 3+int(seed%3), 40+int(seed))
		for _, model := range []string{"laplace", "gauss"} {
			for _, update := range []string{"ip1", "ip2"} {
				s := newIVA(newOverdemixer(m, 1+int(seed%2)), IVAParams{Model: model, Update: update})
				s.start()
				last := s.objective()
				for i := range 15 {
					s.iterate()
					now := s.objective()
					if !(now <= last+1e-9*math.Abs(last)) {
						t.Fatalf("problem %d, %s, %s: the objective rose from %.12g to %.12g in iteration %d", seed, model, update, last, now, i+1)
					}
					last = now
				}
			}
		}
	}
}

// Two sources on four microphones with noise from all sides are separated, and better than on
// two of these; with the rest the images sum to the mixture.
func TestOverIVASeparates(t *testing.T) {
	mix, images := delayed(talkers(7, 2, 40000), 4)
	for c, noise := range talkers(9, 4, 40000) {
		for i, v := range noise {
			mix.Data[c][i] += 0.1 * v
		}
	}
	p := DefaultIVA()
	p.Sources = 2
	four := separate(t, iva(t, p), spectra(t, mix, 256), audiosep.Env{})
	two := &audiosep.Signal{Rate: mix.Rate, Channels: 2, Data: mix.Data[:2]}
	fewer := bestOrder(separate(t, iva(t, p), spectra(t, two, 256), audiosep.Env{}), images)
	if got := bestOrder(four[:2], images); got < 12 || got < fewer+1 {
		t.Errorf("SI-SDR is %.1f dB, and %.1f dB on two microphones; want 12 dB, and 1 dB more than on two", got, fewer)
	}
	for i, want := range mix.Data[3] {
		if sum := four[0].Data[3][i] + four[1].Data[3][i] + four[2].Data[3][i]; math.Abs(sum-want) > 1e-9 {
			t.Fatalf("with the rest the images sum to %v at sample %d; want %v", sum, i, want)
		}
	}
}

func TestOverIVARefuses(t *testing.T) {
	if _, err := ivaStage.Build([]byte(`{"sources": 2, "update": "iss1"}`)); fmt.Sprint(err) != "parameter update is iss1, which has no background; want ip1 or ip2 with a number of sources" {
		t.Errorf("got %v", err)
	}
	p := DefaultIVA()
	p.Sources = 3
	stereo := &audiosep.Signal{Rate: 8000, Channels: 2, Data: talkers(1, 2, 4000)}
	const want = "parameter sources is 3, and there are 2 microphones; want no more sources than that, or fast_mnmf"
	if _, err := iva(t, p).Run(t.Context(), audiosep.Env{}, In{spectra(t, stereo, 256)}); fmt.Sprint(err) != want {
		t.Errorf("got %v; want %s", err, want)
	}
}
