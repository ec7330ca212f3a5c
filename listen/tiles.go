package listen

import (
	"context"
	"fmt"
	"sync"

	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/picture"
)

// tiles are pictures of a spectrogram: of level 0, one pixel a column of V; of each level
// above, the greatest of two pixels of that below. A tile has picture.Rows×tileColumns numbers,
// row by row from the lowest frequency up; columns behind the end are 0.
type tiles struct {
	columns int
	full    float64 // power of full scale
	*picture.Scale
	draw func(ctx context.Context, first int) ([]byte, error) // a tile of level 0

	mu    sync.Mutex
	kept  map[tileKey][]byte
	order []tileKey // oldest first
	most  int       // tiles kept
}

type tileKey struct{ level, index int }

// newTiles returns the pictures of a power, in steps of picture.Step below full scale.
func newTiles(p audiosep.Power, full float64) *tiles {
	f := p.Framing()
	t := &tiles{columns: f.Columns(), full: full, Scale: picture.NewScale(p.Hz(), float64(f.Rate)/2), most: 1024}
	t.draw = func(ctx context.Context, first int) ([]byte, error) {
		v, err := columnsOf(ctx, p, first, tileColumns)
		if err != nil {
			return nil, err
		}
		return t.draws(v, func(bin, col int) byte { return picture.Loudness(v.At(bin, col), full) }), nil
	}
	return t
}

// newMaskTiles returns pictures of what part of the power of w·h components have, 0 to 255.
func newMaskTiles(p audiosep.Power, like *tiles, f *audiosep.Factors, components []int) *tiles {
	t := &tiles{columns: like.columns, Scale: like.Scale, most: 256}
	t.draw = func(ctx context.Context, first int) ([]byte, error) {
		n := min(tileColumns, t.columns-first)
		rank := f.Rank()
		h := f.H.Slice(0, rank, first, first+n)
		var all mat.Dense
		all.Mul(f.W, h)
		own := mat.NewDense(p.Bins(), n, nil)
		for _, k := range components {
			own.RankOne(own, 1, f.W.ColView(k), h.(*mat.Dense).RowView(k))
		}
		v, err := columnsOf(ctx, p, first, n)
		if err != nil {
			return nil, err
		}
		// What a component has of nothing is nothing.
		quiet := like.full * 1e-10
		return t.draws(own, func(bin, col int) byte {
			if all.At(bin, col) <= 0 || v.At(bin, col) < quiet {
				return 0
			}
			return byte(255*own.At(bin, col)/all.At(bin, col) + 0.5)
		}), ctx.Err()
	}
	return t
}

// draws draws a tile: each pixel is the greatest of its row's bins.
func (t *tiles) draws(v *mat.Dense, value func(bin, col int) byte) []byte {
	_, n := v.Dims()
	out := make([]byte, picture.Rows*tileColumns)
	for i := range picture.Rows {
		row := out[i*tileColumns:]
		for bin := t.From[i]; bin < t.To[i]; bin++ {
			for c := range n {
				row[c] = max(row[c], value(bin, c))
			}
		}
	}
	return out
}

// levels is how many there are: the last has one tile.
func (t *tiles) levels() int {
	levels := 1
	for t.columns > tileColumns<<(levels-1) {
		levels++
	}
	return levels
}

// tile returns a tile. It is an error if there is none of that place.
func (t *tiles) tile(ctx context.Context, level, index int) ([]byte, error) {
	if level < 0 || level >= t.levels() || index < 0 || index > (t.columns-1)/(tileColumns<<level) {
		return nil, fmt.Errorf("there is no tile %d of level %d; want levels 0 to %d of %d columns", index, level, t.levels()-1, t.columns)
	}
	t.mu.Lock()
	b := t.kept[tileKey{level, index}]
	t.mu.Unlock()
	if b != nil {
		return b, nil
	}
	var err error
	if level == 0 {
		b, err = t.draw(ctx, index*tileColumns)
	} else {
		b, err = t.halved(ctx, level, index)
	}
	if err != nil {
		return nil, err
	}
	t.keep(tileKey{level, index}, b)
	return b, nil
}

// halved makes a tile of the two that it covers, one level below.
func (t *tiles) halved(ctx context.Context, level, index int) ([]byte, error) {
	out := make([]byte, picture.Rows*tileColumns)
	for side := range 2 {
		if below := 2*index + side; below<<(level-1)*tileColumns < t.columns {
			b, err := t.tile(ctx, level-1, below)
			if err != nil {
				return nil, err
			}
			for i := range picture.Rows {
				from, to := b[i*tileColumns:], out[i*tileColumns+side*tileColumns/2:]
				for c := range tileColumns / 2 {
					to[c] = max(from[2*c], from[2*c+1])
				}
			}
		}
	}
	return out, nil
}

func (t *tiles) keep(k tileKey, b []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.kept == nil {
		t.kept = map[tileKey][]byte{}
	}
	if _, ok := t.kept[k]; !ok {
		t.order = append(t.order, k)
	}
	if t.kept[k] = b; len(t.order) > t.most {
		delete(t.kept, t.order[0])
		t.order = t.order[1:]
	}
}
