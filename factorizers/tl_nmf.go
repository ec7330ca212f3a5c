package factorizers

import (
	"context"
	"fmt"
	"log/slog"
	"math"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/scene"
	"gonum.org/v1/gonum/mat"
)

// TLNMFParams are the parameters of tl_nmf.
type TLNMFParams struct {
	Rank       int     `json:"rank" min:"1" max:"100000" unit:"components" doc:"Number of components K."`
	Iterations int     `json:"iterations" min:"1" max:"1000000000" doc:"Most iterations; each updates W and H, then Φ."`
	Tol        float64 `json:"tol" min:"0" doc:"Stop when an iteration lowers the objective C by less than this part of 2|C|."`
	Eps        float64 `json:"eps" min:"1e-15" doc:"Floor added to V and WH: a power of frames whose window is divided by its sum, so that the scale of the window does not matter."`
	MMSteps    int     `json:"mm_steps" min:"1" doc:"Most updates of H and W in an iteration. From a Φ that is not settled, and with update mm, the first iterations make fewer, so that Φ takes shape before W and H settle."`
	Update     string  `json:"update" oneof:"momentum|mm" doc:"How W and H are updated: mm by majorisation-minimisation; momentum goes farther and on in the direction of the last updates, but not where C would rise, and from a Φ that is not settled begins as mm."`
	PhiSteps   int     `json:"phi_steps" min:"1" doc:"Steps of the solver in an iteration: sweeps of jacobi and blocks, line searches of the others. On one recording C ends lower with two or more."`
	Solver     string  `json:"solver" oneof:"auto|jacobi|blocks|quasi_newton|projected_gradient" doc:"How Φ is learnt: by pairs of rows, blocks of rows, or all rows at once; auto is jacobi where it has a closed form and Φ is small, else blocks; a Φ of up to 128 rows that is wired, from a file, or the DCT it learns by the steps of the published codes too, which takes longer, and keeps the lower C."`
	Curvature  string  `json:"curvature" oneof:"corrected|published" doc:"What quasi_newton divides the gradient by: the curvature of each rotation, or the part of it in Ablin et al. (2019)."`
	Objective  string  `json:"objective" oneof:"gcm|is" doc:"gcm, the likelihood of the Gaussian composite model, or is, the Itakura-Saito divergence of V from WH."`
	Reach      int     `json:"reach" min:"0" unit:"rows" doc:"Rotate only rows of Φ that stand at most so many apart, by jacobi; 0: all. From a DCT 1 to 8 adapt Φ to a recording without fitting it too closely."`
	L1         float64 `json:"l1" min:"0" doc:"Weight of the sum of H in the objective, in the scale of eps."`
	Start      string  `json:"start" oneof:"random|dct|joint_diagonalization|file" doc:"Φ to start from, where none is wired; with a wired one file is refused."`
	StartFile  *string `json:"start_file" file:"in" doc:"Orthogonal M×M matrix (.npy) to start from, with start file."`
	StartBlock int     `json:"start_block" min:"1" unit:"columns" doc:"Columns of V whose frames are averaged to a covariance by the joint_diagonalization start."`
	Restarts   int     `json:"restarts" min:"1" max:"100000" doc:"Starts that are tried; the one with the least objective is kept."`
	Fix        string  `json:"fix" oneof:"none|phi" doc:"phi leaves Φ at its start and learns W and H alone."`
}

// Validate says which parameters do not go together.
func (p TLNMFParams) Validate() error {
	if p.Objective == "is" && p.Solver == "jacobi" {
		return &audiosep.ParamError{Name: "solver", What: "is jacobi, whose rotations are exact for the gcm objective only; want auto, blocks, quasi_newton or projected_gradient"}
	}
	if p.Reach > 0 && (p.Objective == "is" || p.Solver != "auto" && p.Solver != "jacobi") {
		return &audiosep.ParamError{Name: "reach", What: fmt.Sprintf("is %d, which pairs of rows keep to: jacobi, for the gcm objective only; want solver auto or jacobi and objective gcm, or reach 0", p.Reach)}
	}
	if (p.Start == "file") != (p.StartFile != nil) {
		return &audiosep.ParamError{Name: "start_file", What: "goes with start file; want both or neither"}
	}
	return nil
}

