package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/examples/internal/known"
	"github.com/audiosep/audiosep/factorizers"
	"github.com/audiosep/audiosep/internal/assign"
	"github.com/audiosep/audiosep/transforms"
)

// The size of a scene drawn from the model: coefficients of a frame and components.
const bins, components = 16, 3

// ways are the settings of ilrta that are compared on scenes; learn none, on frames, has no
// transform at all.
var ways = []struct {
	name  string
	learn string
	blend float64
	tl    bool // it begins with what tl_nmf learnt
}{
	{"P = I", "none", 0, false},
	{"TL-NMF", "none", 0, true},
	{"TL-NMF, then blend 1", "p", 1, true},
	{"blend 1", "p", 1, false},
	{"blend 0.1", "p", 0.1, false},
	{"P free (blend 0)", "p", 0, false},
}

// drawn prints how well the components of scenes drawn from the model are found, for
// orthogonal P and others and for few frames and many: mean SI-SDR, in brackets the objective
// a frame less that of the true P, W and H.
func drawn(ctx context.Context, w io.Writer, draws int) error {
	var names []string
	for _, way := range ways {
		names = append(names, way.name)
	}
	head(w, "SI-SDR of the components, dB (objective a frame, less the truth's)", append(names, "the true P, W, H"))
	for _, orthogonal := range []bool{true, false} {
		for _, frames := range []int{bins, 3 * bins, 10 * bins, 30 * bins, 100 * bins} {
			sdr, excess := make([]float64, len(ways)+1), make([]float64, len(ways))
			for seed := range draws {
				s := newScene(uint64(seed), frames, orthogonal)
				least, truth, err := s.known(ctx)
				if err != nil {
					return err
				}
				sdr[len(ways)] += truth / float64(draws)
				for i, way := range ways {
					c, got, err := s.learn(ctx, way.learn, way.blend, way.tl)
					if err != nil {
						return err
					}
					sdr[i] += got / float64(draws)
					excess[i] += (c - least + float64(frames)*s.logDet) / float64(frames*draws)
				}
			}
			what := "any P"
			if orthogonal {
				what = "orthogonal P"
			}
			cells := make([]string, len(sdr))
			for i, v := range sdr {
				if cells[i] = fmt.Sprintf("%.1f", v); i < len(ways) && ways[i].blend == 0 { // else the blend's part is in it
					cells[i] += fmt.Sprintf(" (%+.1f)", excess[i])
				}
			}
			row(w, fmt.Sprintf("%s, T/M = %d", what, frames/bins), cells...)
		}
	}
	return nil
}

// scene is sound drawn from the model: P⁻¹ of components whose coefficients are independent.
type scene struct {
	signal, mixed *audiosep.Signal // the mixture, and P of it
	parts         [][]float64      // the components
	back          *mat.Dense       // P⁻¹
	logDet        float64          // log |det P|
	w, h          *mat.Dense
}

func newScene(seed uint64, frames int, orthogonal bool) *scene {
	r := rand.New(rand.NewPCG(seed, uint64(frames)))
	s := &scene{w: mat.NewDense(bins, components, nil), h: mat.NewDense(components, frames, nil)}
	for _, m := range []*mat.Dense{s.w, s.h} {
		for i := range m.RawMatrix().Data {
			m.RawMatrix().Data[i] = math.Pow(r.Float64(), 8)
		}
	}
	for k := range components { // columns of W sum to 1
		sum := floats.Sum(mat.Col(nil, k, s.w))
		for m := range bins {
			s.w.Set(m, k, s.w.At(m, k)/sum)
		}
	}
	draw := mat.NewDense(bins, bins, nil)
	for i := range draw.RawMatrix().Data {
		draw.RawMatrix().Data[i] = r.NormFloat64()
	}
	var svd mat.SVD
	svd.Factorize(draw, mat.SVDFull)
	var u, v mat.Dense
	svd.UTo(&u)
	svd.VTo(&v)
	for i := range bins {
		by := 1.0
		if !orthogonal {
			by = math.Exp(1.5 * (2*float64(i)/(bins-1) - 1)) // a condition number of 20, a determinant of 1
		}
		for j := range bins {
			v.Set(j, i, v.At(j, i)*by)
		}
	}
	s.back = new(mat.Dense)
	s.back.Mul(&u, v.T())
	s.logDet, _ = mat.LogDet(s.back)
	s.logDet = -s.logDet
	s.draw(r, frames)
	return s
}

