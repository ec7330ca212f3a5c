package audiosep_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
)

// watchedPower is V of so many columns that is never given whole.
type watchedPower struct {
	audiosep.Power
	t             *testing.T
	before, after int
	silent        bool
}

func (p *watchedPower) V(context.Context) (*mat.Dense, error) {
	p.t.Error("V is asked for")
	return nil, errors.New("it is too much")
}
func (p *watchedPower) BeforeAll(context.Context) error { p.before++; return nil }
func (p *watchedPower) AfterAll(silent bool)            { p.after++; p.silent = silent }

func watched(t *testing.T, v *mat.Dense) *watchedPower {
	_, cols := v.Dims()
	ones := []float64{1, 1, 1, 1}
	f := audiosep.Framing{Head: audiosep.Head{Rate: 8000, Channels: 1, Realisations: 1, Samples: 4 * cols}, Length: 4, Hop: 4, Share: 1, Analysis: ones, Synthesis: ones}
	return &watchedPower{Power: audiosep.NewPower(v, f, nil), t: t}
}

// Each column is read once, and whether there is sound is told.
func TestReadPower(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	v := mat.NewDense(3, 5000, nil)
	for _, silent := range []bool{true, false} {
		p := watched(t, v)
		got := mat.NewDense(3, 5000, nil)
		times := make([]int, 5000)
		var mu sync.Mutex
		err := audiosep.ReadPower(t.Context(), p, func(first int, part *mat.Dense) error {
			rows, n := part.Dims()
			mu.Lock()
			defer mu.Unlock()
			for j := range n {
				times[first+j]++
			}
			got.Slice(0, rows, first, first+n).(*mat.Dense).Copy(part)
			part.Zero() // is take's own
			return nil
		})
		if err != nil || !mat.Equal(got, v) || p.before != 1 || p.after != 1 || p.silent != silent {
			t.Errorf("silent %v: error %v, told %d times before, %d after, silent %v", silent, err, p.before, p.after, p.silent)
		}
		for n, times := range times {
			if times != 1 {
				t.Fatalf("column %d is read %d times", n, times)
			}
		}
		for i := range v.RawMatrix().Data {
			v.RawMatrix().Data[i] = rng.Float64()
		}
	}
}

// The error is that of the first columns, whichever block is done first, and the same each time.
func TestReadPowerFails(t *testing.T) {
	v := mat.NewDense(3, 50000, nil)
	var all []string
	for range 20 {
		p := watched(t, v)
		err := audiosep.ReadPower(t.Context(), p, func(first int, _ *mat.Dense) error {
			if first > 0 {
				return fmt.Errorf("bad from %d", first)
			}
			return nil
		})
		if err == nil || p.after != 0 {
			t.Fatalf("error %v, told %d times that all is read", err, p.after)
		}
		if all = append(all, err.Error()); all[0] != err.Error() {
			t.Fatalf("the error is %v, at first %v", err, all[0])
		}
	}
	empty := watched(t, mat.NewDense(3, 1, nil))
	framing := empty.Framing()
	framing.Samples = 0
	empty.Power = audiosep.NewPower(mat.NewDense(3, 1, nil), framing, nil)
	if err := audiosep.ReadPower(t.Context(), empty, nil); err == nil {
		t.Error("a recording without frames is read")
	}
}
