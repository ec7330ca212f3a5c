package batch

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/audiosep/audiosep/internal/whole"

	"github.com/audiosep/audiosep/batch/helper"
)

// far is a batch whose results are in a store, under the names that they would have in a folder:
// NAME/STEM, NAME/done.json, which is written last, and what is not done under .audiosep. Items are
// done in a scratch folder of this machine.
//
// A lease is an object that is written only if there is none of its name, and refreshed only by
// whoever wrote it last. It is void when it has not been refreshed for the time to live, by the
// clock of whoever looks: clocks of machines are not compared.
type far struct {
	ctx     context.Context
	url     string
	store   helper.Store
	scratch *scratch
	host    string
	ttl     time.Duration
	log     *slog.Logger
	// conditional tells whether the store keeps to conditions of writing. Where it does not,
	// leases keep two runs from most of the same work, and not from all.
	conditional bool
	seen        sightings // leases of others
}

// ready finds out whether leases hold, and that the store may be written.
func (f *far) ready() error {
	if f.log == nil {
		f.log = slog.New(slog.DiscardHandler)
	}
	name := stateFolder + "/leases/probe." + rand.Text()
	_, err := f.store.Write(f.ctx, name, []byte("whether conditions hold\n"), helper.Only{Absent: true})
	if err == nil {
		_, err = f.store.Write(f.ctx, name, []byte("whether conditions hold\n"), helper.Only{Absent: true})
		f.conditional = errors.Is(err, helper.ErrHeld)
	} else { // it may not know what a condition is
		_, err = f.store.Write(f.ctx, name, []byte("whether it can be written\n"), helper.Only{})
	}
	if err != nil && !f.conditional {
		return f.wrong(err)
	}
	return f.wrong(f.store.Remove(f.ctx, name))
}

// wrong is an error of the store.
func (f *far) wrong(err error) error {
	if err == nil {
		return nil
	}
	return &storeError{f.url, err}
}

func (f *far) of(it *Item, kind string) string { return stateFolder + "/" + kind + "/" + it.key() }

func (f *far) away() bool { return true }

// farHolder is what a lease says.
type farHolder struct {
	Host    string `json:"host"`
	PID     int    `json:"pid"`
	Lock    string `json:"lock"`    // a file of the host that is locked while the holder lives
	Place   string `json:"place"`   // where the lock is seen by its name, as place has it
	Token   string `json:"token"`   // of this lease alone
	Renewed int    `json:"renewed"` // so that it becomes another object
}

// farLease is a lease in a store.
type farLease struct {
	f      *far
	name   string
	holder farHolder
	tag    string
}

func (l *farLease) text() []byte {
	text, _ := json.Marshal(l.holder)
	return append(text, '\n')
}

func (f *far) take(it *Item) (lease, bool, error) {
	lock, err := f.scratch.lockPath()
	if err != nil {
		return nil, false, err
	}
	l := &farLease{f: f, name: f.of(it, "leases"), holder: farHolder{Host: f.host, PID: os.Getpid(), Lock: lock, Place: place(), Token: rand.Text()}}
	if !f.conditional {
		return f.takeBlindly(l)
	}
	o, err := f.store.Write(f.ctx, l.name, l.text(), helper.Only{Absent: true})
	for tries := 0; err != nil; tries++ {
		switch {
		case !errors.Is(err, helper.ErrHeld):
			return nil, false, f.wrong(err)
		case tries == 3:
			return nil, false, nil
		}
		text, held, is := f.store.Read(f.ctx, l.name)
		switch {
		case errors.Is(is, fs.ErrNotExist):
			o, err = f.store.Write(f.ctx, l.name, l.text(), helper.Only{Absent: true})
		case is != nil:
			return nil, false, f.wrong(is)
		case bytes.Equal(text, l.text()): // it was written, and the answer was lost
			o, err = held, nil
		case !f.void(l.name, text, held):
			return nil, false, nil
		default: // of several who see that it is void one gets it
			o, err = f.store.Write(f.ctx, l.name, l.text(), helper.Only{Tag: held.Tag})
			if errors.Is(err, fs.ErrNotExist) {
				err = helper.ErrHeld
			}
		}
	}
	l.tag = o.Tag
	return l, true, nil
}

// takeBlindly takes a lease of a store that knows no conditions.
func (f *far) takeBlindly(l *farLease) (lease, bool, error) {
	text, held, err := f.store.Read(f.ctx, l.name)
	if err == nil && !f.void(l.name, text, held) {
		return nil, false, nil
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, false, f.wrong(err)
	}
	_, err = f.store.Write(f.ctx, l.name, l.text(), helper.Only{})
	return l, err == nil, f.wrong(err)
}

