package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/audiosep/audiosep"
)

// TestStagesSayWhatTheyTake: stages that have all of V in memory, a network or a comparison of all
// with all, say so before the work, and more of it for a recording ten times as long.
func TestStagesSayWhatTheyTake(t *testing.T) {
	extent := func(seconds int) audiosep.Extent {
		return audiosep.Extent{Head: audiosep.Head{Rate: 44100, Samples: 44100 * seconds, Channels: 2, Realisations: 1},
			Length: 2048, Hop: 512, Frames: 86 * seconds, Columns: 86 * seconds, Bins: 1025, Complex: true, Rank: 8, Pitches: 60, Sources: 2, Threads: 2}
	}
	for name, params := range map[string]string{
		"activations": "", "align_notes": "", "nmf2d": "", "painted_nmf": `{"sources": ["a", "b"]}`, "score_factors": "", "transcribe": "",
		"is_nmf": "", "tl_nmf": "", "nmfd": "", "hpss": "", "repet": "",
	} {
		def, ok := registry().Lookup(name)
		if !ok {
			t.Fatalf("there is no stage %s", name)
		}
		stage, err := def.Build([]byte(params))
		if err != nil {
			t.Fatal(err)
		}
		sizer, ok := stage.(audiosep.Sizer)
		if !ok {
			t.Errorf("%s does not say what it takes", name)
			continue
		}
		short, long := sizer.Needs(extent(60)), sizer.Needs(extent(600))
		if short.Work+short.Streams < 1<<20 || short.Operations < 1e6 || short.Work+short.Keeps > 4<<30 {
			t.Errorf("%s: a minute takes %+v; want megabytes and operations", name, short)
		}
		if long.Operations < 5*short.Operations || long.Work+long.Keeps < short.Work+short.Keeps {
			t.Errorf("%s: ten minutes take %+v, one %+v; want more", name, long, short)
		}
	}
}

// TestStagesFresh holds STAGES.md to what the definitions say.
func TestStagesFresh(t *testing.T) {
	want, err := os.ReadFile("../../STAGES.md")
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := writeMarkdown(&got, registry().Stages()); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got.Bytes()) {
		t.Error("STAGES.md is stale; run: go run ./cmd/audiosep describe --markdown > STAGES.md")
	}
}

// A stage of a plugin is told with the plugin's file, and with its version where it says one.
func TestDescribeTellsOrigin(t *testing.T) {
	for version, want := range map[string]string{"": "\nfrom  /p/audiosep-plugin-x\n", "1.2.0": "\nfrom  /p/audiosep-plugin-x 1.2.0\n"} {
		var out bytes.Buffer
		describe(&out, audiosep.Definition{Name: "x/y", Doc: "It does.", Origin: "/p/audiosep-plugin-x", Version: version})
		if !strings.Contains(out.String(), want) {
			t.Errorf("version %q: %q; want %q in it", version, out.String(), want)
		}
	}
}
