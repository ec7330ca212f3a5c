package record_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/whole"
	"github.com/audiosep/audiosep/pipeline"
	"github.com/audiosep/audiosep/pipeline/record"
)

// letters writes the letters of a word, as two sources, to files.
type letters struct {
	Files []string `json:"files" file:"in" doc:"What is read."`
	Out   string   `json:"out" file:"out" doc:"What is written."`
}

// writer is the stage: a sink without sound, which is enough for a record.
type writer struct {
	p   letters
	set whole.Set
}

type none struct{}
type word struct {
	Notes audiosep.Notes `port:"notes"`
}

func (w *writer) Run(ctx context.Context, env audiosep.Env, _ word) (none, error) {
	env.Logger().Warn("a letter was cut", "file", w.p.Out, "letters", 3)
	f, err := w.set.Create(w.p.Out)
	if err == nil {
		_, err = f.WriteString("stem")
	}
	return none{}, err
}

func (w *writer) Commit(ctx context.Context) error   { return w.set.Commit(ctx) }
func (w *writer) Withdraw(ctx context.Context) error { return w.set.Withdraw() }
func (w *writer) Writes() []string                   { return []string{w.p.Out} }
func (w *writer) Close() error                       { return w.set.Close() }

// silent makes no notes.
type silent struct{}

func (silent) Run(context.Context, audiosep.Env, none) (word, error) {
	return word{audiosep.Notes{{Offset: 1}}}, nil
}

// run runs a pipeline of the two into a folder, with what else is to be committed.
func run(t *testing.T, dir string, o record.Options, last ...audiosep.Committer) (*record.Writer, error) {
	t.Helper()
	reg := pipeline.NewRegistry([]audiosep.Definition{
		audiosep.Define("silent", "Notes.", struct{}{}, func(struct{}) (silent, error) { return silent{}, nil }),
		audiosep.Define("letters", "Letters.", letters{Out: "word.txt"}, func(p letters) (*writer, error) { return &writer{p: p}, nil }),
	})
	in := filepath.Join(dir, "in.txt")
	if err := os.WriteFile(in, []byte("abc"), 0o666); err != nil {
		t.Fatal(err)
	}
	spec, err := pipeline.Parse(filepath.Join(dir, "p.json"), fmt.Appendf(nil,
		`{"audiosep": 1, "seed": 18446744073709551615, "stages": [{"use": "silent"}, {"use": "letters", "params": {"files": [%q]}}]}`, in))
	if err != nil {
		t.Fatal(err)
	}
	spec.Out = filepath.Join(dir, "out")
	p, err := pipeline.Check(spec, reg)
	if err != nil {
		t.Fatal(err)
	}
	w := record.New(p, o)
	err = p.Run(t.Context(), pipeline.Options{Log: w.Log(slog.New(slog.DiscardHandler)), With: append([]audiosep.Committer{w}, last...)})
	return w, errors.Join(err, w.Close())
}

// TestRecord: what a record says, and that its spec says everything.
func TestRecord(t *testing.T) {
	dir := t.TempDir()
	w, err := run(t, dir, record.Options{Version: "1.2", Input: "in"})
	if err != nil {
		t.Fatal(err)
	}
	r, err := record.Read(filepath.Join(dir, "out", "audiosep.json"))
	if err != nil {
		t.Fatal(err)
	}
	const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  // FIPS 180-2, B.1
	const stem = "919a11f948095f31d9220d1d6f1e4fda01b2826094c6d3c711cc8c6c696c34e0" // printf stem | sha256sum
	if in := r.Inputs; len(in) != 1 || in[0] != (record.File{Stage: "letters", Path: "../in.txt", Bytes: 3, SHA256: abc}) {
		t.Errorf("inputs are %+v; want in.txt, which has abc", in)
	}
	if out := r.Outputs; len(out) != 1 || out[0] != (record.File{Stage: "letters", Path: "word.txt", Bytes: 4, SHA256: stem}) {
		t.Errorf("outputs are %+v", out)
	}
	if got := strings.Join(r.Warnings, "\n"); got != "letters: a letter was cut, file=word.txt, letters=3" {
		t.Errorf("warnings are %q", got)
	}
	if r.Seed != 1<<64-1 || r.Version != "1.2" || r.Platform != record.Platform() {
		t.Errorf("the record is %+v", r)
	}
	for _, want := range []string{`"../in.txt"`, `"word.txt"`, `"silent.notes"`, "18446744073709551615"} {
		if !strings.Contains(string(r.Spec), want) {
			t.Errorf("the spec has no %s:\n%s", want, r.Spec)
		}
	}
	if w.Path() != filepath.Join(dir, "out", "audiosep.json") {
		t.Errorf("its path is %s", w.Path())
	}
}

