//go:build unix

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/batch"
)

// chaosSize is how many items the test has, and how often something is killed: a few unless
// AUDIOSEP_RELEASE is set, which is for machines that have an hour.
func chaosSize() (items, kills int) {
	if os.Getenv("AUDIOSEP_RELEASE") != "" {
		return 2000, 100
	}
	return 16, 4
}

// chaosLease is after how long without a sign of life others take an item: long enough for a busy
// machine, and much less than the minute that is usual, for which the batch else waits where
// who had an item died just when nobody could see it.
const chaosLease = 5 * time.Second

// program returns a command that is this program.
func program(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, args...)
	cmd.Args[0] = "audiosep"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

// chaos is three machines that do one batch, as far as processes of one machine can be that.
type chaos struct {
	manifest, out string
	items         int
	mu            sync.Mutex
	running       []*exec.Cmd   // runs, each the leader of a group
	ended         chan struct{} // closed when all runs have ended for good
}

// machine runs a shard until it ends by itself, as a scheduler that starts jobs again would.
func (c *chaos) machine(t *testing.T, shard int) {
	for range 1000 {
		cmd := program(t, "batch", "run", c.manifest, "--out", c.out, "--shard", fmt.Sprintf("%d/3", shard), "--jobs", "2", "--tries", "1000", "--lease", chaosLease.String(), "--progress", "none")
		var said bytes.Buffer
		cmd.Stderr = &said
		if err := cmd.Start(); err != nil {
			t.Error(err)
			return
		}
		c.mu.Lock()
		c.running = append(c.running, cmd)
		c.mu.Unlock()
		err := cmd.Wait()
		c.mu.Lock()
		for i := range c.running {
			if c.running[i] == cmd {
				c.running = append(c.running[:i], c.running[i+1:]...)
				break
			}
		}
		c.mu.Unlock()
		if err == nil {
			return
		}
		if code := cmd.ProcessState.ExitCode(); code != -1 && code != batch.ExitStopped {
			t.Errorf("shard %d: exit code %d; want 0, or a death by signal\n%s", shard, code, said.String())
			return
		}
	}
	t.Errorf("shard %d does not end", shard)
}

// kill kills at random: a run with its workers, a run alone, whose workers then are orphans, or
// one worker.
func (c *chaos) kill(rng *rand.Rand) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.running) == 0 {
		return "none"
	}
	pid := c.running[rng.IntN(len(c.running))].Process.Pid
	switch rng.IntN(3) {
	case 0:
		syscall.Kill(-pid, syscall.SIGKILL)
		return "machine"
	case 1:
		syscall.Kill(pid, syscall.SIGKILL)
		return "run"
	}
	var workers []byte // each thread has children of its own
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, thread := range threads {
		text, _ := os.ReadFile(thread)
		workers = append(workers, text...)
	}
	if all := strings.Fields(string(workers)); len(all) > 0 {
		if worker, err := strconv.Atoi(all[rng.IntN(len(all))]); err == nil {
			syscall.Kill(worker, syscall.SIGKILL)
			return "worker"
		}
	}
	return "none"
}

// over tells whether all runs have ended for good.
func (c *chaos) over() bool {
	select {
	case <-c.ended:
		return true
	default:
		return false
	}
}

// done counts the items that are there.
func (c *chaos) done() int {
	all, _ := filepath.Glob(filepath.Join(c.out, "*", batch.DoneFile))
	return len(all)
}

// Three runs share a batch, and are killed at random, their workers too: in the end no item is
// lost, none is there in part, and no byte differs from what one run makes that nobody killed.
func TestBatchSurvivesKills(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs a batch twice")
	}
	n, kills := chaosSize()
	dir := t.TempDir()
	manifest := chaosManifest(t, dir, n)
	c := &chaos{manifest: manifest, out: filepath.Join(dir, "killed"), items: n, ended: make(chan struct{})}
	var machines sync.WaitGroup
	for shard := range 3 {
		machines.Go(func() { c.machine(t, shard) })
	}
	go func() {
		machines.Wait()
		close(c.ended)
	}()
	rng := rand.New(rand.NewPCG(1, 2))
	killed := map[string]int{}
	for k := range kills { // spread over the work, however fast it is
		for over := false; c.done() < n*k/(kills+1); time.Sleep(5 * time.Millisecond) {
			if over {
				t.Fatalf("all runs have ended, and %d of %d items are done", c.done(), n)
			}
			over = c.over()
		}
		for what := "none"; what == "none" && c.done() < n && !c.over(); {
			if what = c.kill(rng); what == "none" {
				time.Sleep(2 * time.Millisecond)
			} else {
				killed[what]++
			}
		}
	}
	<-c.ended
	t.Logf("killed: %v", killed)
	if total := killed["machine"] + killed["run"] + killed["worker"]; total < kills/2 {
		t.Errorf("%d were killed; want about %d", total, kills)
	}
	alone := filepath.Join(dir, "alone")
	for _, out := range []string{alone, c.out} {
		if text, err := program(t, "batch", "run", manifest, "--out", out, "--progress", "none", "-q").CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if text, err := program(t, "batch", "status", manifest, "--out", out, "--verify").CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, text)
		}
	}
	want, got := contents(t, alone), contents(t, c.out)
	for name, text := range want {
		if got[name] != text {
			t.Errorf("%s differs", name)
		}
		delete(got, name)
	}
	for name := range got {
		t.Errorf("%s is there, and should not be", name)
	}
	if len(want) != 3*n {
		t.Errorf("%d files; want %d", len(want), 3*n)
	}
}

