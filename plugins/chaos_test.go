//go:build unix

package plugins

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/audiosep/audiosep"
)

// chaosRuns is how often things are killed; AUDIOSEP_CHAOS says otherwise.
func chaosRuns(t *testing.T) int {
	n := 20
	if testing.Short() {
		n = 8
	}
	if s := os.Getenv("AUDIOSEP_CHAOS"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	return n
}

// work uses a plugin from its description on, as a pipeline does.
func work(ctx context.Context, h *Host, plugin, out string) error {
	var all []*ported
	for _, stage := range []struct{ name, params string }{{"reverse", ""}, {"factor", ""}, {"share", ""}, {"sum", `{"file": "` + out + `"}`}} {
		s, err := tryStage(h, plugin, stage.name, stage.params)
		if err != nil {
			return err
		}
		defer s.Close()
		all = append(all, s)
	}
	frames := besides([][]float64{make([]float64, 256*2000)}, 8000, 256, 1)
	values := audiosep.Values{"frames": frames}
	for _, s := range all {
		in := audiosep.Values{}
		for _, p := range s.def.In {
			if v := values[p.Name]; v != nil {
				in[p.Name] = v
			}
		}
		made, err := s.run(ctx, audiosep.Env{}, in)
		if err != nil {
			return err
		}
		maps.Copy(values, made)
	}
	return all[3].stage.(audiosep.Committer).Commit(ctx)
}

// TestChaos kills a plugin's process at random moments of its work. Either all is done,
// or the error says that the plugin ended; what its sink wrote is whole or not there.
func TestChaos(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long")
	}
	t.Parallel() // it waits a lot
	rng := rand.New(rand.NewPCG(1, uint64(os.Getpid())))
	h := newTestHost(t, Options{Silence: 10 * time.Second}, "good")
	begin := time.Now()
	if err := work(t.Context(), h, "good", filepath.Join(t.TempDir(), "sum")); err != nil {
		t.Fatal(err)
	}
	usual := time.Since(begin)
	for i := range chaosRuns(t) {
		dir := t.TempDir()
		signal, silence := syscall.SIGKILL, time.Minute // a busy machine is silent for a while too
		if i%10 == 9 {
			signal, silence = syscall.SIGSTOP, time.Second
		}
		h := newTestHost(t, Options{Silence: silence}, "good")
		done := strike(h, time.Duration(rng.Int64N(int64(usual))), signal)
		err := work(t.Context(), h, "good", filepath.Join(dir, "sum"))
		<-done
		var e *Error
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("run %d: error is %v, a %T; want a *plugins.Error", i, err, err)
		}
		if e != nil && signal == syscall.SIGKILL && e.Exit != "signal: killed" {
			t.Errorf("run %d: exit is %q in %v; want signal: killed", i, e.Exit, err)
		}
		h.Close()
		nothingLeft(t, h)
		left, _ := os.ReadDir(dir)
		for _, f := range left {
			if f.Name() == "sum" && err == nil || f.Name() == "sum.part" && err != nil {
				continue // a sink that is killed cannot clean up
			}
			t.Errorf("run %d: %s is left with error %v", i, f.Name(), err)
		}
	}
}

// strike sends a signal to one of the host's processes after some time.
func strike(h *Host, after time.Duration, signal syscall.Signal) chan struct{} {
	done := make(chan struct{})
	time.AfterFunc(after, func() {
		defer close(done)
		h.mu.Lock()
		defer h.mu.Unlock()
		for p := range h.all {
			if p.child.startErr == nil {
				syscall.Kill(p.child.cmd.Process.Pid, signal)
				return
			}
		}
	})
	return done
}

// TestHostKilled kills hosts, in processes of their own, at random moments: their
// plugins end and leave neither processes nor sockets.
func TestHostKilled(t *testing.T) {
	if hostDir := os.Getenv("AUDIOSEP_TEST_HOST"); hostDir != "" {
		h := NewHost(Options{Folders: []string{hostDir}})
		for i := 0; ; i++ {
			if err := work(context.Background(), h, "good", filepath.Join(hostDir, fmt.Sprint("sum", i))); err != nil {
				fmt.Println(err)
				os.Exit(3)
			}
		}
	}
	rng := rand.New(rand.NewPCG(2, uint64(os.Getpid())))
	var g errgroup.Group
	g.SetLimit(4) // beside each other: they wait a lot
	var folders []string
	for i := range chaosRuns(t) {
		dir, tmp := install(t, "good"), shortTemp(t)
		folders = append(folders, tmp)
		after := time.Duration(rng.Int64N(int64(400 * time.Millisecond)))
		g.Go(func() error {
			if err := killHost(t, dir, tmp, after); err != nil {
				return fmt.Errorf("run %d: %w", i, err)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	for i, tmp := range folders {
		// A host that is killed while a plugin starts leaves a folder, which the next removes.
		sweep(t, tmp)
		if files, _ := os.ReadDir(tmp); len(files) > 0 {
			t.Errorf("run %d: %v are left", i, files)
		}
	}
}

// killHost starts a host of the plugin in a folder, kills it after some time and waits until its
// plugins have ended.
func killHost(t *testing.T, dir, tmp string, after time.Duration) error {
	cmd := exec.Command(os.Args[0], "-test.run=^TestHostKilled$")
	cmd.Env = append(os.Environ(), "AUDIOSEP_TEST_HOST="+dir, "TMPDIR="+tmp)
	if err := cmd.Start(); err != nil {
		return err
	}
	time.Sleep(after)
	cmd.Process.Kill()
	if err := cmd.Wait(); !strings.Contains(fmt.Sprint(err), "killed") {
		return fmt.Errorf("the host ended by itself: %v", err)
	}
	var left []string
	for wait := time.Millisecond; wait < 30*time.Second; wait *= 2 {
		if left = processes(t, dir); len(left) == 0 {
			return nil
		}
		time.Sleep(wait)
	}
	return fmt.Errorf("processes are left: %v", left)
}

// shortTemp is a folder whose name leaves room for sockets.
func shortTemp(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "as")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// sweep does what the next host in the same temporary folder would do first.
func sweep(t *testing.T, tmp string) {
	t.Helper()
	t.Setenv("TMPDIR", tmp)
	dir, err := socketFolder()
	if err != nil {
		t.Fatal(err)
	}
	os.Remove(dir)
}
