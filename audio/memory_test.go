package audio_test

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/audiosep/audiosep/audio"
)

// What is encoded in memory is what a file of that name has, and is decoded to what the file is.
func TestInMemory(t *testing.T) {
	x, _, err := audio.ReadFile("../examples/piano/mix.wav")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a.wav", "a.flac", "a.aiff"} {
		path := filepath.Join(t.TempDir(), name)
		if err := audio.WriteFile(path, x, "int16"); err != nil {
			t.Fatal(err)
		}
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		memory, err := audio.Encode(name, x, "int16")
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(memory, file) {
			t.Errorf("%s: %d bytes in memory differ from %d in a file", name, len(memory), len(file))
		}
		got, head, err := audio.Decode(bytes.NewReader(memory), int64(len(memory)), path)
		want, wantHead, err2 := audio.ReadFile(path)
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		if !reflect.DeepEqual(got, want) || !reflect.DeepEqual(head, wantHead) {
			t.Errorf("%s: memory is decoded to something else than the file: %+v; want %+v", name, head, wantHead)
		}
	}
	if _, _, err := audio.Decode(bytes.NewReader([]byte("no sound")), 8, "x.wav"); err == nil {
		t.Error("what is no sound is decoded")
	}
}
