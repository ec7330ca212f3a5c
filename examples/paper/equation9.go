package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/analysis"
	"github.com/audiosep/audiosep/factorizers"
	"github.com/audiosep/audiosep/transforms"
)

// equation9 is the paper's numerical illustration of theorem 1.
type equation9 struct {
	Spaces  [][]int    // the identifiable row-spaces of Φ̄
	Product *mat.Dense // ΦΦ̄ᵀ of the first start
	C       []float64  // [start] the least objective
	Leak    []float64  // [start] the largest entry of |ΦΦ̄ᵀ| outside the blocks
	JD      float64    // the same for joint diagonalisation
	Angle   float64    // the largest between a row-space of Φ and that of Φ̄, over the starts, radians
}

const (
	leastC = 1.585450411802 // the minimum of eq. 9, as the published code finds it too, with
	eq9Eps = 1e-8
)

// newEquation9 learns Φ from the expectation of the model of eq. 9 (paper, eq. 8), from
// several random starts.
func newEquation9(ctx context.Context, seed uint64, starts int) (*equation9, error) {
	dct2, err := transforms.DCTParams{Type: 2}.Transform(ctx, 4)
	if err != nil {
		return nil, err
	}
	truth := dct2.(audiosep.MatrixTransform).Phi()
	w := mat.NewDense(4, 2, []float64{1, 0.1, 1, 0.1, 0.1, 1, 0.1, 1})
	h := mat.NewDense(2, 3, []float64{1, 0, 1, 0, 1, 1})
	y, err := factorizers.ExpectedFrames(mat.DenseCopyOf(truth), w, h)
	if err != nil {
		return nil, err
	}
	e := &equation9{}
	if e.Spaces, err = analysis.Identify(&audiosep.Factors{W: w, H: h}, 1e-9, 0); err != nil {
		return nil, err
	}
	learner, err := build[audiosep.JointLearner](factorizers.Stages, "tl_nmf", map[string]any{"rank": 2, "eps": eq9Eps, "tol": 0, "iterations": 5000})
	if err != nil {
		return nil, err
	}
	for s := range starts {
		model, err := learner.LearnJointly(ctx, audiosep.Env{Seed: seed + uint64(s)}, y, audiosep.Model{})
		if err != nil {
			return nil, err
		}
		e.C = append(e.C, last(model.Factors.Objective))
		if err := e.hold(model.Transform, truth); err != nil {
			return nil, err
		}
	}
	return e, e.diagonalise(ctx, y, truth)
}

// hold holds the row-spaces of a learnt transform against the truth.
func (e *equation9) hold(learnt audiosep.Transform, truth mat.Matrix) error {
	phi := learnt.(audiosep.MatrixTransform).Phi()
	product := times(phi, truth)
	blocks, leak := e.blocks(product)
	e.Leak = append(e.Leak, leak)
	if e.Product == nil {
		e.Product = product
	}
	for s, rows := range e.Spaces {
		if len(blocks[s]) != len(rows) {
			e.Angle = math.Pi / 2
			return nil
		}
		angles, err := analysis.PrincipalAngles(rowsOf(phi, blocks[s]), rowsOf(truth, rows))
		if err != nil {
			return err
		}
		e.Angle = max(e.Angle, last(angles))
	}
	return nil
}

// diagonalise learns Φ without NMF, as the remark after eq. 9 suggests.
func (e *equation9) diagonalise(ctx context.Context, y *audiosep.Frames, truth mat.Matrix) error {
	jd, err := build[audiosep.TransformLearner](transforms.Stages, "joint_diagonalization", map[string]any{"block": 1, "eps": eq9Eps})
	if err != nil {
		return err
	}
	learnt, err := jd.LearnTransform(ctx, audiosep.Env{}, y, nil)
	if err != nil {
		return err
	}
	_, e.JD = e.blocks(times(learnt.(audiosep.MatrixTransform).Phi(), truth))
	return nil
}

// blocks says which rows of a product ΦΦ̄ᵀ lie in which row-space, and returns the
// largest entry that lies outside.
func (e *equation9) blocks(product *mat.Dense) (blocks [][]int, leak float64) {
	blocks = make([][]int, len(e.Spaces))
	rows, _ := product.Dims()
	for i := range rows {
		most := make([]float64, len(e.Spaces)) // in each space
		for s, space := range e.Spaces {
			for _, j := range space {
				most[s] = max(most[s], math.Abs(product.At(i, j)))
			}
		}
		in := slices.Index(most, slices.Max(most))
		blocks[in] = append(blocks[in], i)
		most[in] = 0
		leak = max(leak, slices.Max(most))
	}
	return blocks, leak
}

// Off returns by how much the least objective of a start differs from the known
// minimum at most.
func (e *equation9) Off() (worst float64) {
	for _, c := range e.C {
		worst = max(worst, math.Abs(c-leastC))
	}
	return worst
}

// Block reports whether rows i of ΦΦ̄ᵀ lie in the row-space that has column j.
func (e *equation9) Block(i, j int) bool {
	blocks, _ := e.blocks(e.Product)
	for s := range blocks {
		if slices.Contains(blocks[s], i) {
			return slices.Contains(e.Spaces[s], j)
		}
	}
	return false
}

// build makes a stage of a list, with parameters over its defaults.
func build[S any](stages []audiosep.Definition, name string, params map[string]any) (S, error) {
	var none S
	i := slices.IndexFunc(stages, func(d audiosep.Definition) bool { return d.Name == name })
	if i < 0 {
		return none, fmt.Errorf("there is no stage %q", name)
	}
	raw, err := json.Marshal(params)
	if err != nil {
		return none, err
	}
	stage, err := stages[i].Build(raw)
	if err != nil {
		return none, fmt.Errorf("%s: %w", name, err)
	}
	return stage.(S), nil
}

// times returns ABᵀ.
func times(a, b mat.Matrix) *mat.Dense {
	var c mat.Dense
	c.Mul(a, b.T())
	return &c
}

func rowsOf(a mat.Matrix, rows []int) *mat.Dense {
	_, cols := a.Dims()
	out := mat.NewDense(len(rows), cols, nil)
	for i, r := range rows {
		out.SetRow(i, mat.Row(nil, r, a))
	}
	return out
}

func last[T any](x []T) T { return x[len(x)-1] }
