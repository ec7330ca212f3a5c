package separators

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/audiosep/audiosep"
	"gonum.org/v1/gonum/mat"
)

func ones(bins, rank int) *audiosep.Factors {
	f := &audiosep.Factors{W: mat.NewDense(bins, rank, nil), H: mat.NewDense(rank, 2, nil)}
	for _, m := range []*mat.Dense{f.W, f.H} {
		for i := range m.RawMatrix().Data {
			m.RawMatrix().Data[i] = 1
		}
	}
	return f
}

func TestGroup(t *testing.T) {
	for _, c := range []struct {
		params, want string // want: the groups, or what the error says
	}{
		{`{}`, "[{1 [0]} {2 [1]} {3 [2]}]"},
		{`{"names": ["a", "b", "c"]}`, "[{a [0]} {b [1]} {c [2]}]"},
		{`{"residual": true}`, "[{1 [0]} {2 [1]} {3 [2]} {residual []}]"},
		{`{"groups": [[3], [2, 1]], "names": ["voice", "band"]}`, "[{voice [2]} {band [1 0]}]"},
		{`{"groups": [[3], []], "residual": true}`, "[{1 [2]} {2 []} {residual [0 1]}]"},
		{`{"groups": [[3], [1]]}`, "parameter groups leave out components [2] of 1 to 3; want each in a group; residual takes what is left"},
		{`{"groups": [[3, 2, 1], [4]]}`, "parameter groups/1/0 is 4; want 1 to 3, as the factors have 3 components"},
		{`{"sources": 4}`, "sources is 4; want at most 3, the number of components"},
		{`{"names": ["a"]}`, "names has 1 entry; want 3, one for each source"},
	} {
		groups, err := build(t, wienerStage, c.params).Group(t.Context(), audiosep.Env{}, ones(4, 3))
		got := fmt.Sprint(groups)
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.params, got, c.want)
		}
	}
}

func TestWrongParams(t *testing.T) {
	for _, c := range []struct{ params, want string }{
		{`{"groups": [[1], [2, 0]]}`, "parameter groups/1/1 is 0; want a component's number, 1 or more"},
		{`{"groups": [[1], [2, 1]]}`, "parameter groups/1/1 is 1, which is in source 1 already; want each component once"},
		{`{"groups": [[1], [2]], "sources": 3}`, "parameter sources is 3 but groups has 2 entries; want one of the two; leave sources out"},
		{`{"groups": [[1], [2]], "names": ["a"]}`, "parameter names has 1 entry; want 2, one for each source"},
		{`{"names": ["a", "", "a"]}`, "parameter names/1 is empty; want a name\nparameter names/2 is \"a\", as entry 0 is; want names that differ"},
		{`{"names": ["residual"], "residual": true}`, "parameter names/0 is \"residual\", the name of the residual; want another"},
	} {
		for _, def := range Stages[:3] { // the masks of factors
			if _, err := def.Build([]byte(c.params)); fmt.Sprint(err) != c.want {
				t.Errorf("%s %s:\n got %v\nwant %s", def.Name, c.params, err, c.want)
			}
		}
	}
}

// Two instruments of three notes each: all notes of one have its envelope over
// frequency and sound while it plays.
func TestClusteringFindsInstruments(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const bins, frames = 512, 200
	f := &audiosep.Factors{W: mat.NewDense(bins, 6, nil), H: mat.NewDense(6, frames, nil)}
	for k := range 6 {
		instrument := k % 2
		for i := 1; i < bins; i++ {
			formant := math.Log2(float64(i)) - 4 - 3*float64(instrument)
			f.W.Set(i, k, math.Exp(-formant*formant)*(0.1+float64((i*(k+7))%11/9)))
		}
		for n := range frames {
			if (n/50)%2 == instrument {
				f.H.Set(k, n, rng.Float64())
			}
		}
	}
	for _, params := range []string{`"weight": 0`, `"weight": 0.5`, `"weight": 1`, `"cluster": "linkage", "weight": 0`, `"cluster": "linkage", "weight": 0.5`, `"cluster": "linkage", "weight": 1`} {
		groups, err := build(t, wienerStage, `{"sources": 2, `+params+`}`).Group(t.Context(), audiosep.Env{}, f)
		if err != nil || fmt.Sprint(groups) != "[{1 [0 2 4]} {2 [1 3 5]}]" {
			t.Errorf("%s: %v, %v; want components 0, 2, 4 and 1, 3, 5", params, groups, err)
		}
	}
}

