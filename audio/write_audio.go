package audio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/term"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/counted"
	"github.com/audiosep/audiosep/internal/nearest"
	"github.com/audiosep/audiosep/internal/whole"
)

// WriteAudioParams are the parameters of write_audio.
type WriteAudioParams struct {
	Pattern   string   `json:"pattern" file:"out" doc:"Names of the files: {input} is the recording's name, {source} the source's, {n} its number, {realisation} the recording's number, both from 1 on, {out} the output folder. The extension tells the format, .wav, .flac or .aiff; without one it is appended. A file called - is standard output, which takes one stem."`
	Format    string   `json:"format" oneof:"auto|wav|flac|aiff" doc:"The format of the files; auto is what the extension tells, or wav."`
	Encoding  string   `json:"encoding" oneof:"input|int16|int24|int32|float32|float64" doc:"How samples are stored; input is as the recording is, but at least int16, and float32 (in FLAC int24) if it was never stored or is in a lossy format. FLAC holds int16 and int24."`
	Only      []string `json:"only" doc:"The sources that are written, by name or by number, from 1 on; all if it is empty. With two, of its two files."`
	Two       string   `json:"two" doc:"Two files for each recording: this source, by name or number, and the sum of all others, called no- and its name."`
	OnClip    string   `json:"on_clip" oneof:"warn|error" doc:"What to do if samples go beyond full scale, which integers cannot hold: cut them and say so, or fail and write nothing."`
	Overwrite bool     `json:"overwrite" doc:"Replace files that exist; otherwise the run is refused before its work begins."`
}

var writeAudioStage = audiosep.Define("write_audio",
	`Writes each source of each recording to a sound file of its own: WAV, FLAC or AIFF.
Files appear whole when everything has succeeded, or not at all; missing folders are made. Nothing is rescaled or dithered: what is read and written again in the same encoding keeps its bits. Titles and other tags of the recording, and what its loudspeakers are, go along where the format has a place for them. More than two channels or 16 bits make a WAVE_FORMAT_EXTENSIBLE file, more than 4 GB an RF64 file, floats an AIFF-C file.`,
	DefaultWriteAudio(), NewWriteAudio)

// DefaultWriteAudio returns the defaults of write_audio.
func DefaultWriteAudio() WriteAudioParams {
	return WriteAudioParams{Pattern: "{input}-{source}", Format: "auto", Encoding: "input", OnClip: "warn"}
}

// placeholder is a name in braces.
var placeholder = regexp.MustCompile(`\{[^{}]*\}`)

var placeholders = []string{"input", "source", "n", "realisation", "out"}

// Validate checks the pattern.
func (p WriteAudioParams) Validate() error {
	var errs audiosep.ParamErrors
	for _, found := range placeholder.FindAllString(p.Pattern, -1) {
		if name := strings.Trim(found, "{}"); !slices.Contains(placeholders, name) {
			e := &audiosep.ParamError{Name: "pattern", What: fmt.Sprintf("has %s; want {%s}", found, strings.Join(placeholders, "}, {"))}
			if n := nearest.Name(name, placeholders); n != "" {
				e.Hint = fmt.Sprintf("did you mean {%s}?", n)
			}
			errs = append(errs, e)
		}
	}
	errs = append(errs, p.formatFaults()...)
	if errs != nil {
		return errs
	}
	return nil
}

// formatFaults finds fault with the extension, the format and the encoding together.
func (p WriteAudioParams) formatFaults() (errs audiosep.ParamErrors) {
	extension := strings.ToLower(filepath.Ext(p.Pattern))
	if c := codecFor(extension); c.create == nil && NamedSound(p.Pattern) {
		return append(errs, &audiosep.ParamError{Name: "pattern", What: fmt.Sprintf("is %q; want a name that ends in one of %s", p.Pattern, extensionNames())})
	} else if c.create != nil && p.Format != "auto" && c.extension != "."+p.Format {
		return append(errs, &audiosep.ParamError{Name: "format", What: fmt.Sprintf("is %q, and the pattern ends in %s; want the same format", p.Format, extension)})
	}
	if e, ok := encodingNamed(p.Encoding); ok {
		if err := p.codec().holds(e); err != nil {
			errs = append(errs, &audiosep.ParamError{Name: "encoding", What: fmt.Sprintf("is %q: %v", p.Encoding, err)})
		}
	}
	return errs
}

// codec is the format that is written.
func (p WriteAudioParams) codec() codec {
	if p.Format != "auto" {
		return codecFor("." + p.Format)
	}
	if c := codecFor(filepath.Ext(p.Pattern)); c.create != nil {
		return c
	}
	return codecFor(".wav")
}

