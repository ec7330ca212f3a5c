package plugins

import (
	"strings"
	"testing"
	"time"

	"github.com/audiosep/audiosep/pipeline/contract"
	"github.com/audiosep/audiosep/pipeline/stagetest"
)

// TestContract holds stages to the contract of their kinds, through the wire: some of
// those compiled in, and the example in Python.
func TestContract(t *testing.T) {
	needPython(t)
	h := newTestHost(t, Options{Folders: []string{"../examples/plugin-python"}}, "builtin")
	for name, params := range map[string]string{
		"builtin/frame": `{"length_ms": 20}`, "builtin/stft": `{}`, "builtin/is_nmf": `{"rank": 2, "iterations": 3}`,
		"builtin/tl_nmf": `{"rank": 2, "iterations": 2}`, "builtin/wiener": `{}`, "padded/dft": `{"factor": 3}`,
	} {
		plugin, _, _ := strings.Cut(name, "/")
		defs, err := h.Describe(t.Context(), plugin)
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, d := range defs {
			if d.Name == name {
				found = true
				t.Run(name, func(t *testing.T) {
					stagetest.With(t, d, contract.Options{Params: []byte(params), Many: 1000, Length: 16})
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
	for how, want := range map[string]string{
		"exit":  "ended while in forward: exit status 3",
		"crash": "ended while in forward: exit status 2",
		"hang":  "gave no sign of life for 100ms while in forward",
		"panic": "the stage panicked: at the disco",
		"error": "the frames are ugly",
		"nan":   "answered forward wrongly: re has NaN",
		"":      "frame-local", // it leaves numbers unwritten
	} {
		h := newTestHost(t, Options{Silence: 100 * time.Millisecond}, "misbehaving")
		defs, err := h.Describe(t.Context(), "misbehaving")
		if err != nil {
			t.Fatal(err)
		}
		o := contract.Options{Params: []byte(`{"how": "` + how + `"}`), Many: 100, Length: 4, Limit: 10 * time.Second}
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
