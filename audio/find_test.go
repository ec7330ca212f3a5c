package audio_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/audiosep/audiosep/audio"
)

// Stems are numbered as people count, and what is no stem is passed over; those of lossy formats are
// stems where there are no others.
func TestStemsIn(t *testing.T) {
	dir := t.TempDir()
	touch := func(names ...string) (files []string) {
		for _, name := range names {
			files = append(files, filepath.Join(dir, name))
			if err := os.WriteFile(files[len(files)-1], nil, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		return files
	}
	if err := os.Mkdir(filepath.Join(dir, "old.wav"), 0o777); err != nil {
		t.Fatal(err)
	}
	touch("._mix-1.wav", ".wav", "notes.txt")
	if got, err := audio.StemsIn(dir); err == nil {
		t.Errorf("the stems of a folder without any are %q", got)
	}
	lossy := touch("mix2.opus", "mix10.mp3")
	if got, err := audio.StemsIn(dir); err != nil || !slices.Equal(got, lossy) {
		t.Errorf("the stems are %q, %v; want %q", got, err, lossy)
	}
	want := touch("03.wav", "mix-1.WAV", "mix-2.wav", "mix-2b.wav", "mix-10-a.wav", "mix-10.wav")
	if got, err := audio.StemsIn(dir); err != nil || !slices.Equal(got, want) {
		t.Errorf("the stems are %q, %v; want %q", got, err, want)
	}
}

// What begins as sound is a recording, and what is called as sound, whatever is in it, also if nobody may read it; all
// else is named apart, and what is hidden is not.
func TestFind(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string, mode os.FileMode) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	want := []string{put("a.wav", "", 0o600), put("b.MP3", "no sound", 0o600), put("c.flac", "", 0), put("d", "fLaC", 0o600), put("e.m4a", "", 0)}
	others := []string{put("f.txt", "text", 0o600), put("g", "", 0)}
	put("._a.wav", "", 0o600)
	found, left, err := audio.Find(dir, "")
	if err != nil || !slices.Equal(found, want) || !slices.Equal(left, others) {
		t.Errorf("%q, %q, %v; want %q and %q", found, left, err, want, others)
	}
}
