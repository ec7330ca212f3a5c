package multichannel

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/audiosep/audiosep"
)

// inBoth are the stages that keep a mixture, made with a precision.
func inBoth(t *testing.T, iterations int) map[string]func(Storage) stage {
	t.Helper()
	return map[string]func(Storage) stage{
		"iva": func(p Storage) stage {
			d := DefaultIVA()
			d.Storage, d.Iterations = p, min(d.Iterations, iterations)
			return iva(t, d)
		},
		"ilrma": func(p Storage) stage {
			d := DefaultILRMA()
			d.Storage, d.Warm, d.Iterations, d.Restarts = p, min(d.Warm, iterations), min(d.Iterations, iterations), 2
			return ilrma(t, d)
		},
		"fdica": func(p Storage) stage {
			d := DefaultFDICA()
			d.Storage, d.Iterations = p, min(d.Iterations, iterations)
			return fdica(t, d)
		},
		"fast_mnmf": func(p Storage) stage {
			d := DefaultFastMNMF()
			d.Storage, d.Warm, d.Iterations = p, min(d.Warm, iterations), min(d.Iterations, iterations)
			s, err := NewFastMNMF(d)
			if err != nil {
				t.Fatal(err)
			}
			return s
		},
	}
}

// checkPrecisions holds the SI-SDR of each stem of x, on each channel, against its images: that with
// coefficients in float32 is that with float64 to 0.01 dB.
func checkPrecisions(t *testing.T, name string, x audiosep.Spectra, images [][][]float64, iterations int) {
	t.Helper()
	for of, build := range inBoth(t, iterations) {
		var mean [2]float64
		var stems [2][]*audiosep.Signal
		for i, precision := range []string{"float64", "float32"} {
			stems[i] = separate(t, build(Storage{precision}), x, audiosep.Env{Seed: 1})
			mean[i] = bestOrder(stems[i], images)
		}
		var worst float64
		for n, s := range stems[0] {
			for c := range s.Data {
				for _, im := range images {
					worst = max(worst, math.Abs(siSDR(s.Data[c], im[c])-siSDR(stems[1][n].Data[c], im[c])))
				}
			}
		}
		t.Logf("%s, %s: %.4f dB in float64, %.4f dB in float32; no stem differs by more than %.2g dB", name, of, mean[0], mean[1], worst)
		if !(math.Abs(mean[1]-mean[0]) <= 0.01) {
			t.Errorf("%s, %s: SI-SDR is %.4f dB in float32 and %.4f dB in float64; want the same to 0.01 dB", name, of, mean[1], mean[0])
		}
	}
}

// steadyless takes what is at 0 Hz out of sources: a sound has nothing there, where all microphones hear
// the same but for its distance. What there is takes fdica longer than its iterations to leave a saddle
// in that bin, and when it does is up to the last bits.
func steadyless(sources [][]float64) [][]float64 {
	for _, x := range sources {
		var last, out float64
		for i, v := range x {
			out = v - last + 0.95*out
			last, x[i] = v, out
		}
	}
	return sources
}

// Coefficients in float32 are separated as well as in float64, in rooms that are generated.
func TestPrecisionsSeparateAlike(t *testing.T) {
	const rate = 8000
	iterations, most := 20, 3
	if testing.Short() {
		iterations, most = 5, 2
	}
	for channels := 2; channels <= most; channels++ {
		p := DefaultMixRoom()
		p.T60, p.Microphones = 0.1, channels
		images, err := p.Images(t.Context(), steadyless(talkers(uint64(channels), channels, 4*rate)), rate)
		if err != nil {
			t.Fatal(err)
		}
		mix := &audiosep.Signal{Rate: rate, Channels: channels}
		var truth [][][]float64
		for n, im := range images {
			truth = append(truth, im.Data)
			for c, x := range im.Data {
				if n == 0 {
					mix.Data = append(mix.Data, make([]float64, len(x)))
				}
				for i, v := range x {
					mix.Data[c][i] += v
				}
			}
		}
		checkPrecisions(t, fmt.Sprintf("%d microphones", channels), spectra(t, mix, 1024), truth, iterations)
	}
}

