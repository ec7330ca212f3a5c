//go:build unix

package plugins

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/audiosep/audiosep/pipeline/contract"
	"github.com/audiosep/audiosep/pipeline/stagetest"
)

// TestContract holds stages to their contracts, through the wire: some of
// those compiled in and, with AUDIOSEP_CHAOS, the example in Python.
func TestContract(t *testing.T) {
	t.Parallel() // it waits a lot
	h := newTestHost(t, Options{Folders: []string{"../examples/plugin-python"}}, "builtin")
	stages := map[string]string{
		"builtin/frame": `{"length_ms": 20}`, "builtin/stft": `{}`, "builtin/is_nmf": `{"rank": 2, "iterations": 3}`, "builtin/wiener": `{}`,
	}
	if os.Getenv("AUDIOSEP_CHAOS") != "" { // it starts many processes
		needPython(t)
		stages["padded/dft"], stages["builtin/tl_nmf"] = `{"factor": 3}`, `{"rank": 2, "iterations": 2}`
	}
	for name, params := range stages {
		plugin, _, _ := strings.Cut(name, "/")
		oneProcess(t, h, plugin)
		defs, err := h.Describe(t.Context(), plugin)
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, d := range defs {
			if d.Name == name {
				found = true
				t.Run(name, func(t *testing.T) {
					stagetest.With(t, d, contract.Options{Params: []byte(params), Many: 500, Length: 16})
				})
			}
		}
		if !found {
			t.Errorf("there is no stage %s", name)
		}
	}
	h.Close()
	nothingLeft(t, h)
}

// TestBrokenContract has the contract find what is wrong with stages that misbehave.
func TestBrokenContract(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long")
	}
	t.Parallel()
	for how, want := range map[string]string{
		"exit": "ended while in forward: exit status 3",
		"hang": "gave no sign of life for 300ms while in forward",
		"nan":  "answered forward wrongly: re has NaN",
		"":     "frame-local", // it leaves numbers unwritten
	} {
		silence := time.Minute // a busy machine is silent for a while too
		if how == "hang" {
			silence = 300 * time.Millisecond
		}
		h := newTestHost(t, Options{Silence: silence}, "misbehaving")
		defs, err := h.Describe(t.Context(), "misbehaving")
		if err != nil {
			t.Fatal(err)
		}
		o := contract.Options{Params: []byte(`{"how": "` + how + `"}`), Many: 100, Length: 4, Limit: time.Minute}
		var faults []string
		for _, r := range contract.Check(t.Context(), defs[0], o) {
			if !r.OK() {
				faults = append(faults, r.Check+": "+r.Fault)
			}
		}
		if !strings.Contains(strings.Join(faults, "\n"), want) {
			t.Errorf("%q: faults are\n%s\nwant one with %q", how, strings.Join(faults, "\n"), want)
		}
		h.Close()
		nothingLeft(t, h)
	}
}
