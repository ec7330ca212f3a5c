// Package percussion tells from a source's name whether its notes have pitches.
package percussion

import (
	"slices"
	"strings"
	"unicode"
)

var words = []string{
	"drum", "drums", "drumkit", "drumset", "kit", "percussion", "perc", "shaker", "maracas", "cabasa", "guiro",
	"tambourine", "cymbal", "cymbals", "hihat", "hat", "hats", "snare", "kick", "tom", "toms", "conga", "congas",
	"bongo", "bongos", "tabla", "cajon", "claves", "clap", "claps", "cowbell", "triangle", "woodblock", "noise",
}

// Named tells whether a name has a word for percussion in it, such as drums or shaker: then
// the pitches of its notes are keys of a kit and no frequencies.
func Named(source string) bool {
	split := strings.FieldsFunc(strings.ToLower(source), func(r rune) bool { return !unicode.IsLetter(r) })
	return slices.ContainsFunc(split, func(w string) bool { return slices.Contains(words, w) })
}