// Under linkage equal components join in order, silent ones stay alone, and more sources than
// differences still make as many groups as asked.
func TestClusteringTies(t *testing.T) {
	f := ones(8, 4)
	f.W.SetCol(1, make([]float64, 8))
	f.H.SetRow(1, []float64{0, 0})
	for sources, want := range map[int]string{1: "[{1 [0 1 2 3]}]", 2: "[{1 [0 2 3]} {2 [1]}]", 3: "[{1 [0 2]} {2 [1]} {3 [3]}]"} {
		groups, err := build(t, wienerStage, fmt.Sprintf(`{"sources": %d, "cluster": "linkage"}`, sources)).Group(t.Context(), audiosep.Env{}, f)
		if err != nil || fmt.Sprint(groups) != want {
			t.Errorf("%d sources: %v, %v; want %s", sources, groups, err, want)
		}
	}
}

func TestSeparateRefuses(t *testing.T) {
	s := build(t, wienerStage, ``)
	f := ones(3, 2)
	x := audiosep.Coefs{Re: make([]float64, 6)}
	groups := []audiosep.Group{{Name: "1", Components: []int{0}}, {Name: "2", Components: []int{1}}}
	bad := audiosep.Coefs{Re: []float64{0, 0, 0, 0, math.Inf(1), 0}}
	nan := ones(3, 2)
	nan.H.Set(1, 1, math.NaN())
	for _, c := range []struct {
		dst    []audiosep.Coefs
		x      audiosep.Coefs
		f      *audiosep.Factors
		groups []audiosep.Group
		want   string
	}{
		{like(x, 2), x, &audiosep.Factors{W: f.W}, groups, "the factors lack W or H; want both"},
		{like(x, 2), x, nan, groups, "H has NaN in row 1, column 1; want finite numbers ≥ 0"},
		{like(x, 2), audiosep.Coefs{Re: x.Re[:5]}, f, groups, "the mixture is 5 coefficients; want 6: 2 frames, the columns of H, of 3 bins, the rows of W"},
		{like(x, 3), x, f, groups, "dst is 3 sources; want 2, one for each group, at least 1"},
		{like(audiosep.Coefs{Re: x.Re, Im: x.Re}, 2), x, f, groups, "dst 0 is 6 and 6 coefficients; want 6 real and 0 imaginary ones, as the mixture has"},
		{like(x, 1), x, f, groups[:1], "component 2 is in 0 sources; want 1"},
		{like(x, 2), x, f, []audiosep.Group{groups[0], groups[0]}, "component 1 is in 2 sources; want 1"},
		{like(x, 2), bad, f, groups, "frame 1 of the mixture has a coefficient that is not finite; want finite numbers"},
	} {
		if err := s.Separate(t.Context(), c.dst, c.x, c.f, c.groups); fmt.Sprint(err) != c.want {
			t.Errorf("got %v\nwant %s", err, c.want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Separate(ctx, like(x, 2), x, f, groups); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := build(t, wienerStage, `{"sources": 1}`).Group(ctx, audiosep.Env{}, f); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func BenchmarkSeparate(b *testing.B) {
	const bins, frames, rank = 1025, 256, 10
	rng := rand.New(rand.NewPCG(1, 2))
	fill := func(n int) []float64 {
		x := make([]float64, n)
		for i := range x {
			x[i] = rng.Float64()
		}
		return x
	}
	f := &audiosep.Factors{W: mat.NewDense(bins, rank, fill(bins*rank)), H: mat.NewDense(rank, frames, fill(rank*frames))}
	x := audiosep.Coefs{Re: fill(bins * frames), Im: fill(bins * frames)}
	for _, c := range []struct {
		name, params string
		def          audiosep.Definition
	}{
		{"wiener", `{"sources": 4}`, wienerStage}, {"wiener10", ``, wienerStage},
		{"soft", `{"sources": 4}`, softMaskStage}, {"binary", `{"sources": 4}`, binaryMaskStage},
	} {
		b.Run(c.name, func(b *testing.B) {
			s := build(b, c.def, c.params)
			groups, err := s.Group(b.Context(), audiosep.Env{}, f)
			if err != nil {
				b.Fatal(err)
			}
			dst := like(x, len(groups))
			b.SetBytes(int64(16 * bins * frames * (1 + len(groups))))
			b.ReportAllocs()
			for b.Loop() {
				if err := s.Separate(b.Context(), dst, x, f, groups); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
