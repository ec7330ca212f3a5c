package multichannel

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"gonum.org/v1/gonum/floats"

	"github.com/audiosep/audiosep"
)

// TestLoud learns from a part in which one of three sources sounds: what comes out far louder than the recording is warned
// of, once, and nothing is where all of the recording is learnt from.
func TestLoud(t *testing.T) {
	const alone = 12000
	sources := talkers(5, 3, 36000)
	for _, x := range sources[1:] {
		clear(x[:alone])
	}
	room := DefaultMixRoom()
	room.T60, room.Microphones = 0.15, 3
	images, err := room.Images(t.Context(), sources, 8000)
	if err != nil {
		t.Fatal(err)
	}
	mix := images[0]
	for _, im := range images[1:] {
		for c, x := range im.Data {
			floats.Add(mix.Data[c], x)
		}
	}
	for _, c := range []struct {
		part Excerpt
		want int
	}{{Excerpt{LearnFor: alone / 8000.0}, 1}, {Excerpt{}, 0}} {
		p := DefaultIVA()
		p.Excerpt = c.part
		var log bytes.Buffer
		out, err := iva(t, p).Run(t.Context(), audiosep.Env{Log: slog.New(slog.NewTextHandler(&log, nil))}, In{spectra(t, mix, 1024)})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // taken a second time, stems are not told of again
			if _, err := audiosep.Collect(t.Context(), out.Sources); err != nil {
				t.Fatal(err)
			}
		}
		if n := strings.Count(log.String(), "far louder than the recording"); n != c.want {
			t.Errorf("learnt from %+v, %d warnings of loud sources; want %d:\n%s", c.part, n, c.want, log.String())
		}
	}
}
