// Package resume keeps what a run has done in a folder beside its outputs, so that the same run,
// begun again after it was killed, goes on where it was.
//
// The folder is called after a hash of all that decides the outputs: the pipeline with every
// parameter, the contents of its inputs, the seed, the program. A run of anything else has another
// folder. In it are run.json, which says whose it is, and a folder for each stage that keeps
// something: state, which is replaced at once and has a checksum, and what is long, such as outputs
// that are not whole. In the folder published is noted, before it happens, which files get their names
// and what they replace: of a run that is killed then, all is as it was before when the next begins.
package resume

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/whole"
	"github.com/audiosep/audiosep/pipeline"
)

// Prefix begins the names of folders of runs that are not done.
const Prefix = "audiosep-partial-"

// Options say how much is kept, and who keeps it.
type Options struct {
	Version string            // of the program, and the kind of processor: what decides the bits
	Pins    map[string]string // SHA-256 of each plugin in use
	Every   time.Duration     // how long a stage works before it saves where it is
	Also    []string          // other inputs that the same command runs, each by itself
	Log     *slog.Logger      // nil: nothing is logged
}

// Folder is that of a run. It is locked until Close.
type Folder struct {
	dir    string
	o      Options
	made   []string // the folders that it is in and that were not there, innermost first
	lock   *os.File
	files  *whole.Journal
	mu     sync.Mutex
	points map[string]*point

	stopping atomic.Bool
	atWork   atomic.Bool   // a stage has begun to keep something
	saved    chan struct{} // closed when a stage has saved where it is, after Stop, or none was at work then
	once     sync.Once
}

// owner is run.json: whose a folder is.
type owner struct {
	Format   int             `json:"audiosep_partial"`
	Version  string          `json:"version"`
	Inputs   []input         `json:"inputs"`
	Pipeline json.RawMessage `json:"pipeline"`
}

// input is a file that a run reads.
type input struct {
	Path   string `json:"path"`
	SHA256 string `json:"sha256"`
}

// Open opens the folder of a run of p below its output folder, or makes it. It is an error if
// another process has it, and if an input can be read once alone. Files of an earlier run that was
// killed while it gave them their names are taken back.
func Open(ctx context.Context, p *pipeline.Pipeline, o Options) (*Folder, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	own, err := ownerOf(ctx, p, o)
	if err != nil {
		return nil, err
	}
	text, err := json.MarshalIndent(own, "", "  ")
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(text)
	f := &Folder{dir: filepath.Join(p.Out, Prefix+hex.EncodeToString(sum[:6])), o: o, points: map[string]*point{}, saved: make(chan struct{})}
	f.files = whole.NewJournal(filepath.Join(f.dir, "published"))
	for dir := filepath.Clean(p.Out); ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(dir); err == nil || dir == filepath.Dir(dir) {
			break
		}
		f.made = append(f.made, dir)
	}
	if err := plain(f.dir); err != nil {
		return nil, err
	}
	err = os.MkdirAll(f.dir, 0o777)
	if err == nil {
		err = f.take()
	}
	if err != nil {
		os.Remove(f.dir) // unless there is something in it
		f.unmake()
		return nil, err
	}
	if err := f.begin(text); err != nil {
		return nil, errors.Join(err, f.Close(false))
	}
	f.others(p.Out, own)
	return f, nil
}

// begin writes run.json, and takes back what an earlier run has published in part.
func (f *Folder) begin(text []byte) error {
	path := filepath.Join(f.dir, "run.json")
	if there, err := whole.ReadFile(path); err != nil || !bytes.Equal(there, text) {
		if err := whole.Settle(path, text); err != nil {
			return err
		}
	}
	return f.files.TakeBack()
}

// unmake removes the folders that were made, unless there is something in them.
func (f *Folder) unmake() {
	for _, dir := range f.made {
		os.Remove(dir)
	}
}

// ownerOf says whose a folder is.
func ownerOf(ctx context.Context, p *pipeline.Pipeline, o Options) (*owner, error) {
	own := &owner{Format: 1, Version: o.Version, Inputs: []input{}}
	for _, in := range p.Reads() {
		if whole.IsStandard(in.Path) {
			return nil, fmt.Errorf("stage %q reads standard input, which cannot be read again; want a file", in.Stage)
		}
		sum, err := whole.KeptSum(ctx, in.Path)
		if err != nil {
			return nil, err
		}
		path, err := filepath.Abs(in.Path)
		if err != nil {
			return nil, err
		}
		own.Inputs = append(own.Inputs, input{path, sum})
	}
	var err error
	own.Pipeline, err = p.Canonical(func(path string, out bool) string {
		if out {
			return pipeline.Relative(p.Out, path)
		}
		return ""
	}, o.Pins)
	return own, err
}

