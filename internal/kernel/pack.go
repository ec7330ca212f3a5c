package kernel

import "unsafe"

// pack writes w rows of src, each k long, column after column: row i, column j to dst[j*w+i].
func pack(dst []float64, src view, w, k int) {
	packInto(dst, src, w, k, w)
}

// packInto is pack with columns `stride` apart; dst is left alone between them.
func packInto(dst []float64, src view, w, k, stride int) {
	if w == 0 || k == 0 {
		return
	}
	if src.rs == 1 {
		packCopy(dst, src, w, k, stride)
		return
	}
	i := 0
	if src.cs == 1 && k >= 4 {
		for ; i+4 <= w; i += 4 {
			row := src.data[i*src.rs:]
			_ = row[3*src.rs+k-1]
			transpose4(&dst[i], uintptr(8*stride), unsafe.SliceData(row), uintptr(8*src.rs), k/4)
			for r := range 4 {
				for j := k &^ 3; j < k; j++ {
					dst[j*stride+i+r] = row[r*src.rs+j]
				}
			}
		}
	}
	for ; i < w; i++ {
		row := src.data[i*src.rs:]
		for j := range k {
			dst[j*stride+i] = row[j*src.cs]
		}
	}
}

// packCopy is packInto for rows whose numbers of one column are contiguous.
func packCopy(dst []float64, src view, w, k, stride int) {
	for j := range k {
		d, s := dst[j*stride:], src.data[j*src.cs:]
		switch w {
		case 24:
			*(*[24]float64)(d) = *(*[24]float64)(s)
		case 12:
			*(*[12]float64)(d) = *(*[12]float64)(s)
		case 8:
			*(*[8]float64)(d) = *(*[8]float64)(s)
		case 4:
			*(*[4]float64)(d) = *(*[4]float64)(s)
		default:
			copy(d[:w], s)
		}
	}
}
