package kernel

// rowsOfTile is how many rows Transpose reads side by side: so few that their pages stay in the
// TLB and their cache lines in the first cache until the next columns, and so many that runs of
// several cache lines are written.
const rowsOfTile = 64

// Transpose sets dst, cols×rows, to the transpose of src, rows×cols. Rows of dst are
// dstStride numbers apart, those of src srcStride; the two must not overlap.
func Transpose(dst []float64, dstStride int, src []float64, srcStride, rows, cols int) {
	if rows == 0 || cols == 0 {
		return
	}
	if current.transpose8 != nil && rows >= 8 && cols >= 8 && (rows%8 != 0 || cols%8 != 0) {
		i, j := rows&^7, cols&^7
		Transpose(dst, dstStride, src, srcStride, i, j)
		if cols > j { // else dst may end before column j
			Transpose(dst[j*dstStride:], dstStride, src[j:], srcStride, i, cols-j)
		}
		if rows > i {
			Transpose(dst[i:], dstStride, src[i*srcStride:], srcStride, rows-i, cols)
		}
		return
	}
	i, j := 0, 0 // where what is left begins
	if current.lanes > 0 && rows >= 4 && cols >= 4 {
		i, j = rows&^3, cols&^3
		_, _ = dst[(cols-1)*dstStride+rows-1], src[(rows-1)*srcStride+cols-1]
		for first := 0; first < i; first += rowsOfTile {
			transposeTile(dst[first:], dstStride, src[first*srcStride:], srcStride, min(rowsOfTile, i-first), j)
		}
	}
	first := 0
	if j == cols { // nothing is left of the first rows
		first = i
	}
	for r := first; r < rows; r++ {
		from := j
		if r >= i {
			from = 0
		}
		row := src[r*srcStride : r*srcStride+cols]
		for c := from; c < cols; c++ {
			dst[c*dstStride+r] = row[c]
		}
	}
}

// singleTile is how many columns TransposeSingle has in float64 at a time.
const singleTile = 64

// TransposeSingle is [Transpose] into float32, of src times scale. What is below 2^-126 is 0, what is
// beyond about 3.4e38 infinite.
func TransposeSingle(dst []float32, dstStride int, src []float64, srcStride, rows, cols int, scale float64) {
	w := workspaces.Get().(*workspace)
	defer workspaces.Put(w)
	for r := 0; r < rows; r += rowsOfTile {
		n := min(rowsOfTile, rows-r)
		w.a = grow(w.a, singleTile*n)
		for c := 0; c < cols; c += singleTile {
			m := min(singleTile, cols-c)
			Transpose(w.a, n, src[r*srcStride+c:], srcStride, n, m)
			narrowRows(current, dst[c*dstStride+r:], dstStride, w.a, n, m, n, scale)
		}
	}
}

// transposeTile is Transpose for multiples of four or, where there are squares of eight, of eight.
func transposeTile(dst []float64, dstStride int, src []float64, srcStride, rows, cols int) {
	size, along, gather := 4, transpose4, gather4
	if current.transpose8 != nil && rows%8 == 0 && cols%8 == 0 {
		size, along, gather = 8, current.transpose8, current.gather8
	}
	if rows <= 8 && cols > rows {
		for r := 0; r < rows; r += size {
			along(&dst[r], uintptr(8*dstStride), &src[r*srcStride], uintptr(8*srcStride), cols/size)
		}
		return
	}
	for c := 0; c < cols; c += size {
		gather(&dst[c*dstStride], uintptr(8*dstStride), &src[c], uintptr(8*srcStride), rows/size)
	}
}
