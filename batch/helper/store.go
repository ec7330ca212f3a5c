// Package helper is how audiosep asks what is not linked into it, such as a client of S3: programs of
// their own, helpers, which answer calls (net/rpc/jsonrpc) on their standard input and output, and end
// when their standard input does. Files travel by name, for both are on one machine.
package helper

import (
	"context"
	"errors"
	"regexp"
	"strings"
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

// ErrFull says that there is no room left.
var ErrFull = errors.New("there is no room left")

// Store keeps objects where there are no folders, such as a bucket of S3. An object appears whole
// or not at all. Errors match fs.ErrNotExist where there is no object of the name, ErrHeld where a
// condition does not hold, ErrFull where a disk here is full. Stores may be used by several goroutines.
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

// Root is the URL of the bucket.
func (u URL) Root() string { return u.Scheme + "://" + u.Bucket }

func (u URL) String() string { return strings.TrimSuffix(u.Root()+"/"+u.Key, "/") }
