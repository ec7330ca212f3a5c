package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/pipeline"
)

// extentOnly is a recording of which nothing but its head is there.
type extentOnly struct{ head audiosep.Head }

func (s extentOnly) Head(context.Context) (audiosep.Head, error) { return s.head, nil }
func (s extentOnly) ReadAt(context.Context, [][]float64, int) error {
	return fmt.Errorf("a forecast reads samples; want none read")
}

// taking says what it takes and hands its audio on.
type taking struct{ needs audiosep.Needs }

type takingIO struct {
	Audio audiosep.Source `port:"audio"`
}

func (s taking) Needs(audiosep.Extent) audiosep.Needs { return s.needs }
func (s taking) Run(_ context.Context, _ audiosep.Env, in takingIO) (takingIO, error) {
	return in, nil
}

// twoIn is taking with two inputs.
type twoIn struct{ taking }

type twoInIn struct {
	A audiosep.Source `port:"a"`
	B audiosep.Source `port:"b"`
}

func (s twoIn) Run(_ context.Context, _ audiosep.Env, in twoInIn) (takingIO, error) {
	return takingIO{in.A}, nil
}

// stemsOf takes audio and makes one stem.
type stemsOf struct{ taking }

type stemsOut struct {
	Sources audiosep.Stems `port:"sources"`
}

func (s stemsOf) Run(_ context.Context, _ audiosep.Env, in takingIO) (stemsOut, error) {
	return stemsOut{audiosep.SeparatedAudio(in.Audio, audiosep.Head{Rate: 8000, Samples: 8000, Channels: 1, Realisations: 1}, []string{"all"}, 1024, 0, nil)}, nil
}

func defined[S any](name string, s S, promises ...audiosep.Promise) audiosep.Definition {
	return audiosep.Define(name, "A stage of a test.", struct{}{}, func(struct{}) (S, error) { return s, nil }, promises...)
}

// forecastOf forecasts a pipeline that begins with a recording of a head.
func forecastOf(t *testing.T, h audiosep.Head, stages []string, extra ...audiosep.Definition) pipeline.Forecast {
	t.Helper()
	s, reg := specOf(t, h, stages, extra...)
	return forecastSpec(t, s, reg)
}

// specOf returns a pipeline of a recording of which nothing but its form is there, with what knows its stages.
func specOf(t *testing.T, h audiosep.Head, stages []string, extra ...audiosep.Definition) (*pipeline.Spec, *pipeline.Registry) {
	t.Helper()
	reg := registry()
	for _, d := range append(extra, define[audiosep.Source]("recording", extentOnly{h}), define[audiosep.Sink]("collect", &collect{})) {
		if err := reg.Add(d); err != nil {
			t.Fatal(err)
		}
	}
	all := append([]string{`{"use": "recording"}`}, stages...)
	s, err := pipeline.Parse("spec.json", []byte(`{"audiosep": 1, "stages": [`+strings.Join(all, ", ")+`]}`))
	if err != nil {
		t.Fatal(err)
	}
	return s, reg
}

var aSecond = audiosep.Head{Rate: 8000, Samples: 8000, Channels: 1, Realisations: 1}

// chainOf are stages of a chain, each of what it takes; lazy tells which are lazy. The last makes stems.
func chainOf(needs []audiosep.Needs, lazy func(int) bool) (stages []string, extra []audiosep.Definition) {
	for i, n := range needs {
		name, promises := fmt.Sprintf("s%d", i), []audiosep.Promise(nil)
		if lazy(i) {
			promises = append(promises, audiosep.Lazy)
		}
		if i == len(needs)-1 {
			extra = append(extra, defined(name, stemsOf{taking{n}}, promises...))
		} else {
			extra = append(extra, defined(name, taking{n}, promises...))
		}
		stages = append(stages, fmt.Sprintf(`{"use": %q}`, name))
	}
	return append(stages, `{"use": "collect"}`), extra
}

// What a chain of lazy stages takes is there at the same time, when its end is read: the forecast is
// no less than the sum, and no more than it but for the little that goes with it. Garbage is no more
// than as much again, and with less memory it is not needed.
func TestForecastOfLazyChain(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 50 {
		needs, sum, garbage := make([]audiosep.Needs, 1+rng.IntN(6)), int64(0), int64(0)
		for i := range needs {
			needs[i] = audiosep.Needs{Streams: 1 + rng.Int64N(100<<20), Garbage: rng.Int64N(100 << 20)}
			sum += needs[i].Streams
			garbage += needs[i].Garbage
		}
		always := func(int) bool { return true }
		stages, extra := chainOf(needs, always)
		will := forecastOf(t, aSecond, stages, extra...)
		stages, extra = chainOf(make([]audiosep.Needs, len(needs)), always)
		nothing := forecastOf(t, aSecond, stages, extra...)
		if used := will.Least - nothing.Least; used < sum || float64(used) > 1.2*float64(sum)+1e6 {
			t.Errorf("%v: %d bytes are in use; want the sum, %d, and little more", needs, used, sum)
		}
		used := will.Least - nothing.Least
		if most := will.Bytes - will.Least; most < min(garbage, sum)*3/4-1e6 || most > min(garbage, used)+1e6 {
			t.Errorf("%v: %d bytes of garbage; want %d, or %d if that is less, or down to a quarter less", needs, most, garbage, used)
		}
		if will.At != "collect" {
			t.Errorf("most is at %q; want it where the stems are read", will.At)
		}
	}
}

