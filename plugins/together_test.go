//go:build unix

package plugins

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gonum.org/v1/gonum/mat"
	"google.golang.org/grpc"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/blocks"
	"github.com/audiosep/audiosep/pipeline"
	"github.com/audiosep/audiosep/plugins/wire"
)

// startsEnv names a file to which each process of a test plugin adds a line.
const startsEnv = "AUDIOSEP_TEST_STARTS"

func init() {
	badPlugins["together"] = func() { ServeTogether(builtin()...) }
	badPlugins["counts"] = func() {
		serve(func(g *grpc.Server) { wire.RegisterPluginServer(g, askedNumbers{newServer(testStages)}) })
	}
	badPlugins["counts_together"] = func() {
		s := newServer(testStages)
		s.together = true
		serve(func(g *grpc.Server) { wire.RegisterPluginServer(g, askedNumbers{s}) })
	}
	badPlugins["together_bad"] = func() { ServeTogether(badStages...) }
}

func countStart() {
	if file := os.Getenv(startsEnv); file != "" {
		f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			panic(err)
		}
		fmt.Fprintln(f, os.Getpid())
		f.Close()
	}
}

// TestOneProcess runs a pipeline with each of its stages in a process of its own and with all in
// one, where the plugin allows it: the bytes are the same, and so they are compiled in.
func TestOneProcess(t *testing.T) {
	piano, err := filepath.Abs("../examples/piano/mix.wav")
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf(`{"audiosep": 1, "seed": 5, "stages": [
    {"use": "read_audio", "params": {"files": [%q]}},
    {"use": "crop", "params": {"duration": 1}},
    {"use": "frame", "params": {"length": 256}},
    {"use": "stft"},
    {"use": "hpss"},
    {"use": "stem", "params": {"source": "harmonic"}},
    {"use": "frame", "id": "again", "params": {"length": 128}},
    {"use": "dct"},
    {"use": "is_nmf", "params": {"rank": 2, "iterations": 3}},
    {"use": "wiener", "in": {"coefs": "dct", "factors": "is_nmf"}},
    {"use": "write_audio"}]}`, piano)
	want := runSpec(t, pipeline.NewRegistry(builtin()), text, t.TempDir(), 0)
	for plugin, starts := range map[string]int{"builtin": 11, "together": 1} {
		if testing.Short() && starts > 1 {
			continue
		}
		file := filepath.Join(t.TempDir(), "starts")
		t.Setenv(startsEnv, file)
		h := newTestHost(t, Options{}, plugin)
		defs, err := h.Describe(t.Context(), plugin)
		if err != nil {
			t.Fatal(err)
		}
		remote := regexp.MustCompile(`"use": "(\w+)"`).ReplaceAllString(text, `"use": "`+plugin+`/$1"`)
		for range min(2, 12-starts) { // one process serves stages that come after others were closed, too
			sameFiles(t, plugin, runSpec(t, pipeline.NewRegistry(defs), remote, t.TempDir(), 0), want)
		}
		h.Close()
		nothingLeft(t, h)
		pids, err := os.ReadFile(file)
		if n := strings.Count(string(pids), "\n"); err != nil || n != starts {
			t.Errorf("%s: %d processes were started, %v; want %d", plugin, n, err, starts)
		}
	}
}

// TestLoadsOnce has two stages in Python share what they load where they may share a process.
func TestLoadsOnce(t *testing.T) {
	needPython(t)
	piano, err := filepath.Abs("../examples/piano/mix.wav")
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf(`{"audiosep": 1, "stages": [{"use": "read_audio", "params": {"files": [%q]}}, {"use": "crop", "params": {"duration": 0.5}},
    {"use": "frame", "params": {"length": 64}}, {"use": "pair/copy"}, {"use": "pair/parts"}, {"use": "write_audio"}]}`, piano)
	var files []map[string][]byte
	for _, together := range []bool{true, false} {
		if !together {
			t.Setenv("APART", "1")
		}
		var loads atomic.Int64
		dir, file := t.TempDir(), prefix+"pair"
		at, err := filepath.Abs(filepath.Join("testdata", file))
		if err == nil {
			err = os.Symlink(at, filepath.Join(dir, file))
		}
		if err != nil {
			t.Fatal(err)
		}
		h := NewHost(Options{Folders: []string{dir}, Written: func(_, line string) {
			if line == "loaded" {
				loads.Add(1)
			}
		}})
		defs, err := h.Describe(t.Context(), "pair")
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, runSpec(t, pipeline.NewRegistry(builtin(), defs), text, t.TempDir(), 0))
		h.Close()
		nothingLeft(t, h)
		if n := loads.Load(); n != map[bool]int64{true: 1, false: 2}[together] {
			t.Errorf("together: %v: it was loaded %d times", together, n)
		}
	}
	sameFiles(t, "apart", files[1], files[0])
}

// TestTogetherAfterCrash starts a process anew that has ended, for stages that come later.
func TestTogetherAfterCrash(t *testing.T) {
	h := newTestHost(t, Options{Silence: time.Minute}, "together_bad")
	one := badForward(t, h, "together_bad", "")
	if err := one(t.Context()); err != nil {
		t.Fatal(err)
	}
	other := badForward(t, h, "together_bad", "exit")
	checkError(t, other(t.Context()), []string{"together_bad/bad: plugin together_bad (", "ended while in forward: exit status 3"})
	if err := one(t.Context()); err == nil {
		t.Error("a stage of a process that has ended goes on")
	}
	if err := badForward(t, h, "together_bad", "")(t.Context()); err != nil {
		t.Errorf("error is %v; want a process that is new", err)
	}
	h.Close()
	nothingLeft(t, h)
}

