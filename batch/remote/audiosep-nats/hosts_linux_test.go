package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

// hostsIn is a variable of the environment: the folder of the test that is at work in namespaces of its own.
const hostsIn = "AUDIOSEP_TEST_HOSTS"

// hostsEnd is another: when that test is to be over, whatever it waits for.
const hostsEnd = "AUDIOSEP_TEST_HOSTS_END"

// hostsFor is how long it may take.
func hostsFor() time.Duration {
	if os.Getenv("AUDIOSEP_RELEASE") != "" {
		return 2 * time.Hour
	}
	return 5 * time.Minute
}

// A fleet of three hosts, a scheduler and a store are joined by a bridge, each in network, process, mount and
// name spaces of its own. Processes, whole hosts and the scheduler are killed -9 at random and begun again,
// and links are cut: in the end no item is lost, none is there in part, and no byte differs from what one
// process makes. AUDIOSEP_RELEASE=1 has 2 000 recordings.
func TestBatchSurvivesHosts(t *testing.T) {
	if dir := os.Getenv(hostsIn); dir != "" {
		newFleet(t, dir).test()
		return
	}
	dir := t.TempDir()
	bin := filepath.Join(dir, "bin")
	exe, err := os.Executable()
	if err == nil {
		err = errors.Join(os.Mkdir(bin, 0o700), os.Symlink(exe, filepath.Join(bin, "audiosep-nats")))
	}
	if err != nil {
		t.Fatal(err)
	}
	// With the flags with which others of the tests build them, so that nothing is compiled twice.
	core := exec.Command("go", "build", "-o", bin, "./cmd/audiosep")
	core.Dir, core.Env = filepath.Join("..", "..", ".."), append(os.Environ(), "CGO_ENABLED=0")
	store := exec.Command("go", "build", "-o", bin, "./audiosep-s3")
	store.Dir = ".."
	for _, build := range []*exec.Cmd{core, store} {
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	end := time.Now().Add(hostsFor()) // before go test's own, so that it is told what is stuck
	if own, ok := t.Deadline(); ok && own.Add(-10*time.Second).Before(end) {
		end = own.Add(-10 * time.Second)
	}
	within := exec.CommandContext(t.Context(), exe, "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=0")
	within.Env = append(os.Environ(), hostsIn+"="+dir, hostsEnd+"="+end.Format(time.RFC3339Nano))
	runtime.LockOSThread() // the signal comes when the thread ends that has started it
	defer runtime.UnlockOSThread()
	within.SysProcAttr = &syscall.SysProcAttr{
		Pdeathsig:   syscall.SIGKILL,
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	out, err := within.CombinedOutput()
	switch text := string(out); {
	case len(out) == 0 && err != nil:
		t.Skipf("there may be no namespaces made here: %v", err)
	case strings.Contains(text, "--- SKIP"):
		t.Skip(text)
	case err != nil || !strings.Contains(text, "--- PASS"):
		t.Errorf("%v\n%s", err, text)
	default:
		t.Log(text)
	}
}

// Where the store and the queue are.
const (
	storeAt = "10.77.0.1"
	queueAt = "10.77.0.2"
	bridge  = "audiosep0"
)

// fleet is what is tested: a store in this process, and hosts.
type fleet struct {
	t        *testing.T
	dir      string
	items    int
	end      time.Time // of the test, whatever it waits for
	faults   []string  // in the order in which they come
	rng      *rand.Rand
	store    *s3mem.Backend
	manifest string
	hosts    []*host // the first is the scheduler's
	cuts     sync.WaitGroup

	mu   sync.Mutex
	done map[string]bool // done-files that were written
}

func init() {
	asHost = func(args []string) error { return runAsHost(args[0], args[1], args[2], args[3:]) }
}

// host is a machine, as far as namespaces can be one.
type host struct {
	name, ip, link string
	args           []string // of audiosep, which is begun again when it ends with anything but 0
	first          *exec.Cmd
	on             io.WriteCloser // its end switches the host off
	ended          chan struct{}  // closed when args has ended with 0
	read           chan struct{}  // closed when all that first prints has been read
	booted         bool           // once
	said           said
}

// said is what processes have said; it may be read while they speak.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// gone waits until no process of the host is left.
func (h *host) gone() {
	<-h.read // Wait closes what is read
	h.first.Wait()
}

func newFleet(t *testing.T, dir string) *fleet {
	end, err := time.Parse(time.RFC3339Nano, os.Getenv(hostsEnd))
	if err != nil {
		t.Fatal(err)
	}
	f := &fleet{t: t, dir: dir, end: end, items: 14, rng: rand.New(rand.NewPCG(5, 8)), store: s3mem.New(), done: map[string]bool{}}
	// The scheduler last: what the queue has lost need not wait until it is handed out again.
	f.faults = []string{"child", "worker", "cut", "host", "scheduler"}
	if os.Getenv("AUDIOSEP_RELEASE") != "" {
		f.items, f.faults = 2000, nil
		kinds := []string{"child", "child", "worker", "worker", "cut", "cut", "host", "scheduler", "scheduler's host"}
		for range 120 {
			f.faults = append(f.faults, kinds[f.rng.IntN(len(kinds))])
		}
	}
	worker := []string{"worker", "--nats", "nats://TOKEN@" + queueAt + ":4222", "--jobs", "1", "--lease", "2s", "--tries", "1000"}
	f.manifest = filepath.Join(dir, "manifest.jsonl")
	f.hosts = []*host{{name: "scheduler", ip: queueAt, args: []string{"batch", "run", f.manifest, "--out", "s3://bucket/out",
		"--nats", "listen://TOKEN@" + queueAt + ":4222", "--jobs", "1", "--lease", "2s", "--tries", "1000", "--progress", "none"}}}
	for i := range 3 {
		f.hosts = append(f.hosts, &host{name: fmt.Sprintf("host%d", i+1), ip: fmt.Sprintf("10.77.0.%d", i+11), args: worker})
	}
	for name, value := range map[string]string{"AWS_ENDPOINT_URL": "http://" + storeAt + ":9000", "AWS_ENDPOINT_URL_S3": "", "AWS_ACCESS_KEY_ID": "key",
		"AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1", "AUDIOSEP_CACHE": "off", "GOMAXPROCS": "1"} {
		t.Setenv(name, value)
	}
	return f
}

func (f *fleet) test() {
	f.join()
	f.serve()
	f.plan()
	for _, h := range f.hosts {
		f.boot(h)
	}
	for k, what := range f.faults { // spread over the work, however fast it is
		f.until(f.items * (k + 1) / (len(f.faults) + 2))
		f.fault(what)
	}
	select {
	case <-f.hosts[0].ended:
	case <-time.After(time.Until(f.end)):
		f.stuck("the scheduler does not end")
	}
	f.cuts.Wait()
	for _, h := range f.hosts {
		h.on.Close()
		h.gone()
	}
	f.compare()
}

// join makes the bridge.
func (f *fleet) join() {
	if _, err := exec.LookPath("ip"); err != nil {
		f.t.Skip("there is no program ip (iproute2)")
	}
	for _, args := range []string{"link set lo up", "link add " + bridge + " type bridge", "addr add " + storeAt + "/24 dev " + bridge, "link set " + bridge + " up"} {
		if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
			f.t.Skipf("there may be no bridge made here: ip %s: %v: %s", args, err, out)
		}
	}
}

func (f *fleet) ip(args string) {
	if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
		f.t.Fatalf("ip %s: %v: %s", args, err, out)
	}
}

