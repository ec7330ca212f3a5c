package whole

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// A folder is what it is called, though that would be a pattern; names in it are matched, at each depth by the
// pattern of that depth.
func TestNamed(t *testing.T) {
	for _, called := range []string{"stems [1]", `a[b`, "what?", "all*"} {
		dir := filepath.Join(t.TempDir(), called)
		if err := os.MkdirAll(filepath.Join(dir, "deep [2]"), 0o700); err != nil {
			t.Skip(err) // such as on Windows
		}
		for _, name := range []string{"2.part", "1.part", "parts", filepath.Join("deep [2]", "3.part")} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte("kept"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got, want := Named(dir, "*.part"), []string{filepath.Join(dir, "1.part"), filepath.Join(dir, "2.part")}; !slices.Equal(got, want) {
			t.Errorf("%q; want %q", got, want)
		}
		if got, want := Named(dir, "*", "*.part"), []string{filepath.Join(dir, "deep [2]", "3.part")}; !slices.Equal(got, want) {
			t.Errorf("%q; want %q", got, want)
		}
		if got := KeptBytes(dir); got != 8 {
			t.Errorf("%d bytes are kept; want 8", got)
		}
		if err := Forget(dir); err != nil || len(Named(dir, "*.part")) > 0 {
			t.Errorf("%q are left (%v); want nothing", Named(dir, "*.part"), err)
		}
		left := filepath.Join(dir, ".audiosep-X."+part)
		os.WriteFile(left, nil, 0o600)
		if sweep(dir); len(Named(dir, ".audiosep-*")) > 0 {
			t.Errorf("%s is left", left)
		}
	}
	if got := Named(filepath.Join(t.TempDir(), "none"), "*"); got != nil {
		t.Errorf("%q in a folder that is not there", got)
	}
}
