package audio

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/audiosep/audiosep/internal/whole"
)

// Names returns a name for each of several recordings: the file's without folder and
// extension, or, where these are the same, with as many of the folders above as tell them
// apart: a/x.wav and b/x.wav are a-x and b-x. Names that differ in capitals alone are the same.
// Those of one file that is there twice are.
func Names(files []string) []string {
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = nameOf(f, 0)
	}
	for folders := 1; folders < 64; folders++ {
		twice := map[string]int{}
		for _, n := range names {
			twice[strings.ToLower(n)]++
		}
		done := true
		for i, f := range files {
			if twice[strings.ToLower(names[i])] > 1 {
				longer := nameOf(f, folders)
				done = done && longer == names[i]
				names[i] = longer
			}
		}
		if done {
			break
		}
	}
	return names
}

// nameOf is a file's name without extension, with so many of the folders above.
func nameOf(path string, folders int) string {
	base := filepath.Base(path)
	if whole.IsStandard(path) {
		return "stdin"
	}
	if stem := strings.TrimSuffix(base, filepath.Ext(base)); stem != "" {
		base = stem
	}
	if folders == 0 {
		return base
	}
	path, _ = filepath.Abs(path)
	above := strings.FieldsFunc(filepath.Dir(path), func(r rune) bool { return r == filepath.Separator })
	above = slices.Clone(above[max(0, len(above)-folders):])
	return strings.Join(append(above, base), "-")
}
