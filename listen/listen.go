// Package listen serves a page on which somebody takes a recording apart by ear: it shows the
// mixture's spectrogram and the components that a factorisation finds, plays them, has them
// put into sources, painted and held against a score, and saves what was done as a pipeline
// that makes the same stems from the command line.
package listen

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/internal/counted"
	"github.com/audiosep/audiosep/internal/picture"
	"github.com/audiosep/audiosep/internal/whole"
	"github.com/audiosep/audiosep/pipeline/record"
)

// Options say what is shown, and where what is saved goes.
type Options struct {
	File string // the recording, a folder that a page saved, or one in which a run left its record
	Out  string // the folder below which pages save; "": NAME-listen beside where the program is run
	// Runs and References are folders of stems, sound files of the recording's rate and length: to
	// be heard beside what the page makes, and to measure it by.
	Runs       []string
	References string
}

// Server holds a recording and the sessions of its pages.
type Server struct {
	r          *recording
	out        string
	runs       []*folder
	references *folder
	ctx        context.Context // ends when the server does: of long work
	stop       context.CancelFunc

	mu       sync.Mutex
	sessions []*session
	begun    int
}

// folder is a folder of stems.
type folder struct {
	name  string
	names []string
	files []audio.File
}

// New opens a recording and all that is heard beside it. Close ends what is being computed.
func New(ctx context.Context, o Options) (*Server, error) {
	s := &Server{}
	s.ctx, s.stop = context.WithCancel(ctx)
	if err := s.open(ctx, o); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Server) open(ctx context.Context, o Options) error {
	file, stems, from := o.File, []string(nil), (*saved)(nil)
	if at, err := os.Stat(o.File); err == nil && at.IsDir() {
		was, err := readSaved(o.File)
		switch {
		case err == nil:
			from, file = &was, was.recording(o.File)
			if o.Out == "" {
				o.Out = filepath.Dir(filepath.Clean(o.File))
			}
		case !errors.Is(err, fs.ErrNotExist):
			return err
		default:
			if file, stems, err = recordedRun(o.File); err != nil {
				return err
			}
		}
	}
	var err error
	if s.r, err = open(ctx, file); err != nil {
		return err
	}
	if stems != nil {
		f, err := s.r.together(ctx, "run", stems)
		if err != nil {
			return err
		}
		s.runs = append(s.runs, f)
	}
	if s.out = o.Out; s.out == "" {
		s.out = strings.TrimSuffix(s.r.name(), filepath.Ext(s.r.name())) + "-listen"
	}
	if s.out, err = filepath.Abs(s.out); err != nil {
		return err
	}
	for _, dir := range o.Runs {
		f, err := s.r.folder(ctx, dir)
		if err != nil {
			return err
		}
		s.runs = append(s.runs, f)
	}
	if o.References != "" {
		if s.references, err = s.r.folder(ctx, o.References); err != nil {
			return err
		}
	}
	if from != nil {
		return s.restore(o.File, from)
	}
	return nil
}

// recordedRun returns the recording of a run that left its record in a folder, and the stems
// that it wrote.
func recordedRun(dir string) (file string, stems []string, err error) {
	rec, err := record.Read(filepath.Join(dir, record.Name))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil, fmt.Errorf("%s has neither %s nor %s; want a sound file, a folder that the page saved or one of a run", dir, sessionFile, record.Name)
	} else if err != nil {
		return "", nil, err
	}
	find := func(files []record.File) (all []string) {
		for _, f := range files {
			if audio.NamedSound(f.Path) {
				path := filepath.FromSlash(f.Path)
				if !filepath.IsAbs(path) {
					path = filepath.Join(dir, path)
				}
				all = append(all, path)
			}
		}
		return all
	}
	read, stems := find(rec.Inputs), find(rec.Outputs)
	if len(read) != 1 || len(stems) == 0 {
		return "", nil, fmt.Errorf("the run in %s has read %s and written %d; want one, and stems", dir, counted.Of(len(read), "recording"), len(stems))
	}
	return read[0], stems, nil
}

// folder opens the sound files of a folder, which must be as the recording is.
func (r *recording) folder(ctx context.Context, dir string) (*folder, error) {
	entries, err := whole.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, e := range entries {
		if audio.NamedSound(e.Name()) {
			paths = append(paths, filepath.Join(dir, e.Name()))
		}
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("%s has no sound files; want the stems of %s, as WAV, FLAC or AIFF", dir, r.name())
	}
	return r.together(ctx, filepath.Base(filepath.Clean(dir)), paths)
}

