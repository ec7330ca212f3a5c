package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/plugins"
	"github.com/audiosep/audiosep/plugins/store"
)

// installed returns the store of the user's own plugins.
func installed(cmd *cobra.Command) (*store.Store, error) {
	dir, err := plugins.Home()
	return &store.Store{Dir: dir, Log: newWarnings(cmd.ErrOrStderr())}, err
}

// homeWords says in helps where plugins are installed.
const homeWords = `Plugins are installed into your own folder, $AUDIOSEP_PLUGIN_HOME or, without it,
audiosep/plugins in your folder for configuration (~/.config on Linux), which is looked in
after --plugins and $AUDIOSEP_PLUGINS.`

func pluginInstallCommand() *cobra.Command {
	var o store.Options
	cmd := &cobra.Command{
		Use:   "install PATH|ARCHIVE|URL",
		Short: "Put a plugin where pipelines find it",
		Long: `Install a plugin from a folder, from its file (with the code beside it, if it is a
script), or from an archive (zip or tar.gz), which may be at an address. Its SHA-256 sum is
checked before anything is unpacked: that of --sha256 or, without it, the one in
ARCHIVE.sha256 beside it, as sha256sum writes it. An address must have one of the two. The
plugin is then started, to ask what it offers; one that does not run is not installed.

A plugin is a program that runs with your rights. The sum says that it is the one meant, not
that it does no harm.

` + homeWords,
		Example: `  audiosep plugin install ./audiosep-plugin-hartley
  audiosep plugin install hartley-1.2.tar.gz --sha256 9f86d0…
  audiosep plugin install https://example.org/hartley-1.2.tar.gz --replace`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := installed(cmd)
			if err != nil {
				return err
			}
			o.From = args[0]
			in, defs, err := s.Install(cmd.Context(), o)
			if err != nil {
				if cmd.Context().Err() != nil {
					err = cmd.Context().Err()
				}
				return &runError{err}
			}
			out := cmd.OutOrStdout()
			fmt.Fprintln(out, printable(fmt.Sprintf("plugin %s is in %s\nfrom %s\nSHA-256 %s", versioned(in.Name, in.Version), in.Dir, in.Origin, in.SHA256)))
			printChanges(out, in)
			w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
			for _, d := range defs {
				fmt.Fprintf(w, "%s\t%s\t%s\n", d.Name, flow(d), firstSentence(d.Doc))
			}
			return w.Flush()
		},
	}
	cmd.Flags().StringVar(&o.SHA256, "sha256", "", "the `SUM` that the archive must have, or the plugin if it is in none")
	cmd.Flags().BoolVar(&o.Replace, "replace", false, "exchange the plugin if one of its name is installed")
	return cmd
}

// printChanges says what is other than in the plugin that was there before.
func printChanges(out io.Writer, in *store.Installed) {
	if in.Replaced == nil {
		return
	}
	changes := store.Changes(in.Replaced, in)
	if changes == nil {
		changes = []string{"nothing"}
	}
	fmt.Fprintln(out, "changed since the one that was there:")
	for _, line := range changes {
		fmt.Fprintln(out, "  "+printable(line))
	}
}

func versioned(name, version string) string { return strings.TrimSpace(name + " " + version) }

func pluginRemoveCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "remove NAME…",
		Short:   "Remove plugins that were installed",
		Long:    "Remove plugins that audiosep plugin install has installed: all that are named, or none\nif one of them is not installed. Others are left alone.\n\n" + homeWords,
		Example: "  audiosep plugin remove hartley",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := installed(cmd)
			if err != nil {
				return err
			}
			if err := s.Remove(args...); err != nil {
				return &runError{err}
			}
			fmt.Fprintln(cmd.OutOrStdout(), "removed "+strings.Join(args, ", "))
			return nil
		},
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			var names []string
			if s, err := installed(cmd); err == nil {
				all, _ := s.List()
				for _, in := range all {
					if !slices.Contains(args, in.Name) {
						names = append(names, in.Name)
					}
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
	}
}