// gone tells whether a holder was on a host, this one, and has ended. Hosts of one name may be several,
// and containers and services of one host may each have a folder of their own for temporary files: a lock that is
// not there says something only where its name means the same file.
func (h *farHolder) gone(host string) bool {
	if h.Host != host || h.Lock == "" {
		return false
	}
	if _, err := os.Stat(h.Lock); errors.Is(err, fs.ErrNotExist) {
		return h.Place != "" && h.Place == place() // removed with the folder of one who was killed
	}
	return abandoned(h.Lock)
}

// void tells whether the holder of a lease is gone, or has given no sign of life for the time to live.
func (f *far) void(name string, text []byte, o helper.Object) bool {
	var by farHolder
	if json.Unmarshal(text, &by) == nil && by.gone(f.host) {
		return true
	}
	return f.seen.silent(name, o.Tag, f.ttl)
}

func (l *farLease) refresh() error {
	l.holder.Renewed++
	now := time.Now()
	os.Chtimes(l.holder.Lock, now, now) // cleaners of temporary files take what is old
	only := helper.Only{Tag: l.tag}
	if !l.f.conditional {
		only = helper.Only{}
	}
	o, err := l.f.store.Write(l.f.ctx, l.name, l.text(), only)
	if errors.Is(err, helper.ErrHeld) {
		// It may have been written before, and the answer lost.
		if is, own, readErr := l.read(); readErr == nil && own && is.Tag != l.tag {
			o, err = is, nil
		}
	}
	if err == nil {
		l.tag = o.Tag
	}
	return err
}

// read tells whether the lease is its holder's.
func (l *farLease) read() (o helper.Object, own bool, err error) {
	var by farHolder
	text, o, err := l.f.store.Read(l.f.ctx, l.name)
	return o, err == nil && json.Unmarshal(text, &by) == nil && by.Token == l.holder.Token, err
}

func (l *farLease) release() {
	l.f.clear(l.name, "a lease cannot be given back; others wait until it is void", func() (bool, error) {
		_, own, err := l.read()
		return own, err
	})
}

// clear removes an object of work that is over, where still tells that it is the one meant (nil: it is). A
// passing fault must not leave it: it would be taken for work that was killed.
func (f *far) clear(name, warning string, still func() (bool, error)) {
	var err error
	for pause := range 3 {
		time.Sleep(time.Duration(pause) * 100 * time.Millisecond)
		is := true
		if err = nil; still != nil {
			is, err = still()
		}
		if err == nil && is {
			err = f.store.Remove(f.ctx, name)
		}
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			return
		}
	}
	f.log.Warn(warning, "object", f.url+"/"+name, "why", err)
}

// begin notes that work on an item begins, as a line of an object that the holder of its lease alone
// writes, and makes a folder of this machine for its results.
func (f *far) begin(it *Item) (dir string, before int, err error) {
	if dir, err = f.scratch.folder(); err != nil {
		return "", 0, err
	}
	name := f.of(it, "tries")
	text, _, err := f.store.Read(f.ctx, name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return dir, 0, f.wrong(err)
	}
	before = bytes.Count(text, []byte("\n"))
	text = fmt.Appendf(text, "%s %d %s\n", strings.ReplaceAll(f.host, " ", "_"), os.Getpid(), time.Now().UTC().Format(time.RFC3339))
	_, err = f.store.Write(f.ctx, name, text, helper.Only{})
	return dir, before, f.wrong(err)
}

func (f *far) ended(it *Item) {
	f.clear(f.of(it, "tries"), "it cannot be noted that work on an item has ended; it counts as killed once", nil)
}

func (f *far) fail(why Failure, it *Item) error {
	text, err := json.Marshal(why)
	if err == nil {
		_, err = f.store.Write(f.ctx, f.of(it, "failed"), append(text, '\n'), helper.Only{})
		err = f.wrong(err)
	}
	return err
}

func (f *far) failure(it *Item) (Failure, bool) {
	text, _, err := f.store.Read(f.ctx, f.of(it, "failed"))
	if err != nil {
		return Failure{}, false
	}
	return failureOf(it, text), true
}

func (f *far) forgive(it *Item) {
	f.clear(f.of(it, "failed"), "it cannot be forgotten that an item failed before", nil)
	f.ended(it)
}

// publish uploads the results of an item, the done-file last.
func (f *far) publish(ctx context.Context, it *Item, work string) error {
	// Not by done: where it cannot be told whether others have done it, nothing of theirs may be withdrawn.
	if d, err := f.find(ctx, it); err != nil {
		return f.wrong(err)
	} else if d != nil { // somebody else was faster: the bytes are the same
		return os.RemoveAll(work)
	}
	if err := f.withdraw(ctx, it); err != nil {
		return err
	}
	d, err := ReadDone(filepath.Join(work, DoneFile))
	if err != nil {
		return err
	}
	for _, file := range append(d.Outputs, File{File: DoneFile}) {
		if err := f.store.Upload(ctx, it.Name+"/"+file.File, localPath(work, file.File)); err != nil {
			return f.wrong(err)
		}
	}
	return os.RemoveAll(work)
}

