package contract

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/wrap"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// factors returns V = WH of n frames, as a factorizer leaves it.
func factors(bins, rank, n int) *audiosep.Factors {
	w := mat.NewDense(bins, rank, powers("w", bins*rank))
	for k := range rank {
		col := mat.Col(nil, k, w)
		floats.Scale(1/floats.Sum(col), col)
		w.SetCol(k, col)
	}
	return &audiosep.Factors{W: padded(w), H: mat.NewDense(rank, n, powers("h", rank*n)), Objective: []float64{1}, Stop: "made up"}
}

func activatorChecks() []check {
	return append([]check{{
		"Activate: approximation", "V ≈ W·dst where V is the product of W and some activations.",
		"check that dst is K×n, row k the activation of column k of W; allow more iterations",
		activates,
	}}, localChecks("Activate", func(_ context.Context, s *subject, bins int) (*local, error) { return activator(s, bins) })...)
}

func activator(s *subject, bins int) (*local, error) {
	if bins == 0 {
		bins = s.learnerLength()
	}
	stage, err := build[audiosep.Activator](s)
	if err != nil {
		return nil, err
	}
	rank := 3
	f := factors(bins, rank, 1)
	return &local{
		in: bins, out: rank,
		input: func(n int) []float64 { return product(f.W, n) },
		call: func(ctx context.Context, src []float64, n int) ([]float64, error, error) {
			if n == 0 {
				return nil, nil, nil // matrices of no columns do not exist
			}
			v, w := padded(mat.NewDense(n, bins, src).T()), mat.DenseCopyOf(f.W)
			dst := mat.NewDense(rank, n, fill(rank*n, func() float64 { return mark }))
			args := []watched{watch("v", v.RawMatrix().Data), watch("w", w.RawMatrix().Data)}
			if err := stage.Activate(ctx, dst, v, w); err != nil {
				return nil, touched(args...), fails(err)
			}
			if i := floats.Min(dst.RawMatrix().Data); i < 0 {
				return nil, nil, fmt.Errorf("an activation is %v; want numbers ≥ 0", i)
			}
			return mat.DenseCopyOf(dst.T()).RawMatrix().Data, touched(args...), nil
		},
	}, nil
}

// product returns n frames of w times random activations.
func product(w *mat.Dense, n int) []float64 {
	_, rank := w.Dims()
	var v mat.Dense
	if n == 0 {
		return nil
	}
	v.Mul(mat.NewDense(n, rank, powers("h", n*rank)), w.T())
	return v.RawMatrix().Data
}

func activates(ctx context.Context, s *subject) error {
	l, err := activator(s, 0)
	if err != nil {
		return err
	}
	v := l.input(usual)
	h, err := l.of(ctx, v)
	if err != nil {
		return err
	}
	var model mat.Dense
	f := factors(l.in, l.out, 1)
	model.Mul(mat.NewDense(usual, l.out, h), f.W.T())
	if off := floats.Distance(model.RawMatrix().Data, v, 2) / floats.Norm(v, 2); !(off < 0.5) {
		return fmt.Errorf("the product W·dst is %.2g of V's norm away from V; want less than 0.5", off)
	}
	return nil
}

func separatorChecks() []check {
	checks := []check{
		{"Group: partition", "There is a source, each has a name of its own, and each component is in exactly one group.",
			"put components that no source claims into one of their own", partitions},
		{"Group: same twice", "Groups are a function of the factors and the seed alone.",
			"use no order of a map or set; break ties by the lowest index", groupsTheSame},
		{"Group: arguments untouched", "The factors are not modified.", "copy what you need to change", groupsUntouched},
		{"Group: cancellation", "A method returns soon after it is cancelled, with an error that says so.", cancelHint,
			func(ctx context.Context, s *subject) error {
				ctx, cancel := context.WithCancel(ctx)
				cancel()
				_, err := s.groups(ctx, factors(20, s.o.Rank, usual))
				return cancelled(err, true)
			}},
	}
	for _, complex := range []bool{false, true} {
		name := "Separate real"
		if complex {
			name = "Separate complex"
		}
		newLocal := func(ctx context.Context, s *subject, bins int) (*local, error) {
			return separator(ctx, s, bins, complex)
		}
		checks = append(checks, localChecks(name, newLocal)...)
		checks = append(checks, check{name + ": sum", "The sources sum to the mixture to 1e-12 of it, silence and silent models included.",
			"give what masks leave to one of the sources; let masks sum to 1 where WH is 0; or, if they are not to sum to it, have Run in the place of Group and Separate, which promises nothing by itself",
			func(ctx context.Context, s *subject) error { return sums(ctx, s, newLocal, complex) }},
			check{name + ": rest", "A separator that leaves the last source to the others makes the same bits of these without it.",
				"skip dst[J-1] where its coefficients are nil, and nothing else",
				func(ctx context.Context, s *subject) error { return leavesRest(ctx, s, complex) }})
	}
	return checks
}

