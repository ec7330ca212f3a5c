package labeltrack_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/audiosep/audiosep/internal/labeltrack"
)

func TestParse(t *testing.T) {
	const text = "\ufeff1.5\t3,25\tthe voice\r\n\\\t100,5\t2000\r\n\n0\t2\tnoise\tand more\n\\\t-1\t-1\n"
	labels, err := labeltrack.Parse(text)
	want := "[{1.5 3.25 100.5 2000 the voice 1} {0 2 NaN NaN noise\tand more 4}]"
	if got := fmt.Sprint(labels); err != nil || got != want {
		t.Errorf("it is %s, %v; want %s", got, err, want)
	}
}

func TestRefused(t *testing.T) {
	for text, want := range map[string]string{
		"0\t1\n":              `line 1 is "0\t1"; want two times`,
		"0 1 a":               `line 1 is "0 1 a"; want two times`,
		"0\t1\t \n":           "line 1 has no label; want a source's name",
		"0\tone\ta":           `line 1: the offset is "one"; want a number`,
		"0\t1,000.5\ta":       `line 1: the offset is "1,000.5"; want a number`,
		"NaN\t1\ta":           `line 1: the onset is "NaN"; want a number`,
		"0\t1e999\ta":         `line 1: the offset is "1e999"; want a number`,
		"0\t0x1p4\ta":         `line 1: the offset is "0x1p4"; want a number`,
		"0\t1\ta\n\\\t1\tx":   `line 2: the high frequency is "x"; want a number`,
		"\n\\\t1\t2\n":        "line 2 has frequencies, but no label stands before them",
		"0\t1\t\xff\xfe":      "no text in UTF-8",
		"\xff\xfe0\x00\t\x00": "no text in UTF-8",
	} {
		if _, err := labeltrack.Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: the error is %v; want %s", text, err, want)
		}
	}
}

// Whatever is read is finite and has a name.
func FuzzParse(f *testing.F) {
	f.Add("0\t1,5\ta\n\\\t1\t-1\n")
	f.Fuzz(func(t *testing.T, text string) {
		labels, err := labeltrack.Parse(text)
		for _, l := range labels {
			if err == nil && (l.Text == "" || math.IsNaN(l.From+l.To) || math.IsInf(l.From+l.To, 0)) {
				t.Errorf("%q gives %v", text, l)
			}
		}
	})
}
