package audio_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	goaudio "github.com/go-audio/audio"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
)

func ExampleReadFile() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "ramp.wav")
	ramp := &audiosep.Signal{Rate: 8000, Data: [][]float64{{-1, -0.5, 0, 0.5}}}
	if err := audio.WriteFile(path, ramp, "int16"); err != nil {
		log.Fatal(err)
	}
	s, head, err := audio.ReadFile(path)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(head.Names[0], head.Rate, head.Encoding, s.Data)
	// Output: ramp 8000 int16 [[-1 -0.5 0 0.5]]
}

func ExampleFromBuffer() {
	s, err := audio.FromBuffer(&goaudio.IntBuffer{
		Format:         &goaudio.Format{NumChannels: 2, SampleRate: 44100},
		Data:           []int{-32768, 8192, 16384, 0}, // left, right, left, right
		SourceBitDepth: 16,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(s.Data)
	// Output: [[-1 0.5] [0.25 0]]
}

func ExampleSynthNotes() {
	p := audio.PaperNotes()
	p.Realisations = 3
	mixture, sources, err := audio.SynthNotes(p)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(sources), "sources,", len(mixture.Data), "realisations of", len(mixture.Data[0]), "samples at", mixture.Rate, "Hz")
	// Output: 2 sources, 3 realisations of 15000 samples at 5000 Hz
}
