package multichannel

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/audiosep/audiosep"
)

// The stems of recordings, panned evenly from -30° to 20°, come apart, and further by mwf_em. Of
// each recording five seconds are taken, mono.
func TestPannedStems(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long")
	}
	data := os.Getenv("AUDIOSEP_DATA")
	if data == "" {
		t.Skip("AUDIOSEP_DATA is not set: no recordings")
	}
	folders, err := filepath.Glob(filepath.Join(data, "audio", "*", "stems"))
	if err != nil || len(folders) == 0 {
		t.Skipf("no recordings with stems: %v", err)
	}
	if !testing.Verbose() { // the table of docs/multichannel.md
		folders = folders[:min(2, len(folders))]
	}
	var sum [2]float64
	for _, dir := range folders {
		files, err := filepath.Glob(filepath.Join(dir, "*.wav"))
		if err != nil {
			t.Fatal(err)
		}
		var dry [][]float64
		var positions []float64
		rate := 0
		for i, file := range files {
			s := readWAV(t, file)
			rate = s.Rate
			mono := make([]float64, 5*rate)
			for _, x := range s.Data {
				for i, v := range x[:min(len(x), len(mono))] {
					mono[i] += v / float64(len(s.Data))
				}
			}
			dry, positions = append(dry, mono), append(positions, -30+50*float64(i)/float64(len(files)-1))
		}
		mix, images := panTo(dry, positions...)
		mix.Rate = rate
		x := spectra(t, mix, rate*93/1000/2*2)
		p := DefaultDUET()
		p.Sources = len(files)
		stems := separate(t, duet(t, p), x, audiosep.Env{})
		estimates, err := audiosep.NewStems(duet(t, p).names(), stems)
		if err != nil {
			t.Fatal(err)
		}
		var before float64
		for _, im := range images {
			before += siSDR(mix.Data[0], im[0]) / float64(len(images))
		}
		masked, filtered := bestOrder(stems, images)-before, bestOrder(mwfEM(t, t.Context(), 2, x, estimates), images)-before
		t.Logf("%-28s duet %5.1f dB, with mwf_em %5.1f dB", filepath.Base(filepath.Dir(dir)), masked, filtered)
		sum[0], sum[1] = sum[0]+masked/float64(len(folders)), sum[1]+filtered/float64(len(folders))
	}
	t.Logf("%-28s duet %5.1f dB, with mwf_em %5.1f dB", "mean", sum[0], sum[1])
	if sum[0] < 6 || sum[1] < sum[0] {
		t.Errorf("duet gains %.1f dB on average, with mwf_em %.1f dB; want 6 dB, and no less with it", sum[0], sum[1])
	}
}
