package main

import (
	"fmt"

	"github.com/audiosep/audiosep/internal/kernel/gen/layout"
)

// dots writes the micro-kernels of A·Bᵀ as dot products of rows, contiguous in memory, for
// every number of rows of A and of B that the registers hold: the sums of two rows by six take
// 24 of them.
func (f *file) dots() {
	for _, rows := range []int{2, 1} {
		for cols := layout.DotColumns; cols >= 1; cols-- {
			f.dotsOf(rows, cols)
		}
	}
}

// dotsOf writes the kernel for so many rows of A and of B. It keeps a vector of sums for each
// pair of rows, with one lane for every fourth number, and folds them at the end.
func (f *file) dotsOf(rows, cols int) {
	fn := f.function(fmt.Sprintf("dotsNEON_%dx%d", rows, cols),
		fmt.Sprintf("multiplies panels of %d rows by %d rows: see dotTile.", rows, cols), "(p *uint64)", "p")
	g := &product{p: fn.param(0)}
	load := func(i int) *reg { return fn.loadInt(g.field(i)) }
	abase, c, panels := load(layout.DotA), load(layout.DotC), load(layout.DotPanels)
	as, bs := load(layout.DotAS), load(layout.DotBS)
	acc := make([][][pair]*reg, rows)
	for i := range acc {
		for range cols {
			acc[i] = append(acc[i], [pair]*reg{fn.vec(), fn.vec()})
		}
	}

	fn.label("panel")
	a := fn.rows(fn.copyInt(abase), load(layout.DotARS), rows)
	b := fn.rows(load(layout.DotB), load(layout.DotBRS), cols)
	steps := load(layout.DotStrips)
	for i := range acc {
		for _, sum := range acc[i] {
			fn.clear(sum[0])
			fn.clear(sum[1])
		}
	}
	fn.label("sum")
	for v := range 3 {
		var x [][pair]*reg
		for i := range a {
			x = append(x, fn.loadPair(mem{base: a[i]}.at(v*pair)))
		}
		for j := range b {
			y := fn.loadPair(mem{base: b[j]}.at(v * pair))
			for i := range x {
				for l := range y {
					fn.fma(acc[i][j][l], x[i][l], y[l])
				}
			}
		}
	}
	for _, row := range a {
		fn.add(row, as)
	}
	for _, row := range b {
		fn.add(row, bs)
	}
	fn.countDown(steps, "sum")
	fn.addSums(c, load(layout.DotCRS), acc)
	fn.add(abase, load(layout.DotAPS))
	fn.countDown(panels, "panel")
	fn.ret()
}

// addSums folds the sums and adds them to C, row after row from address c on.
func (f *function) addSums(c, stride *reg, acc [][][pair]*reg) {
	for _, sums := range acc {
		for j := 0; j < len(sums); j += 2 {
			x, y := sums[j], sums[min(j+1, len(sums)-1)]
			folded := f.op("faddp", f.op("fadd", x[0], x[1]), f.op("fadd", y[0], y[1]))
			at := mem{base: c}.at(j / 2)
			if j+1 < len(sums) {
				f.store(f.op("fadd", folded, f.load(at)), at)
			} else {
				f.storeOne(f.op("fadd", folded, f.loadOne(at)), at)
			}
		}
		f.add(c, stride)
	}
}

// rows returns the addresses of n rows.
func (f *function) rows(first, stride *reg, n int) []*reg {
	p := []*reg{first}
	for i := range n - 1 {
		p = append(p, f.plus(p[i], stride))
	}
	return p
}