// together opens stems, which must be as the recording is.
func (r *recording) together(ctx context.Context, name string, paths []string) (*folder, error) {
	f := &folder{name: name}
	for _, path := range paths {
		file, err := audio.Open(path)
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		f.names, f.files = append(f.names, strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))), append(f.files, file)
		h, err := file.Head(ctx)
		if err == nil && (h.Rate != r.head.Rate || h.Samples != r.head.Samples || h.Channels != r.head.Channels) {
			err = fmt.Errorf("%s has %s at %d Hz in %s; want %d at %d Hz in %d, as %s has", path, counted.Of(h.Samples, "sample"), h.Rate, counted.Of(h.Channels, "channel"), r.head.Samples, r.head.Rate, r.head.Channels, r.name())
		}
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	return f, nil
}

// Close closes the files.
func (f *folder) Close() error {
	var errs []error
	for _, file := range f.files {
		errs = append(errs, file.Close())
	}
	return errors.Join(errs...)
}

// Close ends all work and closes the files.
func (s *Server) Close() error {
	s.stop()
	var errs []error
	for _, f := range append(slices.Clone(s.runs), s.references) {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	if s.r != nil {
		errs = append(errs, s.r.Close())
	}
	return errors.Join(errs...)
}

// mostSessions bounds what is kept; the one that was left the longest ago is forgotten.
const mostSessions = 32

// newSession begins one.
func (s *Server) newSession() *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begun++
	n := &session{id: s.begun, r: s.r, plan: newPlan(), changed: time.Now()}
	s.sessions = append(s.sessions, n)
	if len(s.sessions) > mostSessions {
		i := slices.IndexFunc(s.sessions, func(x *session) bool { return !x.events.Open() && x != n })
		if i >= 0 {
			s.sessions[i].cancel()
			s.sessions = slices.Delete(s.sessions, i, i+1)
		}
	}
	return n
}

// session returns one of a number.
func (s *Server) session(id int) (*session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.sessions, func(x *session) bool { return x.id == id })
	if i < 0 {
		return nil, fmt.Errorf("there is no session %d; want one that was begun here", id)
	}
	return s.sessions[i], nil
}

// offered is a session as it is offered again.
type offered struct {
	ID      int       `json:"id"`
	Open    bool      `json:"open"` // in some page
	Changed time.Time `json:"changed"`
	Sources []string  `json:"sources"`
	Solved  bool      `json:"solved"`
	Busy    bool      `json:"busy"` // something is computed
}

func (s *Server) offers() []offered {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := []offered{}
	for _, x := range s.sessions {
		x.mu.Lock()
		all = append(all, offered{x.id, x.events.Open(), x.changed, x.plan.Sources, len(x.solutions) > 0, x.job != nil})
		x.mu.Unlock()
	}
	return all
}

// shownRecording is what a page is told of the recording.
type shownRecording struct {
	Name        string   `json:"name"`
	Rate        int      `json:"rate"`
	Samples     int      `json:"samples"`
	Channels    int      `json:"channels"`
	Columns     int      `json:"columns"` // of the spectrogram
	Hop         int      `json:"hop"`     // samples from column to column
	Middle      float64  `json:"middle"`  // s, of column 0
	Rows        int      `json:"rows"`
	Low         float64  `json:"low"`  // Hz, lower edge of row 0
	High        float64  `json:"high"` // Hz, upper edge of the last row
	TileColumns int      `json:"tileColumns"`
	Levels      int      `json:"levels"`
	DecibelStep float64  `json:"decibelStep"`
	Out         string   `json:"out"`
	Runs        []Run    `json:"runs"`
	References  []string `json:"references"`
}

// Run is a folder of stems.
type Run struct {
	Name  string   `json:"name"`
	Stems []string `json:"stems"`
}

func (s *Server) shown() shownRecording {
	f := s.r.x.Framing()
	out := shownRecording{Name: s.r.name(), Rate: f.Rate, Samples: f.Samples, Channels: f.Channels, Columns: f.Columns(), Hop: f.Hop * f.Share, Middle: f.Middle(0),
		Rows: picture.Rows, Low: s.r.tiles.Low, High: s.r.tiles.High, TileColumns: tileColumns, Levels: s.r.tiles.levels(), DecibelStep: picture.Step,
		Out: s.out, Runs: []Run{}, References: []string{}}
	for _, f := range s.runs {
		out.Runs = append(out.Runs, Run{f.name, f.names})
	}
	if s.references != nil {
		out.References = s.references.names
	}
	return out
}
