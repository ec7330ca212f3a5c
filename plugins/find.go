package plugins

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
)

var nameSyntax = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// plugin is one that was found.
type plugin struct{ name, path string }

// Folders returns where plugins are looked for besides the folders that a Host is
// given: those that the environment's AUDIOSEP_PLUGINS lists, then the user's own.
func Folders() []string {
	all := filepath.SplitList(os.Getenv(folder))
	if config, err := os.UserConfigDir(); err == nil {
		all = append(all, filepath.Join(config, "audiosep", "plugins"))
	}
	return all
}

// PassedOver is a file that is called like a plugin and is not one that can be used.
type PassedOver struct {
	Path   string
	Reason string
}

// Names returns the names of all plugins that can be found, in the order of the
// folders and alphabetically in each.
func (h *Host) Names() []string {
	names, _ := h.search()
	return names
}

// PassedOver returns the files that are called like plugins and are not among Names, each with
// the reason, and the folders of Options that are not there.
func (h *Host) PassedOver() []PassedOver {
	_, passed := h.search()
	return passed
}

func (h *Host) search() (names []string, passed []PassedOver) {
	used := map[string]string{} // name -> the file that counts
	for i, dir := range h.folders() {
		entries, err := os.ReadDir(dir)
		if err != nil && i < len(h.o.Folders) { // others need not be there
			passed = append(passed, PassedOver{dir, fmt.Sprintf("the folder cannot be read: %v", err)})
		}
		for _, e := range entries {
			name, ok := strings.CutPrefix(strings.TrimSuffix(e.Name(), exe), prefix)
			path := filepath.Join(dir, e.Name())
			info, err := os.Stat(path)
			if !ok || err == nil && info.IsDir() {
				continue
			}
			err = executable(path)
			switch valid := nameSyntax.MatchString(name); {
			case !valid && err != nil: // it is meant for something else, such as a sum of it
			case !valid:
				passed = append(passed, PassedOver{path, fmt.Sprintf("%q is no name of a plugin; want lower-case letters, digits and _ behind %s", name, prefix)})
			case used[name] != "":
				passed = append(passed, PassedOver{path, fmt.Sprintf("%s is called the same and found first", used[name])})
			case err != nil:
				used[name] = path
				passed = append(passed, PassedOver{path, "it " + strings.TrimPrefix(err.Error(), path+" ")})
			default:
				used[name] = path
				names = append(names, name)
			}
		}
	}
	return names, passed
}

// find returns the first plugin of that name. It must be the pinned one if it is pinned.
func (h *Host) find(name string) (plugin, error) {
	if !nameSyntax.MatchString(name) {
		return plugin{}, fmt.Errorf("plugin name %q is not one; want lower-case letters, digits and _, as in audiosep-plugin-hartley without its beginning", name)
	}
	folders := h.folders()
	for _, dir := range folders {
		path, err := filepath.Abs(filepath.Join(dir, prefix+name+exe))
		if err != nil {
			return plugin{}, err
		}
		switch err := executable(path); {
		case os.IsNotExist(err):
			continue
		case err != nil:
			return plugin{}, fmt.Errorf("plugin %s: %w", name, err)
		}
		return plugin{name, path}, h.pinned(name, path)
	}
	return plugin{}, fmt.Errorf("plugin %s is not there; want a file %s%s%s in one of %s", name, prefix, name, exe, strings.Join(folders, ", "))
}

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

// pinned says whether the file differs from what its pin wants.
func (h *Host) pinned(name, path string) error {
	want, ok := h.o.Pins[name]
	if !ok {
		return nil
	}
	is, err := Sum(path)
	if err != nil {
		return fmt.Errorf("plugin %s: %w", name, err)
	}
	if !strings.EqualFold(is, want) {
		return fmt.Errorf("plugin %s: %s has the SHA-256 sum %s; it is pinned to %s", name, path, is, want)
	}
	return nil
}

// Pin returns the SHA-256 sum of the file of a plugin, in hexadecimal, which as a pin holds it.
func (h *Host) Pin(name string) (string, error) {
	pl, err := h.find(name)
	if err != nil {
		return "", err
	}
	return Sum(pl.path)
}

// Sum returns the SHA-256 sum of a file, as pins have it.
func Sum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// ParsePins reads a lock file, as sha256sum writes it: a sum, white space and the file's
// name on each line. It returns pins for [Options].
func ParsePins(text []byte) (map[string]string, error) {
	pins := map[string]string{}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Fields(line)
		raw, err := hex.DecodeString(fields[0])
		if len(fields) != 2 || err != nil || len(raw) != sha256.Size {
			return nil, fmt.Errorf("line %d is %q; want a SHA-256 sum and the name of a file", n, line)
		}
		name, ok := strings.CutPrefix(filepath.Base(strings.TrimPrefix(fields[1], "*")), prefix)
		name = strings.TrimSuffix(name, ".exe")
		if !ok || !nameSyntax.MatchString(name) {
			return nil, fmt.Errorf("line %d names %q; want %sNAME", n, fields[1], prefix)
		}
		if old, twice := pins[name]; twice && !strings.EqualFold(old, fields[0]) {
			return nil, fmt.Errorf("line %d pins plugin %s a second time, to another sum", n, name)
		}
		pins[name] = strings.ToLower(fields[0])
	}
	return pins, lines.Err()
}
