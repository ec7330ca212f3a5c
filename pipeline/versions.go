package pipeline

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/mod/semver"

	"github.com/audiosep/audiosep/internal/nearest"
)

// Need is what a spec wants the version of a plugin to be: "hartley >= 1.2, < 2".
type Need struct {
	Plugin string
	Ranges []VersionRange // all of which must hold
}

// VersionRange is a comparison with a version, such as ">= 1.2".
type VersionRange struct {
	Op      string // ">=", ">", "<=", "<" or "="
	Version string // semantic, what is missing being 0: 1.2 is 1.2.0
}

func (r VersionRange) String() string { return r.Op + " " + r.Version }

func (n Need) String() string {
	all := make([]string, len(n.Ranges))
	for i, r := range n.Ranges {
		all[i] = r.String()
	}
	return n.Plugin + " " + strings.Join(all, ", ")
}

var (
	needSyntax  = regexp.MustCompile(`^\s*([a-z][a-z0-9_]*)\s*(.*)$`)
	rangeSyntax = regexp.MustCompile(`^\s*(>=|<=|>|<|=)\s*v?(\S+)\s*$`)
)

// parseNeed reads a Need as specs have it.
func parseNeed(text string) (Need, error) {
	wrong := fmt.Errorf("%q is no need of a plugin; want its name and versions with commas between, such as hartley >= 1.2, < 2", text)
	parts := needSyntax.FindStringSubmatch(text)
	if parts == nil {
		return Need{}, wrong
	}
	n := Need{Plugin: parts[1]}
	for one := range strings.SplitSeq(parts[2], ",") {
		r := rangeSyntax.FindStringSubmatch(one)
		if r == nil || !semver.IsValid("v"+r[2]) {
			return Need{}, wrong
		}
		n.Ranges = append(n.Ranges, VersionRange{r[1], r[2]})
	}
	return n, nil
}

// holds tells whether a version, which must be valid, is in the range. Releases come after their
// candidates, 1.2.0-rc.1, by the rules of semver.org.
func (r VersionRange) holds(version string) bool {
	is := semver.Compare("v"+version, "v"+r.Version)
	switch r.Op {
	case ">=":
		return is >= 0
	case ">":
		return is > 0
	case "<=":
		return is <= 0
	case "<":
		return is < 0
	}
	return is == 0
}

// refuses says why a version is not what is needed; nothing if it is.
func (n Need) refuses(version string) string {
	bare := strings.TrimPrefix(version, "v")
	switch {
	case version == "":
		return "says no version"
	case !semver.IsValid("v" + bare):
		return fmt.Sprintf("has the version %q, which cannot be compared", version)
	case slices.ContainsFunc(n.Ranges, func(r VersionRange) bool { return !r.holds(bare) }):
		return "has the version " + bare
	}
	return ""
}

// needs reads the list of what plugins must be.
func (p *parser) needs(n *node) {
	if n.kind != '[' {
		p.fault(n.start, "", `needs is %s; want a list such as ["hartley >= 1.2"]`, n.describe())
		return
	}
	for _, item := range n.items {
		var text string
		p.string(item, "a need", &text)
		need, err := parseNeed(text)
		if err != nil && item.kind == '"' {
			p.fault(item.start, "", "%s", err)
		}
		p.Needs = append(p.Needs, need)
	}
}

// versions sees that plugins have the versions that the spec needs.
func (c *checker) versions() {
	for i, need := range c.Needs {
		used := c.PluginNames()
		at := pointer("needs", i)
		if !slices.Contains(used, need.Plugin) {
			hint := "leave it out"
			if near := nearest.Name(need.Plugin, used); near != "" {
				hint = fmt.Sprintf("did you mean %q?", near)
			}
			c.fault(at, "", fmt.Sprintf("no stage uses a plugin %q, of which a version is needed", need.Plugin), hint)
			continue
		}
		for _, st := range c.p.stages {
			if plugin, _, ok := strings.Cut(st.use, "/"); !ok || plugin != need.Plugin || st.unknown {
				continue
			}
			if why := need.refuses(st.def.Version); why != "" {
				c.fault(at, "", fmt.Sprintf("plugin %s %s; want %s", need.Plugin, why, strings.TrimPrefix(need.String(), need.Plugin+" ")),
					st.def.Origin+" is what was found; audiosep list names the others")
			}
			break // all are of the same file
		}
	}
}
