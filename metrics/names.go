package metrics

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// aboutNames tells where what the sound says of which estimate belongs to which reference, or their order, is not what
// their names say, and where it is their order alone, which the caller asked for, though no name bears it out.
func (e *evaluation) aboutNames(frames []frame) []string {
	if e.refs < 2 || !slices.ContainsFunc(e.names[:e.refs], hasLetter) {
		return nil
	}
	named := e.named()
	if named == nil {
		if e.ordered {
			return []string{`no name says which estimate belongs to which reference: they are paired in the order of their names, as match "given" has it; match "sdr" pairs them by what is heard`}
		}
		return nil
	}
	defined, other := 0, 0
	for _, fr := range frames {
		if fr.perm != nil {
			defined++
			if !slices.Equal(fr.perm, named) {
				other++
			}
		}
	}
	if 2*other <= defined {
		return nil
	}
	var pairs []string
	for j, k := range named {
		pairs = append(pairs, fmt.Sprintf("%s and %s", printable(e.names[j]), printable(e.names[e.refs+k])))
	}
	return []string{fmt.Sprintf("by their names other references and estimates belong together: %s", strings.Join(pairs, ", "))}
}

// named returns which estimate each reference has by their names, nil where these do not give each one of its own: the
// one that is called the same, or else the one whose name has that of the reference among its words, as mix-vocals has
// vocals.
func (e *evaluation) named() []int {
	var named []int
	refs, ests := e.names[:e.refs], e.names[e.refs:2*e.refs]
	for _, ref := range refs {
		var same, within []int
		for k, est := range ests {
			if strings.EqualFold(ref, est) {
				same = append(same, k)
			}
			if strings.Contains(words(est), words(ref)) {
				within = append(within, k)
			}
		}
		if len(same) != 1 {
			same = within
		}
		if len(same) != 1 || slices.Contains(named, same[0]) || !hasLetter(ref) {
			return nil
		}
		named = append(named, same[0])
	}
	return named
}

// words returns the words of a name in small letters, each with a space on both sides.
func words(name string) string {
	all := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	return " " + strings.Join(all, " ") + " "
}

// hasLetter tells whether a name is more than a number, which recordings without names have, too.
func hasLetter(name string) bool { return strings.ContainsFunc(name, unicode.IsLetter) }
