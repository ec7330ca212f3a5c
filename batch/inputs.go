package batch

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/audiosep/audiosep/audio"
)

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
		if err := each(arg, add); err != nil {
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
		found, others, err := audio.Find(arg, "")
		if err == nil && len(found) == 0 {
			err = fmt.Errorf("in the folder %s there is no sound, among %d files; want recordings", arg, len(others))
		}
		for _, path := range found {
			err = errors.Join(err, add(path))
		}
		return err
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
