package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/loopback"
	"github.com/audiosep/audiosep/internal/whole"
	"github.com/audiosep/audiosep/pipeline"
)

// asked is a run that is handed in.
type asked struct {
	Pipeline json.RawMessage `json:"pipeline"` // as in a file
	Preset   string          `json:"preset"`   // or the name of one
	Input    string          `json:"input"`    // instead of what the pipeline reads
	Seed     *uint64         `json:"seed"`
	Set      []string        `json:"set"` // STAGE.PARAMETER=VALUE
	// Options are those that the pipeline has, as flags of a command would give them.
	Options map[string]any `json:"options"`
}

// run is one run, from when it was handed in.
type run struct {
	id       int
	pipeline *pipeline.Pipeline
	ctx      context.Context
	cancel   context.CancelFunc
	hub      loopback.Hub

	mu     sync.Mutex
	state  string
	fault  string
	files  []string
	stages []stageState
	told   time.Time
	done   chan struct{} // closed when it has ended
}

// stageState is how far a stage is.
type stageState struct {
	Stage     string   `json:"stage"`
	Done      int      `json:"done"`
	Of        int      `json:"of"`
	Objective *float64 `json:"objective,omitempty"`
}

// shown is a run as it is told.
type shown struct {
	ID     int          `json:"id"`
	State  string       `json:"state"` // queued, running, done, failed, cancelled
	Name   string       `json:"name"`
	Error  string       `json:"error,omitempty"`
	Stages []stageState `json:"stages"`
	Files  []string     `json:"files"` // that it wrote, when it is done
}

func (x *run) shown() shown {
	x.mu.Lock()
	defer x.mu.Unlock()
	return shown{x.id, x.state, x.pipeline.Name, x.fault, append([]stageState{}, x.stages...), append([]string{}, x.files...)}
}

// submit takes a run and puts it at the end of the queue.
func (s *Server) submit(w http.ResponseWriter, r *http.Request) error {
	var a asked
	body, err := bounded(w, r, mostSpec)
	if err != nil {
		return err
	}
	dec := json.NewDecoder(body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&a); err != nil {
		return unread(err)
	}
	rest, err := io.ReadAll(io.MultiReader(dec.Buffered(), body))
	if err != nil {
		return unread(err)
	}
	if len(bytes.Trim(rest, " \t\r\n")) > 0 {
		return refuse(http.StatusBadRequest, "the request goes on after its JSON value, which ends at byte %d; want one value", dec.InputOffset())
	}
	// A check reads files, which others who ask for runs do not wait for.
	s.submitting.Lock()
	defer s.submitting.Unlock()
	if err := s.room(); err != nil {
		return err
	}
	p, err := s.check(&a, s.next)
	if err != nil {
		return err
	}
	x := &run{id: s.next, pipeline: p, state: "queued", done: make(chan struct{})}
	x.ctx, x.cancel = context.WithCancel(s.ctx)
	if err := s.enter(x); err != nil {
		return err
	}
	s.next++
	w.Header().Set("Location", "runs/"+strconv.Itoa(x.id))
	return loopback.Reply(w, http.StatusCreated, x.shown())
}

// unread is the error of a body that cannot be read.
func unread(err error) error {
	if errors.As(err, new(*http.MaxBytesError)) {
		return err
	}
	return refuse(http.StatusBadRequest, "the request cannot be read: %w", err)
}

// room says why no run is taken.
func (s *Server) room() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget()
	if len(s.runs) >= mostRuns {
		return refuse(http.StatusTooManyRequests, "%d runs are waiting; want fewer, or some cancelled", len(s.runs))
	}
	return nil
}

// enter puts a run at the end, and never waits.
func (s *Server) enter(x *run) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil { // nothing would end it any more
		x.cancel()
		return refuse(http.StatusServiceUnavailable, "the server is ending; want it begun again")
	}
	s.runs = append(s.runs, x)
	select {
	case s.more <- struct{}{}:
	default: // it is known that there are some
	}
	return nil
}

// first returns the run that has waited longest; nil: none waits. One that was cancelled does not.
func (s *Server) first() *run {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range s.runs {
		if x.shown().State == "queued" {
			return x
		}
	}
	return nil
}

// forget makes room: the oldest runs that have ended are no longer told of. Their files stay.
func (s *Server) forget() {
	for i := 0; len(s.runs) >= mostRuns && i < len(s.runs); {
		select {
		case <-s.runs[i].done:
			s.runs = append(s.runs[:i], s.runs[i+1:]...)
		default:
			i++
		}
	}
}

