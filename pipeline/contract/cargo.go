package contract

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/wrap"
)

// many returns a slice of two of a cargo's value; dictionaries are unlike each other, as the same
// given twice may be refused.
func many(c audiosep.Cargo, v any) any {
	switch c {
	case audiosep.CargoAudio:
		return []audiosep.Source{v.(audiosep.Source), v.(audiosep.Source)}
	case audiosep.CargoFrames:
		return []*audiosep.Framed{v.(*audiosep.Framed), v.(*audiosep.Framed)}
	case audiosep.CargoCoefs:
		return []audiosep.Spectra{v.(audiosep.Spectra), v.(audiosep.Spectra)}
	case audiosep.CargoPower:
		return []audiosep.Power{v.(audiosep.Power), v.(audiosep.Power)}
	case audiosep.CargoTransform:
		return []*audiosep.FittedTransform{v.(*audiosep.FittedTransform), v.(*audiosep.FittedTransform)}
	case audiosep.CargoFactors:
		f := v.(*audiosep.Factors)
		other := *f
		other.W = mat.DenseCopyOf(f.W)
		for i := range f.W.RawMatrix().Rows {
			other.W.SetRow(i, f.W.RawRowView(f.W.RawMatrix().Rows-1-i))
		}
		return []*audiosep.Factors{f, &other}
	case audiosep.CargoNotes:
		return []audiosep.Notes{v.(audiosep.Notes), v.(audiosep.Notes)}
	default:
		return []audiosep.Stems{v.(audiosep.Stems), v.(audiosep.Stems)}
	}
}

// takeCargo reads all of a value, in whatever blocks it comes, as numbers. They must be
// finite.
func takeCargo(ctx context.Context, c audiosep.Cargo, v any) (x []float64, err error) {
	switch v := v.(type) {
	case audiosep.Stems:
		var parts []*audiosep.Signal
		if parts, err = audiosep.Collect(ctx, v); err != nil {
			err = fails(err)
		} else {
			x = text(v.Names())
			for _, p := range parts {
				for _, d := range p.Data {
					x = append(x, d...)
				}
			}
		}
	case audiosep.Source:
		var h audiosep.Head
		if h, err = v.Head(ctx); err == nil {
			x, err = read(ctx, v, h, 0, min(h.Samples, most))
			x = append(x, text(h)...)
		}
	case *audiosep.Framed:
		y := new(audiosep.Frames)
		if err = fails(v.Read(ctx, y, 0, v.Framing.Frames())); err == nil {
			x = append(slices.Concat(y.Data...), text(v.Framing)...)
		}
	case audiosep.Spectra:
		x, err = readSpectra(ctx, v, 0, v.Framing().Frames())
	case audiosep.Power:
		var m *mat.Dense
		if m, err = v.V(ctx); err != nil {
			err = fails(err)
		} else {
			x = append(whole(m), text(v.Hz())...)
		}
	case *audiosep.FittedTransform:
		x, err = bits(audiosep.Model{Transform: v.Transform})
	case *audiosep.Factors:
		if x, err = bits(audiosep.Model{Factors: v}); err == nil {
			x = append(x, text(v.Sources)...)
		}
	default:
		return text(v), nil
	}
	if err != nil {
		return nil, err
	}
	return x, finite(x)
}

func readSpectra(ctx context.Context, v audiosep.Spectra, first, n int) ([]float64, error) {
	var s audiosep.Spectrogram
	if err := v.Read(ctx, &s, first, n); err != nil {
		return nil, fails(err)
	}
	bins := v.Transform().Bins()
	var x []float64
	for l, c := range s.Layers {
		if len(c.Re) != n*bins || v.Transform().Complex() && len(c.Im) != n*bins {
			return nil, fmt.Errorf("layer %d has %d and %d coefficients; want %d", l, len(c.Re), len(c.Im), n*bins)
		}
		x = append(append(x, c.Re...), c.Im...)
	}
	return x, nil
}

// validCargo says what is wrong with a value that cannot be seen by reading it once.
func validCargo(ctx context.Context, c audiosep.Cargo, v any) error {
	switch v := v.(type) {
	case audiosep.Stems:
		return validStems(ctx, v)
	case audiosep.Source:
		s := subjectOf(v)
		return errors.Join(heads(ctx, s), readsConsistently(ctx, s), readsConcurrently(ctx, s))
	case *audiosep.Framed:
		return v.Framing.Validate()
	case audiosep.Spectra:
		return validSpectra(ctx, v)
	case audiosep.Power:
		return validPower(ctx, v)
	case *audiosep.FittedTransform:
		return roundTrip(ctx, new(subject), func(*subject, context.Context, int) (audiosep.Transform, error) { return v.Transform, nil })
	case *audiosep.Factors:
		if v.W == nil && v.H == nil {
			return errors.New("it has neither W nor H; want one at least")
		}
		if v.Sources != nil {
			if err := audiosep.CheckGroups(v.Sources, rankOf(v)); err != nil {
				return err
			}
		}
		return v.Validate(-1, -1)
	case audiosep.Notes:
		return v.Validate()
	}
	return fmt.Errorf("the value is a %T; want a %v", v, audiosep.TypeOf(c))
}

