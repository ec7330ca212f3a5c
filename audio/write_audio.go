package audio

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/nearest"
	"github.com/audiosep/audiosep/internal/whole"
)

// WriteAudioParams are the parameters of write_audio.
type WriteAudioParams struct {
	Pattern   string `json:"pattern" file:"out" doc:"Names of the files: {input} is the recording's name, {source} the source's, {n} its number, {realisation} the recording's number, both from 1 on."`
	Encoding  string `json:"encoding" oneof:"input|int16|int24|int32|float32|float64" doc:"How samples are stored; input is as the recording is, but at least int16, and float32 if it was never stored."`
	OnClip    string `json:"on_clip" oneof:"warn|error" doc:"What to do if samples go beyond full scale, which integers cannot hold: cut them and say so, or fail and write nothing."`
	Overwrite bool   `json:"overwrite" doc:"Replace files that exist; otherwise the run is refused before its work begins."`
}

var writeAudioStage = audiosep.Define("write_audio",
	`Writes each source of each recording to a WAV file of its own.
Files appear whole when everything has succeeded, or not at all; missing folders are made. Nothing is rescaled or dithered: what is read and written again in the same encoding keeps its bits. More than two channels or 16 bits make a WAVE_FORMAT_EXTENSIBLE file, more than 4 GB an RF64 file.`,
	DefaultWriteAudio(), NewWriteAudio)

// DefaultWriteAudio returns the defaults of write_audio.
func DefaultWriteAudio() WriteAudioParams {
	return WriteAudioParams{Pattern: "{input}-{source}.wav", Encoding: "input", OnClip: "warn"}
}

// placeholder is a name in braces.
var placeholder = regexp.MustCompile(`\{[^{}]*\}`)

var placeholders = []string{"input", "source", "n", "realisation"}

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
	if !strings.EqualFold(filepath.Ext(p.Pattern), ".wav") {
		errs = append(errs, &audiosep.ParamError{Name: "pattern", What: fmt.Sprintf("is %q; want a name that ends in .wav", p.Pattern)})
	}
	if errs != nil {
		return errs
	}
	return nil
}

// NewWriteAudio returns a Sink that writes WAV files.
func NewWriteAudio(p WriteAudioParams) (audiosep.Sink, error) {
	if err := audiosep.CheckStruct(p); err != nil {
		return nil, err
	}
	return &writeAudio{p: p}, nil
}

type writeAudio struct {
	p      WriteAudioParams
	log    *slog.Logger
	head   audiosep.Head
	inputs []string  // files that are read, as far as they are known
	files  []*output // [source*R+realisation]
	names  []string  // of the files, as far as they are known
	set    whole.Set
}

// unknownSource stands for the name of a source that is not known yet.
const unknownSource = "\x00"

// Prepare refuses what cannot be written: names that clash, exist, are read, or are too
// long, folders that cannot be made, and more than the disk has room for. Where the sources
// are not known yet, it looks at the names that do not depend on them.
func (s *writeAudio) Prepare(_ context.Context, plan audiosep.Plan) error {
	s.inputs = plan.Inputs
	if plan.Head.Layers() == 0 {
		return nil
	}
	sources := plan.Sources
	if sources == nil {
		sources = []string{unknownSource}
	}
	paths, err := s.paths(plan.Head, sources)
	if err != nil {
		return err
	}
	e := s.encoding(plan.Head.Encoding)
	l := layout{rate: plan.Head.Rate, channels: plan.Head.Channels, enc: e, samples: plan.Head.Samples}
	if err := l.check(); err != nil {
		return err
	}
	return whole.Room(filepath.Dir(paths[0]), int64(len(paths))*int64(l.samples)*int64(l.channels*e.bytes))
}

