package batch

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/audiosep/audiosep/internal/whole"
	"github.com/audiosep/audiosep/pipeline/record"
)

// DoneFile is the name of the file that says that an item is done. It is written last, into
// the folder of the outputs.
const DoneFile = "done.json"

// File is a file that an item has read or written.
type File struct {
	File   string `json:"file"` // an output's name is relative to the folder, with / between
	SHA256 string `json:"sha256"`
	Bytes  int64  `json:"bytes"`
}

// Metric is how well one stem, or with no name all of them in the mean, was separated.
type Metric struct {
	Convention string  `json:"convention"` // as eval names it
	Source     string  `json:"source,omitempty"`
	Name       string  `json:"name"` // SDR, SI-SDR, …
	Value      float64 `json:"value"`
}

// Done is what a done-file says. Only times, the host and the number of processors may differ
// when an item is done twice.
type Done struct {
	Format  int    `json:"audiosep_done"`
	ID      string `json:"id"`
	Name    string `json:"name"`
	Version string `json:"version"`
	// Platform is what the last bits depend on, such as linux/amd64 avx2.
	Platform string   `json:"platform"`
	Inputs   []File   `json:"inputs"`
	Set      []string `json:"set,omitempty"`
	Seed     *uint64  `json:"seed,omitempty"`
	Outputs  []File   `json:"outputs"`
	// Objectives has the last value of each stage's objective that made factors.
	Objectives map[string]float64 `json:"objectives,omitempty"`
	Metrics    []Metric           `json:"metrics,omitempty"`
	Warnings   []string           `json:"warnings,omitempty"`
	Audio      float64            `json:"audio"`      // seconds that the recording lasts
	Seconds    float64            `json:"seconds"`    // that separating took
	Measuring  float64            `json:"measuring"`  // seconds that the metrics took
	Processors int                `json:"processors"` // that it could use
	Host       string             `json:"host,omitempty"`
	Finished   time.Time          `json:"finished"`
}

func newDone(it *Item, version string) *Done {
	host, _ := os.Hostname()
	return &Done{Format: Format, ID: it.ID, Name: it.Name, Version: version, Platform: record.Platform(),
		Set: it.Set, Seed: it.Seed, Audio: it.Audio, Processors: runtime.GOMAXPROCS(0), Host: host}
}

// ReadDone reads a done-file.
func ReadDone(path string) (*Done, error) {
	text, err := whole.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return parseDone(path, text)
}

func parseDone(path string, text []byte) (*Done, error) {
	d := new(Done)
	if err := json.Unmarshal(text, d); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if d.Format != Format {
		return nil, fmt.Errorf("%s: the format is version %d; this program reads version %d", path, d.Format, Format)
	}
	return d, nil
}

// write writes the done-file into a folder that has the outputs. It is not synced: what a loss
// of power makes of it is no done-file, and the item is done again.
func (d *Done) write(dir string) error {
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, DoneFile), append(text, '\n'), 0o666)
}

// outputs lists the files below a folder, by name. Those that the record of the run tells of
// are not read again.
func outputs(ctx context.Context, dir string, rec *record.Record) (all []File, err error) {
	known := map[string]record.File{}
	for _, f := range rec.Outputs {
		known[f.Path] = f
	}
	err = filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil || rel == DoneFile {
			return err
		}
		f := File{File: filepath.ToSlash(rel)}
		if k, ok := known[f.File]; ok {
			f.SHA256, f.Bytes = k.SHA256, k.Bytes
		} else if f.Bytes, f.SHA256, err = whole.Sum(ctx, path); err != nil {
			return err
		}
		all = append(all, f)
		return nil
	})
	slices.SortFunc(all, func(a, b File) int { return strings.Compare(a.File, b.File) })
	return all, err
}

// Verify holds the outputs of a done item against their SHA-256, and returns what differs.
func (d *Done) Verify(ctx context.Context, dir string) error {
	for _, f := range d.Outputs {
		path := filepath.Join(dir, filepath.FromSlash(f.File))
		n, sum, err := whole.Sum(ctx, path)
		if err != nil {
			return err
		}
		if sum != f.SHA256 || n != f.Bytes {
			return fmt.Errorf("%s is not what was written: its SHA-256 is %s; want %s", path, sum, f.SHA256)
		}
	}
	return nil
}
