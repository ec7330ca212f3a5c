// Command audiosep takes recordings apart: it runs pipelines of framers, transforms,
// factorizers and masks, each a JSON file, and lists and explains their stages.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/audiosep/audiosep/batch"
	"github.com/audiosep/audiosep/internal/garbage"
	"github.com/audiosep/audiosep/internal/kernel"
	"github.com/audiosep/audiosep/internal/nearest"
	"github.com/audiosep/audiosep/pipeline"
	"github.com/audiosep/audiosep/presets"
	"github.com/audiosep/audiosep/stages"
)

// Exit codes; exitCodes says what they mean.
const (
	exitOK        = 0
	exitFailed    = 1   // the run failed
	exitUsage     = 2   // the spec or the command line is wrong
	exitCancelled = 130 // Ctrl-C, SIGTERM or SIGHUP
)

// exitCodes are told by audiosep -h and the manual.
var exitCodes = []struct {
	code  int
	means string
}{
	{exitOK, "done"},
	{exitFailed, "the run failed"},
	{exitUsage, "the pipeline or the command line is wrong"},
	{batch.ExitFailed, "batch: all was tried, and some items failed"},
	{batch.ExitStopped, "batch, run --resume: stopped, by a signal, a time limit or a full disk; run again to go on"},
	{exitCancelled, "cancelled"},
}

func main() { os.Exit(run()) }

// mostGarbage is how much is let lie before it is collected, where more than that is in use. Collections
// are short: most of what is in use is few arrays of numbers.
const mostGarbage = 64 << 20

func run() int {
	garbage.Bound(mostGarbage)
	ctx, stop := untilTold()
	defer stop()
	out := &standardOutput{w: os.Stdout}
	cmd := root()
	cmd.SetOut(out)
	err := addOptions(cmd, os.Args[1:])
	if err == nil {
		if cmd, err = cmd.ExecuteContextC(ctx); err != nil {
			err = noCommand(cmd.Root(), os.Args[1:], err)
		}
	}
	if out.err != nil && ctx.Err() == nil {
		err = &runError{fmt.Errorf("standard output: %w", out.err)}
	}
	var told *toldError
	say := func(format string, args ...any) {
		if !errors.As(err, &told) {
			fmt.Fprintln(os.Stderr, printable(fmt.Sprintf(format, args...)))
		}
	}
	var failed *runError
	var coded *codeError
	var problems pipeline.Problems
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, context.Canceled):
		say("audiosep: cancelled")
		return exitCancelled
	case errors.As(err, &coded):
		say("audiosep: %v", coded.err)
		return coded.code
	case errors.As(err, &failed):
		say("audiosep: %v", failed.err)
		return exitFailed
	case errors.As(err, &problems):
		say("%v", problems)
	default:
		say("audiosep: %v\n\t%s -h explains", err, called(cmd))
	}
	return exitUsage
}

// called is what a command is called with the preset that it is to run, as flags of presets stand
// in the help of theirs.
func called(cmd *cobra.Command) string {
	if cmd.Name() == "run" && cmd.Flags().NArg() > 0 {
		if name := cmd.Flags().Arg(0); slices.Contains(presets.Names(), name) {
			return cmd.CommandPath() + " " + name
		}
	}
	return cmd.CommandPath()
}

// standardOutput remembers what first went wrong in writing to it: a full disk is told, and
// not taken for success, whichever command printed.
type standardOutput struct {
	w   io.Writer
	err error
}

func (s *standardOutput) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	if s.err == nil {
		s.err = err
	}
	return n, err
}

// printable writes control characters, which a file's name may have and a terminal obeys, as
// Go does in strings.
func printable(text string) string {
	if !strings.ContainsFunc(text, harmful) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if harmful(r) {
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func harmful(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }

// flagError says what a flag wants, and not what the package that reads numbers says of it.
func flagError(err error) error {
	var bad *pflag.InvalidValueError
	if !errors.As(err, &bad) {
		return err
	}
	flag := bad.GetFlag()
	want := map[string]string{"int": "a whole number", "uint64": "a whole number, 0 to 2⁶⁴-1", "float64": "a number",
		"bool": "true or false", "duration": "a time such as 90s or 1h30m"}[flag.Value.Type()]
	if flag.Value.Type() == "int" && errors.Is(err, strconv.ErrRange) {
		want = "a whole number, -2⁶³ to 2⁶³-1"
	}
	if _, ok := flag.Value.(*patience); ok {
		want += ", or 0 for the default"
	}
	if want == "" { // ours, which says it
		return fmt.Errorf("--%s: %w", flag.Name, bad.Unwrap())
	}
	return fmt.Errorf("--%s is %q; want %s", flag.Name, bad.GetValue(), want)
}

// toldError is an error that the user has been told of.
type toldError struct{ err error }

func (e *toldError) Error() string { return e.err.Error() }
func (e *toldError) Unwrap() error { return e.err }

// endings are the signals that end the program: Ctrl-C, SIGTERM, and SIGHUP, which a
// terminal that is closed sends, unless nohup has it ignored.
func endings() []os.Signal {
	all := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		all = append(all, syscall.SIGHUP)
	}
	return all
}

// saving is held for reading by a run that keeps where it is when the program is told to stop.
var saving sync.RWMutex

// untilTold returns a context that is done when the program is told to stop. After that a second Ctrl-C, which somebody
// presses who does not want to wait, ends the program at once. So do the other signals, but not while a run is saving:
// schedulers and containers may send SIGTERM more than once, and each process of a group may pass it on.
func untilTold() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, endings()...)
	go func() {
		select {
		case <-signals:
		case <-ctx.Done():
		}
		signal.Reset(os.Interrupt)
		cancel()
		saving.Lock()
		defer saving.Unlock()
		signal.Stop(signals)
	}()
	return ctx, cancel
}

