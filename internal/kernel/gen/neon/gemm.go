package main

import (
	"fmt"

	"github.com/audiosep/audiosep/internal/kernel/gen/layout"
)

// What the packages call a vector is two registers here, so that four rows of A by three
// vectors of B have 24 registers of sums: enough to hide the latency of an addition, and 10
// loads for 24 multiplications.
const (
	lanes  = 4
	pair   = 2 // registers in a vector
	height = 4 // rows of a panel of A
)

// gemm writes the micro-kernels of the product: for every height of a panel of A
// and every number of vectors in a strip of B.
func (f *file) gemm() {
	for rows := height; rows >= 1; rows-- {
		for vecs := 3; vecs >= 1; vecs-- {
			f.gemmOf(rows, vecs)
		}
	}
}

func (f *file) gemmOf(rows, vecs int) {
	fn := f.function(fmt.Sprintf("gemmNEON_%dx%d", rows, vecs*lanes),
		fmt.Sprintf("multiplies panels of %d rows by a strip of %d columns: see tile.", rows, vecs*lanes), "(p *uint64)", "p")
	fn.panels(rows, vecs, readsC, func(g *product) {
		// The sums are complete: C = alpha·sum, or C += alpha·sum.
		alpha := fn.loadOne(g.field(layout.TileAlpha))
		add := fn.loadInt(g.field(layout.TileAdd))
		c := fn.copyInt(g.c)
		for range g.acc {
			fn.add(g.c, g.ldc)
		}
		fn.unlessZero(add, "add")
		for i := range g.acc {
			for j := 0; j < len(g.acc[i]); j += pair {
				sum := g.acc[i][j:]
				fn.storePair([2]*reg{fn.scaled(sum[0], alpha, 0), fn.scaled(sum[1], alpha, 0)}, mem{base: c}.at(j))
			}
			fn.add(c, g.ldc)
		}
		fn.branch("B", "next")
		fn.label("add")
		for i := range g.acc {
			for j := 0; j < len(g.acc[i]); j += pair {
				m := mem{base: c}.at(j)
				x := fn.loadPair(m)
				for l := range x {
					fn.code("fmla element", x[l], g.acc[i][j+l], alpha, 0)
				}
				fn.storePair(x, m)
			}
			fn.add(c, g.ldc)
		}
		fn.label("next")
	})
}

// readsC returns the address and stride of the rows of C that finish of gemmOf reads.
func readsC(f *function, g *product) (p, stride *reg) { return f.copyInt(g.c), g.ldc }

// A product is a micro-kernel while it is written: the argument and the registers of the sums.
type product struct {
	p      *reg     // *tile
	acc    [][]*reg // for each row two for each vector
	c, ldc *reg     // address of the panel's rows of C, which finish moves to the next panel; stride
}

func (g *product) field(i int) mem { return mem{base: g.p, disp: 8 * i} }

// panels writes the loop over panels of A and the sums over k; finish writes what is done with
// the sums of a panel. The rows that finish reads are prefetched: reads returns their address
// and stride.
func (f *function) panels(rows, vecs int, reads func(f *function, g *product) (p, stride *reg), finish func(*product)) {
	g := &product{p: f.param(0), acc: make([][]*reg, rows)}
	load := func(i int) *reg { return f.loadInt(g.field(i)) }
	panels, abase := load(layout.TilePanels), load(layout.TileA)
	rs, cs, bs := load(layout.TileRS), load(layout.TileCS), load(layout.TileBS)
	g.c, g.ldc = load(layout.TileC), load(layout.TileLdc)
	down := []*reg{nil, rs} // from the first row of A to each
	for i := 2; i < rows; i++ {
		down = append(down, f.plus(down[i-1], rs))
	}

	f.label("panel")
	a, b, k := f.copyInt(abase), load(layout.TileB), load(layout.TileK)
	soon, stride := reads(f, g)
	for i := range g.acc {
		for j := 0; j < vecs*lanes; j += 8 {
			f.prefetch(mem{base: soon, disp: 8 * j})
		}
		f.add(soon, stride)
		g.acc[i] = f.vecs(vecs * pair)
		for _, sum := range g.acc[i] {
			f.clear(sum)
		}
	}
	f.label("sum")
	var row []*reg
	for j := range vecs {
		v := f.loadPair(mem{base: b}.at(j * pair))
		row = append(row, v[:]...)
	}
	f.add(b, bs)
	next := f.loadOne(mem{base: a})
	for i := range g.acc {
		x := next
		if i+1 < rows { // loaded while the row before is multiplied
			next = f.loadOne(mem{base: a, index: down[i+1]})
		}
		for j, v := range row {
			f.code("fmla element", g.acc[i][j], v, x, 0)
		}
	}
	f.add(a, cs)
	f.countDown(k, "sum")
	finish(g)
	f.add(abase, f.loadInt(g.field(layout.TilePS)))
	f.countDown(panels, "panel")
	f.ret()
}

// transpose writes two transpositions in blocks of 4×4: along the rows and along the columns.
func (f *file) transpose() {
	f.transposeBlocks("transpose4", "writes the columns of a 4-row matrix of 4·blocks columns as rows. Strides are in bytes.", true)
	f.transposeBlocks("gather4", "writes the rows of a 4-column matrix of 4·blocks rows as columns. Strides are in bytes.", false)
}

func (f *file) transposeBlocks(name, doc string, alongRows bool) {
	fn := f.function(name, doc, "(dst *float64, dstStride uintptr, src *float64, srcStride uintptr, blocks int)",
		"dst", "dstStride", "src", "srcStride", "blocks")
	dst, ds, src, ss, n := fn.param(0), fn.param(1), fn.param(2), fn.param(3), fn.param(4)
	fn.label("block")
	var rows [4][2]*reg
	in, out := fn.copyInt(src), fn.copyInt(dst)
	for i := range rows {
		rows[i] = fn.loadPair(mem{base: in})
		fn.add(in, ss)
	}
	for j := range 4 {
		op := []string{"VTRN1", "VTRN2"}[j%2]
		var column [2]*reg
		for i := range column {
			column[i] = fn.bits(op, "D2", rows[2*i][j/2], rows[2*i+1][j/2])
		}
		fn.storePair(column, mem{base: out})
		fn.add(out, ds)
	}
	if alongRows {
		fn.addNumber(src, 8*4)
		fn.move(dst, out)
	} else {
		fn.move(src, in)
		fn.addNumber(dst, 8*4)
	}
	fn.countDown(n, "block")
	fn.ret()
}
