package kernel

// Peak runs a micro-kernel for a fraction of a millisecond on numbers in the first cache and
// returns how many operations it made, so that its time gives the most that one core can do.
// It returns 0 where there are no vector instructions.
func Peak() (flops float64) {
	e := current
	if e.lanes == 0 {
		return 0
	}
	const k, times = 64, 1000
	w := &workspace{a: make([]float64, k*e.lanes)}
	w.b, w.p = make([]float64, k*3*e.lanes), make([]float64, 3*e.lanes*e.lanes)
	t := &w.tileOf
	t.k, t.b, t.bs, t.ldc, t.alpha = k, &w.b[0], uintptr(24*e.lanes), uintptr(24*e.lanes), 1
	for range times {
		t.c = &w.p[0]
		e.strip(t, view{w.a, 1, e.lanes}, false, e.lanes, 3)
	}
	return 2 * k * times * float64(3*e.lanes*e.lanes)
}