// check returns the pipeline that is asked for, if it reads and writes nothing outside of the
// folder and starts no other program.
func (s *Server) check(a *asked, id int) (*pipeline.Pipeline, error) {
	text := []byte(a.Pipeline)
	switch {
	case (a.Preset == "") == (len(text) == 0):
		return nil, refuse(http.StatusBadRequest, "there are a pipeline and a preset, or neither; want one of the two")
	case a.Preset != "":
		var ok bool
		if text, ok = s.Preset(a.Preset); !ok {
			return nil, refuse(http.StatusBadRequest, "there is no preset %q", a.Preset)
		}
	}
	spec, err := pipeline.Parse("pipeline", text)
	if err != nil {
		return nil, err
	}
	if names := spec.PluginNames(); len(names) > 0 || len(spec.Plugins) > 0 {
		return nil, refuse(http.StatusForbidden, "the pipeline uses plugins %q; want stages that are compiled in", names)
	}
	spec.Dir, spec.Out = filepath.Join(s.Dir, "inputs"), filepath.Join(s.Dir, "runs", strconv.Itoa(id))
	if a.Seed != nil {
		spec.Seed = *a.Seed
	}
	if a.Input != "" {
		if err := inputName(a.Input); err != nil {
			return nil, err
		}
		if err := s.local(a.Input, true); err != nil {
			return nil, away("input", err)
		}
		spec.SetInput("input", filepath.Join(spec.Dir, a.Input))
	}
	if err := options(spec, a.Options); err != nil {
		return nil, err
	}
	for _, arg := range a.Set {
		spec.Set(arg)
	}
	if err := s.inside(spec, a.Input != ""); err != nil {
		return nil, err
	}
	// What is set would be sought in the working folder.
	spec.MoveFiles(s.Registry, func(_, path string, out bool) string {
		if out || path == "" {
			return path
		}
		return filepath.Join(spec.Dir, filepath.FromSlash(path))
	})
	return pipeline.Check(spec, s.Registry)
}

// options gives a pipeline's options their values.
func options(spec *pipeline.Spec, given map[string]any) error {
	var names []string
	for _, o := range spec.Options {
		names = append(names, o.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		i := slices.Index(names, name)
		if i < 0 {
			return refuse(http.StatusUnprocessableEntity, "options: there is no option %q; want some of %q", name, names)
		}
		value, err := json.Marshal(given[name])
		if err != nil {
			return err
		}
		if text, ok := given[name].(string); ok {
			value = []byte(text)
		}
		spec.SetOption(spec.Options[i], string(value))
	}
	return nil
}

// away is why a file is not taken: it is not there, or leads out of the folder.
func away(what string, err error) error {
	if errors.Is(err, errAbsent) {
		return refuse(http.StatusUnprocessableEntity, "%s: %w", what, err)
	}
	return refuse(http.StatusForbidden, "%s: %w", what, err)
}

// inside says which file of a spec is not in the folder, or is no file: - is standard input
// or output. Links are followed. With an input given, what a source reads otherwise need not be there.
func (s *Server) inside(spec *pipeline.Spec, given bool) error {
	for _, st := range spec.Stages {
		def, _ := s.Registry.Lookup(st.Use)
		var params map[string]json.RawMessage
		if json.Unmarshal(st.Params, &params) != nil {
			continue // which the check tells
		}
		for _, p := range def.Params {
			if p.File == "" || params[p.Name] == nil {
				continue
			}
			if string(bytes.TrimSpace(params[p.Name])) == "null" { // as is null, the word
				return refuse(http.StatusUnprocessableEntity, "stage %q: parameter %s is null; want the name of a file, or nothing", st.ID, p.Name)
			}
			var one string
			var many []string
			if json.Unmarshal(params[p.Name], &one) == nil {
				many = []string{one}
			} else if json.Unmarshal(params[p.Name], &many) != nil { // a flag's number is a text to the check
				return refuse(http.StatusUnprocessableEntity, "stage %q: parameter %s is %s; want the name of a file, in quotation marks", st.ID, p.Name, params[p.Name])
			}
			for _, name := range many {
				err := s.local(name, p.File == "in")
				if err != nil && !(given && len(def.In) == 0 && errors.Is(err, errAbsent)) {
					return away(fmt.Sprintf("stage %q: parameter %s", st.ID, p.Name), err)
				}
			}
		}
	}
	if spec.Report != nil && !filepath.IsLocal(filepath.FromSlash(spec.Report.Dir)) {
		return refuse(http.StatusForbidden, "the report's folder is %q; want one below that of the run", spec.Report.Dir)
	}
	if spec.Report != nil && spec.Report.References != "" {
		return refuse(http.StatusForbidden, "the report's references are the folder %q; want none, as inputs are files", spec.Report.References)
	}
	return nil
}

var errAbsent = errors.New("want it put there first")

// local says why a name is not that of a file of the server's: of an input, or one that a run may write.
func (s *Server) local(name string, read bool) error {
	path := filepath.FromSlash(name)
	if name == "" {
		return nil
	}
	if !filepath.IsLocal(path) || whole.IsStandard(path) {
		return fmt.Errorf("%q is no name below the server's folder; want that of an input", name)
	}
	if !read {
		return nil
	}
	// os.Root refuses what links lead out to. A pipe is not opened: nobody may write to it.
	info, err := s.root.Stat(filepath.Join("inputs", path))
	if err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%q is no file", name)
	}
	var f *os.File
	if err == nil {
		f, err = s.root.Open(filepath.Join("inputs", path))
	}
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no input %q; %w", name, errAbsent)
	} else if err != nil {
		return fmt.Errorf("%q cannot be opened inside of the server's folder: %w", name, err)
	}
	return f.Close()
}

