package batch

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/batch/helper"
	"github.com/audiosep/audiosep/internal/counted"
	"github.com/audiosep/audiosep/internal/whole"
)

// Found is what arguments name.
type Found struct {
	Inputs []string  // absolute names, each once, in order
	Others []LeftOut // what lies in folders and no reader takes
	seen   map[string]bool
	stores opened
}

// LeftOut are the files of a folder, and of those below it, that are no recordings.
type LeftOut struct {
	Folder string
	Files  []string
}

// String tells what is left out in a line, by name as far as that holds them.
func (l LeftOut) String() string {
	if len(l.Files) == 1 {
		return fmt.Sprintf("left out in %s: %s, which no reader takes", l.Folder, l.Files[0])
	}
	return fmt.Sprintf("left out in %s: %s that no reader takes: %s", l.Folder, counted.Of(len(l.Files), "file"), counted.Names(l.Files))
}

// Inputs returns what args name: files, patterns such as songs/*.flac, and folders, for all the
// recordings in them and in the folders below; or the same in a store that open opens, such as
// s3://bucket/songs. An argument that names nothing is an error.
func Inputs(ctx context.Context, args []string, open helper.Opener) (*Found, error) {
	f := &Found{seen: map[string]bool{}, stores: opened{open: open}}
	var missing []error
	for _, arg := range args {
		var err error
		if u, far := helper.ParseURL(arg); far {
			err = f.eachFar(ctx, u)
		} else {
			err = f.each(arg)
		}
		if err != nil {
			missing = append(missing, err)
		}
	}
	return f, errors.Join(append(missing, f.stores.close())...)
}

// eachFar adds what a URL names: an object, those that a pattern matches, or else those below it. What
// is sound, is told by the ends of names: to see the contents all would have to be brought.
func (f *Found) eachFar(ctx context.Context, u helper.URL) error {
	s, err := f.stores.at(ctx, u.Root())
	if err != nil {
		return &storeError{u.String(), err}
	}
	pattern := strings.ContainsAny(u.Key, "*?[")
	start := below(u.Key)
	var exact, found, others []string
	named := func() error {
		is, err := isObject(ctx, s, u.Key)
		if is {
			exact = []string{u.String()}
		}
		return err
	}
	// What is called as sound is most probably an object, and all else a folder. Who asks may be allowed to see
	// nothing but what is below it.
	if !pattern && audio.NamedSound(u.Key) {
		if err := named(); err != nil {
			return &storeError{u.String(), err}
		}
	}
	if exact == nil {
		err = eachObject(ctx, s, start, func(o helper.Object) {
			matches, _ := path.Match(u.Key, o.Name)
			name := u.Root() + "/" + o.Name
			switch {
			case o.Name == u.Key:
				exact = []string{name}
			case pattern && matches:
				found = append(found, name)
			case pattern || strings.HasSuffix(o.Name, "/") || hidden(strings.TrimPrefix(o.Name, u.Key)):
			case audio.NamedSound(o.Name):
				found = append(found, name)
			default:
				others = append(others, name)
			}
		})
	}
	if err == nil && !pattern && len(exact)+len(found)+len(others) == 0 {
		err = named()
	}
	switch {
	case err != nil:
		return &storeError{u.String(), err}
	case exact != nil:
		found, others = exact, nil
	case found == nil && pattern:
		return fmt.Errorf("nothing is called %s; want a pattern that objects match", u)
	case found == nil:
		return fmt.Errorf("at %s there is no sound, among %d objects; want recordings", u, len(others))
	}
	if len(others) > 0 {
		f.Others = append(f.Others, LeftOut{u.String(), others})
	}
	f.keep(found)
	return nil
}

// keep adds names that are not there yet.
func (f *Found) keep(names []string) {
	for _, name := range names {
		if !f.seen[name] {
			f.seen[name] = true
			f.Inputs = append(f.Inputs, name)
		}
	}
}

// below returns what the names of all objects begin with that a pattern, or what is below a key, may be about.
func below(key string) string {
	if at := strings.IndexAny(key, "*?["); at >= 0 || key == "" {
		return key[:max(at, 0)]
	}
	return key + "/"
}

// isObject tells whether there is an object of a name: it would be the first of those that begin so.
func isObject(ctx context.Context, s helper.Store, name string) (bool, error) {
	if name == "" {
		return false, nil
	}
	some, err := s.List(ctx, name, "")
	return err == nil && len(some) > 0 && some[0].Name == name, err
}

// hidden tells whether a part of a name begins with a dot.
func hidden(name string) bool { return strings.HasPrefix(name, ".") || strings.Contains(name, "/.") }

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
	info, err := whole.Stat(arg)
	switch {
	case err == nil && info.IsDir():
		found, others, err := audio.Find(arg, "")
		if err == nil && len(found) == 0 {
			err = fmt.Errorf("in the folder %s there is no sound, among %s; want recordings", arg, counted.Of(len(others), "file"))
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

// longestName bounds a line of a list of names, in bytes.
const longestName = 1 << 20

// List reads the names of files, folders or patterns, one a line; empty lines and those that
// begin with # name nothing.
func List(r io.Reader) (args []string, err error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, longestName)
	for lines.Scan() {
		if line := strings.TrimSpace(lines.Text()); line != "" && !strings.HasPrefix(line, "#") {
			args = append(args, line)
		}
	}
	return args, tooLong(lines.Err(), longestName, "one name a line")
}
