package whole

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// The null device that Go puts in the place of a closed stream is told from one that is written to, and from files.
func TestWasClosed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	for _, c := range []struct {
		path string
		flag int
		want bool
	}{
		{os.DevNull, os.O_RDWR, runtime.GOOS != "windows"},
		{os.DevNull, os.O_WRONLY, false},
		{file, os.O_RDWR | os.O_CREATE, false},
	} {
		f, err := os.OpenFile(c.path, c.flag, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		if got := WasClosed(f); got != c.want {
			t.Errorf("%s, opened with %#x: %v; want %v", c.path, c.flag, got, c.want)
		}
		f.Close()
	}
}
