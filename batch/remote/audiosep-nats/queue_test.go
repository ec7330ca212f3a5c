//go:build unix

package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// asHost is the first process of a host; nil where none can be made.
var asHost func(args []string) error

// This program is audiosep-nats, too, where it is called so.
func TestMain(m *testing.M) {
	switch filepath.Base(os.Args[0]) {
	case "audiosep-nats":
		main()
		return
	case "audiosep-host":
		fmt.Fprintln(os.Stderr, asHost(os.Args[1:]))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// serve starts a server whose queue is in a folder, at a port; 0: any.
func serve(t *testing.T, dir string, port int) *server.Server {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: port, JetStream: true, StoreDir: dir, NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(time.Minute) {
		t.Fatal("the server does not start")
	}
	return s
}

// A queue hands each task out once, again if it did not end well; counts those of a run and drops them;
// is made again when the server has lost it; and a server of its own lets nobody in without the token.
func TestQueue(t *testing.T) {
	ctx := t.Context()
	for _, url := range []string{"s3://SECRET@bucket", "listen://0.0.0.0:0", "listen://:SECRET@0.0.0.0:0", "listen://SECRET@:x", "nats://SECRET@127.0.0.1:1", "nats://SECRET%@127.0.0.1"} {
		if _, err := open(ctx, url); err == nil || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: %v; want an error without the token", url, err)
		}
	}
	own, err := open(ctx, "listen://secret@127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := own.(*queue).server.Addr().(*net.TCPAddr)
	if _, err := open(ctx, "nats://"+at.String()); err == nil {
		t.Error("whoever has no token is let in")
	}
	other, err := open(ctx, "nats://secret@"+at.String())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	for i := range 3 {
		if err := own.Put(ctx, "one", fmt.Append(nil, i)); err != nil {
			t.Fatal(err)
		}
	}
	own.Put(ctx, "two", []byte("other"))
	waiting := func(want int) {
		t.Helper()
		if n, err := own.Waiting(ctx, "one"); n != want || err != nil {
			t.Errorf("%d wait, %v; want %d", n, err, want)
		}
	}
	waiting(3)
	var ids []string
	for i := range 2 {
		task, err := other.Take(ctx)
		if err != nil || string(task.Text) != fmt.Sprint(i) {
			t.Fatalf("%+v, %v; want %d", task, err, i)
		}
		ids = append(ids, task.ID)
	}
	if err := other.End(ctx, ids[0], true); err != nil {
		t.Error(err)
	}
	waiting(2)
	if err := own.Drop(ctx, "one"); err != nil {
		t.Error(err)
	}
	waiting(0)
	if task, err := other.Take(ctx); err != nil || string(task.Text) != "other" {
		t.Errorf("%+v, %v; want what is of another run", task, err)
	} else if err := other.End(ctx, task.ID, false); err != nil {
		t.Error(err)
	}
	if task, err := other.Take(ctx); err != nil || task == nil && again < patience {
		t.Errorf("%+v, %v; want what did not end well again", task, err)
	}
	folder := own.(*queue).folder
	if err := own.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(folder); err == nil {
		t.Error("the folder of the server is left")
	}
	s := serve(t, t.TempDir(), at.Port) // an empty one, with no token, in its place
	defer s.Shutdown()
	q, err := open(ctx, "nats://"+at.String())
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	if err := q.(*queue).js.DeleteStream(ctx, streamName); err != nil {
		t.Fatal(err)
	}
	if err := q.Put(ctx, "one", []byte("new")); err != nil {
		t.Errorf("the queue is not made again: %v", err)
	}
	if task, err := q.Take(ctx); err != nil || string(task.Text) != "new" {
		t.Errorf("%+v, %v", task, err)
	}
}

const pipeline = `{"audiosep": 1, "seed": 1, "stages": [
	{"use": "read_audio", "params": {"files": ["none.wav"]}},
	{"use": "frame", "params": {"length_ms": 40}},
	{"use": "dct"},
	{"use": "is_nmf", "params": {"rank": 2, "iterations": 20}},
	{"use": "wiener"},
	{"use": "write_audio"}]}`

// recordings writes n of them into a folder.
func recordings(t *testing.T, dir string, n int) {
	t.Helper()
	le := func(bytes, x int) (text string) { // the lowest first
		for range bytes {
			text += string([]byte{byte(x)})
			x >>= 8
		}
		return text
	}
	for i := range n {
		n := 4000 + i%7*500
		var b bytes.Buffer // a header of WAV, and 16-bit samples
		fmt.Fprintf(&b, "RIFF%sWAVEfmt %s", le(4, 36+2*n), le(4, 16)+le(2, 1)+le(2, 1)+le(4, 8000)+le(4, 16000)+le(2, 2)+le(2, 16)+"data"+le(4, 2*n))
		for k := range n {
			b.WriteString(le(2, (k*k*(i+1))%20011-10000))
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("s%d.wav", i)), b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// A run and two workers share a batch by a queue. One worker is killed, then the server, with all that is
// in the queue, and an empty one takes its place: no item is lost, none is there in part, and no byte
// differs from what one run makes.
func TestBatchSurvivesQueue(t *testing.T) {
	const n = 16
	dir, bin := t.TempDir(), t.TempDir()
	build := exec.Command("go", "build", "-o", bin, "./cmd/audiosep")
	build.Dir, build.Env = filepath.Join("..", "..", ".."), append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	exe, err := os.Executable()
	if err == nil {
		err = os.Symlink(exe, filepath.Join(bin, "audiosep-nats"))
	}
	in, spec, manifest := filepath.Join(dir, "in"), filepath.Join(dir, "pipeline.json"), filepath.Join(dir, "manifest.jsonl")
	if err != nil || os.Mkdir(in, 0o700) != nil || os.WriteFile(spec, []byte(pipeline), 0o600) != nil {
		t.Fatal("no folder can be made", err)
	}
	recordings(t, in, n)
	program := func(args ...string) *exec.Cmd {
		cmd := exec.Command(filepath.Join(bin, "audiosep"), args...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		cmd.Env, cmd.Stderr = append(os.Environ(), "AUDIOSEP_CACHE=off", "GOMAXPROCS=1"), new(bytes.Buffer)
		return cmd
	}
	must := func(args ...string) string {
		t.Helper()
		cmd := program(args...)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v: %v\n%s", args, err, cmd.Stderr)
		}
		return string(out)
	}
	os.WriteFile(manifest, []byte(must("batch", "plan", spec, in)), 0o600)
	alone, shared := filepath.Join(dir, "alone"), filepath.Join(dir, "shared")
	must("batch", "run", manifest, "--out", alone, "-q")
	store := filepath.Join(dir, "queue")
	s := serve(t, store, 0)
	at := s.Addr().(*net.TCPAddr)
	url := "nats://" + at.String()
	start := func(args ...string) *exec.Cmd {
		cmd := program(args...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { cmd.Process.Kill() })
		return cmd
	}
	workers := []*exec.Cmd{start("worker", "--nats", url, "--jobs", "1", "--lease", "2s"), start("worker", "--nats", url, "--jobs", "1", "--lease", "2s")}
	run := start("batch", "run", manifest, "--out", shared, "--nats", url, "--jobs", "1", "--lease", "2s", "--progress", "json")
	ended := make(chan error, 1)
	go func() { ended <- run.Wait() }()
	until := func(k int) { // k items are done
		t.Helper()
		for over := false; ; time.Sleep(3 * time.Millisecond) {
			if all, _ := filepath.Glob(filepath.Join(shared, "*", "done.json")); len(all) >= k {
				return
			}
			if over {
				t.Fatalf("the run ended before %d items were done\n%s", k, run.Stderr)
			}
			select {
			case err := <-ended:
				ended <- err
				over = true
			default:
			}
		}
	}
	until(2)
	syscall.Kill(-workers[0].Process.Pid, syscall.SIGKILL)
	until(5)
	s.Shutdown()
	s.WaitForShutdown()
	if err := os.RemoveAll(store); err != nil {
		t.Fatal(err)
	}
	s = serve(t, store, at.Port)
	defer s.Shutdown()
	if err := <-ended; err != nil {
		t.Errorf("%v\n%s", err, run.Stderr)
	}
	if err := workers[0].Wait(); err == nil {
		t.Error("the worker that was killed had ended by itself")
	}
	syscall.Kill(workers[1].Process.Pid, syscall.SIGTERM)
	if err := workers[1].Wait(); err != nil {
		t.Errorf("the worker that was told to stop: %v\n%s", err, workers[1].Stderr)
	}
	if text := must("batch", "status", manifest, "--out", shared, "--verify"); !strings.HasPrefix(text, fmt.Sprintf("%d of %d done, 0 failed", n, n)) {
		t.Error(text)
	}
	want, got := contents(t, alone), contents(t, shared)
	if len(want) != 3*n || len(got) != len(want) {
		t.Errorf("%d files, and alone %d; want %d", len(got), len(want), 3*n)
	}
	for name, text := range want {
		if got[name] != text {
			t.Errorf("%s differs", name)
		}
	}
}

// contents returns what is in the files of results, but for done-files, which tell times.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.Name() == "done.json" {
			return err
		}
		if e.IsDir() {
			if e.Name() == ".audiosep" {
				return filepath.SkipDir
			}
			return nil
		}
		text, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		all[rel] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
