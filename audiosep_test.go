package audiosep_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/audiosep/audiosep"
	"gonum.org/v1/gonum/mat"
	"pgregory.net/rapid"
)

// sized is a Transform of which only the size is used.
type sized struct {
	audiosep.Transform
	bins    int
	complex bool
}

func (s sized) Bins() int     { return s.bins }
func (s sized) Complex() bool { return s.complex }

// V is the mean of |X|² over layers and over the frames that share a column.
func TestPower(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bins, share := rapid.IntRange(1, 4).Draw(t, "F"), rapid.IntRange(1, 3).Draw(t, "S")
		columns, layers := rapid.IntRange(1, 4).Draw(t, "columns"), rapid.IntRange(1, 3).Draw(t, "L")
		n := columns * share
		s := audiosep.Spectrogram{
			Framing:   audiosep.Framing{Share: share},
			Transform: sized{bins: bins, complex: rapid.Bool().Draw(t, "complex")},
			First:     share * rapid.IntRange(0, 3).Draw(t, "first"), N: n,
		}
		want := mat.NewDense(bins, columns, nil)
		for range layers {
			x := audiosep.MakeCoefs(s.Transform, n)
			for _, part := range [][]float64{x.Re, x.Im} {
				for i := range part {
					part[i] = rapid.Float64Range(-10, 10).Draw(t, "x")
					f, c := i%bins, i/bins/share
					want.Set(f, c, want.At(f, c)+part[i]*part[i]/float64(layers*share))
				}
			}
			s.Layers = append(s.Layers, x)
		}
		// A part of a wider matrix, as a run of a long recording is.
		wide := mat.NewDense(bins, columns+2, nil)
		v := wide.Slice(0, bins, 1, columns+1).(*mat.Dense)
		if err := s.Power(v); err != nil {
			t.Fatal(err)
		}
		if !mat.EqualApprox(v, want, 1e-12) {
			t.Fatalf("V is\n%v\nwant\n%v", mat.Formatted(v), mat.Formatted(want))
		}
		if mat.Sum(wide.ColView(0))+mat.Sum(wide.ColView(columns+1)) != 0 {
			t.Fatal("columns beside V were written")
		}
	})
}

func TestPowerRefuses(t *testing.T) {
	s := audiosep.Spectrogram{Framing: audiosep.Framing{Share: 2}, Transform: sized{bins: 3}, N: 4}
	s.Layers = []audiosep.Coefs{audiosep.MakeCoefs(s.Transform, 4)}
	for _, c := range []struct {
		first, n, rows, columns int
		want                    string
	}{
		{0, 3, 3, 2, "the run of frames is 3 from 0 on; want whole groups of 2"},
		{1, 4, 3, 2, "the run of frames is 4 from 1 on; want whole groups of 2"},
		{0, 4, 2, 2, "v is 2×2; want 3×2"},
		{0, 4, 3, 4, "v is 3×4; want 3×2"},
	} {
		s.First, s.N = c.first, c.n
		var shape *audiosep.ShapeError
		if err := s.Power(mat.NewDense(c.rows, c.columns, nil)); !errors.As(err, &shape) || err.Error() != c.want {
			t.Errorf("got %v; want %s", err, c.want)
		}
	}
}

func TestCoefsSliceSharesStorage(t *testing.T) {
	c := audiosep.MakeCoefs(sized{bins: 2, complex: true}, 3)
	s := c.Slice(1, 3, 2)
	s.Re[0], s.Im[3] = 1, 2
	if len(s.Re) != 4 || c.Re[2] != 1 || c.Im[5] != 2 {
		t.Errorf("frames 1 and 2 of %v are %v", c, s)
	}
	if audiosep.MakeCoefs(sized{bins: 2}, 3).Slice(0, 1, 2).Im != nil {
		t.Error("a slice of real coefficients has imaginary parts")
	}
}

func TestHeadLayers(t *testing.T) {
	if l := (audiosep.Head{Channels: 2, Realisations: 3}).Layers(); l != 6 {
		t.Errorf("%d layers; want 6", l)
	}
}

