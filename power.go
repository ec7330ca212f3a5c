package audiosep

import (
	"context"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep/internal/blocks"
	"github.com/audiosep/audiosep/internal/lend"
	"github.com/audiosep/audiosep/internal/wrap"
)

// ReadPower reads all of V without having it whole: it calls take with blocks of columns, F×n from
// column first on, each once, several at the same time. take may change a block, which is its own
// until it returns. If calls of take fail the error is that of the first columns.
func ReadPower(ctx context.Context, p Power, take func(first int, v *mat.Dense) error) error {
	f := p.Framing()
	if f.Columns() == 0 {
		return errNoFrames
	}
	watched, _ := p.(powerWatcher)
	if watched != nil {
		if err := watched.BeforeAll(ctx); err != nil {
			return err
		}
	}
	type slot struct {
		v     *mat.Dense
		taken error
		heard bool
	}
	size := blocks.Size(ctx, f.Length, f.Layers(), f.Share, f.Frames()) / f.Share
	all := f.Columns()
	told, heard := reporter(p), false
	err := blocks.Run(ctx, all, size, lend.From(p).Blocks(),
		func() *slot { return &slot{v: mat.NewDense(p.Bins(), min(size, all), nil)} },
		func(ctx context.Context, s *slot, first, n int) error {
			v := columns(s.v, 0, n)
			if err := p.Columns(ctx, v, first); err != nil {
				return err
			}
			s.heard = !Silent(v)
			s.taken = take(first, v)
			return nil
		},
		func(_ context.Context, s *slot, first, n int) error {
			heard = heard || s.heard
			told(Step{Done: (first + n) * f.Share, Of: f.Frames(), Objective: math.NaN()})
			return s.taken
		})
	if err == nil && watched != nil {
		watched.AfterAll(!heard)
	}
	return err
}

// powerWatcher may be implemented by a Power that wants to know when all of it is read by
// [ReadPower]: before, and after, whether it is 0 everywhere.
type powerWatcher interface {
	BeforeAll(ctx context.Context) error
	AfterAll(silent bool)
}

// reporter returns what is told how far the reading of p is.
func reporter(p Power) func(Step) {
	if s, ok := wrap.As[*spectraPower](p); ok && s.report != nil {
		return s.report
	}
	return func(Step) {}
}

var errNoFrames = fmt.Errorf("the recording has no frames; want at least one")

// Silent tells whether v is 0 everywhere.
func Silent(v *mat.Dense) bool {
	raw := v.RawMatrix()
	for i := range raw.Rows {
		if slices.ContainsFunc(raw.Data[i*raw.Stride:i*raw.Stride+raw.Cols], func(x float64) bool { return x != 0 }) {
			return false
		}
	}
	return true
}
