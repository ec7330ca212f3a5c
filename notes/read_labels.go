package notes

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/labeltrack"
)

// ReadLabelsParams are the parameters of read_labels.
type ReadLabelsParams struct {
	File string `json:"file" file:"in" doc:"The labels: a label track that Audacity exported, or CSV with the columns source, from and to."`
}

var readLabelsStage = audiosep.Define("read_labels",
	`Reads who plays when: labels from one time to another, as notes without a pitch.
A label track of Audacity has on each line two times in s and a source's name, with tabs between them; the frequencies of spectral labels are passed over. A CSV has a first line that names its columns: source (or stem, part), from and to (or onset, offset; start, end), with commas or semicolons between them. Numbers may have a comma for the point.`,
	ReadLabelsParams{}, NewReadLabels, audiosep.Lazy)

// ReadLabels is the stage read_labels.
type ReadLabels struct{ p ReadLabelsParams }

// NewReadLabels returns the stage; the file is read when it runs.
func NewReadLabels(p ReadLabelsParams) (*ReadLabels, error) {
	if err := audiosep.CheckStruct(p); err != nil {
		return nil, err
	}
	if p.File == "" {
		return nil, &audiosep.ParamError{Name: "file", What: "is empty; want the name of a file of labels"}
	}
	return &ReadLabels{p}, nil
}

// Run reads the labels.
func (s *ReadLabels) Run(ctx context.Context, _ audiosep.Env, _ None) (Out, error) {
	n, err := readFile(s.p.File, ParseLabels)
	if err == nil {
		err = ctx.Err()
	}
	return Out{n}, err
}

// ParseLabels reads labels: Audacity's, or CSV. Each becomes a note whose pitch is NaN and
// whose velocity is 1. Errors name the line.
func ParseLabels(text []byte) (audiosep.Notes, error) {
	if !utf8.Valid(text) {
		return nil, errNoText
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	first, _, _ := bytes.Cut(text, []byte("\n"))
	parse := parseLabelCSV
	if bytes.ContainsRune(first, '\t') {
		parse = parseLabelTrack
	}
	n, err := parse(text)
	if err != nil {
		return nil, err
	}
	return sorted(n)
}

func label(source string, onset, offset float64) audiosep.Note {
	return audiosep.Note{Onset: onset, Offset: offset, Pitch: math.NaN(), Source: source, Velocity: 1}
}

func parseLabelCSV(text []byte) (all audiosep.Notes, err error) {
	t, err := openTable(text, "source", "onset", "offset")
	if err != nil {
		return nil, err
	}
	err = t.each(func(field func(string) string) error {
		onset, offset, err := span(field)
		if err != nil {
			return err
		}
		if field("source") == "" {
			return fmt.Errorf("the source is empty; want a name")
		}
		all = append(all, label(field("source"), onset, offset))
		return checkNumber(len(all))
	})
	return all, err
}

func parseLabelTrack(text []byte) (all audiosep.Notes, err error) {
	labels, err := labeltrack.Parse(string(text))
	if err != nil {
		return nil, err
	}
	if err := checkNumber(len(labels)); err != nil {
		return nil, err
	}
	for _, l := range labels {
		if err := checkSpan(l.From, l.To); err != nil {
			return nil, fmt.Errorf("line %d: %w", l.Line, err)
		}
		all = append(all, label(l.Text, l.From, l.To))
	}
	return all, nil
}
