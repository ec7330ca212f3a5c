package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/mod/semver"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/whole"
	"github.com/audiosep/audiosep/pipeline"
	"github.com/audiosep/audiosep/pipeline/contract"
	"github.com/audiosep/audiosep/plugins"
	"github.com/audiosep/audiosep/plugins/store"
)

// pluginFlags say where plugins are and how far they are trusted.
type pluginFlags struct {
	folders []string
	lock    string
	start   time.Duration
	silence time.Duration
	show    bool // what plugins write
	none    bool
}

func (f *pluginFlags) add(cmd *cobra.Command) {
	f.addFolders(cmd)
	fl := cmd.Flags()
	fl.StringVar(&f.lock, "plugin-lock", "", "`FILE` of the SHA-256 sums that plugins must have, as audiosep plugin lock writes it")
	f.addTimes(cmd)
	fl.BoolVar(&f.show, "plugin-log", false, "show what plugins write to their standard error, also of those that succeed")
}

func (f *pluginFlags) addFolders(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&f.folders, "plugins", nil, "`DIR` to look for plugins in, before those of $AUDIOSEP_PLUGINS and your own")
	cmd.MarkFlagDirname("plugins")
}

// there says which of the folders that flags name cannot be read.
func (f *pluginFlags) there() error {
	for _, dir := range f.folders {
		if _, err := whole.ReadDir(dir); err != nil {
			return fmt.Errorf("--plugins is %q, which cannot be read (%w); want a folder with plugins in it", dir, err)
		}
	}
	return nil
}

// addTimes adds the flags for how long plugins are waited for.
func (f *pluginFlags) addTimes(cmd *cobra.Command) {
	fl := cmd.Flags()
	f.start, f.silence = 30*time.Second, 5*time.Minute // which plugins has for 0 too
	fl.Var((*patience)(&f.start), "plugin-start", "how long a plugin may take to start and to say what it offers")
	fl.Var((*patience)(&f.silence), "plugin-silence", "how long a plugin may work without a sign of life; 1000h is as good as for ever")
}

// patience is a flag: how long something is waited for, 0 for the default.
type patience time.Duration

func (p *patience) String() string {
	if *p == 0 {
		return ""
	}
	return time.Duration(*p).String()
}

func (p *patience) Type() string { return "duration" }

func (p *patience) Set(text string) error {
	d, err := time.ParseDuration(text)
	if err == nil && d < 0 {
		err = errors.New("it is negative")
	}
	*p = patience(d)
	return err
}

// args returns the flags as a command line has them, for another process.
func (f *pluginFlags) args() []string {
	args := []string{"--plugin-start", f.start.String(), "--plugin-silence", f.silence.String()}
	for _, dir := range f.folders {
		args = append(args, "--plugins", dir)
	}
	if f.lock != "" {
		args = append(args, "--plugin-lock", f.lock)
	}
	if f.show {
		args = append(args, "--plugin-log")
	}
	return args
}

// unpinned returns how plugins are run where none is pinned.
func (f *pluginFlags) unpinned(log *slog.Logger) plugins.Options {
	o := plugins.Options{Folders: f.folders, Start: f.start, Silence: f.silence, Log: log}
	if f.show {
		ctx, level := context.Background(), slog.LevelInfo
		for level < slog.LevelError && !log.Enabled(ctx, level) { // it is to be shown, whatever else is
			level += slog.LevelWarn - slog.LevelInfo
		}
		o.Written = func(plugin, line string) { log.Log(ctx, level, line, "stage", plugin) }
	}
	return o
}

// describePlugins adds the stages of plugins to a registry; why one cannot be had is noted there.
func describePlugins(ctx context.Context, host *plugins.Host, reg *pipeline.Registry, names []string) error {
	for _, name := range names {
		defs, err := host.Describe(ctx, name)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			reg.Absent(name, err.Error())
		}
		for _, d := range defs {
			if err := reg.Add(d); err != nil {
				return err
			}
		}
	}
	for stage, why := range host.LeftOut() {
		reg.Absent(stage, fmt.Sprintf("stage %s cannot be used: %s", stage, why))
	}
	return nil
}

// everything returns a registry of the stages compiled in and those of all plugins that
// can be found; what is wrong with a plugin is said on w. The function returned ends them.
func (f *pluginFlags) everything(ctx context.Context, w io.Writer) (*pipeline.Registry, func() error, error) {
	reg := registry()
	if f.none {
		return reg, func() error { return nil }, nil
	}
	host, err := f.asking(w)
	if err != nil {
		return nil, nil, err
	}
	for _, p := range host.PassedOver() {
		fmt.Fprintf(w, "warning: %s is passed over: %s\n", p.Path, p.Reason)
	}
	for _, name := range host.Names() {
		defs, err := host.Describe(ctx, name)
		if err != nil {
			fmt.Fprintf(w, "warning: %v\n", err)
		}
		for _, d := range defs {
			if err := reg.Add(d); err != nil {
				fmt.Fprintf(w, "warning: plugin %s: %v\n", name, err)
			}
		}
	}
	return reg, host.Close, nil
}

func pluginCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "plugin",
		Short: "Install, lock, write and try plugins: stages in programs of their own",
		Long: `A plugin is a program called audiosep-plugin-NAME around one or more stages, in Go,
Python or any language with gRPC. A pipeline names its stages NAME/STAGE.`,
	}
	cmd.AddCommand(pluginInstallCommand(), pluginListCommand(), pluginRemoveCommand(), pluginLockCommand(), pluginNewCommand(), pluginTestCommand())
	return cmd
}

func pluginNewCommand() *cobra.Command {
	var p plugins.Project
	var in, out []string
	cargoes := make([]string, 0, 8)
	for _, c := range audiosep.Cargoes() {
		cargoes = append(cargoes, string(c))
	}
	cmd := &cobra.Command{
		Use:   "new NAME",
		Short: "Begin a plugin: a project that builds, tests and runs",
		Long: `Write a new folder with a plugin called NAME around one stage, its tests and a pipeline
that uses it. What the stage takes and makes are lists of ports, [NAME=]CARGO each, with ?
behind it for one that may be left out, * for one that takes many. Without any it is a
transformer: frames to coefs,power,transform. Stages of the common shapes begin in the
short form.

Cargoes: ` + strings.Join(cargoes, ", "),
		Example: "  audiosep plugin new --lang python hartley\n  audiosep plugin new --in audio --out sources unmix\n  audiosep plugin new --in 'power,score=notes?' --out factors informed",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p.Name = args[0]
			return newPlugin(cmd, p, in, out)
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&p.Language, "lang", "go", strings.Join(plugins.Languages, " or "))
	fl.StringSliceVar(&in, "in", nil, "`PORTS` that the stage takes, with commas")
	fl.StringSliceVar(&out, "out", nil, "`PORTS` that it makes")
	fl.StringVar(&p.Dir, "dir", "", "the new folder (default: audiosep-plugin-NAME)")
	fl.StringVar(&p.Replace, "replace", "", "Go: the `DIR` of a clone of audiosep to build with, in place of a released version")
	cmd.MarkFlagDirname("replace")
	cmd.RegisterFlagCompletionFunc("lang", cobra.FixedCompletions(plugins.Languages, cobra.ShellCompDirectiveNoFileComp))
	cmd.RegisterFlagCompletionFunc("in", cobra.FixedCompletions(cargoes, cobra.ShellCompDirectiveNoFileComp))
	cmd.RegisterFlagCompletionFunc("out", cobra.FixedCompletions(cargoes, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// newPlugin writes a project whose stage takes and makes what the flags list.
func newPlugin(cmd *cobra.Command, p plugins.Project, in, out []string) (err error) {
	if !slices.Contains(plugins.Languages, p.Language) {
		return fmt.Errorf("--lang is %q; want %s", p.Language, strings.Join(plugins.Languages, " or "))
	}
	if len(in)+len(out) == 0 {
		in, out = []string{"frames"}, []string{"coefs", "power", "transform"}
	}
	if p.In, err = parsePorts("--in", in); err != nil {
		return err
	}
	if p.Out, err = parsePorts("--out", out); err != nil {
		return err
	}
	if p.Dir == "" {
		p.Dir = "audiosep-plugin-" + p.Name
	}
	if version, _ := buildVersion(); released(version) {
		p.Version = version
	} else if p.Language == "go" && p.Replace == "" {
		fmt.Fprintln(cmd.ErrOrStderr(), "warning: this audiosep is no released version, so the project builds with the newest that there is; --replace DIR has it built with a clone")
	}
	files, err := plugins.Scaffold(p)
	if err != nil {
		return &runError{err}
	}
	for _, f := range files {
		fmt.Fprintln(cmd.OutOrStdout(), f)
	}
	return nil
}

// released tells whether a version is one that a module can be had in, such as v1.2.3.
func released(version string) bool {
	return version != "" && semver.Canonical(version) == version && semver.Prerelease(version) == ""
}

// parsePorts reads the ports that a flag lists.
func parsePorts(flag string, texts []string) (ports []audiosep.Port, err error) {
	for _, text := range texts {
		p, err := plugins.ParsePort(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", flag, err)
		}
		ports = append(ports, p)
	}
	return ports, nil
}

func pluginTestCommand() *cobra.Command {
	var p pluginTrial
	var params string
	cmd := &cobra.Command{
		Use:   "test PATH|ARCHIVE|URL",
		Short: "Hold a plugin's stages against their contract",
		Long: `Run every stage of a plugin on small made-up data and check that it keeps what is promised
of what it takes and makes: its description is valid, a transform is undone by its inverse,
a frame comes out the same in any run, inputs are left alone, cancelling works, and so on.
What is broken is explained, each cause once, with a way out and what could not be tried for
it; what could be better is told with an arrow. The exit code is 1 if anything is broken.

The plugin is what plugin install takes: its file, a folder, an archive or an address.

What writes gets a folder for its files. Stages that only make sense together are tested
through a pipeline that uses them: it must run, give the same bytes each time, in blocks of
any size and on one processor, and leave nothing behind when it is cancelled.`,
		Example: "  audiosep plugin test ./audiosep-plugin-hartley\n  audiosep plugin test ./audiosep-plugin-nmf --stage fast --params '{\"iterations\": 5}'\n  audiosep plugin test ./audiosep-plugin-nmf --pipeline pipeline.json",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p.Params = []byte(params)
			return testPlugin(cmd, args[0], &p)
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&params, "params", "{}", "parameters to build stages with, a JSON object")
	fl.StringArrayVar(&p.only, "stage", nil, "test this `STAGE` only; may be given several times")
	fl.IntVar(&p.Length, "length", 0, "samples a frame (default: chosen for the stage)")
	fl.IntVar(&p.Rank, "rank", 0, "components of the factors that a separator gets (default 6)")
	fl.IntVar(&p.Many, "many", 0, "frames of the longest run (default 100000)")
	fl.Var((*patience)(&p.Limit), "limit", "most time for a check (default 2m)")
	fl.StringVar(&p.pipeline, "pipeline", "", "test the stages that a pipeline in `FILE` uses through it, the others by themselves")
	fl.StringVarP(&p.input, "input", "i", "", "recording for the pipeline to read in place of its own `FILE`")
	p.flags.addTimes(cmd)
	return cmd
}

// pluginAt returns the file of the plugin that plugin test was given, as plugin install takes it: a
// file, a folder, an archive or an address. What has to be unpacked is installed into tmp.
func pluginAt(cmd *cobra.Command, path, tmp string) (string, error) {
	file, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(file)
	if err == nil && info.IsDir() {
		if file, err = store.Within(file); err != nil {
			return "", &runError{err}
		}
		info, err = os.Stat(file)
	}
	_, named := plugins.NameOf(file)
	if named && (err != nil || info.Mode()&0o111 != 0 || runtime.GOOS == "windows") { // what is not there is told so
		return file, nil
	}
	const wants = "want a file called audiosep-plugin-NAME, a folder with one, an archive or an address of one"
	if errors.Is(err, fs.ErrNotExist) && !strings.Contains(path, "://") {
		return "", fmt.Errorf("%s is not there; %s", path, wants)
	}
	log := newWarnings(cmd.ErrOrStderr())
	s := &store.Store{Dir: tmp, Log: log}
	in, _, err := s.Install(cmd.Context(), store.Options{From: path})
	if err != nil {
		return "", &runError{fmt.Errorf("%s is no plugin that can be tested: %w; %s", path, err, wants)}
	}
	if named {
		log.Warn("the plugin is no file that can be executed; it is tested as plugin install makes it, where it stands runs want chmod +x", "file", path)
	}
	return filepath.Join(in.Dir, plugins.FileName(in.Name)), nil
}

func testPlugin(cmd *cobra.Command, path string, p *pluginTrial) error {
	tmp, err := whole.TemporaryFolder("audiosep-test-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	file, err := pluginAt(cmd, path, tmp)
	if err != nil {
		return err
	}
	name, _ := plugins.NameOf(file)
	p.flags.folders = []string{filepath.Dir(file)}
	host := plugins.NewHost(p.flags.unpinned(newWarnings(cmd.ErrOrStderr())))
	defer host.Close()
	defs, err := host.Describe(cmd.Context(), name)
	if err != nil {
		return &runError{err}
	}
	broken, tested := 0, 0
	var used []string
	if p.pipeline != "" {
		var results []contract.Result
		if used, results, err = p.together(cmd, host, name); err != nil {
			return err
		}
		tested = len(used)
		broken = printResults(cmd.OutOrStdout(), strings.Join(used, ", ")+": together in "+p.pipeline, results)
	}
	for _, d := range defs {
		stage := strings.TrimPrefix(d.Name, name+"/")
		if len(p.only) > 0 && !slices.Contains(p.only, stage) && !slices.Contains(p.only, d.Name) || slices.Contains(used, d.Name) {
			continue
		}
		tested++
		results, err := p.try(cmd.Context(), d)
		if err != nil {
			return err
		}
		broken += printResults(cmd.OutOrStdout(), d.Name+": "+flow(d), results)
	}
	switch {
	case len(defs) == 0:
		return &runError{fmt.Errorf("plugin %s has no stage that this audiosep knows", name)}
	case tested == 0:
		return &runError{fmt.Errorf("plugin %s has no stage called %s", name, strings.Join(p.only, ", "))}
	case broken > 0:
		return &runError{errors.New("broken promises: " + fmt.Sprint(broken))}
	}
	return nil
}
