package kernel

import "gonum.org/v1/gonum/blas/blas64"

// Descend makes sweeps of coordinate descent on ½xᵀGx - numᵀx + l1 Σx over x ≥ 0, for each
// column x by itself: row after row is set to the minimiser with the other rows as they are.
// x and num are K×n, row after row; G is K×K and symmetric. Where G_kk is not above 0 row k of
// x is left alone.
func Descend(x, num []float64, gram blas64.General, l1 float64, sweeps int) {
	w := workspaces.Get().(*workspace)
	defer workspaces.Put(w)
	n := len(x) / gram.Rows
	w.p = grow(w.p, n)
	for range sweeps {
		for k := range gram.Rows {
			g := gram.Data[k*gram.Stride:][:gram.Cols]
			if !(g[k] > 0) {
				continue
			}
			copy(w.p, num[k*n:(k+1)*n])
			w.lessProduct(g, x, n)
			inverse := 1 / g[k]
			row := x[k*n : (k+1)*n]
			for j, rest := range w.p {
				row[j] = max(0, row[j]+(rest-l1)*inverse)
			}
		}
	}
}

// lessProduct subtracts gᵀx from w.p, with x K×n.
func (w *workspace) lessProduct(g, x []float64, n int) {
	e, t := current, &w.tileOf
	if e.lanes == 0 || n%e.lanes != 0 || n > 3*e.lanes {
		for i, g := range g {
			for j, x := range x[i*n : (i+1)*n] {
				w.p[j] -= g * x
			}
		}
		return
	}
	t.k, t.alpha, t.add = len(g), -1, 1
	t.b, t.bs, t.c, t.ldc = &x[0], uintptr(8*n), &w.p[0], uintptr(8*n)
	e.strip(t, view{g, len(g), 1}, false, 1, n/e.lanes)
}