// A stage that works in the middle of a chain reads what is before it, and what is behind it reads
// what that stage made: the greater of both counts, not the sum.
func TestForecastOfTwoReaders(t *testing.T) {
	const mega = 1 << 20
	needs := []audiosep.Needs{{Streams: 100 * mega}, {Work: 30 * mega, Keeps: 5 * mega, Streams: 1}, {Streams: 60 * mega}}
	works := func(i int) bool { return i != 1 }
	stages, extra := chainOf(needs, works)
	will := forecastOf(t, aSecond, stages, extra...)
	stages, extra = chainOf(make([]audiosep.Needs, 3), works)
	nothing := forecastOf(t, aSecond, stages, extra...)
	if used := float64(will.Least - nothing.Least); used < 135*mega || used > 1.2*135*mega || will.At != "s1" {
		t.Errorf("%g bytes at %q; want 135 MiB and little more, at s1", used, will.At)
	}
	needs[2].Streams = 200 * mega // what is kept is still there
	stages, extra = chainOf(needs, works)
	if used := float64(forecastOf(t, aSecond, stages, extra...).Least - nothing.Least); used < 205*mega || used > 1.2*205*mega {
		t.Errorf("%g bytes; want 205 MiB and little more", used)
	}
}

// What would take less memory is told where it does: float32 of a V of which auto keeps all in float64, and
// not of a larger one, which has it already.
func TestSavings(t *testing.T) {
	savings := func(minutes, channels int, params string) (told []string, least, with int64) {
		h := audiosep.Head{Rate: 44100, Samples: minutes * 60 * 44100, Channels: channels, Realisations: 1}
		spec, reg := specOf(t, h, []string{`{"use": "frame", "params": {"length": 2048, "overlap": 0.75, "window": "hann"}}`, `{"use": "stft"}`,
			`{"use": "is_nmf", "params": {"rank": 2` + params + `}}`, `{"use": "wiener"}`, `{"use": "collect"}`})
		p, err := pipeline.Check(spec, reg)
		if err != nil {
			t.Fatal(err)
		}
		enough := errors.New("enough")
		if err := p.Run(t.Context(), pipeline.Options{Forecast: func(will pipeline.Forecast) error {
			least = will.Least
			for _, s := range will.Savings() {
				if told = append(told, s.What+s.Stage+"."+s.Param+"="+s.Value); s.Param == "precision" {
					with = s.Least
				}
				if s.Least >= least {
					t.Errorf("%+v of %d bytes; want less", s, least)
				}
			}
			return enough
		}}); !errors.Is(err, enough) {
			t.Fatalf("error %v; want %v", err, enough)
		}
		return told, least, with
	}
	const single = "is_nmf.precision=float32"
	below, most, with := savings(24, 1, "") // V has 1.02e9 bytes
	if !slices.Contains(below, single) || with > most*6/10 {
		t.Errorf("below 1 GiB %q are told, with %d of %d bytes; want %s, with about half", below, with, most, single)
	}
	for what, told := range map[string][]string{
		"above 1 GiB":     first(savings(30, 1, "")),
		"in float32":      first(savings(24, 1, `, "precision": "float32"`)),
		"another channel": first(savings(24, 2, `, "precision": "float32"`)),
	} {
		if slices.Contains(told, single) || !slices.Contains(told, "a shorter recording (the stage crop).=") {
			t.Errorf("%s %q are told; want no precision, and a shorter recording", what, told)
		}
	}
}

func first(told []string, _, _ int64) []string { return told }

