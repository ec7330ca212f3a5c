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

// Found is what arguments name.
type Found struct {
	Inputs []string  // absolute names, each once, in order
	Others []LeftOut // what lies in folders and no reader takes
	seen   map[string]bool
}

// LeftOut are the files of a folder, and of those below it, that are no recordings.
type LeftOut struct {
	Folder string
	Files  []string
}

// String tells what is left out in a line.
func (l LeftOut) String() string {
	if len(l.Files) == 1 {
		return fmt.Sprintf("left out in %s: %s, which no reader takes", l.Folder, l.Files[0])
	}
	return fmt.Sprintf("left out in %s: %d files that no reader takes, such as %s", l.Folder, len(l.Files), l.Files[0])
}

// Inputs returns what args name: files, patterns such as songs/*.flac, and folders, for all the
// recordings in them and in the folders below. An argument that names nothing is an error.
func Inputs(args []string) (*Found, error) {
	f := &Found{seen: map[string]bool{}}
	var missing []error
	for _, arg := range args {
		if err := f.each(arg); err != nil {
			missing = append(missing, err)
		}
	}
	return f, errors.Join(missing...)
}

// add adds a file.
func (f *Found) add(path string) error {
	path, err := filepath.Abs(path)
	if err == nil && !f.seen[path] {
		f.seen[path] = true
		f.Inputs = append(f.Inputs, path)
	}
	return err
}

func abs(path string) string {
	path, _ = filepath.Abs(path)
	return path
}

// each adds each file that an argument names.
func (f *Found) each(arg string) error {
	info, err := os.Stat(arg)
	switch {
	case err == nil && info.IsDir():
		found, others, err := audio.Find(arg, "")
		if err == nil && len(found) == 0 {
			err = fmt.Errorf("in the folder %s there is no sound, among %d files; want recordings", arg, len(others))
		} else if len(others) > 0 {
			f.Others = append(f.Others, LeftOut{arg, others})
		}
		for _, path := range found {
			err = errors.Join(err, f.add(path))
		}
		return err
	case err == nil:
		return f.add(arg)
	case strings.ContainsAny(arg, "*?["):
		names, err := filepath.Glob(arg)
		if err == nil && len(names) == 0 {
			err = fmt.Errorf("nothing is called %s; want a pattern that files match", arg)
		}
		for _, name := range names {
			if info, is := os.Stat(name); err == nil && is == nil && !info.IsDir() {
				err = f.add(name)
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
