package main

import (
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/audiosep/audiosep/listen"
)

// TestRunForPage runs a pipeline for the page, which opens what it left: the recording, and the
// stems beside it.
func TestRunForPage(t *testing.T) {
	mix, err := filepath.Abs("../../examples/piano/mix.wav")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "parts.json")
	text := fmt.Appendf(nil, `{"audiosep": 1, "stages": [{"use": "read_audio", "params": {"files": [%q]}}, {"use": "frame"}, {"use": "stft"}, {"use": "hpss"}, {"use": "write_audio"}]}`, mix)
	if err := os.WriteFile(file, text, 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := listenCommand()
	cmd.SetContext(t.Context())
	dir, err := runForPage(cmd, file)
	defer os.RemoveAll(dir)
	if err != nil {
		t.Fatal(err)
	}
	s, err := listen.New(t.Context(), listen.Options{File: dir, Out: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/api/recording", nil))
	for _, want := range []string{`"name":"mix.wav"`, `"stems":["mix-harmonic","mix-percussive"]`} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("the page is told %s; want %s", w.Body, want)
		}
	}
}