// draw draws the components and adds them up.
func (s *scene) draw(r *rand.Rand, frames int) {
	z := mat.NewDense(frames, bins, nil)
	x := mat.NewDense(frames, bins, nil)
	for k := range components {
		own, part := mat.NewDense(frames, bins, nil), new(mat.Dense)
		for t := range frames {
			for m := range bins {
				own.Set(t, m, math.Sqrt(s.w.At(m, k)*s.h.At(k, t))*r.NormFloat64())
			}
		}
		part.Mul(own, s.back.T())
		s.parts = append(s.parts, part.RawMatrix().Data)
		z.Add(z, own)
		x.Add(x, part)
	}
	s.signal = &audiosep.Signal{Rate: 8000, Channels: 1, Data: [][]float64{x.RawMatrix().Data}}
	s.mixed = &audiosep.Signal{Rate: 8000, Channels: 1, Data: [][]float64{z.RawMatrix().Data}}
}

func (s *scene) factors() *audiosep.Factors {
	return &audiosep.Factors{W: mat.DenseCopyOf(s.w), H: mat.DenseCopyOf(s.h)}
}

// known returns the objective and the mean SI-SDR of the components with the true P, W and H.
func (s *scene) known(ctx context.Context) (c, sdr float64, err error) {
	p := settings("none", 0)
	p.Iterations, p.Restarts = 1, 1
	coefs, err := framesOf(ctx, s.mixed)
	if err != nil {
		return 0, 0, err
	}
	out, stems, err := separate(ctx, p, coefs, s.factors())
	if err != nil {
		return 0, 0, err
	}
	for _, stem := range stems { // they are P times the components
		var back mat.Dense
		back.Mul(mat.NewDense(len(stem.Data[0])/bins, bins, stem.Data[0]), s.back.T())
		stem.Data[0] = back.RawMatrix().Data
	}
	return out.Objective[0], s.measure(stems), nil
}

// learn returns the same of what is learnt: the best of three starts by its objective.
func (s *scene) learn(ctx context.Context, learn string, blend float64, tl bool) (c, sdr float64, err error) {
	coefs, err := framesOf(ctx, s.signal)
	if err != nil {
		return 0, 0, err
	}
	p := settings(learn, blend)
	var init *audiosep.Factors
	if tl {
		if coefs, init, err = transformed(ctx, coefs); err != nil {
			return 0, 0, err
		}
		p.Restarts = 1
	}
	out, stems, err := separate(ctx, p, coefs, init)
	if err != nil {
		return 0, 0, err
	}
	return out.Objective[len(out.Objective)-1], s.measure(stems), nil
}

func settings(learn string, blend float64) factorizers.ILRTAParams {
	p := factorizers.DefaultILRTA()
	p.Rank, p.Learn, p.Blend, p.Iterations, p.Restarts, p.Eps = components, learn, blend, 300, 3, 1e-4
	return p
}

// framesOf returns frames, one after the other, as coefficients.
func framesOf(ctx context.Context, x *audiosep.Signal) (audiosep.Spectra, error) {
	same := func(int) (forward, inverse func(dst, src []float64), err error) {
		same := func(dst, src []float64) { copy(dst, src) }
		return same, same, nil
	}
	return transforms.Spectra(ctx, x, transforms.Frame(bins, 0, "rectangular"), audiosep.PerFrame(same))
}

// transformed returns the coefficients and factors that tl_nmf learns.
func transformed(ctx context.Context, x audiosep.Spectra) (audiosep.Spectra, *audiosep.Factors, error) {
	p := factorizers.DefaultTLNMF()
	p.Rank, p.Iterations, p.Restarts = components, 300, 3
	learner, err := factorizers.NewTLNMF(p)
	if err != nil {
		return nil, nil, err
	}
	framed := x.(*audiosep.FramedSpectra).Framed
	y := new(audiosep.Frames)
	if err := framed.Read(ctx, y, 0, framed.Framing.Frames()); err != nil {
		return nil, nil, err
	}
	m, err := learner.LearnJointly(ctx, audiosep.Env{Seed: 1}, y, audiosep.Model{})
	if err != nil {
		return nil, nil, err
	}
	coefs, err := audiosep.NewSpectra(framed, m.Transform)
	return coefs, m.Factors, err
}

func separate(ctx context.Context, p factorizers.ILRTAParams, x audiosep.Spectra, init *audiosep.Factors) (*audiosep.Factors, []*audiosep.Signal, error) {
	stage, err := factorizers.NewILRTA(p)
	if err != nil {
		return nil, nil, err
	}
	out, err := stage.Run(ctx, audiosep.Env{Seed: 1}, factorizers.ILRTAIn{Coefs: x, Init: init})
	if err != nil {
		return nil, nil, err
	}
	stems, err := audiosep.Collect(ctx, out.Sources)
	return out.Factors, stems, err
}

// measure returns the mean SI-SDR of stems in their best order.
func (s *scene) measure(stems []*audiosep.Signal) (sdr float64) {
	score := make([][]float64, components)
	for k, part := range s.parts {
		for _, stem := range stems {
			score[k] = append(score[k], known.SISDR(stem.Data[0], part))
		}
	}
	for k, e := range assign.Best(score) {
		sdr += score[k][e] / components
	}
	return sdr
}
