package mp3

import (
	"math"
	"testing"
)

// TestCodes: every code of Huffman is complete and tells what it stands for apart.
func TestCodes(t *testing.T) {
	fillTables()
	for n, c := range coders {
		if c.tree == nil {
			continue
		}
		seen := map[int]bool{}
		var walk func(node, depth int)
		walk = func(node, depth int) {
			for _, next := range c.tree[node] {
				switch {
				case next < 0:
					if v := int(next) + 512; seen[v] {
						t.Errorf("table %d: %#x twice", n, v)
					}
					seen[int(next)+512] = true
				case next == 0 || depth > 20:
					t.Errorf("table %d is not complete", n)
				default:
					walk(int(next), depth+1)
				}
			}
		}
		walk(0, 1)
	}
}

// TestHybridInverts: coefficients of a forward MDCT come back as the samples they were made of,
// for all kinds of blocks that may follow each other.
func TestHybridInverts(t *testing.T) {
	kinds := []int{0, 1, 2, 2, 3, 0, 0}
	x := make([]float64, 18*(len(kinds)+1))
	for i := range x {
		x[i] = math.Sin(float64(i*i) / 11)
	}
	fillTables()
	var d Decoder
	for n, kind := range kinds {
		g := granule{switched: kind != 0, kind: kind}
		for i := range d.x[0] {
			d.x[0][i] = 0
		}
		forward(d.x[0][:18], x[18*n:18*n+36], kind)
		d.hybrid(&g, 0)
		if n == 0 {
			continue
		}
		for i := range 18 {
			if got, want := d.slots[i][0], x[18*n+i]; math.Abs(got-want) > 1e-12 {
				t.Fatalf("block %d of kind %d: sample %d is %g; want %g", n, kind, i, got, want)
			}
		}
	}
}

// forward is the MDCT that hybrid inverts.
func forward(y, x []float64, kind int) {
	if kind == 2 {
		for w := range 3 {
			for k := range 6 {
				sum := 0.0
				for i := range 12 {
					sum += x[6+6*w+i] * blockWindows[2][i] * cosines12[i][k]
				}
				y[3*k+w] = sum / 3
			}
		}
		return
	}
	for k := range y {
		sum := 0.0
		for i, v := range x {
			sum += v * blockWindows[kind][i] * cosines36[i][k]
		}
		y[k] = sum / 9
	}
}

// FuzzDecode: whatever the bytes, there are finite samples or an error.
func FuzzDecode(f *testing.F) {
	f.Add([]byte("\xff\xfb\x90\x64\x00\x0f"), []byte{1, 2, 3})
	f.Fuzz(func(t *testing.T, head, body []byte) {
		h, ok := Parse(head)
		if !ok || h.Bytes == 0 {
			return
		}
		frame := make([]byte, h.Bytes)
		copy(frame, head)
		copy(frame[min(4, len(frame)):], body)
		var d Decoder
		for range 2 {
			if d.Decode(h, frame) != nil {
				return
			}
			for _, v := range d.Samples[0] {
				if math.IsNaN(v) || math.IsInf(v, 0) {
					t.Fatalf("a sample is %g", v)
				}
			}
		}
	})
}