// chaosManifest plans a batch of n recordings in a folder.
func chaosManifest(t testing.TB, dir string, n int, set ...string) string {
	t.Helper()
	for i := range n {
		s := &audiosep.Signal{Rate: 8000, Channels: 1, Data: [][]float64{make([]float64, 4000+i%7*500)}}
		for k := range s.Data[0] {
			x := float64(k) / 8000
			s.Data[0][k] = 0.3*math.Sin(2*math.Pi*440*x)*math.Abs(math.Sin(3*x)) + 0.2*math.Sin(2*math.Pi*float64(900+i)*x)
		}
		path := filepath.Join(dir, "in", fmt.Sprintf("s%d.wav", i))
		os.MkdirAll(filepath.Dir(path), 0o777)
		if err := audio.WriteFile(path, s, "int16"); err != nil {
			t.Fatal(err)
		}
	}
	spec := filepath.Join(dir, "pipeline.json")
	os.WriteFile(spec, []byte(`{"audiosep": 1, "seed": 1, "stages": [
		{"use": "read_audio", "params": {"files": ["none.wav"]}},
		{"use": "frame", "params": {"length_ms": 40}},
		{"use": "dct"},
		{"use": "is_nmf", "params": {"rank": 2, "iterations": 20}},
		{"use": "wiener"},
		{"use": "write_audio"}]}`), 0o600)
	args := []string{"batch", "plan", spec, filepath.Join(dir, "in")}
	for _, s := range set {
		args = append(args, "--set", s)
	}
	cmd := program(t, args...)
	var said bytes.Buffer
	cmd.Stderr = &said
	text, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, said.String())
	}
	manifest := filepath.Join(dir, "manifest.jsonl")
	if err := os.WriteFile(manifest, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return manifest
}

// contents returns what is in the files of results, but for done-files, which tell times, and
// what a batch knows of items that are not done.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() {
			if e.Name() == ".audiosep" {
				return filepath.SkipDir
			}
			return nil
		}
		if e.Name() == batch.DoneFile {
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

// A disk that fills up stops a batch so that it can go on, and is never taken for success: on
// one of a megabyte some items are done, and with more room all.
func TestBatchFullDisk(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs a batch twice")
	}
	dir := t.TempDir()
	manifest := chaosManifest(t, dir, 24)
	small := filepath.Join(dir, "small")
	if err := os.Mkdir(small, 0o700); err != nil {
		t.Fatal(err)
	}
	script := `mount -t tmpfs -o size=600k none "$1" || exit 77
"$0" batch run "$2" --out "$1/out" --progress none -q; code=$?
"$0" batch status "$2" --out "$1/out" --verify
echo "code $code"
mount -o remount,size=60m "$1"
"$0" batch run "$2" --out "$1/out" --progress none -q; echo "then $?"`
	exe := program(t).Path
	link := filepath.Join(dir, "audiosep")
	if err := os.Symlink(exe, link); err != nil {
		t.Fatal(err)
	}
	text, err := exec.Command("unshare", "--mount", "--map-root-user", "sh", "-c", script, link, small, manifest).CombinedOutput()
	if err != nil && !strings.Contains(string(text), "code ") {
		t.Skipf("there may be no small disk made here: %v: %s", err, text)
	}
	if out := string(text); !strings.Contains(out, "code 4") || !strings.Contains(out, "then 0") || strings.Contains(out, "damaged") || strings.Contains(out, " 0 of 24 done") {
		t.Errorf("%s\nwant exit code 4 with some items done, then 0", out)
	}
}

// On SIGTERM a batch drops what does not end in its grace, and says that it can go on.
func TestBatchTerm(t *testing.T) {
	dir := t.TempDir()
	manifest := chaosManifest(t, dir, 2, "is_nmf.iterations=100000000", "is_nmf.tol=0")
	out := filepath.Join(dir, "out")
	cmd := program(t, "batch", "run", manifest, "--out", out, "--jobs", "2", "--grace", "0s", "--progress", "json")
	said, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	lines := bufio.NewScanner(said)
	for lines.Scan() {
		all.WriteString(lines.Text() + "\n")
		if strings.Contains(lines.Text(), `"state":"step"`) {
			break
		}
	}
	cmd.Process.Signal(syscall.SIGTERM)
	for lines.Scan() {
		all.WriteString(lines.Text() + "\n")
	}
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != batch.ExitStopped || !strings.Contains(all.String(), `"state":"dropped"`) {
		t.Errorf("exit code %d, %s; want %d, and items dropped", code, all.String(), batch.ExitStopped)
	}
	entries, _ := os.ReadDir(out)
	for _, e := range entries {
		if e.Name() != ".audiosep" {
			t.Errorf("%s is left", e.Name())
		}
	}
	if left, _ := filepath.Glob(filepath.Join(out, ".audiosep", "*", "*")); len(left) > 0 {
		t.Errorf("%v are left", left)
	}
}
