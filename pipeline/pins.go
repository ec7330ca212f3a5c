package pipeline

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/audiosep/audiosep/internal/nearest"
)

// AnyPlatform stands in a Pin for every platform that it does not name.
const AnyPlatform = "any"

// Pin has the SHA-256 sums, in hexadecimal, that a plugin must have: by platform, such as
// "linux/amd64", or under AnyPlatform.
type Pin map[string]string

// Sum returns the sum for a platform, if there is one.
func (p Pin) Sum(platform string) (sum string, ok bool) {
	if sum, ok = p[platform]; !ok {
		sum, ok = p[AnyPlatform]
	}
	return sum, ok
}

// MarshalJSON writes a sum that is the same for every platform as a text.
func (p Pin) MarshalJSON() ([]byte, error) {
	if sum, ok := p[AnyPlatform]; ok && len(p) == 1 {
		return json.Marshal(sum)
	}
	return json.Marshal(map[string]string(p))
}

var (
	sha256Syntax   = regexp.MustCompile(`^[0-9a-f]{64}$`)
	platformSyntax = regexp.MustCompile(`^(any|[a-z0-9]+/[a-z0-9]+)$`)
)

// ParseLock reads a lock file: an object with the version of the format and the field plugins of a
// spec. file is its name, for messages. The error is Problems.
func ParseLock(file string, text []byte) (map[string]Pin, error) {
	root, bad := readJSON(text)
	if bad != nil {
		line, col := lineCol(text, bad.at)
		return nil, Problems{{File: file, Line: line, Col: col, What: bad.what}}
	}
	p := &parser{Spec: &Spec{file: file, text: text, root: root}}
	version := 0
	ok := p.object(root, "the lock file", readers{
		{"audiosep", func(n *node) { version = p.version(n) }},
		{"plugins", p.plugins},
	})
	p.problems = append(p.problems, p.misnamed...)
	if ok && version != Version && len(p.problems) == 0 {
		p.fault(root.start, "", `the lock file is of another format; want "audiosep": %d`, Version)
	}
	return p.Plugins, p.problems.err()
}

// FormatLock returns the text of a lock file.
func FormatLock(pins map[string]Pin) ([]byte, error) {
	text, err := json.MarshalIndent(struct {
		Version int            `json:"audiosep"`
		Plugins map[string]Pin `json:"plugins"`
	}{Version, pins}, "", "  ")
	return append(text, '\n'), err
}

// mostPins and mostPlatforms bound the lists of pins: no pipeline has more stages.
const mostPins, mostPlatforms = mostStages, 100

// plugins reads what each plugin is pinned to: a sum, or an object with one for each platform.
func (p *parser) plugins(n *node) {
	p.Plugins = map[string]Pin{}
	if n.kind != '{' {
		p.fault(n.start, "", "plugins is %s; want an object: {…}", n.describe())
		return
	}
	if len(n.fields) > mostPins {
		p.fault(n.start, "", "%d plugins are pinned; want at most %d", len(n.fields), mostPins)
		return
	}
	for _, f := range n.fields {
		if _, twice := p.Plugins[f.name]; twice {
			p.fault(f.start, "", "%q stands twice in %q; want it once", f.name, "plugins")
		}
		pin := Pin{}
		p.Plugins[f.name] = pin
		switch f.value.kind {
		case '"':
			p.sum(pin, AnyPlatform, fmt.Sprintf("plugin %q", f.name), f.value)
		case '{':
			if len(f.value.fields) > mostPlatforms {
				p.fault(f.value.start, "", "plugin %q is pinned for %d platforms; want at most %d", f.name, len(f.value.fields), mostPlatforms)
				continue
			}
			for _, g := range f.value.fields {
				if _, twice := pin[g.name]; twice || !platformSyntax.MatchString(g.name) {
					p.fault(g.start, "", "plugin %q is pinned for %q; want platforms such as linux/amd64, or any, each once", f.name, g.name)
				}
				p.sum(pin, g.name, fmt.Sprintf("plugin %q for %s", f.name, g.name), g.value)
			}
			if len(pin) == 0 {
				p.fault(f.value.start, "", "plugin %q is pinned for no platform; want at least one", f.name)
			}
		default:
			p.fault(f.value.start, "", "plugins %q is %s; want a text: its SHA-256, or an object with one for each platform", f.name, f.value.describe())
		}
	}
}

// sum reads one sum.
func (p *parser) sum(pin Pin, platform, what string, n *node) {
	if pin[platform] = n.text; n.kind != '"' || !sha256Syntax.MatchString(n.text) {
		p.fault(n.start, "", "the SHA-256 of %s is %s; want 64 digits, 0-9 and a-f", what, n.describe())
	}
}

// UnusedPins returns a problem for each of pins that is of a plugin that no stage uses, such as
// one that is misspelt.
func (s *Spec) UnusedPins(pins map[string]Pin) (problems Problems) {
	used := s.PluginNames()
	for _, name := range slices.Sorted(maps.Keys(pins)) {
		if slices.Contains(used, name) {
			continue
		}
		hint := "no stage uses a plugin"
		if near := nearest.Name(name, used); near != "" {
			hint = fmt.Sprintf("did you mean %q?", near)
		} else if len(used) > 0 {
			hint = "its stages use " + strings.Join(used, ", ")
		}
		problems = append(problems, s.problem(pointer("plugins", name), "", fmt.Sprintf("plugin %q is pinned, but no stage uses it", name), hint))
	}
	return problems
}