// serve has a store at the bridge, and notes which done-files are written.
func (f *fleet) serve() {
	if err := f.store.CreateBucket("bucket"); err != nil {
		f.t.Fatal(err)
	}
	all := gofakes3.New(f.store).Server()
	s := &http.Server{Addr: storeAt + ":9000", Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		all.ServeHTTP(w, r)
		if r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, "/done.json") {
			f.mu.Lock()
			f.done[r.URL.Path] = true
			f.mu.Unlock()
		}
	})}
	f.t.Cleanup(func() { s.Close() })
	go s.ListenAndServe()
}

// plan puts recordings into the store and writes their manifest.
func (f *fleet) plan() {
	in, spec := filepath.Join(f.dir, "in"), filepath.Join(f.dir, "pipeline.json")
	if err := errors.Join(os.Mkdir(in, 0o700), os.WriteFile(spec, []byte(pipeline), 0o600)); err != nil {
		f.t.Fatal(err)
	}
	recordings(f.t, in, f.items)
	all, _ := filepath.Glob(filepath.Join(in, "*"))
	for _, path := range all {
		text, err := os.ReadFile(path)
		if err == nil {
			about := map[string]string{"Last-Modified": time.Now().UTC().Format(http.TimeFormat)}
			_, err = f.store.PutObject("bucket", "songs/"+filepath.Base(path), about, bytes.NewReader(text), int64(len(text)), nil)
		}
		if err != nil {
			f.t.Fatal(err)
		}
	}
	if err := os.WriteFile(f.manifest, []byte(f.audiosep("batch", "plan", spec, "s3://bucket/songs")), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

// audiosep runs a command where the store is, and returns what it prints.
func (f *fleet) audiosep(args ...string) string {
	f.t.Helper()
	cmd := exec.Command(filepath.Join(f.dir, "bin", "audiosep"), args...)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		f.t.Fatalf("%v: %v\n%s\n%s", args, err, said.String(), out)
	}
	return string(out)
}

// boot switches a host on.
func (f *fleet) boot(h *host) {
	exe, err := os.Executable()
	if err != nil {
		f.t.Fatal(err)
	}
	tmp := filepath.Join(f.dir, "tmp")
	os.MkdirAll(tmp, 0o700)
	h.link, h.ended = "to-"+h.name, make(chan struct{})
	cmd := exec.Command(exe)
	cmd.Args = append([]string{"audiosep-host", h.name, h.ip, tmp, filepath.Join(f.dir, "bin", "audiosep")}, h.args...)
	cmd.Env = append(os.Environ(), "TMPDIR="+tmp)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWUTS}
	cmd.Stderr, h.first = &h.said, cmd
	if h.on, err = cmd.StdinPipe(); err != nil {
		f.t.Fatal(err)
	}
	codes, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	switch {
	case err != nil && h.booted:
		f.t.Fatalf("%s cannot be switched on again: %v", h.name, err)
	case err != nil:
		f.t.Skipf("there may be no hosts made here: %v", err)
	}
	h.booted, h.read = true, make(chan struct{})
	f.t.Cleanup(func() { cmd.Process.Kill() })
	f.ip(fmt.Sprintf("link add %s type veth peer name eth0 netns %d", h.link, cmd.Process.Pid))
	f.ip("link set " + h.link + " master " + bridge + " up")
	io.WriteString(h.on, "\n")
	go func(ended, read chan struct{}) {
		defer close(read)
		lines := bufio.NewScanner(codes)
		for lines.Scan() {
			switch code := lines.Text(); {
			case code == "0":
				close(ended)
			case h == f.hosts[0] && code != "4" && code != "-1": // killed, or stopped: it can go on
				f.t.Errorf("the scheduler ended with %s; want 0, 4, or a death by signal\n%s", code, &h.said)
			}
		}
	}(h.ended, h.read)
}

