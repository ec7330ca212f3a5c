package plugins

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/audiosep/audiosep/internal/counted"
	"github.com/audiosep/audiosep/internal/whole"
)

// codeEnds end the names of files that scripts import.
var codeEnds = []string{".py", ".pyc", ".pyd", ".so", ".js", ".mjs", ".cjs", ".node"}

const (
	mostCode  = 5000 // files of code beside a script
	deepFiles = 16   // folders within each other
)

// RecordName is the file beside an installed plugin that has the sum of each of its files.
const RecordName = "installed.json"

// Sum returns the SHA-256 of the plugin whose file is at path, in hexadecimal: of what [Covers]
// names. Of one file it is that file's sum, of several that of the text which sha256sum prints
// for them, in the order of their names.
func Sum(path string) (string, error) {
	dir, files, err := Covers(path)
	if err != nil {
		return "", err
	}
	ctx, all := context.Background(), sha256.New()
	for _, name := range files {
		sum, err := whole.KeptSum(ctx, filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil || len(files) == 1 {
			return sum, err
		}
		fmt.Fprintf(all, "%s  %s\n", sum, name)
	}
	return hex.EncodeToString(all.Sum(nil)), nil
}

// Covers returns the files whose bytes the sum of a plugin is of: a folder, and in it, with
// slashes, in the order of their names. A program is one file. A script, which begins with #!,
// may import what is beside it, so its sum is also of the code in its folder, and in folders
// there that have code in them, whether it is imported or not. If path is a link, that is the
// folder which it leads to, from where Python imports. Of an installed plugin all files that it
// was installed with are covered too, such as weights. Not covered are other plugins, what a
// script takes from elsewhere, such as the packages of an environment, and __pycache__, which
// Python makes of what is covered.
func Covers(path string) (dir string, files []string, err error) {
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return "", nil, err
	}
	c := &covered{dir: filepath.Dir(path), files: []string{filepath.Base(path)}}
	script, err := IsScript(path)
	if err != nil {
		return c.dir, c.files, err
	}
	if script {
		if err := c.folder("", 0); err != nil {
			return "", nil, fmt.Errorf("the code beside %s: %w", path, err)
		}
	}
	c.files = append(c.files, installedFiles(path)...)
	slices.Sort(c.files)
	return c.dir, slices.Compact(c.files), nil // the script itself may be called as code is
}

// installedFiles returns the files that the plugin at path was installed with; none if it was not.
func installedFiles(path string) (names []string) {
	f, err := whole.Open(filepath.Join(filepath.Dir(path), RecordName))
	if err != nil {
		return nil
	}
	defer f.Close()
	var record struct {
		Name  string
		Files map[string]string
	}
	name, _ := NameOf(path)
	if err := json.NewDecoder(f).Decode(&record); err != nil || record.Name != name {
		return nil
	}
	for file := range record.Files {
		if filepath.IsLocal(filepath.FromSlash(file)) {
			names = append(names, file)
		}
	}
	return names
}

// Uncovered returns what is beside a plugin and not covered by its sum, in the order of the names:
// files, and folders, with a slash at their ends, in which nothing is covered. Left out are other
// plugins, hidden files, and __pycache__.
func Uncovered(path string) (names []string, err error) {
	dir, files, err := Covers(path)
	if err != nil {
		return nil, err
	}
	return uncovered(dir, "", files)
}

func uncovered(dir, at string, covered []string) (names []string, err error) {
	entries, err := os.ReadDir(filepath.Join(dir, filepath.FromSlash(at)))
	for _, e := range entries {
		name := path.Join(at, e.Name())
		switch {
		case strings.HasPrefix(e.Name(), ".") || strings.HasPrefix(e.Name(), prefix) || e.Name() == "__pycache__" || name == RecordName:
		case !e.IsDir() && !slices.Contains(covered, name):
			names = append(names, name)
		case !e.IsDir():
		case slices.ContainsFunc(covered, func(file string) bool { return strings.HasPrefix(file, name+"/") }):
			below, failed := uncovered(dir, name, covered)
			names, err = append(names, below...), errors.Join(err, failed)
		default:
			names = append(names, name+"/")
		}
	}
	return names, err
}

// IsScript tells whether a file begins with #!, so that another program runs it.
func IsScript(path string) (bool, error) {
	f, err := whole.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	var begins [2]byte
	n, err := io.ReadFull(f, begins[:])
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = nil
	}
	return bytes.Equal(begins[:n], []byte("#!")), err
}

// covered are the files that a sum is of, as they are found.
type covered struct {
	dir   string
	files []string
}

// folder adds the code in a folder of dir, and in those below it.
func (c *covered) folder(at string, depth int) error {
	if depth > deepFiles {
		return fmt.Errorf("%s is %s deep; want at most %d", at, counted.Of(depth, "folder"), deepFiles)
	}
	entries, err := os.ReadDir(filepath.Join(c.dir, filepath.FromSlash(at)))
	if err != nil {
		return err
	}
	code := depth == 0
	for _, e := range entries {
		if name := path.Join(at, e.Name()); slices.Contains(codeEnds, path.Ext(e.Name())) && !strings.HasPrefix(e.Name(), ".") && c.regular(name) {
			code = true
			c.files = append(c.files, name)
		}
	}
	if len(c.files) > mostCode {
		return fmt.Errorf("there are more than %d files; want the plugin in a folder of its own", mostCode)
	}
	if !code {
		return nil
	}
	for _, e := range entries {
		name := e.Name()
		if strings.HasPrefix(name, ".") || strings.HasPrefix(name, prefix) || name == "__pycache__" {
			continue
		}
		if info, err := os.Stat(filepath.Join(c.dir, filepath.FromSlash(at), name)); err == nil && info.IsDir() {
			if err := c.folder(path.Join(at, name), depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *covered) regular(name string) bool {
	info, err := os.Stat(filepath.Join(c.dir, filepath.FromSlash(name)))
	return err == nil && info.Mode().IsRegular()
}
