package listen

import (
	"context"
	"fmt"
	"slices"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/factorizers"
	"github.com/audiosep/audiosep/internal/counted"
	"github.com/audiosep/audiosep/pipeline"
	"github.com/audiosep/audiosep/separators"
)

// solution is what solving a plan found. Nothing of it changes.
type solution struct {
	id      int
	plan    Plan // as it was solved
	factors *audiosep.Factors
	// start is what painted_nmf went on from; nil: from nothing.
	start   *audiosep.Factors
	painted audiosep.Stems // of paint alone
	tiles   *tileSets
}

// The parameters of the stages that a plan is solved by. They stand in the pipeline that is
// saved, too.
func (p *Plan) nmf() factorizers.NMFParams {
	q := factorizers.DefaultKLNMF()
	q.Rank, q.Iterations, q.Power, q.Update = p.Components, p.Iterations, 1, "accelerated"
	return q
}

func (p *Plan) paint() factorizers.PaintedNMFParams {
	q := factorizers.DefaultPaintedNMF()
	q.Sources, q.Components, q.Iterations = p.Sources, p.Components, p.Iterations
	return q
}

func (p *Plan) refine() factorizers.NMFParams {
	q := factorizers.DefaultKLNMF()
	q.Rank, q.Power, q.Fix, q.Iterations = 0, 1, "h", 30
	return q
}

// solve does what a plan says. before is the solution that the page had; painting goes on
// where it ended, if it was painted with the same sources.
func (r *recording) solve(ctx context.Context, p Plan, before *solution, report func(stage string, s audiosep.Step)) (*solution, error) {
	s := &solution{plan: p}
	env := func(id string) audiosep.Env {
		return audiosep.Env{Seed: stageSeed(&p, id), Progress: func(st audiosep.Step) { report(id, st) }}
	}
	var err error
	switch p.Method {
	case "nmf":
		s.factors, err = r.nmf(ctx, env("kl_nmf"), p.nmf(), nil)
	case "score":
		s.factors, err = r.fromScore(ctx, env, &p)
	case "paint":
		if before != nil && before.plan.Method == "paint" && before.plan.Components == p.Components && slices.Equal(before.plan.Sources, p.Sources) {
			s.start = before.factors
		}
		s.painted, s.factors, err = r.paintOver(ctx, env("painted_nmf"), &p, s.start)
	}
	if err != nil {
		return nil, err
	}
	s.tiles = newTileSets(r, s.factors)
	return s, nil
}

// stageSeed is the seed of a stage in the pipeline that is saved.
func stageSeed(p *Plan, id string) uint64 { return pipeline.StageSeed(p.Seed, id) }

func (r *recording) nmf(ctx context.Context, env audiosep.Env, p factorizers.NMFParams, init *audiosep.Factors) (*audiosep.Factors, error) {
	s, err := factorizers.NewNMF(1, p)
	if err != nil {
		return nil, err
	}
	return audiosep.Factorize(ctx, env, s, r.power, init)
}

// paintOver solves with regions.
func (r *recording) paintOver(ctx context.Context, env audiosep.Env, p *Plan, start *audiosep.Factors) (audiosep.Stems, *audiosep.Factors, error) {
	if len(p.Sources) < 2 {
		return nil, nil, fmt.Errorf("%s; want at least two to paint: name what else sounds, such as rest", counted.There(len(p.Sources), "source"))
	}
	s, err := factorizers.NewPaintedNMF(p.paint())
	if err != nil {
		return nil, nil, err
	}
	return s.Separate(ctx, env, r.x, p.Paint, start)
}

// fromScore solves with notes.
func (r *recording) fromScore(ctx context.Context, env func(string) audiosep.Env, p *Plan) (*audiosep.Factors, error) {
	s, err := factorizers.NewScoreFactors(factorizers.DefaultScoreFactors())
	if err != nil {
		return nil, err
	}
	init, err := s.Run(ctx, env("score_factors"), factorizers.ScoreFactorsIn{Power: r.power, Notes: p.score()})
	if err != nil {
		return nil, err
	}
	return r.nmf(ctx, env("kl_nmf"), p.refine(), init.Factors)
}

// stems are those of a plan that goes with the solution.
func (r *recording) stems(ctx context.Context, p *Plan, s *solution) (audiosep.Stems, error) {
	if s.painted != nil {
		return s.painted, nil
	}
	m, err := separators.NewWiener(p.mask(s))
	if err != nil {
		return nil, err
	}
	return audiosep.Separate(ctx, audiosep.Env{}, m, r.x, s.factors)
}

// sources are the stems that gains count: of paint and of a score the sources, of components
// those that have the same gain, which are few, however many components there are.
func (r *recording) sources(ctx context.Context, s *solution, gains []float64) (audiosep.Stems, []float64, error) {
	if s.plan.Method != "nmf" {
		stems, err := r.stems(ctx, &s.plan, s)
		return stems, gains, err
	}
	if len(gains) != s.factors.Rank() {
		return nil, nil, fmt.Errorf("there are %d gains; want %d, one for each component", len(gains), s.factors.Rank())
	}
	var levels []float64
	m := separators.DefaultWiener()
	for k, g := range gains {
		j := slices.Index(levels, g)
		if j < 0 {
			j = len(levels)
			levels, m.Groups = append(levels, g), append(m.Groups, nil)
		}
		m.Groups[j] = append(m.Groups[j], k+1)
	}
	mask, err := separators.NewWiener(m)
	if err != nil {
		return nil, nil, err
	}
	stems, err := audiosep.Separate(ctx, audiosep.Env{}, mask, r.x, s.factors)
	return stems, levels, err
}

// mix returns n samples from sample at on of the sum of components, or of a solution of paint
// or of a score of the sources, each times its gain, [layer][sample].
func (r *recording) mix(ctx context.Context, s *solution, gains []float64, at, n int) ([][]float64, error) {
	stems, levels, err := r.sources(ctx, s, gains)
	if err != nil {
		return nil, err
	}
	if len(levels) != len(stems.Names()) {
		return nil, fmt.Errorf("there are %d gains; want %d, one for each source", len(levels), len(stems.Names()))
	}
	parts, err := part(ctx, stems, at, n)
	if err != nil {
		return nil, err
	}
	out := make([][]float64, r.head.Layers())
	for l := range out {
		out[l] = make([]float64, n)
		for j, g := range levels {
			for i, x := range parts[j][l] {
				out[l][i] += g * x
			}
		}
	}
	return out, nil
}
