// Package resume keeps what a run has done in a folder beside its outputs, so that the same run,
// begun again after it was killed, goes on where it was.
//
// The folder is called after a hash of all that decides the outputs: the pipeline with every
// parameter, the contents of its inputs, the seed, the program. A run of anything else has another
// folder. In it are run.json, which says whose it is, and a folder for each stage that keeps
// something: state, which is replaced at once and has a checksum, and what is long, such as outputs
// that are not whole.
package resume

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"sync"
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
	Log     *slog.Logger      // nil: nothing is logged
}

// Folder is that of a run. It is locked until Close.
type Folder struct {
	dir    string
	o      Options
	made   bool // the folder that it is in
	lock   *os.File
	mu     sync.Mutex
	points map[string]*point
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
// another process has it, and if an input can be read once alone.
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
	f := &Folder{dir: filepath.Join(p.Out, Prefix+hex.EncodeToString(sum[:6])), o: o, points: map[string]*point{}}
	if _, err := os.Stat(p.Out); err != nil {
		f.made = true
	}
	if err := os.MkdirAll(f.dir, 0o777); err != nil {
		return nil, err
	}
	if err := f.take(); err != nil {
		return nil, err
	}
	path := filepath.Join(f.dir, "run.json")
	if there, err := os.ReadFile(path); err != nil || !bytes.Equal(there, text) {
		if err := whole.Settle(path, text); err != nil {
			f.lock.Close()
			return nil, err
		}
	}
	f.others(p.Out, own)
	return f, nil
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

// take locks the folder.
func (f *Folder) take() error {
	path := filepath.Join(f.dir, "lock")
	for {
		lock, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
		if err != nil {
			return err
		}
		if !whole.Lock(lock) && runtime.GOOS != "windows" { // where it cannot be known
			lock.Close()
			return fmt.Errorf("another process does this run, in %s; want it to end first", f.dir)
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

// others tells of what other runs have left in the same folder, and why this run cannot go on with it.
func (f *Folder) others(out string, own *owner) {
	all, _ := filepath.Glob(filepath.Join(out, Prefix+"*", "run.json"))
	for _, path := range all {
		var other owner
		text, err := os.ReadFile(path)
		if filepath.Dir(path) == f.dir || err != nil || json.Unmarshal(text, &other) != nil || busy(filepath.Dir(path)) {
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
		p = &point{stage: stage, dir: filepath.Join(f.dir, "stage-"+url.PathEscape(stage)), every: f.o.Every, log: f.o.Log, saved: time.Now()}
		f.points[stage] = p
	}
	return p
}

// Close ends the use of the folder. done says that the run has ended well: nothing of the folder
// is left then, nor where there is nothing in it with which a run could go on.
func (f *Folder) Close(done bool) error {
	defer f.lock.Close()
	states, _ := filepath.Glob(filepath.Join(f.dir, "stage-*", "state"))
	_, err := os.Stat(filepath.Join(f.dir, "learnt"))
	if !done && (len(states) > 0 || err == nil) {
		return nil
	}
	err = os.RemoveAll(f.dir)
	if f.made {
		os.Remove(filepath.Dir(f.dir)) // unless there is something in it
	}
	return err
}

// point is the checkpoint of a stage.
type point struct {
	stage, dir string
	every      time.Duration
	log        *slog.Logger

	mu    sync.Mutex
	saved time.Time
	told  bool
}

var _ audiosep.Checkpoint = (*point)(nil)

func (p *point) Dir() string {
	os.MkdirAll(p.dir, 0o777) // who writes into it will say what is wrong
	return p.dir
}

func (p *point) path() string { return filepath.Join(p.dir, "state") }

// Load returns what was saved, if all of it is there.
func (p *point) Load() []byte {
	text, err := os.ReadFile(p.path())
	if err != nil {
		return nil
	}
	sum, state, ok := bytes.Cut(text, []byte("\n"))
	if want := sha256.Sum256(state); !ok || string(sum) != hex.EncodeToString(want[:]) {
		p.log.Warn("what an earlier run has kept is damaged: the stage begins anew", "stage", p.stage, "file", p.path())
		os.Remove(p.path())
		return nil
	}
	return state
}

func (p *point) Due() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Since(p.saved) >= p.every
}

func (p *point) Save(state []byte) error {
	sum := sha256.Sum256(state)
	if err := whole.Settle(filepath.Join(p.Dir(), "state"), append([]byte(hex.EncodeToString(sum[:])+"\n"), state...)); err != nil {
		return err
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
