package contract

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/audiosep/audiosep"
)

// all returns every check that there is, by the kind of the stage that it is of.
func allChecks() map[string][]check {
	of := func(def audiosep.Definition) *subject { return &subject{def: def, open: new(opened)} }
	separator := of(fake(func(_, _ string) audiosep.Separator { return newFakeSeparator("") })("", ""))
	return map[string][]check{
		"description": descriptionChecks, "framer": framerChecks, "source": sourceChecks, "sink": sinkChecks, "reader": modelReaderChecks, "writer": modelWriterChecks,
		"learner": learnerChecks(jointLearner), "transform": transformChecks("", (*subject).transformer), "activator": activatorChecks(),
		"separator": separatorChecks(), "separator by its ports": separator.shapeChecks(), "any shape": of(defineFakeShape("", "")).shapeChecks(),
		"told": {forecastCheck, needsCheck},
	}
}

// Whoever writes a plugin in another language than Go is told in words that are theirs, too: what has a name
// in Go only stands beside that of Python, or with the word Go before it.
func TestHintsAreForEveryLanguage(t *testing.T) {
	inGo := regexp.MustCompile(`\b(ctx|env|sync|audiosep)\.[A-Z]\w*|goroutine|ParamErrors|\bnil\b|Framing\.Validate`)
	for kind, checks := range allChecks() {
		for _, c := range checks {
			compiledIn := kind == "separator" || c.name == "needs" // in plugins they are tried otherwise, or not at all
			for _, text := range []string{c.rule, c.hint} {
				if name := inGo.FindString(text); name != "" && !compiledIn && !strings.Contains(text, "Python") && !strings.Contains(text, "Go") && !strings.Contains(text, "another language") {
					t.Errorf("%s: %s: %q has %s, which is Go alone; want the words of another language as well", kind, c.name, text, name)
				}
			}
			if c.hint == "" || c.rule == "" {
				t.Errorf("%s: %s has no rule or no hint", kind, c.name)
			}
		}
	}
}

// Where a promise is broken, one way out is not to make it.
func TestBrokenPromisesMayBeWithdrawn(t *testing.T) {
	for _, c := range []struct{ kind, check, want string }{
		{"any shape", "sum", `leave audiosep.Sums out of Define, in another language "sums" out of the promises`},
		{"any shape", "lazy", `leave audiosep.Lazy out of Define, in another language "lazy" out of the promises`},
		{"any shape", "frame-local", `leave audiosep.Local out of Define, in another language "local" out of the promises`},
		{"separator by its ports", "sum", "have Run, in Python run, in its place"},
		{"separator", "Separate real: sum", "have Run in the place of Group and Separate"},
	} {
		checks := allChecks()[c.kind]
		i := slices.IndexFunc(checks, func(is check) bool { return is.name == c.check })
		if i < 0 || !strings.Contains(checks[i].hint, c.want) {
			t.Errorf("%s: %s: want a hint with %q; checks are %v", c.kind, c.check, c.want, checks)
		}
	}
}
