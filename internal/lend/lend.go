// Package lend gets memory for numbers that travel between processes: a stage in another
// process lends memory that is seen from there, so that what is put into it need not be
// copied.
package lend

import (
	"runtime"
	"sync"

	"github.com/audiosep/audiosep/internal/wrap"
)

// Lender is what has memory that another process sees too. What is given to its methods in
// such memory, any part of it, is not copied.
type Lender interface {
	// Lend returns n numbers of any value, and a function that takes them back, to be
	// called once, when nothing uses them any more. After a call that failed they are good
	// for nothing else. Where there is no such memory they are like any other.
	Lend(n int) (x []float64, giveBack func())
}

// Loan is memory of the first lender among those that work on it. A nil Loan has ordinary
// memory. Its methods may be called from several goroutines at once.
type Loan struct {
	from Lender

	mu   sync.Mutex
	back []func()
}

// From returns a Loan for numbers that pass through all of these. What lends may be
// wrapped by types that have a method Unwrap() any.
func From(users ...any) *Loan {
	for _, u := range users {
		if l, ok := wrap.As[Lender](u); ok {
			return &Loan{from: l}
		}
	}
	return nil
}

// Blocks returns how many blocks are worked on at a time: more than there are processors
// where some of the time is spent waiting for another process.
func (l *Loan) Blocks() int {
	if l != nil {
		return 2 * runtime.GOMAXPROCS(0)
	}
	return runtime.GOMAXPROCS(0)
}

// Numbers returns n numbers of any value.
func (l *Loan) Numbers(n int) []float64 {
	if l == nil {
		return make([]float64, n)
	}
	x, back := l.from.Lend(n)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.back = append(l.back, back)
	return x
}

// GiveBack ends the loan: nothing may use its numbers any more.
func (l *Loan) GiveBack() {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, back := range l.back {
		back()
	}
	l.back = nil
}
