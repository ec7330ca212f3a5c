package main

import (
	"fmt"

	"github.com/audiosep/audiosep/internal/kernel/gen/layout"
)

// dots writes the micro-kernels of A·Bᵀ where the rows of both lie in memory as they are
// summed over, for every number of rows of A and of B that the registers hold: 24 of them
// for the sums of two rows by six.
func (f *file) dots() {
	for _, rows := range []int{2, 1} {
		for cols := layout.DotColumns; cols >= 1; cols-- {
			f.dotsOf(rows, cols)
		}
	}
}

// dotsOf keeps a vector of sums for each pair of rows, one lane for every fourth number.
func (f *file) dotsOf(rows, cols int) {
	fn := f.function(fmt.Sprintf("dotsNEON_%dx%d", rows, cols),
		fmt.Sprintf("multiplies %d rows by panels of %d rows: see dotTile.", rows, cols), "(p *uint64)", "p")
	g := &product{p: fn.param(0)}
	load := func(i int) *reg { return fn.loadInt(g.field(i)) }
	bbase, accs, panels := load(layout.DotB), load(layout.DotAcc), load(layout.DotPanels)
	as, bs := load(layout.DotAS), load(layout.DotBS)
	acc := make([][][pair]*reg, rows)
	for i := range acc {
		for range cols {
			acc[i] = append(acc[i], [pair]*reg{fn.vec(), fn.vec()})
		}
	}
	// each visits the sums' places in memory.
	each := func(visit func(m mem, sum [pair]*reg)) {
		at, stride := fn.copyInt(accs), load(layout.DotAccRS)
		for i := range acc {
			for j, sum := range acc[i] {
				visit(mem{base: at}.at(j*pair), sum)
			}
			fn.add(at, stride)
		}
	}

	fn.label("panel")
	a := fn.rows(load(layout.DotA), load(layout.DotARS), rows)
	b := fn.rows(fn.copyInt(bbase), load(layout.DotBRS), cols)
	steps := load(layout.DotStrips)
	fn.unlessZero(load(layout.DotAdd), "more")
	for i := range acc {
		for _, sum := range acc[i] {
			fn.clear(sum[0])
			fn.clear(sum[1])
		}
	}
	fn.branch("B", "sum")
	fn.label("more")
	each(func(m mem, sum [pair]*reg) { fn.loadPairTo(sum, m) })
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
	each(func(m mem, sum [pair]*reg) { fn.storePair(sum, m) })
	fn.add(bbase, load(layout.DotBPS))
	fn.add(accs, load(layout.DotAccPS))
	fn.countDown(panels, "panel")
	fn.ret()
}

// rows returns the addresses of n rows.
func (f *function) rows(first, stride *reg, n int) []*reg {
	p := []*reg{first}
	for i := range n - 1 {
		p = append(p, f.plus(p[i], stride))
	}
	return p
}
