package multichannel

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math"
	"math/cmplx"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/floats"

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

// problem returns a mixture of random bins, in which some are silent: in float32 where the seed is
// odd.
func problem(seed uint64, bins, channels, frames int) *mixture {
	return problemIn(Storage{[]string{"float64", "float32"}[seed%2]}, seed, bins, channels, frames)
}

func problemIn(p Storage, seed uint64, bins, channels, frames int) *mixture {
	r := rand.New(rand.NewPCG(seed, 2))
	m := newMixture(bins, channels, frames, p)
	for f := range bins {
		for i := range 2 * channels {
			for t := range frames {
				v, at := r.NormFloat64()*math.Exp(2*r.NormFloat64()), (f*2*channels+i)*m.stride+t
				switch {
				case f == 1:
				case m.low != nil:
					m.low[at] = float32(v)
				default:
					m.x[at] = v
				}
			}
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
					if !(now <= last+1e-9*math.Abs(last)) {
						t.Fatalf("problem %d, %s, %s: the objective rose from %.12g to %.12g in iteration %d", seed, model, update, last, now, i+1)
					}
					last = now
				}
			}
		}
	}
}

// The stems have the same bits on any number of threads and in blocks of any size, of each model
// and update, with fewer sources than channels too.
func TestIVASameBits(t *testing.T) {
	mix, _ := delayed(talkers(3, 3, 9000), 3)
	for _, model := range []string{"laplace", "gauss"} {
		for update := range updates {
			for _, sources := range []int{0, 2} {
				if testing.Short() && (model == "laplace" || sources == 2) { // the threads are the same
					continue
				}
				p := DefaultIVA()
				p.Model, p.Update, p.Sources, p.Iterations = model, update, sources, 4
				stage, err := NewIVA(p)
				if err != nil { // iss1 updates all rows
					if sources == 0 || update != "iss1" {
						t.Error(err)
					}
					continue
				}
				sameBits(t, fmt.Sprintf("%s, %s, %d sources", model, update, sources), mix, stage)
			}
		}
	}
}

// sameBits holds the stems of a stage on some threads and in some blocks against those on one thread.
func sameBits(t *testing.T, name string, mix *audiosep.Signal, s stage) {
	t.Helper()
	run := func(threads, block int) []*audiosep.Signal {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(threads))
		ctx := blocks.WithSize(t.Context(), block)
		out, err := s.Run(ctx, audiosep.Env{Seed: 4}, In{spectra(t, mix, 256)})
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
					t.Errorf("%s, on %d threads, in blocks of %d: channel %d of stem %d differs", name, c[0], c[1], l, j)
				}
			}
		}
	}
}

// The image of minimal distortion is the least-squares one: what it leaves of the mixture on any
// microphone is not correlated with the source.
func TestMinimalDistortion(t *testing.T) {
	m := problem(1, 20, 3, 100)
	s := newIVA(newDemixer(m), IVAParams{Model: "laplace", Update: "ip1"})
	s.start()
	for range 5 {
		s.iterate()
	}
	im := s.images("minimal_distortion")
	bin := make([]float64, 2*m.channels*m.stride)
	at := func(f, c, t int) complex128 {
		x := m.bin(f).Double(bin)
		return complex(x.Data[c*x.Stride+t], x.Data[(m.channels+c)*x.Stride+t])
	}
	for f := range m.bins {
		for n := range im.sources {
			w, a := im.w[(f*im.sources+n)*im.channels:][:im.channels], im.a[(f*im.sources+n)*im.channels:][:im.channels]
			left, all := make([]complex128, im.channels), 0.0
			for t := range m.frames {
				var y complex128
				for c := range w {
					y += w[c] * at(f, c, t)
				}
				for c := range a {
					x := at(f, c, t)
					left[c] += (x - a[c]*y) * cmplx.Conj(y)
					all += cmplx.Abs(x * y)
				}
			}
			for c, z := range left {
				if cmplx.Abs(z) > 1e-10*all {
					t.Fatalf("bin %d, source %d, microphone %d: the rest and the source have %v in common of %v", f, n, c, z, all)
				}
			}
		}
	}
}

