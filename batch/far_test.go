package batch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/audiosep/audiosep/pipeline/record"

	"github.com/audiosep/audiosep/batch/helper"
)

// memory is a Store in memory. Pages of its lists have 3 objects.
type memory struct {
	mu      sync.Mutex
	objects map[string][]byte
	tags    map[string]int
	writes  int
	order   []string // of uploads
	blind   bool     // knows no conditions
	breaks  func(what, name string) error
}

func newMemory() *memory { return &memory{objects: map[string][]byte{}, tags: map[string]int{}} }

func (m *memory) lock(what, name string) error {
	m.mu.Lock()
	if m.breaks != nil {
		return m.breaks(what, name)
	}
	return nil
}

func (m *memory) object(name string) helper.Object {
	return helper.Object{Name: name, Bytes: int64(len(m.objects[name])), Tag: fmt.Sprint(m.tags[name]), Written: time.Now()}
}

func (m *memory) List(_ context.Context, prefix, after string) (page []helper.Object, err error) {
	err = m.lock("list", prefix)
	defer m.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(m.objects)) {
		if strings.HasPrefix(name, prefix) && name > after && len(page) < 3 {
			page = append(page, m.object(name))
		}
	}
	return page, err
}

func (m *memory) Read(_ context.Context, name string) ([]byte, helper.Object, error) {
	err := m.lock("read", name)
	defer m.mu.Unlock()
	text, ok := m.objects[name]
	if err == nil && !ok {
		err = fs.ErrNotExist
	}
	return text, m.object(name), err
}

func (m *memory) Write(_ context.Context, name string, text []byte, o helper.Only) (helper.Object, error) {
	err := m.lock("write", name)
	defer m.mu.Unlock()
	if err != nil {
		return helper.Object{}, err
	}
	_, is := m.objects[name]
	if !m.blind && (o.Absent && is || o.Tag != "" && (!is || o.Tag != fmt.Sprint(m.tags[name]))) {
		return helper.Object{}, helper.ErrHeld
	}
	m.writes++
	m.objects[name], m.tags[name] = bytes.Clone(text), m.writes
	return m.object(name), nil
}

func (m *memory) Download(ctx context.Context, name, file string) error {
	text, _, err := m.Read(ctx, name)
	if err == nil {
		err = os.WriteFile(file, text, 0o600)
	}
	return err
}

func (m *memory) Upload(ctx context.Context, name, file string) error {
	text, err := os.ReadFile(file)
	if err == nil {
		_, err = m.Write(ctx, name, text, helper.Only{})
		m.mu.Lock()
		m.order = append(m.order, name)
		m.mu.Unlock()
	}
	return err
}

func (m *memory) Remove(_ context.Context, name string) error {
	err := m.lock("remove", name)
	defer m.mu.Unlock()
	if err == nil {
		delete(m.objects, name)
	}
	return err
}

func (m *memory) Close() error { return nil }

// open opens the store whatever the URL, and Options that use it.
func (m *memory) open(context.Context, string) (helper.Store, error) { return m, nil }

func (m *memory) options(do func(ctx context.Context, t Task) error) Options {
	return Options{Out: "mem://bucket/out", Open: m.open, Jobs: 3, Worker: by(do)}
}

func (m *memory) look(t *testing.T, all []*Item) *Status {
	t.Helper()
	s, err := Look(t.Context(), all, Place{Out: "mem://bucket/out", Open: m.open}, true)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Results in a store have the names and bytes that they have in a folder, the done-file last; run again
// nothing is done; what is missing, cut off or of another id is.
func TestFarIsAsFolder(t *testing.T) {
	dir, m, all := t.TempDir(), newMemory(), items(12)
	run(t, t.Context(), all, Options{Out: dir, Worker: by(nil)}, ExitDone)
	run(t, t.Context(), all, m.options(nil), ExitDone)
	for _, it := range all {
		want, err := os.ReadFile(filepath.Join(dir, it.Name, "stem.wav"))
		if got := m.objects[it.Name+"/stem.wav"]; err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %q; want %q as in the folder, %v", it.Name, got, want, err)
		}
		if slices.Index(m.order, it.Name+"/"+DoneFile) < slices.Index(m.order, it.Name+"/stem.wav") {
			t.Errorf("%s: the done-file is not the last in %v", it.Name, m.order)
		}
	}
	if s := m.look(t, all); s.Done != 12 || len(s.Damaged) > 0 || len(m.objects) != 24 {
		t.Errorf("%v, %d objects; want 12 done and 24", s, len(m.objects))
	}
	delete(m.objects, "item0/done.json")
	m.objects["item1/stem.wav"] = []byte("cut off")
	m.objects["item1/mine.txt"] = nil
	m.objects["item2/done.json"] = []byte(`{"audiosep_done": 1`)
	all[4].ID = "another"
	m.order = nil
	if s := run(t, t.Context(), all, m.options(nil), ExitDone); len(m.order) != 8 || s.Before != 8 {
		t.Errorf("%d objects were written, and %d items were done before; want 8 and 8", len(m.order), s.Before)
	}
	if s := m.look(t, all); s.Done != 12 || len(s.Damaged) > 0 || len(m.objects) != 25 {
		t.Errorf("%v, %d objects; want 12 done and 25", s, len(m.objects))
	}
	m.objects["item3/stem.wav"] = []byte("ID3")
	if s := m.look(t, all); len(s.Damaged) != 1 {
		t.Errorf("%v; want one damaged", s)
	}
	if r, err := Results(t.Context(), all, Place{Out: "mem://bucket/out", Open: m.open}); err != nil || len(r) != 12 {
		t.Errorf("%d results, %v", len(r), err)
	}
}

