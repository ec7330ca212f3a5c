package factorizers

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/orthogonal"
	"github.com/sbinet/npyio"
	"gonum.org/v1/gonum/mat"
)

// tlStart draws the starts of tl_nmf. What is nil is drawn anew for every start.
type tlStart struct {
	scene *scene
	rank  int
	phi   *mat.Dense // rows×rows
	w, h  *mat.Dense // rows×K, K×N/S
}

// start prepares what all starts have in common. It reduces the scene to the span of
// its frames unless Φ, or W, are given for all M rows.
func (t tlNMF) start(ctx context.Context, env audiosep.Env, s *scene, init audiosep.Model) (*tlStart, error) {
	st := &tlStart{scene: s, rank: t.Rank}
	if err := st.take(init); err != nil {
		return nil, err
	}
	switch {
	case st.phi != nil:
	case t.Start == "dct":
		st.phi = dctMatrix(s.rows)
	case t.Start == "file":
		phi, err := readMatrix(*t.StartFile)
		if err != nil {
			return nil, err
		}
		if err := st.usePhi(phi); err != nil {
			return nil, fmt.Errorf("%s: %w", *t.StartFile, err)
		}
	case st.w == nil:
		s.reduce()
	}
	return st, nil
}

// take uses what is wired to init.
func (st *tlStart) take(init audiosep.Model) error {
	if f := init.Factors; f != nil {
		if err := f.Validate(st.scene.samples, st.scene.cols); err != nil {
			return fmt.Errorf("init_factors: %w", err)
		}
		for _, x := range []*mat.Dense{f.W, f.H} {
			if x == nil {
				continue
			}
			if r, c := x.Dims(); min(r, c) != st.rank && (x == f.W && c != st.rank || x == f.H && r != st.rank) {
				return &audiosep.ShapeError{What: "init_factors", Is: fmt.Sprintf("%d×%d", r, c), Want: fmt.Sprintf("rank %d", st.rank)}
			}
		}
		st.w, st.h = f.W, f.H
	}
	if init.Transform == nil {
		return nil
	}
	phi, ok := init.Transform.(audiosep.MatrixTransform)
	if ok {
		return wrap("init_transform", st.usePhi(phi.Phi()))
	}
	dense, err := matrixOf(init.Transform)
	if err != nil {
		return wrap("init_transform", err)
	}
	return wrap("init_transform", st.usePhi(dense))
}
