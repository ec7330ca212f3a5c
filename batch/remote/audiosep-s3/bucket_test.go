//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/audiosep/audiosep/batch/helper"
)

// This program is audiosep-s3, too, where it is called so.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "audiosep-s3" {
		main()
		return
	}
	os.Exit(m.Run())
}

// fake is an S3 in this process, with a bucket.
func fake(t *testing.T) { fakeOf(t, "") }

// fakeOf is one that lists nothing but what is below a prefix.
func fakeOf(t *testing.T, prefix string) {
	t.Helper()
	at := s3mem.New()
	if err := at.CreateBucket("bucket"); err != nil {
		t.Fatal(err)
	}
	all := gofakes3.New(at).Server()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if q := r.URL.Query(); q.Has("list-type") && !strings.HasPrefix(q.Get("prefix"), prefix) {
			w.WriteHeader(http.StatusForbidden)
			io.WriteString(w, "<Error><Code>AccessDenied</Code><Message>no</Message></Error>")
			return
		}
		all.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	for name, value := range map[string]string{"AWS_ENDPOINT_URL": s.URL, "AWS_ENDPOINT_URL_S3": "", "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1"} {
		t.Setenv(name, value)
	}
}

// A bucket keeps to what helper.Store promises: pages of lists, names of any kind, conditions, kinds of
// errors.
func TestBucket(t *testing.T) {
	fake(t)
	ctx := t.Context()
	s, err := open(ctx, "s3://bucket/pre fix")
	if err != nil {
		t.Fatal(err)
	}
	for _, url := range []string{"s3://nobucket/x", "s3:///x", "gs://bucket"} {
		if _, err := open(ctx, url); err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v; want an error that is not of an object", url, err)
		}
	}
	names := []string{"a+b c#ü?.wav", "a/b.wav", "z"}
	for _, name := range names {
		if _, err := s.Write(ctx, name, []byte(name), helper.Only{}); err != nil {
			t.Fatal(err)
		}
	}
	list := func(prefix, after string) (all []string) {
		objects, err := s.List(ctx, prefix, after)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range objects {
			all = append(all, o.Name)
		}
		return all
	}
	if got := list("", ""); !slices.Equal(got, names) {
		t.Errorf("%q; want %q", got, names)
	}
	if got := list("a", names[0]); !slices.Equal(got, names[1:2]) {
		t.Errorf("%q; want %q", got, names[1:2])
	}
	few, err := s.(*bucket).list(ctx, "", "", 2)
	if err != nil || len(few) != 2 {
		t.Errorf("%d objects in a page of 2, %v", len(few), err)
	}
	first, err := s.Write(ctx, "lease", []byte("one"), helper.Only{Absent: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write(ctx, "lease", []byte("two"), helper.Only{Absent: true}); !errors.Is(err, helper.ErrHeld) {
		t.Errorf("one that is there is written again: %v", err)
	}
	second, err := s.Write(ctx, "lease", []byte("two"), helper.Only{Tag: first.Tag})
	if err != nil || second.Tag == first.Tag {
		t.Errorf("tags %s, %s, %v; want two", first.Tag, second.Tag, err)
	}
	if _, err := s.Write(ctx, "lease", []byte("three"), helper.Only{Tag: first.Tag}); !errors.Is(err, helper.ErrHeld) {
		t.Errorf("one that has changed is written: %v", err)
	}
	if text, o, err := s.Read(ctx, "lease"); err != nil || string(text) != "two" || o.Tag != second.Tag || o.Bytes != 3 || time.Since(o.Written) > time.Minute {
		t.Errorf("%q, %+v, %v", text, o, err)
	}
	dir := t.TempDir()
	long, back := filepath.Join(dir, "long"), filepath.Join(dir, "back")
	want := bytes.Repeat([]byte("0123456789abcde\n"), 1<<17)
	if err := os.WriteFile(long, want, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Upload(ctx, "long", long), s.Download(ctx, "long", back)); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(back); !bytes.Equal(got, want) {
		t.Errorf("%d bytes came back; want %d, the same", len(got), len(want))
	}
	if err := errors.Join(s.Remove(ctx, "z"), s.Remove(ctx, "z")); err != nil {
		t.Error(err)
	}
	_, _, err = s.Read(ctx, "z")
	if err2 := s.Download(ctx, "z", back); !errors.Is(err, fs.ErrNotExist) || !errors.Is(err2, fs.ErrNotExist) {
		t.Errorf("%v, %v; want there to be none", err, err2)
	}
}

// Who may see nothing but what is below a prefix opens the bucket, and finds and reads what is there; an
// endpoint with a path is refused.
func TestBucketPrefix(t *testing.T) {
	fakeOf(t, "songs/")
	ctx := t.Context()
	s, err := open(ctx, "s3://bucket")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write(ctx, "songs/a.wav", []byte("RIFF"), helper.Only{}); err != nil {
		t.Fatal(err)
	}
	all, err := s.List(ctx, "songs/", "")
	if text, _, err2 := s.Read(ctx, "songs/a.wav"); err != nil || err2 != nil || len(all) != 1 || string(text) != "RIFF" {
		t.Errorf("%v, %q, %v, %v", all, text, err, err2)
	}
	if _, err := s.List(ctx, "", ""); err == nil {
		t.Error("all of the bucket is listed")
	}
	if _, err := open(ctx, "s3://bucket/songs"); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"s3://bucket/other", "s3://nobucket/songs"} {
		if _, err := open(ctx, name); err == nil {
			t.Errorf("%s is opened", name)
		}
	}
	t.Setenv("AWS_ENDPOINT_URL", "https://example.org/s3")
	if _, err := open(ctx, "s3://bucket"); err == nil || !strings.Contains(err.Error(), "want it without: https://example.org") {
		t.Errorf("%v; want the path refused", err)
	}
}

