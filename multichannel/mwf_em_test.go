package multichannel

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/blocks"
)

// array is coefficients in memory, [t][f][c], as Spectra; layers are channels.
type array struct {
	audiosep.Spectra // panics if it is asked
	bins, channels   int
	z                []complex128
}

func (a *array) Framing() audiosep.Framing {
	n := len(a.z) / a.bins / a.channels
	return audiosep.Framing{Head: audiosep.Head{Rate: 8000, Samples: n, Channels: a.channels, Realisations: 1}, Length: 1, Hop: 1, Analysis: []float64{1}, Share: 1}
}

func (a *array) Read(_ context.Context, dst *audiosep.Spectrogram, first, n int) error {
	dst.First, dst.N, dst.Layers = first, n, nil
	for c := range a.channels {
		x := audiosep.Coefs{Re: make([]float64, n*a.bins), Im: make([]float64, n*a.bins)}
		for i := range x.Re {
			z := a.z[(first*a.bins+i)*a.channels+c]
			x.Re[i], x.Im[i] = real(z), imag(z)
		}
		dst.Layers = append(dst.Layers, x)
	}
	return nil
}

// From the same estimates the filtered sources are norbert's, to 1e-9.
func TestMWFEMGolden(t *testing.T) {
	const frames, bins, sources = 12, 3, 3
	want := golden(t, "norbert_golden.npz")
	for _, channels := range []int{2, 3} {
		x := &array{bins: bins, channels: channels}
		for i := 0; i < len(want[fmt.Sprintf("%d.x", channels)]); i += 2 {
			v := want[fmt.Sprintf("%d.x", channels)]
			x.z = append(x.z, complex(v[i], v[i+1]))
		}
		y := want[fmt.Sprintf("%d.y", channels)]
		for _, iterations := range []int{1, 3} {
			m := &spatialModel{bins: bins, channels: channels, sources: sources, ridge: 1e-12}
			for j := range sources {
				a := &array{bins: bins, channels: channels}
				for i := j; i < len(y)/2; i += sources {
					a.z = append(a.z, complex(y[2*i], y[2*i+1]))
				}
				m.estimates = append(m.estimates, a)
			}
			for range iterations {
				if err := m.update(t.Context(), x, 0); err != nil {
					t.Fatal(err)
				}
			}
			var off, all float64
			golden := want[fmt.Sprintf("%d.%d", channels, iterations)]
			err := m.each(t.Context(), newMWFBench(m), x, 0, frames, nil, func(b *mwfBench, _, i, _ int) {
				for j := range sources {
					for c := range channels {
						at := 2 * ((i*channels+c)*sources + j)
						off += math.Pow(real(b.y[j*channels+c])-golden[at], 2) + math.Pow(imag(b.y[j*channels+c])-golden[at+1], 2)
						all += golden[at]*golden[at] + golden[at+1]*golden[at+1]
					}
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			if e := math.Sqrt(off / all); !(e <= 1e-9) {
				t.Errorf("%d channels, %d iterations: the sources differ by %.3g of their norm; want 1e-9", channels, iterations, e)
			}
		}
	}
}

// estimated returns a mixture whose sources come with delays and gains, and estimates that each
// have a good deal of the others.
func estimated(t *testing.T, channels int) (mix *audiosep.Signal, images [][][]float64, stems audiosep.Stems) {
	t.Helper()
	mix, images = delayed(talkers(7, 3, 20000), channels)
	var signals []*audiosep.Signal
	for _, im := range images {
		s := &audiosep.Signal{Rate: mix.Rate, Channels: channels, Data: make([][]float64, channels)}
		for c := range s.Data {
			for i, v := range im[c] {
				s.Data[c] = append(s.Data[c], 0.7*v+0.1*mix.Data[c][i])
			}
		}
		signals = append(signals, s)
	}
	stems, err := audiosep.NewStems([]string{"a", "b", "c"}, signals)
	if err != nil {
		t.Fatal(err)
	}
	return mix, images, stems
}

func mwfEM(t *testing.T, ctx context.Context, iterations int, x audiosep.Spectra, estimates audiosep.Stems) []*audiosep.Signal {
	t.Helper()
	p := DefaultMWFEM()
	p.Iterations = iterations
	s, err := NewMWFEM(p)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	out, err := s.Run(ctx, audiosep.Env{}, MWFEMIn{x, estimates})
	if err != nil {
		t.Fatal(err)
	}
	stems, err := audiosep.Collect(ctx, out.Sources)
	if err != nil {
		t.Fatal(err)
	}
	return stems
}

// What estimates have of sources in other places is taken out; the sources keep their names and
// sum to the mixture; bits do not depend on blocks and threads.
func TestMWFEMSeparates(t *testing.T) {
	mix, images, estimates := estimated(t, 2)
	x := spectra(t, mix, 256)
	stems := mwfEM(t, t.Context(), 2, x, estimates)
	before, err := audiosep.Collect(t.Context(), estimates)
	if err != nil {
		t.Fatal(err)
	}
	if gain := bestOrder(stems, images) - bestOrder(before, images); gain < 3 {
		t.Errorf("the sources are %.1f dB better than the estimates; want 3", gain)
	}
	for c, want := range mix.Data {
		for i, v := range want {
			if sum := stems[0].Data[c][i] + stems[1].Data[c][i] + stems[2].Data[c][i]; math.Abs(sum-v) > 1e-9 {
				t.Fatalf("the sources sum to %v at sample %d of channel %d; want %v", sum, i, c, v)
			}
		}
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(5))
	for j, s := range mwfEM(t, blocks.WithSize(t.Context(), 7), 2, x, estimates) {
		if !slices.Equal(s.Data[1], stems[j].Data[1]) {
			t.Errorf("on 5 threads, in blocks of 7, source %d differs", j+1)
		}
	}
}

func TestMWFEMRefuses(t *testing.T) {
	mix, _, estimates := estimated(t, 2)
	short := &audiosep.Signal{Rate: mix.Rate, Channels: 2, Data: [][]float64{mix.Data[0][:9000], mix.Data[1][:9000]}}
	s, err := NewMWFEM(DefaultMWFEM())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	const want = "the sources have 20000 samples at 8000 Hz in 2 layers, and the coefficients are of 9000 at 8000 Hz in 2; want those of one recording"
	if _, err := s.Run(t.Context(), audiosep.Env{}, MWFEMIn{spectra(t, short, 256), estimates}); fmt.Sprint(err) != want {
		t.Errorf("got %v; want %s", err, want)
	}
}