// switchOff takes a host from the network, as a want of power would, and ends all that it was at.
func (f *fleet) switchOff(h *host) {
	f.ip("link set " + h.link + " down")
	h.first.Process.Kill() // the first of its processes: none outlives it
	h.gone()
	exec.Command("ip", "link", "del", h.link).Run() // it is gone with the namespace, now or soon
}

// runAsHost is what boot starts: the first process of a host.
func runAsHost(name, ip, tmp string, args []string) error {
	err := errors.Join(syscall.Sethostname([]byte(name)),
		syscall.Mount("none", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""),
		syscall.Mount("none", tmp, "tmpfs", 0, "size=1g"))
	if err != nil {
		return err
	}
	if _, err := os.Stdin.Read(make([]byte, 1)); err != nil { // until it is joined to the network
		return err
	}
	for _, args := range []string{"link set lo up", "addr add " + ip + "/24 dev eth0", "link set eth0 up"} {
		if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
			return fmt.Errorf("ip %s: %w: %s", args, err, out)
		}
	}
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	for ; ; time.Sleep(100 * time.Millisecond) {
		p, err := os.StartProcess(args[0], args, &os.ProcAttr{Files: []*os.File{nil, nil, os.Stderr}, Env: os.Environ()})
		if err != nil {
			return err
		}
		var how syscall.WaitStatus
		for pid := 0; pid != p.Pid; { // of those, too, whose parents were killed
			if pid, err = syscall.Wait4(-1, &how, 0, nil); err != nil && err != syscall.EINTR {
				return err
			}
		}
		fmt.Println(how.ExitStatus())
		if how.ExitStatus() == 0 {
			select {} // until it is switched off
		}
	}
}

// count returns how many items have been done.
func (f *fleet) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.done)
}

