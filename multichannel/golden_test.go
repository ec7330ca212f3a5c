package multichannel

import (
	"archive/zip"
	"fmt"
	"math"
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/npy"
)

// The sizes of the golden arrays: bins, frames, own and shared bases.
const goldenBins, goldenFrames, goldenOwn, goldenShared = 8, 60, 3, 5

// golden has what a peer made; the script of the same name has how.
func golden(t *testing.T, file string) map[string][]float64 {
	t.Helper()
	z, err := zip.OpenReader("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	all := map[string][]float64{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		a, err := npy.Read(r, int64(f.UncompressedSize64))
		if err != nil {
			t.Fatal(err)
		}
		all[f.Name[:len(f.Name)-len(".npy")]] = a.Data
	}
	return all
}

// goldenMixture lays x, (M, F, T, 2), out by bins, in float64 as the peers have it.
func goldenMixture(x []float64, channels int) *mixture {
	m := newMixture(goldenBins, channels, goldenFrames, Storage{"float64"})
	for i, v := range x {
		part, t := i%2, i/2%m.frames
		f, c := i/2/m.frames%m.bins, i/2/m.frames/m.bins
		m.x[((f*2+part)*channels+c)*m.stride+t] = v
	}
	return m
}

// setActs sets A to rows of goldenFrames numbers.
func (m *lowRank) setActs(rows []float64) {
	for i, v := range rows {
		m.acts[i/goldenFrames*m.stride+i%goldenFrames] = v
	}
}

// checkGolden holds the matrices, projected back on channel 0, and the objective of each
// iteration against ssspy's: both to 1e-9.
func checkGolden(t *testing.T, want map[string][]float64, name string, d *demixer, objective []float64) {
	t.Helper()
	w, c := want[name+".w"], d.channels
	if len(w) == 0 {
		t.Fatalf("there are no golden numbers %s", name)
	}
	im := d.images("projection_back")
	var off, all float64
	for f := range d.bins {
		for n := range c {
			for j := range c {
				z := im.a[(f*c+n)*c] * d.matrix(f)[n*c+j]
				i := 2 * ((f*c+n)*c + j)
				off += math.Pow(real(z)-w[i], 2) + math.Pow(imag(z)-w[i+1], 2)
				all += w[i]*w[i] + w[i+1]*w[i+1]
			}
		}
	}
	if e := math.Sqrt(off / all); !(e <= 1e-9) {
		t.Errorf("%s: the matrices differ by %.3g of their norm; want 1e-9", name, e)
	}
	for i, got := range objective {
		if w := want[name+".loss"][i]; !(math.Abs(got-w) <= 1e-9*math.Abs(w)) {
			t.Errorf("%s: the objective is %.15g after %d iterations; want %.15g", name, got, i, w)
		}
	}
}

// objectives returns the objective of a start and of so many iterations.
func objectives(s solver, iterations int) []float64 {
	s.start()
	all := []float64{s.objective()}
	for range iterations {
		s.iterate()
		all = append(all, s.objective())
	}
	return all
}

func TestIVAGolden(t *testing.T) {
	want := golden(t, "ssspy_golden.npz")
	for _, channels := range []int{2, 3} {
		m := goldenMixture(want[fmt.Sprintf("%d.x", channels)], channels)
		for _, model := range []string{"laplace", "gauss"} {
			for update := range updates {
				for _, iterations := range []int{1, 3, 10} {
					s := newIVA(newDemixer(m), IVAParams{Model: model, Update: update})
					objective := objectives(s, iterations)
					if model == "gauss" {
						objective = nil // ssspy tells that of variances before their update
					}
					checkGolden(t, want, fmt.Sprintf("%d.%s.%s.%d", channels, model, update, iterations), s.demixer, objective)
				}
			}
		}
	}
}

