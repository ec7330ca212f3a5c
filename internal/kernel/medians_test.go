package kernel

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// Every path, whatever the shape, has the middle of each column as sorting it has.
func TestMediansAgainstSorting(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(6, 4))
		kinds := []func() float32{
			func() float32 { return float32(r.ExpFloat64()) },
			func() float32 { return float32(r.IntN(3)) },
			func() float32 { return 0.7 },
			func() float32 { return 0 },
			func() float32 { return math.Float32frombits(r.Uint32N(200)) }, // denormal
			func() float32 { return math.Float32frombits(r.Uint32N(0x7f800001)) },
			func() float32 { return math.MaxFloat32 },
		}
		var m Medians
		for count := 1; count <= 130; count++ {
			for _, bins := range []int{1, 7, 8, 15, 16, 17, 33, 70} {
				stride := bins + r.IntN(3)
				x, rows := make([]float32, (count+5)*stride), make([]int32, count)
				kind := r.IntN(len(kinds) + 1)
				for i := range x {
					if kind < len(kinds) {
						x[i] = kinds[kind]()
					} else { // another in each column
						x[i] = kinds[i%stride%len(kinds)]()
					}
				}
				for i, row := range r.Perm(count + 5)[:count] {
					rows[i] = int32(row)
				}
				checkMedians(t, &m, x, bins, stride, rows)
			}
		}
	})
}

// checkMedians holds the medians of the rows of x against those of sorted columns.
func checkMedians(t *testing.T, m *Medians, x []float32, bins, stride int, rows []int32) {
	t.Helper()
	got, most := make([]float64, bins+1), make([]float64, bins)
	got[bins] = -1
	for f := range most { // about the median, one of the numbers, one beside it, or above all
		at := float64(x[int(rows[f%len(rows)])*stride+f])
		most[f] = [...]float64{at, math.Nextafter(at, math.Inf(1)), 0.7, math.Inf(1), math.MaxFloat64}[f%5]
	}
	m.Of(got[:bins], most, x, stride, rows)
	column, n := make([]float64, len(rows)), len(rows)
	for f := range bins {
		for i, row := range rows {
			column[i] = float64(x[int(row)*stride+f])
		}
		slices.Sort(column)
		if want := min((column[(n-1)/2]+column[n/2])/2, most[f]); got[f] != want {
			t.Fatalf("column %d of %d, %d rows: %v; want %v of %v", f, bins, n, got[f], want, column)
		}
	}
	if got[bins] != -1 {
		t.Fatalf("%d columns of %d rows: what comes after them is %v", bins, n, got[bins])
	}
}

// Medians of rows that a matrix does not have are refused.
func TestMediansOutside(t *testing.T) {
	x, dst := make([]float32, 100), make([]float64, 20)
	for _, rows := range [][]int32{nil, {5}, {0, -1}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("rows %v of 5 are taken", rows)
				}
			}()
			new(Medians).Of(dst, dst, x, 20, rows)
		}()
	}
}

func BenchmarkMedians(b *testing.B) {
	r := rand.New(rand.NewPCG(6, 5))
	x, rows, dst, most := make([]float32, 400*1025), make([]int32, 100), make([]float64, 1025), make([]float64, 1025)
	for i := range x {
		x[i] = float32(r.ExpFloat64())
	}
	for i := range rows {
		rows[i] = int32(r.IntN(400))
	}
	for i := range most {
		most[i] = r.ExpFloat64()
	}
	var m Medians
	for b.Loop() {
		m.Of(dst, most, x, 1025, rows)
	}
}
