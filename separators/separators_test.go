package separators

import (
	"encoding/json"
	"math"
	"reflect"
	"testing"

	"github.com/audiosep/audiosep"
	"gonum.org/v1/gonum/mat"
	"pgregory.net/rapid"
)

func build(t testing.TB, def audiosep.Definition, params string) audiosep.Separator {
	t.Helper()
	s, err := def.Build(json.RawMessage(params))
	if err != nil {
		t.Fatal(err)
	}
	return s.(audiosep.Separator)
}

// separate runs both methods of s.
func separate(t testing.TB, s audiosep.Separator, x audiosep.Coefs, f *audiosep.Factors) ([]audiosep.Coefs, []audiosep.Group) {
	t.Helper()
	groups, err := s.Group(t.Context(), audiosep.Env{}, f)
	if err != nil {
		t.Fatal(err)
	}
	dst := like(x, len(groups))
	if err := s.Separate(t.Context(), dst, x, f, groups); err != nil {
		t.Fatal(err)
	}
	return dst, groups
}

func like(x audiosep.Coefs, sources int) []audiosep.Coefs {
	dst := make([]audiosep.Coefs, sources)
	for j := range dst {
		dst[j].Re = make([]float64, len(x.Re))
		if x.Im != nil {
			dst[j].Im = make([]float64, len(x.Im))
		}
	}
	return dst
}

// Two bins, one frame, three components of powers 1, 3, 4 and 9, 0, 16.
func handFactors() *audiosep.Factors {
	return &audiosep.Factors{
		W: mat.NewDense(2, 3, []float64{0.1, 0.3, 0.2, 0.9, 0, 0.8}),
		H: mat.NewDense(3, 1, []float64{10, 10, 20}),
	}
}

// By default wiener and soft_mask add 10⁻¹², as much as 16-bit rounding has under an orthonormal
// transform: a component of 3·10⁻¹² beside one of nothing has (3 + ½)/(3 + 1) of the mixture.
func TestDefaultEps(t *testing.T) {
	f := &audiosep.Factors{W: mat.NewDense(1, 2, []float64{1, 1}), H: mat.NewDense(2, 1, []float64{3e-12, 0})}
	for _, c := range []struct {
		def    audiosep.Definition
		params string
	}{{wienerStage, ``}, {softMaskStage, `{"power": 2}`}} {
		dst, _ := separate(t, build(t, c.def, c.params), audiosep.Coefs{Re: []float64{1}}, f)
		if got := dst[0].Re[0]; math.Abs(got-3.5/4) > 1e-12 {
			t.Errorf("%s: the mask is %g; want 0.875", c.def.Name, got)
		}
	}
}

// The masks expected are computed by hand from p = 1, 3, 4 and 9, 0, 16.
func TestMasksByHand(t *testing.T) {
	for _, c := range []struct {
		def    audiosep.Definition
		params string
		want   [][]float64 // [source][bin]
	}{
		{wienerStage, `{"eps": 0}`, [][]float64{{1. / 8, 9. / 25}, {3. / 8, 0}, {4. / 8, 16. / 25}}},
		{wienerStage, `{"eps": 3}`, [][]float64{{2. / 11, 10. / 28}, {4. / 11, 1. / 28}, {5. / 11, 17. / 28}}},
		{wienerStage, `{"eps": 3, "groups": [[2, 1], [3]]}`, [][]float64{{6. / 11, 11. / 28}, {5. / 11, 17. / 28}}},
		{wienerStage, `{"eps": 3, "groups": [[3], [2]], "residual": true}`, [][]float64{{4. / 11, 16. / 28}, {3. / 11, 0}, {4. / 11, 12. / 28}}},
		{wienerStage, `{"eps": 3, "residual": true}`, [][]float64{{1. / 11, 9. / 28}, {3. / 11, 0}, {4. / 11, 16. / 28}, {3. / 11, 3. / 28}}},
		{wienerStage, `{"eps": 0, "exponent": 2}`, [][]float64{{1. / 26, 81. / 337}, {9. / 26, 0}, {16. / 26, 256. / 337}}},
		{wienerStage, `{"eps": 0, "exponent": 0.5, "groups": [[1, 2], [3]]}`, [][]float64{{0.5, 3. / 7}, {0.5, 4. / 7}}},
		{softMaskStage, `{"eps": 0, "groups": [[1, 2], [3]]}`, [][]float64{{0.5, 3. / 7}, {0.5, 4. / 7}}},
		{softMaskStage, `{"eps": 0, "power": 2}`, [][]float64{{1. / 8, 9. / 25}, {3. / 8, 0}, {4. / 8, 16. / 25}}},
		{binaryMaskStage, ``, [][]float64{{0, 0}, {0, 0}, {1, 1}}},
		{binaryMaskStage, `{"groups": [[1, 2], [3]]}`, [][]float64{{1, 0}, {0, 1}}}, // bin 0 is a tie
		{binaryMaskStage, `{"groups": [[1], [2]], "residual": true}`, [][]float64{{0, 0}, {0, 0}, {1, 1}}},
	} {
		x := audiosep.Coefs{Re: []float64{-2, 5}, Im: []float64{1, -3}}
		dst, _ := separate(t, build(t, c.def, c.params), x, handFactors())
		if len(dst) != len(c.want) {
			t.Fatalf("%s %s: %d sources; want %d", c.def.Name, c.params, len(dst), len(c.want))
		}
		for j, want := range c.want {
			for i, m := range want {
				if math.Abs(dst[j].Re[i]-m*x.Re[i]) > 4e-15 || math.Abs(dst[j].Im[i]-m*x.Im[i]) > 4e-15 {
					t.Errorf("%s %s: source %d, bin %d: mask %v; want %v", c.def.Name, c.params, j, i, dst[j].Re[i]/x.Re[i], m)
				}
			}
		}
	}
}

