// Package labeltrack reads the label tracks that Audacity exports, spectral ones too.
package labeltrack

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Label is one of a track.
type Label struct {
	From, To  float64 // s, finite
	Low, High float64 // Hz; NaN where the label has no such bound
	Text      string  // without the spaces around it
	Line      int     // where it is, counted from 1
}

// Parse reads a line "from, to, text" for each label, with tabs between, and for a spectral one
// a line "\, low, high" after it, negative where there is no bound. Numbers may have a comma for
// the point. Errors name the line.
func Parse(text string) ([]Label, error) {
	if !utf8.ValidString(text) {
		return nil, fmt.Errorf("it is no text in UTF-8; want Audacity's labels")
	}
	var labels []Label
	line := 0
	for l := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		line++
		if l = strings.TrimRight(l, "\r\n"); strings.TrimSpace(l) == "" {
			continue
		}
		cells := strings.SplitN(l, "\t", 3)
		if len(cells) < 3 {
			return nil, fmt.Errorf("line %d is %q; want two times in s and a label with tabs between them, as Audacity exports them", line, l)
		}
		spectral := cells[0] == `\`
		if spectral {
			if len(labels) == 0 {
				return nil, fmt.Errorf("line %d has frequencies, but no label stands before them; want one", line)
			}
			if err := labels[len(labels)-1].bound(cells[1], cells[2]); err != nil {
				return nil, fmt.Errorf("line %d: %w", line, err)
			}
			continue
		}
		label := Label{Low: math.NaN(), High: math.NaN(), Text: strings.TrimSpace(cells[2]), Line: line}
		var err error
		if label.From, err = Number("onset", cells[0]); err == nil {
			label.To, err = Number("offset", cells[1])
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		if label.Text == "" {
			return nil, fmt.Errorf("line %d has no label; want a source's name", line)
		}
		labels = append(labels, label)
	}
	return labels, nil
}

// bound gives the label its frequencies.
func (l *Label) bound(low, high string) error {
	for _, b := range []struct {
		what, text string
		to         *float64
	}{{"low frequency", low, &l.Low}, {"high frequency", high, &l.High}} {
		hz, err := Number(b.what, b.text)
		if err != nil {
			return err
		}
		if hz >= 0 {
			*b.to = hz
		}
	}
	return nil
}

// Number reads a finite number, which may have a comma for the point, as programs write it where
// people do. The error says what it was to be.
func Number(what, text string) (float64, error) {
	plain := strings.TrimSpace(text)
	if strings.Count(plain, ",") == 1 && !strings.Contains(plain, ".") {
		plain = strings.Replace(plain, ",", ".", 1)
	}
	x, err := strconv.ParseFloat(plain, 64)
	if err != nil || math.IsNaN(x) || math.IsInf(x, 0) || strings.ContainsAny(plain, "xX_") {
		return 0, fmt.Errorf("the %s is %q; want a number", what, strings.TrimSpace(text))
	}
	return x, nil
}
