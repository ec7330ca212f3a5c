package batch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"sync"
	"time"
)

// Object is a file in a store.
type Object struct {
	Name    string    `json:"name"` // below the place that was opened, with / between
	Bytes   int64     `json:"bytes"`
	Tag     string    `json:"tag"`     // another whenever something else is written
	Written time.Time `json:"written"` // by the clock of the store
}

// Only is a condition of writing an object. The zero Only is none.
type Only struct {
	Absent bool   `json:"absent,omitempty"` // if there is none of the name
	Tag    string `json:"tag,omitempty"`    // if it has this tag
}

// ErrHeld says that an object was not written because its condition does not hold.
var ErrHeld = errors.New("the object is another by now")

// Store keeps objects where there are no folders, such as a bucket of S3. An object appears whole
// or not at all. Errors match fs.ErrNotExist where there is no object of the name, ErrHeld where a
// condition does not hold. Stores may be used by several goroutines.
type Store interface {
	// List returns objects whose names begin with prefix, in the order of the bytes of names, from
	// the one after the name after on: some of them, and none only if there are no more.
	List(ctx context.Context, prefix, after string) ([]Object, error)
	Read(ctx context.Context, name string) ([]byte, Object, error) // small ones
	Write(ctx context.Context, name string, text []byte, o Only) (Object, error)
	Download(ctx context.Context, name, file string) error // file is the name of a file here
	Upload(ctx context.Context, name, file string) error
	Remove(ctx context.Context, name string) error // no error if there is none
	Close() error
}

// Opener opens what lies below a URL, such as s3://bucket/prefix.
type Opener func(ctx context.Context, url string) (Store, error)

// URL is a name that is none of a file: s3://bucket/key. The key stands as it is, with no escapes.
type URL struct{ Scheme, Bucket, Key string }

var urlStart = regexp.MustCompile(`^([a-z][a-z0-9+.-]*)://([^/]*)/?`)

// ParseURL tells whether a name is a URL, and which. The key has no / at its end.
func ParseURL(name string) (URL, bool) {
	m := urlStart.FindStringSubmatch(name)
	if m == nil || m[1] == "file" {
		return URL{}, false
	}
	return URL{m[1], m[2], strings.TrimRight(name[len(m[0]):], "/")}, true
}

// isURL tells whether a name is a URL.
func isURL(name string) bool { return urlStart.MatchString(name) && !strings.HasPrefix(name, "file:") }

// Root is the URL of the bucket.
func (u URL) Root() string { return u.Scheme + "://" + u.Bucket }

func (u URL) String() string { return strings.TrimSuffix(u.Root()+"/"+u.Key, "/") }

// storeError is an error of a store: the network, or what is at the other end. Nothing is wrong with
// the item.
type storeError struct {
	url string
	err error
}

func (e *storeError) Error() string { return fmt.Sprintf("%s: %v", e.url, e.err) }
func (e *storeError) Unwrap() error { return e.err }

// opened are the stores that are in use, by URL.
type opened struct {
	open Opener
	mu   sync.Mutex
	all  map[string]Store
}

// at returns the store below a URL.
func (o *opened) at(ctx context.Context, url string) (Store, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if s := o.all[url]; s != nil {
		return s, nil
	}
	if o.open == nil {
		return nil, fmt.Errorf("%s is in a store, and none can be opened here; want a file", url)
	}
	s, err := o.open(ctx, url)
	if err != nil {
		return nil, err
	}
	if o.all == nil {
		o.all = map[string]Store{}
	}
	o.all[url] = s
	return s, nil
}

func (o *opened) close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	var errs []error
	for _, s := range o.all {
		errs = append(errs, s.Close())
	}
	o.all = nil
	return errors.Join(errs...)
}

// eachObject calls f for all objects whose names begin with prefix.
func eachObject(ctx context.Context, s Store, prefix string, f func(Object)) error {
	for after := ""; ; {
		some, err := s.List(ctx, prefix, after)
		if err != nil || len(some) == 0 {
			return err
		}
		for _, o := range some {
			f(o)
		}
		after = some[len(some)-1].Name
	}
}

// fetch brings the object of a URL into a folder, under the last part of its name, and returns where
// it is.
func (o *opened) fetch(ctx context.Context, name, dir string) (string, error) {
	u, _ := ParseURL(name)
	base := path.Base(u.Key)
	if !safeName(base) || unsafe.MatchString(base) {
		return "", fmt.Errorf("%s cannot be the name of a file here; want an object called as files are", name)
	}
	s, err := o.at(ctx, u.Root())
	if err != nil {
		return "", &storeError{u.Root(), err}
	}
	file := localPath(dir, base)
	if err := s.Download(ctx, u.Key, file); errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("there is no object %s", name)
	} else if err != nil {
		return "", &storeError{name, err}
	}
	return file, nil
}