// listed is a plugin in a list.
type listed struct {
	Name    string   `json:"name"`
	Version string   `json:"version,omitempty"`
	Path    string   `json:"path"`
	Origin  string   `json:"origin,omitempty"` // of one that was installed
	Stages  []string `json:"stages"`
	Broken  string   `json:"broken,omitempty"` // why it cannot be used, or should not be
}

func pluginListCommand() *cobra.Command {
	var f pluginFlags
	asJSON := false
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List plugins: version, origin, stages, and what is broken",
		Long: `List all that is called as a plugin in the folders where pipelines look for them: its
version, where it is from, its stages, or why it cannot be used. What a plugin says of itself is
kept in the folder for caches until its files change; AUDIOSEP_CACHE=off asks it again.

` + homeWords,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			all, err := listPlugins(cmd, &f)
			if err != nil {
				return err
			}
			if asJSON {
				enc := json.NewEncoder(cmd.OutOrStdout())
				enc.SetIndent("", "  ")
				return enc.Encode(all)
			}
			if len(all) == 0 {
				folders := slices.DeleteFunc(append(slices.Clone(f.folders), plugins.Folders()...), func(dir string) bool { return dir == "" })
				_, err = fmt.Fprintln(cmd.OutOrStdout(), "none in "+strings.Join(folders, ", "))
				return err
			}
			return printPlugins(cmd.OutOrStdout(), all)
		},
	}
	f.add(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a list for programs")
	return cmd
}

// listPlugins asks all plugins what they are.
func listPlugins(cmd *cobra.Command, f *pluginFlags) ([]listed, error) {
	host, err := f.asking(cmd.ErrOrStderr())
	if err != nil {
		return nil, err
	}
	defer host.Close()
	all := []listed{}
	for _, found := range host.Found() {
		l := listed{Name: found.Name, Path: found.Path, Stages: []string{}}
		var defs []audiosep.Definition
		var err error
		if found.Reason != "" {
			err = errors.New(found.Reason)
		} else {
			defs, err = host.Describe(cmd.Context(), found.Name)
		}
		for _, d := range defs {
			l.Stages, l.Version = append(l.Stages, d.Name), d.Version
		}
		if in := store.Of(found.Path); in != nil {
			l.Origin = in.Origin
			if changed := in.Changed(cmd.Context()); err == nil {
				err = changed
			}
		}
		if cmd.Context().Err() != nil {
			return nil, cmd.Context().Err()
		}
		if err != nil {
			l.Broken = err.Error()
		}
		all = append(all, l)
	}
	s, err := installed(cmd)
	if err != nil {
		return nil, err
	}
	known, err := s.List()
	for _, in := range known {
		path := filepath.Join(in.Dir, plugins.FileName(in.Name))
		if _, gone := os.Stat(path); gone != nil {
			all = append(all, listed{Name: in.Name, Version: in.Version, Path: path, Origin: in.Origin, Stages: []string{},
				Broken: fmt.Sprintf("its file is gone (%v); want it installed again, with --replace", gone)})
		}
	}
	return all, err
}

func printPlugins(out io.Writer, all []listed) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, l := range all {
		from := l.Path
		if l.Origin != "" {
			from = l.Origin
		}
		version := l.Version
		if version == "" {
			version = "-"
		}
		what := strings.Join(l.Stages, " ")
		if l.Broken != "" {
			what = "broken: " + l.Broken
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", l.Name, printable(version), printable(from), printable(what))
	}
	return w.Flush()
}

// asking returns a host for commands that ask plugins what they offer and run nothing: what they
// have said before need not be asked again. It must be closed.
func (f *pluginFlags) asking(w io.Writer) (*plugins.Host, error) {
	locked, err := f.locked()
	if err != nil {
		return nil, err
	}
	o, err := f.options(nil, locked, nil, newWarnings(w))
	if err != nil {
		return nil, err
	}
	if dir := cacheFolder(""); dir != "" {
		o.Known = filepath.Join(dir, "plugins")
	}
	return plugins.NewHost(o), nil
}
