package report

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/audiosep/audiosep/pipeline"
)

// TestSoundsBeside holds that a page names the sounds beside it by addresses that browsers read as
// the names that they are.
func TestSoundsBeside(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "take #2, 100%.wav")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		size int64
		want string
	}{{0, "data:audio/wav;base64,"}, {mostInside + 1, "../take%20%232,%20100%25.wav"}} {
		if err := os.Truncate(path, c.size); err != nil {
			t.Fatal(err)
		}
		all, _, err := sounds(filepath.Join(dir, "report"), []pipeline.File{{Stage: "read_audio", Path: path}})
		if err != nil {
			t.Fatal(err)
		}
		if len(all) != 1 || all[0].Source != c.want {
			t.Errorf("with %d bytes there are %+v; want one at %s", c.size, all, c.want)
		}
	}
}
