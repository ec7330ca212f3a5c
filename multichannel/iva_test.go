package multichannel

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/blocks"
	"github.com/audiosep/audiosep/transforms"
)

// talkers returns sources that each come and go by themselves: [source][sample].
func talkers(seed uint64, sources, samples int) [][]float64 {
	r := rand.New(rand.NewPCG(seed, 1))
	all := make([][]float64, sources)
	for n := range all {
		all[n] = make([]float64, samples)
		gain, last := 0.0, 0.0
		for t := range samples {
			if t%800 == 0 {
				gain = math.Pow(r.Float64(), 4)
			}
			last = 0.6*last + r.NormFloat64()
			all[n][t] = 0.1 * gain * last
		}
	}
	return all
}

// delayed mixes sources that come to channel c of source n after (n·c·3) mod 7 samples, and
// returns the images too: [source][channel].
func delayed(sources [][]float64, channels int) (mix *audiosep.Signal, images [][][]float64) {
	mix = &audiosep.Signal{Rate: 8000, Channels: channels, Data: make([][]float64, channels)}
	for c := range mix.Data {
		mix.Data[c] = make([]float64, len(sources[0]))
	}
	for n, s := range sources {
		images = append(images, make([][]float64, channels))
		for c := range channels {
			lag, gain := n*c*3%7, 1/float64(1+(n+c)%3)
			images[n][c] = make([]float64, len(s))
			for t := lag; t < len(s); t++ {
				images[n][c][t] = gain * s[t-lag]
				mix.Data[c][t] += images[n][c][t]
			}
		}
	}
	return mix, images
}

func spectra(t testing.TB, s *audiosep.Signal, length int) audiosep.Spectra {
	t.Helper()
	x, err := transforms.STFT(t.Context(), s, transforms.Frame(length, 0.75, "hann"))
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// siSDR returns how far above what else it has an estimate has the reference, in dB.
func siSDR(estimate, reference []float64) float64 {
	var er, rr, ee float64
	for t, e := range estimate {
		er += e * reference[t]
		rr += reference[t] * reference[t]
		ee += e * e
	}
	return 10 * math.Log10(er*er/rr/(ee-er*er/rr))
}

// bestOrder returns the mean SI-SDR of stems against images on channel 0 in the best order.
func bestOrder(stems []*audiosep.Signal, images [][][]float64) float64 {
	best := math.Inf(-1)
	var try func(left []int, sum float64)
	try = func(left []int, sum float64) {
		n := len(images) - len(left)
		if len(left) == 0 {
			best = max(best, sum/float64(n))
		}
		for i, j := range left {
			rest := slices.Delete(slices.Clone(left), i, i+1)
			try(rest, sum+siSDR(stems[j].Data[0], images[n][0]))
		}
	}
	all := make([]int, len(stems))
	for i := range all {
		all[i] = i
	}
	try(all, 0)
	return best
}

// stage is any of this package.
type stage interface {
	Run(context.Context, audiosep.Env, In) (Out, error)
}

// separate runs a stage of this package on x.
func separate(t testing.TB, stage stage, x audiosep.Spectra, env audiosep.Env) []*audiosep.Signal {
	t.Helper()
	out, err := stage.Run(t.Context(), env, In{x})
	if err != nil {
		t.Fatal(err)
	}
	stems, err := audiosep.Collect(t.Context(), out.Sources)
	if err != nil {
		t.Fatal(err)
	}
	return stems
}

func iva(t testing.TB, p IVAParams) *IVA {
	t.Helper()
	s, err := NewIVA(p)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Sources that come with delays and gains are separated, and their images sum to the mixture
// on every channel.
func TestIVASeparates(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long")
	}
	for _, channels := range []int{2, 3} {
		mix, images := delayed(talkers(7, channels, 40000), channels)
		for _, model := range []string{"laplace", "gauss"} {
			for update := range updates {
				p := DefaultIVA()
				p.Model, p.Update, p.Iterations = model, update, 40
				stems := separate(t, iva(t, p), spectra(t, mix, 256), audiosep.Env{})
				if got := bestOrder(stems, images); got < 15 {
					t.Errorf("%d channels, %s, %s: the stems have an SI-SDR of %.1f dB; want 15", channels, model, update, got)
				}
				for c, x := range mix.Data {
					for i, want := range x {
						var sum float64
						for _, s := range stems {
							sum += s.Data[c][i]
						}
						if math.Abs(sum-want) > 1e-12 {
							t.Fatalf("the images sum to %v at sample %d of channel %d; want the mixture's %v", sum, i, c, want)
						}
					}
				}
			}
		}
	}
}

// problem returns a mixture of random bins, in which some are silent.
func problem(seed uint64, bins, channels, frames int) *mixture {
	r := rand.New(rand.NewPCG(seed, 2))
	m := newMixture(bins, channels, frames)
	for f := range bins {
		x := m.bin(f)
		for i := range x.Rows {
			for t := range frames {
				x.Data[i*m.stride+t] = r.NormFloat64() * math.Exp(2*r.NormFloat64())
			}
		}
		if f == 1 {
			clear(x.Data)
		}
	}
	return m
}

// The objective never rises, however random the problem.
func TestIVAIsMonotone(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long")
	}
	for seed := range uint64(50) {
		m := problem(seed, 3+int(seed%7), 2+int(seed%4), 30+int(seed))
		for _, model := range []string{"laplace", "gauss"} {
			for update := range updates {
				s := newIVA(newDemixer(m), IVAParams{Model: model, Update: update})
				s.start()
				last := s.objective()
				for i := range 15 {
					s.iterate()
					now := s.objective()
					if now > last+1e-9*math.Abs(last) {
						t.Fatalf("problem %d, %s, %s: the objective rose from %.12g to %.12g in iteration %d", seed, model, update, last, now, i+1)
					}
					last = now
				}
			}
		}
	}
}

