package cache

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"testing"
	"time"

	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/pipeline"
)

func learnt(t *testing.T, x float64) *pipeline.Learnt {
	t.Helper()
	phi, err := audiosep.NewMatrixTransform(mat.NewDense(2, 2, []float64{0.6, 0.8, -0.8, 0.6}))
	if err != nil {
		t.Fatal(err)
	}
	return &pipeline.Learnt{
		Transform: phi,
		Factors: &audiosep.Factors{W: mat.NewDense(2, 1, []float64{0.25, 0.75}), H: mat.NewDense(1, 3, []float64{x, 1e-300, 3}),
			Objective: []float64{3, 2.5}, Stop: "it stands still", Restarts: []float64{2.5, 4}, Sources: []audiosep.Group{{Name: "one", Components: []int{0}}}},
		Framed:   true,
		Warnings: []pipeline.Warning{{Level: slog.LevelWarn, Message: "quiet", Attrs: []pipeline.Attr{{Name: "stage", Value: "nmf"}, {Name: "level", Value: "0.1", Float: true}}}},
	}
}

func version(v string) func() (string, error) { return func() (string, error) { return v, nil } }

func entryOf(t *testing.T, d *Disk, key string) string {
	t.Helper()
	path, err := d.path(key)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// What is kept comes back to the last bit, and is not found by another version or key.
func TestDisk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	d := New(dir, version("v1"), 1<<30)
	want := learnt(t, 1.0/3)
	if _, ok := d.Load(t.Context(), "key"); ok {
		t.Fatal("something is in an empty cache")
	}
	if err := d.Store(t.Context(), "key", want, d.Least-1); err != nil {
		t.Fatal(err)
	}
	if _, ok := d.Load(t.Context(), "key"); ok {
		t.Error("what took no time was kept")
	}
	if err := d.Store(t.Context(), "key", want, time.Hour); err != nil {
		t.Fatal(err)
	}
	got, ok := New(dir, version("v1"), 1<<30).Load(t.Context(), "key")
	if !ok {
		t.Fatal("it was not kept")
	}
	if !mat.Equal(got.Transform.(audiosep.MatrixTransform).Phi(), want.Transform.(audiosep.MatrixTransform).Phi()) {
		t.Error("Φ has changed")
	}
	got.Transform = want.Transform
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v; want %+v", got, want)
	}
	for _, other := range []*Disk{New(dir, version("v2"), 1<<30), d} {
		if _, ok := other.Load(t.Context(), map[bool]string{true: "other", false: "key"}[other == d]); ok {
			t.Error("it was found by another version or key")
		}
	}
	notes := &pipeline.Learnt{Notes: audiosep.Notes{{Onset: 0.1, Offset: 1.0 / 3, Pitch: 60.5, Source: "flute", Velocity: 0.5}}}
	if err := d.Store(t.Context(), "notes", notes, time.Hour); err != nil {
		t.Fatal(err)
	}
	if got, ok := d.Load(t.Context(), "notes"); !ok || !reflect.DeepEqual(got, notes) {
		t.Errorf("%+v, %v; want %+v", got, ok, notes)
	}
}

// What a stage says itself comes back too, and what is damaged of it does not.
func TestDiskState(t *testing.T) {
	d := New(t.TempDir(), version("v1"), 1<<30)
	want := &pipeline.Learnt{State: []byte("\x00matrices")}
	if err := d.Store(t.Context(), "key", want, time.Hour); err != nil {
		t.Fatal(err)
	}
	if got, ok := d.Load(t.Context(), "key"); !ok || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v; want %+v", got, ok, want)
	}
	for _, damage := range []func(path string) error{os.Remove, func(path string) error { return os.WriteFile(path, []byte("\x01matrices"), 0o600) }} {
		if err := d.Store(t.Context(), "key", want, time.Hour); err != nil {
			t.Fatal(err)
		}
		if err := damage(entryOf(t, d, "key") + ".state"); err != nil {
			t.Fatal(err)
		}
		if got, ok := d.Load(t.Context(), "key"); ok {
			t.Errorf("%+v is found; want nothing", got)
		}
	}
}

// What is damaged, or half gone, is not found, and can be kept again.
func TestDiskDamaged(t *testing.T) {
	for name, damage := range map[string]func(path string) error{
		"a bit of the model": func(path string) error {
			text, err := os.ReadFile(path + ".npz")
			if err != nil {
				return err
			}
			text[len(text)/3] ^= 1
			return os.WriteFile(path+".npz", text, 0o600)
		},
		"a model cut short": func(path string) error { return os.Truncate(path+".npz", 100) },
		"no model":          func(path string) error { return os.Remove(path + ".npz") },
		"a text cut short":  func(path string) error { return os.Truncate(path+".json", 10) },
		"no text":           func(path string) error { return os.Remove(path + ".json") },
	} {
		d := New(t.TempDir(), version("v1"), 1<<30)
		if err := d.Store(t.Context(), "key", learnt(t, 1), time.Hour); err != nil {
			t.Fatal(err)
		}
		if err := damage(entryOf(t, d, "key")); err != nil {
			t.Fatal(err)
		}
		if _, ok := d.Load(t.Context(), "key"); ok {
			t.Errorf("%s: it is found", name)
		}
		if err := d.Store(t.Context(), "key", learnt(t, 1), time.Hour); err != nil {
			t.Fatal(err)
		}
		if _, ok := d.Load(t.Context(), "key"); !ok {
			t.Errorf("%s: it is not kept again", name)
		}
	}
}

// There is never much more than may be, and what is used stays.
func TestDiskIsBounded(t *testing.T) {
	dir := t.TempDir()
	d := New(dir, version("v1"), 20000)
	size := func() (total int64) {
		filepath.Walk(dir, func(_ string, info os.FileInfo, err error) error {
			if err == nil && !info.IsDir() {
				total += info.Size()
			}
			return err
		})
		return total
	}
	if err := d.Store(t.Context(), "used", learnt(t, 1), time.Hour); err != nil {
		t.Fatal(err)
	}
	for i := range 40 {
		// Files of one moment are told apart by hand.
		long := time.Now().Add(time.Duration(i-100) * time.Minute)
		key := fmt.Sprint(i)
		if err := d.Store(t.Context(), key, learnt(t, float64(i)), time.Hour); err != nil {
			t.Fatal(err)
		}
		os.Chtimes(entryOf(t, d, key)+".npz", long, long)
		os.Chtimes(entryOf(t, d, key)+".json", long, long)
		if s := size(); s > 20000 {
			t.Fatalf("%d bytes are kept; want at most 20000", s)
		}
		if _, ok := d.Load(t.Context(), "used"); !ok {
			t.Fatal("what is used has gone")
		}
	}
	if _, ok := d.Load(t.Context(), "0"); ok {
		t.Error("the oldest has not gone")
	}
}

// Several caches of one folder, as of several processes, may keep and find the same at once.
func TestDiskShared(t *testing.T) {
	dir := t.TempDir()
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			d := New(dir, version("v1"), 9000)
			for i := range 30 {
				key := fmt.Sprint(i % 5)
				if l, ok := d.Load(t.Context(), key); ok && l.Factors.H.At(0, 0) != float64(i%5) {
					t.Errorf("key %s has what is of another", key)
				}
				if err := d.Store(t.Context(), key, learnt(t, float64(i%5)), time.Hour); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}
