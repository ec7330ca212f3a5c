package factorizers

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/jointdiag"
	"github.com/audiosep/audiosep/internal/npy"
	"github.com/audiosep/audiosep/internal/orthogonal"
	"github.com/audiosep/audiosep/internal/scene"
	"gonum.org/v1/gonum/mat"
)

// tlStart is what all starts of tl_nmf have in common. A nil matrix is drawn for each start.
type tlStart struct {
	scene *scene.Scene
	rank  int
	eps   float64
	phi   *mat.Dense // rows×rows
	w, h  *mat.Dense // rows×K, K×N/S
	given bool       // Φ is wired, from a file, or the DCT
}

// Prepare fails where the file of Φ cannot be read.
func (t tlNMF) Prepare(context.Context, audiosep.Plan) error {
	if t.Start != "file" {
		return nil
	}
	_, err := npy.ReadMatrix(*t.StartFile)
	return err
}

// start prepares what all starts have in common. It reduces the scene to the span of its
// frames, unless Φ or W is given: they have all M rows.
func (t tlNMF) start(ctx context.Context, s *scene.Scene, init audiosep.Model) (*tlStart, error) {
	st := &tlStart{scene: s, rank: t.Rank, eps: t.Eps * s.Scale}
	if err := st.take(ctx, init); err != nil {
		return nil, err
	}
	if err := checkRank(t.Rank, s.Samples, s.Cols); err != nil && st.w == nil && st.h == nil {
		return nil, err
	}
	switch {
	case st.phi != nil:
	case t.Start == "dct":
		st.phi, st.given = dctMatrix(s.Rows()), true
	case t.Start == "file":
		phi, err := npy.ReadMatrix(*t.StartFile)
		if err != nil {
			return nil, err
		}
		if st.phi, err = scene.OrthogonalMatrix(ctx, phi, s.Samples); err != nil {
			return nil, wrap(*t.StartFile, err)
		}
		st.given = true
	default:
		if st.w == nil {
			s.Reduce(st.eps)
		}
		if t.Start == "joint_diagonalization" {
			return st, st.diagonalise(ctx, t.StartBlock)
		}
	}
	return st, nil
}

// diagonalise sets Φ to the basis in which the covariances of blocks of columns are as near
// to diagonal as possible.
func (st *tlStart) diagonalise(ctx context.Context, block int) (err error) {
	st.phi, _, err = jointdiag.Find(ctx, st.scene.Block(block), nil, jointdiag.Options{
		Method: "quasi_newton", Floor: st.eps, Iterations: 200, Tol: 1e-8,
	})
	return err
}

// take starts from what is not nil in init.
func (st *tlStart) take(ctx context.Context, init audiosep.Model) error {
	if f := init.Factors; f != nil {
		if err := f.Validate(st.scene.Samples, st.scene.Cols); err != nil {
			return fmt.Errorf("init_factors: %w", err)
		}
		rank := st.rank
		if f.W != nil {
			_, rank = f.W.Dims()
		} else if f.H != nil {
			rank, _ = f.H.Dims()
		}
		if rank != st.rank {
			return &audiosep.ShapeError{What: "the rank of init_factors", Is: fmt.Sprint(rank), Want: fmt.Sprint(st.rank)}
		}
		if err := checkNotZero(f.W, f.H, power(st.scene) > 0); err != nil {
			return err
		}
		st.w, st.h = f.W, f.H
	}
	if init.Transform == nil {
		return nil
	}
	forward := func(dst, src []float64) error { return init.Transform.Forward(ctx, audiosep.Coefs{Re: dst}, src) }
	phi, err := scene.Orthogonal(ctx, init.Transform, st.scene.Samples, forward)
	st.phi, st.given = phi, true
	return wrap("init_transform", err)
}

// wrap puts what an error is about before it.
func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

// draw returns start i, which the caller may change: Φ rows×rows, W rows×K, H K×N/S.
func (st *tlStart) draw(ctx context.Context, env audiosep.Env, i int) (phi, w, h *mat.Dense, err error) {
	s := st.scene
	stream := func(name string) *rand.Rand { return env.Rand(fmt.Sprintf("%s-%d", name, i)) }
	if st.phi != nil {
		phi = mat.DenseCopyOf(st.phi)
	} else {
		phi = orthogonal.Random(stream("phi"), s.Rows())
	}
	if st.w != nil {
		w = mat.DenseCopyOf(st.w)
	} else {
		w = randomPositive(stream("w"), s.Rows(), st.rank)
		normaliseColumns(w)
	}
	if st.h != nil {
		h = mat.DenseCopyOf(st.h)
	} else {
		h = randomPositive(stream("h"), st.rank, s.Cols)
		h.Scale(max(power(s), st.eps)/float64(st.rank), h)
	}
	return phi, w, h, ctx.Err()
}

// power returns the mean power of a column of V, summed over its rows.
func power(s *scene.Scene) float64 {
	var sum float64
	for _, a := range s.Y.RawMatrix().Data {
		sum += a * a
	}
	return sum / float64(s.Frames())
}

// randomPositive draws |N(0, 1)| + 1.
func randomPositive(rng *rand.Rand, rows, cols int) *mat.Dense {
	a := mat.NewDense(rows, cols, nil)
	for i := range a.RawMatrix().Data {
		a.RawMatrix().Data[i] = math.Abs(rng.NormFloat64()) + 1
	}
	return a
}

func normaliseColumns(w *mat.Dense) {
	rows, _ := w.Dims()
	for k, sum := range columnSums(w) {
		for i := 0; sum > 0 && i < rows; i++ {
			w.Set(i, k, w.At(i, k)/sum)
		}
	}
}

// dctMatrix returns the orthonormal DCT-II, m×m, an atom a row.
func dctMatrix(m int) *mat.Dense {
	phi := mat.NewDense(m, m, nil)
	for k := range m {
		scale := math.Sqrt(2 / float64(m))
		if k == 0 {
			scale = math.Sqrt(1 / float64(m))
		}
		for n := range m {
			phi.Set(k, n, scale*math.Cos(math.Pi*float64((2*n+1)*k%(4*m))/float64(2*m)))
		}
	}
	return phi
}
