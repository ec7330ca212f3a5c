//go:build unix

package store

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/plugins"
)

// The test binary is also the plugin that the scripts in tests run.
func TestMain(m *testing.M) {
	if os.Getenv("STORE_TEST_PLUGIN") != "" {
		plugins.Serve(audiosep.Define("same", "What it takes.", struct{}{}, func(struct{}) (audiosep.Transformer, error) {
			return audiosep.PerFrame(func(int) (forward, inverse func(dst, src []float64), err error) {
				same := func(dst, src []float64) { copy(dst, src) }
				return same, same, nil
			}), nil
		}))
	}
	// A program built with -race waits a second before it exits, for other threads' races.
	os.Setenv("GORACE", os.Getenv("GORACE")+" atexit_sleep_ms=0")
	os.Exit(m.Run())
}

// script is a plugin that runs.
func script(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return "#!/bin/sh\nSTORE_TEST_PLUGIN=1 exec " + self + "\n"
}

// member is one of an archive.
type member struct {
	name, text string
	mode       fs.FileMode
	link       string
}

func file(name, text string) member { return member{name: name, text: text, mode: 0o644} }

func tarOf(t *testing.T, members ...member) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, m := range members {
		h := &tar.Header{Name: m.name, Size: int64(len(m.text)), Mode: int64(m.mode.Perm()), Typeflag: tar.TypeReg, Linkname: m.link}
		switch {
		case m.mode&fs.ModeDir != 0:
			h.Typeflag = tar.TypeDir
		case m.mode&fs.ModeSymlink != 0:
			h.Typeflag = tar.TypeSymlink
		case m.mode&fs.ModeIrregular != 0:
			h.Typeflag = tar.TypeLink
		case m.mode&fs.ModeNamedPipe != 0:
			h.Typeflag = tar.TypeFifo
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		w.Write([]byte(m.text))
	}
	w.Close()
	z.Close()
	return b.Bytes()
}

func zipOf(t *testing.T, members ...member) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, m := range members {
		h := &zip.FileHeader{Name: m.name, Method: zip.Deflate}
		h.SetMode(m.mode)
		f, err := w.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		f.Write([]byte(m.text + m.link))
	}
	w.Close()
	return b.Bytes()
}

func written(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// left is what is in a store, without the lock.
func left(t *testing.T, s *Store) (names []string) {
	t.Helper()
	entries, _ := os.ReadDir(s.Dir)
	for _, e := range entries {
		if e.Name() != ".audiosep-lock" {
			names = append(names, e.Name())
		}
	}
	return names
}

// TestHostile refuses archives that would write elsewhere, links, bombs and the like, and leaves
// nothing.
func TestHostile(t *testing.T) {
	own := file("audiosep-plugin-x", script(t))
	both := map[string]struct {
		members []member
		want    string
	}{
		"above":     {[]member{own, file("../evil", "e")}, "want names inside the folder"},
		"deep":      {[]member{own, file("a/../../evil", "e")}, "want names inside"},
		"back":      {[]member{own, file("a/../b", "e")}, "want names inside"},
		"absolute":  {[]member{own, file("/tmp/evil", "e")}, "want names inside"},
		"windows":   {[]member{own, file(`..\evil`, "e")}, "want names inside"},
		"drive":     {[]member{own, file(`c:evil`, "e")}, "want names inside"},
		"control":   {[]member{own, file("a\x1bb", "e")}, "want names inside"},
		"bytes":     {[]member{own, file("a\xffb", "e")}, "want names inside"},
		"link":      {[]member{own, {name: "l", mode: fs.ModeSymlink | 0o777, link: "/etc"}, file("l/x", "e")}, "want files and folders alone"},
		"twice":     {[]member{own, file("Helper.py", "e"), file("helper.py", "f")}, "want each name once"},
		"through":   {[]member{own, file("a", "e"), file("a/b", "f")}, "a"},
		"bomb":      {[]member{own, file("zeros", strings.Repeat("0", 1<<20))}, "too many bytes"},
		"many":      {append([]member{own}, slices.Repeat([]member{{name: "d/", mode: fs.ModeDir | 0o755}}, 60)...), "too many files"},
		"none":      {[]member{file("readme", "r")}, "has 0 files called audiosep-plugin-NAME"},
		"two":       {[]member{own, file("audiosep-plugin-y", "y")}, "has 2 files called"},
		"record":    {[]member{own, file(plugins.RecordName, "{}")}, "want it without"},
		"no plugin": {[]member{file("audiosep-plugin-x", "#!/bin/sh\nexit 3\n")}, "nothing is installed, as the plugin does not run here"},
	}
	check := func(name, end string, data []byte, want string) {
		t.Run(name+end, func(t *testing.T) {
			s := &Store{Dir: filepath.Join(t.TempDir(), "store"), limits: limits{archive: 1 << 20, unpacked: 1 << 19, files: 50}}
			_, _, err := s.Install(t.Context(), Options{From: written(t, "x"+end, data)})
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error is %v; want %q", err, want)
			}
			if names := left(t, s); names != nil {
				t.Errorf("%v are left", names)
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(s.Dir), "evil")); err == nil {
				t.Error("a file was written outside")
			}
		})
	}
	for name, c := range both {
		check(name, ".tar.gz", tarOf(t, c.members...), c.want)
		check(name, ".zip", zipOf(t, c.members...), c.want)
	}
	check("hard link", ".tar.gz", tarOf(t, own, member{name: "l", mode: fs.ModeIrregular, link: "/etc/passwd"}), "want files and folders alone")
	check("pipe", ".tar.gz", tarOf(t, own, member{name: "l", mode: fs.ModeNamedPipe}), "want files and folders alone")
	check("noise", ".tar.gz", tarOf(t, file("__MACOSX/a", strings.Repeat("0", 1<<20)), own), "that no plugin needs")
	check("damaged", ".tar.gz", tarOf(t, own)[:60], "damaged")
	check("damaged", ".zip", zipOf(t, own)[:60], "zip")
	check("text", ".txt", []byte("hello"), "want zip or tar.gz")
	check("large", ".zip", append(zipOf(t, own), make([]byte, 1<<20)...), "want at most 1048576")
}

