package whole

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// A file that is the same is read once; another content, size, time or file is read again.
func TestKeptSum(t *testing.T) {
	path := filepath.Join(t.TempDir(), "weights")
	long := time.Now().Add(-time.Hour).Truncate(time.Second)
	write := func(text string, at time.Time) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	sum := func() string {
		t.Helper()
		s, err := KeptSum(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	write("one", long)
	first := sum()
	k := sums.all[path]
	sums.all[path] = kept{k.info, "what was kept"}
	if sum() != "what was kept" {
		t.Error("the file was read again; want its sum kept while it is in the same state")
	}
	sums.all[path] = k
	write("two", long) // what the file's own time does not tell
	if runtime.GOOS == "linux" && sum() == first {
		t.Error("the sum was kept though something else was written and the time set back")
	}
	write("two", long.Add(time.Second))
	second := sum()
	if second == first {
		t.Error("the sum was kept though the time is another")
	}
	write("three", long.Add(time.Second))
	if sum() == second {
		t.Error("the sum was kept though the size is another")
	}
	other := path + ".new"
	if err := os.WriteFile(other, []byte("other"), 0o644); err != nil {
		t.Fatal(err)
	}
	at := long.Add(time.Second)
	third := sum()
	if err := os.Chtimes(other, at, at); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(other, path); err != nil {
		t.Fatal(err)
	}
	if sum() == third {
		t.Error("the sum was kept though it is another file")
	}
	write("fresh", time.Now())
	fresh := sum()
	write("hserf", time.Now())
	if sum() == fresh {
		t.Error("the sum was kept of a file that had just been written")
	}
	os.Remove(path)
	if _, err := KeptSum(t.Context(), path); err == nil {
		t.Error("there is a sum of no file")
	}
}
