// Package report writes what passed the ports of a pipeline, as arrays that NumPy reads
// and as pictures, and how the stages went on.
package report

import (
	"archive/zip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/npy"
	"github.com/audiosep/audiosep/internal/page"
	"github.com/audiosep/audiosep/internal/whole"
	"github.com/audiosep/audiosep/pipeline"
)

// Report is a pipeline.Watcher that writes files:
//
//	STAGE.PORT.npz   power (v) that a stage has read, factors (w, h, objective), a real transform (phi)
//	STAGE.PORT.png   a picture of the same
//	STAGE.PORT.json  what is no array: the head, the framing, the groups of sources
//	steps.jsonl      a line for every step of every stage
//	log.jsonl        a line for each thing that a stage says, such as how far starts agree
//	metrics.json     where the spec names references: how near the stems are, as eval has it
//	report.html      all of this as a page that opens from a disk, without a network: players,
//	                 spectrograms, W and H, the atoms of a learnt Φ, the objective, groups, warnings
//
// They appear in the folder when the report is committed.
type Report struct {
	// Pipeline is what is run: the page plays what it reads and writes. It may be nil.
	Pipeline *pipeline.Pipeline

	next       pipeline.Watcher
	ports      []string
	dir        string
	references string       // a folder, or empty
	log        *slog.Logger // what Log has returned, or nil

	framing *audiosep.Framing // the last that passed
	tuning  map[string]tuning // by stage: of the transform that it makes
	of      map[int]tuning    // by bins: of the last transform with so many
	// The same for transforms without frequencies that have a matrix, and which the page shows.
	learnt   map[string]*learnt
	learntOf map[int]*learnt
	shown    []shownTransform
	unread   []unreadPower

	mu    sync.Mutex
	page  pageData
	files whole.Set
	names []string // of the files, in the order of their making
	old   []string // of those of the report that stood in the folder
	steps *whole.File
	said  *whole.File // nil until something is
	err   error       // the first
}

// New starts the report that spec asks for. What passes is handed on to next, which
// may be nil.
func New(spec pipeline.ReportSpec, next pipeline.Watcher) (*Report, error) {
	if spec.References != "" {
		if _, err := references(spec.References); err != nil {
			return nil, err
		}
	}
	r := &Report{next: next, ports: spec.Ports, dir: spec.Dir, references: spec.References, old: filesOf(spec.Dir), files: whole.Set{Overwrite: true}, tuning: map[string]tuning{}, of: map[int]tuning{},
		learnt: map[string]*learnt{}, learntOf: map[int]*learnt{},
		page: pageData{Powers: []pagePower{}, Factors: []pageFactors{}, Transforms: []pageTransform{}, Groups: []pageGroups{}, Said: []string{}}}
	var err error
	if r.steps, err = r.create("steps.jsonl"); err != nil {
		return nil, errors.Join(err, r.files.Close())
	}
	return r, nil
}

// Over has the report be of a pipeline. It is an error if a file that the pipeline reads would be
// replaced by one of the report, such as the factors of an earlier report by those of this one, or would go with
// that earlier report.
func (r *Report) Over(p *pipeline.Pipeline) error {
	r.Pipeline = p
	stages := map[string]bool{}
	for _, n := range p.Graph().Stages {
		stages[n.ID] = true
	}
	entries, _ := os.ReadDir(r.dir) // if it is not there, nothing in it is read
	for _, e := range entries {
		stage, _, _ := strings.Cut(e.Name(), ".")
		ours := slices.Contains([]string{"steps.jsonl", "log.jsonl", "metrics.json", "report.html"}, e.Name()) || slices.Contains(r.old, e.Name())
		if !ours && !(stages[stage] && slices.Contains([]string{".npz", ".png", ".json"}, filepath.Ext(e.Name()))) {
			continue
		}
		path := filepath.Join(r.dir, e.Name())
		if read := among(p.Reads(), path); read != nil {
			return fmt.Errorf("the report would replace %s, which stage %q reads; want another folder for the report", path, read.Stage)
		}
	}
	return nil
}

// among returns the file of a pipeline that is the one at path, or nil.
func among(files []pipeline.File, path string) *pipeline.File {
	at, err := os.Stat(path)
	if err != nil {
		return nil
	}
	for _, f := range files {
		if in, err := os.Stat(f.Path); err == nil && os.SameFile(at, in) {
			return &f
		}
	}
	return nil
}

// Commit has the files appear in the report's folder, in place of those of their names. What else the report had
// that stood there goes; files that are none of a report's stay.
func (r *Report) Commit(ctx context.Context) error {
	if r.err != nil {
		return r.err
	}
	if err := r.writePage(ctx); err != nil {
		return err
	}
	for _, name := range r.old {
		path := filepath.Join(r.dir, name)
		if is, err := os.Lstat(path); err != nil || !is.Mode().IsRegular() || slices.Contains(r.names, name) ||
			r.Pipeline != nil && among(r.Pipeline.Writes(), path) != nil {
			continue
		}
		r.files.Remove(path)
	}
	return r.files.Commit(ctx)
}

// filesOf returns the names of the files of the report in a folder, as its page has them; none where there is no page
// of a report.
func filesOf(dir string) (names []string) {
	text, err := os.ReadFile(filepath.Join(dir, "report.html"))
	if err != nil {
		return nil
	}
	var is struct {
		Files []string `json:"files"`
	}
	if json.Unmarshal(page.Data(text), &is) != nil {
		return nil
	}
	for _, name := range is.Files {
		if name == filepath.Base(name) && slices.Contains([]string{".npz", ".png", ".json", ".jsonl", ".html"}, filepath.Ext(name)) {
			names = append(names, name)
		}
	}
	return names
}

