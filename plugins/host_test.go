//go:build unix

package plugins

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/lend"
	"github.com/audiosep/audiosep/plugins/wire"
)

// install puts the test binary into a folder as plugins of these names.
func install(t testing.TB, names ...string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if err := os.Symlink(self, filepath.Join(dir, prefix+name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// newTestHost returns a host for plugins of these names, which is closed in the end.
func newTestHost(t testing.TB, o Options, names ...string) *Host {
	t.Helper()
	o.Folders = append(o.Folders, install(t, names...))
	h := NewHost(o)
	t.Cleanup(func() { h.Close() })
	return h
}

// oneProcess has the stages of a plugin share the process that described it, as one does that allows
// it: for tests of what stages do, not of how they are started.
func oneProcess(t testing.TB, h *Host, plugin string) {
	t.Helper()
	if _, err := h.Describe(t.Context(), plugin); err != nil {
		t.Fatal(err)
	}
	pl, err := h.find(plugin)
	if err != nil {
		t.Fatal(err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.spare[pl.path].about.OneProcess = true
}

// build builds one stage of a plugin, of a common shape.
func build[S any](t testing.TB, h *Host, plugin, stage, params string) S {
	t.Helper()
	return any(stageOf(t, h, plugin, stage, params)).(S)
}

func TestNames(t *testing.T) {
	h := newTestHost(t, Options{}, "good", "other_2", "Bad", "bad-name", "x")
	if err := os.WriteFile(filepath.Join(h.o.Folders[0], prefix+"text"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv(folder, install(t, "good", "last"))
	if got, want := strings.Join(h.Names(), " "), "good other_2 x last"; !strings.HasPrefix(got, want) {
		t.Errorf("names are %q; want %q", got, want)
	}
	passed := fmt.Sprint(h.PassedOver())
	for _, want := range []string{
		prefix + `Bad "Bad" is no name of a plugin; want`, prefix + `bad-name "bad-name" is no name`, prefix + "text it has mode -rw-r--r--; want a file",
		prefix + "good " + filepath.Join(h.o.Folders[0], prefix+"good") + " is called the same and found first",
	} {
		if !strings.Contains(passed, want) {
			t.Errorf("passed over are %s; want %q among them", passed, want)
		}
	}
	for name, want := range map[string]string{
		"../good": "is not one; want lower-case", "/bin/sh": "is not one", "a.b": "is not one", "": "is not one", "A": "is not one",
		"missing": "plugin missing is not there; want a file audiosep-plugin-missing in one of " + h.o.Folders[0],
		"text":    "want a file that can be executed",
	} {
		if _, err := h.Describe(t.Context(), name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error is %v; want %q", name, err, want)
		}
	}
}

func TestPins(t *testing.T) {
	dir := install(t, "good")
	file := filepath.Join(dir, prefix+"good")
	is, err := Sum(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ pin, want string }{{is, ""}, {strings.Repeat("0", 64), "has the SHA-256 sum " + is + "; it is pinned to 000"}} {
		h := NewHost(Options{Folders: []string{dir}, Pins: map[string]string{"good": c.pin}})
		_, err := h.Describe(t.Context(), "good")
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("error is %v; want %q", err, c.want)
		}
		h.Close()
	}
	h := NewHost(Options{Folders: []string{dir}, Locked: true})
	defer h.Close()
	if _, err := h.Describe(t.Context(), "good"); err == nil || !strings.Contains(err.Error(), "has no pin, where other plugins have; want one of the SHA-256 sum "+is) {
		t.Errorf("error is %v; want that there is no pin", err)
	}
}

// FuzzDefinitions holds what passes as a description against what a pipeline does with it.
func FuzzDefinitions(f *testing.F) {
	text, err := json.Marshal(testStages)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(text))
	f.Add(`[{"Name": "x", "Doc": "X.", "In": [{"Name": "audio", "Cargo": "audio"}], "Params": [{"Name": "p", "Type": "[][]int", "Doc": "P.", "Default": null, "Min": 1, "OneOf": null}]}]`)
	h := NewHost(Options{})
	f.Fuzz(func(t *testing.T, text string) {
		defs, err := h.definitions(plugin{name: "p"}, &wire.DescribeReply{Definitions: text})
		if err != nil {
			return
		}
		for _, d := range defs {
			audiosep.CheckParams(d.Params, nil)
			for i := range d.Params {
				d.Params[i].Range()
				audiosep.CheckParams(d.Params, []byte(`{"`+d.Params[i].Name+`": [1]}`))
			}
		}
	})
}

func FuzzFraming(f *testing.F) {
	framing, _ := half{}.Framing(context.Background(), audiosep.Head{Rate: 8000, Samples: 5, Channels: 1, Realisations: 1})
	text, err := proto.Marshal(framingTo(framing))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Fuzz(func(t *testing.T, text []byte) {
		var w wire.Framing
		if proto.Unmarshal(text, &w) != nil {
			return
		}
		if framing, err := framingFrom(&w); err == nil && len(framing.Analysis) != framing.Length {
			t.Errorf("a window of %d weights for %d samples", len(framing.Analysis), framing.Length)
		}
	})
}

func TestParams(t *testing.T) {
	eachWay(t, func(t *testing.T, h *Host, plugin string, _ float64) {
		defs, err := h.Describe(t.Context(), plugin)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range defs {
			if d.Name != plugin+"/ramp" {
				continue
			}
			// The host sees one of these, the plugin alone can see the other.
			for params, want := range map[string]string{
				`{"samples": 0, "chanels": 1}`:  "parameter samples is 0; want at least 1 sample\nparameter chanels is no parameter of this stage; did you mean \"channels\"?",
				`{"samples": 3, "channels": 4}`: "parameter samples is 3; want at least the number of channels, 4; use fewer channels",
			} {
				_, err := d.Build([]byte(params))
				if _, ok := audiosep.AsParamErrors(err); !ok || err.Error() != want {
					t.Errorf("error is %v; want %v", err, want)
				}
			}
			// Checking keeps one process for all and starts none for a stage.
			for range 3 {
				if _, err := d.Build(nil); err != nil {
					t.Fatal(err)
				}
			}
			if len(h.all) != 1 {
				t.Errorf("there are %d processes; want 1", len(h.all))
			}
		}
	})
}

// TestClosed uses a stage that is closed, and one whose host is.
func TestClosed(t *testing.T) {
	h := newTestHost(t, Options{}, "good")
	a, b := build[audiosep.Transformer](t, h, "good", "reverse", ""), build[audiosep.Transformer](t, h, "good", "reverse", "")
	if _, err := a.Transform(t.Context(), 4); err != nil {
		t.Fatal(err)
	}
	a.(*ported).Close()
	if _, err := a.Transform(t.Context(), 4); err != errClosed {
		t.Errorf("error is %v; want %v", err, errClosed)
	}
	h.Close()
	if _, err := b.Transform(t.Context(), 4); err != errHostClosed {
		t.Errorf("error is %v; want %v", err, errHostClosed)
	}
	nothingLeft(t, h)
}

// TestHostClosedAtWork closes a host while stages are at work, in calls and beside them: all say that it was
// closed.
func TestHostClosedAtWork(t *testing.T) {
	h := newTestHost(t, Options{}, "good")
	oneProcess(t, h, "good")
	var g errgroup.Group
	var began sync.WaitGroup
	closed := make(chan struct{})
	for range 4 {
		tr, err := build[audiosep.Transformer](t, h, "good", "reverse", "").Transform(t.Context(), 64)
		if err != nil {
			t.Fatal(err)
		}
		began.Add(1)
		g.Go(func() error {
			for i := 0; ; i++ {
				src, giveBack := tr.(lend.Lender).Lend(64)
				err := tr.Forward(t.Context(), audiosep.MakeCoefs(tr, 1), src)
				giveBack()
				if i == 0 {
					began.Done()
				}
				if err != nil && err != errHostClosed {
					return fmt.Errorf("error is %w; want %w", err, errHostClosed)
				}
				select {
				case <-closed:
					return nil
				default: // what is lent while the host closes is memory too
				}
			}
		})
	}
	began.Wait()
	h.Close()
	close(closed)
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
	nothingLeft(t, h)
}

// TestWatchdog takes a plugin's standard input away, which is what it sees of a host
// that died on a system that does not tell it otherwise.
func TestWatchdog(t *testing.T) {
	eachWay(t, func(t *testing.T, h *Host, plugin string, _ float64) {
		if _, err := h.Describe(t.Context(), plugin); err != nil {
			t.Fatal(err)
		}
		for p := range h.all {
			p.child.stdin.Close()
			if !p.child.ended(time.Minute) {
				t.Error("the plugin goes on without a host")
			}
		}
	})
}

// TestStartedByHand runs a plugin as a person might.
func TestStartedByHand(t *testing.T) {
	out, err := exec.Command(filepath.Join(install(t, "good"), prefix+"good")).CombinedOutput()
	if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != 2 || !strings.Contains(string(out), "is a plugin of audiosep. It offers\n\tgood/ramp\tA ramp") {
		t.Errorf("%v: %s", err, out)
	}
}

func TestSharedMemory(t *testing.T) {
	h := newTestHost(t, Options{}, "good", "unshared")
	for name, want := range map[string]bool{"good": true, "unshared": false} {
		if _, err := h.Describe(t.Context(), name); err != nil {
			t.Fatal(err)
		}
		for p := range h.all {
			if p.plugin.name == name && (p.shared != nil) != want {
				t.Errorf("%s: shared memory is used: %v; want %v", name, p.shared != nil, want)
			}
		}
	}
}

// TestSnakesFaults makes a plugin in Python fail in several ways.
func TestSnakesFaults(t *testing.T) {
	needPython(t)
	t.Parallel() // it waits a lot
	h := NewHost(Options{Folders: []string{"testdata"}})
	defer h.Close()
	for m, want := range map[int]string{
		2: "KeyError: 'missing' (audiosep-plugin-snakes:",
		3: "what forward returned has the shape (1, 4); want (1, 1)",
		4: "ended while in forward: exit status 7",
		5: "signal: aborted",
		6: "SystemExit: the stage has called sys.exit(3); want an exception such as ValueError (audiosep-plugin-snakes:",
		8: "what forward returned is None; want numbers of the shape (1, 8): does it end without return?",
	} {
		s := build[audiosep.Transformer](t, h, "snakes", "faulty", "")
		tr, err := s.Transform(t.Context(), m)
		if err == nil {
			err = tr.Forward(t.Context(), audiosep.MakeCoefs(tr, 1), []float64{1, 1, 1, 1, 1, 1, 1, 1}[:m])
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v; want %q", err, want)
		}
		if m == 5 && !strings.Contains(err.Error(), "\tout of everything") {
			t.Errorf("error is %v; want the end of standard error", err)
		}
	}
}

// TestSnakesTell has stages in Python go wrong outside their own files, and return what is none of
// their ports.
func TestSnakesTell(t *testing.T) {
	needPython(t)
	t.Parallel() // it waits a lot
	dir := t.TempDir()
	files(t, dir, map[string]string{prefix + "lost": `#!/usr/bin/env python3
import numpy as np
from audiosep_plugin import serve

def stage(called, out, made):
    return type(called, (), {"name": called, "__doc__": "Goes wrong.", "outputs": out, "run": lambda self, env: made()})

audio, two = {"audio": "audio"}, {"audio": "audio", "rest": "audio"}
serve(
    stage("deep", audio, lambda: np.linalg.inv(np.zeros((2, 3)))),
    stage("number", audio, lambda: 3),
    stage("one", two, lambda: 3.5),
    stage("misspelt", two, lambda: {"adio": None}))
`})
	h := NewHost(Options{Folders: []string{dir}})
	defer h.Close()
	for stage, want := range map[string]string{
		"deep":     "(" + prefix + "lost:10)",
		"number":   "run returned int; want its output audio, audio",
		"one":      "run returned float; want a dict with its outputs, audio, rest",
		"misspelt": "run returned a dict with 'adio'; want none but its outputs, audio, rest",
	} {
		if _, err := stageOf(t, h, "lost", stage, "").run(t.Context(), audiosep.Env{}, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error is %v; want %q", stage, err, want)
		}
	}
}

// TestAlive has a plugin work for longer than the host waits without a sign of life. It gives
// signs; one that sleeps gives none.
func TestAlive(t *testing.T) {
	t.Parallel() // it waits a lot
	var text bytes.Buffer
	var mu sync.Mutex
	h := newTestHost(t, Options{Silence: 1500 * time.Millisecond, Patience: 100 * time.Millisecond, Log: slog.New(slog.NewTextHandler(locked{&mu, &text}, nil))}, "beats")
	tr, err := build[audiosep.Transformer](t, h, "beats", "reverse", "").Transform(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	if err := tr.Forward(t.Context(), audiosep.MakeCoefs(tr, 1), []float64{1, 1}); err != nil {
		t.Error(err)
	}
	// That it comes no further is said now and then, less and less.
	mu.Lock()
	lines := regexp.MustCompile(`msg="no step for [0-9.]+m?s in (\w+); it is alive, so it is waited for" stage=beats/reverse`).FindAllStringSubmatch(text.String(), -1)
	mu.Unlock()
	if len(lines) < 2 || lines[0][1] != "forward" {
		t.Errorf("the log has %q; want some lines that there is no step in forward", text.String())
	}
	needPython(t)
	h = NewHost(Options{Folders: []string{"testdata"}, Silence: 1500 * time.Millisecond, Patience: 500 * time.Millisecond, Log: slog.New(slog.NewTextHandler(locked{&mu, &text}, nil))})
	defer h.Close()
	tr, err = build[audiosep.Transformer](t, h, "snakes", "faulty", "").Transform(t.Context(), 7)
	if err != nil {
		t.Fatal(err)
	}
	err = tr.Forward(t.Context(), audiosep.MakeCoefs(tr, 1), []float64{1, 1, 1, 1, 1, 1, 1})
	checkError(t, err, []string{"gave no sign of life for 1.5s while in forward; want steps that it reports (env.step in Python"})
	mu.Lock()
	defer mu.Unlock()
	if want := "in forward; it is given up after 1.5s (--plugin-silence)"; !strings.Contains(text.String(), want) {
		t.Errorf("the log has %q; want %q", text.String(), want)
	}
}

// TestWatch: what lasts is told of at the limit, and again when it has lasted as long as was asked
// for; after something has happened from the limit on; and not once it is ended.
func TestWatch(t *testing.T) {
	quiet := []time.Duration{1, 2, 3, 4, 5, 6, 7, 8, 0, 1, 2, 3, 4} // ms, one each time it is looked at
	var told []time.Duration
	ended := make(chan bool)
	stop := watch(time.Millisecond, func() time.Duration {
		is := quiet[0] * time.Millisecond
		quiet = quiet[1:]
		return is
	}, func(is time.Duration) time.Duration {
		told = append(told, is/time.Millisecond)
		if len(quiet) == 0 {
			close(ended)
			return 0
		}
		return 2 * is
	})
	<-ended
	stop()
	if want := []time.Duration{1, 2, 4, 8, 1, 2, 4}; !slices.Equal(told, want) {
		t.Errorf("told after %v ms; want %v", told, want)
	}
}

// locked is written to by one goroutine at a time.
type locked struct {
	mu *sync.Mutex
	w  io.Writer
}

func (l locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

// pulse lets the SDK's pulse beat by a clock of its own and prints when it gave a sign: seconds.
const pulse = `
import types, threading, audiosep_plugin as sdk
now, said, at_work = 0.0, [], None
used = [0, .1, .2, .2, .205, .206, .3, .4, .5]   # of the processor, at each beat
class Asker:
    def say(self, **what): said.append(round(now, 1))
def sleep(seconds):
    global now
    now += seconds
    p.at_work = 0 if now > 1.5 else 1            # the method has ended
    if len(used) == 0: raise StopIteration
p = sdk._Pulse.__new__(sdk._Pulse)
p.asker, p.lock, p.at_work = Asker(), threading.Lock(), 1
sdk.time = types.SimpleNamespace(sleep=sleep, process_time=lambda: used.pop(0))
try: p.beat()
except StopIteration: pass
print(said)
`

// TestPulse has the SDK for Python give signs while a method uses the processor, no others.
func TestPulse(t *testing.T) {
	needPython(t)
	out, err := exec.Command("/usr/bin/python3", "-c", pulse).CombinedOutput()
	if want := "[0.2, 0.4, 1.2, 1.4]\n"; err != nil || string(out) != want {
		t.Errorf("signs at %s, %v; want %s", out, err, want)
	}
}

// TestRaised has scripts in Python that end with an exception: it is told first, and a module that is
// not there with how it comes there.
func TestRaised(t *testing.T) {
	needPython(t)
	t.Parallel() // it waits a lot
	dir := t.TempDir()
	h := NewHost(Options{Folders: []string{dir}})
	defer h.Close()
	for name, c := range map[string]struct{ text, want string }{
		"module": {"import no_such_module.part\n", "module no_such_module is not there for /PYTHON; want its package: /PYTHON -m pip install no_such_module, or a virtual environment that has it (python3 -m venv ENV, ENV/bin/pip install no_such_module), active where audiosep runs"},
		"named":  {"import sys\nsys.modules['grpc'] = None\nsys.path_hooks.clear()\nsys.path_importer_cache.clear()\ndel sys.modules['grpc']\nimport grpc\n", "module grpc is not there for /PYTHON; want its package: /PYTHON -m pip install grpcio, or"},
		"sdk":    {"import sys\nsys.path.clear()\nimport audiosep_plugin\n", "module audiosep_plugin, the SDK, is not there for /PYTHON; want audiosep_plugin.py beside the plugin, or the wheel"},
		"raises": {"import os\nos.stat('/no/such/weights')\n", "it ended with FileNotFoundError: [Errno 2] No such file or directory: '/no/such/weights': exit status 1"},
		"twins":  {"from audiosep_plugin import serve\nclass A:\n    name = 'one'\n    def forward(self, y): return y\nclass B(A): pass\nserve(A, B)\n", "it ended with ValueError: two stages are called 'one': the classes A and B; want a name of its own for each"},
	} {
		if err := os.WriteFile(filepath.Join(dir, prefix+name), []byte("#!/usr/bin/env python3\n"+c.text), 0o755); err != nil {
			t.Fatal(err)
		}
		python, err := exec.LookPath("python3")
		if err != nil {
			t.Fatal(err)
		}
		_, err = h.Describe(t.Context(), name)
		checkError(t, err, []string{"plugin " + name + " could not start: " + strings.ReplaceAll(c.want, "/PYTHON", python)})
	}
	// While it runs, too.
	files(t, dir, map[string]string{prefix + "late": "#!/usr/bin/env python3\nfrom audiosep_plugin import serve\nclass A:\n    \"A.\"\n    name = 'a'\n    def factorize(self, v, env, init): import no_such_module\nserve(A)\n"})
	_, err := stageOf(t, h, "late", "a", "").run(t.Context(), audiosep.Env{}, audiosep.Values{"power": scene(t, "padded")["power"]})
	if want := "ModuleNotFoundError: No module named 'no_such_module' (" + prefix + "late:6); want its package for "; err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), ", or a virtual environment that has it") {
		t.Errorf("error is %v; want %q", err, want)
	}
}

// TestScripts has files that the system cannot run, or that end at once.
func TestScripts(t *testing.T) {
	dir := t.TempDir()
	files(t, dir, map[string]string{"barred": "exit 3", "hollow": "", "alien": "\x7fELF for another"})
	for _, name := range []string{"hollow", "alien"} {
		if err := os.Chmod(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct{ text, want string }{
		"gone":    {"#!/no/such/python -u\n", "its interpreter /no/such/python, which its first line names, is not there"},
		"nowhere": {"#!/usr/bin/env -S no_such_python\n", "its first line has /usr/bin/env look for no_such_python, which is in no folder of PATH"},
		"unset":   {"#!/usr/bin/env -S -u HOME A=b no_such_python -u\n", "its first line has /usr/bin/env look for no_such_python, which is in no folder of PATH"},
		"windows": {"#!/usr/bin/env sh\r\nexit 1\r\n", "its first line ends with a carriage return, so the system looks for an interpreter called \"/usr/bin/env sh\\r\""},
		"marked":  {"\ufeff#!/bin/sh\n", "its first line begins with a byte order mark"},
		"bare":    {"import numpy\n", "its first line, \"import numpy\", does not say what runs it; want one such as #!/usr/bin/env python3"},
		"empty":   {"#!\n", "its first line, #!, names no interpreter"},
		"foreign": {"\x7fELF\x02\x01\x01\x00 for another", "it is a program for another system or processor"},
		"quiet":   {"#!/usr/bin/env sh\nexit 0\n", "it ended before it was ready (did it call serve()?): exit status 0"},
		"ends":    {"#!/usr/bin/env sh\nexit 3\n", "it ended before it was ready: exit status 3 (" + filepath.Join(dir, prefix+"ends") + ", run by /"},
		"barred":  {"#!" + dir + "/barred\n", "its interpreter " + dir + "/barred, which its first line names, may not be executed by this user; want chmod +x of that"},
		"hollow":  {"#!" + dir + "/hollow\n", "its interpreter " + dir + "/hollow, which its first line names, is empty"},
		"folder":  {"#!" + dir + "\n", "its interpreter " + dir + ", which its first line names, is a folder"},
		"alien":   {"#!" + dir + "/alien\n", "its interpreter " + dir + "/alien is a program for another system"},
	} {
		if err := os.WriteFile(filepath.Join(dir, prefix+name), []byte(c.text), 0o755); err != nil {
			t.Fatal(err)
		}
		h := NewHost(Options{Folders: []string{dir}})
		_, err := h.Describe(t.Context(), name)
		checkError(t, err, []string{"plugin " + name + " could not start: " + c.want})
		h.Close()
	}
}

// TestOpenForWriting starts a plugin whose file is still open for writing, which the system refuses
// until it is closed.
func TestOpenForWriting(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux refuses to run such a file")
	}
	t.Parallel()
	for after, want := range map[time.Duration]string{ // it is closed
		busy / 10:    "it ended before it was ready: exit status 3",
		3 * busy / 4: "it ended before it was ready: exit status 3",
		time.Hour:    "another program has its file open for writing; want it written whole, and closed, before it is started",
	} {
		dir := t.TempDir()
		files(t, dir, map[string]string{prefix + "open": "#!/bin/sh\nexit 3\n"})
		f, err := os.OpenFile(filepath.Join(dir, prefix+"open"), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		closing := time.AfterFunc(after, func() { f.Close() })
		h := NewHost(Options{Folders: []string{dir}})
		defer h.Close()
		_, err = h.Describe(t.Context(), "open")
		closing.Stop()
		checkError(t, err, []string{"plugin open could not start: " + want})
		if after < busy {
			continue
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(busy/10, cancel)
		if _, err = h.Describe(ctx, "open"); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: error is %v; want %v", err, context.Canceled)
		}
	}
}

// TestWritten shows what a plugin writes that does its work.
func TestWritten(t *testing.T) {
	var mu sync.Mutex
	var lines []string
	h := newTestHost(t, Options{Written: func(plugin, line string) {
		mu.Lock()
		defer mu.Unlock()
		lines = append(lines, plugin+" "+line)
	}}, "talks")
	if _, err := h.Describe(t.Context(), "talks"); err != nil {
		t.Fatal(err)
	}
	h.Close()
	mu.Lock()
	defer mu.Unlock()
	if want := []string{"talks one", "talks two", "talks " + strings.Repeat("x", longestLine), "talks xx", "talks three"}; !slices.Equal(lines, want) {
		t.Errorf("lines are %.80q; want %.80q", lines, want)
	}
}

// TestLeaks starts and ends many plugins, good and bad: the host keeps neither
// goroutines nor descriptors of them.
func TestLeaks(t *testing.T) {
	cycle := func() {
		h := newTestHost(t, Options{}, "good", "exits", "greets", "misbehaving")
		for _, name := range []string{"good", "exits", "greets"} {
			h.Describe(t.Context(), name)
		}
		badForward(t, h, "misbehaving", "exit")(t.Context())
		h.Close()
	}
	count := func() (goroutines, files int) {
		fds, _ := os.ReadDir("/proc/self/fd") // on Linux
		return runtime.NumGoroutine(), len(fds)
	}
	cycle()
	g0, f0 := count()
	cycles := 8
	if testing.Short() {
		cycles = 3
	}
	for range cycles {
		cycle()
	}
	var g, f int
	for wait := time.Millisecond; wait < 30*time.Second; wait *= 2 {
		if g, f = count(); g < g0+cycles && f < f0+cycles {
			return
		}
		time.Sleep(wait)
	}
	stacks := make([]byte, 1<<16)
	t.Errorf("%d goroutines and %d files became %d and %d\n%s", g0, f0, g, f, stacks[:runtime.Stack(stacks, true)])
}
