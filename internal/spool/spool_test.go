package spool

import (
	"math"
	"path/filepath"
	"slices"
	"testing"
)

// What is appended in pieces is read back in others, with zeros outside, to the last bit; and
// nothing is left in the folder for temporary files.
func TestSpool(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	s, err := New(2, 10)
	if err != nil {
		t.Fatal(err)
	}
	rows := [][]float64{{1, 2, 3, 4, 5, 6, 7, 8, 9, math.Pi}, {-1, -2, -3, -4, -5, -6, -7, -8, -9, 5e-324}}
	for r, x := range rows {
		for _, part := range [][]float64{x[:3], x[3:4], x[4:]} {
			if s.Full() == nil {
				t.Error("it is full too early")
			}
			if err := s.Append(r, part); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.Full(); err != nil {
		t.Error(err)
	}
	if s.Append(0, []float64{1}) == nil || s.Append(2, nil) == nil {
		t.Error("too many samples or rows are taken")
	}
	for at := -12; at <= 12; at++ {
		for r, x := range rows {
			got := slices.Repeat([]float64{math.NaN()}, 5)
			if err := s.ReadAt(got, r, at); err != nil {
				t.Fatal(err)
			}
			for i, v := range got {
				want := 0.0
				if at+i >= 0 && at+i < 10 {
					want = x[at+i]
				}
				if v != want {
					t.Errorf("row %d, sample %d is %v; want %v", r, at+i, v, want)
				}
			}
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(dir + "/*"); len(left) > 0 {
		t.Errorf("%v are left", left)
	}
}