var tlNMFStage = audiosep.Define("tl_nmf",
	"NMF with a learnt transform: an orthogonal Φ, W and H such that |ΦY|² ≈ WH. "+
		"Every recording, channel and shifted grid of frames is a realisation of one scene: they share Φ, W and H. "+
		"Φ has M(M-1)/2 free parameters: give it several recordings or frames that share an activation, or start from the DCT. "+
		"(Zhang, Soubies and Févotte, IEEE SPL 2020.)",
	DefaultTLNMF(), NewTLNMF)

// DefaultTLNMF returns the defaults of tl_nmf.
func DefaultTLNMF() TLNMFParams {
	return TLNMFParams{
		Rank: 8, Iterations: 200, Tol: 1e-7, Eps: 5e-7, MMSteps: 10, Update: "momentum", PhiSteps: 1,
		Solver: "auto", Curvature: "corrected", Objective: "gcm", Start: "random", StartBlock: 10, Restarts: 1, Fix: "none",
	}
}

// NewTLNMF returns the learner of NMF with a learnt transform, by block-coordinate
// descent on
//
//	C = ½ Σ (V+eps)/V̂ + log V̂,  V̂ = WH + eps,  V = mean |ΦY|²   (gcm; paper, eq. 3)
//	C = Σ q - log q - 1,  q = (V+eps)/V̂                           (is)
//
// plus l1·ΣH. From a Φ that is settled W and H are updated as often as p allows, else seldom at
// first. Settled is a Φ, given or drawn, that concentrates the power better than chance, with
// W and H that then fit V to ¼ a coefficient; for the is objective none is, unless it is fixed.
// The mean is over all layers and over the frames that share a column. C never
// rises.
//
// C has many minima, and now one, now the other of two descents from one start ends lower. So
// from a Φ of up to 128 rows that is given (wired, from a file, or the DCT), with the solver
// auto, fix none and reach 0, a second one takes the steps of the published codes
// (github.com/sixin-zh/tlnmf-gcm; for is github.com/pierreablin/tlnmf), and the model is that of
// the lower end, with its stop. The objective has the lower C of both after each iteration.
// That was compared with the published codes on 100 random problems of each of four kinds (gcm
// with one recording and with ten, is without and with l1), of 8 to 16 rows: on none was C
// higher than theirs, after as many iterations or at the end. On others it may be: for is
// their codes' own results differ by 5e-5 where H of the start differs by rounding.
//
// The learnt Φ is orthogonal to 1e-12 and its rows are in no special order; columns of
// W sum to 1. It is an error if p is out of the ranges in its tags, as in a spec.
func NewTLNMF(p TLNMFParams) (audiosep.JointLearner, error) {
	if err := audiosep.CheckStruct(p); err != nil {
		return nil, err
	}
	return tlNMF{p}, nil
}

type tlNMF struct{ TLNMFParams }

// Forecast says what is known of the factors before they are there. A file to start from that nothing would read, since
// Φ is wired, is an error.
func (t tlNMF) Forecast(in map[string]audiosep.Forecast) (map[string]audiosep.Forecast, error) {
	if _, wired := in["init_transform"]; wired && t.StartFile != nil {
		return nil, &audiosep.ParamError{Name: "start_file", What: "would not be read, as Φ is wired; want one of the two: leave out start and start_file, or init_transform"}
	}
	return forecast(t.Rank, in)
}

// Needs says what it takes: the frames, the same laid out, and for each start that runs at once
// their coefficients, V with its model and a copy, Φ, and as much again, and more, of the pairs of
// rows that are turned.
func (t tlNMF) Needs(e audiosep.Extent) audiosep.Needs {
	together := int64(min(t.Restarts, e.Threads))
	m, frames := int64(e.Length), int64(e.Frames*max(1, e.Layers()))
	samples, v, phi := 8*m*frames, 8*m*int64(e.Columns), 8*m*m
	rank := t.Rank
	if rank == 0 {
		rank = e.Rank
	}
	work := 2*samples + together*(4*samples+4*v+6*phi)
	operations := float64(t.Restarts*t.Iterations) * (24*float64(m*m)*float64(frames)/productSpeed + float64(m)*float64(e.Columns)*(24*float64(rank)+elementWork))
	if given := e.Transform || t.Start == "dct" || t.Start == "file"; t.twoCourses(given, e.Length) { // see publishedCourse
		work += together * (2*samples + 5*v + 10*phi)
		operations *= 3
	}
	return audiosep.Needs{Work: work, Keeps: phi + v, Operations: operations}
}

