//go:build !amd64 && !arm64

package kernel

// available returns the engines of this machine: plain Go.
func available() []*engine { return []*engine{plain} }

func transpose4(dst *float64, dstStride uintptr, src *float64, srcStride uintptr, blocks int) {
	panic("kernel: transpose4 is never called without vectors")
}

func fetch(x *float64, lines int) {
	panic("kernel: fetch is never called without vectors")
}

func gather4(dst *float64, dstStride uintptr, src *float64, srcStride uintptr, blocks int) {
	panic("kernel: gather4 is never called without vectors")
}
