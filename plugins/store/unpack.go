package store

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/audiosep/audiosep/internal/whole"
)

// Magic bytes of archives.
var (
	zipMagic  = []byte("PK\x03\x04")
	gzipMagic = []byte{0x1f, 0x8b}
)

// magic returns the first bytes of a file.
func magic(file string) []byte {
	f, err := whole.Open(file)
	if err != nil {
		return nil
	}
	defer f.Close()
	b := make([]byte, 4)
	n, _ := io.ReadFull(f, b)
	return b[:n]
}

// archived tells whether a file is an archive, by its first bytes.
func archived(file string) bool {
	b := magic(file)
	return bytes.HasPrefix(b, zipMagic) || bytes.HasPrefix(b, gzipMagic)
}

// unpack unpacks an archive, called from, into dir, which it makes. What is wrong with it is an
// error; dir is then not to be used.
func (s *Store) unpack(ctx context.Context, file, from, dir string) error {
	t, err := s.begin(ctx, dir)
	if err != nil {
		return err
	}
	defer t.Close()
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	switch b := magic(file); {
	case bytes.HasPrefix(b, zipMagic):
		err = t.unzip(f)
	case bytes.HasPrefix(b, gzipMagic):
		err = t.untar(f)
	default:
		err = errors.New("it is no archive that is known here, and not called audiosep-plugin-NAME; want zip or tar.gz, or a plugin")
	}
	if err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	return nil
}

// tree is a folder that is being filled.
type tree struct {
	ctx   context.Context
	root  *os.Root // nothing is written outside
	left  limits
	names map[string]bool // in lower case, as some file systems do not know the difference
}

// begin makes a folder that can be filled. It must be closed.
func (s *Store) begin(ctx context.Context, dir string) (*tree, error) {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	return &tree{ctx: ctx, root: root, left: s.bounds(), names: map[string]bool{}}, err
}

func (t *tree) Close() error { return t.root.Close() }

func (t *tree) unzip(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	z, err := zip.NewReader(f, info.Size())
	if err != nil {
		return err
	}
	for _, e := range z.File {
		if noise(e.Name) {
			continue
		}
		switch mode := e.Mode(); {
		case mode.IsDir():
			err = t.folder(e.Name)
		case !mode.IsRegular():
			err = refused(e.Name, mode)
		default:
			err = t.member(e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *tree) member(e *zip.File) error {
	r, err := e.Open()
	if err != nil {
		return fmt.Errorf("%q: %w", e.Name, err)
	}
	defer r.Close()
	return t.file(e.Name, e.Mode(), r)
}

func (t *tree) untar(f *os.File) error {
	z, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	r := tar.NewReader(&stopping{t.ctx, z})
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("it is no tar.gz, or damaged: %w", err)
		}
		switch {
		case noise(e.Name), e.Typeflag == tar.TypeXGlobalHeader:
			err = t.pass(e.Size)
		case e.Typeflag == tar.TypeDir:
			err = t.folder(e.Name)
		case e.Typeflag == tar.TypeReg:
			err = t.file(e.Name, e.FileInfo().Mode(), r)
		default:
			err = refused(e.Name, e.FileInfo().Mode())
		}
		if err != nil {
			return err
		}
	}
}

func refused(name string, mode fs.FileMode) error {
	return fmt.Errorf("%q is no file but %v (a link, perhaps); want files and folders alone", name, mode)
}

// noise tells whether a name is of what macOS puts into archives.
func noise(name string) bool {
	return strings.HasPrefix(name, "__MACOSX/") || strings.HasPrefix(path.Base(name), "._")
}

// pass counts what is in an archive and is not written: to read past it takes time too.
func (t *tree) pass(bytes int64) error {
	t.left.files--
	if t.left.unpacked -= bytes; t.left.files < 0 || t.left.unpacked < 0 {
		return errors.New("there is too much in it that no plugin needs; want less")
	}
	return nil
}

// longestName bounds the length of a name in an archive.
const longestName = 400

// claim returns where a name is to be, once.
func (t *tree) claim(name string) (string, error) {
	clean := path.Clean(strings.TrimSuffix(name, "/"))
	bad := name == "" || len(name) > longestName || !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) || strings.ContainsAny(name, `\:`) || !filepath.IsLocal(filepath.FromSlash(clean))
	for part := range strings.SplitSeq(name, "/") {
		bad = bad || part == ".."
	}
	if bad {
		return "", fmt.Errorf("a file is called %.100q; want names inside the folder, without .. and signs that not every system takes", name)
	}
	if t.left.files--; t.left.files < 0 {
		return "", errors.New("there are too many files; want fewer")
	}
	return clean, t.ctx.Err()
}

func (t *tree) folder(name string) error {
	clean, err := t.claim(name)
	if err != nil || clean == "." {
		return err
	}
	return t.root.MkdirAll(filepath.FromSlash(clean), 0o755)
}

// file writes a file and the folders that it needs.
func (t *tree) file(name string, mode fs.FileMode, r io.Reader) error {
	clean, err := t.claim(name)
	if err != nil {
		return err
	}
	key := strings.ToLower(clean)
	if t.names[key] {
		return fmt.Errorf("two files are called %q, but for upper and lower case; want each name once", name)
	}
	t.names[key] = true
	if err := t.root.MkdirAll(filepath.FromSlash(path.Dir(clean)), 0o755); err != nil {
		return err
	}
	perm := fs.FileMode(0o644)
	if mode&0o111 != 0 {
		perm = 0o755
	}
	f, err := t.root.OpenFile(filepath.FromSlash(clean), os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return err
	}
	n, err := io.Copy(f, &stopping{t.ctx, io.LimitReader(r, t.left.unpacked+1)})
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("%q: %w", name, err)
	}
	if t.left.unpacked -= n; t.left.unpacked < 0 {
		return fmt.Errorf("with %q there are too many bytes in it; want fewer", name)
	}
	return nil
}

// copy copies a file.
func (t *tree) copy(from, name string) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return t.file(name, info.Mode(), f)
}

// stopping reads until its context is done.
type stopping struct {
	ctx context.Context
	r   io.Reader
}

func (s *stopping) Read(b []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.r.Read(b)
}