// The stems have the same bits on any number of threads and in blocks of any size.
func TestIVASameBits(t *testing.T) {
	mix, _ := delayed(talkers(3, 3, 9000), 3)
	p := DefaultIVA()
	p.Iterations = 4
	run := func(threads, block int) []*audiosep.Signal {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(threads))
		ctx := blocks.WithSize(t.Context(), block)
		out, err := iva(t, p).Run(ctx, audiosep.Env{}, In{spectra(t, mix, 256)})
		if err != nil {
			t.Fatal(err)
		}
		stems, err := audiosep.Collect(ctx, out.Sources)
		if err != nil {
			t.Fatal(err)
		}
		return stems
	}
	want := run(1, 0)
	for _, c := range [][2]int{{2, 0}, {5, 0}, {3, 7}} {
		for j, s := range run(c[0], c[1]) {
			for l := range s.Data {
				if !slices.Equal(s.Data[l], want[j].Data[l]) {
					t.Errorf("on %d threads, in blocks of %d: channel %d of stem %d differs", c[0], c[1], l, j)
				}
			}
		}
	}
}

// A demixing learnt on a part separates all of the recording: the rest is as well separated.
func TestIVALearnsOnAPart(t *testing.T) {
	mix, images := delayed(talkers(5, 2, 80000), 2)
	p := DefaultIVA()
	p.LearnFrom, p.LearnFor = 2, 4
	stems := separate(t, iva(t, p), spectra(t, mix, 256), audiosep.Env{})
	for j := range images {
		for c := range images[j] {
			images[j][c] = images[j][c][56000:]
		}
		for c := range stems[j].Data {
			stems[j].Data[c] = stems[j].Data[c][56000:]
		}
	}
	if got := bestOrder(stems, images); got < 15 {
		t.Errorf("after the part that was learnt from the stems have an SI-SDR of %.1f dB; want 15", got)
	}
}

// What no demixing can tell apart still makes stems that are finite and sum to the mixture.
func TestIVAOfCopies(t *testing.T) {
	x := talkers(1, 1, 8000)[0]
	for name, other := range map[string][]float64{"a copy": x, "silence": make([]float64, len(x))} {
		mix := &audiosep.Signal{Rate: 8000, Channels: 2, Data: [][]float64{x, other}}
		for update := range updates {
			p := DefaultIVA()
			p.Update = update
			stems := separate(t, iva(t, p), spectra(t, mix, 256), audiosep.Env{})
			var worst float64
			for i, v := range x {
				worst = max(worst, math.Abs(stems[0].Data[0][i]+stems[1].Data[0][i]-v))
			}
			if !(worst <= 1e-6) {
				t.Errorf("%s, %s: the stems sum to the mixture within %g; want 1e-6", name, update, worst)
			}
		}
	}
}

func TestIVARefuses(t *testing.T) {
	mono := &audiosep.Signal{Rate: 8000, Data: talkers(1, 1, 4000)}
	stereo := &audiosep.Signal{Rate: 8000, Channels: 2, Data: talkers(1, 2, 4000)}
	real, err := transforms.DCT(t.Context(), stereo, transforms.Frame(256, 0.75, "hann"))
	if err != nil {
		t.Fatal(err)
	}
	late := DefaultIVA()
	late.LearnFrom = 9
	for _, c := range []struct {
		x    audiosep.Spectra
		p    IVAParams
		want string
	}{
		{spectra(t, mono, 256), DefaultIVA(), "the recording has one channel; want at least two microphones, or a separator of one, such as wiener"},
		{real, DefaultIVA(), "the coefficients are real; want complex ones, such as those of stft, in which a delay between microphones is a phase"},
		{spectra(t, stereo, 256), late, "learn_from is 9 s, and the recording 0.5 s long; want a part that is in it"},
	} {
		if _, err := iva(t, c.p).Run(t.Context(), audiosep.Env{}, In{c.x}); fmt.Sprint(err) != c.want {
			t.Errorf("got %v; want %s", err, c.want)
		}
	}
}
