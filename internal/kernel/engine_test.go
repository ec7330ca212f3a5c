package kernel

import (
	"strings"
	"testing"
)

// A path that is forced is one of this machine's, or the names that could be are told.
func TestForced(t *testing.T) {
	for _, e := range available() {
		if err := forced(e.name); err != nil {
			t.Errorf("%s: %v", e.name, err)
		}
		if err := forced("avx"); err == nil || !strings.Contains(err.Error(), e.name) {
			t.Errorf("avx: %v; want an error that names %s", err, e.name)
		}
	}
	if err := forced(""); err != nil {
		t.Error(err)
	}
}
