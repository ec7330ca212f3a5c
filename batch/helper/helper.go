package helper

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/rpc"
	"net/rpc/jsonrpc"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// process is a helper that runs.
type process struct {
	name    string
	cmd     *exec.Cmd
	calls   *rpc.Client
	ended   chan struct{}
	closing sync.Once
}

// pipe is the standard input and output of another process, or of this one.
type pipe struct {
	io.ReadCloser
	io.WriteCloser
}

func (p pipe) Close() error { return errors.Join(p.WriteCloser.Close(), p.ReadCloser.Close()) }

func start(cmd *exec.Cmd) (*process, error) {
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	h := &process{name: cmd.Path, cmd: cmd, calls: jsonrpc.NewClient(pipe{out, in}), ended: make(chan struct{})}
	return h, nil
}

// call asks a helper something, and does not wait longer than ctx. Each call has an answer of its own, which
// nobody looks at unless the call has ended: it may still be written.
func call[A any](ctx context.Context, h *process, method string, args any) (A, error) {
	var none A
	answer := new(A)
	c := h.calls.Go(method, args, answer, make(chan *rpc.Call, 1))
	select {
	case <-ctx.Done():
		return none, ctx.Err()
	case <-c.Done:
	}
	if c.Error != nil {
		return none, fmt.Errorf("%s: %w", h.name, c.Error)
	}
	return *answer, nil
}

// ending is how long a helper has to end by itself, and to clear away what it has made.
const ending = 20 * time.Second

// Close ends the helper.
func (h *process) Close() error {
	h.closing.Do(func() {
		h.calls.Close()
		go func() {
			h.cmd.Wait()
			close(h.ended)
		}()
		select {
		case <-h.ended:
		case <-time.After(ending):
			h.cmd.Process.Kill()
			<-h.ended
		}
	})
	return nil
}

// input is the standard input of a helper. Its end ends what is asked for and nobody waits for any more.
type input struct {
	io.ReadCloser
	end func()
}

func (r input) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	if err != nil {
		r.end()
	}
	return n, err
}

// serve answers calls on standard input and output until there are no more. Then it calls end, and waits for
// those that it is at.
func serve(name string, service any, end func()) error {
	// Whoever started it says when to stop: by the end of standard input.
	signal.Ignore(endings...)
	s := rpc.NewServer()
	if err := s.RegisterName(name, service); err != nil {
		return err
	}
	s.ServeCodec(jsonrpc.NewServerCodec(pipe{input{os.Stdin, end}, os.Stdout}))
	return nil
}

// StoreCall is what a helper is asked of a store.
type StoreCall struct {
	Name  string `json:"name,omitempty"` // of an object; a prefix; a URL
	After string `json:"after,omitempty"`
	File  string `json:"file,omitempty"`
	Text  []byte `json:"text,omitempty"`
	Only  Only   `json:"only"`
}

// StoreAnswer is what it says.
type StoreAnswer struct {
	Objects []Object `json:"objects,omitempty"`
	Text    []byte   `json:"text,omitempty"`
	Error   string   `json:"error,omitempty"`
	Kind    string   `json:"kind,omitempty"` // of error: missing, held, full, or none
}

var errorKinds = map[string]error{"missing": fs.ErrNotExist, "held": ErrHeld, "full": ErrFull}

// tell puts an error into an answer.
func (a *StoreAnswer) tell(err error) error {
	if err == nil {
		return nil
	}
	a.Error = err.Error()
	for kind, is := range errorKinds {
		if errors.Is(err, is) || kind == "full" && (errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)) {
			a.Kind = kind
		}
	}
	return nil
}

func (a *StoreAnswer) err() error {
	switch {
	case a.Error == "":
		return nil
	case a.Kind == "":
		return errors.New(a.Error)
	}
	return kindError{errors.New(a.Error), errorKinds[a.Kind]}
}

// kindError is an error of a helper, of a kind.
type kindError struct {
	error
	kind error
}