// NewWriteAudio returns a Sink that writes sound files.
func NewWriteAudio(p WriteAudioParams) (audiosep.Sink, error) {
	if err := audiosep.CheckStruct(p); err != nil {
		return nil, err
	}
	w := &writeAudio{p: p, format: p.codec(), log: slog.New(slog.DiscardHandler)}
	w.stdout = whole.IsStandard(p.Pattern)
	if !w.stdout && codecFor(filepath.Ext(p.Pattern)).create == nil {
		w.p.Pattern += w.format.extension
	}
	return w, nil
}

type writeAudio struct {
	p      WriteAudioParams
	format codec
	stdout bool // one stem goes to standard output
	log    *slog.Logger
	head   audiosep.Head
	inputs []string // files that are read, as far as they are known
	parts  []part
	files  []*behind // [part*R+realisation]
	copies copies
	raw    []*os.File
	names  []string // of the files, as far as they are known
	set    whole.Set
	pipe   *whole.Nameless // what will go to standard output
}

// Needs says what it takes: for each file two pieces, of what is stored and of what is to be.
func (s *writeAudio) Needs(e audiosep.Extent) audiosep.Needs {
	return audiosep.Needs{Work: 2 * chunkBytes * int64(max(1, e.Sources)*max(1, e.Realisations))}
}

// UseLog has what is to be known before the work told to log.
func (s *writeAudio) UseLog(log *slog.Logger) { s.log = log }

// unknownSource stands for the name of a source that is not known yet.
const unknownSource = "\x00"

// Prepare refuses what cannot be written: names that clash, exist, are read, or are too
// long, folders that cannot be made, more than the disk has room for, and a standard output that
// takes none. Where the sources are not known yet, it looks at the names that do not depend on them.
func (s *writeAudio) Prepare(_ context.Context, plan audiosep.Plan) error {
	s.inputs = plan.Inputs
	if s.stdout {
		if err := stdoutTakes(); err != nil {
			return err
		}
	}
	if plan.Head.Layers() == 0 {
		return nil
	}
	sources := plan.Sources
	if sources == nil {
		sources = []string{unknownSource}
	}
	paths, l, err := s.plan(plan.Head, sources)
	if err != nil || s.stdout {
		return err
	}
	if plan.Sources == nil {
		s.warnOfNumbered(plan.Head)
	}
	bytes := s.format.bytes(l) * int64(len(paths))
	if plan.Kept != "" {
		bytes = max(0, bytes-whole.KeptBytes(plan.Kept))
	}
	return whole.Room(filepath.Dir(paths[0]), bytes)
}

// warnOfNumbered tells, where the names of the sources are not known yet, of the file of a first
// source that is called by its number, as sources are unless somebody names them.
func (s *writeAudio) warnOfNumbered(h audiosep.Head) {
	for _, of := range []int{1, 10, 100} { // how many there may be decides how the number is written
		for r := range h.Realisations {
			path := s.path(h, part{name: "1", of: of}, r)
			if err := s.allowed(path); errors.Is(err, fs.ErrExist) {
				s.log.Warn("a file is there that a source without a name would be written to; if one is, the run will fail when its work is done", "file", path,
					"remedy", "overwrite, another folder, or a forecast of the stage that makes the sources")
				return
			}
		}
	}
}

// plan says which files will be written, and how.
func (s *writeAudio) plan(h audiosep.Head, sources []string) ([]string, layout, error) {
	e, err := s.format.encoding(s.p.Encoding, h.Encoding)
	if err != nil {
		return nil, layout{}, fmt.Errorf("the recording is stored as %s, and %w; or set the encoding", h.Encoding, err)
	}
	l := layout{rate: h.Rate, channels: h.Channels, enc: e, samples: h.Samples, speakers: h.Speakers}
	if err := s.format.check(l); err != nil {
		return nil, l, err
	}
	if s.parts, err = s.share(sources); err != nil {
		return nil, l, err
	}
	paths, err := s.paths(h)
	if n := len(s.parts) * h.Realisations; err == nil && s.stdout && n > 1 && sources[0] != unknownSource {
		err = fmt.Errorf("%s would go to standard output; want one: say which by only, such as %q", counted.Of(n, "stem"), s.parts[0].name)
	}
	return paths, l, err
}

// Create refuses what Prepare does, with all that is known by now, then begins all files.
func (s *writeAudio) Create(ctx context.Context, env audiosep.Env, h audiosep.Head, sources []string) error {
	return s.create(ctx, env, h, sources, "")
}

// create begins all files; keep is a folder for them until they are whole, or empty.
func (s *writeAudio) create(ctx context.Context, env audiosep.Env, h audiosep.Head, sources []string, keep string) error {
	if s.files != nil {
		return errors.New("the files are being written already; want one Create")
	}
	paths, l, err := s.plan(h, sources)
	if err != nil {
		return err
	}
	s.log, s.head, s.copies = env.Logger(), h, newCopies()
	s.set = whole.Set{Overwrite: s.p.Overwrite, Keep: keep}
	for i, path := range paths {
		err := ctx.Err()
		if err == nil {
			err = s.begin(path, l, h, i%h.Realisations)
		}
		if err != nil {
			return errors.Join(err, s.Close())
		}
	}
	return nil
}