func TestILRMAGolden(t *testing.T) {
	want := golden(t, "ssspy_golden.npz")
	for _, channels := range []int{2, 3} {
		m := goldenMixture(want[fmt.Sprintf("%d.x", channels)], channels)
		for _, model := range []string{"gauss", "t"} {
			for update := range sweeps {
				for bases, rank := range map[string]int{"own": goldenOwn, "partitioned": goldenShared} {
					for _, iterations := range []int{1, 3, 10} {
						p := ILRMAParams{Model: model, Freedom: 4, Update: update, Bases: bases, Rank: rank}
						s := newILRMA(newDemixer(m), p, audiosep.Env{}, 0)
						from := fmt.Sprintf("%d.", channels)
						if bases == "partitioned" {
							copy(s.part, want[from+"latent"])
							from += "shared_"
						}
						copy(s.bases, want[from+"basis"])
						s.setActs(want[from+"activation"])
						if s.shared {
							s.share()
						}
						checkGolden(t, want, fmt.Sprintf("%d.ilrma_%s.%s.%s.%d", channels, model, update, bases, iterations), s.demixer, objectives(s, iterations))
					}
				}
			}
		}
	}
}

// From the same start Q and the objective are ssspy's, with as many sources as channels and one
// more.
func TestFastMNMFGolden(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long")
	}
	mixtures, want := golden(t, "ssspy_golden.npz"), golden(t, "ssspy_fast_mnmf_golden.npz")
	for _, channels := range []int{2, 3} {
		m := goldenMixture(mixtures[fmt.Sprintf("%d.x", channels)], channels)
		for _, sources := range []int{channels, channels + 1} {
			from := fmt.Sprintf("%d.%d.", channels, sources)
			for _, update := range []string{"ip1", "ip2"} {
				for _, iterations := range []int{1, 3, 10} {
					s := newMNMF(newDemixer(m), FastMNMFParams{Sources: sources, Rank: goldenOwn, Update: update}, audiosep.Env{})
					copy(s.bases, want[from+"basis"])
					s.setActs(want[from+"activation"])
					copy(s.gains, want[from+"gains"])
					objective := objectives(s, iterations)
					name := fmt.Sprintf("%s%s.%d", from, update, iterations)
					checkGolden(t, want, name, s.demixer, objective)
				}
			}
		}
	}
}

func TestFDICAGolden(t *testing.T) {
	mixtures, want := golden(t, "ssspy_golden.npz"), golden(t, "fdica_overiva_golden.npz")
	for _, channels := range []int{2, 3} {
		m := goldenMixture(mixtures[fmt.Sprintf("%d.x", channels)], channels)
		for _, iterations := range []int{1, 3, 10} {
			s := newFDICA(newDemixer(m))
			checkGolden(t, want, fmt.Sprintf("%d.fdica.%d", channels, iterations), s.demixer, objectives(s, iterations))
		}
	}
}

// With fewer sources than channels the rows of the sources are those of pyroomacoustics' OverIVA,
// but for the scale.
func TestOverIVAGolden(t *testing.T) {
	mixtures, want := golden(t, "ssspy_golden.npz"), golden(t, "fdica_overiva_golden.npz")
	for _, channels := range []int{2, 3} {
		m := goldenMixture(mixtures[fmt.Sprintf("%d.x", channels)], channels)
		for sources := 1; sources < channels; sources++ {
			for _, model := range []string{"laplace", "gauss"} {
				for _, iterations := range []int{1, 3, 10} {
					s := newIVA(newOverdemixer(m, sources), IVAParams{Model: model, Update: "ip1"})
					if err := learn(t.Context(), s, iterations, func(float64) {}); err != nil {
						t.Fatal(err)
					}
					name := fmt.Sprintf("%d.%d.%s.%d", channels, sources, model, iterations)
					var off, all float64
					for i, w := range want[name+".w"] {
						row := i / 2 / channels
						own := s.matrix(row / sources)[row%sources*channels:][:channels]
						z := own[i/2%channels] / own[0]
						off += math.Pow([2]float64{real(z), imag(z)}[i%2]-w, 2)
						all += w * w
					}
					if e := math.Sqrt(off / all); !(e <= 1e-9) {
						t.Errorf("%s: the rows differ by %.3g of their norm; want 1e-9", name, e)
					}
				}
			}
		}
	}
}
