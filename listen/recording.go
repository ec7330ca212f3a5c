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

// part returns n samples of every stem from sample at on, [source][layer][sample], the same
// bits as in the whole stems. It is an error if the stems are not computed frame by frame.
func part(ctx context.Context, stems audiosep.Stems, at, n int) ([][][]float64, error) {
	if masked, ok := stems.(*audiosep.MaskedStems); ok {
		stems = masked.Stems
	}
	s, ok := stems.(*audiosep.SeparatedStems)
	if !ok || s.Halo != 0 {
		return nil, fmt.Errorf("the stems are a %T; want those of a mask", stems)
	}
	f, t := s.X.Framing(), s.X.Transform()
	// Frames first to last have all samples from at to at+n-1.
	first := max(0, (at+f.Pad-f.Length+f.Hop)/f.Hop)
	last := min(f.Frames()-1, (at+n-1+f.Pad)/f.Hop)
	first, last = first/f.Share*f.Share, (last/f.Share+1)*f.Share-1
	count := last - first + 1
	var x audiosep.Spectrogram
	if err := s.X.Read(ctx, &x, first, count); err != nil {
		return nil, err
	}
	dst := make([][]audiosep.Coefs, len(s.Sources))
	for j := range dst {
		for range f.Layers() {
			dst[j] = append(dst[j], audiosep.MakeCoefs(t, count))
		}
	}
	if err := s.Separate(ctx, dst, &x, 0, count); err != nil {
		return nil, err
	}
	rows := make([][]float64, 0, len(dst)*f.Layers())
	for _, source := range dst {
		for _, c := range source {
			y := make([]float64, count*f.Length)
			if err := t.Inverse(ctx, y, c); err != nil {
				return nil, err
			}
			rows = append(rows, y)
		}
	}
	// The frames are joined as those of a recording that has them alone.
	g := f
	g.Samples, g.Pad = (count-1)*f.Hop+f.Length, 0
	samples := audiosep.NewJoiner(g, len(rows)).Add(rows, count)
	out := make([][][]float64, len(dst))
	skip := at - (first*f.Hop - f.Pad)
	for j := range out {
		for l := range f.Layers() {
			y := make([]float64, n) // zeros behind the end
			if row := samples[j*f.Layers()+l]; skip < len(row) {
				copy(y, row[skip:])
			}
			out[j] = append(out[j], y)
		}
	}
	return out, nil
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