// stdoutTakes says why standard output takes no recording.
func stdoutTakes() error {
	switch {
	case term.IsTerminal(int(os.Stdout.Fd())):
		return errors.New("standard output is a terminal; want a pipe or a file for a recording")
	case whole.WasClosed(os.Stdout):
		return errors.New("standard output is closed, or the null device opened for reading too; want a pipe or a file for a recording, or /dev/null opened for writing")
	}
	return nil
}

// begin begins one file, of a realisation.
func (s *writeAudio) begin(path string, l layout, h audiosep.Head, realisation int) error {
	var tags audiosep.Tags
	if realisation < len(h.Tags) {
		tags = h.Tags[realisation]
	}
	var f *os.File
	var err error
	if s.stdout {
		if err := stdoutTakes(); err != nil {
			return err
		}
		path = "standard output"
		if s.pipe, err = whole.NewNameless("audiosep-*.part"); err == nil {
			f = s.pipe.File
		}
	} else {
		f, err = s.file(path)
	}
	if err != nil {
		return err
	}
	o, err := newOutput(s.format, f, path, l, tags)
	if err == nil {
		s.files = append(s.files, &behind{output: o, copies: s.copies})
		s.raw = append(s.raw, f)
	}
	return err
}

// file makes the file that will be at path, or opens what an earlier run has kept of it.
func (s *writeAudio) file(path string) (*os.File, error) {
	f, err := s.set.Create(path)
	if err != nil {
		return nil, err
	}
	return f.File, nil
}

// Resume begins all files in a folder, or goes on with those that are there.
func (s *writeAudio) Resume(ctx context.Context, env audiosep.Env, h audiosep.Head, sources []string, dir string, state []byte) error {
	var all []kept
	if state != nil {
		if err := json.Unmarshal(state, &all); err != nil {
			return err
		}
	}
	if state == nil { // what is there was never kept
		if err := whole.Forget(dir); err != nil {
			return err
		}
	}
	if err := s.create(ctx, env, h, sources, dir); err != nil || state == nil {
		return err
	}
	if len(all) != len(s.files) {
		return errors.Join(fmt.Errorf("an earlier run kept %s in %s; want %d", counted.Of(len(all), "file"), dir, len(s.files)), s.Close())
	}
	for i, o := range s.files {
		if err := o.goOn(s.raw[i], all[i]); err != nil {
			return errors.Join(fmt.Errorf("%w; remove %s to begin anew", err, dir), s.Close())
		}
	}
	return nil
}

// Keep has what is written last.
func (s *writeAudio) Keep(context.Context) ([]byte, error) {
	var all []kept
	for i, o := range s.files {
		err := o.wait()
		var k kept
		if err == nil {
			k, err = o.keep(s.raw[i])
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", o.path, err)
		}
		all = append(all, k)
	}
	if err := s.set.Sync(); err != nil {
		return nil, err
	}
	return json.Marshal(all)
}

// paths returns the name of each file, all of them different and free; none for standard
// output.
func (s *writeAudio) paths(h audiosep.Head) ([]string, error) {
	var paths []string
	s.names = nil
	taken := map[string]string{} // what has a name, by the name in small letters: some systems do not tell a from A
	for _, part := range s.parts {
		for r := range h.Realisations {
			if s.stdout {
				paths = append(paths, whole.Standard)
				continue
			}
			path := s.path(h, part, r)
			what := fmt.Sprintf("source %d (%q) of recording %d", part.number+1, part.name, r+1)
			if other, ok := taken[strings.ToLower(path)]; ok {
				return nil, fmt.Errorf("%s and %s would both be written to %s; want {n} or {source}, and {input} or {realisation}, in the pattern", other, what, path)
			}
			taken[strings.ToLower(path)] = what
			if part.name == unknownSource && strings.Contains(path, unknownSource) {
				path = filepath.Dir(path) + "/" // all that is known of it
			} else {
				s.names = append(s.names, filepath.Clean(path))
			}
			if err := s.allowed(path); err != nil {
				return nil, err
			}
			paths = append(paths, path)
		}
	}
	return paths, nil
}

// allowed tells why a file must not or cannot be written at path, a folder's if it ends so.
func (s *writeAudio) allowed(path string) error {
	if strings.HasSuffix(path, "/") {
		path = filepath.Join(path, ".audiosep") // a name that nothing has
	}
	return whole.Allowed(path, s.p.Overwrite, s.inputs)
}

