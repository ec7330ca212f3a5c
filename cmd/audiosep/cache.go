package main

import (
	"context"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/audiosep/audiosep/cache"
	"github.com/audiosep/audiosep/internal/whole"
	"github.com/audiosep/audiosep/pipeline"
	"github.com/audiosep/audiosep/pipeline/record"
)

// cacheFlags say where what stages have learnt is kept for later runs.
type cacheFlags struct {
	dir   string
	none  bool
	most  string
	least time.Duration
}

func (f *cacheFlags) add(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringVar(&f.dir, "cache", "", "`DIR` where what stages have learnt is kept, so that with another mask it is not learnt again (default: $AUDIOSEP_CACHE, or audiosep in your folder for caches)")
	fl.StringVar(&f.most, "cache-size", "2GB", "`BYTES` that are kept at most; what was used longest ago goes")
	fl.DurationVar(&f.least, "cache-least", 200*time.Millisecond, "what took less is not kept")
	fl.BoolVar(&f.none, "no-cache", false, "keep nothing for later runs, and use nothing of earlier ones")
	cmd.MarkFlagDirname("cache")
}

// args are the flags of another process that are to say the same.
func (f *cacheFlags) args() []string {
	if f.none {
		return []string{"--no-cache"}
	}
	args := []string{"--cache-size", f.most, "--cache-least", f.least.String()}
	if f.dir != "" {
		args = append(args, "--cache", f.dir)
	}
	return args
}

// open returns the cache; nil where there is none.
func (f *cacheFlags) open() (pipeline.Cache, error) {
	most, err := bytesOf("--cache-size", f.most)
	if err != nil {
		return nil, err
	}
	dir := cacheFolder(f.dir)
	if f.none || dir == "" || most == 0 {
		return nil, nil
	}
	disk := cache.New(dir, buildID, most)
	disk.Least = f.least
	return disk, nil
}

// cacheFolder returns the folder for caches: dir if that is said, else the environment's or the
// user's. It is "" where there is to be none.
func cacheFolder(dir string) string {
	if dir == "" {
		dir = os.Getenv("AUDIOSEP_CACHE")
	}
	if user, err := os.UserCacheDir(); dir == "" && err == nil {
		dir = filepath.Join(user, "audiosep")
	}
	if dir == "off" {
		return ""
	}
	return dir
}

// buildID tells this program from every other, and the kind of processor that it runs on: its
// version where that is one of a clean checkout, else what is in its file. A program that
// cannot read itself has none.
var buildID = sync.OnceValues(func() (string, error) {
	version := thisVersion()
	info, ok := debug.ReadBuildInfo()
	clean := ok && strings.HasPrefix(info.Main.Version, "v") && !strings.Contains(info.Main.Version, "dirty")
	for _, s := range info.Settings {
		clean = clean && !(s.Key == "vcs.modified" && s.Value == "true") && !(s.Key == "-race" && s.Value == "true")
	}
	if clean {
		return version + " " + record.Platform(), nil
	}
	exe, err := os.Executable()
	if err != nil {
		return "", err
	}
	_, sum, err := whole.Sum(context.Background(), exe)
	return version + " " + sum + " " + record.Platform(), err
})
