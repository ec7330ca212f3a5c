// Package serve runs pipelines for programs that ask over HTTP, such as scripts of a DAW: they
// hand in recordings and pipelines, are told how far a run is, cancel it, and fetch what it
// made. openapi.json describes it. All files are in one folder, which nothing leads out of:
//
//	inputs/NAME     recordings, scores and whatever else pipelines read
//	runs/ID/…       what runs wrote
package serve

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"

	"github.com/audiosep/audiosep/internal/loopback"
	"github.com/audiosep/audiosep/internal/whole"
	"github.com/audiosep/audiosep/pipeline"
)

// Options say where files are, and how a pipeline is run.
type Options struct {
	Dir      string // the folder
	Registry *pipeline.Registry
	// Preset returns the text of a pipeline that has a name.
	Preset func(name string) (text []byte, ok bool)
	// Run runs a checked pipeline.
	Run func(ctx context.Context, p *pipeline.Pipeline, o pipeline.Options) error
	// MostInput bounds an input, in bytes; 0: 1 GiB.
	MostInput int64
}

const (
	// MostBody bounds requests as long as any input may be, in bytes: a guard cuts at it.
	MostBody = 8 << 30
	mostSpec = 1 << 20
	mostRuns = 256 // that are remembered; more are refused until some are deleted
)

// Server runs what it is asked for, one run after the other.
type Server struct {
	Options
	lock  *os.File // so that no other server numbers runs in it
	root  *os.Root // of the folder: it opens nothing outside, whatever links say
	ctx   context.Context
	stop  context.CancelFunc
	ended chan struct{}
	more  chan struct{} // that there may be a run that waits; it has room for one word

	submitting sync.Mutex // held while a run is handed in; before mu
	next       int        // number of the next

	mu   sync.Mutex // held for moments
	runs []*run     // that are told of, in the order in which they were handed in
}

// New opens a folder, which it makes if it is not there and no other server may have. Close ends the runs.
func New(ctx context.Context, o Options) (*Server, error) {
	if o.MostInput == 0 {
		o.MostInput = 1 << 30
	}
	dir, err := filepath.Abs(o.Dir)
	for _, part := range []string{"inputs", "runs"} {
		err = errors.Join(err, os.MkdirAll(filepath.Join(dir, part), 0o777))
	}
	if err != nil {
		return nil, err
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return nil, err
	}
	o.Dir = dir
	s := &Server{Options: o, more: make(chan struct{}, 1), ended: make(chan struct{}), next: 1}
	if s.lock, err = whole.Own(filepath.Join(dir, ".audiosep-lock")); errors.Is(err, whole.ErrOwned) {
		return nil, fmt.Errorf("another server has the folder %s; want it to end first, or another folder", dir)
	} else if err != nil {
		return nil, err
	}
	if s.root, err = os.OpenRoot(dir); err != nil {
		return nil, errors.Join(err, s.lock.Close())
	}
	old, err := os.ReadDir(filepath.Join(dir, "runs"))
	if err != nil {
		return nil, errors.Join(err, s.root.Close(), s.lock.Close())
	}
	for _, e := range old { // of an earlier server: their files stay, their numbers are taken
		if id, err := strconv.Atoi(e.Name()); err == nil {
			s.next = max(s.next, id+1)
		}
	}
	s.ctx, s.stop = context.WithCancel(ctx)
	go func() {
		defer close(s.ended)
		s.work()
	}()
	return s, nil
}

// Close ends what is being run.
func (s *Server) Close() error {
	s.stop()
	<-s.ended
	return errors.Join(s.root.Close(), s.lock.Close())
}

//go:embed openapi.json
var description []byte

// Description is what OpenAPI says of the server.
func Description() []byte { return description }

// Handler answers requests. Put it behind a guard: it trusts who asks.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, answer := range map[string]func(http.ResponseWriter, *http.Request) error{
		"GET /v1/openapi.json":              func(w http.ResponseWriter, _ *http.Request) error { return send(w, description) },
		"GET /v1/stages":                    func(w http.ResponseWriter, _ *http.Request) error { return loopback.Reply(w, 200, s.Registry.Stages()) },
		"GET /v1/inputs":                    s.listInputs,
		"PUT /v1/inputs/{name}":             s.putInput,
		"DELETE /v1/inputs/{name}":          s.deleteInput,
		"GET /v1/runs":                      s.listRuns,
		"POST /v1/runs":                     s.submit,
		"GET /v1/runs/{id}":                 s.of((*Server).getRun),
		"DELETE /v1/runs/{id}":              s.of((*Server).cancelRun),
		"GET /v1/runs/{id}/events":          s.of((*Server).events),
		"GET /v1/runs/{id}/files/{name...}": s.of((*Server).getFile),
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := answer(w, r); err != nil {
				fail(w, err)
			}
		})
	}
	return mux
}

// statusError is an error with a status of HTTP.
type statusError struct {
	status int
	error
}

func refuse(status int, format string, args ...any) error {
	return &statusError{status, fmt.Errorf(format, args...)}
}

// fault is how an error is told.
type fault struct {
	Error    string             `json:"error"`
	Problems []pipeline.Problem `json:"problems,omitempty"` // of a pipeline that is wrong
}

