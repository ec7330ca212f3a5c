package factorizers

import (
	"math"

	"github.com/audiosep/audiosep/internal/kernel"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// acceleration is what update accelerated adds to an nmf. From what an iteration makes, m, the next
// one does not begin there but farther along the way from what the one before made:
//
//	m∘(m/m')^α,  or max(0, m + α(m-m')) after coordinate descent, which reaches zeros,
//
// with Nesterov's α, which grows towards 1. The pass over V that begins an iteration tells
// the objective there. If it is not below the one before, m is taken instead, whose
// objective never rises, and α is less from there on. (Ang and Gillis, Neural Computation
// 31(2), 2019, and Hien, Leplat and Gillis, 2023, extrapolate alike; the safeguard here is
// the objective itself and holds for every β and penalty.)
type acceleration struct {
	w, h    blas64.General // m', and once that is done with, m
	t       float64        // Nesterov's sequence
	alpha   float64
	scratch [][]float64 // of each worker
}

// farthest is the most by which a number may have changed for its way to be followed to
// the end: a multiplicative update cannot bring back what has gone to 0.
const farthest = 100

// aheadAtOnce is the count of numbers of a task.
const aheadAtOnce = 1024

// accelerate makes s accelerated.
func (s *nmf) accelerate() {
	m := &acceleration{t: 1, w: newGeneral(s.w), h: newGeneral(s.h)}
	for range s.crew.threads {
		m.scratch = append(m.scratch, make([]float64, max(aheadAtOnce, 2*descentRows*s.w.Cols)))
	}
	s.acceleration = m
	s.tasks.aheadW, s.tasks.aheadH = s.aheadW, s.aheadH
	if s.beta == 2 && s.smooth == 0 {
		s.coordinates = true
		s.strip, s.tasks.w = s.descendH, s.descendW
	}
}

func newGeneral(like blas64.General) blas64.General {
	return mat.NewDense(like.Rows, like.Cols, nil).RawMatrix()
}

// grow is for what succeeded.
func (m *acceleration) grow() { m.t = m.following() }

func (m *acceleration) following() float64 { return (1 + math.Sqrt(1+4*m.t*m.t)) / 2 }

// goAhead puts W and H farther on, if α is above 0, and reports that. Either way it keeps
// them as they were.
func (s *nmf) goAhead() bool {
	m := s.acceleration
	m.alpha = (m.t - 1) / m.following()
	if m.alpha == 0 {
		copy(m.w.Data, s.w.Data)
		copy(m.h.Data, s.h.Data)
		return false
	}
	if !s.fixW {
		s.crew.do(tasksOf(s.w), s.tasks.aheadW)
		s.w, m.w = m.w, s.w
	}
	s.crew.do(tasksOf(s.h), s.tasks.aheadH)
	s.h, m.h = m.h, s.h
	if !s.fixW && s.scaled() {
		s.normalise()
	}
	return true
}

// retreat undoes goAhead and takes half of the momentum.
func (s *nmf) retreat() {
	m := s.acceleration
	m.t = max(1, m.t/2)
	if !s.fixW {
		copy(s.w.Data, m.w.Data)
	}
	copy(s.h.Data, m.h.Data)
}

func tasksOf(a blas64.General) int { return (len(a.Data) + aheadAtOnce - 1) / aheadAtOnce }

func (s *nmf) aheadW(worker, i int) { s.ahead(s.acceleration.w.Data, s.w.Data, worker, i) }
func (s *nmf) aheadH(worker, i int) { s.ahead(s.acceleration.h.Data, s.h.Data, worker, i) }

// ahead replaces some numbers of before by what lies beyond now.
func (s *nmf) ahead(before, now []float64, worker, i int) {
	from, to := i*aheadAtOnce, min((i+1)*aheadAtOnce, len(now))
	before, now = before[from:to], now[from:to]
	alpha := s.acceleration.alpha
	if s.coordinates {
		for j, x := range now {
			before[j] = max(0, x+alpha*(x-before[j]))
		}
		return
	}
	q := s.acceleration.scratch[worker][:len(now)]
	kernel.Div(q, now, before)
	for j, x := range q {
		if math.IsNaN(x) { // 0/0
			x = 1
		}
		q[j] = min(max(x, 1/farthest), farthest)
	}
	kernel.Log(q, q)
	floats.Scale(alpha, q)
	kernel.Exp(q, q)
	kernel.Mul(before, now, q)
}

// sweeps is how often coordinate descent goes through a factor for each product with V,
// which costs many times as much. (Gillis and Glineur, Neural Computation 24(4), 2012.)
const sweeps = 3

// descendH writes some columns of the next H for β = 2.
func (s *nmf) descendH(next, h, num, _ []float64, _ int) {
	copy(next, h)
	kernel.Descend(next, num, s.passes.GramW, s.l1, sweeps) // the columns of W sum to 1
}

// descentRows is the number of rows of W that are descended at a time, as columns of Wᵀ.
const descentRows = 24

// descendW writes some rows of the next W for β = 2. The l1 term is that of sums of H's rows.
func (s *nmf) descendW(worker, i int) {
	from, to, rank := i*descentRows, min((i+1)*descentRows, s.w.Rows), s.w.Cols
	x := s.acceleration.scratch[worker][:rank*descentRows]
	num := s.acceleration.scratch[worker][rank*descentRows:][:rank*descentRows]
	clear(x)
	clear(num)
	for f := from; f < to; f++ {
		for k, w := range row(s.w, f) {
			x[k*descentRows+f-from] = w
			num[k*descentRows+f-from] = row(s.numW, f)[k] - s.l1*s.hSum[k]
		}
	}
	kernel.Descend(x, num, s.passes.GramH, 0, sweeps)
	for f := from; f < to; f++ {
		for k := range rank {
			row(s.wNext, f)[k] = x[k*descentRows+f-from]
		}
	}
}
