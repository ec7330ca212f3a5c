// Command audiosep-plugin-hartley offers the discrete Hartley transform.
package main

import (
	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/plugins"
	"math"
)

func hartley(m int) (forward, inverse func(dst, src []float64), err error) {
	cas := make([]float64, m) // cos + sin
	for i := range cas {
		cas[i] = math.Sqrt(2/float64(m)) * math.Sin(2*math.Pi*float64(i)/float64(m)+math.Pi/4)
	}
	dht := func(dst, src []float64) {
		for k := range dst {
			dst[k] = 0
			for n, y := range src {
				dst[k] += y * cas[k*n%m]
			}
		}
	}
	return dht, dht, nil // it is its own inverse
}

func main() {
	build := func(struct{}) (audiosep.Transformer, error) { return audiosep.PerFrame(hartley), nil }
	plugins.Serve(audiosep.Define("dht", "Discrete Hartley transform. Real, orthonormal, F = M.", struct{}{}, build))
}
