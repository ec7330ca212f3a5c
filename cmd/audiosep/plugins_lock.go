package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/audiosep/audiosep/internal/whole"
	"github.com/audiosep/audiosep/pipeline"
	"github.com/audiosep/audiosep/plugins"
	"github.com/audiosep/audiosep/plugins/store"
)

// platform is that of programs which run here.
const platform = runtime.GOOS + "/" + runtime.GOARCH

// locked returns what the lock file pins, nil where there is none.
func (f *pluginFlags) locked() (map[string]pipeline.Pin, error) {
	if f.lock == "" {
		return nil, nil
	}
	return readLock(f.lock)
}

// options returns how plugins are to be run: with the pins of a pipeline, and of the lock file.
// used are the plugins that are needed; nil if it is not known.
func (f *pluginFlags) options(pins, locked map[string]pipeline.Pin, used []string, log *slog.Logger) (plugins.Options, error) {
	o := f.unpinned(log)
	o.Pins, o.From = map[string]string{}, map[string]string{}
	all := maps.Clone(pins)
	for name := range pins {
		o.From[name] = "the pipeline"
	}
	if all == nil {
		all = map[string]pipeline.Pin{}
	}
	for name, pin := range locked {
		if other, ok := all[name]; ok && !maps.Equal(other, pin) {
			return o, fmt.Errorf("plugin %s has one SHA-256 in the pipeline and another in %s; want one", name, f.lock)
		}
		all[name], o.From[name] = pin, f.lock
	}
	o.Locked = f.lock != "" || len(pins) > 0
	for name, pin := range all {
		sum, ok := pin.Sum(platform)
		if ok {
			o.Pins[name] = sum
		} else if slices.Contains(used, name) {
			return o, fmt.Errorf("plugin %s is pinned for %s, and this is %s; want its sum for that too, by audiosep plugin lock", name, strings.Join(slices.Sorted(maps.Keys(pin)), ", "), platform)
		}
	}
	return o, nil
}

func readLock(file string) (map[string]pipeline.Pin, error) {
	f, err := whole.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxSpec+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxSpec {
		return nil, fmt.Errorf("%s has more than %d bytes; want a lock file, as audiosep plugin lock writes it", file, maxSpec)
	}
	return pipeline.ParseLock(file, text)
}

// unused says which pins of the lock file are of plugins that the pipeline does not use.
func (f *pluginFlags) unused(spec *pipeline.Spec, locked map[string]pipeline.Pin) error {
	problems := spec.UnusedPins(locked)
	for i := range problems {
		problems[i].File, problems[i].Line, problems[i].Col = f.lock, 0, 0
	}
	if problems == nil {
		return nil
	}
	return problems
}

func pluginLockCommand() *cobra.Command {
	var f pluginFlags
	out := ""
	cmd := &cobra.Command{
		Use:   "lock PIPELINE",
		Short: "Write down which plugins a pipeline uses, by their SHA-256 sums",
		Long: `Write a lock file, JSON, with the SHA-256 sum of every plugin that a pipeline uses. A run
with --plugin-lock FILE then starts those alone: one that has changed, or is not listed, is
refused, and so is a file that lists one that the pipeline does not use. What the file has
under "plugins" may also stand in the pipeline itself.

A program has a sum for each platform; a file that is there keeps those of others, so locking
on one machine after the other with the same file collects them. The sum of a script is of
the code in its folder too, and not of what it takes from elsewhere. An installed plugin is
pinned by all files that it was installed with, such as weights; of others it is said which
files beside them are not covered.`,
		Example: `  audiosep plugin lock pipeline.json
  audiosep run pipeline.json --plugin-lock pipeline.lock.json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := readSpec(cmd, args[0])
			if err != nil {
				return err
			}
			spec, err := pipeline.Parse(args[0], text)
			if err == nil {
				err = spec.Misnamed()
			}
			if err != nil {
				return err
			}
			if out == "" && args[0] == "-" {
				out = "-"
			} else if out == "" {
				out = strings.TrimSuffix(args[0], filepath.Ext(args[0])) + ".lock.json"
			}
			return f.writeLock(cmd, spec, out)
		},
	}
	f.addFolders(cmd)
	cmd.Flags().StringVarP(&out, "out", "o", "", "`FILE` to write, - for standard output (default: PIPELINE with .lock.json at its end)")
	return cmd
}

// writeLock writes the lock file of a spec, or adds to it what is of this platform.
func (f *pluginFlags) writeLock(cmd *cobra.Command, spec *pipeline.Spec, out string) error {
	names := spec.PluginNames()
	if len(names) == 0 {
		return fmt.Errorf("%s uses no plugins; want a pipeline with a stage such as hartley/dht", spec.File())
	}
	old := map[string]pipeline.Pin{}
	if out != "-" {
		var err error
		if old, err = readLock(out); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := f.there(); err != nil {
		return err
	}
	log := newWarnings(cmd.ErrOrStderr())
	host := plugins.NewHost(plugins.Options{Folders: f.folders, Log: log})
	defer host.Close()
	passedOver(log, host, names)
	pins := map[string]pipeline.Pin{}
	for _, name := range names {
		pin, err := pinOf(cmd.ErrOrStderr(), host, name, old[name])
		if err != nil {
			return &runError{err}
		}
		pins[name] = pin
	}
	text, err := pipeline.FormatLock(pins)
	if err != nil {
		return err
	}
	if out == "-" {
		_, err = cmd.OutOrStdout().Write(text)
		return err
	}
	if err := writeWhole(cmd, out, func(w io.Writer) error { _, err := w.Write(text); return err }); err != nil {
		return &runError{err}
	}
	fmt.Fprintln(cmd.OutOrStdout(), out)
	return nil
}

// few lists names, the first of them if there are many.
func few(names []string) string {
	const most = 5
	if len(names) > most {
		names = append(slices.Clone(names[:most]), fmt.Sprintf("… (%d more)", len(names)-most))
	}
	return strings.Join(names, ", ")
}

// pinOf returns what a plugin is pinned to, and says on w what that does not cover. Sums of old that
// are of other platforms stay, unless the one of this platform has changed: then they are of
// another version.
func pinOf(w io.Writer, host *plugins.Host, name string, old pipeline.Pin) (pipeline.Pin, error) {
	sum, err := host.Pin(name)
	if err != nil {
		return nil, err
	}
	path, err := host.Path(name)
	if err != nil {
		return nil, err
	}
	script, err := plugins.IsScript(path)
	if err != nil {
		return nil, err
	}
	beside, err := plugins.Uncovered(path)
	if err != nil {
		return nil, err
	}
	if len(beside) > 0 && store.Of(path) == nil {
		fmt.Fprintf(w, "%s: its sum does not cover %s beside it; want the plugin installed, which is pinned by all its files, if it computes with them\n", name, few(beside))
	}
	if script {
		_, files, err := plugins.Covers(path)
		list := strings.Join(files, ", ")
		if store.Of(path) != nil {
			list = few(files)
		}
		fmt.Fprintf(w, "%s is a script: its sum is of %s, and of nothing that it takes from elsewhere\n", name, list)
		return pipeline.Pin{pipeline.AnyPlatform: sum}, err
	}
	pin := pipeline.Pin{platform: sum}
	if last, ok := old[platform]; !ok || last == sum {
		maps.Copy(pin, old)
		delete(pin, pipeline.AnyPlatform)
	}
	if dropped := len(old) - len(pin); dropped > 0 {
		fmt.Fprintf(w, "%s has changed: its sums for other platforms were of another version, and are left out\n", name)
	}
	return pin, nil
}
