package nets

import (
	"encoding/binary"
	"errors"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/internal/kernel"
	"github.com/audiosep/audiosep/internal/resample"
	"github.com/audiosep/audiosep/pipeline/contract"
	"github.com/audiosep/audiosep/pipeline/stagetest"
)

func TestContract(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long, and other tests of nets have their threads")
	}
	for _, def := range Stages {
		all := []string{``}
		if def.Name == "denoise" {
			all = append(all, `{"channels": "shared"}`, `{"model": "rnnoise"}`, `{"model": "rnnoise", "channels": "shared"}`)
		}
		for _, params := range all {
			t.Run(def.Name+params, func(t *testing.T) {
				stagetest.With(t, def, contract.Options{Params: []byte(params), Many: 1000})
			})
		}
	}
}

// talk is three quarters of a second of noisy speech: gtcrn/ORIGIN.md.
func talk(t *testing.T) *audiosep.Signal {
	t.Helper()
	f, err := audio.Open("testdata/gtcrn-in.wav")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s, err := audiosep.ReadAll(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func denoise(t *testing.T, p DenoiseParams, x *audiosep.Signal) (speech, rest *audiosep.Signal) {
	t.Helper()
	s, err := NewDenoise(p)
	if err != nil {
		t.Fatal(err)
	}
	stems, err := s.Separate(t.Context(), x)
	if err != nil {
		t.Fatal(err)
	}
	parts, err := audiosep.Collect(t.Context(), stems)
	if err != nil {
		t.Fatal(err)
	}
	return parts[0], parts[1]
}

func float32s(t *testing.T, path string) []float64 {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	x := make([]float64, len(text)/4)
	for i := range x {
		x[i] = float64(math.Float32frombits(binary.LittleEndian.Uint32(text[4*i:])))
	}
	return x
}

func furthest(x, y []float64) (d float64) {
	for i := range x {
		d = max(d, math.Abs(x[i]-y[i]))
	}
	return d
}

// by are the parameters of a model.
func by(model string) DenoiseParams {
	p := DefaultDenoise()
	p.Model = model
	return p
}

// at is x at another rate, which must keep all of it.
func at(t *testing.T, rate int, x *audiosep.Signal) *audiosep.Signal {
	t.Helper()
	if x.Rate == rate {
		return x
	}
	f := resample.New(x.Rate, rate)
	y := &audiosep.Signal{Rate: rate, Data: [][]float64{make([]float64, f.Samples(len(x.Data[0])))}}
	if err := f.Read(t.Context(), y.Data, 0, len(y.Data[0]), x.ReadAt); err != nil {
		t.Fatal(err)
	}
	return y
}

// fullBand is talk at 48 kHz with a little noise, so that no band is empty: rnnoise/ORIGIN.md.
func fullBand(t *testing.T) *audiosep.Signal {
	x := at(t, 48000, talk(t))
	state := uint32(1)
	for i, v := range x.Data[0] {
		state = state*1664525 + 1013904223
		x.Data[0][i] = float64(float32(v + 0.01*(float64(state)/(1<<32)-0.5)))
	}
	return x
}

// Speech is what other programs of the same networks make, sample by sample, on every path of
// the kernels: gtcrn/ORIGIN.md and rnnoise/ORIGIN.md.
func TestDenoiseLikePeer(t *testing.T) {
	for model, golden := range map[string]struct {
		mix   *audiosep.Signal
		file  string
		every int // sample is there
		limit float64
	}{"gtcrn": {talk(t), "testdata/gtcrn-out.f32", 1, 1e-6}, "rnnoise": {fullBand(t), "testdata/rnnoise-out.f32", 4, 2e-6}} {
		want := float32s(t, golden.file)
		for _, path := range []string{"avx512", "avx2", "neon", "go"} {
			restore, ok := kernel.Use(path)
			if !ok {
				continue
			}
			speech, rest := denoise(t, by(model), golden.mix)
			restore()
			got := make([]float64, 0, len(want))
			for i := 0; i < len(speech.Data[0]); i += golden.every {
				got = append(got, speech.Data[0][i])
			}
			if len(want) != len(got) {
				t.Fatalf("%s: %d samples come out; want %d", model, len(got), len(want))
			}
			if d := furthest(got, want); !(d < golden.limit) {
				t.Errorf("%s, %s: a sample is off by %g; want at most %g", model, path, d, golden.limit)
			}
			for i, x := range golden.mix.Data[0] {
				if d := speech.Data[0][i] + rest.Data[0][i] - x; math.Abs(d) > 1e-15 {
					t.Fatalf("%s, %s: the stems sum to %g beside sample %d", model, path, d, i)
				}
			}
		}
	}
}

// At another rate the networks hear the same: speech of a recording that was resampled is the
// resampled speech, without a delay of a sample.
func TestDenoiseAtAnyRate(t *testing.T) {
	x := talk(t)
	for i := range x.Data[0] {
		x.Data[0][i] *= min(1, float64(i)/2000, float64(len(x.Data[0])-1-i)/2000) // ends in silence, where filters would ring
	}
	x = lowered(t, x)
	for model, d := range denoisers {
		speech, _ := denoise(t, by(model), at(t, d.rate, x))
		for _, rate := range []int{44100, 48000, 22050, 16000, 8000} {
			got, _ := denoise(t, by(model), at(t, rate, x))
			want := at(t, rate, speech).Data[0]
			want = want[:min(len(want), len(got.Data[0]))]
			if rate < 16000 { // the network is given less than it was above
				if c := correlation(got.Data[0], want, 0); c < 0.98 || c < correlation(got.Data[0], want, 1) || c < correlation(got.Data[0], want, -1) {
					t.Errorf("%s, %d Hz: speech correlates with what it should be by %v, a sample earlier or later by %v, %v", model, rate, c, correlation(got.Data[0], want, -1), correlation(got.Data[0], want, 1))
				}
				continue
			}
			if d := furthest(want, got.Data[0]); !(d < 1e-3) {
				t.Errorf("%s, %d Hz: a sample is off by %g; want at most 1e-3", model, rate, d)
			}
		}
	}
}

// lowered is x without what resampling does not keep.
func lowered(t *testing.T, x *audiosep.Signal) *audiosep.Signal {
	t.Helper()
	return at(t, 16000, at(t, 14000, x))
}

// correlation is that of x and y, lag samples later.
func correlation(x, y []float64, lag int) float64 {
	var xx, yy, xy float64
	for i := 1; i+1 < min(len(x), len(y)); i++ {
		xx, yy, xy = xx+x[i]*x[i], yy+y[i+lag]*y[i+lag], xy+x[i]*y[i+lag]
	}
	return xy / math.Sqrt(xx*yy)
}

// Channels that are alike have the mask of either; a shared mask keeps the balance of channels
// that differ in level alone.
func TestDenoiseChannels(t *testing.T) {
	x := talk(t)
	quiet := make([]float64, len(x.Data[0]))
	for i, v := range x.Data[0] {
		quiet[i] = v / 4
	}
	for model := range denoisers {
		p := by(model)
		mono, _ := denoise(t, p, x)
		both := &audiosep.Signal{Rate: x.Rate, Channels: 2, Data: [][]float64{x.Data[0], x.Data[0]}}
		for _, p.Channels = range []string{"each", "shared"} {
			y, _ := denoise(t, p, both)
			if !slices.Equal(y.Data[0], mono.Data[0]) || !slices.Equal(y.Data[1], mono.Data[0]) {
				t.Errorf("%s, %s: two channels alike come out unlike one", model, p.Channels)
			}
		}
		y, _ := denoise(t, p, &audiosep.Signal{Rate: x.Rate, Channels: 2, Data: [][]float64{x.Data[0], quiet}})
		for i, v := range y.Data[0] {
			if math.Abs(v/4-y.Data[1][i]) > 1e-12 {
				t.Fatalf("%s: sample %d is %v left and %v right; want a quarter", model, i, v, y.Data[1][i])
			}
		}
	}
}

// Silent recordings come out silent and as long as they are: empty ones, and those that end beside the
// end of a hop or a chunk.
func TestDenoiseShortAndSilent(t *testing.T) {
	rates := []int{16000, 44100, 48000, 11025}
	if testing.Short() {
		rates = rates[:2]
	}
	for model, d := range denoisers {
		for _, rate := range rates {
			for _, n := range []int{0, 1, 100, d.hop - 1, d.hop, d.hop + 1, d.chunk, d.chunk + 1, 2*d.chunk + 1} {
				x := &audiosep.Signal{Rate: rate, Data: [][]float64{make([]float64, n)}}
				speech, rest := denoise(t, by(model), x)
				if len(speech.Data[0]) != n || len(rest.Data[0]) != n {
					t.Fatalf("%s: %d samples at %d Hz come out as %d and %d", model, n, rate, len(speech.Data[0]), len(rest.Data[0]))
				}
				if furthest(speech.Data[0], x.Data[0]) > 1e-6 {
					t.Errorf("%s: %d samples of silence at %d Hz have sound in them", model, n, rate)
				}
			}
		}
	}
}

// What is no number is told, and what cannot be a recording.
func TestDenoiseErrors(t *testing.T) {
	for model := range denoisers {
		s, _ := NewDenoise(by(model))
		for _, bad := range []float64{math.NaN(), math.Inf(1)} {
			x := talk(t)
			x.Data[0][5000] = bad
			stems, err := s.Separate(t.Context(), x)
			if err == nil {
				_, err = audiosep.Collect(t.Context(), stems)
			}
			if err == nil {
				t.Errorf("%s: %v is taken", model, bad)
			}
		}
	}
	s, _ := NewDenoise(DefaultDenoise())
	if _, err := s.Separate(t.Context(), &audiosep.Signal{Data: [][]float64{{1}}}); err == nil {
		t.Error("a recording without a rate is taken")
	}
	for _, p := range []DenoiseParams{{Model: "gtcrn", Channels: "some"}, {Model: "some", Channels: "each"}} {
		if _, err := NewDenoise(p); err == nil {
			t.Errorf("%v is taken", p)
		}
	}
	stems, _ := s.Separate(t.Context(), talk(t))
	stop := errors.New("stop")
	if err := stems.Each(t.Context(), func(int, [][]float64) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("a writer's error is told as %v", err)
	}
}