// A store that breaks from the first call on ends a run with its error.
func TestFarBroken(t *testing.T) {
	m := newMemory()
	m.breaks = func(string, string) error { return errors.New("the line is cut") }
	if s, err := Run(t.Context(), items(1), m.options(nil)); !errors.As(err, new(*storeError)) {
		t.Errorf("%+v, %v; want an error of the store", s, err)
	}
}

// However often the store breaks, nothing is done in part; a run stops so that it can go on, and what
// fails of itself is listed.
func TestFarBreaks(t *testing.T) {
	m, all := newMemory(), items(20)
	n, once := 0, false
	m.breaks = func(what, name string) error {
		n++
		cut := !once && what == "write" && name == "item5/stem.wav" // how many calls there are depends on time
		once = once || cut
		if cut || n%131 == 0 {
			return errors.New("the line is cut")
		}
		return nil
	}
	stopped := 0
	for range 200 {
		s, err := Run(t.Context(), all, m.options(nil))
		if far := (*storeError)(nil); err != nil && !errors.As(err, &far) {
			t.Fatal(err)
		}
		if err == nil && s.Code() == ExitDone {
			break
		}
		if err == nil && (s.Code() != ExitStopped || !strings.Contains(s.Stopped, "the line is cut")) {
			t.Fatalf("%+v; want it stopped by the store", s)
		}
		stopped++
	}
	m.breaks = nil
	if s := m.look(t, all); s.Done != 20 || len(s.Damaged) > 0 || stopped == 0 {
		t.Errorf("%v after %d stops; want 20 done, and some stops", s, stopped)
	}
	all = items(10)
	all[3].ID = "new"
	bad := func(_ context.Context, t Task) error {
		if t.Item.ID == "new" {
			return errors.New("it is silent")
		}
		return nil
	}
	if s := run(t, t.Context(), all, m.options(bad), ExitFailed); len(s.Failures) != 1 || s.Failures[0].Error != "it is silent" {
		t.Errorf("%+v", s)
	}
	o := m.options(nil)
	o.Failed = true
	if s := run(t, t.Context(), all, o, ExitDone); s.Of != 1 {
		t.Errorf("%+v; want 1 retried", s)
	}
}

// Where somebody else has done an item meanwhile and the store breaks, what was done stays.
func TestFarKeepsWhatIsDone(t *testing.T) {
	m, all := newMemory(), items(1)
	run(t, t.Context(), all, m.options(nil), ExitDone)
	text := m.objects["item0/"+DoneFile]
	delete(m.objects, "item0/"+DoneFile)
	o := m.options(func(context.Context, Task) error {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.objects["item0/"+DoneFile] = text
		m.breaks = func(what, name string) error {
			if what == "list" && name == "item0/" {
				return errors.New("the line is cut")
			}
			return nil
		}
		return nil
	})
	if s := run(t, t.Context(), all, o, ExitStopped); !strings.Contains(s.Stopped, "the line is cut") {
		t.Errorf("%+v; want it stopped by the store", s)
	}
	m.breaks = nil
	if s := m.look(t, all); s.Done != 1 || len(s.Damaged) > 0 {
		t.Errorf("%+v; want the item still done", s)
	}
}

