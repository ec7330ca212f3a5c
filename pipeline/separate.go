package pipeline

import (
	"context"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
)

// separator settles which components make up each source. Separating itself happens as
// a sink takes the sources.
func (r *run) separator(ctx context.Context, st *stage, impl audiosep.Separator) error {
	c, f := r.out[st.in["coefs"]].(coefs), r.out[st.in["factors"]].(factors)
	if f.Factors == nil || f.W == nil || f.H == nil {
		return fmt.Errorf("the factors lack W or H; want both, such as those of an activator")
	}
	if err := f.Validate(c.transform.Bins(), c.framing.Columns()); err != nil {
		return fmt.Errorf("the factors do not fit the coefficients: %w", err)
	}
	groups, err := impl.Group(ctx, r.env(st), f.Factors)
	if err != nil {
		return err
	}
	if err := checkGroups(groups, f.Rank()); err != nil {
		return err
	}
	r.emit(st, "sources", sources{c, f.Factors, groups, st}, groups)
	return nil
}

func checkGroups(groups []audiosep.Group, k int) error {
	in := make([]int, k)
	for _, g := range groups {
		for _, c := range g.Components {
			if c < 0 || c >= k {
				return fmt.Errorf("source %q has component %d; want 0 to %d", g.Name, c, k-1)
			}
			in[c]++
		}
	}
	if len(groups) == 0 {
		return fmt.Errorf("it makes no sources; want at least one")
	}
	if c := slices.IndexFunc(in, func(n int) bool { return n != 1 }); c >= 0 {
		return fmt.Errorf("component %d is in %d sources; want 1", c, in[c])
	}
	return nil
}

// sink streams the sources into a sink.
func (r *run) sink(ctx context.Context, st *stage, impl audiosep.Sink) error {
	s := r.out[st.in["sources"]].(sources)
	names := make([]string, len(s.groups))
	for j, g := range s.groups {
		names[j] = g.Name
	}
	env := r.env(st)
	if err := impl.Create(ctx, env, s.head, names); err != nil {
		return err
	}
	layers, total := s.head.Layers(), s.framing.Frames()
	join := audiosep.NewJoiner(s.framing, len(names)*layers)
	size := blockSize(r.Block, s.framing.Length*len(names), s.framing.Share)
	lend := lenders(s.transform, s.by.impl)
	defer lend.giveBack()
	return inBlocks(ctx, total, size, lend.slots(), func() *separation { return newSeparation(s, size, lend) },
		func(ctx context.Context, slot *separation, first, n int) error { return slot.compute(ctx, first, n) },
		func(ctx context.Context, slot *separation, first, n int) error {
			block := join.Add(slot.rows, n)
			for j := range names {
				if err := wrap(st, impl.Write(ctx, j, block[j*layers:(j+1)*layers])); err != nil {
					return err
				}
			}
			env.Report(audiosep.Step{Done: first + n, Of: total, Objective: math.NaN()})
			return nil
		})
}

// separation is what one goroutine needs to separate a run of frames. What belongs to the
// sources stands layer by layer, in each source by source, frame by frame.
type separation struct {
	sources
	spectrum *spectrum
	x        audiosep.Coefs
	y        []float64
	rows     [][]float64 // the frames of y, [source*L+layer]
}

func newSeparation(s sources, size int, lend *loan) *separation {
	rows := len(s.groups) * s.head.Layers()
	return &separation{
		sources: s, spectrum: newSpectrum(s.coefs, size, lend),
		x: lend.coefs(s.transform, rows*size), y: lend.numbers(rows * size * s.framing.Length), rows: make([][]float64, rows),
	}
}

// compute separates a run of frames and has the frames of all sources and layers in rows. All
// of them are transformed back in one call.
func (s *separation) compute(ctx context.Context, first, n int) error {
	mix, err := s.spectrum.compute(ctx, first, n)
	if err != nil {
		return err
	}
	impl, bins, layers := s.by.impl.(audiosep.Separator), s.transform.Bins(), s.head.Layers()
	f := &audiosep.Factors{W: s.factors.W, H: activations(s.factors.H, s.framing.Share, first, n)}
	parts := make([]audiosep.Coefs, len(s.groups))
	for l, x := range mix.Layers {
		for j := range parts {
			at := (l*len(parts) + j) * n
			parts[j] = s.x.Slice(at, at+n, bins)
		}
		if err := impl.Separate(ctx, parts, x, f, s.groups); err != nil {
			return wrap(s.by, err)
		}
	}
	run := n * s.framing.Length
	if err := s.transform.Inverse(ctx, s.y[:len(s.rows)*run], s.x.Slice(0, len(s.rows)*n, bins)); err != nil {
		return wrap(s.coefs.by, err)
	}
	for j := range parts {
		for l := range layers {
			at := (l*len(parts) + j) * run
			s.rows[j*layers+l] = s.y[at : at+run]
			if notFinite(s.y[at:at+run]) >= 0 {
				return wrap(s.by, fmt.Errorf("source %q came out with numbers that are not finite", s.groups[j].Name))
			}
		}
	}
	return nil
}

// activations returns the activations of n frames from the first on, K×n. Where S frames
// share a column it stands for the middle of them, and in between H is interpolated
// linearly, so that the sources do not change in steps of S frames.
func activations(h *mat.Dense, share, first, n int) *mat.Dense {
	if share == 1 {
		return columns(h, first, n)
	}
	k, cols := h.Dims()
	out := mat.NewDense(k, n, nil)
	for i := range n {
		at := (float64(first+i) - float64(share-1)/2) / float64(share)
		at = min(max(at, 0), float64(cols-1))
		left := min(int(at), max(cols-2, 0))
		w := at - float64(left)
		right := min(left+1, cols-1)
		for c := range k {
			out.Set(c, i, (1-w)*h.At(c, left)+w*h.At(c, right))
		}
	}
	return out
}
