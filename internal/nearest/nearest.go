// Package nearest finds the name that somebody meant.
package nearest

import (
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
