package pipeline

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"testing"

	"github.com/audiosep/audiosep"
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