// withdraw removes the results of another pipeline or version: what their done-file lists, that
// first. What else is there stays.
func (f *far) withdraw(ctx context.Context, it *Item) error {
	name := it.Name + "/" + DoneFile
	text, _, err := f.store.Read(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return f.wrong(err)
	}
	if err := f.store.Remove(ctx, name); err != nil {
		return f.wrong(err)
	}
	d, err := parseDone(name, text)
	if err != nil {
		return nil // it says nothing
	}
	for _, file := range d.Outputs {
		if safeName(file.File) {
			if err := f.store.Remove(ctx, it.Name+"/"+file.File); err != nil {
				return f.wrong(err)
			}
		}
	}
	return nil
}

func (f *far) done(it *Item) *Done {
	d, _ := f.find(f.ctx, it)
	return d
}

// find returns the done-file of an item that is done; nil: it is not done. An error says that it cannot be
// told.
func (f *far) find(ctx context.Context, it *Item) (*Done, error) {
	text, _, err := f.store.Read(ctx, it.Name+"/"+DoneFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	sizes := map[string]int64{}
	if err := eachObject(ctx, f.store, it.Name+"/", func(o helper.Object) { sizes[o.Name] = o.Bytes }); err != nil {
		return nil, err
	}
	return f.doneOf(it, text, sizes), nil
}

// doneOf returns what a done-file says if it is of the item, and its outputs are there in the lengths
// that it says.
func (f *far) doneOf(it *Item, text []byte, sizes map[string]int64) *Done {
	d, err := parseDone(it.Name, text)
	if err != nil || d.ID != it.ID {
		return nil
	}
	for _, file := range d.Outputs {
		if n, ok := sizes[it.Name+"/"+file.File]; !ok || n != file.Bytes {
			return nil
		}
	}
	return d
}

// atOnce is how many objects are read beside each other.
const atOnce = 32

// fewItems is how many items are looked at one by one, and not in a list of all that is there.
const fewItems = 8

func (f *far) look(items []*Item) (*known, error) {
	if len(items) > fewItems {
		return f.list(items)
	}
	k := newKnown()
	for _, it := range items {
		if d := f.done(it); d != nil {
			k.done[it] = d
		}
		if why, ok := f.failure(it); ok {
			k.failed[it] = why
		}
		if _, o, err := f.store.Read(f.ctx, f.of(it, "leases")); err == nil {
			k.leased[it] = o.Written
		}
	}
	return k, nil
}

// list lists all that is there, and reads of it what the items are about.
func (f *far) list(items []*Item) (*known, error) {
	sizes := map[string]int64{}
	leases := map[string]time.Time{}
	below := stateFolder + "/leases/"
	err := eachObject(f.ctx, f.store, "", func(o helper.Object) {
		if strings.HasPrefix(o.Name, below) {
			leases[o.Name] = o.Written
		}
		sizes[o.Name] = o.Bytes
	})
	if err != nil {
		return nil, f.wrong(err)
	}
	k := newKnown()
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(f.ctx)
	g.SetLimit(atOnce)
	for _, it := range items {
		name := it.Name + "/" + DoneFile
		_, is := sizes[name]
		_, failed := sizes[f.of(it, "failed")]
		at, leased := leases[f.of(it, "leases")]
		if !is && !failed && !leased {
			continue
		}
		g.Go(func() error {
			var d *Done
			if is {
				text, _, err := f.store.Read(ctx, name)
				if err != nil && !errors.Is(err, fs.ErrNotExist) {
					return f.wrong(err)
				}
				d = f.doneOf(it, text, sizes)
			}
			var why Failure
			if failed {
				why, failed = f.failure(it)
			}
			mu.Lock()
			defer mu.Unlock()
			if d != nil {
				k.done[it] = d
			}
			if failed {
				k.failed[it] = why
			}
			if leased {
				k.leased[it] = at
			}
			return nil
		})
	}
	return k, g.Wait()
}

// verify brings the outputs of an item here and holds them against their SHA-256.
func (f *far) verify(ctx context.Context, it *Item, d *Done) error {
	dir, err := f.scratch.folder()
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "output")
	for _, o := range d.Outputs {
		name := it.Name + "/" + o.File
		if err := f.store.Download(ctx, name, file); err != nil {
			return &storeError{f.url + "/" + name, err}
		}
		n, sum, err := whole.Sum(ctx, file)
		if err != nil {
			return err
		}
		if sum != o.SHA256 || n != o.Bytes {
			return fmt.Errorf("%s/%s is not what was written: its SHA-256 is %s; want %s", f.url, name, sum, o.SHA256)
		}
	}
	return nil
}
