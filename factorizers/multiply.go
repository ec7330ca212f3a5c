package factorizers

import (
	"github.com/audiosep/audiosep/internal/kernel"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// product multiplies matrices: see kernel.Gemm.
var product = kernel.Gemm

// multiply sets dst to ab.
func multiply(dst, a, b *mat.Dense) {
	product(blas.NoTrans, blas.NoTrans, 1, a.RawMatrix(), b.RawMatrix(), 0, dst.RawMatrix())
}

// rowMajor returns data, row after row, as a matrix.
func rowMajor(data []float64, cols int) blas64.General {
	return blas64.General{Rows: len(data) / cols, Cols: cols, Stride: cols, Data: data}
}
