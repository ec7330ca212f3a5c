package record

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/logs"
	"github.com/audiosep/audiosep/internal/whole"
	"github.com/audiosep/audiosep/pipeline"
)

// Options say what a Writer writes, and where.
type Options struct {
	Version string            // of the program
	Build   string            // what tells the program from those of other builds; empty: not known
	Pins    map[string]string // SHA-256 of each plugin in use

	// Input is what the recording is called: the record is INPUT.audiosep.json where
	// audiosep.json is taken by the record of another run, or by something else.
	Input string
	// Several says that more runs write into the output folder: audiosep.json there would be of
	// which?
	Several bool
	// Called, where it is not nil, returns what the record calls a file that was read, for those that
	// lie on this machine for the run alone; empty: by its name relative to the record.
	Called func(path string) string
	// None says that nothing is written; Record has it all the same.
	None bool
	// Before are warnings of earlier parts of a run that goes on, and Warned is told those of this one that are not
	// among them, for later parts; it may be nil.
	Before []string
	Warned func(line string)
}

// Writer writes the record of one run. It is one of pipeline.Options.With, so that the record
// appears with the stems or not at all. Close must be called.
type Writer struct {
	p      *pipeline.Pipeline
	o      Options
	inputs func() []read // waits until they have been read
	cancel context.CancelFunc
	record *Record
	path   string
	set    *whole.Set
	log    *slog.Logger

	mu       sync.Mutex
	warnings []string
}

var _ audiosep.Withdrawer = (*Writer)(nil)

// New begins the record of a run of p: it reads what the run reads, beside it, for the SHA-256
// sums.
func New(p *pipeline.Pipeline, o Options) *Writer {
	w := &Writer{p: p, o: o, log: slog.New(slog.DiscardHandler)}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan []read, 1)
	go func() { done <- readAll(ctx, p.Reads()) }()
	w.cancel = cancel
	w.inputs = sync.OnceValue(func() []read { return <-done })
	return w
}

// read is an input as it was when it was read.
type read struct {
	File
	path string
}

func readAll(ctx context.Context, files []pipeline.File) (all []read) {
	for _, f := range files {
		r := read{File: File{Stage: f.Stage}, path: f.Path}
		// What cannot be read now is the run's to tell.
		r.Bytes, r.SHA256, _ = whole.Sum(ctx, f.Path)
		all = append(all, r)
	}
	return all
}

// Log returns a logger that hands everything on to log, and keeps the warnings for the record.
func (w *Writer) Log(log *slog.Logger) *slog.Logger {
	w.log = log
	return logs.Keep(log, slog.LevelWarn, w.warn)
}