func rankOf(f *audiosep.Factors) int {
	if f.W != nil {
		return f.Rank()
	}
	k, _ := f.H.Dims()
	return k
}

// subjectOf lets the checks of sources be made of a recording.
func subjectOf(src audiosep.Source) *subject {
	return &subject{open: new(opened), def: audiosep.Definition{Build: func(json.RawMessage) (any, error) { return unclosed{src}, nil }}}
}

type unclosed struct{ audiosep.Source }

func validStems(ctx context.Context, s audiosep.Stems) error {
	names, h := s.Names(), s.Head()
	for j, name := range names {
		if name == "" || slices.Index(names, name) < j {
			return fmt.Errorf("source %d is called %q; want a name of its own for each", j+1, name)
		}
	}
	done := make([]int, len(names))
	var verdict error
	err := s.Each(ctx, func(source int, block [][]float64) error {
		verdict = validBlock(h, done, source, block)
		return verdict
	})
	if verdict != nil {
		return verdict
	}
	if err != nil {
		return fails(err)
	}
	for j, n := range done {
		if n != h.Samples {
			return fmt.Errorf("source %q has %d samples; want %d", names[j], n, h.Samples)
		}
	}
	stop := errors.New("enough")
	if err := s.Each(ctx, func(int, [][]float64) error { return stop }); !errors.Is(err, stop) {
		return fmt.Errorf("where write fails Each returns %v; want what write returned", err)
	}
	if r, ok := wrap.As[audiosep.ResumableStems](s); ok {
		return resumes(ctx, r)
	}
	return nil
}

// resumes says why stems computed from the middle on are not those computed from the beginning.
func resumes(ctx context.Context, s audiosep.ResumableStems) error {
	h, sources := s.Head(), len(s.Names())
	type place struct {
		at   int
		mark []byte
	}
	var places []place
	whole, done := make([][]float64, sources*h.Layers()), 0
	err := s.Each(ctx, func(source int, block [][]float64) error {
		for l, x := range block {
			whole[source*h.Layers()+l] = append(whole[source*h.Layers()+l], x...)
		}
		if source < sources-1 {
			return nil
		}
		done += len(block[0])
		mark, err := s.Mark()
		places = append(places, place{done, mark})
		return err
	})
	if err != nil {
		return fails(err)
	}
	if places[0].mark == nil { // then any sample will do
		places = []place{{1, nil}, {h.Samples / 2, nil}, {h.Samples - 1, nil}}
	} else {
		places = []place{places[0], places[len(places)/2]}
	}
	enough := errors.New("enough")
	for _, p := range places {
		if p.at < 1 || p.at >= h.Samples {
			continue
		}
		at := make([]int, len(whole))
		err := s.EachFrom(ctx, p.at, p.mark, func(source int, block [][]float64) error {
			for l, x := range block {
				row := source*h.Layers() + l
				want := whole[row][p.at+at[row]:]
				if len(x) > len(want) || !slices.Equal(x, want[:len(x)]) {
					return fmt.Errorf("from sample %d on source %d is not what Each writes there", p.at, source)
				}
				at[row] += len(x)
			}
			if p.at == 1 && slices.Min(at) > 0 { // the others go on to the end
				return enough
			}
			return nil
		})
		if errors.Is(err, enough) {
			continue
		}
		if err != nil {
			return err
		}
		if slices.Min(at) != h.Samples-p.at {
			return fmt.Errorf("from sample %d on there are %d samples; want %d", p.at, slices.Min(at), h.Samples-p.at)
		}
	}
	return nil
}

// validBlock says what is wrong with a block, and adds it to what has been done of each source.
func validBlock(h audiosep.Head, done []int, source int, block [][]float64) error {
	if source < 0 || source >= len(done) || len(block) != h.Layers() {
		return fmt.Errorf("a block is of source %d in %d layers; want 0 to %d, %d layers", source, len(block), len(done)-1, h.Layers())
	}
	for l, x := range block {
		if len(x) != len(block[0]) || len(x) == 0 {
			return fmt.Errorf("a block has %d samples in layer %d; want as many in all, at least 1", len(x), l)
		}
	}
	if done[source] += len(block[0]); done[source] < slices.Max(done) && source == 0 || source > 0 && done[source] != done[source-1] {
		return fmt.Errorf("source %d has come to sample %d while the one before is at %d; want all to come as far before any goes on", source, done[source], done[max(0, source-1)])
	}
	return nil
}

