package mp3

import "strconv"

// tree is a code of Huffman: for a bit read at a node, the next node, or what the code stands
// for less 512 if it is negative.
type tree [][2]int16

// read reads one code word.
func (t tree) read(r *bitReader) int {
	n := int16(0)
	for {
		bit := 0
		if i := r.at >> 3; i < len(r.b) {
			bit = int(r.b[i]>>(7-r.at&7)) & 1
		}
		r.at++
		if n = t[n][bit]; n < 0 {
			return int(n) + 512
		}
	}
}

// newTree builds a tree from an entry of codes.
func newTree(text string) tree {
	t := tree{{}}
	word, last := 0, 0
	for ; text != ""; text = text[4:] {
		length, _ := strconv.ParseInt(text[:2], 16, 16)
		value, _ := strconv.ParseInt(text[2:4], 16, 16)
		if last > 0 { // the word behind the last, of another length
			word++
			if n := int(length) - last; n >= 0 {
				word <<= n
			} else {
				word >>= -n
			}
		}
		last = int(length)
		node := int16(0)
		for i := last - 1; i > 0; i-- {
			bit := word >> i & 1
			if t[node][bit] == 0 {
				t[node][bit] = int16(len(t))
				t = append(t, [2]int16{})
			}
			node = t[node][bit]
		}
		t[node][word&1] = int16(value) - 512
	}
	return t
}

// coder is a code with the bits that follow a value of 15.
type coder struct {
	tree tree
	more int
}

// value reads what follows a magnitude: more of it, and its sign; then undoes the power.
func (c *coder) value(r *bitReader, v int) float64 {
	if v == 15 && c.more > 0 {
		v += r.read(c.more)
	}
	if v == 0 {
		return 0
	}
	if r.read(1) == 1 {
		return -power43[v]
	}
	return power43[v]
}

// coders are the tables by their numbers; that of 0 has no codes, and of 4 and 14 there are
// none.
var coders [34]coder

func fillCoders() {
	more := [32]int{16: 1, 2, 3, 4, 6, 8, 10, 13, 4, 5, 6, 7, 8, 9, 11, 13}
	for n := range coders {
		from := n
		switch {
		case n >= 16 && n < 24:
			from = 16
		case n >= 24 && n < 32:
			from = 24
		}
		if text := codes[from]; text != "" {
			coders[n].tree = newTree(text)
		}
		if n < 32 {
			coders[n].more = more[n]
		}
	}
}

// preemphasis is table B.6, what is added to scale factors of the upper bands.
var preemphasis = [22]float64{11: 1, 1, 1, 1, 2, 2, 3, 3, 3, 2, 0}

// The widths of scale factor bands: table B.8 of ISO/IEC 11172-3 for 44.1, 48 and 32 kHz, table
// B.2 of ISO/IEC 13818-3 for 22.05, 24 and 16, and what MPEG-2.5 has for 11.025, 12 and 8.
var longBands, shortBands = func() (long [9][23]int, short [9][14]int) {
	low := [22]int{6, 6, 6, 6, 6, 6, 8, 10, 12, 14, 16, 20, 24, 28, 32, 38, 46, 52, 60, 68, 58, 54}
	longs := [9][22]int{
		{4, 4, 4, 4, 4, 4, 6, 6, 8, 8, 10, 12, 16, 20, 24, 28, 34, 42, 50, 54, 76, 158},
		{4, 4, 4, 4, 4, 4, 6, 6, 6, 8, 10, 12, 16, 18, 22, 28, 34, 40, 46, 54, 54, 192},
		{4, 4, 4, 4, 4, 4, 6, 6, 8, 10, 12, 16, 20, 24, 30, 38, 46, 56, 68, 84, 102, 26},
		low,
		{6, 6, 6, 6, 6, 6, 8, 10, 12, 14, 16, 18, 22, 26, 32, 38, 46, 54, 62, 70, 76, 36},
		low, low, low,
		{12, 12, 12, 12, 12, 12, 16, 20, 24, 28, 32, 40, 48, 56, 64, 76, 90, 2, 2, 2, 2, 2},
	}
	shortLow := [13]int{4, 4, 4, 6, 8, 10, 12, 14, 18, 24, 30, 40, 18}
	shorts := [9][13]int{
		{4, 4, 4, 4, 6, 8, 10, 12, 14, 18, 22, 30, 56},
		{4, 4, 4, 4, 6, 6, 10, 12, 14, 16, 20, 26, 66},
		{4, 4, 4, 4, 6, 8, 12, 16, 20, 26, 34, 42, 12},
		{4, 4, 4, 6, 6, 8, 10, 14, 18, 26, 32, 42, 18},
		{4, 4, 4, 6, 8, 10, 12, 14, 18, 24, 32, 44, 12},
		shortLow, shortLow, shortLow,
		{8, 8, 8, 12, 16, 20, 24, 28, 36, 2, 2, 2, 26},
	}
	for n := range longs {
		for b, width := range longs[n] {
			long[n][b+1] = long[n][b] + width
		}
		for b, width := range shorts[n] {
			short[n][b+1] = short[n][b] + width
		}
		if long[n][22] != 576 || short[n][13] != 192 {
			panic("the bands do not add up")
		}
	}
	return long, short
}()