// Withdraw undoes Commit.
func (r *Report) Withdraw(context.Context) error { return r.files.Withdraw() }

// Close throws away what was not committed.
func (r *Report) Close() error { return r.files.Close() }

// file writes one file of the report.
func (r *Report) file(name string, write func(io.Writer) error) error {
	f, err := r.create(name)
	if err != nil {
		return err
	}
	return write(f)
}

func (r *Report) create(name string) (*whole.File, error) {
	r.names = append(r.names, name)
	return r.files.Create(filepath.Join(r.dir, name))
}

// Step notes a step.
func (r *Report) Step(stage string, s audiosep.Step) {
	if r.next != nil {
		r.next.Step(stage, s)
	}
	line := map[string]any{"stage": stage, "done": s.Done, "of": s.Of}
	if !math.IsNaN(s.Objective) {
		line["objective"] = s.Objective
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keep(json.NewEncoder(r.steps).Encode(line))
}

func (r *Report) keep(err error) {
	if r.err == nil {
		r.err = err
	}
}

// Port writes what passed a port, if the spec asks for it.
func (r *Report) Port(ref pipeline.Ref, c audiosep.Cargo, value any) {
	if r.next != nil {
		r.next.Port(ref, c, value)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.note(ref, value)
	if ref.Matches(r.ports) {
		r.see(ref, value)
		if err := r.port(ref, value); err != nil {
			r.keep(fmt.Errorf("the report of %v: %w", ref, err))
		}
	}
}

// tuning is the frequencies of a transform's bins, as part of the sample rate; nil: none.
type tuning []float64

// note remembers what the axes of pictures mean.
func (r *Report) note(ref pipeline.Ref, value any) {
	switch v := value.(type) {
	case audiosep.Framing:
		r.framing = &v
	case audiosep.Transform:
		var t tuning
		if tuned, ok := v.(audiosep.Tuned); ok {
			t = tuned.Frequencies()
		}
		r.tuning[ref.Stage], r.of[v.Bins()] = t, t
		var l *learnt
		if m, ok := v.(audiosep.MatrixTransform); ok && t == nil {
			l = &learnt{MatrixTransform: m}
		}
		r.learnt[ref.Stage], r.learntOf[v.Bins()] = l, l
	}
}

// rate is that of the last framing that passed, in Hz; 0: none has.
func (r *Report) rate() float64 {
	if r.framing == nil {
		return 0
	}
	return float64(r.framing.Rate)
}

// axes returns those of V of a stage, or, where that is no transform's, of so many bins. f is
// the framing, the last that passed if nil.
func (r *Report) axes(stage string, bins int, f *audiosep.Framing) Axes {
	var a Axes
	if f == nil {
		f = r.framing
	}
	if f == nil || f.Rate == 0 {
		return a
	}
	a.Seconds = float64(f.Hop*max(1, f.Share)) / float64(f.Rate)
	t, ok := r.tuning[stage]
	if !ok {
		t = r.of[bins]
	}
	for _, part := range t {
		a.Hz = append(a.Hz, part*float64(f.Rate))
	}
	return a
}

func (r *Report) port(ref pipeline.Ref, value any) error {
	name := ref.String()
	npz := func(arrays ...array) error {
		return r.file(name+".npz", func(w io.Writer) error { return writeNPZ(w, arrays...) })
	}
	heatMap := func(m mat.Matrix, names HeatMap) error {
		return r.file(name+".png", func(w io.Writer) error { return DrawHeatMap(w, m, names) })
	}
	switch v := value.(type) {
	case *mat.Dense:
		bins, _ := v.Dims()
		return errors.Join(npz(array{"v", v}),
			heatMap(Decibels(v), HeatMap{Title: "V", X: "column", Y: "bin", Z: "dB", Axes: r.axes(ref.Stage, bins, nil)}))
	case *audiosep.Factors:
		arrays := []array{{"w", v.W}, {"h", v.H}}
		if n := len(v.Objective); n > 0 {
			arrays = append(arrays, array{"objective", mat.NewDense(1, n, v.Objective)})
		}
		bins, _ := v.W.Dims()
		return errors.Join(npz(arrays...), r.file(name+".png", func(w io.Writer) error {
			return DrawFactors(w, v, r.axes(ref.Stage, bins, v.Framing))
		}))
	case audiosep.Power: // V that nothing has read, which is not had whole for the report alone: the page shows it
		return nil
	case audiosep.MatrixTransform:
		return errors.Join(npz(array{"phi", v.Phi()}), heatMap(v.Phi(), HeatMap{Title: "Φ", X: "sample", Y: "row"}))
	case audiosep.Transform:
		value = map[string]any{"samples": v.Len(), "bins": v.Bins(), "complex": v.Complex()}
	}
	return r.file(name+".json", func(w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(value)
	})
}

type array struct {
	name string
	m    mat.Matrix
}

func writeNPZ(to io.Writer, arrays ...array) error {
	z := zip.NewWriter(to)
	for _, a := range arrays {
		w, err := z.Create(a.name + ".npy")
		if err != nil {
			return err
		}
		if err := writeArray(w, a.m); err != nil {
			return err
		}
	}
	return z.Close()
}

func writeArray(w io.Writer, m mat.Matrix) error {
	rows, cols := m.Dims()
	return npy.Write(w, npy.Array{Shape: []int{rows, cols}, Data: mat.DenseCopyOf(m).RawMatrix().Data})
}
