// Command audiosep-plugin-hartley offers the discrete Hartley transform.
package main

import (
	"math"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/plugins"
)

func hartley(struct{}) (audiosep.Transformer, error) {
	return audiosep.PerFrame(func(m int) (forward, inverse func(dst, src []float64), err error) {
		dht := func(dst, src []float64) {
			for k := range dst {
				dst[k] = 0
				for n, y := range src {
					s, c := math.Sincos(2 * math.Pi * float64(k*n%m) / float64(m))
					dst[k] += y * (c + s) / math.Sqrt(float64(m))
				}
			}
		}
		return dht, dht, nil // it is its own inverse
	}), nil
}

func main() {
	plugins.Serve(audiosep.Define("dht", "Discrete Hartley transform. Real, orthonormal, F = M.", struct{}{}, hartley))
}
