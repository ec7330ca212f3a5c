package multichannel_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/multichannel"
	"github.com/audiosep/audiosep/transforms"
)

// Two talkers before two microphones, in memory: from the samples of each microphone to what it would have
// heard of each talker alone. Other stages of the package are called the same way, such as
// NewILRMA(DefaultILRMA()).
func ExampleIVA() {
	microphones, talkers := meeting() // [microphone][sample], and what is to come out

	ctx := context.Background()
	mix := &audiosep.Signal{Rate: 8000, Channels: len(microphones), Data: microphones}
	x, err := transforms.STFT(ctx, mix, transforms.Frame(1024, 0.75, "hann")) // 128 ms: longer than most of the reverberation
	check(err)
	iva, err := multichannel.NewIVA(multichannel.DefaultIVA())
	check(err)
	out, err := iva.Run(ctx, audiosep.Env{}, multichannel.In{Coefs: x})
	check(err)
	images, err := audiosep.Collect(ctx, out.Sources) // images[n].Data[c] is source n as microphone c hears it
	check(err)

	fmt.Println("sources", out.Sources.Names(), "on", len(images[0].Data), "microphones")
	for n, talker := range talkers {
		before := decibels(talker.Data[0], microphones[0])
		after := max(decibels(talker.Data[0], images[0].Data[0]), decibels(talker.Data[0], images[1].Data[0])) // in any order
		fmt.Printf("talker %d: %.0f dB better\n", n+1, after-before)
	}
	// Output:
	// sources [1 2] on 2 microphones
	// talker 1: 17 dB better
	// talker 2: 18 dB better
}

// The page of the package has the lines of the example.
func TestPageHasTheExample(t *testing.T) {
	page, err := os.ReadFile("../docs/multichannel.md")
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, lines, _ := strings.Cut(string(page), "```go\n")
	lines, _, ended := strings.Cut(lines, "```")
	if !ended || !strings.Contains(string(example), lines) {
		t.Errorf("the page has\n%s\nwant the lines of ExampleIVA", lines)
	}
}

// meeting returns four seconds of two talkers, noise with syllables of their own pace, as two microphones hear
// them in a room, and each by itself.
func meeting() (microphones [][]float64, talkers []*audiosep.Signal) {
	rng := rand.New(rand.NewPCG(1, 1))
	dry := make([][]float64, 2)
	for n, pace := range []float64{2.3, 3.1} { // syllables a second
		for t := range 4 * 8000 {
			loud := math.Pow(math.Sin(math.Pi*pace*float64(t)/8000), 4)
			dry[n] = append(dry[n], loud*rng.NormFloat64())
		}
	}
	room := multichannel.DefaultMixRoom()
	room.T60 = 0.1
	talkers, err := room.Images(context.Background(), dry, 8000)
	check(err)
	for c := range room.Microphones {
		microphones = append(microphones, make([]float64, len(dry[0])))
		for _, talker := range talkers {
			for t, v := range talker.Data[c] {
				microphones[c][t] += v
			}
		}
	}
	return microphones, talkers
}

// decibels returns how much louder x is than what y has besides.
func decibels(x, y []float64) float64 {
	var signal, other float64
	for t, v := range x {
		signal, other = signal+v*v, other+(y[t]-v)*(y[t]-v)
	}
	return 10 * math.Log10(signal/other)
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