// programs returns a folder with audiosep and audiosep-s3.
func programs(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	build := exec.Command("go", "build", "-o", dir, "./cmd/audiosep")
	build.Dir, build.Env = filepath.Join("..", "..", ".."), append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	exe, err := os.Executable()
	if err == nil {
		err = os.Symlink(exe, filepath.Join(dir, "audiosep-s3"))
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

const doneFile = "done.json"

const pipeline = `{"audiosep": 1, "seed": 1, "stages": [
	{"use": "read_audio", "params": {"files": ["none.wav"]}},
	{"use": "frame", "params": {"length_ms": 40}},
	{"use": "dct"},
	{"use": "is_nmf", "params": {"rank": 2, "iterations": 20}},
	{"use": "wiener"},
	{"use": "write_audio"}]}`

// recordings writes n of them below a folder.
func recordings(t *testing.T, dir string, n int) {
	t.Helper()
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

// le returns the last bytes of a number, the lowest first.
func le(bytes, x int) (text string) {
	for range bytes {
		text += string([]byte{byte(x)})
		x >>= 8
	}
	return text
}

// A batch whose recordings and results are in a bucket has the ids and the bytes of one in folders, and
// one of three runs is killed on the way.
func TestBatchInBucket(t *testing.T) {
	fake(t)
	const n = 8
	dir, bin := t.TempDir(), programs(t)
	in := filepath.Join(dir, "in")
	os.Mkdir(in, 0o700)
	recordings(t, in, n)
	spec := filepath.Join(dir, "pipeline.json")
	os.WriteFile(spec, []byte(pipeline), 0o600)
	program := func(args ...string) *exec.Cmd {
		cmd := exec.Command(filepath.Join(bin, "audiosep"), args...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		cmd.Env = append(os.Environ(), "AUDIOSEP_CACHE=off")
		return cmd
	}
	must := func(args ...string) string {
		t.Helper()
		cmd := program(args...)
		var said bytes.Buffer
		cmd.Stderr = &said
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v: %v\n%s", args, err, said.String())
		}
		return string(out)
	}
	s, err := open(t.Context(), "s3://bucket")
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		name := fmt.Sprintf("s%d.wav", i)
		if err := s.Upload(t.Context(), "songs/"+name, filepath.Join(in, name)); err != nil {
			t.Fatal(err)
		}
	}
	here, there := filepath.Join(dir, "here.jsonl"), filepath.Join(dir, "there.jsonl")
	os.WriteFile(here, []byte(must("batch", "plan", spec, in)), 0o600)
	os.WriteFile(there, []byte(must("batch", "plan", spec, "s3://bucket/songs")), 0o600)
	if a, b := ids(t, here), ids(t, there); len(a) != n || !slices.Equal(a, b) {
		t.Fatalf("ids\n%v\nin the bucket; want\n%v", b, a)
	}
	alone := filepath.Join(dir, "alone")
	must("batch", "run", here, "--out", alone, "-q")
	var ends [3]chan error // what Wait says of each run
	var runs [3]*exec.Cmd
	for shard := range runs {
		cmd := program("batch", "run", there, "--out", "s3://bucket/out", "--jobs", "1", "--shard", fmt.Sprintf("%d/3", shard), "-q")
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { cmd.Process.Kill() })
		runs[shard], ends[shard] = cmd, make(chan error, 1)
		go func() { ends[shard] <- cmd.Wait() }()
	}
	done := func() (k int) {
		all, err := s.List(t.Context(), "out/", "")
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range all {
			if strings.HasSuffix(o.Name, "/"+doneFile) {
				k++
			}
		}
		return k
	}
	for done() < 2 {
		for i, end := range ends {
			select {
			case err := <-end:
				if end <- err; err != nil {
					t.Fatalf("run %d ended before it was killed: %v", i, err)
				}
			default:
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
	syscall.Kill(-runs[0].Process.Pid, syscall.SIGKILL)
	for i, end := range ends {
		if err := <-end; err != nil && i > 0 {
			t.Errorf("run %d: %v", i, err)
		}
	}
	must("batch", "run", there, "--out", "s3://bucket/out", "-q")
	if text := must("batch", "status", there, "--out", "s3://bucket/out", "--verify"); !strings.HasPrefix(text, fmt.Sprintf("%d of %d done, 0 failed, 0 at work", n, n)) {
		t.Error(text)
	}
	if rows := strings.Count(must("batch", "merge", there, "--out", "s3://bucket/out"), "\n"); rows != n+1 {
		t.Errorf("the table has %d rows; want %d", rows, n+1)
	}
	same(t, s, alone, n)
}

// ids returns those of a manifest, in the order of the names of items.
func ids(t *testing.T, manifest string) (all []string) {
	t.Helper()
	text, err := os.ReadFile(manifest)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		it := struct{ ID, Name string }{}
		if err := json.Unmarshal([]byte(line), &it); err != nil {
			t.Fatal(err)
		}
		if it.Name != "" {
			all = append(all, it.Name+" "+it.ID)
		}
	}
	slices.Sort(all)
	return all
}

// same fails unless the bucket has what a folder has, byte for byte, and nothing more. Done-files tell
// times; records what inputs are called, and nothing else that differs.
func same(t *testing.T, s helper.Store, dir string, n int) {
	t.Helper()
	objects, err := s.List(t.Context(), "out/", "")
	if err != nil {
		t.Fatal(err)
	}
	objects = slices.DeleteFunc(objects, func(o helper.Object) bool { // what the killed run has left
		return strings.HasPrefix(o.Name, "out/.audiosep/")
	})
	if len(objects) != 4*n {
		t.Errorf("%d objects; want %d", len(objects), 4*n)
	}
	for _, o := range objects {
		text, _, err := s.Read(t.Context(), o.Name)
		want, err2 := os.ReadFile(filepath.Join(dir, strings.TrimPrefix(o.Name, "out/")))
		switch path := strings.Split(o.Name, "/"); {
		case err != nil || err2 != nil:
			t.Error(err, err2)
		case path[len(path)-1] == doneFile:
			var d struct{ Inputs []struct{ File string } }
			if err := json.Unmarshal(text, &d); err != nil || d.Inputs[0].File != "s3://bucket/songs/"+path[1]+".wav" {
				t.Errorf("%s: %v, %v", o.Name, d.Inputs, err)
			}
		default:
			plain := strings.ReplaceAll(string(text), "s3://bucket/songs/", "../../in/")
			if plain != string(want) {
				t.Errorf("%s differs from what is in the folder", o.Name)
			}
		}
	}
}
