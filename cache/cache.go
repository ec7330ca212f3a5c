// Package cache keeps on disk what stages have learnt, so that later runs need not learn it
// again. Several processes may use one folder at once: files appear whole, and one that has
// gone, or is damaged, is learnt again.
package cache

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/whole"
	"github.com/audiosep/audiosep/models"
	"github.com/audiosep/audiosep/pipeline"
)

// Disk is a pipeline.Cache in a folder. Entries are a model as save_model writes it, which
// NumPy reads, or what a stage says itself, and a text beside it.
type Disk struct {
	dir     string
	version func() (string, error)
	most    int64
	// Least is how long a stage must have taken to be kept.
	Least time.Duration

	mu      sync.Mutex
	written int64 // since it was last seen to that there is not too much
	looked  bool
}

// New returns a cache in a folder, which is made when something is kept, of at most so many
// bytes. version says which program, on which processor, makes the bits: entries of others are
// never found. It is called once, when something is looked for.
func New(dir string, version func() (string, error), most int64) *Disk {
	return &Disk{dir: dir, version: sync.OnceValues(version), most: most, Least: 200 * time.Millisecond}
}

// entry is the text of an entry.
type entry struct {
	Model    bool               `json:"model"` // whether there is one
	Framed   bool               `json:"framed,omitempty"`
	Notes    *audiosep.Notes    `json:"notes,omitempty"`
	Warnings []pipeline.Warning `json:"warnings,omitempty"`
	Sum      string             `json:"sum"`             // SHA-256 of the model, in hex
	State    string             `json:"state,omitempty"` // that of what is in a file of its own; empty: there is none
}

// path returns the name of an entry without its extension.
func (d *Disk) path(key string) (string, error) {
	version, err := d.version()
	sum := sha256.Sum256([]byte(version + "\n" + key))
	name := hex.EncodeToString(sum[:])
	return filepath.Join(d.dir, name[:2], name[2:]), err
}

// Load returns what was kept under a key.
func (d *Disk) Load(ctx context.Context, key string) (*pipeline.Learnt, bool) {
	path, err := d.path(key)
	if err != nil {
		return nil, false
	}
	l, err := load(ctx, path)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) && ctx.Err() == nil {
			os.Remove(path + ".json") // so that it is learnt and kept again
		}
		return nil, false
	}
	now := time.Now()
	os.Chtimes(path+".json", now, now) // what is used stays
	os.Chtimes(path+".npz", now, now)
	os.Chtimes(path+".state", now, now)
	return l, true
}

func load(ctx context.Context, path string) (*pipeline.Learnt, error) {
	text, err := whole.ReadFile(path + ".json")
	if err != nil {
		return nil, err
	}
	var e entry
	if err := json.Unmarshal(text, &e); err != nil {
		return nil, err
	}
	l := &pipeline.Learnt{Framed: e.Framed, Warnings: e.Warnings}
	if e.Notes != nil {
		l.Notes = *e.Notes
		if err := l.Notes.Validate(); err != nil {
			return nil, err
		}
	}
	if e.State != "" {
		if l.State, err = whole.ReadFile(path + ".state"); err != nil {
			return nil, err
		}
		if sum := sha256.Sum256(l.State); hex.EncodeToString(sum[:]) != e.State {
			return nil, errors.New("the state is not what was kept")
		}
	}
	if !e.Model {
		return l, nil
	}
	_, sum, err := whole.Sum(ctx, path+".npz")
	if err != nil {
		return nil, err
	}
	if sum != e.Sum {
		return nil, errors.New("the model is not what was kept")
	}
	m, err := models.Load(path + ".npz")
	if err != nil {
		return nil, err
	}
	l.Transform, l.Factors = m.Transform, m.Factors
	return l, nil
}

// Store keeps what a stage has made, if it took long enough.
func (d *Disk) Store(ctx context.Context, key string, l *pipeline.Learnt, took time.Duration) error {
	if took < d.Least {
		return nil
	}
	path, err := d.path(key)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	e := entry{Framed: l.Framed, Warnings: l.Warnings}
	if l.Notes != nil {
		e.Notes = &l.Notes
	}
	size := int64(len(l.State))
	if l.State != nil {
		sum := sha256.Sum256(l.State)
		e.State = hex.EncodeToString(sum[:])
		if err := whole.Appear(path+".state", func(f *os.File) error { _, err := f.Write(l.State); return err }); err != nil {
			return err
		}
	}
	if l.Transform != nil || l.Factors != nil {
		e.Model = true
		err := whole.Appear(path+".npz", func(f *os.File) error {
			b := bufio.NewWriterSize(f, 1<<16)
			if err := models.Write(ctx, b, audiosep.Model{Transform: l.Transform, Factors: l.Factors}); err != nil {
				return err
			}
			if err := b.Flush(); err != nil {
				return err
			}
			n, sum, err := whole.Sum(ctx, f.Name())
			size, e.Sum = size+n, sum
			return err
		})
		if err != nil {
			return err
		}
	}
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if err := whole.Appear(path+".json", func(f *os.File) error { _, err := f.Write(text); return err }); err != nil {
		return err
	}
	return d.bound(size + int64(len(text)))
}

// bound sees to it, now and then, that there is not too much: what was used longest ago goes.
func (d *Disk) bound(more int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.written += more
	if d.looked && d.written < d.most/50 {
		return nil
	}
	d.looked, d.written = true, 0
	type file struct {
		path string
		size int64
		used time.Time
	}
	var all []file
	var total int64
	err := filepath.WalkDir(d.dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return ignoreGone(err)
		}
		info, err := e.Info()
		if err != nil {
			return ignoreGone(err)
		}
		total += info.Size()
		if strings.HasPrefix(e.Name(), whole.Appearing) && time.Since(info.ModTime()) < time.Hour {
			return nil // somebody is writing it
		}
		all = append(all, file{path, info.Size(), info.ModTime()})
		return nil
	})
	if err != nil {
		return fmt.Errorf("the cache: %w", err)
	}
	slices.SortFunc(all, func(a, b file) int { return a.used.Compare(b.used) })
	for _, f := range all {
		if total <= d.most-d.most/50 {
			break
		}
		os.Remove(f.path)
		total -= f.size
	}
	return nil
}

// ignoreGone passes over what other processes have removed.
func ignoreGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
