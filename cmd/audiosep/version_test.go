package main

import "testing"

// Programs of a release or of a commit are of one source, those of a changed one are not.
func TestDefinite(t *testing.T) {
	for version, want := range map[string]bool{
		"(devel)": false, "(devel), commit 0123456789ab": true, "(devel), commit 0123456789ab with changes": false,
		"v1.2.0": true, "v1.2.0, commit 0123456789ab": true, "v1.2.0, commit 0123456789ab with changes": false,
		"v1.2.1-0.20260101000000-0123456789ab": true, "v1.2.1-0.20260101000000-0123456789ab+dirty": false, "": false,
	} {
		if got := definite(version); got != want {
			t.Errorf("%q: %v; want %v", version, got, want)
		}
	}
}
