package nn

import "github.com/audiosep/audiosep/internal/kernel"

// GRU is a layer of gated recurrent units,
//
//	r = σ(Wx_r x + Wh_r h + b_r)
//	z = σ(Wx_z x + Wh_z h + b_z)
//	n = tanh(Wx_n x + b_n + r∘(Wh_n h + bn))
//	h' = (1-z)∘n + z∘h
//
// (Cho et al., 2014, with the reset gate behind the product, as in PyTorch). Several sequences
// go through it side by side.
type GRU struct {
	Hidden int
	X      Conv      // of one tap, from the inputs to the three gates: Wx and b
	Wh     []float64 // [gate][unit][unit]
	Bn     []float64 // [unit]
}

// Scratch returns how many numbers of scratch memory Step needs for n sequences.
func (g *GRU) Scratch(n int) int { return 3 * g.Hidden * n }

// Step moves the states of N sequences one step on: h[unit][N], and row `row` of gates, which X
// made of the inputs.
func (g *GRU) Step(sums *kernel.Overlapping, scratch, h []float64, gates *Planes, row int) {
	n, units := gates.N, g.Hidden
	s := scratch[:3*units*n]
	for u := range 2 * units {
		copy(s[u*n:(u+1)*n], gates.Row(u, row))
	}
	for u, b := range g.Bn {
		own := s[(2*units+u)*n : (2*units+u+1)*n]
		for i := range own {
			own[i] = b
		}
	}
	if n == 1 {
		g.one(s, h)
	} else {
		sums.Add(s, n, g.Wh, units, 3*units, units, h, n, n)
	}
	r, z, c := s[:units*n], s[units*n:2*units*n], s[2*units*n:]
	Sigmoid(s[:2*units*n])
	for u := range units {
		x := gates.Row(2*units+u, row)
		for i := range x {
			c[u*n+i] = x[i] + r[u*n+i]*c[u*n+i]
		}
	}
	Tanh(c)
	for i, z := range z {
		h[i] = c[i] + z*(h[i]-c[i])
	}
}

// one adds Wh·h for one sequence, which has no vectors of sequences.
func (g *GRU) one(s, h []float64) {
	units := g.Hidden
	for u := range s {
		var a, b float64
		w := g.Wh[u*units : (u+1)*units]
		i := 0
		for ; i+2 <= units; i += 2 {
			a += w[i] * h[i]
			b += w[i+1] * h[i+1]
		}
		if i < units {
			a += w[i] * h[i]
		}
		s[u] += a + b
	}
}

// GRUBefore is a layer of gated recurrent units whose reset gate stands before the product,
//
//	r = σ(Wx_r x + Wh_r h + b_r)
//	z = σ(Wx_z x + Wh_z h + b_z)
//	n = max(0, Wx_n x + Wh_n (r∘h) + b_n)
//	h' = (1-z)∘n + z∘h
//
// as Cho et al. (2014) have it and Keras with reset_after=False, here with a rectifier in the
// place of tanh.
type GRUBefore struct {
	Hidden int
	X      Conv      // of one tap, from the inputs to the three gates: Wx and b
	Wh     []float64 // [unit before][gate and unit]
}

// Scratch returns how many numbers of scratch memory Step needs.
func (g *GRUBefore) Scratch() int { return g.Hidden }

// Step moves the state h[unit] one step on. gates, which X made of the inputs, are [gate and
// unit]; they are overwritten.
func (g *GRUBefore) Step(sums *kernel.Overlapping, scratch, h, gates []float64) {
	units := g.Hidden
	sums.Add(gates, 0, h, units, 1, units, g.Wh, 3*units, 2*units)
	Sigmoid(gates[:2*units])
	reset, z, n := scratch[:units], gates[units:2*units], gates[2*units:3*units]
	for u, r := range gates[:units] {
		reset[u] = r * h[u]
	}
	sums.Add(n, 0, reset, units, 1, units, g.Wh[2*units:], 3*units, units)
	ReLU(n, 0)
	for u, z := range z {
		h[u] = n[u] + z*(h[u]-n[u])
	}
}
