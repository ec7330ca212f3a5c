package kernel

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestLogAgainstMath(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 4))
		for n := range 40 {
			n *= 37
			x, got := make([]float64, n), make([]float64, n)
			for i := range x {
				switch r.IntN(4) {
				case 0:
					x[i] = math.Float64frombits(r.Uint64()) // any
				case 1:
					x[i] = 1 + 1e-3*r.NormFloat64()
				default:
					x[i] = math.Exp(20 * r.NormFloat64())
				}
			}
			Log(got, x)
			for i, x := range x {
				want := math.Log(x)
				ulp := math.Abs(math.Nextafter(want, math.Inf(1)) - want)
				if !(math.Abs(got[i]-want) <= 2*ulp) && got[i] != want && !(math.IsNaN(got[i]) && math.IsNaN(want)) {
					t.Fatalf("log %v = %v; want %v", x, got[i], want)
				}
			}
		}
	})
}

func TestExpAgainstMath(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(3, 4))
		x := []float64{0, math.Inf(1), math.Inf(-1), math.NaN(), 709, 709.79, -708.5, -745, -745.2, 1e300, -1e300, 1e-300, 0.3465735902799727}
		for range 3000 {
			x = append(x, 300*r.NormFloat64(), r.NormFloat64())
		}
		got := make([]float64, len(x))
		Exp(got, x)
		for i, x := range x {
			want := math.Exp(x)
			ulp := math.Nextafter(want, math.Inf(1)) - want
			if !(math.Abs(got[i]-want) <= 2*ulp) && got[i] != want && !(math.IsNaN(got[i]) && math.IsNaN(want)) {
				t.Errorf("exp %v = %v; want %v", x, got[i], want)
			}
		}
	})
}

func TestScaleAgainstFormula(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(6, 4))
		for n := range 40 {
			x, num, den, got := make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
			for i := range x {
				x[i], num[i], den[i] = r.Float64(), r.ExpFloat64(), r.ExpFloat64()
				switch r.IntN(6) {
				case 0:
					num[i] = 0
				case 1:
					num[i], den[i] = 0, 0
				}
			}
			for _, gamma := range []float64{1, 0.5, 2. / 3} {
				Scale(got, x, num, den, gamma)
				for i := range x {
					want := x[i] * math.Pow(num[i]/den[i], gamma)
					if den[i] == 0 {
						want = x[i]
					}
					if !(math.Abs(got[i]-want) <= 1e-14*want) {
						t.Fatalf("γ = %v, %d of %d: %v; want %v", gamma, i, n, got[i], want)
					}
				}
			}
		}
	})
}

func TestElementwiseAgainstLoops(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(2, 4))
		for n := range 50 {
			x, y, d := make([]float64, n), make([]float64, n), make([]float64, n)
			for i := range x {
				x[i], y[i], d[i] = r.NormFloat64(), r.NormFloat64(), r.NormFloat64()
			}
			mul, div, power, square := make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
			both, one := append([]float64(nil), d...), append([]float64(nil), d...)
			Mul(mul, x, y)
			Div(div, x, y)
			Power(power, x, y)
			MulSquare(square, x, y)
			AddPower(both, x, y)
			AddPower(one, x, nil)
			for i := range x {
				if mul[i] != x[i]*y[i] || div[i] != x[i]/y[i] || power[i] != math.FMA(y[i], y[i], x[i]*x[i]) || square[i] != x[i]*y[i]*y[i] ||
					both[i] != d[i]+math.FMA(y[i], y[i], x[i]*x[i]) || one[i] != math.FMA(x[i], x[i], d[i]) {
					t.Fatalf("element %d of %d: %v %v %v %v %v %v", i, n, mul[i], div[i], power[i], square[i], both[i], one[i])
				}
			}
		}
	})
}

func TestSumLogAgainstMath(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{0, 1, 2, 3, 2047, 2048, 2053, 5000} {
		x := make([]float64, n)
		want := 0.0
		for i := range x {
			x[i] = math.Exp(600 * (2*rng.Float64() - 1))
			want += math.Log(x[i] + 1e-9)
		}
		if got := SumLog(x, 1e-9); math.Abs(got-want) > 1e-13*float64(n)*100 {
			t.Errorf("%d numbers: %.15g; want %.15g", n, got, want)
		}
	}
}

func TestTransposeEveryShape(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(3, 4))
		for rows := range 22 {
			for cols := range 22 {
				src, dst := random(r, rows, cols, cols+2), random(r, cols, rows, rows+3)
				want := append([]float64(nil), dst.Data...)
				for i := range rows {
					for j := range cols {
						want[j*dst.Stride+i] = src.Data[i*src.Stride+j]
					}
				}
				Transpose(dst.Data, dst.Stride, src.Data, src.Stride, rows, cols)
				if !slices.Equal(dst.Data, want) {
					t.Fatalf("%d×%d: %v; want %v", rows, cols, dst.Data, want)
				}
			}
		}
	})
}

// TestTransposeSingleEveryShape: each number is rounded once, times the scale; what float32 has no
// normal number for is 0 or infinite, and nothing beside it is written.
func TestTransposeSingleEveryShape(t *testing.T) {
	const scale = 3
	onEveryPath(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(5, 4))
		for i := range 60 {
			rows, cols := r.IntN(150), r.IntN(150)
			if i < 20 {
				rows, cols = r.IntN(9), r.IntN(9)
			}
			src := random(r, rows, cols, cols+2)
			for j := 0; j < len(src.Data); j += 1 + r.IntN(5) {
				src.Data[j] = []float64{0, 0x1p-126 / scale, 0x1p-127, -0x1p-130, 1e-300, 1e38, 2e38, -1e300}[r.IntN(8)]
			}
			stride := rows + 3
			dst := make([]float32, cols*stride)
			for j := range dst {
				dst[j] = 7
			}
			want := slices.Clone(dst)
			for i := range rows {
				for j := range cols {
					y := float32(src.Data[i*src.Stride+j] * scale)
					if math.Abs(float64(y)) < 0x1p-126 {
						y = 0
					}
					want[j*stride+i] = y
				}
			}
			TransposeSingle(dst, stride, src.Data, src.Stride, rows, cols, scale)
			if !slices.Equal(dst, want) {
				t.Fatalf("%d×%d: %v; want %v", rows, cols, dst, want)
			}
		}
	})
}

func BenchmarkLog(b *testing.B) {
	x, y := make([]float64, 4096), make([]float64, 4096)
	for i := range x {
		x[i] = float64(i + 1)
	}
	b.ReportMetric(1e9*leastTime(b, func() { Log(y, x) })/4096, "ns/number")
}
