// Package store installs plugins into a folder, each in a folder of its own, and knows where
// they are from. A plugin comes from a folder, a file, an archive or an address; it is
// checked, unpacked and asked what it offers beside where it will be, and is there whole or
// not at all.
package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/counted"
	"github.com/audiosep/audiosep/internal/whole"
	"github.com/audiosep/audiosep/plugins"
)

// Store is a folder of installed plugins.
type Store struct {
	Dir    string       // made when something is installed
	Client *http.Client // nil: http.DefaultClient
	Log    *slog.Logger // nil: nothing is logged

	limits limits // zeros: usual
}

// limits bound what is taken from an archive.
type limits struct {
	archive, unpacked int64 // bytes
	files             int
}

// usual are generous: a net's weights may be in a plugin.
var usual = limits{archive: 2 << 30, unpacked: 8 << 30, files: 20000}

func (s *Store) bounds() limits {
	if s.limits == (limits{}) {
		return usual
	}
	return s.limits
}

func (s *Store) log() *slog.Logger {
	if s.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return s.Log
}

// Installed says what is installed, and where it is from.
type Installed struct {
	Name    string            `json:"name"`
	Version string            `json:"version,omitempty"` // as the plugin says
	Origin  string            `json:"origin"`            // the path or address
	SHA256  string            `json:"sha256"`            // of the archive; of what was no archive, that of the plugin
	Stages  []string          `json:"stages"`            // NAME/STAGE
	Files   map[string]string `json:"files"`             // SHA-256 of each file

	// Offers is what the plugin said of its stages.
	Offers []audiosep.Definition `json:"offers,omitempty"`

	Dir      string     `json:"-"`
	Replaced *Installed `json:"-"` // what it was exchanged for by Install; nil for nothing
}

// Options say what is to be installed.
type Options struct {
	From    string // a folder, a plugin's file, an archive (zip or tar.gz), or an address
	SHA256  string // that it must have; "": that of FROM.sha256, if there is one
	Replace bool   // whether a plugin that is installed is exchanged
}

// Install installs a plugin and returns its record and its stages.
func (s *Store) Install(ctx context.Context, o Options) (*Installed, []audiosep.Definition, error) {
	unlock, err := s.lock()
	if err != nil {
		return nil, nil, err
	}
	defer unlock()
	work, err := os.MkdirTemp(s.Dir, workPrefix+"*")
	if err != nil {
		return nil, nil, err
	}
	defer os.RemoveAll(work)
	dir := filepath.Join(work, "plugin")
	in := &Installed{}
	if in.Origin, in.SHA256, err = s.bring(ctx, o, work, dir); err != nil {
		return nil, nil, err
	}
	if dir, in.Name, err = plugin(dir, o.From); err != nil {
		return nil, nil, err
	}
	in.Dir = s.folder(in.Name)
	if err := s.free(in, o.Replace); err != nil {
		return nil, nil, err
	}
	defs, err := s.ask(ctx, dir, in)
	if err != nil {
		return nil, nil, err
	}
	if in.Files, err = sums(ctx, dir); err != nil {
		return nil, nil, err
	}
	text, err := json.MarshalIndent(in, "", "  ")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, plugins.RecordName), append(text, '\n'), 0o644)
	}
	if err = errors.Join(err, ctx.Err()); err != nil {
		return nil, nil, err
	}
	return in, defs, s.publish(dir, in)
}

// workPrefix begins the names of folders in which plugins are made ready, oldPrefix those of
// plugins that are being exchanged or removed.
const (
	workPrefix = ".audiosep-new-"
	oldPrefix  = ".audiosep-old-"
)

// lock keeps other programs from changing the store until the function returned is called, and
// puts in order what one that was killed has left.
func (s *Store) lock() (unlock func(), err error) {
	if err := os.MkdirAll(s.Dir, 0o755); err != nil {
		return nil, err
	}
	f, err := whole.Own(filepath.Join(s.Dir, ".audiosep-lock"))
	if errors.Is(err, whole.ErrOwned) {
		return nil, fmt.Errorf("another audiosep is changing %s; want it to be ready first", s.Dir)
	} else if err != nil {
		return nil, err
	}
	entries, _ := os.ReadDir(s.Dir)
	for _, e := range entries {
		path := filepath.Join(s.Dir, e.Name())
		if name, ok := strings.CutPrefix(e.Name(), oldPrefix); ok {
			if os.Rename(path, filepath.Join(s.Dir, name)) != nil { // the new one is there
				os.RemoveAll(path)
			}
		}
		if strings.HasPrefix(e.Name(), workPrefix) {
			os.RemoveAll(path)
		}
	}
	return func() { f.Close() }, nil
}

