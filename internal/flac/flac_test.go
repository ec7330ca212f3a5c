package flac

import (
	"math/rand/v2"
	"testing"
)

// block returns samples of so many bits: noise of some loudness on a slope, or one value.
func block(rng *rand.Rand, channels, n, bits int) [][]int32 {
	x := make([][]int32, channels)
	loud := rng.IntN(bits)
	for c := range x {
		x[c] = make([]int32, n)
		slope := rng.Int64N(3) - 1
		for t := range x[c] {
			v := rng.Int64N(1<<loud+1) - 1<<loud/2 + slope*int64(t)
			if bits < 32 {
				v = min(max(v, -1<<(bits-1)), 1<<(bits-1)-1)
			}
			x[c][t] = int32(v)
		}
		if loud == 0 {
			clear(x[c])
		}
	}
	if channels == 2 && rng.IntN(2) == 0 { // alike, so that mid and side are shorter
		for t := range x[0] {
			x[1][t] = x[0][t] - x[0][t]>>5
		}
	}
	return x
}

// TestRoundTrip: frames of any kind are decoded to what was encoded, with a side channel of 33
// bits among them; a frame with a bit changed is an error.
func TestRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var d Decoder
	for trial := range 600 {
		i := Info{Rate: []int{44100, 48000, 96001, 37800, 11025}[trial%5], Channels: 1 + trial%8, Bits: []int{8, 16, 24, 32}[trial/8%4]}
		e := NewEncoder(i)
		n := 1 + rng.IntN(BlockSize)
		if trial%3 == 0 {
			n = BlockSize
		}
		x := block(rng, i.Channels, n, i.Bits)
		e.number = rng.Uint64N(1 << 36 >> rng.IntN(36))
		b := e.Append(nil, x)
		h, ok := i.Parse(b)
		if !ok || h.Number != e.number-1 || h.Block != n {
			t.Fatalf("%+v: the header is %+v, %v; want frame %d of %d samples", i, h, ok, e.number-1, n)
		}
		got, err := d.Decode(i, h, b)
		if err != nil || got != len(b) {
			t.Fatalf("%+v, %d samples: %d bytes, %v; want %d", i, n, got, err, len(b))
		}
		for c := range x {
			for s, want := range x[c] {
				if d.Samples[c][s] != want {
					t.Fatalf("%+v: sample %d of channel %d is %d; want %d", i, s, c, d.Samples[c][s], want)
				}
			}
		}
		if m := i.MaxFrame(n); len(b) > m {
			t.Errorf("%+v: a frame of %d samples has %d bytes; want at most %d", i, n, len(b), m)
		}
		b[rng.IntN(len(b))] ^= 1 << rng.IntN(8)
		if h, ok := i.Parse(b); ok {
			if _, err := d.Decode(i, h, b); err == nil {
				t.Errorf("%+v: a bit of the frame is another, and nobody minds", i)
			}
		}
	}
}

// FuzzDecode: whatever the bytes, there is a frame or an error.
func FuzzDecode(f *testing.F) {
	rng := rand.New(rand.NewPCG(2, 2))
	for _, bits := range []int{16, 24, 32} {
		i := Info{Rate: 44100, Channels: 2, Bits: bits}
		f.Add(NewEncoder(i).Append(nil, block(rng, 2, 100, bits)), uint8(bits), uint8(2))
	}
	f.Fuzz(func(t *testing.T, b []byte, bits, channels uint8) {
		i := Info{Rate: 44100, Channels: 1 + int(channels)%8, Bits: 4 + int(bits)%29}
		h, ok := i.Parse(b)
		if !ok { // past the checksum that keeps a fuzzer out
			h = Header{Bytes: min(len(b), 4), Block: 1 + int(bits)*16, Variable: channels&1 != 0}
			if i.Channels == 2 {
				h.stereo = leftSide + int(channels)%3
			}
		}
		var d Decoder
		n, err := d.Decode(i, h, b)
		if err == nil && n > len(b) {
			t.Errorf("%d bytes of %d", n, len(b))
		}
		i.Next(h, b)
	})
}

func BenchmarkDecode(b *testing.B) {
	i := Info{Rate: 44100, Channels: 2, Bits: 16}
	raw := NewEncoder(i).Append(nil, block(rand.New(rand.NewPCG(3, 3)), 2, BlockSize, 16))
	h, _ := i.Parse(raw)
	var d Decoder
	b.SetBytes(2 * 2 * BlockSize)
	for b.Loop() {
		if _, err := d.Decode(i, h, raw); err != nil {
			b.Fatal(err)
		}
	}
}
