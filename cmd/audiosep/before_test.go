package main

import "testing"

// Sizes have two digits, or whole units, and no digits of binary fractions.
func TestSizeWords(t *testing.T) {
	for bytes, want := range map[int64]string{
		999: "999 B", 1e3: "1 kB", 4_134_168_166: "4.1 GB", 1_159_766_999: "1.2 GB", 835_000_000: "840 MB", 35_398_389: "35 MB", 1_297_300_000_000: "1300 GB",
	} {
		if got := sizeWords(bytes); got != want {
			t.Errorf("%d bytes are %q; want %q", bytes, got, want)
		}
	}
}
