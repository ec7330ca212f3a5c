package factorizers

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
)

// partsOnly is V that is never given whole.
type partsOnly struct {
	audiosep.Power
	t *testing.T
}

func (p partsOnly) V(context.Context) (*mat.Dense, error) {
	p.t.Error("V is asked for")
	return nil, errors.New("it is too much")
}

func inParts(t *testing.T, v *mat.Dense) audiosep.Power {
	_, cols := v.Dims()
	ones := []float64{1, 1, 1, 1}
	f := audiosep.Framing{Head: audiosep.Head{Rate: 8000, Channels: 1, Realisations: 1, Samples: 4 * cols}, Length: 4, Hop: 4, Share: 1, Analysis: ones, Synthesis: ones}
	return partsOnly{audiosep.NewPower(v, f, nil), t}
}

// A V that is read in blocks, and is never whole, has the factors of the matrix, bit by bit.
func TestPowerInBlocks(t *testing.T) {
	v := randomV(rand.New(rand.NewPCG(8, 2)), 12, 1100)
	for _, start := range []string{"random", "nndsvd"} {
		for power := 1; power <= 2; power++ {
			p := params(3, 2)
			p.Start, p.Power = start, power
			s, err := NewNMF(1, p)
			if err != nil {
				t.Fatal(err)
			}
			want, err := s.Factorize(t.Context(), audiosep.Env{Seed: 2}, v, nil)
			if err != nil {
				t.Fatal(err)
			}
			got, err := audiosep.Factorize(t.Context(), audiosep.Env{Seed: 2}, s, inParts(t, v), nil)
			if err != nil || !mat.Equal(got.W, want.W) || !mat.Equal(got.H, want.H) {
				t.Errorf("start %s, power %d: the factors differ from those of the matrix: %v", start, power, err)
			}
		}
	}
}

// What cannot be factorised is told of where it comes first, whether V is whole or read.
func TestPowerRefused(t *testing.T) {
	p := params(2, 1)
	p.Eps = 0
	s, err := NewNMF(0, p)
	if err != nil {
		t.Fatal(err)
	}
	for x, want := range map[float64]string{-1: "has -1 in bin 2, column 1700", 0: "is 0 in bin 2, column 1700"} {
		v := randomV(rand.New(rand.NewPCG(8, 3)), 5, 2500)
		v.Set(1, 2400, -3)
		v.Set(2, 1700, x)
		_, whole := s.Factorize(t.Context(), audiosep.Env{}, v, nil)
		_, read := audiosep.Factorize(t.Context(), audiosep.Env{}, s, inParts(t, v), nil)
		if whole == nil || read == nil || !strings.Contains(whole.Error(), want) || read.Error() != whole.Error() {
			t.Errorf("whole: %v\nread: %v\nwant: %s", whole, read, want)
		}
	}
}

// Products with V in strips are those of the matrix, bit by bit.
func TestSpectrogramProducts(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 4))
	v, x := randomV(rng, 70, 900), randomV(rng, 900, 12)
	s := layOut(v)
	var want, back mat.Dense
	want.Mul(v, x)
	got := mat.NewDense(70, 12, nil)
	if s.times(got, x); !mat.Equal(got, &want) {
		t.Error("Vx differs")
	}
	back.Mul(v.T(), got)
	if s.transposedTimes(x, got); !mat.Equal(x, &back) {
		t.Error("Vᵀy differs")
	}
	if s.Sum() != mat.Sum(v) {
		t.Errorf("the sum is %v; want %v", s.Sum(), mat.Sum(v))
	}
}
