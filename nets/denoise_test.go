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
	for _, def := range Stages {
		all := []string{``}
		if def.Name == "denoise" {
			all = append(all, `{"channels": "shared"}`)
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

// Speech is what another program of the same network makes, sample by sample, on every path of
// the kernels: gtcrn/ORIGIN.md.
func TestDenoiseLikePeer(t *testing.T) {
	want := float32s(t, "testdata/gtcrn-out.f32")
	for _, path := range []string{"avx512", "avx2", "neon", "go"} {
		restore, ok := kernel.Use(path)
		if !ok {
			continue
		}
		speech, rest := denoise(t, DefaultDenoise(), talk(t))
		restore()
		if d := furthest(speech.Data[0], want); !(d < 1e-6) || len(want) != len(speech.Data[0]) {
			t.Errorf("%s: a sample of %d is off by %g; want at most 1e-6 of %d", path, len(speech.Data[0]), d, len(want))
		}
		mix := talk(t).Data[0]
		for i, x := range mix {
			if d := speech.Data[0][i] + rest.Data[0][i] - x; math.Abs(d) > 1e-15 {
				t.Fatalf("%s: the stems sum to %g beside sample %d", path, d, i)
			}
		}
	}
}

// At another rate the network hears the same: speech of a recording that was resampled is the
// resampled speech, without a delay of a sample.
func TestDenoiseAtAnyRate(t *testing.T) {
	x := talk(t)
	for i := range x.Data[0] {
		x.Data[0][i] *= min(1, float64(i)/2000, float64(len(x.Data[0])-1-i)/2000) // ends in silence, where filters would ring
	}
	speech, _ := denoise(t, DefaultDenoise(), lowered(t, x))
	for _, rate := range []int{44100, 48000, 22050, 8000} {
		to := resample.New(16000, rate)
		convert := func(s *audiosep.Signal) *audiosep.Signal {
			y := &audiosep.Signal{Rate: rate, Data: [][]float64{make([]float64, to.Samples(len(s.Data[0])))}}
			if err := to.Read(t.Context(), y.Data, 0, len(y.Data[0]), s.ReadAt); err != nil {
				t.Fatal(err)
			}
			return y
		}
		got, _ := denoise(t, DefaultDenoise(), convert(lowered(t, x)))
		want := convert(speech).Data[0]
		if rate < 16000 { // the network is given less than it was above
			want = want[:len(got.Data[0])]
			if c := correlation(got.Data[0], want, 0); c < 0.98 || c < correlation(got.Data[0], want, 1) || c < correlation(got.Data[0], want, -1) {
				t.Errorf("%d Hz: speech correlates with what it should be by %v, a sample earlier or later by %v, %v", rate, c, correlation(got.Data[0], want, -1), correlation(got.Data[0], want, 1))
			}
			continue
		}
		if d := furthest(got.Data[0], want); !(d < 1e-3) {
			t.Errorf("%d Hz: a sample is off by %g; want at most 1e-3", rate, d)
		}
	}
}

// lowered is x without what resampling does not keep.
func lowered(t *testing.T, x *audiosep.Signal) *audiosep.Signal {
	t.Helper()
	for _, rate := range []int{14000, 16000} {
		f := resample.New(x.Rate, rate)
		y := &audiosep.Signal{Rate: rate, Data: [][]float64{make([]float64, f.Samples(len(x.Data[0])))}}
		if err := f.Read(t.Context(), y.Data, 0, len(y.Data[0]), x.ReadAt); err != nil {
			t.Fatal(err)
		}
		x = y
	}
	return x
}

// correlation is that of x and y, lag samples later.
func correlation(x, y []float64, lag int) float64 {
	var xx, yy, xy float64
	for i := 1; i+1 < len(x); i++ {
		xx, yy, xy = xx+x[i]*x[i], yy+y[i+lag]*y[i+lag], xy+x[i]*y[i+lag]
	}
	return xy / math.Sqrt(xx*yy)
}

// Channels that are alike have the mask of either; a shared mask keeps the balance of channels
// that differ in level alone.
func TestDenoiseChannels(t *testing.T) {
	x := talk(t)
	mono, _ := denoise(t, DefaultDenoise(), x)
	both := &audiosep.Signal{Rate: x.Rate, Channels: 2, Data: [][]float64{x.Data[0], x.Data[0]}}
	for _, mode := range []string{"each", "shared"} {
		y, _ := denoise(t, DenoiseParams{Channels: mode}, both)
		if !slices.Equal(y.Data[0], mono.Data[0]) || !slices.Equal(y.Data[1], mono.Data[0]) {
			t.Errorf("%s: two channels alike come out unlike one", mode)
		}
	}
	quiet := make([]float64, len(x.Data[0]))
	for i, v := range x.Data[0] {
		quiet[i] = v / 4
	}
	y, _ := denoise(t, DenoiseParams{Channels: "shared"}, &audiosep.Signal{Rate: x.Rate, Channels: 2, Data: [][]float64{x.Data[0], quiet}})
	for i, v := range y.Data[0] {
		if math.Abs(v/4-y.Data[1][i]) > 1e-12 {
			t.Fatalf("sample %d is %v left and %v right; want a quarter", i, v, y.Data[1][i])
		}
	}
}

// Recordings shorter than a frame, silent ones and empty ones come out as long as they are.
func TestDenoiseShortAndSilent(t *testing.T) {
	for _, rate := range []int{16000, 44100, 11025} {
		for _, n := range []int{0, 1, 100, 255, 256, 257, 3840, 3841, 4096, 9000} {
			x := &audiosep.Signal{Rate: rate, Data: [][]float64{make([]float64, n)}}
			speech, rest := denoise(t, DefaultDenoise(), x)
			if len(speech.Data[0]) != n || len(rest.Data[0]) != n {
				t.Fatalf("%d samples at %d Hz come out as %d and %d", n, rate, len(speech.Data[0]), len(rest.Data[0]))
			}
			if furthest(speech.Data[0], x.Data[0]) > 1e-6 {
				t.Errorf("%d samples of silence at %d Hz have sound in them", n, rate)
			}
		}
	}
}

// What is no number is told, and what cannot be a recording.
func TestDenoiseErrors(t *testing.T) {
	s, _ := NewDenoise(DefaultDenoise())
	x := talk(t)
	x.Data[0][5000] = math.NaN()
	stems, err := s.Separate(t.Context(), x)
	if err == nil {
		_, err = audiosep.Collect(t.Context(), stems)
	}
	if err == nil {
		t.Error("NaN is taken")
	}
	if _, err := s.Separate(t.Context(), &audiosep.Signal{Data: [][]float64{{1}}}); err == nil {
		t.Error("a recording without a rate is taken")
	}
	if _, err := NewDenoise(DenoiseParams{Channels: "some"}); err == nil {
		t.Error("channels can be anything")
	}
	stems, _ = s.Separate(t.Context(), talk(t))
	stop := errors.New("stop")
	if err := stems.Each(t.Context(), func(int, [][]float64) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("a writer's error is told as %v", err)
	}
}
