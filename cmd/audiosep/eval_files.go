package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/internal/counted"
	"github.com/audiosep/audiosep/internal/whole"
)

// opened is a list of recordings to close.
type opened []io.Closer

func (o *opened) close() error {
	var err error
	for _, c := range *o {
		err = errors.Join(err, c.Close())
	}
	return err
}

func (o *opened) file(name string) (audiosep.Source, error) {
	// A pipe would block the program for ever when it is opened.
	if info, err := whole.Stat(name); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file; want a sound file, which is read more than once", shown(name))
	}
	s, err := audio.NewReadAudio(audio.ReadAudioParams{Files: []string{name}})
	if c, ok := s.(io.Closer); ok {
		*o = append(*o, c)
	}
	return s, err
}

// folder opens the stems of a folder, in the order of their names, but for the
// mixture.
func (o *opened) folder(dir, mixture string) (all []audiosep.Source, err error) {
	files, err := audio.StemsIn(dir)
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		if mixture != "" && sameFile(file, mixture) {
			continue
		}
		s, err := o.file(file)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("folder %s holds no stems but the mixture; want one for each source", dir)
	}
	return all, nil
}

func sameFile(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}

// track is a recording to evaluate: folders of stems, and perhaps the file of its mixture.
// The name is empty where there is one alone, estimate where none are asked for.
type track struct{ name, reference, estimate, mixture string }

// tracks lists what the folders hold: stems, or folders of stems.
func (e *evaluation) tracks() ([]track, error) {
	names, stems, err := foldersIn(e.reference)
	if err != nil {
		return nil, err
	}
	if stems || len(names) == 0 {
		return []track{{"", e.reference, e.estimate, e.mixture}}, nil
	}
	var all []track
	var missing []string
	for _, name := range names {
		t := track{name: name, reference: filepath.Join(e.reference, name)}
		if e.estimate != "" {
			t.estimate = filepath.Join(e.estimate, name)
			if info, err := os.Stat(t.estimate); err != nil || !info.IsDir() {
				missing = append(missing, shown(name))
			}
		}
		if e.mixture != "" {
			t.mixture = filepath.Join(t.reference, e.mixture)
		}
		all = append(all, t)
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("folder %s lacks %d of the %s of %s: %s; want a folder of estimates for each", e.estimate, len(missing), counted.Of(len(all), "track"), e.reference, strings.Join(missing, ", "))
	}
	return all, nil
}

// foldersIn lists the folders in a folder, as people count, and tells whether it holds
// stems itself.
func foldersIn(dir string) (names []string, stems bool, err error) {
	entries, err := whole.ReadDir(dir)
	lossy := false
	for _, entry := range entries {
		name := entry.Name()
		info, err := os.Stat(filepath.Join(dir, name)) // through links
		switch {
		case strings.HasPrefix(name, ".") || err != nil:
		case info.IsDir():
			names = append(names, name)
		case audio.NamedLossless(name):
			stems = true
		case audio.NamedSound(name):
			lossy = true
		}
	}
	slices.SortFunc(names, counted.Compare)
	return names, stems || lossy && len(names) == 0, err
}

// shown is a name as it may be printed: quoted where it holds control characters, which
// a terminal would obey.
func shown(name string) string {
	if strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(name)
	}
	return name
}
