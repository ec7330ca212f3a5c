package batch

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// soundFiles are the extensions by which the recordings of a folder are told from what else
// it holds. What a file that is named is, is told by its content.
var soundFiles = []string{".wav", ".wave", ".flac", ".aif", ".aiff", ".aifc", ".w64", ".rf64", ".bw64", ".ogg", ".oga", ".opus", ".mp3", ".m4a", ".aac", ".wma", ".caf", ".au"}

// Inputs returns the absolute names of the files that args name, each once, in order: files,
// patterns such as songs/*.flac, and folders, for all the recordings in them and in the
// folders below. An argument that names nothing is an error.
func Inputs(args []string) ([]string, error) {
	var all []string
	seen := map[string]bool{}
	add := func(path string) error {
		path, err := filepath.Abs(path)
		if err == nil && !seen[path] {
			seen[path] = true
			all = append(all, path)
		}
		return err
	}
	var missing []error
	for _, arg := range args {
		n := len(all)
		err := each(arg, add)
		if err == nil && len(all) == n && !seen[abs(arg)] {
			if info, is := os.Stat(arg); is == nil && info.IsDir() {
				err = fmt.Errorf("folder %s holds no recordings; want files that end in one of %s", arg, strings.Join(soundFiles, ", "))
			}
		}
		if err != nil {
			missing = append(missing, err)
		}
	}
	return all, errors.Join(missing...)
}

func abs(path string) string {
	path, _ = filepath.Abs(path)
	return path
}

// each calls add for each file that an argument names.
func each(arg string, add func(path string) error) error {
	info, err := os.Stat(arg)
	switch {
	case err == nil && info.IsDir():
		return filepath.WalkDir(arg, func(path string, d fs.DirEntry, err error) error {
			hidden := strings.HasPrefix(d.Name(), ".") && path != arg
			switch {
			case err != nil:
				return err
			case hidden && d.IsDir():
				return filepath.SkipDir
			case hidden || d.IsDir() || !slices.Contains(soundFiles, strings.ToLower(filepath.Ext(path))):
				return nil
			}
			return add(path)
		})
	case err == nil:
		return add(arg)
	case strings.ContainsAny(arg, "*?["):
		names, err := filepath.Glob(arg)
		if err == nil && len(names) == 0 {
			err = fmt.Errorf("nothing is called %s; want a pattern that files match", arg)
		}
		for _, name := range names {
			if info, is := os.Stat(name); err == nil && is == nil && !info.IsDir() {
				err = add(name)
			}
		}
		return err
	}
	return err
}

// List reads the names of files, folders or patterns, one a line; empty lines and those that
// begin with # name nothing.
func List(r io.Reader) (args []string, err error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if line := strings.TrimSpace(lines.Text()); line != "" && !strings.HasPrefix(line, "#") {
			args = append(args, line)
		}
	}
	return args, lines.Err()
}