func fail(w http.ResponseWriter, err error) {
	status, f := http.StatusInternalServerError, fault{Error: err.Error()}
	var own *statusError
	var problems pipeline.Problems
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &long):
		status = http.StatusRequestEntityTooLarge
	case errors.As(err, &problems):
		status, f.Problems = http.StatusUnprocessableEntity, problems
	case errors.As(err, &own):
		status = own.status
	case errors.Is(err, fs.ErrNotExist):
		status = http.StatusNotFound
	}
	loopback.Reply(w, status, f)
}

func send(w http.ResponseWriter, text []byte) error {
	w.Header().Set("Content-Type", "application/json")
	_, err := w.Write(text)
	return err
}

// inputName says why a name is none for an input.
func inputName(name string) error {
	if name == "-" || !loopback.PlainName(name, 200) {
		return refuse(http.StatusBadRequest, "%q is no name for an input; want one of one level, without / \\ : * ? \" < > | or a dot before it", name)
	}
	return nil
}

// input is a file that pipelines may read.
type input struct {
	Name  string `json:"name"`
	Bytes int64  `json:"bytes"`
}

func (s *Server) listInputs(w http.ResponseWriter, _ *http.Request) error {
	entries, err := fs.ReadDir(s.root.FS(), "inputs")
	if err != nil {
		return err
	}
	all := []input{}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() && inputName(e.Name()) == nil {
			all = append(all, input{e.Name(), info.Size()})
		}
	}
	return loopback.Reply(w, 200, all)
}

// bounded is the body of a request, which may have so many bytes. One that says that it is longer is refused
// before it comes.
func bounded(w http.ResponseWriter, r *http.Request, most int64) (io.Reader, error) {
	if r.ContentLength > most {
		w.Header().Set("Connection", "close") // what comes is not waited for
		return nil, refuse(http.StatusRequestEntityTooLarge, "the body is too large: %d bytes; want %d at most", r.ContentLength, most)
	}
	return http.MaxBytesReader(w, r.Body, most), nil
}

// putInput takes a file, whole or not at all.
func (s *Server) putInput(w http.ResponseWriter, r *http.Request) (err error) {
	name := r.PathValue("name")
	if err := inputName(name); err != nil {
		return err
	}
	body, err := bounded(w, r, s.MostInput)
	if err != nil {
		return err
	}
	set := whole.Set{Overwrite: true}
	defer func() { err = errors.Join(err, set.Close()) }()
	f, err := set.Create(filepath.Join(s.Dir, "inputs", name))
	if err != nil {
		return err
	}
	n, err := io.Copy(f, body)
	if err != nil {
		return err
	}
	if err := set.Commit(r.Context()); err != nil {
		return err
	}
	return loopback.Reply(w, http.StatusCreated, input{name, n})
}

func (s *Server) deleteInput(w http.ResponseWriter, r *http.Request) error {
	if err := inputName(r.PathValue("name")); err != nil {
		return err
	}
	err := s.root.Remove(filepath.Join("inputs", r.PathValue("name")))
	if errors.Is(err, fs.ErrNotExist) {
		return refuse(http.StatusNotFound, "there is no input %q", r.PathValue("name"))
	}
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// of finds the run that a path names.
func (s *Server) of(answer func(*Server, http.ResponseWriter, *http.Request, *run) error) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		id, err := strconv.Atoi(r.PathValue("id"))
		s.mu.Lock()
		i := slices.IndexFunc(s.runs, func(x *run) bool { return err == nil && x.id == id })
		var x *run
		if i >= 0 {
			x = s.runs[i]
		}
		s.mu.Unlock()
		if x == nil {
			return refuse(http.StatusNotFound, "there is no run %q; want one that was handed in since the server began", r.PathValue("id"))
		}
		return answer(s, w, r, x)
	}
}

// getFile sends what a run wrote, when it is done: before, nothing is whole.
func (s *Server) getFile(w http.ResponseWriter, r *http.Request, x *run) error {
	name := r.PathValue("name")
	if !slices.Contains(x.shown().Files, name) {
		return refuse(http.StatusNotFound, "run %d has no file %q; want one of those that it lists when it is done", x.id, name)
	}
	f, err := s.root.Open(filepath.Join("runs", strconv.Itoa(x.id), filepath.FromSlash(name)))
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", "attachment")
	http.ServeContent(w, r, "", info.ModTime(), f)
	return nil
}

// events sends the state, at once and whenever it changes, and steps. They end when the run does.
func (s *Server) events(w http.ResponseWriter, r *http.Request, x *run) error {
	x.hub.ServeUntil(w, r, x.done, func() (string, any) { return "state", x.shown() })
	return nil
}

func (s *Server) getRun(w http.ResponseWriter, _ *http.Request, x *run) error {
	return loopback.Reply(w, 200, x.shown())
}

func (s *Server) cancelRun(w http.ResponseWriter, _ *http.Request, x *run) error {
	x.end()
	return loopback.Reply(w, 200, x.shown())
}

func (s *Server) listRuns(w http.ResponseWriter, _ *http.Request) error {
	s.mu.Lock()
	runs := slices.Clone(s.runs)
	s.mu.Unlock()
	all := []shown{}
	for _, x := range runs {
		all = append(all, x.shown())
	}
	return loopback.Reply(w, 200, all)
}