func validSpectra(ctx context.Context, v audiosep.Spectra) error {
	total, bins := v.Framing().Frames(), v.Transform().Bins()
	all, err := readSpectra(ctx, v, 0, total)
	if err != nil {
		return err
	}
	planes := parts(v.Transform())
	for _, run := range [][2]int{{0, 1}, {total - 1, 1}, {3, 7}, {total / 2, total - total/2}} {
		some, err := readSpectra(ctx, v, run[0], run[1])
		if err != nil {
			return err
		}
		for l := range v.Framing().Layers() {
			for p := range planes {
				from := ((l*planes+p)*total + run[0]) * bins
				at := (l*planes + p) * run[1] * bins
				if err := sameBits(all[from:from+run[1]*bins], some[at:at+run[1]*bins]); err != nil {
					return fmt.Errorf("%d frames from %d on, alone and among all: %w; want the same bits", run[1], run[0], err)
				}
			}
		}
	}
	return comesBack(ctx, v)
}

// comesBack undoes the coefficients and joins the frames: the recording that comes of it must have
// the same coefficients. That holds for a lapped transform too.
func comesBack(ctx context.Context, v audiosep.Spectra) error {
	f, t := v.Framing(), v.Transform()
	n := f.Frames()
	var x, again audiosep.Spectrogram
	if err := v.Read(ctx, &x, 0, n); err != nil {
		return err
	}
	frames := make([][]float64, f.Layers())
	for l, c := range x.Layers {
		frames[l] = make([]float64, n*f.Length)
		if err := t.Inverse(ctx, frames[l], c); err != nil {
			return err
		}
	}
	joined := &audiosep.Signal{Rate: f.Rate, Channels: f.Channels, Data: audiosep.NewJoiner(f, len(frames)).Add(frames, n)}
	of, err := audiosep.NewSpectra(&audiosep.Framed{Source: joined, Framing: f}, t)
	if err == nil {
		err = of.Read(ctx, &again, 0, n)
	}
	if err != nil {
		return err
	}
	for l := range frames {
		a, b := slices.Concat(x.Layers[l].Re, x.Layers[l].Im), slices.Concat(again.Layers[l].Re, again.Layers[l].Im)
		if d, most := floats.Distance(a, b, math.Inf(1)), floats.Norm(a, math.Inf(1)); !(d <= 1e-9*most) {
			return fmt.Errorf("layer %d undone, joined, cut and transformed again differs by %.3g from coefficients of at most %.3g; want 1e-9 of that", l, d, most)
		}
	}
	return nil
}

func validPower(ctx context.Context, v audiosep.Power) error {
	m, err := v.V(ctx)
	if err != nil {
		return fails(err)
	}
	bins, cols := m.Dims()
	if bins != v.Bins() || cols != v.Framing().Columns() || v.Hz() != nil && len(v.Hz()) != bins {
		return fmt.Errorf("the power is %d×%d with %d frequencies; want %d×%d", bins, cols, len(v.Hz()), v.Bins(), v.Framing().Columns())
	}
	if err := (&audiosep.Factors{W: m}).Validate(-1, -1); err != nil {
		return err
	}
	some := mat.NewDense(bins, min(5, cols), nil)
	if err := v.Columns(ctx, some, 0); err != nil {
		return err
	}
	return want(sameBits(whole(m.Slice(0, bins, 0, min(5, cols)).(*mat.Dense)), whole(some)), "columns to be those of V")
}

// beginning returns what comes of the first samples of a recording, as far as it can be told.
func beginning(ctx context.Context, v any, samples int) ([]float64, error) {
	switch v := v.(type) {
	case audiosep.Stems:
		parts, err := audiosep.Collect(ctx, v)
		if err != nil {
			return nil, err
		}
		var x []float64
		for _, p := range parts {
			for _, d := range p.Data {
				x = append(x, d[:samples]...)
			}
		}
		return x, nil
	case audiosep.Source:
		h, err := v.Head(ctx)
		if err != nil {
			return nil, err
		}
		return read(ctx, v, h, 0, samples)
	case audiosep.Spectra:
		return readSpectra(ctx, v, 0, frames0(v.Framing(), samples))
	case audiosep.Power:
		n := frames0(v.Framing(), samples) / v.Framing().Share
		m := mat.NewDense(v.Bins(), n, nil)
		err := v.Columns(ctx, m, 0)
		return whole(m), err
	}
	return nil, nil
}

// frames0 returns how many frames lie before a sample, whole groups of them.
func frames0(f audiosep.Framing, samples int) int {
	n := max(f.Share, (samples+f.Pad-f.Length)/f.Hop)
	return n / f.Share * f.Share
}
