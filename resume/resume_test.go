package resume

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What was saved is loaded; what cannot be read is an error and stays, and what is damaged is put aside
// with all that belongs to it.
func TestLoad(t *testing.T) {
	var said bytes.Buffer
	dir := t.TempDir()
	p := &point{folder: &Folder{}, stage: "s", dir: filepath.Join(dir, "stage-s"), log: slog.New(slog.NewTextHandler(&said, nil))}
	if state, err := p.Load(); state != nil || err != nil {
		t.Errorf("%q, %v; want nothing", state, err)
	}
	if err := p.Save([]byte("state")); err != nil {
		t.Fatal(err)
	}
	if state, err := p.Load(); string(state) != "state" || err != nil {
		t.Errorf("%q, %v", state, err)
	}
	long := filepath.Join(p.Dir(), "1.part")
	os.WriteFile(long, []byte("hours"), 0o600)
	os.Rename(p.path(), p.path()+"-")
	os.Mkdir(p.path(), 0o700) // which cannot be read
	if state, err := p.Load(); state != nil || err == nil || !strings.Contains(err.Error(), "cannot be read") {
		t.Errorf("%q, %v; want that it cannot be read", state, err)
	}
	os.Remove(p.path())
	os.Rename(p.path()+"-", p.path())
	for n := range 2 {
		os.MkdirAll(p.dir, 0o700)
		os.WriteFile(long, []byte("hours"), 0o600)
		os.WriteFile(p.path(), []byte("torn"), 0o600)
		if state, err := p.Load(); state != nil || err != nil || !strings.Contains(said.String(), "damaged") {
			t.Errorf("%q, %v, said %q; want to be told of damage", state, err, said.String())
		}
		aside, _ := os.ReadFile(filepath.Join(dir, []string{"damaged-1-stage-s", "damaged-2-stage-s"}[n], "1.part"))
		if string(aside) != "hours" {
			t.Error("what the stage had kept is lost")
		}
	}
	if _, err := os.Stat(p.dir); err == nil {
		t.Error("the stage does not begin anew")
	}
}

// Links and pipes in a folder are refused before anything is opened; what is not there is no fault.
func TestPlain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "kept")
	if err := plain(dir); err != nil {
		t.Error(err)
	}
	stage := filepath.Join(dir, "stage-s")
	os.MkdirAll(stage, 0o700)
	os.WriteFile(filepath.Join(stage, "state"), nil, 0o600)
	if err := plain(dir); err != nil {
		t.Error(err)
	}
	mine := filepath.Join(t.TempDir(), "mine.wav")
	os.WriteFile(mine, nil, 0o600)
	if err := os.Symlink(mine, filepath.Join(stage, "1.part")); err != nil {
		t.Skip(err) // not everybody may on Windows
	}
	if err := plain(dir); err == nil || !strings.Contains(err.Error(), "1.part is not a file that a run has kept") {
		t.Errorf("%v; want the link refused", err)
	}
	link := filepath.Join(t.TempDir(), "link")
	os.Symlink(stage, link)
	if plain(link) == nil {
		t.Error("a link to a folder passes")
	}
}

// Whoever stops a run has nothing to wait for where no stage keeps anything, and else waits until one has saved.
func TestStop(t *testing.T) {
	new := func() (*Folder, *point) {
		f := &Folder{saved: make(chan struct{})}
		return f, &point{folder: f, dir: filepath.Join(t.TempDir(), "stage-s"), every: time.Hour, saved: time.Now(), log: slog.New(slog.DiscardHandler)}
	}
	over := func(saved <-chan struct{}) bool {
		select {
		case <-saved:
			return true
		default:
			return false
		}
	}
	f, p := new()
	if state, err := p.Load(); state != nil || err != nil {
		t.Fatal(err)
	}
	p.Cannot("it begins anew")
	if !over(f.Stop()) {
		t.Error("it waits for a stage that keeps nothing")
	}
	f, p = new()
	if p.Due() {
		t.Error("it is due at once; want it in an hour")
	}
	saved := f.Stop()
	if over(saved) || !p.Due() {
		t.Error("the stage at work is not waited for, or not asked")
	}
	if err := p.Save(nil); err != nil || !over(saved) {
		t.Errorf("%v, or it is waited for what is saved", err)
	}
}