// runError is a failure of the work itself, not of how it was asked for.
type runError struct{ err error }

func (e *runError) Error() string { return e.err.Error() }
func (e *runError) Unwrap() error { return e.err }

// registry returns every stage compiled into the program.
func registry() *pipeline.Registry {
	return pipeline.NewRegistry(stages.All())
}

func root() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "audiosep",
		Short: "Take recordings apart",
		Example: `  audiosep run hpss --input song.wav --out stems
  audiosep presets
  audiosep run pipeline.json --input song.wav --out stems
  audiosep check pipeline.json
  audiosep list
  audiosep describe is_nmf`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	cmd.PersistentPreRunE = func(*cobra.Command, []string) error {
		if err := kernel.Forced(); err != nil {
			return &codeError{exitUsage, err}
		}
		return nil
	}
	cmd.Version = thisVersion()
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return flagError(err) })
	cmd.SetVersionTemplate("audiosep {{.Version}}\n")
	var exits strings.Builder
	for _, c := range exitCodes {
		fmt.Fprintf(&exits, "  %-3d  %s\n", c.code, c.means)
	}
	cmd.SetUsageTemplate(cmd.UsageTemplate() + `{{if not .HasParent}}
Exit codes:
` + exits.String() + `{{end}}`)
	cmd.AddCommand(runCommand(), batchCommand(), workerCommand(), replayCommand(), listenCommand(), serveCommand(), presetsCommand(), presetCommand(), checkCommand(), listCommand(), describeCommand(), schemaCommand(),
		evalCommand(), benchCommand(), atomsCommand(), identifyCommand(), rankCommand(), localiseCommand(), pluginCommand(), versionCommand(), manCommand())
	refuseUnknown(cmd)
	help := cmd.HelpFunc()
	cmd.SetHelpFunc(func(c *cobra.Command, args []string) {
		if c == cmd {
			c.Long = programWords()
		}
		help(c, args)
	})
	return cmd
}

// programWords says what the program is for. It reads every preset, so it is called when it is to be
// shown, not at each start.
func programWords() string {
	return `audiosep separates the sources of a recording. What is done to it stands in a
pipeline, a JSON file that lists stages: how the sound is cut into frames, the
transform, the factorisation, the masks. audiosep runs it, checks it, and
explains the stages it can be made of. Some pipelines have a name:

` + presetWords()
}

// refuseUnknown makes commands that only group others refuse one that they do not have, with an exit
// code that says so. Without it they print their help as if all were well.
func refuseUnknown(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		if cmd.Name() == "help" {
			cmd.Run, cmd.RunE = nil, helpFor
		} else if cmd.HasSubCommands() && !cmd.Runnable() {
			cmd.DisableFlagsInUseLine, cmd.RunE = true, helpFor
		}
	}
}

// helpFor prints the help of the command that args lead to from cmd, or, where cmd is help, from
// the program.
func helpFor(cmd *cobra.Command, args []string) error {
	from := cmd
	if cmd.Name() == "help" {
		from = cmd.Root()
	}
	for _, arg := range args {
		var names []string
		for _, c := range from.Commands() {
			if c.IsAvailableCommand() || c.Name() == "help" {
				names = append(names, c.Name())
			}
		}
		i := slices.IndexFunc(from.Commands(), func(c *cobra.Command) bool { return c.Name() == arg || c.HasAlias(arg) })
		if i < 0 || from == cmd {
			what := fmt.Sprintf("unknown command %q for %q", arg, from.CommandPath())
			if hint := nearest.Question(arg, names); hint != "" {
				what += "; " + hint
			} else if len(names) > 0 {
				what += "; want one of " + strings.Join(names, ", ")
			}
			return errors.New(what)
		}
		from = from.Commands()[i]
	}
	from.InitDefaultHelpFlag()
	return from.Help()
}
