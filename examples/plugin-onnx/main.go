// Command audiosep-plugin-onnx separates with any ONNX model from samples, or from magnitudes of
// an STFT, to stems.
package main

import (
	"context"
	"fmt"
	"math"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/plugins"
)

type params struct {
	Description string `json:"description" file:"in" doc:"A JSON file that describes the model: which file, kind, rate, channels, chunk, overlap, stems."`
}

type stage struct{ p params }

type in struct {
	Audio audiosep.Source `port:"audio"`
}

type out struct {
	Sources audiosep.Stems `port:"sources"`
}

func main() {
	plugins.Serve(audiosep.Define("separate",
		`Separates with an ONNX model that a description, a JSON file, tells of. Long recordings go through it in chunks, which are cross-faded.
The runtime's library, libonnxruntime, is named by the environment variable ONNXRUNTIME_LIBRARY, or stands beside the plugin.`,
		params{}, newStage, audiosep.Lazy))
}

func newStage(p params) (*stage, error) {
	if p.Description == "" {
		return nil, &audiosep.ParamError{Name: "description", What: "is empty; want the JSON file that describes a model"}
	}
	return &stage{p}, nil
}

// Run reads the description and loads the model; it runs when the stems are taken.
func (s *stage) Run(ctx context.Context, _ audiosep.Env, in in) (out, error) {
	d, err := describe(s.p.Description)
	if err != nil {
		return out{}, err
	}
	h, err := in.Audio.Head(ctx)
	if err != nil {
		return out{}, err
	}
	if h.Rate != d.Rate {
		return out{}, fmt.Errorf("the recording is at %d Hz and the model works at %d; want {\"use\": \"resample\", \"params\": {\"rate\": %d}} before", h.Rate, d.Rate, d.Rate)
	}
	if h.Channels != 1 && d.Channels != 1 && h.Channels != d.Channels {
		return out{}, fmt.Errorf("the recording has %d channels and the model takes %d; want as many, or one", h.Channels, d.Channels)
	}
	n := &network{description: d}
	for _, file := range d.files() {
		m, err := load(file, d.Input, d.Output)
		if err != nil {
			return out{}, err
		}
		n.models = append(n.models, m)
	}
	return out{&stems{in.Audio, h, n}}, nil
}

// stems are what a network makes of a recording.
type stems struct {
	src  audiosep.Source
	head audiosep.Head
	net  *network
}

func (s *stems) Head() audiosep.Head { return s.head }
func (s *stems) Names() []string     { return s.net.Stems }

// Each gives the network chunk after chunk. Chunk k begins at sample k·(chunk - overlap); the
// first overlap samples that are made of it are faded in while the last of the chunk before are
// faded out, with weights that sum to 1.
func (s *stems) Each(ctx context.Context, write func(source int, block [][]float64) error) error {
	size, overlap := s.net.Chunk, s.net.Overlap
	hop := size - overlap
	x := rows(s.head.Layers(), size)
	tails := make([][][]float64, len(s.net.Stems)) // [stem][layer] what is to be faded out
	for j := range tails {
		tails[j] = rows(s.head.Layers(), overlap)
	}
	for at := 0; at < s.head.Samples; at += hop {
		if err := s.src.ReadAt(ctx, x, at); err != nil {
			return err
		}
		made, err := s.separate(ctx, x)
		if err != nil {
			return err
		}
		n := min(hop, s.head.Samples-at)
		for j, stem := range made {
			for l, y := range stem {
				for i, before := range tails[j][l] {
					if at > 0 {
						w := (float64(i) + 0.5) / float64(overlap)
						y[i] = w*y[i] + (1-w)*before
					}
				}
				copy(tails[j][l], y[hop:])
				stem[l] = y[:n]
			}
			if err := write(j, stem); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// separate returns the stems of a chunk, [stem][layer][sample]. A network of one channel is given
// each by itself; a mono recording is given to one of several as that many channels alike.
func (s *stems) separate(ctx context.Context, x [][]float64) ([][][]float64, error) {
	all := make([][][]float64, len(s.net.Stems))
	together := s.net.Channels
	if s.head.Channels == 1 {
		together = 1
	}
	for l := 0; l < len(x); l += together {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		given := x[l : l+together]
		for len(given) < s.net.Channels {
			given = append(given[:len(given):len(given)], x[l])
		}
		made, err := s.net.separate(given)
		if err != nil {
			return nil, err
		}
		for j, stem := range made {
			if together < s.net.Channels {
				mean(stem)
			}
			for _, y := range stem[:together] {
				for _, v := range y {
					if math.IsNaN(v) || math.IsInf(v, 0) {
						return nil, fmt.Errorf("the stem %q has numbers that are not finite", s.net.Stems[j])
					}
				}
				all[j] = append(all[j], y)
			}
		}
	}
	return all, nil
}

// mean sets the first channel to the mean of all.
func mean(x [][]float64) {
	for i := range x[0] {
		sum := 0.0
		for _, y := range x {
			sum += y[i]
		}
		x[0][i] = sum / float64(len(x))
	}
}

func rows(n, samples int) [][]float64 {
	x := make([][]float64, n)
	for i := range x {
		x[i] = make([]float64, samples)
	}
	return x
}