// path returns the name of the file of a part, realisation r. Numbers have zeros before them
// where there are ten or more, so that files sort as they are counted.
func (s *writeAudio) path(h audiosep.Head, p part, r int) string {
	source := p.name
	if source == strconv.Itoa(p.number+1) {
		source = numbered(p.number, p.of)
	}
	input := "recording"
	switch {
	case r < len(h.Names) && h.Names[r] != "":
		input = h.Names[r]
	case h.Realisations > 1:
		input += strconv.Itoa(r + 1)
	}
	return filepath.Clean(placeholder.ReplaceAllStringFunc(s.p.Pattern, func(found string) string {
		switch found {
		case "{input}":
			return fileName(input)
		case "{out}": // patterns are relative to it
			return "."
		case "{source}":
			if source == unknownSource {
				return source
			}
			return fileName(source)
		case "{n}":
			if source == unknownSource {
				return source
			}
			return numbered(p.number, p.of)
		default:
			return numbered(r, h.Realisations)
		}
	}))
}

// numbered returns the number of the i-th of n, from 1 on, with as many digits as n has.
func numbered(i, n int) string { return fmt.Sprintf("%0*d", len(strconv.Itoa(n)), i+1) }

// unsafe are the characters that name folders or drives on some system, or are refused.
var unsafe = regexp.MustCompile(`[/\\:*?"<>|\x00-\x1f]`)

// fileName makes a name that stays in its folder on every system.
func fileName(name string) string {
	name = unsafe.ReplaceAllString(name, "_")
	if strings.Trim(name, ". ") == "" {
		return "_"
	}
	return name
}

// Write appends a block to the files that have the source. It returns while they are encoded: what
// goes wrong there is told by the next Write, Keep or Commit.
func (s *writeAudio) Write(ctx context.Context, source int, block [][]float64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(block) != s.head.Layers() || len(block) == 0 {
		return &audiosep.ShapeError{What: "the block", Is: counted.Of(len(block), "layer"), Want: fmt.Sprint(s.head.Layers())}
	}
	for l, d := range block {
		if len(d) != len(block[0]) {
			return &audiosep.ShapeError{What: fmt.Sprintf("layer %d of the block", l), Is: counted.Of(len(d), "sample"), Want: fmt.Sprint(len(block[0]))}
		}
	}
	r, c := s.head.Realisations, s.head.Channels
	if len(s.parts) == 0 || source < 0 || source >= s.parts[0].of {
		return fmt.Errorf("the block is for source %d; want a block for one that Create was told of", source)
	}
	for p := range s.parts {
		sum, err := s.parts[p].add(source, block)
		if err != nil {
			return err
		}
		if sum == nil {
			continue
		}
		for i, o := range s.files[p*r : (p+1)*r] {
			if err := o.append(sum[i*c : (i+1)*c]); err != nil {
				return err
			}
		}
	}
	return nil
}

// Commit puts the files in their places.
func (s *writeAudio) Commit(ctx context.Context) error {
	for _, o := range s.files {
		if err := o.wait(); err != nil {
			return err
		}
	}
	if err := s.sayClipping(); err != nil {
		return err
	}
	for _, o := range s.files {
		if err := o.end(); err != nil {
			return err
		}
	}
	if s.stdout {
		return s.toStdout()
	}
	return s.set.Commit(ctx)
}

// toStdout writes what is whole now to standard output.
func (s *writeAudio) toStdout() error {
	if _, err := s.pipe.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if _, err := io.Copy(os.Stdout, s.pipe); err != nil {
		return fmt.Errorf("standard output: %w", err)
	}
	return nil
}

// Writes returns the files, as far as they are known.
func (s *writeAudio) Writes() []string { return s.names }

// Withdraw undoes Commit.
func (s *writeAudio) Withdraw(context.Context) error { return s.set.Withdraw() }

// sayClipping reports each file that integers could not hold.
func (s *writeAudio) sayClipping() error {
	var errs []error
	for _, o := range s.files {
		switch {
		case s.p.OnClip == "error":
			errs = append(errs, o.clipError())
		case o.clip.samples > 0:
			s.log.Warn("samples beyond full scale were clipped", "file", o.path, "samples", o.clip.samples,
				"of", o.samples*o.channels, "peak_dbfs", o.clip.dBFS(), "remedy", clipRemedy)
		}
	}
	return errors.Join(errs...)
}

// Close removes everything that was not committed, and says what was written.
func (s *writeAudio) Close() error {
	for _, o := range s.files {
		_ = o.wait() // Commit has told, or nobody wants to know
		if s.set.Committed() {
			s.log.Info("written", "file", o.path)
		}
	}
	s.files, s.raw = nil, nil
	err := s.set.Close()
	if s.pipe != nil {
		err = errors.Join(err, s.pipe.Close())
		s.pipe = nil
	}
	return err
}
