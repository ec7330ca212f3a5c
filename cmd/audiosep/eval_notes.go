package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/audiosep/audiosep/metrics"
	"github.com/audiosep/audiosep/notes"
)

// runNotes holds the notes of one file against those of another.
func (e *evaluation) runNotes(cmd *cobra.Command) error {
	write := map[string]func(*metrics.NoteReport, io.Writer) error{
		"text": (*metrics.NoteReport).WriteText, "json": (*metrics.NoteReport).WriteJSON, "csv": (*metrics.NoteReport).WriteCSV,
	}[e.format]
	if write == nil {
		return fmt.Errorf("--format is %q; want text, json or csv", e.format)
	}
	if e.estimate == "" {
		return errors.New("--estimate names no file; with --notes want one of notes: MIDI, MusicXML or CSV")
	}
	for _, flag := range []string{"mixture", "convention", "match", "window", "hop", "taps", "load", "zero-mean", "fit-length", "per-channel", "ideal"} {
		if cmd.Flags().Changed(flag) {
			return fmt.Errorf("--%s is for sound; with --notes want --reference, --estimate and --format alone", flag)
		}
	}
	reference, err := notes.ReadFile(e.reference)
	if err != nil {
		return failure(cmd.Context(), err)
	}
	estimate, err := notes.ReadFile(e.estimate)
	if err != nil {
		return failure(cmd.Context(), err)
	}
	r, err := metrics.EvaluateNotes(reference, estimate)
	if err == nil {
		err = write(r, cmd.OutOrStdout())
	}
	if err != nil {
		return failure(cmd.Context(), err)
	}
	return nil
}
