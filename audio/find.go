package audio

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/audiosep/audiosep/internal/counted"
	"github.com/audiosep/audiosep/internal/whole"
)

// foreign are the extensions of sound that no codec here knows, and that ffmpeg may read.
var foreign = []string{".m4a", ".mp4", ".aac", ".ac3", ".wma", ".wv", ".ape", ".caf", ".au", ".amr", ".webm", ".mka", ".mkv", ".mov", ".avi"}

// Find returns the sound files in a folder and in those below it, in the order of their names,
// and the other files. What a file is, is told by its first bytes, or by its name: one that is called
// as sound is a recording, though it may be empty, broken or not to be read, which whoever opens it is told. Files and folders whose names begin with a dot are
// passed by, and so is the folder called except, where stems will be written.
func Find(dir, except string) (files, others []string, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		hidden := strings.HasPrefix(d.Name(), ".") && path != dir
		switch {
		case d.IsDir() && (hidden || path != dir && same(path, except)):
			return fs.SkipDir
		case d.IsDir() || hidden:
		case NamedSound(path) || isSound(path):
			files = append(files, path)
		default:
			others = append(others, path)
		}
		return nil
	})
	return files, others, err
}

// same tells whether two names are of one folder.
func same(a, b string) bool {
	x, err := os.Stat(a)
	y, err2 := os.Stat(b)
	return err == nil && err2 == nil && os.SameFile(x, y)
}

// isSound tells whether a file begins as a recording does.
func isSound(path string) bool {
	f, err := whole.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	in := &input{ReaderAt: f}
	if in.look() != nil {
		return false
	}
	return slices.ContainsFunc(codecs, func(c codec) bool { return c.knows(in.head) })
}

// StemsIn lists the sound files of a folder, told by their names, as people count: stem 2 before stem
// 10. Those in lossy formats are taken where there are no others. Like the shell's *.wav it passes
// over names that begin with a dot, such as the ._ files of macOS. A folder without any is an error.
func StemsIn(dir string) (files []string, err error) {
	entries, err := whole.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names, lossy []string
	for _, entry := range entries {
		name := entry.Name()
		switch {
		case strings.HasPrefix(name, ".") || entry.IsDir():
		case NamedLossless(name):
			names = append(names, name)
		case NamedSound(name):
			lossy = append(lossy, name)
		}
	}
	if len(names) == 0 {
		names = lossy
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("folder %s holds no sound files, such as WAV or FLAC; want one for each source", dir)
	}
	slices.SortFunc(names, counted.Compare)
	for _, name := range names {
		files = append(files, filepath.Join(dir, name))
	}
	return files, nil
}

// NamedSound tells whether a file's name ends as those of sound do.
func NamedSound(path string) bool {
	extension := strings.ToLower(filepath.Ext(path))
	return codecFor(extension).name != "" || slices.Contains(foreign, extension)
}

// NamedLossless tells whether a file's name ends as those of a format do that is read here and keeps
// all of what was written.
func NamedLossless(path string) bool {
	c := codecFor(filepath.Ext(path))
	return c.name != "" && !c.lossy
}
