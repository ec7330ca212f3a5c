//go:build unix

package plugins

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/plugins/wire"
)

func init() {
	badPlugins["places"] = func() {
		Serve(audiosep.Define("where", "Says where frames are.", struct{}{}, func(struct{}) (audiosep.Transformer, error) { return where{}, nil }))
	}
}

// where writes, of each frame, which frame, layer and source it is: a stage must not, but a test can
// see it so.
type where struct{ m int }

func (where) Transform(_ context.Context, m int) (audiosep.Transform, error) { return where{m}, nil }
func (t where) Len() int                                                     { return t.m }
func (t where) Bins() int                                                    { return t.m }
func (where) Complex() bool                                                  { return false }

func (t where) write(ctx context.Context, dst []float64) error {
	clear(dst)
	p, ok := audiosep.PlaceOf(ctx, len(dst)/t.m)
	for i := range len(dst) / t.m {
		frame, layer, source := -1, -1, -1
		if ok {
			frame, layer, source = p.Of(i)
		}
		dst[i*t.m], dst[i*t.m+1], dst[i*t.m+2] = float64(frame), float64(layer), float64(source)
	}
	return ctx.Err()
}

func (t where) Forward(ctx context.Context, dst audiosep.Coefs, _ []float64) error {
	return t.write(ctx, dst.Re)
}

func (t where) Inverse(ctx context.Context, dst []float64, _ audiosep.Coefs) error {
	return t.write(ctx, dst)
}

const wherePy = `#!/usr/bin/env python3
import numpy as np
from audiosep_plugin import serve


class Where:
    """Says where frames are."""
    name = "where"

    def __init__(self, m):
        self.m = m

    def forward(self, y, place=None):
        x = np.zeros((len(y), self.m))
        x[:, :3] = -1
        if place is not None:
            i = place.at + np.arange(len(y))
            x[:, 0] = place.first + i % place.count
            x[:, 1] = i // place.count // place.sources
            x[:, 2] = i // place.count % place.sources
        return x

    inverse = forward


serve(Where)
`

// TestPlaces has transforms in plugins told which frames, layers and sources they are given, in calls
// that carry all of a block and in such as carry a part of it.
func TestPlaces(t *testing.T) {
	for _, language := range []string{"go", "python"} {
		t.Run(language, func(t *testing.T) {
			h := newTestHost(t, Options{}, "places")
			if language == "python" {
				needPython(t)
				dir := t.TempDir()
				if err := os.WriteFile(filepath.Join(dir, prefix+"places"), []byte(wherePy), 0o755); err != nil {
					t.Fatal(err)
				}
				h = NewHost(Options{Folders: []string{dir}})
				defer h.Close()
			}
			for _, m := range []int{4, 1 << 15} { // of the longer ones a call has fewer than are read
				const frames, layers = 12, 2
				f := besides([][]float64{make([]float64, m*frames), make([]float64, m*frames)}, 8000, m, 1)
				tr, err := build[audiosep.Transformer](t, h, "places", "where", "").Transform(t.Context(), m)
				if err != nil {
					t.Fatal(err)
				}
				x, err := audiosep.NewSpectra(f, tr)
				if err != nil {
					t.Fatal(err)
				}
				var s audiosep.Spectrogram
				if err := x.Read(t.Context(), &s, 1, 10); err != nil {
					t.Fatal(err)
				}
				for l := range layers {
					for i := range 10 {
						same(t, "forward", s.Layers[l].Re[i*m:i*m+3], []float64{float64(1 + i), float64(l), 0}, 0)
					}
				}
				copied := func(_ context.Context, dst [][]audiosep.Coefs, x *audiosep.Spectrogram, skip, n int) error {
					for j := range dst {
						for l := range dst[j] {
							copy(dst[j][l].Re, x.Layers[l].Re[skip*m:(skip+n)*m])
						}
					}
					return nil
				}
				parts, err := audiosep.Collect(t.Context(), audiosep.Separated(x, []string{"a", "b", "c"}, 1, copied))
				if err != nil {
					t.Fatal(err)
				}
				for j, part := range parts {
					for l, y := range part.Data {
						for i := range frames {
							same(t, "inverse", y[i*m:i*m+3], []float64{float64(i), float64(l), float64(j)}, 0)
						}
					}
				}
				// Of frames of nowhere nothing is said.
				c := audiosep.MakeCoefs(tr, 2)
				if err := tr.Forward(t.Context(), c, make([]float64, 2*m)); err != nil {
					t.Fatal(err)
				}
				same(t, "frames of nowhere", c.Re[:3], []float64{-1, -1, -1}, 0)
			}
		})
	}
}

// What a place says that cannot be is passed over.
func TestPlaceIsChecked(t *testing.T) {
	good := wire.Place{First: 7, Count: 5, Layers: 2, Sources: 3, At: 4}
	if p, ok := audiosep.PlaceOf(placed(t.Context(), &good, 26), 26); !ok || p.First != 7 || p.At != 4 {
		t.Errorf("the place is %v, %v; want it", p, ok)
	}
	for _, bad := range []*wire.Place{nil, {}, {Count: 5}, {Count: 5, Layers: 2, Sources: 3, At: 5}, {Count: 1 << 63, Layers: 2, Sources: 3}, {Count: 5, Layers: 1 << 63, Sources: 4}, {First: 1 << 63, Count: 30, Layers: 1, Sources: 1}} {
		if p, ok := audiosep.PlaceOf(placed(t.Context(), bad, 26), 26); ok {
			t.Errorf("%v is taken as %v; want nothing known", bad, p)
		}
	}
}
