package transforms_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/pipeline/stagetest"
	"github.com/audiosep/audiosep/transforms"
	"gonum.org/v1/gonum/mat"
)

// commonBasis returns n frames of each of m layers of which the mean covariances are
// ΦᵀDiag(v_n)Φ, exactly, and Φ: layer r is row r of Φ times the root of m·v_rn.
func commonBasis(rng *rand.Rand, m, n int) (*audiosep.Frames, *mat.Dense) {
	var qr mat.QR
	g := mat.NewDense(m, m, nil)
	for i := range m {
		for j := range m {
			g.Set(i, j, rng.NormFloat64())
		}
	}
	qr.Factorize(g)
	var phi mat.Dense
	qr.QTo(&phi)
	window := make([]float64, m)
	for i := range window {
		window[i] = 1 / float64(m)
	}
	y := &audiosep.Frames{N: n, Data: make([][]float64, m), Framing: audiosep.Framing{
		Head:   audiosep.Head{Rate: 1, Samples: n * m, Channels: 1, Realisations: m},
		Length: m, Hop: m, Share: 1, Analysis: window, Synthesis: window,
	}}
	for r := range m {
		y.Data[r] = make([]float64, n*m)
		for i := range n {
			a := math.Sqrt(float64(m) * math.Exp(2*rng.NormFloat64()))
			for j := range m {
				y.Data[r][i*m+j] = a * phi.At(r, j)
			}
		}
	}
	return y, &phi
}

