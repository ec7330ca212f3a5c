package pipeline

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"

	"gonum.org/v1/gonum/floats"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/transforms"
)

// parts is a stage that makes two sources of a recording, which sum to as much of it as the
// parameter says.
type parts struct {
	Sum float64 `json:"sum" doc:"Of the sources, as part of the recording."`
}

func (p parts) Run(ctx context.Context, _ audiosep.Env, in struct {
	Audio audiosep.Source `port:"audio"`
}) (out struct {
	Sources audiosep.Stems `port:"sources"`
}, err error) {
	h, err := in.Audio.Head(ctx)
	if err != nil {
		return out, err
	}
	out.Sources = audiosep.SeparatedAudio(in.Audio, h, []string{"a", "b"}, 1000, 0, func(_ context.Context, dst [][][]float64, x [][]float64, _ int) error {
		for l := range x {
			for i, v := range x[l] {
				dst[0][l][i] = 0.3 * v
				dst[1][l][i] = p.Sum*v - 0.3*v
			}
		}
		return nil
	})
	return out, nil
}

// A plugin whose sources do not sum to the recording, though it promises that, is told of when
// it runs; one whose sources do is not, and neither is one that promises nothing, or that is
// compiled in and tested.
func TestSumsAreWatched(t *testing.T) {
	wave := make([]float64, 50000)
	for i := range wave {
		wave[i] = math.Sin(float64(i) / 10)
	}
	source := audiosep.Define("wave", "A wave.", struct{}{}, func(struct{}) (audiosep.Source, error) {
		return &audiosep.Signal{Rate: 8000, Channels: 2, Data: [][]float64{wave, wave}}, nil
	})
	for _, c := range []struct {
		sum      float64
		origin   string
		promises []audiosep.Promise
		from     int // the sample at which a run goes on that was killed
		told     bool
	}{
		{1, "a plugin", []audiosep.Promise{audiosep.Sums}, 0, false},
		{1 + 1e-5, "a plugin", []audiosep.Promise{audiosep.Sums}, 0, true},
		{1, "a plugin", []audiosep.Promise{audiosep.Sums}, 30001, false},
		{1 + 1e-5, "a plugin", []audiosep.Promise{audiosep.Sums}, 30001, true},
		{0.5, "a plugin", nil, 0, false},
		{0.5, "", []audiosep.Promise{audiosep.Sums}, 0, false},
	} {
		stage := audiosep.Define("parts", "Two parts.", parts{1}, func(p parts) (parts, error) { return p, nil }, c.promises...)
		stage.Origin = c.origin
		spec, err := Parse("spec.json", fmt.Appendf(nil, `{"audiosep": 1, "stages": [{"use": "wave"}, {"use": "parts", "params": {"sum": %v}}]}`, c.sum))
		if err != nil {
			t.Fatal(err)
		}
		sink := audiosep.Define("nowhere", "Writes nothing.", struct{}{}, func(struct{}) (audiosep.Sink, error) { return nowhere{}, nil })
		spec.Stages = append(spec.Stages, StageSpec{Use: "nowhere", ID: "nowhere"})
		p, err := Check(spec, NewRegistry([]audiosep.Definition{source, stage, sink}))
		if err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		o := Options{Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))}
		if c.from > 0 {
			o.Checkpoint = func(string) audiosep.Checkpoint { return seamAt(c.from) }
		}
		if err := p.Run(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		if told := strings.Contains(log.String(), "its sources do not sum to the recording"); told != c.told || told && !strings.Contains(log.String(), "stage=parts seconds=") {
			t.Errorf("%+v: the log is %q", c, log.String())
		}
	}
}

// shares is a stage that makes two sources of coefficients, of which the last is said to be the rest,
// and is as much more than that as the parameter says.
type shares struct {
	sharesParams
	asked *atomic.Int64
}

type sharesParams struct {
	More float64 `json:"more" doc:"As part of the mixture."`
}