// Create refuses what Prepare does, with all that is known by now, then begins all files.
func (s *writeAudio) Create(ctx context.Context, env audiosep.Env, h audiosep.Head, sources []string) error {
	if s.files != nil {
		return errors.New("the files are being written already; want one Create")
	}
	paths, err := s.paths(h, sources)
	if err != nil {
		return err
	}
	s.log, s.head = env.Logger(), h
	s.set = whole.Set{Overwrite: s.p.Overwrite}
	l := layout{rate: h.Rate, channels: h.Channels, enc: s.encoding(h.Encoding), samples: h.Samples}
	if err := l.check(); err != nil {
		return err
	}
	for _, path := range paths {
		err := ctx.Err()
		if err == nil {
			var o *output
			o, err = createOutput(&s.set, path, l)
			s.files = append(s.files, o)
		}
		if err != nil {
			return errors.Join(err, s.Close())
		}
	}
	return nil
}

// encoding chooses how to store samples that came in the encoding called input.
func (s *writeAudio) encoding(input string) encoding {
	name := s.p.Encoding
	if name == "input" {
		name = input
	}
	e, ok := encodingNamed(name)
	switch {
	case !ok:
		e, _ = encodingNamed("float32")
	case e.bytes == 1: // 8 bits are too few for the parts of a recording
		e, _ = encodingNamed("int16")
	}
	return e
}

// paths returns the name of each file, all of them different and free.
func (s *writeAudio) paths(h audiosep.Head, sources []string) ([]string, error) {
	var paths []string
	s.names = nil
	taken := map[string]string{} // what has a name, by the name in small letters: some systems do not tell a from A
	for j, source := range sources {
		for r := range h.Realisations {
			path := s.path(h, source, j, r, len(sources))
			what := fmt.Sprintf("source %d (%q) of recording %d", j+1, source, r+1)
			if other, ok := taken[strings.ToLower(path)]; ok {
				return nil, fmt.Errorf("%s and %s would both be written to %s; want {n} or {source}, and {input} or {realisation}, in the pattern", other, what, path)
			}
			taken[strings.ToLower(path)] = what
			if source == unknownSource && strings.Contains(path, unknownSource) {
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

// path returns the name of the file of source j of so many, realisation r. Numbers have
// zeros before them where there are ten or more, so that files sort as they are counted.
func (s *writeAudio) path(h audiosep.Head, source string, j, r, sources int) string {
	if source == strconv.Itoa(j+1) {
		source = numbered(j, sources)
	}
	input := "recording"
	switch {
	case r < len(h.Names) && h.Names[r] != "":
		input = h.Names[r]
	case h.Realisations > 1:
		input += strconv.Itoa(r + 1)
	}
	return placeholder.ReplaceAllStringFunc(s.p.Pattern, func(found string) string {
		switch found {
		case "{input}":
			return fileName(input)
		case "{source}":
			if source == unknownSource {
				return source
			}
			return fileName(source)
		case "{n}":
			if source == unknownSource {
				return source
			}
			return numbered(j, sources)
		default:
			return numbered(r, h.Realisations)
		}
	})
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

// Write appends a block to the files of one source.
func (s *writeAudio) Write(ctx context.Context, source int, block [][]float64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r, c := s.head.Realisations, s.head.Channels
	if source < 0 || (source+1)*r > len(s.files) || r == 0 {
		return fmt.Errorf("the block is for source %d of %d", source, len(s.files)/max(1, r))
	}
	if len(block) != s.head.Layers() {
		return &audiosep.ShapeError{What: "the block", Is: fmt.Sprintf("%d layers", len(block)), Want: fmt.Sprint(s.head.Layers())}
	}
	for l, d := range block {
		if len(d) != len(block[0]) {
			return &audiosep.ShapeError{What: fmt.Sprintf("layer %d of the block", l), Is: fmt.Sprintf("%d samples", len(d)), Want: fmt.Sprint(len(block[0]))}
		}
	}
	for i, o := range s.files[source*r : (source+1)*r] {
		if err := o.write(block[i*c : (i+1)*c]); err != nil {
			return err
		}
	}
	return nil
}

// Commit puts the files in their places.
func (s *writeAudio) Commit(ctx context.Context) error {
	if err := s.sayClipping(); err != nil {
		return err
	}
	for _, o := range s.files {
		if err := o.finish(); err != nil {
			return err
		}
	}
	return s.set.Commit(ctx)
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
		if s.set.Committed() {
			s.log.Info("written", "file", o.path)
		}
	}
	s.files = nil
	return s.set.Close()
}
