package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/plugins"
)

// trialStages are those of the plugin that scripts test: each has something that plugin test is
// to tell, and tell once.
var trialStages = []audiosep.Definition{
	audiosep.Define("pow2", "Takes frames of a power of two only.", struct{}{}, func(struct{}) (audiosep.Transformer, error) {
		return audiosep.PerFrame(func(m int) (forward, inverse func(dst, src []float64), err error) {
			if m&(m-1) != 0 {
				return nil, nil, fmt.Errorf("the frames have %d samples; want a power of two", m)
			}
			same := func(dst, src []float64) { copy(dst, src) }
			return same, same, nil
		}), nil
	}),
	asking(audiosep.Define("asks", "Must be told a file.", askParams{}, func(askParams) (audiosep.Transformer, error) { return nil, errors.New("no") })),
	audiosep.Define("note", "Writes how many sources there are.", noteParams{}, func(p noteParams) (audiosep.Sink, error) { return &note{file: p.File}, nil }),
	audiosep.Define("mute", "Factors without objective and steps.", struct{}{}, func(struct{}) (audiosep.Factorizer, error) { return muteFactors{}, nil }),
	audiosep.Define("loose", "Factors with columns of W that sum to 2.", struct{}{}, func(struct{}) (audiosep.Factorizer, error) { return muteFactors{scale: 2}, nil }),
	audiosep.Define("fails", "Misses a file.", struct{}{}, func(struct{}) (audiosep.Factorizer, error) {
		return muteFactors{fault: "weights.npy is not there"}, nil
	}),
	audiosep.Define("hangs", "Never returns.", struct{}{}, func(struct{}) (audiosep.Factorizer, error) { return muteFactors{hangs: true}, nil }),
	audiosep.Define("thirds", "Promises a sum and keeps a third to itself.", struct{}{}, func(struct{}) (thirds, error) { return thirds{}, nil }, audiosep.Sums),
	audiosep.Define("foretells", "Says that its sources will be called otherwise.", struct{}{}, func(struct{}) (foretells, error) { return foretells{}, nil }),
	audiosep.Define("forgets", "Writes the last source where nobody wants it.", struct{}{}, func(struct{}) (forgets, error) { return forgets{}, nil }),
}

func trialPlugin() {
	plugins.Version = "1.1.0"
	plugins.ServeTogether(trialStages...)
}

type askParams struct {
	File string `json:"file" doc:"F."`
}

// asking makes a parameter one that must be given.
func asking(d audiosep.Definition) audiosep.Definition {
	d.Params[0].Default = json.RawMessage("null")
	d.Build = func(json.RawMessage) (any, error) {
		return nil, audiosep.ParamErrors{{Name: "file", What: "is missing; want the name of a file"}}
	}
	return d
}

type noteParams struct {
	File string `json:"file" doc:"Where to." file:"out"`
}

type note struct {
	file    string
	sources []string
}

func (n *note) Create(_ context.Context, _ audiosep.Env, _ audiosep.Head, sources []string) error {
	n.sources = sources
	return nil
}
func (*note) Write(ctx context.Context, _ int, _ [][]float64) error { return ctx.Err() }
func (n *note) Commit(context.Context) error {
	return os.WriteFile(n.file, fmt.Append(nil, n.sources), 0o644)
}
func (*note) Close() error { return nil }

type muteFactors struct {
	scale float64 // of W; 0: 1
	fault string
	hangs bool
}

func (m muteFactors) Factorize(ctx context.Context, _ audiosep.Env, v *mat.Dense, init *audiosep.Factors) (*audiosep.Factors, error) {
	bins, n := v.Dims()
	if m.fault != "" {
		return nil, fmt.Errorf("%s, asked for of %d frames", m.fault, n)
	}
	if m.hangs {
		<-make(chan bool)
	}
	if init != nil && init.W != nil && init.W.RawMatrix().Rows != bins {
		return nil, errors.New("W does not fit; want as many rows as V")
	}
	f := &audiosep.Factors{W: mat.NewDense(bins, 1, nil), H: mat.NewDense(1, n, nil)}
	for i := range bins {
		f.W.Set(i, 0, max(1, m.scale)/float64(bins))
	}
	for t := range n {
		f.H.Set(0, t, mat.Sum(v.Slice(0, bins, t, t+1)))
	}
	if sum := mat.Sum(f.H); sum-sum != 0 {
		return nil, errors.New("V is not finite; want numbers")
	}
	return f, ctx.Err()
}

type thirds struct{}

func (thirds) Run(ctx context.Context, _ audiosep.Env, in struct {
	Audio audiosep.Source `port:"audio"`
}) (out struct {
	Sources audiosep.Stems `port:"sources"`
}, err error) {
	h, err := in.Audio.Head(ctx)
	out.Sources = audiosep.SeparatedAudio(in.Audio, h, []string{"one", "other"}, 1000, 0, func(_ context.Context, dst [][][]float64, x [][]float64, _ int) error {
		for l := range x {
			for i, v := range x[l] {
				dst[0][l][i], dst[1][l][i] = v/3, v/3
			}
		}
		return nil
	})
	return out, err
}

type foretells struct{ thirds }

func (foretells) Forecast(map[string]audiosep.Forecast) (map[string]audiosep.Forecast, error) {
	return map[string]audiosep.Forecast{"sources": {Sources: []string{"one", "two"}}}, nil
}

type forgets struct{}

func (forgets) Run(_ context.Context, _ audiosep.Env, in struct {
	Coefs audiosep.Spectra `port:"coefs"`
}) (out struct {
	Sources audiosep.Stems `port:"sources"`
}, err error) {
	out.Sources = &audiosep.SeparatedStems{X: in.Coefs, Sources: []string{"one", "other"}, Rest: true, Separate: func(_ context.Context, dst [][]audiosep.Coefs, _ *audiosep.Spectrogram, _, _ int) error {
		dst[1][0].Re[0] = 1
		return nil
	}}
	return out, nil
}
