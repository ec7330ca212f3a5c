package factorizers

import "gonum.org/v1/gonum/mat"

// multiply sets dst to ab.
func multiply(dst *mat.Dense, a, b mat.Matrix) { dst.Mul(a, b) }
