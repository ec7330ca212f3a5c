package factorizers_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/factorizers"
	"github.com/audiosep/audiosep/internal/kernel"
)

// parts is a power that is never whole: it refuses V, and notes the most columns asked for.
type parts struct {
	audiosep.Power
	most atomic.Int64
}

func (p *parts) V(context.Context) (*mat.Dense, error) {
	return nil, fmt.Errorf("V was asked for as a whole")
}

func (p *parts) Columns(ctx context.Context, dst *mat.Dense, first int) error {
	_, n := dst.Dims()
	p.most.Store(max(p.most.Load(), int64(n)))
	return p.Power.Columns(ctx, dst, first)
}

// changing is V of n columns whose spectra and their activations change all the time.
func changing(seed uint64, bins, n int, scale float64) *mat.Dense {
	rng := audiosep.Env{Seed: seed}.Rand("v")
	v := mat.NewDense(bins, n, nil)
	for k := range 6 {
		w := make([]float64, bins)
		for f := range w {
			w[f] = rng.Float64() * rng.Float64()
		}
		for c := range n {
			if (c/37+k)%3 > 0 {
				continue
			}
			a := scale * rng.ExpFloat64()
			for f := range w {
				v.Set(f, c, v.At(f, c)+a*w[f]*(0.5+rng.Float64()))
			}
		}
	}
	for i := range v.RawMatrix().Data {
		v.RawMatrix().Data[i] += 1e-4 * scale
	}
	return v
}

func powerOf(v *mat.Dense) *parts {
	_, n := v.Dims()
	ones := []float64{1, 1}
	f := audiosep.Framing{Head: audiosep.Head{Rate: 8000, Samples: 2 * n, Channels: 1, Realisations: 1}, Length: 2, Hop: 2, Share: 1, Analysis: ones, Synthesis: ones}
	return &parts{Power: audiosep.NewPower(v, f, nil)}
}

func online(t *testing.T, seed uint64, p factorizers.OnlineNMFParams, init *audiosep.Factors, powers ...audiosep.Power) *audiosep.Factors {
	t.Helper()
	s, err := factorizers.NewOnlineNMF(p)
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.Run(t.Context(), audiosep.Env{Seed: seed}, factorizers.OnlineNMFIn{Power: powers, Init: init})
	if err != nil {
		t.Fatal(err)
	}
	return out.Factors
}

// One pass comes to within 2 % of whole NMF, on average over starts, for each divergence, both W
// judged by their activations; V is never whole, and the bits do not depend on the processors.
func TestOnlineNearWhole(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long")
	}
	const bins, n, rank, seeds = 40, 3000, 6, 3
	v := changing(1, bins, n, 1)
	for _, beta := range []float64{0, 1, 2} {
		p := factorizers.DefaultOnlineNMF()
		p.Rank, p.Beta, p.Batch = rank, beta, 300
		np := factorizers.DefaultISNMF()
		np.Rank, np.Tol = rank, 0
		nmf, err := factorizers.NewNMF(beta, np)
		if err != nil {
			t.Fatal(err)
		}
		var got, want float64
		for seed := range uint64(seeds) {
			power := powerOf(v)
			f := online(t, seed, p, nil, power)
			if most := power.most.Load(); most > 300 {
				t.Errorf("%d columns were read at once", most)
			}
			whole, err := nmf.Factorize(t.Context(), audiosep.Env{Seed: seed}, v, nil)
			if err != nil {
				t.Fatal(err)
			}
			got, want = got+judge(t, v, f.W, beta), want+judge(t, v, whole.W, beta)
		}
		if !(got <= 1.02*want) {
			t.Errorf("beta %v: the objective is %v; want at most 2 %% above %v", beta, got/seeds, want/seeds)
		}
	}
}

func TestOnlineBits(t *testing.T) {
	v := changing(1, 64, 900, 1)
	p := factorizers.DefaultOnlineNMF()
	p.Batch = 300
	one := online(t, 1, p, nil, powerOf(v))
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(3))
	if again := online(t, 1, p, nil, powerOf(v)); !mat.Equal(one.W, again.W) {
		t.Error("on other processors W has other bits")
	}
}

// judge returns the divergence with the activations of w.
func judge(t *testing.T, v, w *mat.Dense, beta float64) float64 {
	t.Helper()
	p := factorizers.DefaultActivations()
	p.Beta = beta
	a, err := factorizers.NewActivations(p)
	if err != nil {
		t.Fatal(err)
	}
	_, rank := w.Dims()
	_, n := v.Dims()
	h := mat.NewDense(rank, n, nil)
	if err := a.Activate(t.Context(), h, v, w); err != nil {
		t.Fatal(err)
	}
	return kernel.NewNMF(v.RawMatrix(), beta, p.Eps).Objective(t.Context(), w.RawMatrix(), h.RawMatrix())
}

// W does not depend on how loud the recording is, is learnt of all recordings, and learning
// may go on from it.
func TestOnlineRecordings(t *testing.T) {
	p := factorizers.DefaultOnlineNMF()
	p.Rank, p.Eps, p.Batch = 4, 0, 200
	v, loud, other := changing(1, 20, 900, 1), changing(1, 20, 900, 1<<20), changing(2, 20, 500, 1)
	f := online(t, 1, p, nil, powerOf(v))
	if g := online(t, 1, p, nil, powerOf(loud)); !mat.EqualApprox(f.W, g.W, 1e-6) {
		t.Error("W depends on the level")
	}
	both := online(t, 1, p, nil, powerOf(v), powerOf(other))
	if !(judge(t, other, both.W, 0) < 0.9*judge(t, other, f.W, 0)) {
		t.Error("W of both recordings fits the second no better than W of the first")
	}
	f.Sources = []audiosep.Group{{Name: "a", Components: []int{0, 1, 2, 3}}}
	p.Rank = 0
	on := online(t, 1, p, f, powerOf(other))
	if !(judge(t, other, on.W, 0) < 0.9*judge(t, other, f.W, 0)) || on.Sources == nil {
		t.Error("going on from W does not fit the second recording, or forgets whose components are")
	}
}

func TestOnlineRefuses(t *testing.T) {
	v := changing(1, 5, 50, 1)
	for want, try := range map[string]struct {
		rank int
		in   factorizers.OnlineNMFIn
	}{
		"recording 2 has 6 bins; want 5":          {2, factorizers.OnlineNMFIn{Power: []audiosep.Power{powerOf(v), powerOf(changing(1, 6, 50, 1))}}},
		"rank is 0, but no W is wired":            {0, factorizers.OnlineNMFIn{Power: []audiosep.Power{powerOf(v)}}},
		"rank is 3, but the wired factors have 2": {3, factorizers.OnlineNMFIn{Power: []audiosep.Power{powerOf(v)}, Init: &audiosep.Factors{W: mat.NewDense(5, 2, nil)}}},
		"no frames": {2, factorizers.OnlineNMFIn{Power: []audiosep.Power{powerOf(v).of(0)}}},
	} {
		p := factorizers.DefaultOnlineNMF()
		p.Rank = try.rank
		s, err := factorizers.NewOnlineNMF(p)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Run(t.Context(), audiosep.Env{}, try.in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %s", err, want)
		}
	}
}

// of returns a power of as few samples.
func (p *parts) of(samples int) audiosep.Power {
	f := p.Framing()
	f.Samples = samples
	return audiosep.NewPower(changing(1, 5, 1, 1), f, nil)
}
