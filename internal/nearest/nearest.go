// Package nearest finds the name that somebody meant.
package nearest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// Name returns the name of have that is closest to name by edit distance, upper and
// lower case being the same, or "" if none is close enough to be worth suggesting. Ties go
// to the first.
func Name(name string, have []string) string {
	best, least := "", len([]rune(name))/2+1
	for _, h := range have {
		if d := levenshtein.ComputeDistance(strings.ToLower(name), strings.ToLower(h)); d < least {
			best, least = h, d
		}
	}
	return best
}

// Question asks whether one of have was meant by name, as a sentence: did you mean "is_nmf"? Names that have it as one
// of their words, as is_nmf has nmf, are all asked after; else the nearest is. It is "" if none is near enough.
func Question(name string, have []string) string {
	var all []string
	for _, h := range have {
		if slices.ContainsFunc(strings.FieldsFunc(h, between), func(word string) bool { return strings.EqualFold(word, name) }) {
			all = append(all, fmt.Sprintf("%q", h))
		}
	}
	if near := Name(name, have); len(all) == 0 && near != "" {
		all = append(all, fmt.Sprintf("%q", near))
	}
	switch n := len(all); n {
	case 0:
		return ""
	case 1:
		return "did you mean " + all[0] + "?"
	default:
		return "did you mean " + strings.Join(all[:n-1], ", ") + " or " + all[n-1] + "?"
	}
}

// between tells whether a letter stands between the words of a name.
func between(r rune) bool { return strings.ContainsRune("_-/.", r) }
