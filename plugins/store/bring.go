package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/audiosep/audiosep/internal/counted"
	"github.com/audiosep/audiosep/internal/whole"
	"github.com/audiosep/audiosep/plugins"
)

// bring puts the files of what is to be installed into dir, which it makes; downloads go to the
// folder work. It returns where they are from, and the sum.
func (s *Store) bring(ctx context.Context, o Options, work, dir string) (origin, sum string, err error) {
	if o.SHA256 = strings.ToLower(o.SHA256); o.SHA256 != "" && !sumSyntax.MatchString(o.SHA256) {
		return "", "", fmt.Errorf("the SHA-256 is %q; want 64 digits, 0-9 and a-f", o.SHA256)
	}
	if u, err := url.Parse(o.From); err == nil && u.Scheme != "" && u.Host != "" {
		return s.bringURL(ctx, u, o, work, dir)
	}
	if origin, err = filepath.Abs(o.From); err != nil {
		return "", "", err
	}
	info, err := whole.Stat(origin)
	if err != nil {
		return "", "", err
	}
	if info.IsDir() {
		sum, err = s.bringFolder(ctx, o, origin, dir)
		return origin, sum, err
	}
	beside := o.SHA256 == ""
	if beside {
		if o.SHA256, err = readSumFile(origin+".sha256", filepath.Base(origin)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", "", fmt.Errorf("%s.sha256: %w", origin, err)
		}
	}
	if _, ok := plugins.NameOf(origin); ok && !archived(origin) {
		if beside { // of the one file
			_, is, err := whole.Sum(ctx, origin)
			if err = errors.Join(err, match(o, is)); err != nil {
				return "", "", err
			}
			o.SHA256 = ""
		}
		sum, err = s.bringFile(ctx, o, origin, dir)
		return origin, sum, err
	}
	sum, err = s.bringArchive(ctx, o, origin, dir)
	return origin, sum, err
}

// bringArchive checks an archive and unpacks it.
func (s *Store) bringArchive(ctx context.Context, o Options, file, dir string) (string, error) {
	size, sum, err := whole.Sum(ctx, file)
	if err != nil {
		return "", err
	}
	if most := s.bounds().archive; size > most {
		return "", fmt.Errorf("%s has %s; want at most %d", o.From, counted.Of(size, "byte"), most)
	}
	if err := match(o, sum); err != nil {
		return "", err
	}
	return sum, s.unpack(ctx, file, o.From, dir)
}

func match(o Options, sum string) error {
	if o.SHA256 != "" && o.SHA256 != sum {
		return fmt.Errorf("%s has the SHA-256 sum %s; want %s: nothing was unpacked", o.From, sum, o.SHA256)
	}
	return nil
}

// bringFile copies a plugin and what its sum covers.
func (s *Store) bringFile(ctx context.Context, o Options, file, dir string) (string, error) {
	sum, err := plugins.Sum(file)
	if err != nil {
		return "", err
	}
	if err := match(o, sum); err != nil {
		return "", err
	}
	from, files, err := plugins.Covers(file)
	if err != nil {
		return "", err
	}
	own, err := filepath.EvalSymlinks(file)
	if err != nil {
		return "", err
	}
	t, err := s.begin(ctx, dir)
	if err != nil {
		return "", err
	}
	defer t.Close()
	for _, name := range files {
		to := name
		if name == filepath.Base(own) { // which a link may have given another name
			to = filepath.Base(file)
		}
		if err := t.copy(filepath.Join(from, filepath.FromSlash(name)), to); err != nil {
			return "", err
		}
	}
	return sum, nil
}

