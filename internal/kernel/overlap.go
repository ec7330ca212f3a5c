package kernel

// Overlapping adds products with a matrix whose rows may overlap in memory, as the windows of
// a convolution do. Its methods must not be called from several goroutines at once; the zero
// value is ready.
type Overlapping struct{ tile tile }

// Add adds a·b to c: c is m×n with rows ldc numbers apart; a is m×k with rows lda apart; row i
// of b begins step·i numbers after b[0], where step may be less than n. Column j has the same
// bits whatever n is, if n is a multiple of 8.
func (o *Overlapping) Add(c []float64, ldc int, a []float64, lda, m, k int, b []float64, step, n int) {
	if m == 0 || k == 0 || n == 0 {
		return
	}
	_, _, _ = c[(m-1)*ldc+n-1], a[(m-1)*lda+k-1], b[(k-1)*step+n-1] // the kernels check no bounds
	e := current
	if e.lanes == 0 || n%e.lanes != 0 {
		addPlainly(c, ldc, a, lda, m, k, b, step, n)
		return
	}
	t := &o.tile
	t.k, t.alpha, t.add = k, 1, 1
	t.bs, t.ldc = uintptr(8*step), uintptr(8*ldc)
	for j := 0; j < n; j += 3 * e.lanes {
		t.b, t.c = &b[j], &c[j]
		e.strip(t, view{a, lda, 1}, false, m, min(3, (n-j)/e.lanes))
	}
	t.a, t.b, t.c = nil, nil, nil
}

func addPlainly(c []float64, ldc int, a []float64, lda, m, k int, b []float64, step, n int) {
	for i := range m {
		row := c[i*ldc : i*ldc+n]
		for l, w := range a[i*lda : i*lda+k] {
			for j, x := range b[l*step : l*step+n] {
				row[j] += w * x
			}
		}
	}
}
