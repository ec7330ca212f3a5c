package main

import (
	"fmt"
	"slices"
)

// General registers except those of the linker (16, 17, 27), the platform (18), the
// goroutine (28), the frame (29) and the return (30).
var general = []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 19, 20, 21, 22, 23, 24, 25, 26}

const vectors = 32

// A live is a set of registers, indexed by name.
type live []bool

// allocate gives the registers numbers such that two that hold values at the same time
// differ. It panics if there are too few, or if a register is read that nothing has set.
func (f *function) allocate() {
	after := f.liveness()
	others := make([]map[*reg]bool, len(f.regs)) // which a register must differ from
	for i := range others {
		others[i] = map[*reg]bool{}
	}
	var order []*reg
	for i, l := range f.lines {
		for _, r := range l.sets {
			if !slices.Contains(order, r) {
				order = append(order, r)
			}
			for _, o := range f.regs {
				if o != r && (after[i][o.name] || slices.Contains(l.sets, o)) && o.vector == r.vector {
					others[r.name][o], others[o.name][r] = true, true
				}
			}
		}
	}
	given := map[*reg]bool{}
	turn := map[bool]int{}
	for _, r := range order {
		// Numbers are given in turn, so that they are reused as late as possible.
		count := len(general)
		if r.vector {
			count = vectors
		}
		taken := make([]bool, count)
		for o := range others[r.name] {
			if given[o] {
				taken[o.number] = true
			}
		}
		i := 0
		for i < count && taken[(turn[r.vector]+i)%count] {
			i++
		}
		if i == count {
			panic(fmt.Sprintf("%s: too few registers (vector: %v)", f.name, r.vector))
		}
		r.number, given[r] = (turn[r.vector]+i)%count, true
		turn[r.vector] = r.number + 1
	}
	for _, r := range order {
		if !r.vector {
			r.number = general[r.number]
		}
	}
}

// liveness returns, for each line, which registers hold a value after it that is read later.
func (f *function) liveness() []live {
	at := map[string]int{}
	for i, l := range f.lines {
		if l.label != "" {
			at[l.label] = i
		}
	}
	before, after := make([]live, len(f.lines)+1), make([]live, len(f.lines))
	for i := range before {
		before[i] = make(live, len(f.regs))
	}
	for i := range after {
		after[i] = make(live, len(f.regs))
	}
	for changed := true; changed; {
		changed = false
		for i := len(f.lines) - 1; i >= 0; i-- {
			l := f.lines[i]
			var next []live
			if !l.ends {
				next = append(next, before[i+1])
			}
			if l.jump != "" {
				next = append(next, before[at[l.jump]])
			}
			for _, n := range next {
				for r, yes := range n {
					after[i][r] = after[i][r] || yes
				}
			}
			now := slices.Clone(after[i])
			for _, r := range l.sets {
				now[r.name] = false
			}
			for _, r := range l.reads {
				now[r.name] = true
			}
			if !slices.Equal(now, before[i]) {
				before[i], changed = now, true
			}
		}
	}
	for r, yes := range before[0] {
		if yes {
			panic(fmt.Sprintf("%s: register %d is read before it is set", f.name, r))
		}
	}
	return after
}
