package audio

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/audiosep/audiosep"
)

// noise returns a signal whose samples an encoding holds exactly, both ends of its
// range among them.
func noise(e encoding, channels, samples int) *audiosep.Signal {
	rng := rand.New(rand.NewPCG(1, uint64(channels)))
	s := &audiosep.Signal{Rate: 11025, Channels: channels}
	for range channels {
		d := make([]float64, samples)
		for t := range d {
			switch {
			case e.float && e.bytes == 4:
				d[t] = float64(float32(rng.NormFloat64()))
			case e.float:
				d[t] = rng.NormFloat64()
			default:
				full := int64(e.scale())
				d[t] = float64(rng.Int64N(2*full)-full) / float64(full)
				switch t {
				case 0:
					d[t] = -1
				case 1:
					d[t] = float64(full-1) / float64(full)
				}
			}
		}
		s.Data = append(s.Data, d)
	}
	return s
}

// TestRoundTrip: what is written and read is the same to the bit, and written again
// the same file.
func TestRoundTrip(t *testing.T) {
	dir := t.TempDir()
	for _, e := range encodings {
		for _, channels := range []int{1, 2, 3} {
			for _, samples := range []int{0, 1, 7, 40001} {
				want := noise(e, channels, samples)
				path := filepath.Join(dir, "a.wav")
				if err := WriteFile(path, want, e.name); err != nil {
					t.Fatal(e.name, channels, samples, err)
				}
				got, head, err := ReadFile(path)
				if err != nil {
					t.Fatal(e.name, channels, samples, err)
				}
				wantHead := audiosep.Head{Rate: 11025, Samples: samples, Channels: channels, Realisations: 1, Names: []string{"a"}, Encoding: e.name}
				if !reflect.DeepEqual(head, wantHead) || !reflect.DeepEqual(got, want) {
					t.Errorf("%s, %d channels, %d samples: got %v back and other samples; want %v and the same", e.name, channels, samples, head, wantHead)
				}
			}
		}
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("the folder has %v; want a.wav alone", left)
	}
}