// A lease in a store keeps others off while its holder gives signs of life, or its lock is held on the
// same machine; of those who find it void one gets it.
func TestFarLeases(t *testing.T) {
	for _, blind := range []bool{false, true} {
		m, it := newMemory(), items(1)[0]
		m.blind = blind
		at := func(host string, ttl time.Duration) *far {
			f := &far{ctx: t.Context(), url: "mem://b", store: m, scratch: &scratch{}, host: host, ttl: ttl}
			if err := f.ready(); err != nil || f.conditional == blind {
				t.Fatalf("conditions hold: %v, %v", f.conditional, err)
			}
			t.Cleanup(func() { f.scratch.close() })
			return f
		}
		here, there, third := at("here", 0), at("there", 20*time.Millisecond), at("here", time.Hour)
		take := func(f *far, want bool, why string) lease {
			t.Helper()
			l, ok, err := f.take(it)
			if ok != want || err != nil {
				t.Fatalf("blind %v, %s: taken %v, %v; want %v", blind, why, ok, err, want)
			}
			return l
		}
		l := take(here, true, "a free one")
		take(third, false, "one that is held, on its machine")
		take(there, false, "one that is seen for the first time")
		time.Sleep(30 * time.Millisecond)
		if err := l.refresh(); err != nil {
			t.Fatal(err)
		}
		take(there, false, "one that was refreshed")
		time.Sleep(30 * time.Millisecond)
		l2 := take(there, true, "a silent one")
		if err := l.refresh(); !blind && !errors.Is(err, helper.ErrHeld) {
			t.Errorf("a lease that another has is refreshed: %v", err)
		}
		if !blind {
			l.release()
			take(third, false, "one that another has ended, who has none")
		}
		l2.release()
		delete(m.objects, stateFolder+"/leases/"+it.key())
		take(here, true, "a free one again")
		here.scratch.lock.Close() // as if killed
		take(third, true, "one whose holder is gone, on its machine")
	}
}

// Where hosts of one name do not see each other's temporary files, a lock that is not there says nothing; where
// they do, it was removed by the next.
func TestFarPlaces(t *testing.T) {
	m, it := newMemory(), items(1)[0]
	f := &far{ctx: t.Context(), url: "mem://b", store: m, scratch: &scratch{}, host: "pod", ttl: time.Hour}
	if err := f.ready(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.scratch.close() })
	lock := filepath.Join(t.TempDir(), "lock")
	for where, want := range map[string]bool{"": false, "another": false, place(): place() != ""} {
		text, _ := json.Marshal(farHolder{Host: "pod", Lock: lock, Place: where, Token: "other"})
		m.Write(t.Context(), f.of(it, "leases"), text, helper.Only{})
		if _, ok, err := f.take(it); ok != want || err != nil {
			t.Errorf("place %q, here %q: taken %v, %v; want %v", where, place(), ok, err, want)
		}
	}
}

// A lease whose write came through, and the answer did not, is still its holder's; one that is got at the last
// try is held; what is over is cleared in spite of passing faults, and told where it cannot be.
func TestFarAnswersLost(t *testing.T) {
	var said bytes.Buffer
	m, it := newMemory(), items(1)[0]
	f := &far{ctx: t.Context(), url: "mem://b", store: m, scratch: &scratch{}, host: "here", ttl: time.Hour, log: slog.New(slog.NewTextHandler(&said, nil))}
	if err := f.ready(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.scratch.close() })
	name, n := f.of(it, "leases"), 0
	m.breaks = func(what, _ string) error { // somebody else has it and gives it back, three times
		if what == "write" {
			if n++; n <= 3 {
				m.objects[name] = []byte("{}")
			}
		} else {
			delete(m.objects, name)
		}
		return nil
	}
	l, ok, err := f.take(it)
	if !ok || err != nil || n != 4 {
		t.Fatalf("taken %v after %d writes, %v; want it at the fourth", ok, n, err)
	}
	m.breaks = nil
	if _, err := m.Write(t.Context(), name, l.(*farLease).text(), helper.Only{}); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(l.refresh(), l.refresh()); err != nil {
		t.Errorf("%v; want it refreshed", err)
	}
	dir, before, err := f.begin(it)
	if err != nil || before != 0 || dir == "" {
		t.Fatal(dir, before, err)
	}
	n = 0
	m.breaks = func(what, _ string) error {
		if n++; n%2 == 1 {
			return errors.New("the line is cut")
		}
		return nil
	}
	f.ended(it)
	m.breaks = nil
	l.release()
	if len(m.objects) > 0 || said.Len() > 0 {
		t.Errorf("%d objects are left, and it says %q; want none", len(m.objects), said.String())
	}
	m.breaks = func(string, string) error { return errors.New("the line is cut") }
	f.ended(it)
	m.breaks = nil
	if !strings.Contains(said.String(), "the line is cut") {
		t.Errorf("it says %q; want why nothing could be removed", said.String())
	}
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "none"))
	g := &far{ctx: t.Context(), url: "mem://b", store: m, scratch: &scratch{}, host: "here"}
	if _, _, err := g.begin(it); err == nil || len(m.objects) > 0 {
		t.Errorf("%v, and %d objects; want no try noted where no folder can be made", err, len(m.objects))
	}
}

