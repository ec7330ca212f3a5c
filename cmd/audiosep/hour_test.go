package main

import (
	"context"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
)

// BenchmarkHour applies a saved model to an hour of 44.1 kHz stereo that it makes, in a
// process of its own, and reports the most memory that it held and how much faster than
// real time it was:
//
//	go test ./cmd/audiosep -run '^$' -bench Hour -benchtime 1x
func BenchmarkHour(b *testing.B) {
	dir := b.TempDir()
	program := filepath.Join(dir, "audiosep")
	command(b, "go", "build", "-o", program, ".")
	song, excerpt := filepath.Join(dir, "song.wav"), filepath.Join(dir, "excerpt.wav")
	writeSong(b, excerpt, 10)
	writeSong(b, song, 3600*hours(b))
	command(b, program, "run", "../../examples/model/learn.json", "-q", "--input", excerpt, "--out", dir)
	separateHour(b, program, "run", "../../examples/model/apply.json", "-q", "--overwrite", "--input", song,
		"--out", dir, "--set", "load_model.file="+filepath.Join(dir, "piano.npz"))
}

// BenchmarkHourOnline has IS-NMF in batches learn the spectra of such an hour, and separate it:
//
//	go test ./cmd/audiosep -run '^$' -bench 'HourOnline$' -benchtime 1x
func BenchmarkHourOnline(b *testing.B) { benchmarkHour(b, "../../examples/model/hour.json") }

// BenchmarkHourNMF has IS-NMF of such an hour, all of its V in memory, in each precision.
func BenchmarkHourNMF(b *testing.B) {
	for _, precision := range []string{"auto", "float64", "float32"} {
		b.Run(precision, func(b *testing.B) {
			benchmarkHour(b, "../../examples/piano/pipeline.json", "--set", "is_nmf.rank=2", "--set", "is_nmf.restarts=1",
				"--set", "is_nmf.iterations=5", "--set", "is_nmf.precision="+precision)
		})
	}
}

// BenchmarkHourHPSS separates harmonic from percussive sound of such an hour.
func BenchmarkHourHPSS(b *testing.B) { benchmarkHour(b, "../../examples/hpss/pipeline.json") }

// BenchmarkHourMeeting separates two microphones for an hour, with what is learnt on its first
// minute.
func BenchmarkHourMeeting(b *testing.B) { benchmarkHour(b, "meeting", "--for", "60") }

// BenchmarkHourDenoise takes the noise out of an hour.
func BenchmarkHourDenoise(b *testing.B) { benchmarkHour(b, "denoise") }

// hours is how long an hour is: AUDIOSEP_HOURS of them, for machines with the disk and the time.
func hours(b *testing.B) int { return given(b, "AUDIOSEP_HOURS", 1) }

// given returns the whole number in a variable of the environment.
func given(b *testing.B, name string, otherwise int) int {
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		b.Fatalf("%s is %q; want a whole number, at least 1", name, text)
	}
	return n
}

func benchmarkHour(b *testing.B, spec string, flags ...string) {
	dir := b.TempDir()
	program, song := filepath.Join(dir, "audiosep"), filepath.Join(dir, "song.wav")
	command(b, "go", "build", "-o", program, ".")
	writeSong(b, song, 3600*hours(b))
	separateHour(b, program, append([]string{"run", spec, "-q", "--overwrite", "--input", song, "--out", dir}, flags...)...)
}

func separateHour(b *testing.B, program string, args ...string) {
	for b.Loop() {
		done := command(b, program, args...).ProcessState
		most, _ := mostMemory(done)
		b.ReportMetric(float64(most)/(1<<20), "MiB-resident")
		b.ReportMetric((done.UserTime() + done.SystemTime()).Seconds(), "processor-s")
	}
	b.ReportMetric(3600*float64(hours(b)*b.N)/b.Elapsed().Seconds(), "×real-time")
}

func command(b *testing.B, name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		b.Fatal(err)
	}
	return cmd
}

// writeSong writes stereo sound of 44.1 kHz (AUDIOSEP_RATE, in Hz): notes that come and go, another mixture on each
// side.
func writeSong(b *testing.B, file string, seconds int) {
	rate := given(b, "AUDIOSEP_RATE", 44100)
	sink, err := audio.NewWriteAudio(audio.WriteAudioParams{Pattern: file, Format: strings.TrimPrefix(filepath.Ext(file), "."), Encoding: "int16", OnClip: "error"})
	if err != nil {
		b.Fatal(err)
	}
	defer sink.Close()
	ctx := context.Background()
	h := audiosep.Head{Rate: rate, Samples: rate * seconds, Channels: 2, Realisations: 1}
	if err := sink.Create(ctx, audiosep.Env{}, h, []string{"song"}); err != nil {
		b.Fatal(err)
	}
	block := [][]float64{make([]float64, rate), make([]float64, rate)}
	for s := range seconds {
		for i := range rate {
			t := float64(s) + float64(i)/float64(rate)
			a := math.Sin(2*math.Pi*440*t) * math.Abs(math.Sin(1.3*t))
			c := math.Sin(2*math.Pi*622*t) * math.Abs(math.Cos(0.7*t))
			block[0][i], block[1][i] = 0.4*a+0.2*c, 0.2*a+0.4*c
		}
		if err := sink.Write(ctx, 0, block); err != nil {
			b.Fatal(err)
		}
	}
	if err := sink.Commit(ctx); err != nil {
		b.Fatal(err)
	}
}
