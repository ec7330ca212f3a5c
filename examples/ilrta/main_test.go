package main

import (
	"math"
	"testing"
)

// A scene is the sum of its components, and the true P, W and H tell them apart better than
// W and H alone, which have learnt from the same sound.
func TestScene(t *testing.T) {
	for _, orthogonal := range []bool{true, false} {
		s := newScene(1, 20*bins, orthogonal)
		for i, x := range s.signal.Data[0] {
			if sum := s.parts[0][i] + s.parts[1][i] + s.parts[2][i]; math.Abs(sum-x) > 1e-12 {
				t.Fatalf("the components sum to %v at sample %d; want %v", sum, i, x)
			}
		}
		_, truth, err := s.known(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_, blind, err := s.learn(t.Context(), "none", 0, false)
		if err != nil {
			t.Fatal(err)
		}
		if truth < blind+6 {
			t.Errorf("orthogonal %t: the true P reaches %.1f dB, none %.1f dB; want 6 dB more", orthogonal, truth, blind)
		}
	}
}
