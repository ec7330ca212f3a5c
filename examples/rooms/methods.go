package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/floats"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/examples/internal/known"
	"github.com/audiosep/audiosep/internal/assign"
	"github.com/audiosep/audiosep/multichannel"
	"github.com/audiosep/audiosep/transforms"
)

// separator is a stage for several microphones.
type separator interface {
	Run(context.Context, audiosep.Env, multichannel.In) (multichannel.Out, error)
}

// methods are the separators, with their defaults, for two sources on so many microphones. A nil
// one is for as many sources as microphones alone.
var methods = []struct {
	name  string
	build func(microphones int) (separator, error)
}{
	{"fdica", func(n int) (separator, error) {
		if n > 2 {
			return nil, nil
		}
		return multichannel.NewFDICA(multichannel.DefaultFDICA())
	}},
	{"iva", func(n int) (separator, error) {
		p := multichannel.DefaultIVA()
		if n > 2 {
			p.Sources = 2
		}
		return multichannel.NewIVA(p)
	}},
	{"ilrma", func(n int) (separator, error) {
		if n > 2 {
			return nil, nil
		}
		return multichannel.NewILRMA(multichannel.DefaultILRMA())
	}},
	{"fast_mnmf", func(int) (separator, error) {
		p := multichannel.DefaultFastMNMF()
		p.Sources = 2
		return multichannel.NewFastMNMF(p)
	}},
}

// gains separates in every room, and returns the mean gains in SI-SDR.
func (s *study) gains(ctx context.Context) (map[cell]map[string]float64, error) {
	all := map[cell]map[string]float64{}
	for _, t60 := range s.t60 {
		for _, n := range s.microphones {
			all[cell{t60, n}] = map[string]float64{}
			for seed := range s.seeds {
				room := multichannel.DefaultMixRoom()
				room.T60, room.Microphones, room.Seed = t60, n, uint64(seed+1)
				images, err := room.Images(ctx, s.dry, s.rate)
				if err != nil {
					return nil, err
				}
				for _, m := range methods {
					stage, err := m.build(n)
					if err != nil {
						return nil, err
					}
					if stage == nil {
						continue
					}
					gain, err := s.gain(ctx, stage, images, uint64(seed))
					if err != nil {
						return nil, fmt.Errorf("%s in %g s: %w", m.name, t60, err)
					}
					all[cell{t60, n}][m.name] += gain / float64(s.seeds)
				}
			}
		}
	}
	return all, nil
}

// gain separates the sum of images and returns the gain on the first microphone, mean over the
// talkers, in the best order.
func (s *study) gain(ctx context.Context, stage separator, images []*audiosep.Signal, seed uint64) (gain float64, err error) {
	mix := &audiosep.Signal{Rate: s.rate, Channels: images[0].Channels}
	for c := range images[0].Data {
		sum := make([]float64, len(images[0].Data[c]))
		for _, im := range images {
			floats.Add(sum, im.Data[c])
		}
		mix.Data = append(mix.Data, sum)
	}
	length := float64(192)
	frame := transforms.DefaultFrame()
	overlap := 0.75
	frame.LengthMS, frame.Overlap, frame.Window = &length, &overlap, "hann"
	x, err := transforms.STFT(ctx, mix, frame)
	if err != nil {
		return 0, err
	}
	out, err := stage.Run(ctx, audiosep.Env{Seed: seed}, multichannel.In{Coefs: x})
	if err != nil {
		return 0, err
	}
	stems, err := audiosep.Collect(ctx, out.Sources)
	if err != nil {
		return 0, err
	}
	score := make([][]float64, len(images))
	for n, im := range images {
		gain -= known.SISDR(mix.Data[0], im.Data[0])
		for _, stem := range stems[:len(images)] {
			score[n] = append(score[n], known.SISDR(stem.Data[0], im.Data[0]))
		}
	}
	for n, i := range assign.Best(score) {
		gain += score[n][i]
	}
	return gain / float64(len(images)), nil
}

// talkers reads recordings of talkers, the mean of their channels, or generates two.
func talkers(files []string, seconds float64) (dry [][]float64, rate int, err error) {
	if len(files) == 0 {
		const rate = 16000
		return [][]float64{babble(1, 120, int(seconds*rate), rate), babble(2, 210, int(seconds*rate), rate)}, rate, nil
	}
	for i, file := range files {
		x, _, err := audio.ReadFile(file)
		if err != nil {
			return nil, 0, err
		}
		if i > 0 && x.Rate != rate {
			return nil, 0, fmt.Errorf("%s has %d Hz; want %d Hz, as the first", file, x.Rate, rate)
		}
		rate = x.Rate
		mono := make([]float64, int(seconds*float64(rate)))
		for _, channel := range x.Data {
			n := min(len(mono), len(channel))
			floats.AddScaled(mono[:n], 1/float64(len(x.Data)), channel[:n])
		}
		dry = append(dry, mono)
	}
	return dry, rate, nil
}

// babble returns sound like speech in what separates talkers: syllables of 0.1 to 0.4 s, three of
// four of them voiced at a pitch that glides, with formants, the rest noise, and pauses.
func babble(seed uint64, pitch float64, samples, rate int) []float64 {
	r := rand.New(rand.NewPCG(seed, 8))
	x := make([]float64, 0, samples)
	for len(x) < samples {
		n := int((0.1 + 0.3*r.Float64()) * float64(rate))
		formants := [3]float64{300 + 500*r.Float64(), 900 + 1500*r.Float64(), 2500 + 800*r.Float64()}
		from, to := pitch*(0.8+0.5*r.Float64()), pitch*(0.8+0.5*r.Float64())
		loud, voiced, pause := 0.02+0.2*r.Float64(), r.Float64() < 0.75, r.Float64() < 0.25
		var state [3][2]float64
		phase := 0.0
		for i := range n {
			at := float64(i) / float64(n)
			source := 0.05 * r.NormFloat64()
			if phase += (from + (to-from)*at) / float64(rate); !voiced {
				source *= 8
			} else if phase >= 1 {
				phase--
				source++
			}
			var sum float64
			for k, hz := range formants { // resonances of 80 Hz
				decay := math.Exp(-math.Pi * 80 / float64(rate))
				y := source + 2*decay*math.Cos(2*math.Pi*hz/float64(rate))*state[k][0] - decay*decay*state[k][1]
				state[k] = [2]float64{y, state[k][0]}
				sum += y / float64(1+k)
			}
			if pause {
				sum *= 1e-3
			}
			x = append(x, loud*math.Sin(math.Pi*at)*sum/10)
		}
	}
	return x[:samples]
}
