package audiosep_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"

	"gonum.org/v1/gonum/floats"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/blocks"
	"github.com/audiosep/audiosep/transforms"
)

// shares are the parts of each coefficient that three sources have.
var shares = []float64{0.5, 0.3, 0.2}

// shared separates by them, and counts how often the last source was wanted.
func shared(x audiosep.Spectra, rest bool, wanted *atomic.Int64) *audiosep.SeparatedStems {
	s := &audiosep.SeparatedStems{X: x, Sources: []string{"a", "b", "c"}, Halo: 2, Rest: rest}
	s.Separate = func(_ context.Context, dst [][]audiosep.Coefs, x *audiosep.Spectrogram, skip, n int) error {
		bins := x.Transform.Bins()
		for l, mix := range x.Layers {
			mix = mix.Slice(skip, skip+n, bins)
			for j, part := range shares {
				if dst[j][l].Re == nil {
					continue
				}
				if j == len(shares)-1 {
					wanted.Add(1)
				}
				floats.ScaleTo(dst[j][l].Re, part, mix.Re)
				floats.ScaleTo(dst[j][l].Im, part, mix.Im)
			}
		}
		return nil
	}
	return s
}

// opaque are coefficients of which nobody sees what they are of.
type opaque struct{ audiosep.Spectra }

// copied are the coefficients of a recording that do not bring its samples along.
type copied struct{ audiosep.Spectra }

func (c copied) Unwrap() any { return c.Spectra }

func (c copied) Read(ctx context.Context, dst *audiosep.Spectrogram, first, n int) error {
	var own audiosep.Spectrogram
	if err := c.Spectra.Read(ctx, &own, first, n); err != nil {
		return err
	}
	dst.Reset(c.Framing(), c.Transform(), first, n)
	for l, x := range own.Layers {
		copy(dst.Layers[l].Re, x.Re)
		copy(dst.Layers[l].Im, x.Im)
	}
	return nil
}

// The last of sources that sum to a recording is what the others leave of it: the same stem, but
// for rounding, as by a transform of its own, and without being separated; where nobody sees what
// recording it is, it is separated.
func TestLastIsTheRest(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	s := &audiosep.Signal{Rate: 8000, Channels: 2, Data: [][]float64{make([]float64, 5003), make([]float64, 5003)}}
	for _, x := range s.Data {
		for i := range x {
			x[i] = rng.NormFloat64()
		}
	}
	x, err := transforms.STFT(t.Context(), s, transforms.Frame(64, 0.25, "hann"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		x      audiosep.Spectra
		wanted bool
	}{{"cut", x, false}, {"copied", copied{x}, false}, {"opaque", opaque{x}, true}} {
		for _, size := range []int{1, 7, 1000} {
			ctx := blocks.WithSize(t.Context(), size)
			var wanted atomic.Int64
			got := collected(t, ctx, shared(c.x, true, &wanted))
			if (wanted.Load() > 0) != c.wanted {
				t.Errorf("%s: the last source was separated: %v; want %v", c.name, !c.wanted, c.wanted)
			}
			want := collected(t, ctx, shared(c.x, false, &wanted))
			for l, mixture := range s.Data {
				sum := make([]float64, len(mixture))
				for j := range got {
					floats.Add(sum, got[j].Data[l])
					if !floats.EqualApprox(got[j].Data[l], want[j].Data[l], 1e-12) {
						t.Errorf("%s, %d frames at a time: layer %d of source %d is not what is separated", c.name, size, l, j)
					}
				}
				for i, v := range mixture {
					if !c.wanted && math.Abs(sum[i]-v) > 0x1p-51*math.Max(1, math.Abs(v)) {
						t.Fatalf("%s: the sources sum to %v; want %v", c.name, sum[i], v)
					}
				}
			}
		}
	}
}

// Who says that the last source is the rest and writes it all the same, where its coefficients are nil, is
// told what to do; whoever fails for another reason is not.
func TestWritingTheRestIsExplained(t *testing.T) {
	s := &audiosep.Signal{Rate: 8000, Channels: 1, Data: [][]float64{make([]float64, 500)}}
	x, err := transforms.STFT(t.Context(), s, transforms.Frame(64, 0.25, "hann"))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		separate func(dst [][]audiosep.Coefs) error
		want     string
		hinted   bool
	}{
		"panics":        {func(dst [][]audiosep.Coefs) error { dst[1][0].Re[0] = 1; return nil }, "index out of range", true},
		"fails":         {func(dst [][]audiosep.Coefs) error { return fails(dst[1][0].Im == nil) }, "no luck", true},
		"panics always": {func(dst [][]audiosep.Coefs) error { panic("no luck") }, "no luck", false},
		"fails always":  {func(dst [][]audiosep.Coefs) error { return fails(true) }, "no luck", false},
	} {
		stems := &audiosep.SeparatedStems{X: x, Sources: []string{"a", "b"}, Rest: true, Separate: func(_ context.Context, dst [][]audiosep.Coefs, _ *audiosep.Spectrogram, _, _ int) error {
			return c.separate(dst)
		}}
		_, err := audiosep.Collect(t.Context(), stems)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "only where its Re is not nil") != c.hinted {
			t.Errorf("%s: error %v; want %q, and what to do: %v", name, err, c.want, c.hinted)
		}
	}
}

func fails(it bool) error {
	if it {
		return errors.New("no luck")
	}
	return nil
}

// Stems that begin in the middle have the bits of the whole from there on, the rest too.
func TestRestFromTheMiddle(t *testing.T) {
	s := &audiosep.Signal{Rate: 8000, Data: [][]float64{make([]float64, 3001)}}
	for i := range s.Data[0] {
		s.Data[0][i] = math.Sin(float64(i*i) / 5000)
	}
	x, err := transforms.STFT(t.Context(), s, transforms.Frame(64, 0.5, "hann"))
	if err != nil {
		t.Fatal(err)
	}
	var wanted atomic.Int64
	stems := shared(x, true, &wanted)
	whole := collected(t, t.Context(), stems)
	for _, at := range []int{0, 1, 31, 32, 700, 2999, 3000} {
		got := make([][]float64, len(shares))
		err := stems.EachFrom(t.Context(), at, nil, func(source int, block [][]float64) error {
			got[source] = append(got[source], block[0]...)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for j := range got {
			if !floats.Equal(got[j], whole[j].Data[0][at:]) {
				t.Errorf("source %d from sample %d on is not that of the whole", j, at)
			}
		}
	}
}

func collected(t *testing.T, ctx context.Context, s audiosep.Stems) []*audiosep.Signal {
	t.Helper()
	all, err := audiosep.Collect(ctx, s)
	if err != nil {
		t.Fatal(err)
	}
	return all
}