// Time is counted for each reading: of a recording that is low-passed, once where a stage learns
// from it and again where it is separated.
func TestForecastOfTimeCountsReadings(t *testing.T) {
	ops := audiosep.Needs{Operations: 1e9}
	lazy := []audiosep.Definition{defined("slow", taking{ops}, audiosep.Lazy), defined("fast", taking{}, audiosep.Lazy)}
	seconds := func(first string) float64 {
		return forecastOf(t, aSecond, []string{fmt.Sprintf(`{"use": %q}`, first), `{"use": "frame", "params": {"length": 256, "overlap": 0, "window": "rectangular"}}`, `{"use": "stft"}`,
			`{"use": "is_nmf", "params": {"rank": 2}}`, `{"use": "wiener"}`, `{"use": "collect"}`}, lazy...).Seconds
	}
	if more := seconds("slow") - seconds("fast"); more < 1.99 || more > 2.01 {
		t.Errorf("a stage of a second that is read twice takes %g s more; want 2", more)
	}
}

// A chain in which each stage reads the one before twice is forecast at once, however long it is.
func TestForecastOfDiamonds(t *testing.T) {
	stages := []string{`{"use": "both", "id": "b0", "in": {"a": "recording", "b": "recording"}}`}
	for i := range 60 {
		stages = append(stages, fmt.Sprintf(`{"use": "both", "id": "b%d", "in": {"a": "b%d", "b": "b%d"}}`, i+1, i, i))
	}
	will := forecastOf(t, aSecond, append(stages, `{"use": "end"}`, `{"use": "collect"}`),
		defined("both", twoIn{taking{audiosep.Needs{Streams: 1 << 20}}}, audiosep.Lazy), defined("end", stemsOf{}, audiosep.Lazy))
	if will.Least < 1<<60 || will.Bytes < will.Least {
		t.Errorf("%d bytes, at least %d; want the 2^61 MiB that it would take, as far as that is a number", will.Bytes, will.Least)
	}
}

// What forecasts of a minute of one channel were when `audiosep bench memory` measured within 10 % of
// them, on two processors with AVX-512, in MB. Strips of V are as wide as vectors are, so that on
// others they differ by little.
func TestForecastsAsMeasured(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	file := filepath.Join(t.TempDir(), "minute.wav")
	if err := audio.WriteFile(file, &audiosep.Signal{Rate: 44100, Channels: 1, Data: [][]float64{make([]float64, 60*44100)}}, "int16"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		stages    string
		megabytes float64
	}{
		{`{"use": "is_nmf", "params": {"rank": 8}}, {"use": "wiener"}`, 90.1},                          // measured: 88
		{`{"use": "is_nmf", "params": {"rank": 32, "restarts": 4}}, {"use": "wiener"}`, 120.7},         // 126
		{`{"use": "is_nmf", "params": {"rank": 100}}, {"use": "wiener"}`, 196.0},                       // 203
		{`{"use": "nmfd", "params": {"rank": 3, "taps": 12, "restarts": 1}}, {"use": "wiener"}`, 97.2}, // 99
		{`{"use": "rpca"}`, 297.1}, // 285
	} {
		s, err := pipeline.Parse("spec.json", []byte(fmt.Sprintf(`{"audiosep": 1, "stages": [{"use": "read_audio", "params": {"files": [%q]}},
			{"use": "frame", "params": {"length": 2048, "overlap": 0.75, "window": "hann"}}, {"use": "stft"}, %s, {"use": "write_audio"}]}`, file, c.stages)))
		if err != nil {
			t.Fatal(err)
		}
		if got := float64(forecastSpec(t, s, registry()).Bytes) / 1e6; got < 0.98*c.megabytes || got > 1.02*c.megabytes {
			t.Errorf("%s: %.1f MB; want %g", c.stages, got, c.megabytes)
		}
	}
}

// Many channels take more, in proportion while blocks have as many frames, and no more than the bound
// of a block allows when they are very many.
func TestForecastOfManyChannels(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	least := func(channels int) float64 {
		h := audiosep.Head{Rate: 44100, Samples: 20 * 44100, Channels: channels, Realisations: 1}
		return float64(forecastOf(t, h, []string{`{"use": "frame", "params": {"length": 2048, "overlap": 0.75, "window": "hann"}}`, `{"use": "stft"}`, `{"use": "hpss"}`, `{"use": "collect"}`}).Least)
	}
	of := map[int]float64{}
	for _, c := range []int{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024} {
		of[c] = least(c)
	}
	if grows := (of[64] - of[32]) / (of[32] - of[16]); grows < 1.9 || grows > 2.1 {
		t.Errorf("32 channels more take %g times what 16 more take; want twice", grows)
	}
	// the frames of a block of 64 channels, their coefficients, and those of two stems, on two threads
	if block := 2 * 64 * 30 * (2048*8 + 1025*16) * 3.; of[64] < block {
		t.Errorf("64 channels take %g bytes; want at least %g, those of the blocks", of[64], block)
	}
	if of[1024] > 16*of[64] {
		t.Errorf("1024 channels take %g bytes, 64 take %g; want no more than 16 times that", of[1024], of[64])
	}
}
