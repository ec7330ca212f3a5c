package batch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"sync"

	"github.com/audiosep/audiosep/batch/helper"
)

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
	open helper.Opener
	mu   sync.Mutex
	all  map[string]helper.Store
}

// at returns the store below a URL.
func (o *opened) at(ctx context.Context, url string) (helper.Store, error) {
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
		o.all = map[string]helper.Store{}
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
func eachObject(ctx context.Context, s helper.Store, prefix string, f func(helper.Object)) error {
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
	u, _ := helper.ParseURL(name)
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

// isURL tells whether a name is a URL.
func isURL(name string) bool {
	_, far := helper.ParseURL(name)
	return far
}
