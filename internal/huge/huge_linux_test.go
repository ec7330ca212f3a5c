package huge

import (
	"testing"
	"unsafe"
)

// TestPages: the pages begin and end at multiples of 2 MiB within the numbers, and no whole page is
// left out on either side, wherever the numbers begin and end.
func TestPages(t *testing.T) {
	all := make([]float64, 3*least/8)
	for _, skip := range []int{0, 1, 511, 512, page/8 - 1, page / 8, page/8 + 3} {
		for _, n := range []int{least / 8, least/8 + 1, least/8 + page/8 - 1, len(all) - skip} {
			x := all[skip:][:n]
			first := uintptr(unsafe.Pointer(&x[0]))
			end := first + uintptr(8*n)
			b := pages(unsafe.Slice((*byte)(unsafe.Pointer(&x[0])), 8*n))
			from := uintptr(unsafe.Pointer(&b[0]))
			to := from + uintptr(len(b))
			if from%page != 0 || to%page != 0 {
				t.Errorf("%d numbers from %#x: the pages are %#x to %#x; want multiples of 2 MiB", n, first, from, to)
			}
			if from < first || from-first >= page || to > end || end-to >= page {
				t.Errorf("%d numbers from %#x to %#x: the pages are %#x to %#x; want all within them", n, first, end, from, to)
			}
		}
	}
}
