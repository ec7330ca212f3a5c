package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/plugins"
)

func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) != "audiosep" { // of a script, which says so itself
		os.Setenv("AUDIOSEP_CACHE", "off") // tests are to compute
	}
	testscript.Main(m, map[string]func(){"audiosep": main, "audiosep-plugin-toy": toy, "audiosep-plugin-trial": trialPlugin})
}

// toy is a plugin, for scripts.
func toy() {
	build := func(struct{}) (audiosep.Transformer, error) {
		return audiosep.PerFrame(func(int) (forward, inverse func(dst, src []float64), err error) {
			same := func(dst, src []float64) { copy(dst, src) }
			return same, same, nil
		}), nil
	}
	plugins.Version = os.Getenv("TOY") // which of its versions it is
	if plugins.Version == "" {
		plugins.Serve(audiosep.Define("same", "What it takes.", struct{}{}, build))
	}
	same := audiosep.Define("same", "What it takes.", struct{}{}, build)
	least := 1.0
	same.Params = []audiosep.Param{{Name: "order", Type: "int", Doc: "Of nothing.", Default: json.RawMessage(plugins.Version[:1]), Min: &least}}
	plugins.Serve(same, audiosep.Define("also_"+plugins.Version[:1], "What it takes.", struct{}{}, build))
}

// TestScript runs the command line end to end: a script for every verb and exit code.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			t.Cleanup(func() { os.Remove(filepath.Dir(env.WorkDir)) }) // the folder of all scripts, which stays where -run leaves some out
			env.Setenv("AUDIOSEP_CACHE", "off")
			at, err := filepath.Abs("../../audio/testdata") // files of several formats
			if err != nil {
				return err
			}
			env.Setenv("AUDIO", at)
			if at, err = filepath.Abs("../../examples/batch"); err != nil {
				return err
			}
			env.Setenv("EXAMPLES", at)
			plugin, err := exec.LookPath("audiosep-plugin-trial")
			env.Setenv("TRIAL", filepath.Dir(plugin))
			return err
		},
		Condition: func(cond string) (bool, error) {
			switch cond {
			case "hangup": // not under nohup, where the program ignores it as well
				return !signal.Ignored(syscall.SIGHUP), nil
			case "gnuparallel": // others have a program of that name
			default:
				return false, fmt.Errorf("there is no condition %q", cond)
			}
			text, _ := exec.Command("parallel", "--version").Output()
			return strings.Contains(string(text), "GNU parallel"), nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits":  exits,
			"tones":  tones,
			"sumsto": sumsTo,
		},
	})
}

// exits CODE COMMAND… runs a command that must end with a code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err = ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Check(err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d; want %d", got, want)
	}
}

// tones FILE CHANNELS SECONDS writes a recording of two notes that take turns.
func tones(ts *testscript.TestScript, neg bool, args []string) {
	channels, err := strconv.Atoi(args[1])
	ts.Check(err)
	seconds, err := strconv.ParseFloat(args[2], 64)
	ts.Check(err)
	const rate = 8000
	s := &audiosep.Signal{Rate: rate, Channels: channels}
	for c := range channels {
		d := make([]float64, int(seconds*rate))
		for t := range d {
			x := float64(t) / rate
			d[t] = 0.3*math.Sin(2*math.Pi*440*x)*math.Abs(math.Sin(3*x)) + 0.2/float64(c+1)*math.Sin(2*math.Pi*1000*x)*math.Abs(math.Cos(3*x))
		}
		s.Data = append(s.Data, d)
	}
	ts.Check(audio.WriteFile(ts.MkAbs(args[0]), s, "int16"))
}

// sumsto MIX STEM… checks that stems sum to a mixture within the rounding of 16 bits.
func sumsTo(ts *testscript.TestScript, neg bool, args []string) {
	stems, err := filepath.Glob(ts.MkAbs(args[1]))
	ts.Check(err)
	if len(stems) < 2 {
		ts.Fatalf("%d stems match %s; want at least 2", len(stems), args[1])
	}
	off, err := residual(ts.MkAbs(args[0]), stems)
	ts.Check(err)
	if off > 1 {
		ts.Fatalf("the stems miss the mixture by %.3g of what rounding allows", off)
	}
}