// bringFolder copies a folder but for what is hidden, and what Python makes.
func (s *Store) bringFolder(ctx context.Context, o Options, from, dir string) (string, error) {
	from, err := filepath.EvalSymlinks(from) // a walk does not begin at a link
	if err != nil {
		return "", err
	}
	t, err := s.begin(ctx, dir)
	if err != nil {
		return "", err
	}
	defer t.Close()
	err = filepath.WalkDir(from, func(path string, e fs.DirEntry, err error) error {
		name, inside := filepath.Rel(from, path)
		switch {
		case err != nil || inside != nil:
			return errors.Join(err, inside)
		case path == from:
			return nil
		case passedOver(e.Name()):
			if e.IsDir() {
				return fs.SkipDir
			}
			return nil
		case e.IsDir():
			return t.folder(filepath.ToSlash(name))
		case !e.Type().IsRegular():
			return fmt.Errorf("%s is no file but %v; want files and folders alone, so leave environments out", path, e.Type())
		}
		return t.copy(path, filepath.ToSlash(name))
	})
	if err != nil {
		return "", err
	}
	at, name, err := plugin(dir, o.From)
	if err != nil {
		return "", err
	}
	sum, err := plugins.Sum(filepath.Join(at, plugins.FileName(name)))
	return sum, errors.Join(err, match(o, sum))
}

// bringURL downloads an archive. Without a sum from elsewhere the one that its server has beside it
// must do, over a connection that nobody changes anything on.
func (s *Store) bringURL(ctx context.Context, u *url.URL, o Options, work, dir string) (origin, sum string, err error) {
	if u.Scheme != "https" && u.Scheme != "http" {
		return "", "", fmt.Errorf("the address begins with %s://; want https://", u.Scheme)
	}
	if u.User != nil {
		return "", "", errors.New("the address has a user's name in it, which would be recorded; want one without")
	}
	origin = u.String()
	if o.SHA256 == "" {
		if u.Scheme == "http" {
			return "", "", fmt.Errorf("%s is not encrypted, so anybody on the way can change it; want https://, or --sha256", origin)
		}
		beside := *u
		beside.Path += ".sha256"
		text := &bytes.Buffer{}
		err := s.download(ctx, beside.String(), text, mostSums)
		if err == nil {
			o.SHA256, err = readSum(text.Bytes(), path.Base(u.Path))
		}
		if err != nil {
			return "", "", fmt.Errorf("there is no sum to check %s by: %w; want --sha256 and the sum that its author tells", origin, err)
		}
	}
	f, err := os.Create(filepath.Join(work, "archive"))
	if err != nil {
		return "", "", err
	}
	defer os.Remove(f.Name())
	err = s.download(ctx, origin, f, s.bounds().archive)
	if err = errors.Join(err, f.Close()); err != nil {
		return "", "", err
	}
	sum, err = s.bringArchive(ctx, o, f.Name(), dir)
	return origin, sum, err
}

// download writes what is at an address, at most so many bytes, to w.
func (s *Store) download(ctx context.Context, address string, w io.Writer, most int64) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	client := s.Client
	if client == nil {
		client = http.DefaultClient
	}
	client = &http.Client{Transport: client.Transport, Timeout: client.Timeout, CheckRedirect: func(to *http.Request, via []*http.Request) error {
		if to.URL.Scheme != "https" && req.URL.Scheme == "https" || len(via) > 5 {
			return fmt.Errorf("%s leads on to %s; want https://, and few steps", address, to.URL)
		}
		return nil
	}}
	reply, err := client.Do(req)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	if reply.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", address, reply.Status)
	}
	n, err := io.Copy(w, io.LimitReader(reply.Body, most+1))
	if err == nil && n > most {
		err = fmt.Errorf("%s has more than %d bytes; want fewer", address, most)
	}
	return err
}

var sumSyntax = regexp.MustCompile(`^[0-9a-f]{64}$`)

// mostSums is how many bytes a file of sums may have.
const mostSums = 1 << 20

// readSumFile is readSum of a file.
func readSumFile(file, name string) (string, error) {
	f, err := whole.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, mostSums))
	if err != nil {
		return "", err
	}
	return readSum(text, name)
}

// readSum returns the sum of a file from what sha256sum has written, or a sum alone.
func readSum(text []byte, name string) (string, error) {
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	for _, line := range lines {
		sum, of, _ := strings.Cut(strings.TrimSpace(line), " ")
		if sum = strings.ToLower(sum); !sumSyntax.MatchString(sum) {
			continue
		}
		of = strings.TrimPrefix(strings.TrimSpace(of), "*")
		if len(lines) == 1 && of == "" || path.Base(of) == name {
			return sum, nil
		}
	}
	return "", fmt.Errorf("it has no SHA-256 sum of %s; want a line as sha256sum writes it", name)
}
