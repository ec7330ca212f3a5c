package notes

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/labeltrack"
)

// columns are what a table's columns may be called.
var columns = map[string][]string{
	"source":   {"stem", "source", "part"},
	"onset":    {"onset_s", "onset", "start", "from"},
	"offset":   {"offset_s", "offset", "end", "to"},
	"pitch":    {"midi", "pitch"},
	"velocity": {"velocity"},
}

// table is a CSV with named columns.
type table struct {
	r  *csv.Reader
	at map[string]int // what of columns is where
}

// openTable reads the first line of a CSV. It is an error if a column that is needed is not there.
func openTable(text []byte, needed ...string) (*table, error) {
	t := &table{r: csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff")))), at: map[string]int{}}
	t.r.TrimLeadingSpace, t.r.Comma = true, separator(text)
	head, err := t.r.Read()
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("it is empty; want a first line that names the columns")
	} else if err != nil {
		return nil, err
	}
	for i, name := range head {
		name = strings.ToLower(strings.TrimSpace(name))
		for what, names := range columns {
			if !slices.Contains(names, name) {
				continue
			}
			if _, ok := t.at[what]; ok {
				return nil, fmt.Errorf("line 1 has two columns for the %s; want one", what)
			}
			t.at[what] = i
		}
	}
	for _, what := range needed {
		if _, ok := t.at[what]; !ok {
			return nil, fmt.Errorf("line 1 is %q and has no column for the %s; want one called %s", strings.Join(head, ","), what, strings.Join(columns[what], " or "))
		}
	}
	return t, nil
}

// separator returns what stands between the columns of a CSV: a comma, or a semicolon if its
// first line has one and no comma, as where commas stand in numbers.
func separator(text []byte) rune {
	first, _, _ := bytes.Cut(text, []byte("\n"))
	if bytes.ContainsRune(first, ';') && !bytes.ContainsRune(first, ',') {
		return ';'
	}
	return ','
}

// each calls f with each line that follows and what an error in it is to begin with.
func (t *table) each(f func(field func(string) string) error) error {
	for {
		row, err := t.r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err // it names the line
		}
		line, _ := t.r.FieldPos(0)
		err = f(func(what string) string {
			if i, ok := t.at[what]; ok {
				return strings.TrimSpace(row[i])
			}
			return ""
		})
		if err != nil {
			return fmt.Errorf("line %d: %w", line, err)
		}
	}
}

// span reads the two times of a line.
func span(field func(string) string) (onset, offset float64, err error) {
	if onset, err = labeltrack.Number("onset", field("onset")); err != nil {
		return 0, 0, err
	}
	if offset, err = labeltrack.Number("offset", field("offset")); err != nil {
		return 0, 0, err
	}
	return onset, offset, checkSpan(onset, offset)
}

func parseCSV(text []byte) (audiosep.Notes, error) {
	t, err := openTable(text, "source", "onset", "offset", "pitch")
	if err != nil {
		return nil, err
	}
	var all audiosep.Notes
	loudest := 0.0
	err = t.each(func(field func(string) string) error {
		n := audiosep.Note{Source: field("source"), Pitch: math.NaN(), Velocity: 1}
		if n.Source == "" {
			return fmt.Errorf("the source is empty; want a name")
		}
		var err error
		if n.Onset, n.Offset, err = span(field); err != nil {
			return err
		}
		if text := field("pitch"); text != "" {
			if n.Pitch, err = parsePitch(text); err != nil {
				return err
			}
		}
		if text := field("velocity"); text != "" {
			if n.Velocity, err = labeltrack.Number("velocity", text); err != nil {
				return err
			}
		}
		if n.Velocity < 0 || n.Velocity > 127 {
			return fmt.Errorf("the velocity is %g; want 0 to 127, or 0 to 1", n.Velocity)
		}
		loudest = max(loudest, n.Velocity)
		all = append(all, n)
		return checkNumber(len(all))
	})
	if loudest > 1 {
		for i := range all {
			all[i].Velocity /= 127
		}
	}
	return all, err
}
