package plugins

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"google.golang.org/grpc/status"
)

// Error is what went wrong with a plugin, other than an error that its stage returned.
type Error struct {
	Plugin string // NAME
	Path   string // of its file
	By     string // what runs a file that is a script; may be empty
	Stage  string // "NAME/stage"; empty while the plugin is started
	What   string // "ended while in forward"
	Exit   string // "exit status 3", "signal: killed"; empty if it did not end by itself
	Stderr []string
	Err    error // what was underneath, perhaps nil
}

func (e *Error) Error() string {
	exit, file := "", e.Path
	if e.Exit != "" {
		exit = ": " + e.Exit
	}
	if e.By != "" {
		file += ", run by " + e.By
	}
	s := fmt.Sprintf("%s: plugin %s (%s) %s%s", e.Stage, e.Plugin, file, e.What, exit)
	if e.Stage == "" { // what is wrong comes first
		s = fmt.Sprintf("plugin %s %s%s (%s)", e.Plugin, e.What, exit, file)
	}
	if len(e.Stderr) > 0 {
		s += "; the last it wrote to standard error:\n\t" + strings.Join(e.Stderr, "\n\t")
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// Silent tells whether nothing was heard of the plugin for so long that it was given up.
func (e *Error) Silent() bool { return errors.Is(e.Err, errSilent) }

// Cause returns what went wrong without the plugin's last words, which go on from one error to the
// next.
func (e *Error) Cause() string { return e.What + e.Exit }

// failure describes what a plugin did, with its exit status if it has ended
// by itself.
func (p *process) failure(stage, what string, err error) *Error {
	e := &Error{Plugin: p.plugin.name, Path: p.plugin.path, Stage: stage, What: what, Stderr: p.child.stderr.lines(), Err: err}
	if p.child.startErr == nil && !p.child.killed.Load() && p.child.ended(0) {
		e.Exit = exitStatus(p.child.status)
	}
	return e
}

func exitStatus(err error) string {
	var exit *exec.ExitError
	switch {
	case err == nil, errors.Is(err, exec.ErrWaitDelay):
		return "exit status 0"
	case errors.As(err, &exit):
		return exit.String()
	default:
		return err.Error()
	}
}

// plain is an error without what gRPC puts around its message.
func plain(err error) error {
	if s, ok := status.FromError(err); ok && s != nil {
		return errors.New(s.Message())
	}
	return err
}
