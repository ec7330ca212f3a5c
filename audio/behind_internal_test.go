package audio

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What is wrong with a block is told by whatever comes after it, again and again, and nothing is
// encoded behind it; a block is the caller's again when append returns.
func TestBehind(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.wav")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	enc, _ := encodingNamed("int16")
	o, err := newOutput(codecFor(".wav"), f, path, layout{rate: 8000, channels: 1, enc: enc, samples: 6}, nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &behind{output: o, copies: newCopies()}
	block := []float64{0.25, -0.25}
	for range 2 {
		if err := b.append([][]float64{block}); err != nil {
			t.Fatal(err)
		}
		block[0], block[1] = math.NaN(), math.NaN() // not looked at any more
		if err := b.wait(); err != nil {
			t.Fatal(err)
		}
		block[0], block[1] = 0.5, -0.5
	}
	block[1] = math.NaN()
	err = b.append([][]float64{block})
	for range 3 {
		if err == nil {
			err = b.wait()
		}
		if err == nil || !strings.Contains(err.Error(), "is NaN") {
			t.Fatalf("%v; want the NaN", err)
		}
		err = b.append([][]float64{{0, 0}})
	}
	if o.written != 4 {
		t.Errorf("%d samples are written; want the 4 before the fault", o.written)
	}
}