func (e kindError) Is(target error) bool { return target == e.kind }

// remoteStore is a Store that a helper knows.
type remoteStore struct{ *process }

// StartStore starts a program that calls [ServeStore], and has it open a URL.
func StartStore(ctx context.Context, cmd *exec.Cmd, url string) (Store, error) {
	h, err := start(cmd)
	if err != nil {
		return nil, err
	}
	s := remoteStore{h}
	if _, err := s.ask(ctx, "Open", StoreCall{Name: url}); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return s, nil
}

func (s remoteStore) ask(ctx context.Context, method string, c StoreCall) (StoreAnswer, error) {
	a, err := call[StoreAnswer](ctx, s.process, "Store."+method, c)
	if err == nil {
		err = a.err()
	}
	if err != nil {
		return StoreAnswer{}, err
	}
	return a, nil
}

func (s remoteStore) one(a StoreAnswer, err error) (Object, error) {
	if err != nil || len(a.Objects) != 1 {
		return Object{}, err
	}
	return a.Objects[0], nil
}

func (s remoteStore) List(ctx context.Context, prefix, after string) ([]Object, error) {
	a, err := s.ask(ctx, "List", StoreCall{Name: prefix, After: after})
	return a.Objects, err
}

func (s remoteStore) Read(ctx context.Context, name string) ([]byte, Object, error) {
	a, err := s.ask(ctx, "Read", StoreCall{Name: name})
	o, err := s.one(a, err)
	return a.Text, o, err
}

func (s remoteStore) Write(ctx context.Context, name string, text []byte, o Only) (Object, error) {
	return s.one(s.ask(ctx, "Write", StoreCall{Name: name, Text: text, Only: o}))
}

func (s remoteStore) Download(ctx context.Context, name, file string) error {
	_, err := s.ask(ctx, "Download", StoreCall{Name: name, File: file})
	return err
}

func (s remoteStore) Upload(ctx context.Context, name, file string) error {
	_, err := s.ask(ctx, "Upload", StoreCall{Name: name, File: file})
	return err
}

func (s remoteStore) Remove(ctx context.Context, name string) error {
	_, err := s.ask(ctx, "Remove", StoreCall{Name: name})
	return err
}

// ServeStore is all that a helper for stores does: it opens the URL that it is told, and answers. It
// returns when whoever started it has no more to ask.
func ServeStore(open Opener) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	return serve("Store", &storeService{ctx: ctx, open: open}, cancel)
}

// storeService answers calls, for net/rpc.
type storeService struct {
	ctx  context.Context
	open Opener
	at   Store
}

// Open opens a URL. It is the first call.
func (s *storeService) Open(c StoreCall, a *StoreAnswer) (err error) {
	s.at, err = s.open(s.ctx, c.Name)
	return a.tell(err)
}

func (s *storeService) List(c StoreCall, a *StoreAnswer) (err error) {
	a.Objects, err = s.at.List(s.ctx, c.Name, c.After)
	return a.tell(err)
}

func (s *storeService) Read(c StoreCall, a *StoreAnswer) error {
	text, o, err := s.at.Read(s.ctx, c.Name)
	a.Text, a.Objects = text, []Object{o}
	return a.tell(err)
}

func (s *storeService) Write(c StoreCall, a *StoreAnswer) error {
	o, err := s.at.Write(s.ctx, c.Name, c.Text, c.Only)
	a.Objects = []Object{o}
	return a.tell(err)
}

func (s *storeService) Download(c StoreCall, a *StoreAnswer) error {
	return a.tell(s.at.Download(s.ctx, c.Name, c.File))
}

func (s *storeService) Upload(c StoreCall, a *StoreAnswer) error {
	return a.tell(s.at.Upload(s.ctx, c.Name, c.File))
}

func (s *storeService) Remove(c StoreCall, a *StoreAnswer) error {
	return a.tell(s.at.Remove(s.ctx, c.Name))
}