// With minimal distortion each stage makes other images than by projection back, none of them louder
// than the mixture.
func TestMinimalDistortionOfStages(t *testing.T) {
	mix, _ := delayed(talkers(3, 2, 9000), 2)
	x := spectra(t, mix, 256)
	pi, pl, pf := DefaultIVA(), DefaultILRMA(), DefaultFDICA()
	pi.Iterations, pl.Iterations, pf.Iterations, pl.Warm = 5, 5, 5, 0
	for name, build := range map[string]func(scale string) stage{
		"iva":   func(scale string) stage { pi.Scale = scale; return iva(t, pi) },
		"ilrma": func(scale string) stage { pl.Scale = scale; return ilrma(t, pl) },
		"fdica": func(scale string) stage { pf.Scale = scale; return fdica(t, pf) },
	} {
		back := separate(t, build("projection_back"), x, audiosep.Env{Seed: 1})
		for n, s := range separate(t, build("minimal_distortion"), x, audiosep.Env{Seed: 1}) {
			for c := range s.Data {
				if got, most := floats.Dot(s.Data[c], s.Data[c]), floats.Dot(mix.Data[c], mix.Data[c]); got > 1.01*most || slices.Equal(s.Data[c], back[n].Data[c]) {
					t.Errorf("%s: source %d has a power of %v on microphone %d, of %v; want less, and another image than by projection back", name, n, got, c, most)
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

// What is learnt from fewer frames than tell the sources apart, or from silence but for the last of them, makes no stem
// that is absurdly loud elsewhere, and stems that sum to the mixture.
func TestLearnsOnFewFrames(t *testing.T) {
	mix, _ := delayed(talkers(5, 3, 24000), 3)
	const hop = 64
	parts := map[string]Excerpt{"one frame": {LearnFrom: 1.5, LearnFor: hop / 8000.0}}
	if !testing.Short() {
		parts["two frames"] = Excerpt{LearnFrom: 1.5, LearnFor: 2 * hop / 8000.0}
		parts["three frames"] = Excerpt{LearnFrom: 1.5, LearnFor: 3 * hop / 8000.0}
	}
	for name, part := range parts {
		learnsOnFewFrames(t, name, mix, part)
	}
	padded := &audiosep.Signal{Rate: mix.Rate, Channels: mix.Channels}
	for _, x := range mix.Data {
		padded.Data = append(padded.Data, append(make([]float64, 12000), x...))
	}
	for _, sounding := range []int{0, 2, 8, 20} {
		if testing.Short() && sounding != 8 {
			continue
		}
		learnsOnFewFrames(t, fmt.Sprintf("silence and %d frames", sounding), padded, Excerpt{LearnFor: float64(12000+sounding*hop) / 8000})
	}
}

func learnsOnFewFrames(t *testing.T, from string, mix *audiosep.Signal, part Excerpt) {
	t.Helper()
	x, loudest := spectra(t, mix, 256), 0.0
	for _, d := range mix.Data {
		loudest = max(loudest, floats.Norm(d, math.Inf(1)))
	}
	stages := map[string]stage{}
	for update := range updates {
		p := DefaultIVA()
		p.Update, p.Excerpt = update, part
		stages["iva, "+update] = iva(t, p)
	}
	f, l := DefaultFDICA(), DefaultILRMA()
	f.Excerpt, l.Excerpt = part, part
	stages["fdica"], stages["ilrma"] = fdica(t, f), ilrma(t, l)
	for name, s := range stages {
		stems, sum := separate(t, s, x, audiosep.Env{}), make([]float64, len(mix.Data[0]))
		for _, stem := range stems {
			floats.Add(sum, stem.Data[0])
			if most := floats.Norm(stem.Data[0], math.Inf(1)); !(most < 10*loudest) {
				t.Errorf("%s, learnt from %s: a stem is %.3g times as loud as the mixture", name, from, most/loudest)
			}
		}
		if off := floats.Distance(sum, mix.Data[0], math.Inf(1)); !(off < 1e-6) {
			t.Errorf("%s, learnt from %s: the stems sum to the mixture within %g; want 1e-6", name, from, off)
		}
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

// Channels that tell nothing are told of, and those of a room are not.
func TestWarnsOfChannelsThatTellNothing(t *testing.T) {
	room, _ := delayed(talkers(3, 3, 8000), 3)
	scaled := make([]float64, 8000)
	floats.ScaleTo(scaled, -0.3, room.Data[0])
	nothing := make([]float64, 8000)
	offset := &audiosep.Signal{} // of all microphones, far louder than the room
	for _, x := range room.Data {
		y := slices.Clone(x)
		floats.AddConst(300*floats.Norm(x, math.Inf(1)), y)
		offset.Data = append(offset.Data, y)
	}
	for _, c := range []struct {
		what string
		data [][]float64
		want []string
	}{
		{"a room", room.Data, nil},
		{"a room with an offset", offset.Data, nil},
		{"a copy, softer", [][]float64{room.Data[0], room.Data[1], scaled}, []string{`msg="channels are copies of others but for their level,`, `channels="3 of 1"`}},
		{"a silent channel", [][]float64{room.Data[0], nothing, room.Data[2]}, []string{`msg="channels are silent in what is learnt from,`, "channels=2"}},
		{"silence", [][]float64{nothing, nothing, nothing}, []string{`msg="there is no sound in what is learnt from;`}},
	} {
		x := spectra(t, &audiosep.Signal{Rate: 8000, Channels: 3, Data: c.data}, 256)
		for name, build := range inBoth(t, 1) {
			for _, precision := range []string{"float32", "float64"} {
				var log bytes.Buffer
				separate(t, build(Storage{precision}), x, audiosep.Env{Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))})
				var told []string
				for line := range strings.Lines(log.String()) {
					if strings.Contains(line, `msg="channels are`) || strings.Contains(line, `msg="there is no sound`) {
						told = append(told, line)
					}
				}
				if len(told) != min(1, len(c.want)) {
					t.Errorf("%s, %s in %s: it tells %q; want %q", c.what, name, precision, told, c.want)
				}
				for _, w := range c.want {
					if !strings.Contains(log.String(), w) {
						t.Errorf("%s, %s in %s: it tells %q; want %q", c.what, name, precision, log.String(), w)
					}
				}
			}
		}
	}
}

// Sources that are learnt from silence are the microphones as they are, whatever their number and scale.
func TestLearnsOnSilence(t *testing.T) {
	mix, _ := delayed(talkers(5, 3, 8000), 3)
	for _, x := range mix.Data {
		clear(x[:4000])
	}
	x := spectra(t, mix, 256)
	part := Excerpt{LearnFor: 0.4}
	for _, scale := range []string{"projection_back", "minimal_distortion"} {
		p, over := DefaultIVA(), DefaultIVA()
		p.Excerpt, p.Scale = part, scale
		over.Excerpt, over.Scale, over.Sources = part, scale, 2
		f, l := DefaultFDICA(), DefaultILRMA()
		f.Excerpt, f.Scale, l.Excerpt, l.Scale = part, scale, part, scale
		for name, s := range map[string]stage{"iva": iva(t, p), "iva of two": iva(t, over), "fdica": fdica(t, f), "ilrma": ilrma(t, l)} {
			for n, stem := range separate(t, s, x, audiosep.Env{}) {
				if name == "iva of two" && n == 2 { // the rest
					continue
				}
				if off := floats.Distance(stem.Data[n], mix.Data[n], math.Inf(1)); !(off < 1e-9) {
					t.Errorf("%s, %s: source %d is microphone %d within %g; want 1e-9", name, scale, n+1, n+1, off)
				}
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
