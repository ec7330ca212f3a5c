package batch

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"time"
)

// A worker in a process of its own reads a Task a line and answers with any number of replies,
// a line each, of which the last has done or error. It ends when there are no more tasks, so
// that it does not outlive whoever started it.
type reply struct {
	Step  *Progress `json:"step,omitempty"`
	Done  *Done     `json:"done,omitempty"`
	Error string    `json:"error,omitempty"`
	Kind  string    `json:"kind,omitempty"` // of error: faults, full, or none
}

// DiedError says that a worker's process ended while it was at an item: it was killed, for
// memory perhaps, or crashed.
type DiedError struct{ Err error }

func (e *DiedError) Error() string { return fmt.Sprintf("the worker died: %v", e.Err) }
func (e *DiedError) Unwrap() error { return e.Err }

// process is a Worker in a process of its own: what kills it, such as a want of memory, kills
// nothing else.
type process struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	replies chan reply    // closed when the process has ended
	ended   chan struct{} // the same
	err     error         // of the process; valid when it has ended
}

// StartProcess starts a worker: a command that calls [Serve] on its standard input and output.
func StartProcess(cmd *exec.Cmd) (Worker, error) {
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
	p := &process{cmd: cmd, in: in, replies: make(chan reply, 16), ended: make(chan struct{})}
	go func() {
		lines := bufio.NewScanner(out)
		lines.Buffer(nil, longestLine)
		for lines.Scan() {
			var r reply
			if json.Unmarshal(lines.Bytes(), &r) == nil {
				p.replies <- r
			}
		}
		if p.err = cmd.Wait(); p.err == nil {
			p.err = errors.New("it ended by itself")
		}
		close(p.ended)
		close(p.replies)
	}()
	return p, nil
}

// Do has the process do an item. When ctx is done the process is killed.
func (p *process) Do(ctx context.Context, t Task, step func(Progress)) (*Done, error) {
	line, err := json.Marshal(t)
	if err != nil {
		return nil, err
	}
	if _, err := p.in.Write(append(line, '\n')); err != nil {
		return nil, p.died(err)
	}
	for {
		select {
		case <-ctx.Done():
			p.cmd.Process.Kill()
			return nil, ctx.Err()
		case r, ok := <-p.replies:
			switch {
			case !ok:
				return nil, p.died(nil)
			case r.Done != nil:
				return r.Done, nil
			case r.Step != nil:
				if step != nil {
					step(*r.Step)
				}
			default:
				return nil, r.err()
			}
		}
	}
}

func (p *process) died(err error) error {
	select {
	case <-p.ended:
		err = p.err
	case <-time.After(time.Second):
	}
	return &DiedError{err}
}

func (r reply) err() error {
	err := errors.New(r.Error)
	switch r.Kind {
	case "faults":
		return remoteError{err, errFaults}
	case "full":
		return remoteError{err, errFull}
	}
	return err
}

// remoteError is an error of another process, of a kind.
type remoteError struct {
	error
	kind error
}

func (e remoteError) Is(target error) bool { return target == e.kind }

// Close ends the process.
func (p *process) Close() error {
	p.in.Close()
	select {
	case <-p.ended:
	case <-time.After(2 * time.Second):
		p.cmd.Process.Kill()
		go func() { // nobody reads what it still says
			for range p.replies {
			}
		}()
		<-p.ended
	}
	return nil
}

// stepEvery is how often a worker says how far it is, at most.
const stepEvery = 200 * time.Millisecond

// Serve does the tasks that come on in, a line each, and answers on out. It returns when in
// ends, which drops the task in hand.
func Serve(ctx context.Context, in io.Reader, out io.Writer, w Worker) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	tasks := make(chan []byte)
	go func() {
		defer cancel()
		lines := bufio.NewScanner(in)
		lines.Buffer(nil, longestLine)
		for lines.Scan() {
			line := append([]byte(nil), lines.Bytes()...)
			select {
			case tasks <- line:
			case <-ctx.Done():
				return
			}
		}
	}()
	enc := json.NewEncoder(out)
	for {
		var line []byte
		select {
		case line = <-tasks:
		case <-ctx.Done():
			return nil
		}
		if err := enc.Encode(serve(ctx, line, enc, w)); err != nil {
			return err
		}
	}
}

func serve(ctx context.Context, line []byte, enc *json.Encoder, w Worker) reply {
	var t Task
	if err := json.Unmarshal(line, &t); err != nil || t.Header == nil || t.Item == nil {
		return reply{Error: fmt.Sprintf("the task is no task: %v", err)}
	}
	steps := make(chan Progress, 1)
	stop := make(chan struct{})
	told := make(chan struct{})
	go func() { // alone writes while the item is being done
		defer close(told)
		for {
			select {
			case p := <-steps:
				enc.Encode(reply{Step: &p})
			case <-stop:
				return
			}
			select {
			case <-time.After(stepEvery):
			case <-stop:
				return
			}
		}
	}()
	d, err := w.Do(ctx, t, func(p Progress) {
		select {
		case steps <- p:
		default:
		}
	})
	close(stop)
	<-told
	switch {
	case err == nil:
		return reply{Done: d}
	case IsFaults(err):
		return reply{Error: err.Error(), Kind: "faults"}
	case full(err):
		return reply{Error: err.Error(), Kind: "full"}
	}
	return reply{Error: err.Error()}
}
