package main

import (
	"context"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"

	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/internal/npy"
	"github.com/audiosep/audiosep/transforms"
)

// What the benchmarks work on. All of it follows from seeds.

func benchRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

func noise(seed uint64, n int) []float64 {
	rng := benchRand(seed)
	x := make([]float64, n)
	for i := range x {
		x[i] = rng.NormFloat64()
	}
	return x
}

// music returns harmonic notes that begin every 0.2 s and die away within a second, a
// draw of twelve pitches each, over noise of -60 dB.
func music(seed uint64, rate, channels, samples int) *audiosep.Signal {
	rng := benchRand(seed)
	s := &audiosep.Signal{Rate: rate, Channels: channels}
	for range channels {
		x := make([]float64, samples)
		for i := range x {
			x[i] = 1e-3 * rng.NormFloat64()
		}
		for at := 0; at < samples; at += rate / 5 {
			pitch := 110 * math.Exp2(float64(rng.IntN(12))/6)
			addNote(x[at:min(at+rate, samples)], pitch/float64(rate), 0.05+0.1*rng.Float64())
		}
		s.Data = append(s.Data, x)
	}
	return s
}

// addNote adds eight harmonics of a frequency, in cycles a sample, each by the recurrence
// of a damped cosine.
func addNote(x []float64, frequency, amplitude float64) {
	decay := math.Exp(-4 / float64(len(x)))
	for h := 1.0; h <= 8 && h*frequency < 0.5; h++ {
		w := 2 * math.Pi * h * frequency
		a, b := 2*decay*math.Cos(w), -decay*decay
		before, now := 0.0, amplitude/h*math.Sin(w)
		for i := range x {
			x[i] += now
			before, now = now, a*now+b*before
		}
	}
}

// powers draws |z|² times a product of rank 3.
func powers(seed uint64, bins, columns int) *mat.Dense {
	rng := benchRand(seed)
	positive := func(rows, cols int) *mat.Dense {
		a := mat.NewDense(rows, cols, nil)
		for i := range a.RawMatrix().Data {
			a.RawMatrix().Data[i] = math.Abs(rng.NormFloat64()) + 1
		}
		return a
	}
	var v mat.Dense
	v.Mul(positive(bins, 3), positive(3, columns))
	for i, x := range v.RawMatrix().Data {
		z := rng.NormFloat64()
		v.RawMatrix().Data[i] = x * (z*z + 1e-3)
	}
	return &v
}

// cut returns n sine-windowed frames of m samples, half a frame apart, of each of so many
// recordings.
func cut(ctx context.Context, rate, m, n, realisations int) (*audiosep.Frames, error) {
	s := &audiosep.Signal{Rate: rate}
	for r := range realisations {
		s.Data = append(s.Data, music(uint64(r), rate, 1, (n-1)*m/2).Data...)
	}
	overlap := 0.5
	return frames(ctx, s, transforms.FrameParams{Length: &m, Overlap: &overlap, Grids: 1, Window: "sine", Symmetry: "periodic", Scale: "none", Synthesis: "same"})
}

func frames(ctx context.Context, s audiosep.Source, p transforms.FrameParams) (*audiosep.Frames, error) {
	head, err := s.Head(ctx)
	if err != nil {
		return nil, err
	}
	framer, err := transforms.NewFrame(p)
	if err != nil {
		return nil, err
	}
	f, err := framer.Framing(ctx, head)
	if err != nil {
		return nil, err
	}
	y := new(audiosep.Frames)
	return y, f.Cut(ctx, y, s, 0, f.Frames())
}

// paperFrames returns the frames of the paper's simulation: those published, if
// AUDIOSEP_DATA names a folder that has them, else generated alike.
func paperFrames(ctx context.Context) (y *audiosep.Frames, published bool, err error) {
	var s audiosep.Source
	if file := filepath.Join(os.Getenv("AUDIOSEP_DATA"), "paper_data", "sim1_mix.npy"); os.Getenv("AUDIOSEP_DATA") != "" {
		published = true
		s, err = readRows(file)
	} else {
		s, err = audio.NewSynthNotes(audio.PaperNotes())
	}
	if err != nil {
		return nil, published, err
	}
	length, overlap, alpha := 200, 0.5, 0.1
	y, err = frames(ctx, s, transforms.FrameParams{
		Length: &length, Overlap: &overlap, Grids: 1, Window: "tukey", Alpha: &alpha, Symmetry: "periodic", Scale: "sum", Synthesis: "same",
	})
	return y, published, err
}

// readRows returns the rows of an array as realisations.
func readRows(file string) (*audiosep.Signal, error) {
	m, err := npy.ReadMatrix(file)
	if err != nil {
		return nil, err
	}
	s := &audiosep.Signal{Rate: audio.PaperNotes().Rate}
	rows, _ := m.Dims()
	for r := range rows {
		s.Data = append(s.Data, m.RawRowView(r))
	}
	return s, nil
}

// stems returns coloured noises and estimates of them, with leakage and noise.
func stems(count, samples int) (refs, ests []audiosep.Source) {
	truth := make([][]float64, count)
	for j := range truth {
		truth[j] = noise(uint64(j), samples)
		for t := 1; t < samples; t++ {
			truth[j][t] += (0.5 + 0.1*float64(j%4)) * truth[j][t-1]
		}
		refs = append(refs, &audiosep.Signal{Rate: 44100, Data: truth[j : j+1]})
	}
	for j := range truth {
		x := noise(uint64(count+j), samples)
		for t := range x {
			x[t] = truth[j][t] + 0.2*truth[(j+1)%count][t] + 0.05*x[t]
		}
		ests = append(ests, &audiosep.Signal{Rate: 44100, Data: [][]float64{x}})
	}
	return refs, ests
}
