package audio_test

import (
	"context"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
)

// effect runs a stage that makes one recording of another.
func effect(t *testing.T, stage, params string, src audiosep.Source) (audiosep.Source, error) {
	t.Helper()
	i := slices.IndexFunc(audio.Stages, func(d audiosep.Definition) bool { return d.Name == stage })
	def := audio.Stages[i]
	made, err := def.Build(json.RawMessage(params))
	if err != nil {
		return nil, err
	}
	out, err := def.Run(t.Context(), audiosep.Env{}, made, audiosep.Values{"audio": src})
	if err != nil {
		return nil, err
	}
	return out["audio"].(audiosep.Source), nil
}

func all(t *testing.T, src audiosep.Source) (*audiosep.Signal, audiosep.Head) {
	t.Helper()
	h, err := src.Head(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	s, err := audiosep.ReadAll(t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	return s, h
}

func TestDownmix(t *testing.T) {
	stereo := recording(1, 2, 3000)
	src, err := effect(t, "downmix", `{}`, stereo)
	if err != nil {
		t.Fatal(err)
	}
	got, h := all(t, src)
	if h.Channels != 1 || h.Samples != 3000 {
		t.Fatal(h)
	}
	for n, x := range got.Data[0] {
		if want := (stereo.Data[0][n] + stereo.Data[1][n]) / 2; x != want {
			t.Fatalf("sample %d is %v; want %v", n, x, want)
		}
	}
}

func TestCrop(t *testing.T) {
	s := recording(1, 1, 1000) // at 1000 Hz
	for _, c := range []struct {
		params        string
		from, samples int
	}{
		{`{"duration": 0.5}`, 0, 500}, {`{"start": 0.1, "duration": 0.6}`, 100, 600}, {`{"start": 0.1004, "duration": 0.001}`, 100, 1},
		{`{"start": 0.25, "duration": 1e300}`, 250, 750}, {`{}`, 0, 1000},
		{`{"part": "0.1:0.7"}`, 100, 600}, {`{"part": ":0.5"}`, 0, 500}, {`{"part": "0.25:"}`, 250, 750}, {`{"part": ":"}`, 0, 1000},
	} {
		src, err := effect(t, "crop", c.params, s)
		if err != nil {
			t.Fatal(err)
		}
		got, h := all(t, src)
		if h.Samples != c.samples || !slices.Equal(got.Data[0], s.Data[0][c.from:c.from+c.samples]) {
			t.Errorf("%s gives %d samples; want %d from %d on", c.params, h.Samples, c.samples, c.from)
		}
		around := [][]float64{make([]float64, c.samples+2)}
		if err := src.ReadAt(t.Context(), around, -1); err != nil || around[0][0] != 0 || around[0][c.samples+1] != 0 {
			t.Errorf("%s: beside it stand %v and %v, %v; want zeros", c.params, around[0][0], around[0][c.samples+1], err)
		}
	}
	for params, want := range map[string]string{
		`{"start": 1}`:                  "the recording is 1 s long; want it to go on behind start, 1 s",
		`{"start": 1e300}`:              "want it to go on behind start",
		`{"duration": 0.0001}`:          "duration is 0.0001 s, no sample",
		`{"part": "2"}`:                 `part is "2"; want FROM:TO in s, such as 1.5:3`,
		`{"part": "1:NaN"}`:             `part is "1:NaN"; want FROM:TO in s`,
		`{"part": "-1:2"}`:              `part is "-1:2"; want FROM:TO in s`,
		`{"part": "2:1"}`:               `part is "2:1"; want it to end after it begins`,
		`{"part": "1:2", "start": 0.5}`: `part is "1:2", but start or duration is given too`,
	} {
		if _, err := effect(t, "crop", params, s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %s", params, err, want)
		}
	}
}

// sine returns a second of a tone of amplitude 0.5.
func sine(rate int, hz float64, samples int) []float64 {
	x := make([]float64, samples)
	for n := range x {
		x[n] = 0.5 * math.Sin(2*math.Pi*hz*float64(n)/float64(rate)+0.3)
	}
	return x
}

// decibels returns the power of x relative to a full sine of amplitude 0.5, without its ends, where the
// filter reaches beyond the recording.
func decibels(x []float64) float64 {
	var sum float64
	inner := x[len(x)/4 : 3*len(x)/4]
	for _, v := range inner {
		sum += v * v
	}
	return 10 * math.Log10(sum/float64(len(inner))/0.125+1e-40)
}

// A tone that both rates can hold is the same tone at the new rate, to -120 dB; one that the
// new rate cannot hold leaves no alias above -120 dB.
func TestResample(t *testing.T) {
	for _, c := range []struct {
		from, to int
		hz       []float64
		gone     bool
	}{
		{44100, 48000, []float64{20, 1000, 10000, 20000}, false},
		{48000, 44100, []float64{50, 997, 15000, 20200}, false},
		{44100, 16000, []float64{30, 1000, 7300}, false},
		{16000, 44100, []float64{440, 7300}, false},
		{96000, 8000, []float64{100, 3600}, false},
		{8000, 44101, []float64{1000}, false}, // more phases than the table has
		{44100, 16000, []float64{8001, 9000, 12345, 21000}, true},
		{48000, 44100, []float64{22051, 23000}, true},
		{96000, 8000, []float64{4001, 5000, 30000}, true},
	} {
		if testing.Short() && (c.from == 48000 || c.to == 44100) {
			continue // 44.1 kHz to 48 and to 16 are enough
		}
		if last := len(c.hz) - 1; testing.Short() && c.gone {
			c.hz = c.hz[:1] // the hardest is nearest to half the lower rate
		} else if testing.Short() {
			c.hz = c.hz[last:]
		}
		for _, hz := range c.hz {
			src, err := effect(t, "resample", `{"rate": `+itoa(c.to)+`}`, &audiosep.Signal{Rate: c.from, Data: [][]float64{sine(c.from, hz, c.from)}})
			if err != nil {
				t.Fatal(err)
			}
			got, h := all(t, src)
			if h.Rate != c.to || h.Samples != c.to {
				t.Fatalf("%d to %d Hz gives %+v", c.from, c.to, h)
			}
			left := slices.Clone(got.Data[0])
			if !c.gone {
				for n, x := range sine(c.to, hz, c.to) {
					left[n] -= x
				}
			}
			if db := decibels(left); db > -120 {
				t.Errorf("%v Hz from %d to %d Hz: %.1f dB are left; want at most -120", hz, c.from, c.to, db)
			}
		}
	}
}

func itoa(n int) string { b, _ := json.Marshal(n); return string(b) }

// What comes before others takes time too, more for more channels, and so it says.
func TestEffectsTellTime(t *testing.T) {
	resample, err := audio.NewResample(audio.ResampleParams{Rate: 16000})
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]audiosep.Sizer{"resample": resample, "downmix": audio.Downmix{}} {
		operations := func(channels int) float64 {
			return s.Needs(audiosep.Extent{Head: audiosep.Head{Rate: 44100, Samples: 44100 * 60, Channels: channels, Realisations: 1}}).Operations
		}
		if one, two := operations(1), operations(2); !(one > 1e8 && two > 1.5*one) {
			t.Errorf("%s: a minute takes %g operations, of two channels %g; want a good part of a second, and more", name, one, two)
		}
	}
	if same := resample.Needs(audiosep.Extent{Head: audiosep.Head{Rate: 16000, Samples: 16000, Channels: 1, Realisations: 1}}).Operations; same != 0 {
		t.Errorf("at the same rate resample takes %g operations; want 0", same)
	}
}

// At the same rate nothing changes, and a constant stays what it is.
func TestResampleKeeps(t *testing.T) {
	s := recording(1, 2, 2000)
	if src, err := effect(t, "resample", `{"rate": 1000}`, s); err != nil || src != audiosep.Source(s) {
		t.Error("the same rate makes another recording", err)
	}
	for rate, refused := range map[int]bool{1: true, 3: true, 4: false, 256_000: false, 257_000: true} { // s is at 1000 Hz
		if _, err := effect(t, "resample", `{"rate": `+itoa(rate)+`}`, s); (err != nil) != refused {
			t.Errorf("to %d Hz: %v; want a refusal: %v", rate, err, refused)
		}
	}
	ones := make([]float64, 3000)
	for i := range ones {
		ones[i] = 1
	}
	src, err := effect(t, "resample", `{"rate": 44100}`, &audiosep.Signal{Rate: 8000, Data: [][]float64{ones}})
	if err != nil {
		t.Fatal(err)
	}
	got, _ := all(t, src)
	for n, x := range got.Data[0][3000:13000] {
		if math.Abs(x-1) > 1e-12 {
			t.Fatalf("sample %d of a constant is %v", n, x)
		}
	}
}

func TestStem(t *testing.T) {
	a, b := recording(1, 2, 5000), recording(2, 2, 5000)
	stems, err := audiosep.NewStems([]string{"voice", "2x"}, []*audiosep.Signal{a, b})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]*audiosep.Signal{"voice": a, "1": a, "2x": b, "2": b} {
		stage, err := audio.NewStem(audio.StemParams{Source: name})
		if err != nil {
			t.Fatal(err)
		}
		out, err := stage.Run(t.Context(), audiosep.Env{}, audio.StemIn{Sources: stems})
		if err != nil {
			t.Fatal(err)
		}
		got, _ := all(t, out.Audio)
		same(t, got.Data, want.Data)
		if err := stage.Close(); err != nil {
			t.Error(err)
		}
	}
	stage, _ := audio.NewStem(audio.StemParams{Source: "3"})
	if _, err := stage.Run(t.Context(), audiosep.Env{}, audio.StemIn{Sources: stems}); err == nil || !strings.Contains(err.Error(), `no source is called "3"; want one of voice, 2x, or a number from 1 to 2`) {
		t.Error(err)
	}
}

func BenchmarkResample(b *testing.B) {
	x := sine(44100, 440, 44100*10)
	for b.Loop() {
		stage, _ := audio.NewResample(audio.ResampleParams{Rate: 48000})
		out, err := stage.Run(b.Context(), audiosep.Env{}, audio.In{Audio: &audiosep.Signal{Rate: 44100, Data: [][]float64{x}}})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := audiosep.ReadAll(b.Context(), out.Audio); err != nil {
			b.Fatal(err)
		}
	}
}