// askedNumbers is a plugin that writes how many numbers of matrices it asks for.
type askedNumbers struct{ *server }

func (s askedNumbers) Ask(stream grpc.BidiStreamingServer[wire.Answer, wire.Question]) error {
	return s.server.Ask(numbersAsked{stream})
}

func (s askedNumbers) Close(ctx context.Context, req *wire.CloseRequest) (*wire.Empty, error) {
	reply, err := s.server.Close(ctx, req)
	if len(req.GetKept()) > 0 {
		s.link.mu.Lock()
		defer s.link.mu.Unlock()
		fmt.Fprintln(os.Stderr, "kept", len(s.link.copies))
	}
	return reply, err
}

type numbersAsked struct {
	grpc.BidiStreamingServer[wire.Answer, wire.Question]
}

func (s numbersAsked) Send(q *wire.Question) error {
	if read := q.GetRead(); read.GetNumbers() != nil {
		fmt.Fprintln(os.Stderr, "numbers", read.GetTo()[0].GetCount())
	}
	return s.BidiStreamingServer.Send(q)
}

// TestMatricesTravelOnce has stages work on a recording in many blocks: W and H, which are the same
// for all of it, are asked for once, and once by all stages of a process.
func TestMatricesTravelOnce(t *testing.T) {
	t.Parallel()
	t.Run("apart", func(t *testing.T) { travelOnce(t, "counts", 2) })
	t.Run("together", func(t *testing.T) { travelOnce(t, "counts_together", 1) })
}

// travelOnce has two stages of a plugin given the same W and H, which must be asked for so many times
// in all. A matrix that the host does not have any more is not kept in the plugin either.
func travelOnce(t *testing.T, plugin string, times int) {
	var mu sync.Mutex
	total, kept := 0, -1
	h := newTestHost(t, Options{Written: func(_, line string) {
		mu.Lock()
		defer mu.Unlock()
		n := 0
		fmt.Sscanf(line, "numbers %d", &n)
		fmt.Sscanf(line, "kept %d", &kept)
		total += n
	}}, plugin)
	in := scene(t, "padded") // of few frames
	f := in["factors"].(*audiosep.Factors)
	bins, _ := f.W.Dims()
	f.W = mat.NewDense(bins, 17, random("w", 17*bins)) // too much for a message
	_, columns := f.H.Dims()
	f.H, f.Sources = mat.NewDense(17, columns, random("h", 17*columns)), nil
	ctx := blocks.WithSize(t.Context(), 16)
	for i, c := range []struct {
		stage string
		in    audiosep.Values
	}{
		{"activate", audiosep.Values{"power": in["power"], "dictionary": f}},
		{"share", audiosep.Values{"coefs": in["coefs"], "factors": f}},
	} {
		s := stageOf(t, h, plugin, c.stage, "")
		out, err := s.run(ctx, audiosep.Env{}, c.in)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range out {
			numbersOf(t, v)
		}
		s.Close() // what it wrote is here then
		want := 17 * (bins + columns) * min(i+1, times)
		mu.Lock()
		if total != want {
			t.Errorf("%s: %d numbers of matrices were asked for; want %d", c.stage, total, want)
		}
		mu.Unlock()
	}
	if times > 1 {
		return
	}
	// What is lazy, as the sources of share, needs what it was made of; the activations do not.
	ran := func() {
		own := &audiosep.Factors{W: mat.DenseCopyOf(f.W)}
		if _, err := stageOf(t, h, plugin, "activate", "").run(ctx, audiosep.Env{}, audiosep.Values{"power": in["power"], "dictionary": own}); err != nil {
			t.Fatal(err)
		}
	}
	ran()
	for deadline := time.Now().Add(2 * time.Minute); ; runtime.GC() {
		mu.Lock()
		gone := kept == 2 // W and H that are there
		mu.Unlock()
		if gone {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the plugin keeps %d matrices; want 2, those that the host has", kept)
		}
		time.Sleep(time.Millisecond)
	}
}

// In Python, too, what is given to two stages of a process is read once.
func TestMatricesTravelOnceInPython(t *testing.T) {
	t.Parallel()
	needPython(t)
	dir := t.TempDir()
	text := `#!/usr/bin/env python3
import sys
import audiosep_plugin
from audiosep_plugin import serve

read = audiosep_plugin._Plugin.read_matrix


def counted(self, m):
    print("read", file=sys.stderr, flush=True)
    return read(self, m)


audiosep_plugin._Plugin.read_matrix = counted


class One:
    """Wᵀ V."""
    name = "one"

    def activate(self, v, w):
        return w.T @ v


class Two(One):
    """The same."""
    name = "two"


serve(One, Two, one_process=True)
`
	if err := os.WriteFile(filepath.Join(dir, prefix+"twice"), []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	var reads atomic.Int64
	h := NewHost(Options{Folders: []string{dir}, Written: func(_, line string) {
		if line == "read" {
			reads.Add(1)
		}
	}})
	defer h.Close()
	in := scene(t, "padded")
	bins, _ := in["factors"].(*audiosep.Factors).W.Dims()
	f := &audiosep.Factors{W: mat.NewDense(bins, 117, random("w", 117*bins))}
	var all [][]float64
	for _, stage := range []string{"one", "two"} {
		out, err := stageOf(t, h, "twice", stage, "").run(t.Context(), audiosep.Env{}, audiosep.Values{"power": in["power"], "dictionary": f})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, numbersOf(t, out["factors"]))
	}
	same(t, "the activations", all[1], all[0], 0)
	h.Close()
	if n := reads.Load(); n != 1 {
		t.Errorf("W was read %d times; want once", n)
	}
}