// fails is what cannot commit.
type fails struct{}

func (fails) Commit(context.Context) error { return errors.New("the disk is full") }

// TestRecordWithdrawn: if what comes after cannot commit, neither record nor stems are left, and
// a record of other files that lay there is as it was.
func TestRecordWithdrawn(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	if _, err := run(t, dir, record.Options{Input: "in"}, fails{}); err == nil {
		t.Fatal("the run went well; want its error")
	}
	if left, _ := filepath.Glob(filepath.Join(out, "*")); len(left) > 0 {
		t.Errorf("%v are left", left)
	}
	if _, err := run(t, dir, record.Options{Input: "in"}); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(filepath.Join(out, record.Name))
	if err != nil {
		t.Fatal(err)
	}
	os.Remove(filepath.Join(out, "word.txt"))
	if _, err := run(t, dir, record.Options{Input: "in", Version: "other"}, fails{}); err == nil {
		t.Fatal("the run went well; want its error")
	}
	if after, err := os.ReadFile(filepath.Join(out, record.Name)); err != nil || string(after) != string(before) {
		t.Errorf("the record was replaced by one of a run that failed: %v", err)
	}
}

// TestRecordWarnings: however often a run is killed and goes on, a warning that each of its parts gives stands
// once in its record, and is kept once.
func TestRecordWarnings(t *testing.T) {
	dir := t.TempDir()
	var kept []string
	for part := range 3 {
		o := record.Options{Input: "in", Before: slices.Clone(kept), Warned: func(line string) { kept = append(kept, line) }}
		var last []audiosep.Committer
		if part < 2 {
			last = []audiosep.Committer{fails{}}
		}
		if _, err := run(t, dir, o, last...); (err == nil) != (part == 2) {
			t.Fatal(err)
		}
	}
	r, err := record.Read(filepath.Join(dir, "out", record.Name))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Warnings) != 1 || len(kept) != 1 {
		t.Errorf("the record has the warnings %q, and %q are kept; want one", r.Warnings, kept)
	}
}

// TestRecordOfExchanged: that another file was for a while where one is read, which then came back, is told.
func TestRecordOfExchanged(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the system does not tell when a file was renamed")
	}
	dir := t.TempDir()
	in := filepath.Join(dir, "in.txt")
	there := func(string) { // when the stage warns
		time.Sleep(20 * time.Millisecond) // the grain of a file's time
		if err := errors.Join(os.Rename(in, in+"-"), os.WriteFile(in, []byte("xyz"), 0o666), os.Rename(in+"-", in)); err != nil {
			t.Error(err)
		}
	}
	w, err := run(t, dir, record.Options{Input: "in", Warned: there})
	if err != nil {
		t.Fatal(err)
	}
	if r := w.Record(); !slices.Equal(r.Changed, []string{in}) || !slices.Contains(r.Warnings, "letters: ../in.txt changed while it was read") {
		t.Errorf("it tells of %q, and warns %q; want in.txt", r.Changed, r.Warnings)
	}
	os.RemoveAll(filepath.Join(dir, "out"))
	if w, err = run(t, dir, record.Options{Input: "in"}); err != nil || len(w.Record().Changed) > 0 {
		t.Errorf("%v; it tells of a file that was left alone", err)
	}
}

func TestReadRefuses(t *testing.T) {
	for text, want := range map[string]string{
		`{}`:                                 "is no record of a run",
		`[1]`:                                "is no record of a run",
		`{"audiosep": 1, "stages": []}`:      "is no record of a run",
		`{"audiosep_record": 2, "spec": {}}`: "is a record of format 2; this program reads format 1",
	} {
		path := filepath.Join(t.TempDir(), record.Name)
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := record.Read(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %s", text, err, want)
		}
	}
}
