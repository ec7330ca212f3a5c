package mp3

import (
	"errors"
	"math"
	"sync"
)

// Decoder decodes the frames of a recording, one after the other. The zero Decoder works.
type Decoder struct {
	Samples [2][1152]float64 // [channel][sample] of the frame decoded last, full scale ±1

	reservoir []byte // main data that later frames may go back to
	main      []byte
	granules  [2][2]granule
	x         [2][576]float64    // coefficients of a granule
	overlap   [2][32][18]float64 // [channel][subband]
	slots     [18][32]float64    // subband samples of a granule
	synthesis [2]synthesis
}

// fillTables computes what is looked up, for the first frame: a program that links this package
// and reads no MP3 starts without it.
var fillTables = sync.OnceFunc(func() {
	fillCoders()
	fillPowers()
	fillCosines()
})

// Decode decodes a frame of h.Bytes bytes. The first after a cut may lack main data, and is
// silent then.
func (d *Decoder) Decode(h Header, frame []byte) error {
	fillTables()
	if h.angles {
		return ErrIntensity
	}
	start := 4 + h.CRC + h.Side
	if h.Bytes < start || len(frame) < h.Bytes {
		return errors.New("the frame is truncated")
	}
	r := bitReader{b: frame[4+h.CRC : start]}
	back, share := h.sideInfo(&r, &d.granules)
	there := back <= len(d.reservoir)
	d.main = append(d.main[:0], d.reservoir[max(0, len(d.reservoir)-back):]...)
	d.main = append(d.main, frame[start:h.Bytes]...)
	const most = 511 // bytes that a frame can go back
	d.reservoir = append(d.reservoir[:0], d.main[max(0, len(d.main)-most):]...)

	r = bitReader{b: d.main}
	for n := range h.Samples / 576 {
		for c := range h.Channels {
			clear(d.x[c][:])
			if !there {
				d.granules[n][c] = granule{}
				continue
			}
			g := &d.granules[n][c]
			end := r.at + g.bits
			if h.low {
				g.lowFactors(&r)
			} else {
				g.scaleFactors(&r, n, share[c], &d.granules[0][c])
			}
			count, err := g.values(&r, end, h.bands, &d.x[c])
			if err != nil {
				return err
			}
			r.at = end
			g.scale(d.x[c][:count], h.bands)
		}
		d.granule(h, n)
	}
	return nil
}

// granule makes samples of the coefficients of granule n.
func (d *Decoder) granule(h Header, n int) {
	if h.sum {
		for i, m := range d.x[0] {
			s := d.x[1][i]
			d.x[0][i], d.x[1][i] = (m+s)*math.Sqrt2/2, (m-s)*math.Sqrt2/2
		}
	}
	for c := range h.Channels {
		g := &d.granules[n][c]
		g.reorder(&d.x[c], h.bands)
		g.alias(&d.x[c])
		d.hybrid(g, c)
		for t := range d.slots {
			d.synthesis[c].run(d.Samples[c][576*n+32*t:][:32], &d.slots[t])
		}
	}
}

// How many bits scale factors have in MPEG-1, those of lower bands and of upper (section
// 2.4.2.7).
var factorBits = [16][2]int{{0, 0}, {0, 1}, {0, 2}, {0, 3}, {3, 0}, {1, 1}, {1, 2}, {1, 3}, {2, 1}, {2, 2}, {2, 3}, {3, 1}, {3, 2}, {3, 3}, {4, 2}, {4, 3}}

// scaleFactors reads those of MPEG-1: of long bands first, then of short ones, three for each.
func (g *granule) scaleFactors(r *bitReader, n int, share [4]bool, first *granule) {
	low, high := factorBits[g.factors][0], factorBits[g.factors][1]
	if g.short() {
		lower := 18
		if g.mixed {
			lower = 17 // eight long bands and three short ones
		}
		for i := range lower + 18 {
			g.scalefacts[i] = r.read(map[bool]int{true: low, false: high}[i < lower])
		}
		return
	}
	for part, edges := range [4][2]int{{0, 6}, {6, 11}, {11, 16}, {16, 21}} {
		width := low
		if part >= 2 {
			width = high
		}
		for i := edges[0]; i < edges[1]; i++ {
			if n == 1 && share[part] {
				g.scalefacts[i] = first.scalefacts[i]
			} else {
				g.scalefacts[i] = r.read(width)
			}
		}
	}
}

// lowParts is how many scale factors each of four parts has in MPEG-2 without intensity stereo
// (ISO/IEC 13818-3, section 2.4.3.2), of long, short and mixed blocks.
var lowParts = [3][3][4]int{
	{{6, 5, 5, 5}, {9, 9, 9, 9}, {6, 9, 9, 9}},
	{{6, 5, 7, 3}, {9, 9, 12, 6}, {6, 9, 12, 6}},
	{{11, 10, 0, 0}, {18, 18, 0, 0}, {15, 18, 0, 0}},
}