// transformBothWays returns X and Inverse(X) of n frames.
func transformBothWays(t *testing.T, tr audiosep.Transform, y []float64, n int) (audiosep.Coefs, []float64) {
	t.Helper()
	x, back := audiosep.MakeCoefs(tr, n), make([]float64, len(y))
	if err := errors.Join(tr.Forward(t.Context(), x, y), tr.Inverse(t.Context(), back, x)); err != nil {
		t.Fatal(err)
	}
	return x, back
}

func normals(seed uint64, n int) []float64 {
	rng := rand.New(rand.NewPCG(seed, 0))
	x := make([]float64, n)
	for i := range x {
		x[i] = rng.NormFloat64()
	}
	return x
}

func TestMatrixTransform(t *testing.T) {
	const m, n = 9, 5
	square := mat.NewDense(m, m, normals(1, m*m))
	var qr mat.QR
	qr.Factorize(square)
	var orthogonal mat.Dense
	qr.QTo(&orthogonal)
	for name, phi := range map[string]*mat.Dense{"orthogonal": &orthogonal, "square": square, "tall": mat.NewDense(m+4, m, normals(2, (m+4)*m))} {
		tr, err := audiosep.NewMatrixTransform(phi)
		if err != nil {
			t.Fatal(err)
		}
		bins, _ := phi.Dims()
		if tr.Len() != m || tr.Bins() != bins || tr.Complex() || !mat.Equal(tr.Phi(), phi) {
			t.Errorf("%s: Len %d, Bins %d, Complex %v", name, tr.Len(), tr.Bins(), tr.Complex())
		}
		y := normals(3, n*m)
		x, back := transformBothWays(t, tr, y, n)
		var want mat.Dense
		want.Mul(phi, mat.NewDense(n, m, y).T())
		if got := mat.NewDense(n, bins, x.Re).T(); !mat.EqualApprox(got, &want, 1e-12) {
			t.Errorf("%s: X is not ΦY", name)
		}
		if !mat.EqualApprox(mat.NewVecDense(n*m, back), mat.NewVecDense(n*m, y), 1e-10) {
			t.Errorf("%s: frames do not come back", name)
		}
		before := slices.Clone(x.Re)
		phi.Set(0, 0, 100) // phi was copied
		if x, _ := transformBothWays(t, tr, y, n); !slices.Equal(x.Re, before) {
			t.Errorf("%s: the transform changes with the matrix that it was made of", name)
		}
		if _, err := audiosep.NewMatrixTransform(phi.T()); (err == nil) != (bins == m) {
			t.Errorf("%s: fewer rows than columns: %v", name, err)
		}
	}
}

func TestMatrixTransformRefuses(t *testing.T) {
	for want, phi := range map[string]mat.Matrix{
		"Φ is 1×2; want at least as many rows (bins) as columns (samples)":                     mat.NewDense(1, 2, nil),
		"row 1, column 0 of Φ is NaN; want finite numbers":                                     mat.NewDense(2, 2, []float64{1, 0, math.NaN(), 1}),
		"row 0, column 1 of Φ is +Inf; want finite numbers":                                    mat.NewDense(2, 2, []float64{1, math.Inf(1), 0, 1}),
		"the condition number of Φ is 1e+07; want at most 1e6, else frames cannot be restored": mat.NewDense(2, 2, []float64{1, 0, 0, 1e-7}),
	} {
		if _, err := audiosep.NewMatrixTransform(phi); fmt.Sprint(err) != want {
			t.Errorf("got %v; want %s", err, want)
		}
	}
	// What a small file may hold is refused before it is copied.
	zeros := mat.NewDense(500, 500, nil)
	if allocated := testing.AllocsPerRun(1, func() {
		if _, err := audiosep.NewMatrixTransform(zeros); fmt.Sprint(err) != "column 0 of Φ is 0 throughout; want a condition number of at most 1e6, else frames cannot be restored" {
			t.Errorf("a Φ of zeros: %v", err)
		}
	}); allocated > 10 {
		t.Errorf("a Φ of zeros takes %g allocations; want a few", allocated)
	}
}