// plugin returns the folder that the one plugin is in: dir, or the one folder in dir; and its name.
func plugin(dir, from string) (string, string, error) {
	dir, name, err := within(dir, from)
	if err != nil {
		return "", "", err
	}
	if _, err := os.Lstat(filepath.Join(dir, plugins.RecordName)); err == nil {
		return "", "", fmt.Errorf("%s has a file %s, which is what an installed plugin is known by; want it without", from, plugins.RecordName)
	}
	return dir, name, os.Chmod(filepath.Join(dir, plugins.FileName(name)), 0o755)
}

// within is plugin of a folder that is left as it is. What is hidden, and what Python makes, does not
// count.
func within(dir, from string) (string, string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", "", err
	}
	entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return passedOver(e.Name()) })
	if len(entries) == 1 && entries[0].IsDir() {
		return within(filepath.Join(dir, entries[0].Name()), from)
	}
	var names []string
	for _, e := range entries {
		if name, ok := plugins.NameOf(e.Name()); ok && e.Type().IsRegular() {
			names = append(names, name)
		}
	}
	if len(names) != 1 {
		which := ""
		if len(names) > 0 {
			which = ": " + strings.Join(names, ", ")
		}
		return "", "", fmt.Errorf("%s has %s called audiosep-plugin-NAME%s; want one, in the outermost folder", from, counted.Of(len(names), "file"), which)
	}
	return dir, names[0], nil
}

// passedOver tells of the name of a file or folder whether it is hidden, or made by Python.
func passedOver(name string) bool { return strings.HasPrefix(name, ".") || name == "__pycache__" }

// Within returns the file of the one plugin in a folder, or in the one folder that it has: what
// Install would take of it.
func Within(folder string) (string, error) {
	dir, name, err := within(folder, folder)
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, plugins.FileName(name)), nil
}

