package models

import (
	"archive/zip"
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/npy"
	"github.com/audiosep/audiosep/internal/whole"
	"gonum.org/v1/gonum/mat"
)

// Version is the version of the layout that this package writes, and the only one it
// reads.
const Version = 1

// The layout is a zip file of .npy arrays, float64 in C order, and one text:
//
//	phi.npy                      F×M, the transform
//	w.npy, h.npy                 F×K, K×N/S, the factors
//	objective.npy                one number per iteration
//	restarts.npy                 the last objective of every start
//	analysis.npy, synthesis.npy  the windows, M weights each
//	model.json                   meta
//
// Any array may be missing; analysis and synthesis stand or fall with meta.Framing.
const metaName = "model.json"

type meta struct {
	Version int      `json:"audiosep_model"`
	Framing *framing `json:"framing,omitempty"`
	Stop    string   `json:"stop,omitempty"` // why the factoriser's iterations ended
	Sources []source `json:"sources,omitempty"`
	Power   int      `json:"power,omitempty"` // 2 for factors of powers, 1 of magnitudes
}

// source says which components, from 0 on, are whose.
type source struct {
	Name       string `json:"name"`
	Components []int  `json:"components"`
}

// framing is an audiosep.Framing without its windows, and without the names and the
// encoding of the recording, which are nobody's business who gets the model.
type framing struct {
	Rate         int `json:"rate"` // Hz
	Samples      int `json:"samples"`
	Channels     int `json:"channels"`
	Realisations int `json:"realisations"`
	Length       int `json:"length"` // M, samples
	Hop          int `json:"hop"`    // samples from frame to frame
	Pad          int `json:"pad"`    // zeros before the first sample
	Share        int `json:"share"`  // S, frames to one activation
}

// Save writes a model to a file, whole or not at all; folders that are missing are made. A
// file that is there is replaced if overwrite says so; else the error is [fs.ErrExist]. What
// [Write] refuses is an error.
func Save(ctx context.Context, path string, m audiosep.Model, overwrite bool) (err error) {
	set := whole.Set{Overwrite: overwrite}
	defer func() { err = errors.Join(err, set.Close()) }()
	if err := writeTo(ctx, &set, path, m); err != nil {
		return err
	}
	return set.Commit(ctx)
}

// writeTo writes a model into a file of the set.
func writeTo(ctx context.Context, set *whole.Set, path string, m audiosep.Model) error {
	file, err := set.Create(path)
	if err != nil {
		return err
	}
	b := bufio.NewWriterSize(file, 1<<16)
	if err = Write(ctx, b, m); err == nil {
		err = b.Flush()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// Write writes a model as .npz. The same model makes the same bytes. It is an error if
// the model is empty, has a transform that is no real matrix, or does not pass the
// checks of [Read].
func Write(ctx context.Context, w io.Writer, m audiosep.Model) error {
	parts, info, err := pack(ctx, m)
	if err != nil {
		return err
	}
	if _, err := unpack(parts, info); err != nil {
		return err
	}
	z := zip.NewWriter(w)
	for _, name := range arrayNames {
		a, ok := parts[name]
		if !ok {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		// Stored, not deflated: learnt numbers hardly get smaller.
		member, err := z.CreateHeader(&zip.FileHeader{Name: name + ".npy", Method: zip.Store})
		if err != nil {
			return err
		}
		if err := npy.Write(member, a); err != nil {
			return err
		}
	}
	member, err := z.Create(metaName)
	if err != nil {
		return err
	}
	enc := json.NewEncoder(member)
	enc.SetIndent("", "  ")
	if err := enc.Encode(info); err != nil {
		return err
	}
	return z.Close()
}

// pack takes a model apart.
func pack(ctx context.Context, m audiosep.Model) (map[string]npy.Array, meta, error) {
	parts, info := map[string]npy.Array{}, meta{Version: Version}
	if m.Transform != nil {
		phi, err := matrixOf(ctx, m.Transform)
		if err != nil {
			return nil, info, err
		}
		parts["phi"] = matrixArray(phi)
	}
	if f := m.Factors; f != nil {
		for name, a := range map[string]*mat.Dense{"w": f.W, "h": f.H} {
			if a != nil {
				parts[name] = matrixArray(a)
			}
		}
		for name, a := range map[string][]float64{"objective": f.Objective, "restarts": f.Restarts} {
			if a != nil {
				parts[name] = vectorArray(a)
			}
		}
		info.Stop, info.Power = f.Stop, f.Power
		for _, g := range f.Sources {
			info.Sources = append(info.Sources, source{g.Name, g.Components})
		}
	}
	if f := m.Framing; f != nil {
		parts["analysis"], parts["synthesis"] = vectorArray(f.Analysis), vectorArray(f.Synthesis)
		info.Framing = &framing{f.Rate, f.Samples, f.Channels, f.Realisations, f.Length, f.Hop, f.Pad, f.Share}
	}
	return parts, info, nil
}

func vectorArray(a []float64) npy.Array { return npy.Array{Shape: []int{len(a)}, Data: a} }

func matrixArray(a *mat.Dense) npy.Array {
	rows, cols := a.Dims()
	if raw := a.RawMatrix(); raw.Stride != cols {
		a = mat.DenseCopyOf(a)
	}
	return npy.Array{Shape: []int{rows, cols}, Data: a.RawMatrix().Data[:rows*cols]}
}

// matrixOf returns the F×M matrix of a transform: its own, or what it makes of the
// columns of I.
func matrixOf(ctx context.Context, t audiosep.Transform) (*mat.Dense, error) {
	if t.Complex() {
		return nil, errors.New("the transform is complex; a model keeps the matrix of a real one: save the factors alone")
	}
	if own, ok := t.(audiosep.MatrixTransform); ok {
		return mat.DenseCopyOf(own.Phi()), nil
	}
	// One frame more than I has tells whether the transform is linear.
	m, f := t.Len(), t.Bins()
	frames, coefs := make([]float64, (m+1)*m), audiosep.MakeCoefs(t, m+1)
	var norm float64
	for i := range m {
		frames[i*m+i] = 1
		frames[m*m+i] = math.Cos(float64(i)) - 0.5
		norm = math.Hypot(norm, frames[m*m+i])
	}
	if err := t.Forward(ctx, coefs, frames); err != nil {
		return nil, err
	}
	phi := mat.DenseCopyOf(mat.NewDense(m, f, coefs.Re[:m*f]).T())
	var is mat.VecDense
	is.MulVec(phi, mat.NewVecDense(m, frames[m*m:]))
	is.SubVec(&is, mat.NewVecDense(f, coefs.Re[m*f:]))
	if e := mat.Norm(&is, 2); !(e <= 1e-9*norm) {
		return nil, fmt.Errorf("the transform is not linear: it misses the sum of its parts by %.3g; a model keeps a matrix: save the factors alone", e/norm)
	}
	return phi, nil
}
