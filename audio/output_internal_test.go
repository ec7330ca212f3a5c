package audio

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What an earlier run has written is gone on with only if it still has the checksum that was kept;
// what finish wrote before the run was killed, such as the head of a FLAC file, does not count.
func TestDamagedOutput(t *testing.T) {
	for _, c := range []codec{wavCodec, flacCodec} {
		path := filepath.Join(t.TempDir(), "a")
		enc, _ := encodingNamed("int16")
		begin := func() (*output, *os.File) {
			f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
			if err != nil {
				t.Fatal(err)
			}
			o, err := newOutput(c, f, path, layout{rate: 8000, channels: 1, enc: enc, samples: 20000}, nil)
			if err != nil {
				t.Fatal(err)
			}
			return o, f
		}
		block := make([]float64, 10000)
		for i := range block {
			block[i] = float64(i%100) / 200
		}
		o, f := begin()
		if err := o.append([][]float64{block}); err != nil {
			t.Fatal(err)
		}
		k, err := o.keep(f)
		if err != nil {
			t.Fatal(err)
		}
		if err := o.append([][]float64{block}); err != nil {
			t.Fatal(err)
		}
		if err := o.finish(); err != nil {
			t.Fatal(err)
		}
		f.Close()
		o, f = begin()
		if err := o.goOn(f, k); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if _, err := f.WriteAt([]byte{0xA5}, k.Bytes-1000); err != nil {
			t.Fatal(err)
		}
		f.Close()
		o, f = begin()
		if err := o.goOn(f, k); err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("%s, a byte is another: %v; want it told", c.name, err)
		}
		f.Close()
	}
}