// The same of recordings.
func TestPrecisionsSeparateRoomsAlike(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long")
	}
	data := os.Getenv("AUDIOSEP_DATA")
	if data == "" {
		t.Skip("AUDIOSEP_DATA is not set: no recordings")
	}
	iterations := 10
	if os.Getenv("AUDIOSEP_RELEASE") != "" {
		iterations = 1000 // as many as by default
	}
	for name := range roomGoals {
		dir := filepath.Join(data, "rooms", name)
		if _, err := os.Stat(dir); err != nil {
			t.Skip(err)
		}
		mix := readWAV(t, filepath.Join(dir, "mix.wav"))
		stems, err := filepath.Glob(filepath.Join(dir, "stems", "*.wav"))
		if err != nil || len(stems) == 0 {
			t.Fatalf("%s has no stems: %v", dir, err)
		}
		var images [][][]float64
		for _, path := range stems {
			images = append(images, readWAV(t, path).Data)
		}
		checkPrecisions(t, name, spectra(t, mix, mix.Rate*192/1000), images, iterations)
	}
}

// A recording that is louder or softer by a power of two is separated into the same stems, as much
// louder or softer, to the bit: also where its coefficients are out of the range of float32, or the powers of them out of that of float64.
func TestPrecisionsScale(t *testing.T) {
	mix, _ := delayed(talkers(3, 2, 9000), 2)
	for _, precision := range []string{"float32", "float64"} {
		s := inBoth(t, 3)["iva"](Storage{precision})
		want := separate(t, s, spectra(t, mix, 256), audiosep.Env{})
		for _, exponent := range []int{-900, -600, -200, -130, -100, -10, 10, 100, 130, 200, 600, 900} {
			for n, got := range separate(t, s, spectra(t, scaled(mix, exponent), 256), audiosep.Env{}) {
				for c, x := range got.Data {
					for i, v := range x {
						if w := math.Ldexp(want[n].Data[c][i], exponent); v != w {
							t.Fatalf("%s, 2^%d: sample %d of channel %d of stem %d is %v; want %v", precision, exponent, i, c, n, v, w)
						}
					}
				}
			}
		}
		_, err := s.Run(t.Context(), audiosep.Env{}, In{spectra(t, scaled(mix, 1023), 256)})
		if want := "the coefficients are beyond the range of numbers; want a recording that is not as loud"; err == nil || err.Error() != want {
			t.Errorf("%s, 2^1023: error is %v; want %s", precision, err, want)
		}
	}
}

// scaled returns a recording times a power of two.
func scaled(mix *audiosep.Signal, exponent int) *audiosep.Signal {
	s := &audiosep.Signal{Rate: mix.Rate, Channels: mix.Channels}
	for _, x := range mix.Data {
		y := slices.Clone(x)
		for i := range y {
			y[i] = math.Ldexp(y[i], exponent)
		}
		s.Data = append(s.Data, y)
	}
	return s
}

// What is forecast has half the coefficients in float32.
func TestPrecisionsAreForecast(t *testing.T) {
	e := audiosep.Extent{Head: audiosep.Head{Rate: 16000, Samples: 16000, Channels: 3, Realisations: 1}, Length: 512, Hop: 128, Frames: 125, Bins: 257, Threads: 2}
	for name, build := range inBoth(t, 5) {
		single, ok := build(Storage{"float32"}).(audiosep.Sizer)
		if !ok {
			continue
		}
		double := build(Storage{"float64"}).(audiosep.Sizer)
		if got, want := double.Needs(e).Work-single.Needs(e).Work, int64(8*125*3*257); got != want {
			t.Errorf("%s: in float64 %d bytes more are forecast; want %d", name, got, want)
		}
	}
}

// Silence stays so.
func TestPrecisionsOfSilence(t *testing.T) {
	mix := &audiosep.Signal{Rate: 8000, Channels: 2, Data: [][]float64{make([]float64, 4000), make([]float64, 4000)}}
	for name, build := range inBoth(t, 2) {
		for _, precision := range []string{"float32", "float64"} {
			for _, s := range separate(t, build(Storage{precision}), spectra(t, mix, 256), audiosep.Env{}) {
				for _, x := range s.Data {
					if i := slices.IndexFunc(x, func(v float64) bool { return v != 0 }); i >= 0 {
						t.Fatalf("%s, %s: sample %d of a stem of silence is %v; want 0", name, precision, i, x[i])
					}
				}
			}
		}
	}
}
