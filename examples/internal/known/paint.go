package known

import (
	"cmp"
	"context"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/factorizers"
	"github.com/audiosep/audiosep/transforms"
)

// A painter's tile, in s and Hz, and the part of its energy that the stem it is given has at least.
const tileTime, tileHz, tilePart = 0.064, 125.0, 0.9

// PaintFrame has the frames of the preset paint.
func PaintFrame() transforms.FrameParams {
	length, overlap := 64.0, 0.75
	p := transforms.DefaultFrame()
	p.LengthMS, p.Overlap, p.Window = &length, &overlap, "hann"
	return p
}

// Paint returns the regions that one who hears the stems would paint: the loudest tiles that are
// one stem's, of 64 ms by 125 Hz, up to a part of the spectrogram.
func (r *Recording) Paint(ctx context.Context, part float64) ([]factorizers.Region, error) {
	var v []*mat.Dense
	var framing audiosep.Framing
	var hz []float64
	for _, s := range r.Stems {
		x, err := transforms.STFT(ctx, s, PaintFrame())
		if err != nil {
			return nil, err
		}
		power := audiosep.PowerOf(x, nil)
		framing, hz = x.Framing(), power.Hz()
		one, err := power.V(ctx)
		if err != nil {
			return nil, err
		}
		v = append(v, one)
	}
	width, hop := hz[1]-hz[0], framing.Middle(1)-framing.Middle(0)
	bins, cols := max(1, int(math.Round(tileHz/width))), max(1, int(math.Round(tileTime/hop)))
	rows, n := v[0].Dims()
	type tile struct {
		energy float64
		region factorizers.Region
	}
	var tiles []tile
	for f := 0; f+bins <= rows; f += bins {
		for c := 0; c+cols <= n; c += cols {
			energy := make([]float64, len(v))
			for j := range v {
				energy[j] = mat.Sum(v[j].Slice(f, f+bins, c, c+cols))
			}
			all := 0.0
			for _, e := range energy {
				all += e
			}
			for j, e := range energy {
				if e >= tilePart*all && all > 0 {
					high := hz[f+bins-1] + width/2
					tiles = append(tiles, tile{all, factorizers.Region{Source: r.Names[j], From: framing.Middle(c) - hop/2, To: framing.Middle(c+cols-1) + hop/2,
						Low: max(0, hz[f]-width/2), High: &high}})
				}
			}
		}
	}
	slices.SortStableFunc(tiles, func(a, b tile) int { return cmp.Compare(b.energy, a.energy) })
	var regions []factorizers.Region
	for i := range min(len(tiles), int(part*float64(rows*n)/float64(bins*cols))) {
		regions = append(regions, tiles[i].region)
	}
	return regions, nil
}