func (s *subject) groups(ctx context.Context, f *audiosep.Factors) ([]audiosep.Group, error) {
	stage, err := build[audiosep.Separator](s)
	if err != nil {
		return nil, err
	}
	groups, err := stage.Group(ctx, audiosep.Env{Seed: 1}, f)
	if err != nil {
		return nil, fmt.Errorf("grouping %d components: %w", s.o.Rank, fails(err))
	}
	return groups, nil
}

func partitions(ctx context.Context, s *subject) error {
	groups, err := s.groups(ctx, factors(20, s.o.Rank, usual))
	if err != nil {
		return err
	}
	if len(groups) == 0 {
		return errors.New("there are no groups; want at least one")
	}
	times, names := make([]int, s.o.Rank), map[string]bool{}
	for _, g := range groups {
		if g.Name == "" || names[g.Name] {
			return fmt.Errorf("a source has the name %q, which is empty or another's; want a name of its own", g.Name)
		}
		names[g.Name] = true
		for _, k := range g.Components {
			if k < 0 || k >= len(times) {
				return fmt.Errorf("source %q has component %d; want 0 to %d", g.Name, k, len(times)-1)
			}
			times[k]++
		}
	}
	for k, n := range times {
		if n != 1 {
			return fmt.Errorf("component %d is in %d groups; want exactly 1", k, n)
		}
	}
	return nil
}

func groupsTheSame(ctx context.Context, s *subject) error {
	first, err := s.groups(ctx, factors(20, s.o.Rank, usual))
	if err != nil {
		return err
	}
	for range 3 {
		again, err := s.groups(ctx, factors(20, s.o.Rank, usual))
		if err != nil {
			return err
		}
		if fmt.Sprint(first) != fmt.Sprint(again) {
			return fmt.Errorf("groups are %v and then %v; want the same", first, again)
		}
	}
	return nil
}

func groupsUntouched(ctx context.Context, s *subject) error {
	f := factors(20, s.o.Rank, usual)
	args := watchFactors(f)
	_, err := s.groups(ctx, f)
	return errors.Join(touched(args...), err)
}

// separator brings Separate to the form of a local: a frame in is the coefficients
// and the column of H, a frame out the coefficients of every source.
func separator(ctx context.Context, s *subject, bins int, complex bool) (*local, error) {
	if bins == 0 {
		bins = 20
	}
	stage, err := build[audiosep.Separator](s)
	if err != nil {
		return nil, err
	}
	rank := s.o.Rank
	all := factors(bins, rank, usual)
	groups, err := s.groups(ctx, all)
	if err != nil {
		return nil, err
	}
	width := bins
	if complex {
		width = 2 * bins
	}
	return &local{
		in: width + rank, out: len(groups) * width,
		input: func(n int) []float64 {
			src := make([]float64, 0, n*(width+rank))
			x, h := random("coefficients", n*width), powers("h", n*rank)
			for i := range n {
				src = append(append(src, x[i*width:(i+1)*width]...), h[i*rank:(i+1)*rank]...)
			}
			return src
		},
		call: func(ctx context.Context, src []float64, n int) ([]float64, error, error) {
			if n == 0 {
				return nil, nil, nil
			}
			x, h := unpack(src, bins, rank, n, complex)
			f := &audiosep.Factors{W: padded(all.W), H: padded(h)}
			args := append(watchFactors(f), watch("x.Re", x.Re), watch("x.Im", x.Im))
			out, err := separate(ctx, stage, x, f, groups)
			if err != nil {
				return nil, touched(args...), err
			}
			flat := make([]float64, 0, n*len(out)*width)
			for i := range n {
				for _, d := range out {
					d = d.Slice(i, i+1, bins)
					flat = append(append(flat, d.Re...), d.Im...)
				}
			}
			return flat, touched(args...), nil
		},
	}, nil
}

