package analysis

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"
)

func TestPartitionOfEquation9(t *testing.T) {
	v := mat.NewDense(4, 3, []float64{1, 0.1, 1.1, 0.1, 1, 1.1, 1, 0.1, 1.1, 0.1, 1, 1.1})
	got := Partition(v, 1e-9, 0)
	if len(got) != 2 || !slices.Equal(got[0], []int{0, 2}) || !slices.Equal(got[1], []int{1, 3}) {
		t.Errorf("the sets are %v; want [[0 2] [1 3]]", got)
	}
}

func TestPartitionTolerance(t *testing.T) {
	v := mat.NewDense(4, 2, []float64{1, 2, 1.001, 2, 1e-9, 0, 0, 3e-9})
	for _, c := range []struct {
		tol, floor float64
		want       int
	}{{0, 0, 4}, {1e-3, 0, 3}, {0, 1e-8, 3}, {1e-3, 1e-8, 2}, {2, 0, 1}} {
		if got := Partition(v, c.tol, c.floor); len(got) != c.want {
			t.Errorf("tolerance %g, floor %g: %d sets %v; want %d", c.tol, c.floor, len(got), got, c.want)
		}
	}
}

func TestPrincipalAngles(t *testing.T) {
	for _, angle := range []float64{0, 1e-12, 1e-7, 0.3, math.Pi / 4, 1.2, math.Pi / 2} {
		// Two planes of space that share the first axis; the rows are no orthonormal bases.
		a := mat.NewDense(2, 4, []float64{2, 1, 0, 0, 0, 3, 0, 0})
		b := mat.NewDense(2, 4, []float64{1, 0, 0, 0, 1, math.Cos(angle), math.Sin(angle), 0})
		got, err := PrincipalAngles(a, b)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(got[0]) > 1e-15 || math.Abs(got[1]-angle) > 2e-15+1e-15*angle {
			t.Errorf("the angles are %v; want 0 and %g", got, angle)
		}
	}
}

func TestPrincipalAnglesOfALineInAPlane(t *testing.T) {
	got, err := PrincipalAngles(mat.NewDense(1, 3, []float64{1, 1, 0}), mat.NewDense(2, 3, []float64{1, 0, 0, 0, 1, 0}))
	if err != nil || len(got) != 1 || got[0] > 1e-15 {
		t.Errorf("the angles are %v, %v; want 0", got, err)
	}
}

func TestPrincipalAnglesRefuse(t *testing.T) {
	line := mat.NewDense(1, 3, []float64{1, 0, 0})
	for name, b := range map[string]*mat.Dense{
		"width":     mat.NewDense(1, 2, []float64{1, 0}),
		"dependent": mat.NewDense(2, 3, []float64{1, 2, 3, 2, 4, 6}),
		"too many":  mat.NewDense(4, 3, []float64{1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1}),
		"NaN":       mat.NewDense(1, 3, []float64{1, math.NaN(), 0}),
	} {
		if angles, err := PrincipalAngles(line, b); err == nil {
			t.Errorf("%s: the angles are %v; want an error", name, angles)
		}
	}
}

func TestMatchFindsPermutedSpaces(t *testing.T) {
	phi := mat.NewDense(3, 3, []float64{1, 0, 0, 0, 1, 0, 0, 0, 1})
	c, s := math.Cos(0.7), math.Sin(0.7)
	other := mat.NewDense(3, 3, []float64{0, 0, -1, c, s, 0, -s, c, 0}) // rows 0 and 1 turned, row 2 first
	pairs, err := Match(phi, [][]int{{0, 1}, {2}}, other, [][]int{{0}, {1, 2}})
	if err != nil || len(pairs) != 2 {
		t.Fatalf("%v, %v; want two pairs", pairs, err)
	}
	if !slices.Equal(pairs[0].B, []int{1, 2}) || !slices.Equal(pairs[1].B, []int{0}) {
		t.Errorf("paired %v; want {0 1} with {1 2} and {2} with {0}", pairs)
	}
	if a := max(pairs[0].Largest(), pairs[1].Largest()); a > 1e-15 {
		t.Errorf("the largest angle is %g; want 0", a)
	}
}

func TestAtomsOfSinusoids(t *testing.T) {
	const m, rate = 200, 5000.0
	rng := rand.New(rand.NewPCG(1, 2))
	phi := mat.NewDense(50, m, nil)
	var want []Atom
	for i := range 50 {
		a := Atom{Row: i, Frequency: rate * (0.01 + 0.48*rng.Float64()), Amplitude: 0.05 + rng.Float64(), Phase: math.Pi * (2*rng.Float64() - 1)}
		want = append(want, a)
		for j := range m {
			phi.Set(i, j, a.Amplitude*math.Cos(2*math.Pi*a.Frequency*float64(j)/rate+a.Phase))
		}
	}
	for i, got := range Atoms(phi, rate) {
		if math.Abs(got.Frequency-want[i].Frequency) > 1e-4 || math.Abs(got.Amplitude-want[i].Amplitude) > 1e-5 || got.Residual > 1e-5 {
			t.Errorf("%+v; want %+v", got, want[i])
		}
	}
}

func TestAtomsOfTheDCT(t *testing.T) {
	const m = 32
	phi := mat.NewDense(m, m, nil)
	for k := range m {
		for n := range m {
			phi.Set(k, n, math.Cos(math.Pi*float64(k)*(float64(n)+0.5)/m))
		}
	}
	for k, a := range Atoms(phi, 2*m) {
		if math.Abs(a.Frequency-float64(k)) > 1e-3 || a.Residual > 1e-5 {
			t.Errorf("row %d: %+v; want the frequency %d", k, a, k)
		}
	}
}

func TestAtomsSaysWhatItLeaves(t *testing.T) {
	phi := mat.NewDense(2, 64, nil) // a row of zeros, and a click
	phi.Set(1, 10, 1)
	atoms := Atoms(phi, 1)
	if atoms[0].Residual != 0 || atoms[0].Amplitude != 0 {
		t.Errorf("zeros: %+v; want nothing", atoms[0])
	}
	if r := atoms[1].Residual; !(r > 0.95 && r < 1) {
		t.Errorf("a click leaves %g; want nearly all", r)
	}
}
