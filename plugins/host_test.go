package plugins

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// install puts the test binary into a folder as plugins of these names.
func install(t testing.TB, names ...string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if err := os.Symlink(self, filepath.Join(dir, prefix+name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// newTestHost returns a host for plugins of these names, which is closed in the end.
func newTestHost(t testing.TB, o Options, names ...string) *Host {
	t.Helper()
	o.Folders = append(o.Folders, install(t, names...))
	h := NewHost(o)
	t.Cleanup(func() { h.Close() })
	return h
}

// build builds one stage of a plugin.
func build[S any](t testing.TB, h *Host, plugin, stage, params string) S {
	t.Helper()
	defs, err := h.Describe(context.Background(), plugin)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range defs {
		if d.Name != plugin+"/"+stage {
			continue
		}
		s, err := d.Build(json.RawMessage(params))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.(interface{ Close() error }).Close() })
		return s.(S)
	}
	t.Fatalf("plugin %s has no stage %s", plugin, stage)
	panic("unreachable")
}
