package listen

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/audiosep/audiosep/internal/whole"
)

// projects writes what opens the stems in other programs: stems.rpp, a project of REAPER with
// a track for each, and stems.lof, a list of files that Audacity opens side by side. Levels
// are those of the page.
func (r *recording) projects(ctx context.Context, dir string, p *Plan, names, paths []string) (files []string, err error) {
	set := whole.Set{Overwrite: true}
	defer func() { err = errors.Join(err, set.Close()) }()
	for name, text := range map[string]string{
		"stems.rpp": r.reaper(p, names, paths),
		"stems.lof": audacity(paths),
	} {
		f, err := set.Create(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		if _, err := f.WriteString(text); err != nil {
			return nil, err
		}
		files = append(files, name)
	}
	slices.Sort(files)
	return files, set.Commit(ctx)
}

// level is that of a stem, by its name: of a source, or of the residual behind them.
func (p *Plan) level(name string) Level {
	j := slices.Index(p.Sources, name)
	if j < 0 {
		j = len(p.Sources)
	}
	if j < len(p.Levels) {
		return p.Levels[j]
	}
	return Level{Gain: 1}
}

// quoted puts a text into quotes that it does not have: REAPER knows three.
func quoted(text string) string {
	for _, q := range []string{`"`, `'`, "`"} {
		if !strings.Contains(text, q) {
			return q + text + q
		}
	}
	return "`" + strings.ReplaceAll(text, "`", "'") + "`"
}

// reaper returns a project with a track for each stem.
func (r *recording) reaper(p *Plan, names, paths []string) string {
	var b strings.Builder
	seconds := float64(r.head.Samples) / float64(r.head.Rate)
	fmt.Fprintf(&b, "<REAPER_PROJECT 0.1 \"6.0\" 0\n  SAMPLERATE %d 1 0\n", r.head.Rate)
	for i, path := range paths {
		l := p.level(names[i])
		kind := "WAVE"
		if strings.HasSuffix(path, ".flac") {
			kind = "FLAC"
		}
		mute, solo := 0, 0
		if l.Mute {
			mute = 1
		}
		if l.Solo {
			solo = 1
		}
		fmt.Fprintf(&b, "  <TRACK\n    NAME %s\n    VOLPAN %.6f 0 -1 -1 1\n    MUTESOLO %d %d 0\n", quoted(names[i]), l.Gain, mute, solo)
		fmt.Fprintf(&b, "    <ITEM\n      POSITION 0\n      LENGTH %.9f\n      NAME %s\n      <SOURCE %s\n        FILE %s\n      >\n    >\n  >\n",
			seconds, quoted(names[i]), kind, quoted(path))
	}
	b.WriteString(">\n")
	return b.String()
}

// audacity returns a list of files; paths are relative to it.
func audacity(paths []string) string {
	var b strings.Builder
	b.WriteString("window\n")
	for _, path := range paths {
		fmt.Fprintf(&b, "file \"%s\" offset 0\n", path)
	}
	return b.String()
}