// LearnJointly learns from y, starting from the fields of init that are not nil: an
// orthogonal MatrixTransform, W (M×K), H (K×N/S).
func (t tlNMF) LearnJointly(ctx context.Context, env audiosep.Env, y *audiosep.Frames, init audiosep.Model) (audiosep.Model, error) {
	scene, err := scene.New(y.Data, y.Length, y.Share, y.Analysis)
	if err != nil {
		return audiosep.Model{}, err
	}
	start, err := t.start(ctx, scene, init)
	if err != nil {
		return audiosep.Model{}, err
	}
	t.warn(env, scene)
	courses := 1
	if t.twoCourses(start.given, scene.Rows()) {
		courses = 2
	}
	told := newProgress(env, t.Iterations, t.Restarts*courses)
	best, _, ends, err := leastOfStarts(t.Restarts, func(i, threads int) (*learning, error) {
		return t.run(ctx, env, scene, start, i, threads, told)
	}, (*learning).last)
	if err != nil {
		return audiosep.Model{}, err
	}
	told.end(best.last())
	t.report(env, best, ends)
	if len(ends) == 1 {
		ends = nil
	}
	phi, err := scene.Complete(ctx, mat.NewDense(scene.Rows(), scene.Rows(), best.phi))
	if err != nil {
		return audiosep.Model{}, err
	}
	transform, err := audiosep.NewMatrixTransform(phi)
	if err != nil {
		return audiosep.Model{}, err
	}
	framing := y.Framing
	return audiosep.Model{Framing: &framing, Transform: transform, Factors: best.factors(ends)}, nil
}

// warn warns if there are fewer frames than free parameters of Φ.
func (t tlNMF) warn(env audiosep.Env, s *scene.Scene) {
	free := s.Rows() * (s.Rows() - 1) / 2
	if t.Reach > 0 {
		free = min(free, s.Rows()*t.Reach)
	}
	if t.Fix == "none" && s.Frames() < free {
		env.Logger().Warn("few frames for a learnt transform: it may fit this recording only; more recordings, or frames that share an activation, would hold it",
			slog.Int("frames", s.Frames()), slog.Int("free_parameters", free))
	}
}

// run learns from start i on at most so many threads, on which the result does not depend.
func (t tlNMF) run(ctx context.Context, env audiosep.Env, s *scene.Scene, start *tlStart, i, threads int, told *progress) (*learning, error) {
	begin := func() (*learning, error) {
		phi, w, h, err := start.draw(ctx, env, i)
		if err != nil {
			return nil, err
		}
		return newLearning(s, t.TLNMFParams, phi, w, h, threads), nil
	}
	l, err := begin()
	if err != nil {
		return nil, err
	}
	course, err := t.ownCourse(ctx, l, s)
	if err != nil {
		return nil, err
	}
	if err := l.follow(ctx, course, t.Iterations, told, math.Inf(1)); err != nil {
		return nil, err
	}
	l.kept = courseKept{steps: "own", courses: 1, iterations: len(l.objective)}
	if !t.twoCourses(start.given, s.Rows()) {
		return l, nil
	}
	second, err := begin()
	if err != nil {
		return nil, err
	}
	published := newPublishedCourse(second, t.TLNMFParams)
	if err := second.follow(ctx, published, t.Iterations, told, l.last()); err != nil {
		return nil, err
	}
	published.end()
	return lower(l, second), nil
}

// report logs the best start, how many courses were followed from each and which is kept, and how
// many other starts agree with it.
func (t tlNMF) report(env audiosep.Env, l *learning, ends []float64) {
	likelihood, divergence := l.parts()
	agree := 0
	for _, end := range ends {
		if end-l.last() <= agreement*math.Abs(l.last()) {
			agree++
		}
	}
	env.Logger().Info("learnt a transform",
		slog.Float64("objective", l.last()), slog.Float64("transform_part", likelihood), slog.Float64("nmf_part", divergence),
		slog.Int("courses", l.kept.courses), slog.String("kept", l.kept.steps),
		slog.Int("iterations", l.kept.iterations), slog.String("stop", l.stop),
		slog.Int("starts", len(ends)), slog.Int("starts_that_agree", agree))
}

// Two starts whose objectives differ by no more than this part of one count as having found
// the same minimum.
const agreement = 2e-5
