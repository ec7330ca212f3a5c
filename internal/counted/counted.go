// Package counted orders names as people count, 2 before 10, and says how many things there are: 1 channel, 2 channels.
package counted

import (
	"cmp"
	"fmt"
	"strings"
)

// Compare compares names with their runs of digits as numbers, leading zeros aside.
func Compare(a, b string) int {
	x, y := a, b
	for x != "" && y != "" {
		p, q := digits(x), digits(y)
		if p == 0 || q == 0 {
			if x[0] != y[0] {
				return cmp.Compare(x[0], y[0])
			}
			x, y = x[1:], y[1:]
			continue
		}
		m, n := strings.TrimLeft(x[:p], "0"), strings.TrimLeft(y[:q], "0")
		if c := cmp.Or(cmp.Compare(len(m), len(n)), cmp.Compare(m, n)); c != 0 {
			return c
		}
		x, y = x[p:], y[q:]
	}
	return cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(a, b))
}

// digits returns how many digits a string starts with.
func digits(s string) int {
	return len(s) - len(strings.TrimLeft(s, "0123456789"))
}

// Number is what things are counted in.
type Number interface {
	~int | ~int32 | ~int64 | ~uint32 | ~uint64
}

// Of says how many things there are, by the name of one: 1 channel, 2 channels, 2 entries.
func Of[N Number](n N, noun string) string {
	switch {
	case n == 1:
		return "1 " + noun
	case strings.HasSuffix(noun, "y"):
		return fmt.Sprintf("%d %sies", n, strings.TrimSuffix(noun, "y"))
	case strings.HasSuffix(noun, "ch"):
		return fmt.Sprintf("%d %ses", n, noun)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// Are is Of with what it does: 1 sample is, 2 samples are.
func Are[N Number](n N, noun string) string {
	if n == 1 {
		return Of(n, noun) + " is"
	}
	return Of(n, noun) + " are"
}

// There says the same as what there is: there is 1 source, there are 2 sources.
func There[N Number](n N, noun string) string {
	if n == 1 {
		return "there is " + Of(n, noun)
	}
	return "there are " + Of(n, noun)
}

// mostNames is how many names a line holds.
const mostNames = 10

// Names lists names in a line: a, b, c; of many the first ten, and how many more there are.
func Names(names []string) string {
	if more := len(names) - mostNames; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:mostNames], ", "), more)
	}
	return strings.Join(names, ", ")
}
