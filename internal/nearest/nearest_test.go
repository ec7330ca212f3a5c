package nearest_test

import (
	"testing"

	"github.com/audiosep/audiosep/internal/nearest"
)

// Names with the word that was given are asked after, all of them; a misspelt name is asked after by the nearest.
func TestQuestion(t *testing.T) {
	have := []string{"is_nmf", "kl_nmf", "nmfd", "hartley/dht", "blind", "hpss"}
	for name, want := range map[string]string{
		"nmf":    `did you mean "is_nmf" or "kl_nmf"?`,
		"DHT":    `did you mean "hartley/dht"?`,
		"blnd":   `did you mean "blind"?`,
		"is_nfm": `did you mean "is_nmf"?`,
		"opera":  "",
		"":       "",
	} {
		if got := nearest.Question(name, have); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