// warn keeps a warning as a line: STAGE: message, name=value. Files are told relative to the
// output folder, so that the record does not depend on where that is.
func (w *Writer) warn(r slog.Record, attrs []slog.Attr) {
	var before, after strings.Builder
	each := func(a slog.Attr) bool {
		if a.Key == "stage" {
			before.WriteString(a.Value.String() + ": ")
		} else {
			fmt.Fprintf(&after, ", %s=%v", a.Key, a.Value)
		}
		return true
	}
	for _, a := range attrs {
		each(a)
	}
	r.Attrs(each)
	line := before.String() + r.Message + after.String()
	line = strings.ReplaceAll(line, w.p.Out+string(filepath.Separator), "")
	for _, f := range w.p.Reads() {
		if w.o.Called != nil && !whole.IsStandard(f.Path) {
			if called := w.o.Called(f.Path); called != "" {
				line = strings.ReplaceAll(line, f.Path, called)
			}
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.warnings = append(w.warnings, line)
	if w.o.Warned != nil && countOf(w.warnings, line) > countOf(w.o.Before, line) {
		w.o.Warned(line) // else an earlier part has said it, and it is kept
	}
}

func countOf(lines []string, line string) (n int) {
	for _, l := range lines {
		if l == line {
			n++
		}
	}
	return n
}

// all returns the warnings of all parts of the run. What an earlier part said and this one said again was said
// once.
func (w *Writer) all() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	again := map[string]int{}
	for _, line := range w.warnings {
		again[line]++
	}
	all := slices.Clone(w.warnings)
	for _, line := range w.o.Before {
		if again[line]--; again[line] < 0 {
			all = append(all, line)
		}
	}
	return all
}

// Commit writes the record of what the stages have written. It is called after they have.
func (w *Writer) Commit(ctx context.Context) error {
	outputs := w.p.Writes()
	if len(outputs) == 0 {
		return nil // everything went to standard output, where no record can lie beside it
	}
	dir := w.folder(outputs)
	var err error
	if w.record, err = w.make(ctx, dir, outputs); err != nil || w.o.None {
		return err
	}
	// Another run may take the name that has been chosen.
	for range 100 {
		if err = w.write(ctx, dir); !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return err
}

// make makes the record.
func (w *Writer) make(ctx context.Context, dir string, outputs []pipeline.File) (*Record, error) {
	r := &Record{Format: Format, Version: w.o.Version, Build: w.o.Build, Platform: Platform(), Seed: w.p.Seed, Inputs: []File{}, Outputs: []File{}, Warnings: []string{}}
	for i, in := range w.inputs() {
		in.Path = w.o.name(dir, in.path)
		if sum, size, ok := w.p.Digest(w.p.Reads()[i]); ok {
			in.SHA256, in.Bytes = hex.EncodeToString(sum[:]), size
		} else if w.p.Changed(in.path) {
			r.Changed = append(r.Changed, in.path)
			w.log.Warn("a file changed while it was read: what was separated is not known", "stage", in.Stage, "file", in.path)
			r.Warnings = append(r.Warnings, in.Stage+": "+in.Path+" changed while it was read")
		}
		r.Inputs = append(r.Inputs, in.File)
	}
	for _, out := range outputs {
		size, sum, err := whole.Sum(ctx, out.Path)
		if err != nil {
			return nil, err
		}
		r.Outputs = append(r.Outputs, File{out.Stage, pipeline.Relative(dir, out.Path), size, sum})
	}
	r.Warnings = append(r.Warnings, w.all()...)
	slices.Sort(r.Warnings) // they come from several threads
	spec, err := specOf(w.p, w.o, dir)
	r.Spec = spec
	return r, err
}

// specOf returns what a record in a folder has as the spec of p.
func specOf(p *pipeline.Pipeline, o Options, dir string) ([]byte, error) {
	return p.Canonical(func(path string, out bool) string {
		if out {
			return pipeline.Relative(p.Out, path)
		}
		return o.name(dir, path)
	}, o.Pins)
}

// name names an input from the folder of the record; - stays.
func (o *Options) name(dir, path string) string {
	if whole.IsStandard(path) {
		return whole.Standard
	}
	if o.Called != nil {
		if called := o.Called(path); called != "" {
			return called
		}
	}
	return pipeline.Relative(dir, path)
}

// folder is where the record lies: the deepest folder that has all files in it which lie in the
// output folder, or else the folder of the first file.
func (w *Writer) folder(outputs []pipeline.File) string {
	root, _ := filepath.Abs(w.p.Out)
	common := ""
	for _, f := range outputs {
		dir, _ := filepath.Abs(filepath.Dir(f.Path))
		switch {
		case !within(root, dir):
		case common == "":
			common = dir
		default:
			for !within(common, dir) {
				common = filepath.Dir(common)
			}
		}
	}
	if common == "" {
		common, _ = filepath.Abs(filepath.Dir(outputs[0].Path))
	}
	return common
}

func within(root, dir string) bool {
	rel, err := filepath.Rel(root, dir)
	return err == nil && filepath.IsLocal(rel)
}

// write writes the record into the folder.
func (w *Writer) write(ctx context.Context, dir string) error {
	text, err := w.record.text()
	if err != nil {
		return err
	}
	path, stale := w.choose(dir)
	w.set = &whole.Set{Overwrite: stale}
	f, err := w.set.Create(path)
	if err == nil {
		_, err = f.Write(text)
	}
	if err == nil {
		err = w.set.Commit(ctx)
	}
	if err != nil {
		err = errors.Join(err, w.set.Close())
		w.set = nil
		return err
	}
	w.path = path
	return nil
}

// choose returns the name of the record: of one that is stale, because it tells of a file that
// this run has written, or else the first that is free.
func (w *Writer) choose(dir string) (path string, stale bool) {
	free := ""
	root, _ := filepath.Abs(w.p.Out)
	for i := range 1000 {
		name := Name
		switch {
		case i == 0 && w.o.Several && dir == root:
			continue
		case i == 1:
			name = w.o.Input + "." + Name
		case i > 1:
			name = fmt.Sprintf("%s-%d.%s", w.o.Input, i, Name)
		}
		path := filepath.Join(dir, name)
		_, err := os.Lstat(path)
		switch {
		case err != nil && free == "":
			free = path
		case err == nil && w.stale(dir, path):
			return path, true
		}
		if err != nil && i > 0 {
			break
		}
	}
	return free, false
}

// stale tells whether a file is a record of files some of which this run has written.
func (w *Writer) stale(dir, path string) bool {
	old, err := Read(path)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(old.Outputs, func(f File) bool {
		return slices.ContainsFunc(w.record.Outputs, func(g File) bool { return f.Path == g.Path })
	})
}

// Withdraw undoes Commit.
func (w *Writer) Withdraw(context.Context) error {
	if w.set == nil {
		return nil
	}
	return w.set.Withdraw()
}

// Close ends the record; without Commit nothing of it is left.
func (w *Writer) Close() error {
	w.cancel()
	w.inputs()
	if w.set == nil {
		return nil
	}
	if w.set.Committed() {
		w.log.Info("record of the run", "file", w.path)
	}
	return w.set.Close()
}

// Record returns the record, after Commit; nil if there is none, since nothing was written to
// files.
func (w *Writer) Record() *Record { return w.record }

// Path returns where the record was written, after Commit; empty if it was not.
func (w *Writer) Path() string { return w.path }