// TestInstall installs from archives, a folder and a file, and takes what it should of each.
func TestInstall(t *testing.T) {
	own := member{name: "audiosep-plugin-x", text: script(t), mode: 0o755}
	members := []member{own, file("helper.py", "h"), file("data/w.npz", "w"), file("._helper.py", "noise")}
	var inside []member
	for _, m := range members {
		m.name = "x-1.0/" + m.name
		inside = append(inside, m)
	}
	folder := t.TempDir()
	for _, m := range append(members, file(".git/config", "g"), file("__pycache__/helper.pyc", "p")) {
		path := filepath.Join(folder, m.name)
		os.MkdirAll(filepath.Dir(path), 0o755)
		if err := os.WriteFile(path, []byte(m.text), m.mode); err != nil {
			t.Fatal(err)
		}
	}
	linked := filepath.Join(t.TempDir(), "linked")
	if err := os.Symlink(folder, linked); err != nil {
		t.Fatal(err)
	}
	all := []string{"audiosep-plugin-x", "data/w.npz", "helper.py"}
	for name, c := range map[string]struct {
		from string
		want []string
	}{
		"tar":    {written(t, "x.tar.gz", tarOf(t, append([]member{{name: "./", mode: fs.ModeDir | 0o755}}, members...)...)), all},
		"zip":    {written(t, "x.zip", zipOf(t, members...)), all},
		"inside": {written(t, "x.whatever", tarOf(t, inside...)), all},
		"folder": {folder, all},
		"linked": {linked, all},
		"file":   {filepath.Join(folder, "audiosep-plugin-x"), []string{"audiosep-plugin-x", "helper.py"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := &Store{Dir: filepath.Join(t.TempDir(), "store")}
			in, defs, err := s.Install(t.Context(), Options{From: c.from})
			if err != nil {
				t.Fatal(err)
			}
			if len(defs) != 1 || defs[0].Name != "x/same" || !slices.Equal(in.Stages, []string{"x/same"}) {
				t.Errorf("the stages are %v", in.Stages)
			}
			var got []string
			filepath.WalkDir(in.Dir, func(path string, e fs.DirEntry, err error) error {
				if rel, _ := filepath.Rel(in.Dir, path); !e.IsDir() && rel != plugins.RecordName && !strings.HasPrefix(filepath.Base(rel), "._") {
					got = append(got, rel)
				}
				return err
			})
			if !slices.Equal(got, c.want) {
				t.Errorf("there are %v; want %v", got, c.want)
			}
			if names := left(t, s); !slices.Equal(names, []string{"audiosep-plugin-x"}) {
				t.Errorf("in the store are %v", names)
			}
			listed, err := s.List()
			if err != nil || len(listed) != 1 || listed[0].Origin != c.from || listed[0].SHA256 != in.SHA256 || len(listed[0].Files) != len(c.want) {
				t.Errorf("listed are %+v, %v", listed, err)
			}
			if err := in.Changed(t.Context()); err != nil {
				t.Error(err)
			}
			for _, name := range []string{"audiosep-plugin-x", "numpy.py"} {
				if err := os.WriteFile(filepath.Join(in.Dir, name), []byte("#!/bin/sh\n"), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := in.Changed(t.Context()); err == nil || !strings.Contains(err.Error(), name) {
					t.Errorf("error is %v; want that %s has changed", err, name)
				}
			}
		})
	}
}

// TestExchange replaces a plugin when it is told to, and keeps the old one where the new does not run.
func TestExchange(t *testing.T) {
	s := &Store{Dir: filepath.Join(t.TempDir(), "store")}
	install := func(replace bool, members ...member) error {
		_, _, err := s.Install(t.Context(), Options{From: written(t, "x.zip", zipOf(t, members...)), Replace: replace})
		return err
	}
	own := file("audiosep-plugin-x", script(t))
	if err := install(false, own, file("one", "1")); err != nil {
		t.Fatal(err)
	}
	has := func(name string) bool {
		_, err := os.Stat(filepath.Join(s.Dir, "audiosep-plugin-x", name))
		return err == nil
	}
	if err := install(false, own, file("two", "2")); err == nil || !strings.Contains(err.Error(), "is installed already") || !has("one") {
		t.Errorf("error is %v; want that it is installed already", err)
	}
	if err := install(true, file("audiosep-plugin-x", "#!/bin/sh\nexit 1\n")); err == nil || !has("one") {
		t.Errorf("error is %v; want that it does not run", err)
	}
	if err := install(true, own, file("two", "2")); err != nil || has("one") || !has("two") {
		t.Errorf("error is %v; want the new one", err)
	}
	// A program that was killed between taking the old away and putting the new has left neither in its place.
	if err := os.Rename(filepath.Join(s.Dir, "audiosep-plugin-x"), filepath.Join(s.Dir, oldPrefix+"audiosep-plugin-x")); err != nil {
		t.Fatal(err)
	}
	os.Mkdir(filepath.Join(s.Dir, workPrefix+"1"), 0o755)
	if err := install(false, own, file("three", "3")); err == nil || !has("two") || len(left(t, s)) != 1 {
		t.Errorf("error is %v, left are %v; want the old one", err, left(t, s))
	}
	unlock, err := s.lock()
	if err != nil {
		t.Fatal(err)
	}
	if err := install(true, own); err == nil || !strings.Contains(err.Error(), "another audiosep is changing") {
		t.Errorf("error is %v; want that another is at work", err)
	}
	unlock()
	for _, name := range []string{"y", "../x", "", "."} {
		if err := s.Remove(name); err == nil {
			t.Errorf("%q was removed", name)
		}
	}
	if err := s.Remove("x"); err != nil || left(t, s) != nil {
		t.Errorf("%v; left are %v", err, left(t, s))
	}
	// What was put there by hand is left alone.
	byHand := filepath.Join(s.Dir, "audiosep-plugin-x")
	if err := os.WriteFile(byHand, []byte("mine"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := install(true, own); err == nil || !strings.Contains(err.Error(), "was not installed by audiosep") {
		t.Errorf("error is %v; want that it was put there by somebody", err)
	}
	if err := s.Remove("x"); err == nil {
		t.Error("what was put there by hand was removed")
	}
}

func sumOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// TestSums checks archives before they are unpacked, from files and from addresses. What passes is
// a plugin that does not run, which is quicker to see than one that does.
func TestSums(t *testing.T) {
	const fails, passes = "#!/bin/sh\nexit 3\n", "the plugin does not run here"
	good := zipOf(t, file("audiosep-plugin-x", fails))
	real := zipOf(t, file("audiosep-plugin-x", script(t)))
	wrong := strings.Repeat("0", 64)
	served := map[string][]byte{
		"/real.zip": real, "/real.zip.sha256": []byte(sumOf(real)), "/x.zip": good, "/x.zip.sha256": []byte(sumOf(good) + "  x.zip\n"), "/bare.zip": good, "/bad.zip": good, "/bad.zip.sha256": []byte(wrong),
		"/list.zip": good, "/list.zip.sha256": []byte(wrong + " *other.zip\n" + strings.ToUpper(sumOf(good)) + " *dist/list.zip\n"),
		"/broken.zip": good, "/broken.zip.sha256": []byte("<html>"),
	}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, ok := served[r.URL.Path]
		switch {
		case r.URL.Path == "/away.zip":
			http.Redirect(w, r, "http://127.0.0.1:1/x.zip", http.StatusFound)
		case !ok:
			http.NotFound(w, r)
		default:
			w.Write(data)
		}
	})
	secure, open := httptest.NewTLSServer(handler), httptest.NewServer(handler)
	defer secure.Close()
	defer open.Close()
	local := written(t, "x.zip", good)
	// A script with code beside it has another sum than its file, of which sha256sum tells.
	plain := written(t, "audiosep-plugin-x", []byte(fails))
	os.WriteFile(filepath.Join(filepath.Dir(plain), "helper.py"), nil, 0o644)
	os.WriteFile(plain+".sha256", []byte(sumOf([]byte(fails))+"  audiosep-plugin-x\n"), 0o644)
	odd := written(t, "audiosep-plugin-x", []byte(fails))
	os.WriteFile(odd+".sha256", []byte(wrong+"  audiosep-plugin-x\n"), 0o644)
	tree, err := plugins.Sum(plain)
	if err != nil {
		t.Fatal(err)
	}
	beside := written(t, "x.zip", good)
	os.WriteFile(beside+".sha256", []byte(wrong+"  x.zip\n"), 0o644)
	spaced := written(t, "my x.zip", good)
	os.WriteFile(spaced+".sha256", []byte(wrong+"  x.zip\r\n"+sumOf(good)+"  my x.zip\r\n"), 0o644)
	// Nobody writes to these pipes.
	pipe := filepath.Join(t.TempDir(), "audiosep-plugin-x")
	piped := written(t, "x.zip", good)
	for _, name := range []string{pipe, piped + ".sha256"} {
		if err := syscall.Mkfifo(name, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for i, c := range []struct{ from, sum, want string }{
		{spaced, "", passes}, {pipe, "", "want one"}, {pipe, wrong, "want one"}, {piped, "", "no regular file"},
		{plain, "", passes}, {plain, tree, passes}, {plain, sumOf([]byte(fails)), "nothing was unpacked"}, {odd, "", "nothing was unpacked"},
		{local, "", passes}, {local, sumOf(good), passes}, {local, strings.ToUpper(sumOf(good)), passes},
		{local, wrong, "has the SHA-256 sum " + sumOf(good) + "; want " + wrong + ": nothing was unpacked"},
		{local, "abc", "want 64 digits"},
		{beside, "", "nothing was unpacked"}, {beside, sumOf(good), passes},
		{secure.URL + "/x.zip", "", passes}, {secure.URL + "/list.zip", "", passes}, {secure.URL + "/bare.zip", sumOf(good), passes},
		{secure.URL + "/bare.zip", "", "there is no sum to check"}, {secure.URL + "/bad.zip", "", "nothing was unpacked"},
		{secure.URL + "/broken.zip", "", "has no SHA-256 sum of broken.zip"}, {secure.URL + "/none.zip", sumOf(good), "404"},
		{secure.URL + "/away.zip", sumOf(good), "want https://"},
		{open.URL + "/x.zip", "", "is not encrypted"}, {open.URL + "/x.zip", sumOf(good), passes}, {open.URL + "/x.zip", wrong, "nothing was unpacked"},
		{strings.Replace(secure.URL, "://", "://me:secret@", 1) + "/x.zip", sumOf(good), "want one without"},
		{"ftp://example.org/x.zip", sumOf(good), "want https://"},
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			s := &Store{Dir: filepath.Join(t.TempDir(), "store"), Client: secure.Client()}
			in, _, err := s.Install(t.Context(), Options{From: c.from, SHA256: c.sum})
			if err == nil || !strings.Contains(err.Error(), c.want) || left(t, s) != nil {
				t.Errorf("%s %s: %+v, %v, left %v; want %q", c.from, c.sum, in, err, left(t, s), c.want)
			}
		})
	}
	s := &Store{Dir: filepath.Join(t.TempDir(), "store"), Client: secure.Client()}
	if in, _, err := s.Install(t.Context(), Options{From: secure.URL + "/real.zip"}); err != nil || in.Origin != secure.URL+"/real.zip" || in.SHA256 != sumOf(real) {
		t.Errorf("%+v, %v; want the plugin from its address", in, err)
	}
}