// plain refuses a folder with anything but folders and files in it: what a run has kept has no links,
// which lead to files of others, and no pipes, which never end.
func plain(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case !d.IsDir() && !d.Type().IsRegular():
			return fmt.Errorf("%s is not a file that a run has kept (%v); want it removed", path, d.Type())
		}
		return nil
	})
}

// take locks the folder.
func (f *Folder) take() error {
	path := filepath.Join(f.dir, "lock")
	for {
		lock, err := whole.Own(path)
		if errors.Is(err, whole.ErrOwned) {
			return fmt.Errorf("another process does this run, in %s; want it to end first", f.dir)
		} else if err != nil {
			return err
		}
		// A run that ended well may have removed it between the two.
		is, err := os.Stat(path)
		if own, of := lock.Stat(); err == nil && of == nil && os.SameFile(is, own) {
			f.lock = lock
			return nil
		}
		lock.Close()
		if err := os.MkdirAll(f.dir, 0o777); err != nil {
			return err
		}
	}
}

// others tells of what other runs have left in the same folder, and why this run cannot go on with it. What
// is of another input of the same command is told, or gone on with, when it is that one's turn.
func (f *Folder) others(out string, own *owner) {
	later := map[string]bool{}
	for _, path := range f.o.Also {
		if path, err := filepath.Abs(path); err == nil {
			later[path] = true
		}
	}
	for _, in := range own.Inputs {
		delete(later, in.Path)
	}
	for _, path := range whole.Named(out, Prefix+"*", "run.json") {
		var other owner
		if plain(filepath.Dir(path)) != nil {
			continue
		}
		text, err := whole.ReadFile(path)
		if filepath.Dir(path) == f.dir || err != nil || json.Unmarshal(text, &other) != nil || busy(filepath.Dir(path)) ||
			slices.ContainsFunc(other.Inputs, func(in input) bool { return later[in.Path] }) {
			continue
		}
		f.o.Log.Warn("a run that is not done has left a folder with which this one cannot go on", "folder", filepath.Dir(path),
			"why", own.differs(&other), "remedy", "remove it, unless that run is to go on")
	}
}

// busy tells whether a process has a folder.
func busy(dir string) bool {
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR, 0)
	if err != nil {
		return false
	}
	defer lock.Close()
	return !whole.Lock(lock)
}

// differs says how another run differs from this one.
func (own *owner) differs(other *owner) string {
	sums := map[string]string{}
	for _, in := range other.Inputs {
		sums[in.Path] = in.SHA256
	}
	var a, b bytes.Buffer
	same := json.Compact(&a, own.Pipeline) == nil && json.Compact(&b, other.Pipeline) == nil && bytes.Equal(a.Bytes(), b.Bytes())
	for _, in := range own.Inputs {
		sum, ok := sums[in.Path]
		if ok && sum != in.SHA256 {
			return in.Path + " has changed"
		}
		if !ok && same {
			return "it is of another input"
		}
	}
	if !same {
		return "it is of another pipeline, or of other parameters"
	}
	return "it is of another version of the program: " + other.Version
}

// Dir returns the folder.
func (f *Folder) Dir() string { return f.dir }

// Checkpoint returns where the stage of an id keeps what it needs.
func (f *Folder) Checkpoint(stage string) audiosep.Checkpoint {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.points[stage]
	if p == nil {
		p = &point{folder: f, stage: stage, dir: filepath.Join(f.dir, "stage-"+url.PathEscape(stage)), every: f.o.Every, log: f.o.Log, saved: time.Now()}
		f.points[stage] = p
	}
	return p
}

// Stop says that the run is about to be stopped: whatever stage is at work is to save where it is. The channel
// is closed when one has, and at once where no stage has begun to keep anything. A stage that only saves what it
// has learnt to the end does not.
func (f *Folder) Stop() <-chan struct{} {
	f.stopping.Store(true)
	if !f.atWork.Load() {
		f.once.Do(func() { close(f.saved) })
	}
	return f.saved
}