// work runs one after the other until the server ends, and then ends those that wait.
func (s *Server) work() {
	for s.ctx.Err() == nil {
		if x := s.first(); x != nil {
			x.run(s)
			continue
		}
		select {
		case <-s.ctx.Done():
		case <-s.more:
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range s.runs {
		x.end()
	}
}

// run runs it, unless it was cancelled while it waited.
func (x *run) run(s *Server) {
	x.mu.Lock()
	if x.state != "queued" {
		x.mu.Unlock()
		return
	}
	x.state = "running"
	x.mu.Unlock()
	x.hub.Tell("state", x.shown())
	err := func() (err error) {
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("a fault of the program: %v", p)
			}
		}()
		return s.Run(x.ctx, x.pipeline, pipeline.Options{Watcher: x})
	}()
	var files []string
	if err == nil {
		dir := filepath.Join("runs", strconv.Itoa(x.id))
		err = fs.WalkDir(s.root.FS(), filepath.ToSlash(dir), func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				files = append(files, strings.TrimPrefix(path, filepath.ToSlash(dir)+"/"))
			}
			return err
		})
		if errors.Is(err, fs.ErrNotExist) { // it writes nothing
			err = nil
		}
	}
	switch {
	case err == nil:
		x.finish("done", "", files)
	case x.ctx.Err() != nil:
		x.finish("cancelled", "", nil)
	default:
		x.finish("failed", strings.ReplaceAll(err.Error(), s.Dir+string(filepath.Separator), ""), nil)
	}
}

// finish says how it ended. Only the first call counts.
func (x *run) finish(state, fault string, files []string) {
	x.mu.Lock()
	ended := x.state != "queued" && x.state != "running"
	if !ended {
		x.state, x.fault, x.files = state, fault, files
	}
	x.mu.Unlock()
	x.cancel()
	if !ended {
		x.hub.Tell("state", x.shown())
		close(x.done) // what listens sends the state, then ends
	}
}

// end cancels it.
func (x *run) end() {
	x.mu.Lock()
	queued := x.state == "queued"
	x.mu.Unlock()
	x.cancel()
	if queued {
		x.finish("cancelled", "", nil)
	}
}

// Port is that of a pipeline.Watcher.
func (x *run) Port(pipeline.Ref, audiosep.Cargo, any) {}

// Step tells how far a stage is, twenty times a second at most, and its end.
func (x *run) Step(stage string, s audiosep.Step) {
	x.mu.Lock()
	state := stageState{Stage: stage, Done: s.Done, Of: s.Of}
	if !math.IsNaN(s.Objective) && !math.IsInf(s.Objective, 0) {
		state.Objective = &s.Objective
	}
	at := -1
	for i := range x.stages {
		if x.stages[i].Stage == stage {
			at = i
		}
	}
	if at < 0 {
		at, x.stages = len(x.stages), append(x.stages, stageState{})
	}
	x.stages[at] = state
	now := time.Now()
	tell := now.Sub(x.told) > 50*time.Millisecond || s.Done >= s.Of
	if tell {
		x.told = now
	}
	x.mu.Unlock()
	if tell {
		x.hub.Tell("step", state)
	}
}
