package listen

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"

	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/transforms"
)

// recording is the mixture that the pages of a server show: its samples, its spectrum and
// what of it is drawn. All sessions share it, and nothing of it changes.
type recording struct {
	path   string
	source audio.File
	head   audiosep.Head
	frame  transforms.FrameParams
	x      audiosep.Spectra
	power  audiosep.Power // of x, in memory once it was needed
	tiles  *tiles
}

// frameParams are the frames of every method of the page: those of the preset score.
func frameParams() transforms.FrameParams {
	p := transforms.DefaultFrame()
	length, overlap := 92.88, 0.75
	p.LengthMS, p.Overlap, p.Window = &length, &overlap, "hann"
	return p
}

// open opens a recording of one scene, of any channels and length.
func open(ctx context.Context, path string) (*recording, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	source, err := audio.Open(path)
	if err != nil {
		return nil, err
	}
	r := &recording{path: path, source: source, frame: frameParams()}
	if r.head, err = source.Head(ctx); err == nil {
		r.x, err = transforms.STFT(ctx, source, r.frame)
	}
	if err != nil {
		source.Close()
		return nil, err
	}
	r.power = audiosep.PowerOf(r.x, nil)
	full, err := fullScale(ctx, r.x.Framing(), r.x.Transform())
	if err != nil {
		return nil, errors.Join(err, source.Close())
	}
	r.tiles = newTiles(r.power, full)
	return r, nil
}

func (r *recording) Close() error { return r.source.Close() }

func (r *recording) name() string { return filepath.Base(r.path) }

// seenFrom returns the recording's path as a file in a folder names it: relative to the folder, or
// absolute where it cannot be.
func (r *recording) seenFrom(dir string) string {
	if rel, err := filepath.Rel(dir, r.path); err == nil {
		return filepath.ToSlash(rel)
	}
	return r.path
}

// read returns n samples of each layer, from sample at on.
func read(ctx context.Context, src audiosep.Source, layers, at, n int) ([][]float64, error) {
	x := make([][]float64, layers)
	for l := range x {
		x[l] = make([]float64, n)
	}
	return x, src.ReadAt(ctx, x, at)
}

// errEnough ends the computation of stems of which a part is wanted.
var errEnough = errors.New("enough samples")

// part returns n samples of every stem from sample at on, [source][layer][sample], the same
// bits as in the whole stems, zeros behind the end. It is an error if the stems are not those of a mask.
func part(ctx context.Context, stems audiosep.Stems, at, n int) ([][][]float64, error) {
	if masked, ok := stems.(*audiosep.MaskedStems); ok {
		stems = masked.Stems
	}
	s, ok := stems.(*audiosep.SeparatedStems)
	if !ok {
		return nil, fmt.Errorf("the stems are a %T; want those of a mask", stems)
	}
	out := make([][][]float64, len(s.Sources))
	for j := range out {
		for range s.Head().Layers() {
			out[j] = append(out[j], make([]float64, n))
		}
	}
	if at >= s.Head().Samples || n == 0 {
		return out, nil
	}
	have := make([]int, len(out))
	err := s.EachFrom(ctx, at, nil, func(source int, block [][]float64) error {
		for l, x := range block {
			copy(out[source][l][min(have[source], n):], x)
		}
		have[source] += len(block[0])
		if source == len(out)-1 && have[source] >= n {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return out, err
}

const tileColumns = 256 // of a tile

// fullScale is the power that a sine of amplitude 1 has in its bin: one in the middle of the
// bins, measured.
func fullScale(ctx context.Context, f audiosep.Framing, t audiosep.Transform) (float64, error) {
	bin := t.Bins() / 2
	y := make([]float64, f.Length)
	for m, a := range f.Analysis {
		y[m] = a * math.Sin(2*math.Pi*float64(bin)/float64(f.Length)*float64(m)+1)
	}
	c := audiosep.MakeCoefs(t, 1)
	if err := t.Forward(ctx, c, y); err != nil {
		return 0, err
	}
	most := 0.0
	for i, re := range c.Re {
		p := re * re
		if c.Im != nil {
			p += c.Im[i] * c.Im[i]
		}
		most = max(most, p)
	}
	return most, nil
}

// columnsOf returns n columns of a power from the first on, and fewer at the end.
func columnsOf(ctx context.Context, p audiosep.Power, first, n int) (*mat.Dense, error) {
	n = min(n, p.Framing().Columns()-first)
	v := mat.NewDense(p.Bins(), n, nil)
	return v, p.Columns(ctx, v, first)
}