func (p shares) Run(_ context.Context, _ audiosep.Env, in struct {
	Coefs audiosep.Spectra `port:"coefs"`
}) (out struct {
	Sources audiosep.Stems `port:"sources"`
}, err error) {
	out.Sources = &audiosep.SeparatedStems{X: in.Coefs, Sources: []string{"a", "b"}, Halo: 2, Rest: true, Separate: func(_ context.Context, dst [][]audiosep.Coefs, x *audiosep.Spectrogram, skip, n int) error {
		for l, mix := range x.Layers {
			mix = mix.Slice(skip, skip+n, x.Transform.Bins())
			floats.ScaleTo(dst[0][l].Re, 0.3, mix.Re)
			floats.ScaleTo(dst[0][l].Im, 0.3, mix.Im)
			if dst[1][l].Re == nil {
				continue
			}
			p.asked.Add(int64(n))
			floats.ScaleTo(dst[1][l].Re, 0.7+p.More, mix.Re)
			floats.ScaleTo(dst[1][l].Im, 0.7+p.More, mix.Im)
		}
		return nil
	}}
	return out, nil
}

// Where the last source is the rest, the samples sum to the recording whatever a plugin makes. Then its
// coefficients are looked at, in a few frames.
func TestRestsAreWatched(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	wave := make([]float64, 50000)
	for i := range wave {
		wave[i] = rng.NormFloat64()
	}
	for _, c := range []struct {
		more   float64
		origin string
		told   bool
		asked  int64
	}{{0, "a plugin", false, 8}, {1e-5, "a plugin", true, 8}, {1e-5, "", false, 0}} {
		asked := new(atomic.Int64)
		defs := []audiosep.Definition{
			audiosep.Define("wave", "A wave.", struct{}{}, func(struct{}) (audiosep.Source, error) {
				return &audiosep.Signal{Rate: 8000, Channels: 1, Data: [][]float64{wave}}, nil
			}),
			audiosep.Define("shares", "Two parts.", sharesParams{}, func(p sharesParams) (shares, error) { return shares{p, asked}, nil }, audiosep.Lazy, audiosep.Sums),
			audiosep.Define("nowhere", "Writes nothing.", struct{}{}, func(struct{}) (audiosep.Sink, error) { return nowhere{}, nil }),
		}
		defs[1].Origin = c.origin
		spec, err := Parse("spec.json", fmt.Appendf(nil, `{"audiosep": 1, "stages": [{"use": "wave"}, {"use": "frame", "params": {"length": 64}}, {"use": "stft"}, {"use": "shares", "params": {"more": %v}}, {"use": "nowhere"}]}`, c.more))
		if err != nil {
			t.Fatal(err)
		}
		p, err := Check(spec, NewRegistry(append(defs, transforms.Stages...)))
		if err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		if err := p.Run(t.Context(), Options{Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))}); err != nil {
			t.Fatal(err)
		}
		if told := strings.Contains(log.String(), NoSum); told != c.told || told && !strings.Contains(log.String(), "stage=shares seconds=") || asked.Load() != c.asked {
			t.Errorf("%+v: all sources of %d frames were separated; the log is %q", c, asked.Load(), log.String())
		}
	}
}

// seamAt is a checkpoint that says how many samples are written.
type seamAt int

func (s seamAt) Dir() string { return "" }
func (s seamAt) Load() ([]byte, error) {
	return fmt.Appendf(nil, `{"samples": %d, "sink": ""}`, s), nil
}
func (seamAt) Due() bool         { return false }
func (seamAt) Save([]byte) error { return nil }
func (seamAt) Cannot(string)     {}

type nowhere struct{}

func (nowhere) Resume(context.Context, audiosep.Env, audiosep.Head, []string, string, []byte) error {
	return nil
}
func (nowhere) Keep(context.Context) ([]byte, error) { return nil, nil }

func (nowhere) Create(context.Context, audiosep.Env, audiosep.Head, []string) error { return nil }
func (nowhere) Write(context.Context, int, [][]float64) error                       { return nil }
func (nowhere) Commit(context.Context) error                                        { return nil }
func (nowhere) Close() error                                                        { return nil }
