package contract

import (
	"context"
	"math"
	"slices"
	"sync/atomic"
	"time"

	"gonum.org/v1/gonum/floats"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/blocks"
)

// fakeShape is a stage of a shape that no interface has, which breaks one promise: it shares
// a recording out in parts of a quarter and three quarters, and returns half of it.
type fakeShape struct {
	fault string
	calls atomic.Int64
	busy  atomic.Int64
}

type fakeShapeIn struct {
	Audio audiosep.Source `port:"audio"`
	Notes audiosep.Notes  `port:"notes,optional"`
}

type fakeShapeOut struct {
	Half    audiosep.Source `port:"half"`
	Sources audiosep.Stems  `port:"sources"`
}

func (s *fakeShape) Run(ctx context.Context, _ audiosep.Env, in fakeShapeIn) (fakeShapeOut, error) {
	h, err := in.Audio.Head(ctx)
	if err != nil {
		return fakeShapeOut{}, err
	}
	switch s.fault {
	case "lazy":
		if err := in.Audio.ReadAt(ctx, [][]float64{{0}, {0}}, 0); err != nil {
			return fakeShapeOut{}, err
		}
	case "missing":
		return fakeShapeOut{Sources: s.stems(in.Audio, h)}, nil
	case "rest", "rest of others", "rest alone", "rest kept":
		return fakeShapeOut{&half{in.Audio, s}, s.restStems(in.Audio)}, nil
	case "inputs untouched":
		in.Audio.(*scene).Data[1][5] = 7
	}
	return fakeShapeOut{&half{in.Audio, s}, s.stems(in.Audio, h)}, nil
}

// half is half of a recording.
type half struct {
	audiosep.Source
	s *fakeShape
}

func (x *half) ReadAt(ctx context.Context, dst [][]float64, at int) error {
	if err := x.Source.ReadAt(ctx, dst, at); err != nil {
		return err
	}
	for _, d := range dst {
		for i := range d {
			if d[i] /= 2; x.s.fault == "position" {
				d[i] += 1e-9 * float64(at)
			}
		}
	}
	return nil
}

func (s *fakeShape) stems(src audiosep.Source, h audiosep.Head) audiosep.Stems {
	names := []string{"quarter", "rest"}
	if s.fault == "names" {
		names[1] = "quarter"
	}
	reach := 0
	if s.fault == "frame-local" {
		reach = 400
	}
	return &fakeStems{s, audiosep.SeparatedAudio(src, h, names, 500, reach, s.separate)}
}

// restStems are stems of which the last is the rest: a quarter and three quarters of each coefficient, if
// nothing is wrong with them.
func (s *fakeShape) restStems(src audiosep.Source) audiosep.Stems {
	x, err := audiosep.NewSpectra(&audiosep.Framed{Source: src, Framing: newScene("scene").cut().Framing}, dft64())
	if err != nil {
		panic(err)
	}
	return &audiosep.SeparatedStems{X: x, Sources: []string{"quarter", "rest"}, Rest: true, Separate: func(_ context.Context, dst [][]audiosep.Coefs, x *audiosep.Spectrogram, skip, n int) error {
		for l, mix := range x.Layers {
			mix = mix.Slice(skip, skip+n, x.Transform.Bins())
			shares := []float64{0.25, 0.75}
			switch asked := dst[1][l].Re != nil; {
			case s.fault == "rest":
				shares[1] = 0.75 + 1e-7
			case s.fault == "rest of others" && asked:
				shares = []float64{0.25 + 1e-15, 0.75}
			case s.fault == "rest alone" && asked:
				return errOther
			}
			for j, share := range shares {
				floats.ScaleTo(dst[j][l].Re, share, mix.Re[:len(dst[j][l].Re)])
				floats.ScaleTo(dst[j][l].Im, share, mix.Im[:len(dst[j][l].Im)])
			}
		}
		return nil
	}}
}

func (s *fakeShape) separate(ctx context.Context, dst [][][]float64, x [][]float64, _ int) error {
	if s.fault == "concurrent runs" {
		s.busy.Add(1)
		time.Sleep(2 * time.Millisecond)
		defer s.busy.Add(-1)
	}
	for l := range x {
		for i := range dst[0][l] {
			v := x[l][i]
			switch {
			case s.fault == "silence" && v == 0:
				v = math.NaN()
			case s.fault == "NaN" && math.IsNaN(v):
				v = 0
			case s.fault == "frame-local":
				v = x[l][i+400] + x[l][i+800]
			case s.fault == "same bits twice":
				v *= 1 + 1e-12*float64(s.calls.Add(1)%7)
			case s.fault == "concurrent runs" && s.busy.Load() > 2:
				v *= 1.01
			}
			dst[0][l][i], dst[1][l][i] = 0.25*v, 0.75*v
			if s.fault == "sum" {
				dst[1][l][i] = 0.74 * v
			}
		}
	}
	return nil
}

type fakeStems struct {
	s *fakeShape
	audiosep.Stems
}

func (f *fakeStems) Each(ctx context.Context, write func(int, [][]float64) error) error {
	if ctx.Err() != nil && f.s.fault == "cancellation" {
		return errOther
	}
	return f.Stems.Each(ctx, func(source int, block [][]float64) error {
		switch f.s.fault {
		case "any run":
			block = [][]float64{slices.Clone(block[0]), block[1]}
			block[0][0] *= 1 + 1e-12*float64(blocks.Size(ctx, 1, 1, 1, 1<<30))
		case "short":
			block = [][]float64{block[0][1:], block[1][1:]}
		case "swallows":
			write(source, block)
			return nil
		}
		return write(source, block)
	})
}

func defineFakeShape(fault, _ string) audiosep.Definition {
	one := &fakeShape{fault: fault}
	return audiosep.Define("fake", "A stage for tests.", struct{}{}, func(struct{}) (*fakeShape, error) { return one, nil },
		audiosep.Lazy, audiosep.Sums, audiosep.Local)
}

var shapeFaults = map[string]string{
	"missing": "outputs|is missing", "names": "outputs|a name of its own", "short": "outputs|a block has 0 samples", "swallows": "outputs|what write returned",
	"position": "outputs|read alone", "any run": "any run|in blocks of", "same bits twice": "same bits twice|a second time",
	"concurrent runs": "concurrent runs|a run alone", "inputs untouched": "inputs untouched|was modified", "cancellation": `cancellation|output "sources": the call was cancelled and the error is another reason`,
	"silence": "silence|silence", "NaN": `NaN|made finite numbers of output "sources"`, "sum": "sum|the sources sum to", "frame-local": "frame-local|the beginning to be the same",
	"rest": `rest|of source "rest", the last, is`, "rest of others": `rest|source "quarter" is`, "rest alone": "rest|asked for the last source too: another reason",
	"lazy": "lazy|while the stage was run",
}
