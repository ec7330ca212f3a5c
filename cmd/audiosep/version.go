package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/audiosep/audiosep/pipeline"
)

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version and how it was built",
		Args:  cobra.NoArgs,
		Run: func(cmd *cobra.Command, args []string) {
			version, commit := buildVersion()
			fmt.Fprintf(cmd.OutOrStdout(), "audiosep %s%s\nspec format %d, %s, %s/%s\n", version, commit, pipeline.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
		},
	}
}

// release is the version of a release; scripts/release.sh sets it.
var release string

// changes ends the version of a build of a checkout that was changed.
const changes = " with changes"

// buildVersion returns the module's version and the commit, as far as the build knows them.
func buildVersion() (version, commit string) {
	version = "(devel)"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return version, commit
	}
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			commit += ", commit " + s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			commit += changes
		}
	}
	if release != "" {
		return release, commit
	}
	return info.Main.Version, commit
}

// definite tells whether programs of a version, as thisVersion has it, are made of the same source: it is that of a
// release or names a commit, and nothing was changed.
func definite(version string) bool {
	changed := strings.HasSuffix(version, changes) || strings.Contains(version, "+dirty")
	return !changed && (strings.HasPrefix(version, "v") || strings.Contains(version, ", commit "))
}