func TestOrthogonalityError(t *testing.T) {
	c, s := math.Cos(1), math.Sin(1)
	if e := audiosep.OrthogonalityError(mat.NewDense(2, 2, []float64{c, s, -s, c})); e > 1e-15 {
		t.Errorf("a rotation is %v from orthogonal", e)
	}
	if e := audiosep.OrthogonalityError(mat.NewDense(2, 2, []float64{1, 0, 0.25, 1})); e != 0.25 {
		t.Errorf("got %v; want 0.25, the product of the rows", e)
	}
}

func TestPerFrame(t *testing.T) {
	reverse := func(dst, src []float64) {
		for i, x := range src {
			dst[len(src)-1-i] = x
		}
	}
	stage := audiosep.PerFrame(func(m int) (forward, inverse func(dst, src []float64), err error) {
		if m != 3 {
			return nil, nil, fmt.Errorf("frames are %d samples long; want 3", m)
		}
		return reverse, reverse, nil
	})
	if _, err := stage.Transform(t.Context(), 2); fmt.Sprint(err) != "frames are 2 samples long; want 3" {
		t.Errorf("got %v", err)
	}
	tr, err := stage.Transform(t.Context(), 3)
	if err != nil {
		t.Fatal(err)
	}
	if tr.Len() != 3 || tr.Bins() != 3 || tr.Complex() {
		t.Errorf("Len %d, Bins %d, Complex %v; want 3, 3, false", tr.Len(), tr.Bins(), tr.Complex())
	}
	y := []float64{1, 2, 3, 4, 5, 6}
	x, back := transformBothWays(t, tr, y, 2)
	if !slices.Equal(x.Re, []float64{3, 2, 1, 6, 5, 4}) || !slices.Equal(back, y) {
		t.Errorf("X is %v, then %v", x.Re, back)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := tr.Forward(ctx, x, y); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestFactorsValidate(t *testing.T) {
	w, h := mat.NewDense(3, 2, []float64{1, 1, 1, 1, 1, 1}), mat.NewDense(2, 4, []float64{1, 1, 1, 1, 1, 1, 1, 1})
	bad := func(a *mat.Dense, x float64) *mat.Dense {
		a = mat.DenseCopyOf(a)
		a.Set(1, 1, x)
		return a
	}
	for _, c := range []struct {
		f             audiosep.Factors
		bins, columns int
		want          string
	}{
		{audiosep.Factors{W: w, H: h}, 3, 4, "<nil>"},
		{audiosep.Factors{W: w, H: h}, -1, -1, "<nil>"},
		{audiosep.Factors{W: w}, 3, 9, "<nil>"},
		{audiosep.Factors{H: h}, 9, 4, "<nil>"},
		{audiosep.Factors{}, 3, 4, "<nil>"},
		{audiosep.Factors{W: w, H: h}, 4, 4, "W is 3×2; want 4 rows, one for each bin"},
		{audiosep.Factors{W: w, H: h}, 3, 5, "H is 2×4; want 5 columns, one for each activation"},
		{audiosep.Factors{W: w, H: mat.NewDense(3, 4, nil)}, 3, 4, "H is 3×4; want 2 rows, one for each column of W"},
		{audiosep.Factors{W: bad(w, math.NaN()), H: h}, 3, 4, "W has NaN in row 1, column 1; want finite numbers ≥ 0"},
		{audiosep.Factors{W: w, H: bad(h, -1)}, 3, 4, "H has -1 in row 1, column 1; want finite numbers ≥ 0"},
		{audiosep.Factors{W: w, H: bad(h, math.Inf(1))}, 3, 4, "H has +Inf in row 1, column 1; want finite numbers ≥ 0"},
	} {
		if got := fmt.Sprint(c.f.Validate(c.bins, c.columns)); got != c.want {
			t.Errorf("got %s; want %s", got, c.want)
		}
	}
	if k := (&audiosep.Factors{W: w}).Rank(); k != 2 {
		t.Errorf("rank %d; want 2", k)
	}
}

func TestSignal(t *testing.T) {
	s := &audiosep.Signal{Rate: 8000, Channels: 2, Data: [][]float64{{1, 2, 3}, {4, 5, 6}, {7, 8, 9}, {10, 11, 12}}}
	h, err := s.Head(t.Context())
	if want := (audiosep.Head{Rate: 8000, Samples: 3, Channels: 2, Realisations: 2}); err != nil || fmt.Sprint(h) != fmt.Sprint(want) {
		t.Errorf("head %+v, %v; want %+v", h, err, want)
	}
	for at := -6; at < 6; at++ {
		dst := make([][]float64, 4)
		for l := range dst {
			dst[l] = []float64{math.NaN(), math.NaN()}
		}
		if err := s.ReadAt(t.Context(), dst, at); err != nil {
			t.Fatal(err)
		}
		for l, d := range dst {
			for i, got := range d {
				want := 0.0
				if at+i >= 0 && at+i < 3 {
					want = s.Data[l][at+i]
				}
				if got != want {
					t.Errorf("layer %d, sample %d, read from %d on, is %v; want %v", l, at+i, at, got, want)
				}
			}
		}
	}
	for want, bad := range map[string]*audiosep.Signal{
		"the signal is 0 layers; want a multiple of its 1 channel":  {},
		"the signal is 3 layers; want a multiple of its 2 channels": {Channels: 2, Data: make([][]float64, 3)},
		"layer 1 is 2 samples; want 1":                              {Data: [][]float64{{1}, {1, 2}}},
	} {
		if _, err := bad.Head(t.Context()); fmt.Sprint(err) != want {
			t.Errorf("got %v; want %s", err, want)
		}
	}
}

// Streams are told apart by seed and name, and drawing from one leaves others alone.
func TestEnvRand(t *testing.T) {
	draw := func(seed uint64, name string) string {
		r := audiosep.Env{Seed: seed}.Rand(name)
		return fmt.Sprint(r.Uint64(), r.Uint64())
	}
	seen := map[string]string{}
	for _, seed := range []uint64{0, 1, 2, 1 << 63} {
		for _, name := range []string{"", "w", "h", "restart-0", "restart-1"} {
			id, got := fmt.Sprint(seed, name), draw(seed, name)
			if other, ok := seen[got]; ok {
				t.Errorf("streams %s and %s are equal", id, other)
			}
			seen[got] = id
			if again := draw(seed, name); again != got {
				t.Errorf("stream %s gives %s, then %s", id, got, again)
			}
		}
	}
	env := audiosep.Env{Seed: 7}
	a, b := env.Rand("a"), env.Rand("b")
	first := b.Uint64()
	for range 100 {
		a.Uint64()
	}
	fresh := env.Rand("b")
	if fresh.Uint64() != first || fresh.Uint64() != b.Uint64() {
		t.Error("drawing from stream a moves stream b")
	}
	// PCG seeded by the seed and the FNV-1a hash of the name; computed once with this code.
	if got := draw(7, "w"); got != goldenStream {
		t.Errorf("seed 7, stream w gives %s; want %s, or every saved result changes", got, goldenStream)
	}
}

const goldenStream = "15890026423081995460 16210014991758290342"

func TestZeroEnvWorks(t *testing.T) {
	var env audiosep.Env
	env.Report(audiosep.Step{Done: 1, Of: 2})
	env.Logger().Info("nobody reads this")
	var text strings.Builder
	var steps []audiosep.Step
	env = audiosep.Env{Log: slog.New(slog.NewTextHandler(&text, nil)), Progress: func(s audiosep.Step) { steps = append(steps, s) }}
	env.Report(audiosep.Step{Done: 1, Of: 2})
	env.Logger().Info("somebody reads this")
	if len(steps) != 1 || steps[0].Of != 2 || !strings.Contains(text.String(), "somebody reads this") {
		t.Errorf("heard %v and %q", steps, text.String())
	}
}