func learnJD(t *testing.T, p transforms.JointDiagonalizationParams, y *audiosep.Frames) *mat.Dense {
	t.Helper()
	learner, err := transforms.NewJointDiagonalization(p)
	if err != nil {
		t.Fatal(err)
	}
	got, err := learner.LearnTransform(t.Context(), audiosep.Env{}, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	return mat.DenseCopyOf(got.(audiosep.MatrixTransform).Phi())
}

// fromPermutation returns how far ΦΦ̄ᵀ is from a signed permutation.
func fromPermutation(phi, truth *mat.Dense) float64 {
	var g mat.Dense
	g.Mul(phi, truth.T())
	var worst float64
	m, _ := g.Dims()
	for i := range m {
		big := 0
		for _, a := range g.RawRowView(i) {
			a = math.Abs(a)
			if a > 0.5 {
				a, big = 1-a, big+1
			}
			worst = max(worst, math.Abs(a))
		}
		if big != 1 {
			return 1
		}
	}
	return worst
}

func TestJointDiagonalizationRecoversTheBasis(t *testing.T) {
	for _, method := range []string{"quasi_newton", "jacobi_angles", "pham"} {
		for _, m := range []int{2, 5, 16} {
			t.Run(fmt.Sprint(method, m), func(t *testing.T) {
				y, truth := commonBasis(rand.New(rand.NewPCG(1, 2)), m, 12)
				phi := learnJD(t, transforms.JointDiagonalizationParams{Method: method, Block: 1, Eps: 1e-9, Iterations: 500, Tol: 1e-16}, y)
				if d := fromPermutation(phi, truth); d > 1e-8 {
					t.Errorf("ΦΦ̄ᵀ is %.2g from a signed permutation; want at most 1e-8", d)
				}
				if d := audiosep.OrthogonalityError(phi); d > 1e-12 {
					t.Errorf("ΦΦᵀ is %.2g from I", d)
				}
			})
		}
	}
}

// Frames that span few of the dimensions, with a last block that is not full: the methods agree
// on the criterion, and the transform is still orthogonal.
func TestJointDiagonalizationOfFewDimensions(t *testing.T) {
	y, _ := commonBasis(rand.New(rand.NewPCG(3, 4)), 12, 13)
	y.Data = y.Data[:4]
	y.Realisations = 4
	for _, method := range []string{"quasi_newton", "jacobi_angles", "pham"} {
		p := transforms.JointDiagonalizationParams{Method: method, Block: 5, Eps: 1e-9, Iterations: 500, Tol: 1e-16}
		phi := learnJD(t, p, y)
		if d := audiosep.OrthogonalityError(phi); d > 1e-12 {
			t.Errorf("%s: ΦΦᵀ is %.2g from I", method, d)
		}
		silent := 0
		for i := range 12 {
			var power float64
			for _, data := range y.Data {
				for n := range y.N {
					a := mat.Dot(phi.RowView(i), mat.NewVecDense(12, data[n*12:(n+1)*12]))
					power += a * a
				}
			}
			if power < 1e-12 {
				silent++
			}
		}
		if silent != 8 {
			t.Errorf("%s: %d rows have no power; want 8 of 12", method, silent)
		}
	}
}

func TestJointDiagonalizationLowersItsCriterion(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	y, _ := commonBasis(rng, 8, 40)
	for _, data := range y.Data {
		for i := range data {
			data[i] += 0.1 * rng.NormFloat64() // no common basis any more
		}
	}
	for _, method := range []string{"quasi_newton", "pham"} {
		learner, err := transforms.NewJointDiagonalization(transforms.JointDiagonalizationParams{Method: method, Block: 2, Eps: 1e-6, Iterations: 60, Tol: 1e-12})
		if err != nil {
			t.Fatal(err)
		}
		var seen []float64
		env := audiosep.Env{Progress: func(s audiosep.Step) { seen = append(seen, s.Objective) }}
		if _, err := learner.LearnTransform(t.Context(), env, y, nil); err != nil {
			t.Fatal(err)
		}
		if method == "pham" {
			continue // which measures a B of unit rows that is not orthogonal
		}
		for i := 1; i < len(seen); i++ {
			if seen[i] > seen[i-1]+1e-14 {
				t.Errorf("%s: the criterion rises from %.15g to %.15g", method, seen[i-1], seen[i])
			}
		}
		if len(seen) < 3 {
			t.Errorf("%s: %d iterations", method, len(seen))
		}
	}
}

// Where there is no common basis pham ends as low as quasi_newton.
func TestPhamEndsAsLow(t *testing.T) {
	for seed := range uint64(10) {
		rng := rand.New(rand.NewPCG(seed, 6))
		y, _ := commonBasis(rng, 8, 40)
		for _, data := range y.Data {
			for i := range data {
				data[i] += 0.2 * rng.NormFloat64()
			}
		}
		ends := map[string]float64{}
		for _, method := range []string{"quasi_newton", "pham"} {
			p := transforms.JointDiagonalizationParams{Method: method, Block: 1, Eps: 1e-6, Iterations: 300, Tol: 1e-14}
			ends[method] = likelihood(y, learnJD(t, p, y), p.Eps)
		}
		if d := ends["pham"] - ends["quasi_newton"]; d > 1e-9 {
			t.Errorf("seed %d: pham ends %.3g above quasi_newton, at %.9g", seed, d, ends["pham"])
		}
	}
}

// likelihood returns the mean over rows and frames of ½ log of the mean over layers of the
// squares of Φy, plus eps.
func likelihood(y *audiosep.Frames, phi *mat.Dense, eps float64) (mean float64) {
	m := y.Length
	for n := range y.N {
		for i := range m {
			power := eps
			for _, data := range y.Data {
				a := mat.Dot(phi.RowView(i), mat.NewVecDense(m, data[n*m:(n+1)*m]))
				power += a * a / float64(len(y.Data))
			}
			mean += 0.5 * math.Log(power) / float64(m*y.N)
		}
	}
	return mean
}

func TestJointDiagonalizationFromATransform(t *testing.T) {
	y, truth := commonBasis(rand.New(rand.NewPCG(7, 8)), 6, 12)
	start, err := audiosep.NewMatrixTransform(truth)
	if err != nil {
		t.Fatal(err)
	}
	p := transforms.JointDiagonalizationParams{Method: "quasi_newton", Block: 1, Eps: 1e-9, Iterations: 5, Tol: 1e-10}
	learner, err := transforms.NewJointDiagonalization(p)
	if err != nil {
		t.Fatal(err)
	}
	got, err := learner.LearnTransform(t.Context(), audiosep.Env{}, y, start)
	if err != nil {
		t.Fatal(err)
	}
	if d := mat.DenseCopyOf(got.(audiosep.MatrixTransform).Phi()); !mat.EqualApprox(d, truth, 1e-9) {
		t.Error("from the basis itself it goes elsewhere")
	}
	stft, err := transforms.NewSTFT(transforms.STFTParams{})
	if err != nil {
		t.Fatal(err)
	}
	complexOne, err := stft.Transform(t.Context(), 6)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := learner.LearnTransform(t.Context(), audiosep.Env{}, y, complexOne); err == nil {
		t.Error("a complex transform is taken for a start")
	}
}

func TestJointDiagonalizationContract(t *testing.T) {
	for _, def := range transforms.Stages {
		if def.Name == "joint_diagonalization" {
			stagetest.Stage(t, def, `{"iterations": 3}`)
		}
	}
}