// Warn keeps a warning of this part of the run, for the record of all of it.
func (f *Folder) Warn(line string) {
	text, err := json.Marshal(line)
	if err != nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	file, err := os.OpenFile(f.warnings(), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o666)
	if err == nil {
		_, err = file.Write(append(text, '\n'))
		err = errors.Join(err, file.Close())
	}
	if err != nil {
		f.o.Log.Warn("a warning cannot be kept: if the run is killed and goes on its record will not have it", "err", err)
	}
}

// Warnings returns those that earlier parts of the run have kept. A line that was cut off is left out.
func (f *Folder) Warnings() (all []string) {
	text, _ := whole.ReadFile(f.warnings())
	for line := range bytes.Lines(text) {
		var one string
		if json.Unmarshal(line, &one) == nil {
			all = append(all, one)
		}
	}
	return all
}

func (f *Folder) warnings() string { return filepath.Join(f.dir, "warnings") }

// Publishing returns a context for the run: files that get their names within it are noted, so that the
// next run takes them back if this one is killed before Close.
func (f *Folder) Publishing(ctx context.Context) context.Context {
	return whole.WithJournal(ctx, f.files)
}

// Close ends the use of the folder. done says that the run has ended well: nothing of the folder
// is left then, nor where there is nothing in it with which a run could go on.
func (f *Folder) Close(done bool) error {
	defer f.lock.Close()
	if !done && f.needed() {
		return nil
	}
	if err := f.files.Forget(); err != nil {
		return err
	}
	err := os.RemoveAll(f.dir)
	f.unmake()
	return err
}

// needed tells whether there is something with which a run could go on, or that is to be taken back.
func (f *Folder) needed() bool {
	return len(whole.Named(f.dir, "stage-*", "state"))+len(whole.Named(f.dir, "damaged-*"))+len(whole.Named(f.dir, "learnt")) > 0 || f.files.Noted()
}

// point is the checkpoint of a stage.
type point struct {
	folder     *Folder
	stage, dir string
	every      time.Duration
	log        *slog.Logger

	mu    sync.Mutex
	saved time.Time
	told  bool
}

var _ audiosep.Checkpoint = (*point)(nil)

func (p *point) Dir() string {
	p.folder.atWork.Store(true)
	os.MkdirAll(p.dir, 0o777) // who writes into it will say what is wrong
	return p.dir
}

func (p *point) path() string { return filepath.Join(p.dir, "state") }

// Load returns what was saved. What is damaged is put aside with all that the stage has kept, and told.
func (p *point) Load() ([]byte, error) {
	text, err := whole.ReadFile(p.path())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("what an earlier run has kept cannot be read: %w; want it readable, or %s removed to begin anew", err, p.dir)
	}
	sum, state, ok := bytes.Cut(text, []byte("\n"))
	if want := sha256.Sum256(state); ok && string(sum) == hex.EncodeToString(want[:]) {
		p.log.Info("goes on where an earlier run was", "stage", p.stage)
		return state, nil
	}
	aside, err := p.putAside()
	if err != nil {
		return nil, err
	}
	p.log.Warn("what an earlier run has kept is damaged: the stage begins anew", "stage", p.stage, "file", p.path(), "kept_until_the_run_is_done", aside)
	return nil, nil
}

// putAside gives the stage's folder another name, and returns it.
func (p *point) putAside() (string, error) {
	for n := 1; ; n++ {
		to := filepath.Join(filepath.Dir(p.dir), fmt.Sprintf("damaged-%d-%s", n, filepath.Base(p.dir)))
		if _, err := os.Lstat(to); err == nil {
			continue
		} else if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		return to, os.Rename(p.dir, to)
	}
}

func (p *point) Due() bool {
	p.folder.atWork.Store(true)
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Since(p.saved) >= p.every || p.folder.stopping.Load()
}

func (p *point) Save(state []byte) error {
	sum := sha256.Sum256(state)
	if err := whole.Settle(filepath.Join(p.Dir(), "state"), append([]byte(hex.EncodeToString(sum[:])+"\n"), state...)); err != nil {
		return err
	}
	if p.folder.stopping.Load() {
		p.folder.once.Do(func() { close(p.folder.saved) })
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.saved = time.Now()
	return nil
}

func (p *point) Cannot(why string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.told {
		p.log.Warn("the stage begins anew where this run is killed and goes on", "stage", p.stage, "why", why)
	}
	p.told = true
}