// Inputs in a store are brought here, the record and the done-file call them what the item does, and
// no scratch folder is left.
func TestFarInputs(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	m, all := newMemory(), items(2)
	m.objects["songs/one song.wav"] = []byte("RIFF one")
	all[0].Input = []string{"mem://songs/songs/one song.wav"}
	all[1].Input = []string{"mem://songs/songs/none.wav"}
	o := m.options(func(_ context.Context, t Task) error {
		text, err := os.ReadFile(t.Local[0])
		if string(text) != "RIFF one" || filepath.Base(t.Local[0]) != "one song.wav" || t.called(t.Local[0]) != t.Item.Input[0] || !t.Away {
			return fmt.Errorf("%q, %v, task %+v", text, err, t)
		}
		return fmt.Errorf("%s is silent", t.Local[0])
	})
	s := run(t, t.Context(), all, o, ExitFailed)
	if len(s.Failures) != 2 || s.Failures[0].Error != all[0].Input[0]+" is silent" || s.Failures[1].Error != "there is no object "+all[1].Input[0] {
		t.Errorf("%+v", s)
	}
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "*")); len(left) > 0 {
		t.Errorf("%v are left", left)
	}
	d := newDone(all[0], "test")
	rec := &record.Record{Inputs: []record.File{{SHA256: "sum", Bytes: 8}}}
	if err := d.inputs(all[0], rec); err != nil || d.Inputs[0].File != all[0].Input[0] {
		t.Errorf("%+v, %v", d.Inputs, err)
	}
}

// A URL names an object, those that a pattern matches, or those below it that are called as sound is.
func TestFarInputNames(t *testing.T) {
	m := newMemory()
	for _, name := range []string{"songs/a.wav", "songs/deep/b.FLAC", "songs/notes.txt", "songs/.hidden.wav", "songs2/c.wav", "songs/", "odd *.wav"} {
		m.objects[name] = nil
	}
	for arg, want := range map[string]string{
		"s3://b/songs": "songs/a.wav songs/deep/b.FLAC", "s3://b/songs/": "songs/a.wav songs/deep/b.FLAC", "s3://b/songs/*.wav": "songs/.hidden.wav songs/a.wav",
		"s3://b/songs/notes.txt": "songs/notes.txt", "s3://b": "odd *.wav songs/a.wav songs/deep/b.FLAC songs2/c.wav", "s3://b/odd *.wav": "odd *.wav",
	} {
		f, err := Inputs(t.Context(), []string{arg, arg}, m.open)
		if got := strings.ReplaceAll(strings.Join(f.Inputs, " "), "s3://b/", ""); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", arg, got, err, want)
		}
		if (len(f.Others) > 0) != (arg == "s3://b/songs" || arg == "s3://b/songs/" || arg == "s3://b") {
			t.Errorf("%s: %v are left out", arg, f.Others)
		}
	}
	m.breaks = func(what, name string) error { // who asks may see nothing but songs
		if what == "list" && !strings.HasPrefix(name, "songs/") {
			return errors.New("access denied")
		}
		return nil
	}
	for _, arg := range []string{"s3://b/songs", "s3://b/songs/a.wav", "s3://b/songs/*.wav"} {
		if _, err := Inputs(t.Context(), []string{arg}, m.open); err != nil {
			t.Errorf("%s, where no more may be seen: %v", arg, err)
		}
	}
	m.breaks = nil
	for _, arg := range []string{"s3://b/none", "s3://b/*.mp3", "s3://b/songs/not"} {
		if _, err := Inputs(t.Context(), []string{arg}, m.open); err == nil {
			t.Errorf("%s is taken", arg)
		}
	}
	if _, err := Inputs(t.Context(), []string{"s3://b/songs"}, nil); err == nil {
		t.Error("a URL is taken that nothing opens")
	}
}
