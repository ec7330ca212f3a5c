//go:build unix

package plugins

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/plugins/wire"
)

// Whoever asks for what a value does not have is told what it is in words of the protocol, not in types of Go.
func TestWrongHandleIsToldInWords(t *testing.T) {
	l := newLink(nil)
	audio := l.own(&audiosep.Signal{Rate: 8000, Channels: 1, Data: [][]float64{make([]float64, 10)}})
	factors := l.own(&audiosep.Factors{})
	for want, req := range map[string]*wire.ReadRequest{
		"is audio; want coefs":                          {Handle: audio, What: &wire.ReadRequest_Spectrum{Spectrum: &wire.Spectrum{}}},
		"is audio; want power":                          {Handle: audio, What: &wire.ReadRequest_Columns{Columns: &wire.Columns{}}},
		"is audio; want a transform":                    {Handle: audio, What: &wire.ReadRequest_Forward{Forward: &wire.Forward{}}},
		"is audio; want a matrix":                       {Handle: audio, What: &wire.ReadRequest_Numbers{Numbers: &wire.Numbers{}}},
		"is audio; want sources":                        {Handle: audio, What: &wire.ReadRequest_Iterate{Iterate: &wire.Iterate{}}},
		"is audio; want an iteration of sources":        {Handle: audio, What: &wire.ReadRequest_Next{Next: &wire.Next{}}},
		"is factors; want audio":                        {Handle: factors, What: &wire.ReadRequest_Samples{Samples: &wire.Samples{}}},
		"is factors; want sources separated from coefs": {Handle: factors, What: &wire.ReadRequest_Separate{Separate: &wire.Separate{}}},
	} {
		if _, err := l.answer(t.Context(), req); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("error %v; want %q", err, want)
		}
	}
}

// allMade has separate return both of two sources although the last is said to be the rest.
const allMade = `
import types, numpy as np, audiosep_plugin as sdk
coefs = types.SimpleNamespace(framing=types.SimpleNamespace(head=None))
stems = sdk.separated(coefs, ["a", "b"], 0, lambda x, skip, n: np.stack([x, x]), rest=True)
try: stems.shares(np.zeros((1, 3, 5)), types.SimpleNamespace(rest=True, skip=0, count=3, first=0))
except ValueError as e: print(e)
`

// Whoever says in Python that the last source is the rest and makes it all the same is told which to leave out.
func TestPythonSaysToLeaveTheLast(t *testing.T) {
	needPython(t)
	out, err := exec.Command("/usr/bin/python3", "-c", allMade).CombinedOutput()
	if want := "what separate returned has the shape (2, 1, 3, 5); want (1, 1, 3, 5), all sources but the last, which is what they leave\n"; err != nil || string(out) != want {
		t.Errorf("%s, %v; want %s", out, err, want)
	}
}

// A rank beyond all that is found, or below 0, which wraps around on its way, is refused before somebody makes a list of
// as many components.
func TestForecastOfAbsurdRank(t *testing.T) {
	for _, rank := range []int{-3, mostRank + 1, 1 << 40} {
		_, err := forecastsFrom(forecastsTo(map[string]audiosep.Forecast{"factors": {Rank: rank}}))
		if want := fmt.Sprintf(`the rank of "factors" will be %d; want 0`, rank); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v; want %q", err, want)
		}
	}
	got, err := forecastsFrom(forecastsTo(map[string]audiosep.Forecast{"factors": {Rank: mostRank}}))
	if err != nil || got["factors"].Rank != mostRank {
		t.Errorf("%v, %v; want rank %d", got, err, mostRank)
	}
}
