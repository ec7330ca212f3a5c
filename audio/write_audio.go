package audio

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/nearest"
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
	WriteAudioParams{Pattern: "{input}-{source}.wav", Encoding: "input", OnClip: "warn"}, NewWriteAudio)

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
	if err := p.Validate(); err != nil {
		return nil, err
	}
	return &writeAudio{p: p}, nil
}

type writeAudio struct {
	p       WriteAudioParams
	log     *slog.Logger
	head    audiosep.Head
	files   []*output // [source*R+realisation]
	made    []string  // folders
	fixed   bool      // committed: nothing is to be removed
	changed []string  // folders to be synced
}

// Create refuses names that clash or exist, then begins all files beside their places.
func (s *writeAudio) Create(ctx context.Context, env audiosep.Env, h audiosep.Head, sources []string) error {
	if s.files != nil {
		return errors.New("the files are being written already; want one Create")
	}
	paths, err := s.paths(h, sources)
	if err != nil {
		return err
	}
	s.log, s.head = env.Logger(), h
	l := layout{rate: h.Rate, channels: h.Channels, enc: s.encoding(h.Encoding), samples: h.Samples}
	if err := l.check(); err != nil {
		return err
	}
	for _, path := range paths {
		err := ctx.Err()
		if err == nil {
			err = s.begin(path, l)
		}
		if err != nil {
			return errors.Join(err, s.Close())
		}
	}
	return nil
}

// begin creates the file that will be at path, and its folder.
func (s *writeAudio) begin(path string, l layout) error {
	dir := filepath.Dir(path)
	made, err := makeFolder(dir)
	s.made = append(s.made, made...)
	if err != nil {
		return err
	}
	for _, d := range append(made, path) {
		if parent := filepath.Dir(d); !slices.Contains(s.changed, parent) {
			s.changed = append(s.changed, parent)
		}
	}
	o, err := createOutput(path, l)
	if err == nil {
		s.files = append(s.files, o)
	}
	return err
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
	taken := map[string]string{} // what has a name, by the name in small letters: some systems do not tell a from A
	for j, source := range sources {
		for r := range h.Realisations {
			path := s.path(h, source, j, r)
			what := fmt.Sprintf("source %d (%q) of recording %d", j+1, source, r+1)
			if other, ok := taken[strings.ToLower(path)]; ok {
				return nil, fmt.Errorf("%s and %s would both be written to %s; want {n} or {source}, and {input} or {realisation}, in the pattern", other, what, path)
			}
			taken[strings.ToLower(path)] = what
			if err := free(path, s.p.Overwrite); err != nil {
				return nil, err
			}
			paths = append(paths, path)
		}
	}
	return paths, nil
}

// free tells why a file must not or cannot be written at path.
func free(path string, overwrite bool) error {
	info, err := os.Lstat(path)
	switch {
	case err != nil: // the usual: nothing is there; else creating the file says what is wrong
		return nil
	case info.IsDir():
		return fmt.Errorf("%s is a folder; want another name for the file", path)
	case !overwrite:
		return existsError(path)
	}
	return nil
}

// path returns the name of the file of source j, realisation r.
func (s *writeAudio) path(h audiosep.Head, source string, j, r int) string {
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
			return fileName(source)
		case "{n}":
			return strconv.Itoa(j + 1)
		default:
			return strconv.Itoa(r + 1)
		}
	})
}

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

// Commit puts the files in their places. If it fails, Close removes those that are new.
func (s *writeAudio) Commit(ctx context.Context) error {
	if err := s.sayClipping(); err != nil {
		return err
	}
	for _, o := range s.files {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := o.finish(); err != nil {
			return err
		}
	}
	for _, o := range s.files {
		if err := o.publish(s.p.Overwrite); err != nil {
			return err
		}
	}
	for _, dir := range s.changed {
		if err := syncFolder(dir); err != nil {
			return err
		}
	}
	s.fixed = true
	return nil
}

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

// Close removes everything that was not committed.
func (s *writeAudio) Close() error {
	if s.fixed {
		return nil
	}
	var errs []error
	for _, o := range s.files {
		errs = append(errs, o.discard())
	}
	for _, dir := range slices.Backward(s.made) {
		// What somebody else has put a file into stays.
		os.Remove(dir)
	}
	s.files, s.made, s.changed = nil, nil, nil
	return errors.Join(errs...)
}
