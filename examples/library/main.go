// Command library takes a recording apart as examples/piano does, without a pipeline.
package main

import (
	"context"
	"log"
	"os"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/factorizers"
	"github.com/audiosep/audiosep/separators"
	"github.com/audiosep/audiosep/transforms"
)

func main() {
	ctx := context.Background()
	song, err := audio.Open(os.Args[1])
	check(err)
	defer song.Close()
	x, err := transforms.STFT(ctx, song, transforms.Frame(2048, 0.75, "hann"))
	check(err)
	nmf := factorizers.DefaultISNMF()
	nmf.Rank, nmf.Restarts = 4, 4
	f, err := factorizers.ISNMF(ctx, audiosep.PowerOf(x, nil), nmf)
	check(err)
	stems, err := separators.Wiener(ctx, x, f)
	check(err)
	check(audio.WriteFiles(ctx, stems, os.Args[2]+"/{input}-{source}.wav"))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
