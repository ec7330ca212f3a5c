package plugins

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"github.com/audiosep/audiosep/internal/whole"
)

var nameSyntax = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// plugin is one that was found.
type plugin struct {
	name, path string
	sum        string // SHA-256 of what was described, which alone is started; "": not known
}

// Home returns the user's own folder of plugins, where they are installed: the one that the
// environment's AUDIOSEP_PLUGIN_HOME names, else audiosep/plugins in the folder for configuration.
func Home() (string, error) {
	if dir := os.Getenv(home); dir != "" {
		return filepath.Abs(dir)
	}
	config, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("there is no folder for plugins (%w); want %s in the environment", err, home)
	}
	return filepath.Join(config, "audiosep", "plugins"), nil
}

// Folders returns where plugins are looked for besides the folders that a Host is
// given: those that the environment's AUDIOSEP_PLUGINS lists, then the user's own.
func Folders() []string {
	all := filepath.SplitList(os.Getenv(folder))
	if own, err := Home(); err == nil {
		all = append(all, own)
	}
	return all
}

// fileOf returns where in a folder the file of a plugin is: in a folder of its own, which is
// called as the file, if there is one.
func fileOf(dir, name string) string {
	path := filepath.Join(dir, prefix+name)
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, prefix+name)
	}
	return path + exe
}

// Found is a file that is called like a plugin.
type Found struct {
	Name, Path string
	Reason     string // why it is passed over; "" for the one that is used
	First      string // the file of this name that was found before it and counts; "" if none was
}

// Names returns the names of all plugins that can be found, in the order of the
// folders and alphabetically in each.
func (h *Host) Names() []string {
	var names []string
	for _, f := range h.Found() {
		if f.Reason == "" {
			names = append(names, f.Name)
		}
	}
	return names
}

// PassedOver returns what is called like a plugin and is not among Names, each with
// the reason, and the folders of Options and of $AUDIOSEP_PLUGINS that are not there.
func (h *Host) PassedOver() []Found {
	return slices.DeleteFunc(h.Found(), func(f Found) bool { return f.Reason == "" })
}

// Found returns Names and PassedOver with their files, in one order.
func (h *Host) Found() (all []Found) {
	used := map[string]string{} // name -> the file that counts
	asked := len(h.o.Folders) + len(filepath.SplitList(os.Getenv(folder)))
	for i, dir := range h.folders() {
		entries, err := whole.ReadDir(dir)
		if err != nil && i < asked && dir != "" { // the user's own need not be there
			all = append(all, Found{Path: dir, Reason: fmt.Sprintf("the folder cannot be read: %v", err)})
		}
		for _, e := range entries {
			name, ok := NameOf(e.Name())
			path := fileOf(dir, name)
			if info, err := os.Stat(path); !ok || err == nil && info.IsDir() || os.IsNotExist(err) {
				continue
			}
			reason, none := passedOver(name, path, used)
			if !none && !samePath(used[name], path) {
				all = append(all, Found{name, path, reason, used[name]})
			}
			if used[name] == "" {
				used[name] = path
			}
		}
	}
	return all
}

// samePath tells whether two paths are one, such as that of a folder which is listed twice.
func samePath(a, b string) bool {
	if a == "" {
		return false
	}
	a, failed := filepath.Abs(a)
	b, err := filepath.Abs(b)
	return a == b && failed == nil && err == nil
}

// passedOver returns why a file is not used, and whether it is meant for something else, such as
// a sum of a plugin.
func passedOver(name, path string, used map[string]string) (reason string, none bool) {
	err := executable(path)
	switch valid := nameSyntax.MatchString(name); {
	case !valid:
		return fmt.Sprintf("%q is no name of a plugin; want lower-case letters, digits and _ behind %s", name, prefix), err != nil
	case used[name] != "":
		return fmt.Sprintf("%s is called the same and found first", used[name]), false
	case err != nil:
		return "it " + strings.TrimPrefix(err.Error(), path+" "), false
	}
	return "", false
}

func nameError(name string) error {
	return fmt.Errorf("plugin name %q is not one; want lower-case letters, digits and _, as in audiosep-plugin-hartley without its beginning", name)
}

// find returns the first plugin of that name. It must be the pinned one if it is pinned.
func (h *Host) find(name string) (plugin, error) {
	if !nameSyntax.MatchString(name) {
		return plugin{}, nameError(name)
	}
	folders := h.folders()
	for _, dir := range folders {
		path, err := filepath.Abs(fileOf(dir, name))
		if err != nil {
			return plugin{}, err
		}
		switch err := executable(path); {
		case os.IsNotExist(err):
			continue
		case err != nil:
			return plugin{}, fmt.Errorf("plugin %s: %w", name, err)
		}
		return plugin{name: name, path: path}, h.pinned(name, path)
	}
	return plugin{}, fmt.Errorf("plugin %s is not there; want a file %s in one of %s (audiosep plugin install puts one into the last), or --plugins DIR for another folder", name, FileName(name), strings.Join(folders, ", "))
}

// Path returns the file of a plugin.
func (h *Host) Path(name string) (string, error) {
	pl, err := h.find(name)
	return pl.path, err
}

// NameOf returns the plugin that a file is called as, and whether it is called as one.
func NameOf(file string) (name string, ok bool) {
	return strings.CutPrefix(strings.TrimSuffix(filepath.Base(file), exe), prefix)
}

// FileName returns how the file of a plugin is called.
func FileName(name string) string { return prefix + name + exe }

// exe ends the names of programs.
var exe = map[bool]string{true: ".exe"}[runtime.GOOS == "windows"]

// executable says why a file cannot be run.
func executable(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || runtime.GOOS != "windows" && info.Mode()&0o111 == 0 {
		return fmt.Errorf("%s has mode %v; want a file that can be executed", path, info.Mode())
	}
	return nil
}

// pinned says whether the plugin differs from what its pin wants.
func (h *Host) pinned(name, path string) error {
	want, ok := h.o.Pins[name]
	if !ok && !h.o.Locked {
		return nil
	}
	is, err := Sum(path)
	switch {
	case err != nil:
		return fmt.Errorf("plugin %s: %w", name, err)
	case !ok:
		return fmt.Errorf("plugin %s: %s has no pin, where other plugins have; want one of the SHA-256 sum %s, if it is the one meant (audiosep plugin lock)", name, path, is)
	case !strings.EqualFold(is, want):
		from := h.o.From[name]
		if from != "" {
			from = " in " + from
		}
		return fmt.Errorf("plugin %s: %s has the SHA-256 sum %s; it is pinned to %s%s; want the plugin installed that the lock was made of, or locked again: audiosep plugin lock PIPELINE", name, path, is, want, from)
	}
	return nil
}

// Pin returns the SHA-256 sum of a plugin, in hexadecimal, which as a pin holds it: of what Describe has
// described last, whatever is in its place by now, else of what is there.
func (h *Host) Pin(name string) (string, error) {
	h.mu.Lock()
	sum := h.described[name]
	h.mu.Unlock()
	if sum != "" {
		return sum, nil
	}
	pl, err := h.find(name)
	if err != nil {
		return "", err
	}
	return Sum(pl.path)
}