func unpack(src []float64, bins, rank, n int, complex bool) (audiosep.Coefs, *mat.Dense) {
	width := len(src)/n - rank
	coefs := make([]float64, 0, n*width)
	h := mat.NewDense(rank, n, nil)
	for i := range n {
		frame := src[i*(width+rank) : (i+1)*(width+rank)]
		coefs = append(coefs, frame[:width]...)
		h.SetCol(i, frame[width:])
	}
	return separated(coefs, bins, n, complex), h
}

func separate(ctx context.Context, stage audiosep.Separator, x audiosep.Coefs, f *audiosep.Factors, groups []audiosep.Group) ([]audiosep.Coefs, error) {
	dst, re, im := make([]audiosep.Coefs, len(groups)), make([]guarded, len(groups)), make([]guarded, len(groups))
	for j := range dst {
		re[j], im[j] = newGuarded(len(x.Re)), newGuarded(len(x.Im))
		dst[j].Re = re[j].data
		if x.Im != nil {
			dst[j].Im = im[j].data
		}
	}
	if err := stage.Separate(ctx, dst, x, f, groups); err != nil {
		return nil, fails(err)
	}
	for j := range dst {
		if err := errors.Join(re[j].check(fmt.Sprintf("dst[%d].Re", j)), im[j].check(fmt.Sprintf("dst[%d].Im", j))); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

// leavesRest has a separator that says that the last source may be left out leave it out.
func leavesRest(ctx context.Context, s *subject, complex bool) error {
	stage, err := build[audiosep.Separator](s)
	if err != nil {
		return err
	}
	if _, ok := wrap.As[audiosep.RestSeparator](stage); !ok {
		return skipped("it makes all sources")
	}
	const bins = 20
	f := factors(bins, s.o.Rank, usual)
	groups, err := s.groups(ctx, f)
	if err != nil {
		return err
	}
	if len(groups) < 2 {
		return skipped("there is one source")
	}
	width := bins
	if complex {
		width = 2 * bins
	}
	x := separated(random("coefficients", usual*width), bins, usual, complex)
	all, err := separate(ctx, stage, x, f, groups)
	if err != nil {
		return err
	}
	dst := make([]audiosep.Coefs, len(groups))
	for j := range len(dst) - 1 {
		dst[j] = audiosep.Coefs{Re: make([]float64, len(x.Re)), Im: slices.Clone(x.Im)}
	}
	err = func() (err error) {
		defer func() {
			if v := recover(); v != nil { // most likely as it writes the last; the hint of this check suits it
				err = fmt.Errorf("it panicked: %v", v)
			}
		}()
		return stage.Separate(ctx, dst, x, f, groups)
	}()
	if err != nil {
		return fmt.Errorf("with nil for the last of %d sources: %w", len(dst), fails(err))
	}
	for j := range len(dst) - 1 {
		if err := errors.Join(sameBits(all[j].Re, dst[j].Re), sameBits(all[j].Im, dst[j].Im)); err != nil {
			return fmt.Errorf("source %d of %d, without the last: %w", j+1, len(dst), err)
		}
	}
	return nil
}

func sums(ctx context.Context, s *subject, newLocal maker, complex bool) error {
	l, err := newLocal(ctx, s, 0)
	if err != nil {
		return err
	}
	src := l.input(usual)
	width := l.in - s.o.Rank
	clear(src[:l.in])                           // silence
	clear(src[l.in+width : 2*l.in])             // sound where the model has none
	for i := range src[2*l.in : 2*l.in+width] { // almost silence
		src[2*l.in+i] *= 1e-300
	}
	out, err := l.of(ctx, src)
	if err != nil {
		return err
	}
	for n := range usual {
		for i := range width {
			x, sum := src[n*l.in+i], 0.0
			for j := range l.out / width {
				sum += out[n*l.out+j*width+i]
			}
			if !(math.Abs(sum-x) <= 1e-12*math.Abs(x)) {
				return fmt.Errorf("the sources sum to %v where the mixture is %v; want it to 1e-12 of it", sum, x)
			}
		}
	}
	return nil
}
