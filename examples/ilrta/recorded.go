package main

import (
	"context"
	"embed"
	"fmt"
	"io"
	"math"
	"path/filepath"

	"gonum.org/v1/gonum/floats"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/examples/internal/known"
	"github.com/audiosep/audiosep/factorizers"
	"github.com/audiosep/audiosep/internal/oraclegroups"
	"github.com/audiosep/audiosep/pipeline"
	"github.com/audiosep/audiosep/separators"
	"github.com/audiosep/audiosep/transforms"
)

//go:embed *.json
var specs embed.FS

// methods are pipelines of this folder with what is set in them.
var methods = []struct {
	name, file string
	set        []string
}{
	{"IS-NMF of an STFT", "is_nmf.json", nil},
	{"ILRTA of an STFT", "pipeline.json", nil},
	{"the same, reach 4", "pipeline.json", []string{"ilrta.reach=4"}},
	{"the same, blend 0", "pipeline.json", []string{"ilrta.blend=0"}},
	{"TL-NMF", "tl_nmf.json", nil},
	{"ILRTA from TL-NMF", "tl_nmf_then_ilrta.json", nil},
}

// rate is what recordings are resampled to, so that frames of 32 ms have few coefficients.
const rate = 8000

// recorded prints the gain in SI-SDR of all methods on recordings with known stems, five
// components a stem grouped by an oracle that hears the stems.
func recorded(ctx context.Context, w io.Writer, data string, seconds float64) error {
	folders, err := known.Folders(data, "mix.wav", "")
	if err != nil || len(folders) == 0 {
		return fmt.Errorf("there are no recordings in %s; want folders with mix.wav and stems", data)
	}
	var names []string
	for _, m := range methods {
		names = append(names, m.name)
	}
	head(w, "gain in SI-SDR, dB, 5 components a stem, oracle groups", names)
	mean := make([]float64, len(methods))
	for _, folder := range folders {
		it, err := open(ctx, folder, seconds)
		if err != nil {
			return err
		}
		var cells []string
		for i, m := range methods {
			gain, err := it.gain(ctx, m.file, m.set)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", it.name, m.name, err)
			}
			mean[i] += gain / float64(len(folders))
			cells = append(cells, fmt.Sprintf("%.1f", gain))
		}
		row(w, it.name, cells...)
	}
	var cells []string
	for _, m := range mean {
		cells = append(cells, fmt.Sprintf("%.2f", m))
	}
	row(w, "mean", cells...)
	return nil
}

// item is a recording with its stems, of one channel.
type item struct {
	name  string
	mix   *audiosep.Signal
	stems []*audiosep.Signal
}

func open(ctx context.Context, folder string, seconds float64) (*item, error) {
	files, err := filepath.Glob(filepath.Join(folder, "stems", "*.wav"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("%s has no stems/*.wav", folder)
	}
	it := &item{name: filepath.Base(folder), mix: &audiosep.Signal{Rate: rate, Channels: 1}}
	var sum []float64
	for _, file := range files {
		x, err := read(ctx, file, seconds)
		if err != nil {
			return nil, err
		}
		if sum == nil {
			sum = make([]float64, len(x.Data[0]))
		}
		floats.Add(sum, x.Data[0])
		it.stems = append(it.stems, x)
	}
	it.mix.Data = [][]float64{sum}
	return it, nil
}

// read returns the beginning of a recording, resampled, the mean of its channels.
func read(ctx context.Context, file string, seconds float64) (*audiosep.Signal, error) {
	x, _, err := audio.ReadFile(file)
	if err != nil {
		return nil, err
	}
	n := min(len(x.Data[0]), int(seconds*float64(x.Rate)))
	mono := make([]float64, n)
	for _, c := range x.Data {
		floats.AddScaled(mono, 1/float64(len(x.Data)), c[:n])
	}
	resample, err := audio.NewResample(audio.ResampleParams{Rate: rate})
	if err != nil {
		return nil, err
	}
	out, err := resample.Run(ctx, audiosep.Env{}, audio.In{Audio: &audiosep.Signal{Rate: x.Rate, Channels: 1, Data: [][]float64{mono}}})
	if err != nil {
		return nil, err
	}
	return audiosep.ReadAll(ctx, out.Audio)
}

// gain separates the mixture by a pipeline and returns what that gains.
func (it *item) gain(ctx context.Context, file string, set []string) (float64, error) {
	text, err := specs.ReadFile(file)
	if err != nil {
		return 0, err
	}
	spec, err := pipeline.Parse(file, text)
	if err != nil {
		return 0, err
	}
	rank := 5 * len(it.stems)
	for _, st := range spec.Stages {
		if st.Use == "ilrta" || st.Use == "tl_nmf" {
			spec.Set(fmt.Sprintf("%s.rank=%d", st.ID, rank))
		}
	}
	for _, s := range set {
		spec.Set(s)
	}
	spec.Seed = 1
	reg := pipeline.NewRegistry(audio.Stages, transforms.Stages, factorizers.Stages, separators.Stages)
	p, err := pipeline.Check(spec, reg)
	if err != nil {
		return 0, err
	}
	result, err := p.RunInMemory(ctx, it.mix, pipeline.Options{})
	if err != nil {
		return 0, err
	}
	return it.measure(result.Stems), nil
}

// measure returns the gain of the components, grouped by one who hears the stems.
func (it *item) measure(parts []*audiosep.Signal) float64 {
	var gain float64
	for j, group := range oraclegroups.Groups(known.Products(parts, it.stems)) {
		stem := it.stems[j].Data[0]
		y := make([]float64, len(stem))
		for _, k := range group {
			floats.Add(y, parts[k].Data[0])
		}
		gain += (known.SISDR(y, stem) - known.SISDR(it.mix.Data[0], stem)) / float64(len(it.stems))
	}
	if math.IsNaN(gain) {
		return math.Inf(-1)
	}
	return gain
}