// lowFactors reads the scale factors of MPEG-2.
func (g *granule) lowFactors(r *bitReader) {
	var width [4]int
	row := 0
	switch f := g.factors; {
	case f < 400:
		width = [4]int{f >> 4 / 5, f >> 4 % 5, f & 15 >> 2, f & 3}
	case f < 500:
		f -= 400
		width, row = [4]int{f >> 2 / 5, f >> 2 % 5, f & 3, 0}, 1
	default:
		f -= 500
		width, row, g.pre = [4]int{f / 3, f % 3, 0, 0}, 2, true
	}
	column := 0
	if g.short() {
		column = 1
		if g.mixed {
			column = 2
		}
	}
	i := 0
	for part, n := range lowParts[row][column] {
		for range n {
			g.scalefacts[i] = r.read(width[part])
			i++
		}
	}
}

// values reads the codes of a granule up to bit end, and returns how many values there are
// before nothing but zeros.
func (g *granule) values(r *bitReader, end, bands int, x *[576]float64) (count int, err error) {
	big := 2 * g.big
	if big > len(x) {
		return 0, errors.New("the frame has more than 576 values")
	}
	i := 0
	for region, to := range g.edges(bands) {
		to = min(to, big)
		code := &coders[g.tables[region]]
		if code.tree == nil && g.tables[region] != 0 && i < to {
			return 0, errors.New("the frame has codes of a table that is reserved")
		}
		if code.tree == nil {
			i = max(i, to)
		}
		for ; i < to; i += 2 {
			v := code.tree.read(r)
			x[i] = code.value(r, v>>4)
			x[i+1] = code.value(r, v&15)
		}
	}
	quad := &coders[32+g.quads]
	for ; r.at < end && i+4 <= len(x); i += 4 {
		v := quad.tree.read(r)
		for j := range 4 {
			x[i+j] = quad.value(r, v>>(3-j)&1)
		}
		if r.at > end { // what was left was no code
			clear(x[i : i+4])
			break
		}
	}
	return i, nil
}

// edges are the values where the regions of tables end.
func (g *granule) edges(bands int) [3]int {
	long := &longBands[bands]
	switch {
	case g.short():
		return [3]int{3 * shortBands[bands][3], 576, 576}
	case g.switched:
		return [3]int{long[8], 576, 576}
	}
	return [3]int{long[min(g.regions[0]+1, 22)], long[min(g.regions[0]+g.regions[1]+2, 22)], 576}
}

// power43 has the magnitudes of values: their powers of 4/3.
var power43 [15 + 1<<13]float64

func fillPowers() {
	for i := range power43 {
		power43[i] = math.Pow(float64(i), 4.0/3)
	}
}

// scale undoes the quantisation (section 2.4.3.4.7.1).
func (g *granule) scale(x []float64, bands int) {
	step := 0.5
	if g.coarse {
		step = 1
	}
	gain := float64(g.gain-210) / 4
	long := &longBands[bands]
	top, nextFactor := 22, 0
	if g.short() {
		top = 0
		if g.mixed {
			for long[top] < 3*shortBands[bands][3] {
				top++
			}
		}
		nextFactor = top
	}
	for b := range top {
		f := float64(g.scalefacts[b])
		if g.pre {
			f += preemphasis[b]
		}
		multiply(x, long[b], long[b+1], math.Exp2(gain-step*f))
	}
	if !g.short() {
		return
	}
	from := 0
	if g.mixed {
		from = 3
	}
	edges := &shortBands[bands]
	for b := from; b < 13; b++ {
		width := edges[b+1] - edges[b]
		for w := range 3 {
			f := gain - 2*float64(g.subgain[w]) - step*float64(g.scalefacts[nextFactor])
			at := 3*edges[b] + w*width
			multiply(x, at, at+width, math.Exp2(f))
			nextFactor++
		}
	}
}

func multiply(x []float64, from, to int, by float64) {
	for i := from; i < min(to, len(x)); i++ {
		x[i] *= by
	}
}

// reorder puts the three windows of short blocks beside each other: value i of window w of a
// band comes to place 3i+w.
func (g *granule) reorder(x *[576]float64, bands int) {
	if !g.short() {
		return
	}
	edges := &shortBands[bands]
	from := 0
	if g.mixed {
		from = 3
	}
	var tmp [576]float64
	for b := from; b < 13; b++ {
		width, at := edges[b+1]-edges[b], 3*edges[b]
		for w := range 3 {
			for i := range width {
				tmp[3*i+w] = x[at+w*width+i]
			}
		}
		copy(x[at:], tmp[:3*width])
	}
}

// alias undoes what the encoder did against aliases between neighbouring subbands (section
// 2.4.3.4.10.1).
func (g *granule) alias(x *[576]float64) {
	edges := 31
	if g.short() {
		edges = 0
		if g.mixed {
			edges = 1
		}
	}
	for e := 1; e <= edges; e++ {
		for i, c := range butterflies {
			up, down := 18*e-1-i, 18*e+i
			a, b := x[up], x[down]
			x[up], x[down] = a*c[0]-b*c[1], b*c[0]+a*c[1]
		}
	}
}
