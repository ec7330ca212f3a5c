package main

import (
	"encoding/binary"
	"fmt"
	"math"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/pipeline"
)

// TestMP3Null: the stems of an MP3 file sum to what ffmpeg decodes of it, from its first sample
// to its last, within one step of 16 bits.
func TestMP3Null(t *testing.T) {
	for _, name := range []string{"lame", "ffmpeg"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("there is no %s on the PATH", name)
		}
	}
	dir := t.TempDir()
	wav, mp3 := filepath.Join(dir, "a.wav"), filepath.Join(dir, "a.mp3")
	s := &audiosep.Signal{Rate: 44100, Channels: 2}
	for c := range 2 {
		x := make([]float64, 50001)
		for i := range x {
			at := float64(i) / 44100
			x[i] = 0.3*math.Sin(2*math.Pi*440*at)*math.Abs(math.Sin(3*at)) + 0.3*math.Sin(float64(i%9000*i%9000)/9+float64(c))*math.Exp(-float64(i%9000)/300)
		}
		s.Data = append(s.Data, x)
	}
	if err := audio.WriteFile(wav, s, "int16"); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("lame", "--silent", "-b", "128", wav, mp3).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	spec, err := pipeline.Parse(filepath.Join(dir, "p.json"), fmt.Appendf(nil, `{"audiosep": 1, "stages": [
		{"use": "read_audio", "params": {"files": [%q]}}, {"use": "frame"}, {"use": "stft"},
		{"use": "is_nmf", "params": {"rank": 2, "iterations": 3}}, {"use": "wiener"}, {"use": "write_audio"}]}`, mp3))
	if err != nil {
		t.Fatal(err)
	}
	p, err := pipeline.Check(spec, registry())
	if err == nil {
		err = p.Run(t.Context(), pipeline.Options{})
	}
	if err != nil {
		t.Fatal(err)
	}
	raw, err := exec.Command("ffmpeg", "-v", "error", "-i", mp3, "-f", "f32le", "-c:a", "pcm_f32le", "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	stems, _ := filepath.Glob(filepath.Join(dir, "a-*.wav"))
	if len(stems) != 2 {
		t.Fatalf("there are %s; want two stems", strings.Join(stems, ", "))
	}
	sum := make([]float64, len(raw)/4)
	for _, file := range stems {
		stem, h, err := audio.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if h.Samples != 50001 || len(sum) != 2*50001 || h.Encoding != "float32" {
			t.Fatalf("%s is %+v, and ffmpeg decodes %d samples; want 50001 in float32", file, h, len(sum)/2)
		}
		for i := range sum {
			sum[i] += stem.Data[i%2][i/2]
		}
	}
	for i := range sum {
		if off := math.Abs(sum[i] - float64(math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:])))); off > 1.0/(1<<15) {
			t.Fatalf("sample %d is %.3g steps of 16 bits off; want at most 1", i/2, off*(1<<15))
		}
	}
}
