package main

import (
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/audiosep/audiosep/audio"
)

// The test binary is the example too, so that it is not linked twice.
func TestMain(m *testing.M) {
	if os.Getenv("AUDIOSEP_EXAMPLE") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// The example is what README shows, its main is at most 20 lines, and the stems that it writes
// sum to the mixture.
func TestLibrary(t *testing.T) {
	text, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	start := strings.Index(string(text), "func main() {")
	body := string(text[start:])
	body = body[:strings.Index(body, "\n}\n")+3]
	if !strings.Contains(string(readme), body) {
		t.Errorf("README does not show the main of this example:\n%s", body)
	}
	if n := strings.Count(body, "\n"); n > 20 {
		t.Errorf("main has %d lines; want at most 20", n)
	}
	if testing.Short() {
		return // to separate takes long
	}
	out := t.TempDir()
	cmd := exec.Command(os.Args[0], "../piano/mix.wav", out)
	cmd.Env = append(os.Environ(), "AUDIOSEP_EXAMPLE=1")
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	mix, _, err := audio.ReadFile("../piano/mix.wav")
	if err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(out + "/mix-?.wav")
	if len(files) != 4 {
		t.Fatalf("it wrote %v; want four stems", files)
	}
	for _, file := range files {
		stem, _, err := audio.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for i, x := range stem.Data[0] {
			mix.Data[0][i] -= x
		}
	}
	for i, x := range mix.Data[0] {
		if math.Abs(x) > 4.0/(1<<15) { // each stem is rounded to 16 bits
			t.Fatalf("sample %d: the stems miss the mixture by %v", i, x)
		}
	}
}
