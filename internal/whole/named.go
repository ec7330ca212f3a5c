package whole

import (
	"os"
	"path"
	"path/filepath"
)

// Named returns the paths in a folder whose names match a pattern of path.Match, sorted; with further patterns
// those in the folders that match, and so on. Unlike filepath.Glob it takes the folder's own name as it is: one
// called "stems [1]" is no pattern. What cannot be read has nothing in it.
func Named(dir, pattern string, below ...string) (all []string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if ok, _ := path.Match(pattern, e.Name()); !ok {
			continue
		}
		at := filepath.Join(dir, e.Name())
		if len(below) == 0 {
			all = append(all, at)
		} else {
			all = append(all, Named(at, below[0], below[1:]...)...)
		}
	}
	return all
}
