package audio

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/audiosep/audiosep"
)

// What waits to go to standard output has no name: nothing of it is left when the process ends, as it does where
// nobody reads on.
func TestStdoutLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	t.Setenv("TMP", dir) // Windows
	old := os.Stdout
	out, err := os.Create(filepath.Join(t.TempDir(), "out.wav"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	os.Stdout = out
	defer func() { os.Stdout = old }()
	p := DefaultWriteAudio()
	p.Pattern = "-"
	sink, err := NewWriteAudio(p)
	if err != nil {
		t.Fatal(err)
	}
	h := audiosep.Head{Rate: 8000, Channels: 1, Samples: 4, Realisations: 1}
	if err := sink.Create(t.Context(), audiosep.Env{}, h, []string{"a"}); err != nil {
		t.Fatal(err)
	}
	nothing := func(when string) {
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("%s there is %v, %v; want nothing", when, left, err)
		}
	}
	if runtime.GOOS != "windows" {
		nothing("while it is written")
	}
	if err := sink.Write(t.Context(), 0, [][]float64{{0, 0.5, -0.5, 0}}); err != nil {
		t.Fatal(err)
	}
	if err := sink.Commit(t.Context()); err != nil {
		t.Error(err)
	}
	if err := sink.Close(); err != nil {
		t.Error(err)
	}
	nothing("in the end")
	if info, err := out.Stat(); err != nil || info.Size() < 44 {
		t.Errorf("%v, %v; want a sound file", info, err)
	}
}