// free says why a plugin cannot be put in its place.
func (s *Store) free(in *Installed, replace bool) error {
	if _, err := os.Lstat(in.Dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	old, err := s.read(in.Name)
	switch {
	case err != nil:
		return fmt.Errorf("%s is there and was not installed by audiosep; want it removed by whoever put it there", in.Dir)
	case replace:
		in.Replaced = old
	default:
		return fmt.Errorf("plugin %s is installed already, from %s; want --replace to exchange it", strings.TrimSpace(in.Name+" "+old.Version), old.Origin)
	}
	return nil
}

// ask starts the plugin to learn its stages.
func (s *Store) ask(ctx context.Context, dir string, in *Installed) ([]audiosep.Definition, error) {
	host := plugins.NewHost(plugins.Options{Folders: []string{dir}, Log: s.log()})
	defer host.Close()
	defs, err := host.Describe(ctx, in.Name)
	if err != nil {
		return nil, fmt.Errorf("nothing is installed, as the plugin does not run here: %w", err)
	}
	for _, d := range defs {
		in.Stages = append(in.Stages, d.Name)
		in.Version = d.Version
		d.Origin, d.Version = "", "" // a folder that will not be there, and what stands above
		in.Offers = append(in.Offers, d)
	}
	return defs, nil
}

// publish puts a plugin in its place.
func (s *Store) publish(dir string, in *Installed) error {
	old := filepath.Join(s.Dir, oldPrefix+filepath.Base(in.Dir))
	exchanged := os.Rename(in.Dir, old) == nil
	if err := os.Rename(dir, in.Dir); err != nil {
		if exchanged {
			err = errors.Join(err, os.Rename(old, in.Dir))
		}
		return err
	}
	return os.RemoveAll(old)
}

// Remove removes plugins that were installed: none if one of them was not.
func (s *Store) Remove(names ...string) error {
	var dirs []string
	for _, name := range names {
		in, err := s.named(name)
		if err != nil {
			return err
		}
		if !slices.Contains(dirs, in.Dir) {
			dirs = append(dirs, in.Dir)
		}
	}
	unlock, err := s.lock()
	if err != nil {
		return err
	}
	defer unlock()
	gone := func(dir string) string { return filepath.Join(s.Dir, workPrefix+filepath.Base(dir)) }
	for i, dir := range dirs {
		if err := os.Rename(dir, gone(dir)); err != nil {
			for _, moved := range dirs[:i] {
				err = errors.Join(err, os.Rename(gone(moved), moved))
			}
			return err
		}
	}
	for _, dir := range dirs {
		err = errors.Join(err, os.RemoveAll(gone(dir)))
	}
	return err
}

// named returns the record of an installed plugin, or says which there are.
func (s *Store) named(name string) (*Installed, error) {
	in, err := s.read(name)
	if errors.Is(err, fs.ErrNotExist) {
		all, _ := s.List()
		var names []string
		for _, other := range all {
			names = append(names, other.Name)
		}
		if names == nil {
			names = []string{"no others"}
		}
		return nil, fmt.Errorf("no plugin %s is installed in %s; there are %s", name, s.Dir, strings.Join(names, ", "))
	}
	return in, err
}

// List returns what is installed, by name.
func (s *Store) List() ([]*Installed, error) {
	entries, err := os.ReadDir(s.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var all []*Installed
	for _, e := range entries {
		if name, ok := plugins.NameOf(e.Name()); ok && e.IsDir() {
			if in, err := s.read(name); err == nil {
				all = append(all, in)
			}
		}
	}
	return all, err
}

// folder returns where a plugin of a name is.
func (s *Store) folder(name string) string {
	return filepath.Join(s.Dir, strings.TrimSuffix(plugins.FileName(name), ".exe"))
}

// Of returns the record of the plugin whose file is at path; nil if it was not installed.
func Of(path string) *Installed {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	name, _ := plugins.NameOf(path)
	in, err := (&Store{Dir: filepath.Dir(filepath.Dir(path))}).read(name)
	if err != nil || in.Dir != filepath.Dir(path) {
		return nil
	}
	return in
}

// read returns the record of an installed plugin.
func (s *Store) read(name string) (*Installed, error) {
	dir := s.folder(name)
	if !filepath.IsLocal(filepath.Base(dir)) || filepath.Dir(dir) != filepath.Clean(s.Dir) {
		return nil, fmt.Errorf("the name is %q; want that of a plugin", name)
	}
	text, err := os.ReadFile(filepath.Join(dir, plugins.RecordName))
	if err != nil {
		return nil, err
	}
	in := &Installed{Dir: dir}
	if err = json.Unmarshal(text, in); err == nil && in.Name != name {
		err = fmt.Errorf("it is that of %q", in.Name)
	}
	if err != nil {
		return nil, fmt.Errorf("%s is not the record of plugin %s: %w", filepath.Join(dir, plugins.RecordName), name, err)
	}
	return in, nil
}

// Changed says which file of the plugin is not as it was installed.
func (in *Installed) Changed(ctx context.Context) error {
	is, err := sums(ctx, in.Dir)
	if err != nil {
		return err
	}
	var changed []string
	for name, sum := range in.Files {
		if is[name] != sum {
			changed = append(changed, name)
		}
	}
	_, covers, err := plugins.Covers(filepath.Join(in.Dir, plugins.FileName(in.Name)))
	for _, name := range covers {
		if in.Files[name] == "" {
			changed = append(changed, name)
		}
	}
	if slices.Sort(changed); changed != nil {
		err = fmt.Errorf("it has changed since it was installed: %s; want it installed again, with --replace", strings.Join(changed, ", "))
	}
	return err
}

// sums returns the SHA-256 of each file in a folder but the record, and what Python makes.
func sums(ctx context.Context, dir string) (map[string]string, error) {
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && e.Name() == "__pycache__":
			return fs.SkipDir
		case e.IsDir():
			return nil
		}
		name, err := filepath.Rel(dir, path)
		if err != nil || name == plugins.RecordName {
			return err
		}
		all[filepath.ToSlash(name)], err = whole.KeptSum(ctx, path)
		return err
	})
	return all, err
}
