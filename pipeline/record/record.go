// Package record writes down what a run did, beside what it wrote: enough to run it again and
// to say whether the bytes are the same.
package record

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"runtime"

	"github.com/audiosep/audiosep/internal/kernel"
	"github.com/audiosep/audiosep/internal/whole"
)

// Name is what a record is called where the name is free.
const Name = "audiosep.json"

// Format is the version of the format of records.
const Format = 1

// Record is what is known of a run that ended well. It has no clock in it: the same program,
// pipeline, seed and recordings make the same record on machines of one platform.
type Record struct {
	Format   int      `json:"audiosep_record"`
	Version  string   `json:"version"`         // of the program
	Build    string   `json:"build,omitempty"` // what tells the program from those of other builds; empty: not known
	Platform string   `json:"platform"`        // as [Platform] has it
	Seed     uint64   `json:"seed"`
	Inputs   []File   `json:"inputs"`  // in the order of the stages that read them
	Outputs  []File   `json:"outputs"` // in the order of the stages that wrote them
	Warnings []string `json:"warnings"`
	// Spec is the pipeline with everything said ([pipeline.Pipeline.Canonical]). Files that it
	// reads are relative to the folder of the record.
	Spec json.RawMessage `json:"spec"`
	// Changed are the names of files that changed while they were read, of which one of the warnings is: what was
	// separated is not known.
	Changed []string `json:"-"`
}

// File is a file of a run.
type File struct {
	Stage  string `json:"stage"` // the id of the one that reads or writes it
	Path   string `json:"path"`  // relative to the folder of the record, with slashes; - is standard input
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"` // in hex; empty if it could not be read again
}

// Same tells whether two files have the same bytes, so far as that is known.
func (f File) Same(g File) bool {
	return f.SHA256 != "" && f.SHA256 == g.SHA256 && f.Bytes == g.Bytes
}

// Platform is what decides, beside the version of the program, which bits a run computes: the
// system, the architecture and the vector instructions in use, such as linux/amd64 avx2.
func Platform() string { return runtime.GOOS + "/" + runtime.GOARCH + " " + kernel.Path() }

// mostRecord bounds the size of a record that is read.
const mostRecord = 64 << 20

// Read reads a record.
func Read(path string) (*Record, error) {
	f, err := whole.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, mostRecord+1))
	if err != nil {
		return nil, err
	}
	return parse(path, text)
}

func parse(path string, text []byte) (*Record, error) {
	r := &Record{}
	switch err := json.Unmarshal(text, r); {
	case len(text) > mostRecord:
		return nil, fmt.Errorf("%s is longer than %d MiB; want the record of a run", path, mostRecord>>20)
	case err != nil:
		return nil, fmt.Errorf("%s is no record of a run: %w; want an %s that a run has left", path, err, Name)
	case r.Format == 0 || len(r.Spec) == 0:
		return nil, fmt.Errorf("%s is no record of a run; want an %s that a run has left", path, Name)
	case r.Format != Format:
		return nil, fmt.Errorf("%s is a record of format %d; this program reads format %d", path, r.Format, Format)
	}
	return r, nil
}

// text returns the record as it is written.
func (r *Record) text() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(r)
	return b.Bytes(), err
}
