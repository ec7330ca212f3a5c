package separators

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/audiosep/audiosep"
	"pgregory.net/rapid"
)

// signals returns n signals of noise that share nothing.
func signals(rng *rand.Rand, n, samples int) []*audiosep.Signal {
	all := make([]*audiosep.Signal, n)
	for j := range all {
		all[j] = &audiosep.Signal{Rate: 8000, Channels: 2, Data: zeros(2, samples)}
		for _, x := range all[j].Data {
			for i := range x {
				x[i] = rng.NormFloat64()
			}
		}
	}
	return all
}

// blocky are stems that come in blocks of a size of their own.
type blocky struct {
	audiosep.Stems
	data []*audiosep.Signal
	size int
	fail error // after the first blocks
}

func (b *blocky) Each(ctx context.Context, write func(int, [][]float64) error) error {
	total := b.Head().Samples
	for at := 0; at < total; at += b.size {
		if at > 0 && b.fail != nil {
			return b.fail
		}
		for j, s := range b.data {
			var block [][]float64
			for _, x := range s.Data {
				block = append(block, x[at:min(at+b.size, total)])
			}
			if err := write(j, block); err != nil {
				return err
			}
		}
	}
	return nil
}

func stems(t interface{ Fatal(...any) }, size int, data ...*audiosep.Signal) *blocky {
	names := make([]string, len(data))
	for j := range names {
		names[j] = fmt.Sprint("s", j)
	}
	s, err := audiosep.NewStems(names, data)
	if err != nil {
		t.Fatal(err)
	}
	return &blocky{s, data, size, nil}
}

// Separations that differ in order and, by noise, in detail are aligned with the first, in
// blocks of whatever size, and their mean is nearer to the truth than any.
func TestEnsembleAligns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		j, many := rapid.IntRange(1, 5).Draw(t, "sources"), rapid.IntRange(2, 6).Draw(t, "separations")
		truth := signals(rng, j, 500)
		var all []audiosep.Stems
		for r := range many {
			noisy, order := signals(rng, j, 500), rng.Perm(j)
			if r == 0 {
				order = ints(0, j)
			}
			for a, b := range order {
				for l, x := range noisy[a].Data {
					for i := range x {
						x[i] = truth[b].Data[l][i] + x[i]
					}
				}
			}
			all = append(all, stems(t, rapid.IntRange(1, 600).Draw(t, "block"), noisy...))
		}
		out, agreement, err := Combine(t.Context(), DefaultEnsemble(), all)
		if err != nil {
			t.Fatal(err)
		}
		got, err := audiosep.Collect(t.Context(), out)
		if err != nil {
			t.Fatal(err)
		}
		for s := range got {
			var off, of float64
			for l, x := range got[s].Data {
				for i, v := range x {
					d := v - truth[s].Data[l][i]
					off += d * d
					of += 1
				}
			}
			if part := off / of * float64(many); math.Abs(part-1) > 0.3 { // noise of variance 1/many
				t.Fatalf("source %d is off by %.2f of the variance of the mean; want about 1", s, part)
			}
			if math.Abs(agreement[s]-0.5) > 0.2 { // truth and noise are as loud
				t.Fatalf("agreement %v; want about 0.5", agreement)
			}
		}
	})
}

// The mean of separations that sum to the mixture sums to it, one separation alone is itself
// to the bit, and a median passes over an odd one among three.
func TestEnsembleSums(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	x := signals(rng, 3, 2000)
	odd := signals(rng, 3, 2000)
	for j := range odd {
		for l := range odd[j].Data {
			for i := range odd[j].Data[l] {
				odd[j].Data[l][i] = x[j].Data[l][i] + 100*float64(i%2)
			}
		}
	}
	one, same := stems(t, 77, x...), stems(t, 500, x[1], x[2], x[0])
	median := EnsembleParams{Combine: "median", Names: []string{"a", "b", "c"}}
	for name, c := range map[string]struct {
		p   EnsembleParams
		all []audiosep.Stems
	}{
		"one":    {DefaultEnsemble(), []audiosep.Stems{one}},
		"twice":  {DefaultEnsemble(), []audiosep.Stems{one, same}},
		"median": {median, []audiosep.Stems{one, same, stems(t, 13, odd...)}},
	} {
		out, _, err := Combine(t.Context(), c.p, c.all)
		if err != nil {
			t.Fatal(err)
		}
		got, err := audiosep.Collect(t.Context(), out)
		if err != nil {
			t.Fatal(err)
		}
		for j, s := range got {
			for l, y := range s.Data {
				for i, v := range y {
					if v != x[j].Data[l][i] {
						t.Fatalf("%s: source %d, channel %d, sample %d is %v; want %v", name, j, l, i, v, x[j].Data[l][i])
					}
				}
			}
		}
	}
}

func TestEnsembleRefuses(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	x := signals(rng, 2, 100)
	broken := stems(t, 10, x...)
	broken.fail = errors.New("a broken string")
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		ctx  context.Context
		p    EnsembleParams
		all  []audiosep.Stems
		want string
	}{
		{t.Context(), DefaultEnsemble(), nil, "there are no separations; want at least one"},
		{t.Context(), DefaultEnsemble(), []audiosep.Stems{stems(t, 9, x...), stems(t, 9, x[0])}, "separation 2 has 1 source; want 2, as the first"},
		{t.Context(), DefaultEnsemble(), []audiosep.Stems{stems(t, 9, x...), stems(t, 9, signals(rng, 2, 99)...)}, "separation 2 has 99 samples at 8000 Hz in 2 layers; want 100 at 8000 Hz in 2, as the first"},
		{t.Context(), EnsembleParams{Names: []string{"a"}}, []audiosep.Stems{stems(t, 9, x...)}, "names has 1 entry; want 2, one for each source"},
		{t.Context(), DefaultEnsemble(), []audiosep.Stems{stems(t, 9, x...), broken}, "a broken string"},
		{cancelled, DefaultEnsemble(), []audiosep.Stems{stems(t, 9, x...)}, "context canceled"},
	} {
		if _, _, err := Combine(c.ctx, c.p, c.all); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v; want %s", err, c.want)
		}
	}
}
