package nets_test

import (
	"context"
	"fmt"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/nets"
)

// Speech out of noise, in memory.
func ExampleDenoise_Separate() {
	ctx := context.Background()
	talk, _, err := audio.ReadFile("testdata/gtcrn-in.wav")
	check(err)
	denoise, err := nets.NewDenoise(nets.DefaultDenoise())
	check(err)
	stems, err := denoise.Separate(ctx, talk)
	check(err)
	signals, err := audiosep.Collect(ctx, stems)
	check(err)
	fmt.Println(stems.Names(), len(signals[0].Data[0]), "samples each")
	// Output: [speech rest] 12000 samples each
}

// The notes of the first chord of a piano, those that last.
func ExampleTranscribe_Notes() {
	ctx := context.Background()
	piano, _, err := audio.ReadFile("../examples/piano/mix.wav")
	check(err)
	piano.Data[0] = piano.Data[0][:5*piano.Rate/2]
	transcribe, err := nets.NewTranscribe(nets.DefaultTranscribe())
	check(err)
	notes, err := transcribe.Notes(ctx, audiosep.Env{}, piano)
	check(err)
	for _, n := range notes {
		if n.Offset-n.Onset > 1 {
			fmt.Printf("%.0f from %.1f to %.1f s\n", n.Pitch, n.Onset, n.Offset)
		}
	}
	// Output:
	// 65 from 0.1 to 2.2 s
	// 61 from 0.1 to 2.2 s
	// 68 from 0.1 to 2.3 s
	// 72 from 0.1 to 2.3 s
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