// until waits until k items are done.
func (f *fleet) until(k int) {
	for f.count() < k {
		if time.Sleep(5 * time.Millisecond); time.Now().After(f.end) {
			f.stuck(fmt.Sprintf("%d of %d items are done, and there is no more time", f.count(), f.items))
		}
	}
}

func (f *fleet) stuck(why string) {
	f.t.Helper()
	for _, h := range f.hosts {
		h.on.Close()
		h.gone()
		why += "\n" + h.name + ":\n" + h.said.String()
	}
	f.t.Fatal(why)
}

// fault does one of the things that must not matter.
func (f *fleet) fault(what string) {
	h := f.hosts[1+f.rng.IntN(3)]
	if strings.HasPrefix(what, "scheduler") || what == "cut" && f.rng.IntN(4) == 0 {
		h = f.hosts[0]
	}
	switch what {
	case "cut":
		long := time.Second
		if len(f.faults) > 10 {
			long += time.Duration(f.rng.IntN(5000)) * time.Millisecond // some for longer than a lease is
		}
		f.t.Logf("%d done: %s is cut off for %v", f.count(), h.name, long)
		f.ip("link set " + h.link + " down")
		f.cuts.Go(func() {
			time.Sleep(long)
			exec.Command("ip", "link", "set", h.link, "up").Run() // it may have been switched off meanwhile
		})
	case "host", "scheduler's host":
		f.t.Logf("%d done: %s is switched off", f.count(), h.name)
		f.switchOff(h)
		f.boot(h)
	default:
		f.kill(h, what)
	}
}

// kill kills a process of a host: its worker or scheduler, or one that those have started.
func (f *fleet) kill(h *host, what string) {
	for ; time.Now().Before(f.end); time.Sleep(2 * time.Millisecond) {
		var all []int
		for _, pid := range children(h.first.Process.Pid) {
			if args := arguments(pid); len(args) < 2 || args[1] != h.args[0] {
				continue // an orphan, or one that is about to become the program
			}
			all = append(all, pid)
			if what == "child" {
				all = children(pid)
			}
		}
		if len(all) == 0 {
			continue
		}
		pid := all[f.rng.IntN(len(all))]
		args := arguments(pid)
		if args[0] == "" || syscall.Kill(pid, syscall.SIGKILL) != nil {
			continue
		}
		f.t.Logf("%d done: of %s %s is killed", f.count(), h.name, strings.Join(append([]string{filepath.Base(args[0])}, args[1:min(len(args), 3)]...), " "))
		return
	}
	f.stuck("nothing of " + h.name + " can be killed")
}

// children returns those of a process; each of its threads has some.
func children(pid int) (all []int) {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, thread := range threads {
		text, _ := os.ReadFile(thread)
		for _, word := range strings.Fields(string(text)) {
			if n, err := strconv.Atoi(word); err == nil {
				all = append(all, n)
			}
		}
	}
	return all
}

func arguments(pid int) []string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return strings.Split(strings.TrimRight(string(text), "\x00"), "\x00")
}

// compare holds what is in the store against what one process makes that nobody kills.
func (f *fleet) compare() {
	t := f.t
	if text := f.audiosep("batch", "status", f.manifest, "--out", "s3://bucket/out", "--verify"); !strings.HasPrefix(text, fmt.Sprintf("%d of %d done, 0 failed", f.items, f.items)) {
		t.Error(text)
	}
	alone := filepath.Join(f.dir, "alone")
	f.audiosep("batch", "run", f.manifest, "--out", alone, "--jobs", "1", "-q")
	want := contents(t, alone)
	if len(want) != 3*f.items {
		t.Errorf("%d files; want %d", len(want), 3*f.items)
	}
	listed, err := f.store.ListBucket("bucket", &gofakes3.Prefix{HasPrefix: true, Prefix: "out/"}, gofakes3.ListBucketPage{})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, o := range listed.Contents {
		name := strings.TrimPrefix(o.Key, "out/")
		if strings.HasPrefix(name, ".audiosep/") {
			continue
		}
		if n++; filepath.Base(name) == "done.json" {
			continue
		}
		got, err := f.store.GetObject("bucket", o.Key, nil)
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(got.Contents); err != nil || string(text) != want[name] {
			t.Errorf("%s differs from what one process makes (%v)", name, err)
		}
	}
	if n != 4*f.items {
		t.Errorf("%d objects; want %d", n, 4*f.items)
	}
}
