package report

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/pipeline"
)

// The picture of V is the same whether it is given whole or in blocks, in whatever order.
func TestPowerPictureInBlocks(t *testing.T) {
	const bins, columns = 65, 2*mostColumns + 100
	r := rand.New(rand.NewPCG(1, 2))
	v := mat.NewDense(bins, columns, nil)
	v.Apply(func(int, int, float64) float64 { return r.ExpFloat64() }, v)
	a := Axes{Seconds: 0.01}
	for k := range bins {
		a.Hz = append(a.Hz, float64(k)*4000/(bins-1))
	}
	drawn := func(firsts ...int) pagePower {
		p := newPowerPicture(pipeline.Ref{Stage: "stft", Port: "power"}, a, audiosep.Framing{Head: audiosep.Head{Rate: 8000}, Length: 128, Hop: 80}, columns)
		for i := range firsts {
			to := columns
			for _, other := range firsts {
				if other > firsts[i] {
					to = min(to, other)
				}
			}
			if err := p.add(firsts[i], v.Slice(0, bins, firsts[i], to).(*mat.Dense)); err != nil {
				t.Fatal(err)
			}
		}
		return p.drawn()
	}
	whole := drawn(0)
	if parts := drawn(1001, 0, 4000, 1000); !reflect.DeepEqual(parts, whole) {
		t.Error("the picture of blocks is another than that of V whole")
	}
	if whole.Columns > mostColumns || whole.Columns <= mostColumns/2 {
		t.Errorf("it has %d columns; want at most %d", whole.Columns, mostColumns)
	}
}
