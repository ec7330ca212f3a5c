package factorizers

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/audiosep/audiosep/internal/kernel"
	"github.com/audiosep/audiosep/internal/scene"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// schedule says how often W and H are updated in each iteration of tl_nmf, and how.
//
// A Φ that is not settled takes shape before W and H do: otherwise they settle on the powers
// of the Φ there is and hold it in place. So the first iterations update W and H once, one
// update more is made every onceMore iterations, and momentum begins after plainFor. Of 100
// starts on one recording of the paper's data 76 find the least C, as many as with one update
// in every iteration, in two thirds of the iterations; with ten updates from the first
// iteration on 43 do, and with momentum from the first on 48.
//
// A Φ that is settled, such as a DCT of music, gains by many updates from the first iteration.
type schedule struct {
	factors *momentum
	updates int // most in an iteration
	mm      bool
	settled bool
	made    bool // the updates of the first iteration, when measuring
}

const (
	onceMore = 4
	plainFor = 12
)

// newSchedule measures whether the start is settled, by the updates of the first iteration.
// Unless it is they are undone.
func newSchedule(ctx context.Context, p TLNMFParams, l *learning, s *scene.Scene) (*schedule, error) {
	c := &schedule{factors: newMomentum(l), updates: p.MMSteps, mm: p.Update == "mm"}
	switch {
	case p.Fix == "phi":
		c.settled = true
	case c.mm || l.is || !l.concentrates(s):
	default:
		w, h := slices.Clone(l.w), slices.Clone(l.h)
		c.factors.update(ctx, c.updates)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if c.settled = l.misfit() <= settledMisfit; c.settled {
			c.made = true
			break
		}
		l.w, l.h = w, h
		c.factors = newMomentum(l)
	}
	return c, nil
}

// updateFactors updates W and H in iteration it.
func (c *schedule) updateFactors(ctx context.Context, it int) {
	if c.made {
		c.made = false
		return
	}
	updates := c.updates
	if !c.settled || c.mm {
		updates = min(updates, 1+it/onceMore)
	}
	chance := !c.settled && !c.mm && it > 0 && c.factors.misfit() > settledMisfit
	if chance {
		updates = 1
	}
	if c.mm || chance || !c.settled && it < plainFor {
		c.factors.updateMM(ctx, updates)
	} else {
		c.factors.update(ctx, updates)
	}
}

// settledMisfit is the misfit of W and H up to which they may be updated more often than Φ.
// Where V is the power of one realisation and W and H are the truth, it is ½E[-log χ²] = 0.63
// a coefficient, of two 0.29, of three 0.18: above ¼ Φ goes far to fit what is chance in V. (On
// one recording of 16×200 coefficients, of a random model with K = 3, C ends 5 % higher if W
// and H settle first, even from a Φ near to the truth; on ten there is no difference.)
const (
	settledMisfit    = 0.25
	chanceDirections = 64 // see concentrates
	chanceDeviations = 4
)

// misfit returns ½D_IS(V+eps | V̂), which is I of C = L + I, for each coefficient.
func (l *learning) misfit() float64 {
	i := l.value() - l.l1*floats.Sum(l.h)
	if l.is {
		i *= 0.5
	} else {
		i -= l.likelihood()
	}
	return i / float64(l.samples*l.cols)
}

// concentrates tells whether Φ concentrates the power on some of its rows at each time better
// than chance: whether the mean over its rows of the mean of log(V+eps) is below that over
// random directions, by more than the sampling of either explains.
func (l *learning) concentrates(s *scene.Scene) bool {
	rng := rand.New(rand.NewPCG(1, 1)) // fixed: only their mean counts
	directions := mat.NewDense(chanceDirections, l.rows, nil)
	for i := range chanceDirections {
		row := directions.RawRowView(i)
		for j := range row {
			row[j] = rng.NormFloat64()
		}
		floats.Scale(1/floats.Norm(row, 2), row)
	}
	x := mat.NewDense(chanceDirections, l.total(), nil)
	product(blas.NoTrans, blas.NoTrans, 1, directions.RawMatrix(), s.Y.RawMatrix(), 0, x.RawMatrix())
	v := make([]float64, l.cols)
	var mean, square float64
	for i := range chanceDirections {
		meanSquares(v, x.RawRowView(i), l.per)
		a := kernel.SumLog(v, l.eps) / float64(l.cols)
		mean += a / chanceDirections
		square += a * a / chanceDirections
	}
	deviation := math.Sqrt(max(0, square-mean*mean) * (1./chanceDirections + 1/float64(l.rows)))
	return kernel.SumLog(l.v, l.eps)/float64(len(l.v)) < mean-chanceDeviations*deviation
}
