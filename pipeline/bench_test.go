package pipeline_test

import (
	"context"
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/pipeline"
)

// halves is a separator that does next to nothing, so that what is left is the pipeline's.
type halves struct{}

type halvesIn struct {
	Coefs audiosep.Spectra `port:"coefs"`
}
type halvesOut struct {
	Sources audiosep.Stems `port:"sources"`
}

func (halves) Run(_ context.Context, _ audiosep.Env, in halvesIn) (halvesOut, error) {
	return halvesOut{audiosep.Separated(in.Coefs, []string{"a", "b"}, 0, func(_ context.Context, dst [][]audiosep.Coefs, x *audiosep.Spectrogram, skip, n int) error {
		bins := x.Transform.Bins()
		for l := range x.Layers {
			mix := x.Layers[l].Slice(skip, skip+n, bins)
			copy(dst[0][l].Re, mix.Re)
			clear(dst[1][l].Re)
		}
		return nil
	})}, nil
}

type nothing struct{}

func (nothing) Create(context.Context, audiosep.Env, audiosep.Head, []string) error { return nil }
func (nothing) Write(context.Context, int, [][]float64) error                       { return nil }
func (nothing) Commit(context.Context) error                                        { return nil }
func (nothing) Close() error                                                        { return nil }

// BenchmarkBlock has blocks of one frame of 16 samples pass a whole pipeline: reading, cutting,
// a transform that copies, a separator that copies, joining, a sink. What it takes for one is
// the cost of a block, whatever its size.
func BenchmarkBlock(b *testing.B) {
	const length = 16
	src := newSignal(length * b.N)
	reg := registry()
	for _, d := range []audiosep.Definition{define("signal", audiosep.Source(src)), define("halves", halves{}), define[audiosep.Sink]("nowhere", nothing{})} {
		if err := reg.Add(d); err != nil {
			b.Fatal(err)
		}
	}
	spec, err := pipeline.Parse("bench.json", []byte(`{"audiosep": 1, "stages": [{"use": "signal"}, {"use": "frame", "params": {"length": 16, "hop": 16, "window": "rectangular"}},
		{"use": "identity"}, {"use": "halves"}, {"use": "nowhere"}]}`))
	if err != nil {
		b.Fatal(err)
	}
	p, err := pipeline.Check(spec, reg)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	if err := p.Run(b.Context(), pipeline.Options{Block: 1}); err != nil {
		b.Fatal(err)
	}
}