func TestSilentModelSharesEvenly(t *testing.T) {
	f := &audiosep.Factors{W: mat.NewDense(1, 4, []float64{1, 1, 1, 1}), H: mat.NewDense(4, 1, nil)}
	for _, eps := range []string{"0", "1e-12"} {
		for _, def := range []audiosep.Definition{wienerStage, softMaskStage} {
			dst, _ := separate(t, build(t, def, `{"groups": [[1, 2, 3], [4]], "eps": `+eps+`}`), audiosep.Coefs{Re: []float64{8}}, f)
			want := []float64{6, 2}
			if def.Name == "soft_mask" && eps != "0" { // roots of the powers 3 and 1
				want = []float64{8 * math.Sqrt(3) / (1 + math.Sqrt(3)), 8 / (1 + math.Sqrt(3))}
			}
			for j, d := range dst {
				if math.Abs(d.Re[0]-want[j]) > 1e-14 {
					t.Errorf("%s, eps %s: source %d is %v; want %v", def.Name, eps, j, d.Re[0], want[j])
				}
			}
		}
	}
}

// Up to half the greatest number, so that the test's own sum does not overflow.
var floatOrExtreme = rapid.OneOf(rapid.Float64Range(-1, 1), rapid.Float64Range(-1e-300, 1e300), rapid.SampledFrom([]float64{0, 5e-324, -1e-310, 8e307, -8e307}))

func draw(t *rapid.T, n int, name string) []float64 {
	return rapid.SliceOfN(floatOrExtreme, n, n).Draw(t, name)
}

func drawFactors(t *rapid.T, bins, frames, rank int) *audiosep.Factors {
	abs := func(x []float64) []float64 {
		for i := range x {
			x[i] = math.Abs(x[i])
		}
		return x
	}
	return &audiosep.Factors{
		W: mat.NewDense(bins, rank, abs(draw(t, bins*rank, "w"))),
		H: mat.NewDense(rank, frames, abs(draw(t, rank*frames, "h"))),
	}
}

var everyMask = []struct {
	def    audiosep.Definition
	params string
}{
	{wienerStage, ``}, {wienerStage, `{"eps": 0}`}, {wienerStage, `{"exponent": 3.5}`}, {wienerStage, `{"eps": 0, "exponent": 0.5, "residual": true}`},
	{wienerStage, `{"groups": [[2], []], "residual": true}`}, {softMaskStage, ``}, {softMaskStage, `{"eps": 0, "power": 3, "sources": 2}`},
	{binaryMaskStage, ``}, {binaryMaskStage, `{"sources": 2, "residual": true}`},
}

// Sources sum to the mixture, none is greater than it, and halves give the same bits.
func TestSourcesSumToTheMixture(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		bins, frames, rank := rapid.IntRange(1, 5).Draw(r, "F"), rapid.IntRange(1, 6).Draw(r, "n"), rapid.IntRange(2, 6).Draw(r, "K")
		f, stage := drawFactors(r, bins, frames, rank), everyMask[rapid.IntRange(0, len(everyMask)-1).Draw(r, "stage")]
		x := audiosep.Coefs{Re: draw(r, bins*frames, "re")}
		if rapid.Bool().Draw(r, "complex") {
			x.Im = draw(r, bins*frames, "im")
		}
		s := build(t, stage.def, stage.params)
		dst, groups := separate(t, s, x, f)
		checkSum(r, dst, x, func(c audiosep.Coefs) []float64 { return c.Re })
		checkSum(r, dst, x, func(c audiosep.Coefs) []float64 { return c.Im })
		cut := rapid.IntRange(0, frames).Draw(r, "cut")
		half := like(x, len(groups))
		for _, h := range [][2]int{{0, cut}, {cut, frames}} {
			if h[0] == h[1] {
				continue
			}
			part := make([]audiosep.Coefs, len(groups))
			for j := range part {
				part[j] = half[j].Slice(h[0], h[1], bins)
			}
			fh := &audiosep.Factors{W: f.W, H: f.H.Slice(0, rank, h[0], h[1]).(*mat.Dense)}
			if err := s.Separate(t.Context(), part, x.Slice(h[0], h[1], bins), fh, groups); err != nil {
				r.Fatal(err)
			}
		}
		if !reflect.DeepEqual(half, dst) {
			r.Fatalf("two half calls give %v; one call %v", half, dst)
		}
	})
}

func checkSum(t *rapid.T, dst []audiosep.Coefs, x audiosep.Coefs, part func(audiosep.Coefs) []float64) {
	for i, want := range part(x) {
		sum := 0.0
		for _, d := range dst {
			y := part(d)[i]
			if math.Abs(y) > math.Abs(want) || y*want < 0 {
				t.Fatalf("a source is %v where the mixture is %v", y, want)
			}
			sum += y
		}
		if d := sum - want; !(math.Abs(d) <= 1e-15*math.Abs(want)) {
			t.Fatalf("the sources sum to %v; want %v, off by %v", sum, want, d)
		}
	}
}
