package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/internal/nearest"
	"github.com/audiosep/audiosep/pipeline"
	"github.com/audiosep/audiosep/presets"
)

// preset returns the text of the preset that PIPELINE means: one of that name, where there is
// no such file. A folder of that name may well hold the stems of an earlier run.
func preset(name string) ([]byte, bool) {
	if at, err := os.Stat(name); err == nil && !at.IsDir() {
		return nil, false
	}
	return presets.Read(name)
}

// presetWords lists the presets for the help of the program.
func presetWords() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, name := range presets.Names() {
		if spec, err := readPreset(name); err == nil {
			fmt.Fprintf(w, "  %s\t%s\n", name, spec.Name)
		}
	}
	w.Flush()
	return strings.TrimSuffix(b.String(), "\n")
}

func presetsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "presets",
		Short: "List the pipelines that have a name",
		Long: `List the pipelines that have a name, which run without a file: audiosep run NAME.
audiosep run NAME -h tells their options, audiosep preset NAME gives one to change.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			for _, name := range presets.Names() {
				spec, err := readPreset(name)
				if err != nil {
					return err
				}
				var options []string
				for _, o := range spec.Options {
					options = append(options, "--"+o.Name)
				}
				fmt.Fprintf(w, "%s\t%s\t%s\n", name, spec.Name, strings.Join(options, " "))
			}
			return w.Flush()
		},
	}
}

func presetCommand() *cobra.Command {
	return &cobra.Command{
		Use:       "preset NAME",
		Short:     "Print a pipeline that has a name, to change it",
		Example:   "  audiosep preset hpss > pipeline.json",
		Args:      cobra.ExactArgs(1),
		ValidArgs: presets.Names(),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, ok := presets.Read(args[0])
			if !ok {
				want := "want one of " + strings.Join(presets.Names(), ", ")
				return fmt.Errorf("there is no preset %q; %s", args[0], cmp.Or(nearest.Question(args[0], presets.Names()), want))
			}
			_, err := cmd.OutOrStdout().Write(text)
			return err
		},
	}
}

func readPreset(name string) (*pipeline.Spec, error) {
	text, _ := presets.Read(name)
	return pipeline.Parse(name, text)
}

// takesOptions tells whether a command's first argument is a pipeline, whose options it has.
func takesOptions(cmd *cobra.Command) bool {
	return slices.Contains([]string{"run", "check", "plan", "sweep"}, cmd.Name()) && cmd.CommandPath() != "audiosep batch run"
}

// noCommand says what to do where args do not begin with a command, for which err would be told: a preset and a file are
// run, a stage stands in a pipeline. Else it returns err.
func noCommand(root *cobra.Command, args []string, err error) error {
	if _, _, is := root.Find(args); is == nil {
		return err
	}
	i := slices.IndexFunc(args, func(a string) bool { return !strings.HasPrefix(a, "-") })
	if i < 0 {
		return err
	}
	name, input := args[i], "FILE"
	if i+1 < len(args) && !strings.HasPrefix(args[i+1], "-") {
		input = args[i+1]
	}
	_, named := presets.Read(name)
	_, isStage := registry().Lookup(name)
	at, is := os.Stat(name)
	switch {
	case named:
		return fmt.Errorf("%s is no command but a pipeline; want audiosep run %[1]s --input %s", name, input)
	case isStage:
		return fmt.Errorf("%s is no command but a stage of pipelines; audiosep describe %[1]s explains it, audiosep run takes a pipeline with it or the name of one, as audiosep presets lists them", name)
	case is == nil && (at.IsDir() || audio.NamedSound(name)):
		return fmt.Errorf("%s is no command but a recording or a folder; want audiosep run PIPELINE --input %[1]s, such as audiosep run hpss --input %[1]s", name)
	case is == nil:
		return fmt.Errorf("%s is no command but a file; want audiosep run %[1]s, if it is a pipeline", name)
	}
	var have []string
	for _, c := range root.Commands() {
		if c.IsAvailableCommand() {
			have = append(have, c.Name())
		}
	}
	question := nearest.Question(name, have)
	if preset := nearest.Question(name, presets.Names()); question == "" && preset != "" {
		question = "audiosep run has presets; " + preset
	}
	if question == "" {
		return err
	}
	return fmt.Errorf("unknown command %q for %q; %s", name, root.CommandPath(), question)
}

// addOptions gives the command that runs or checks a pipeline the flags that the pipeline on the
// command line has options for, and its help what the pipeline says of itself. A pipeline that
// cannot be read is told of when it runs.
func addOptions(root *cobra.Command, args []string) error {
	cmd, rest, err := root.Find(args)
	if err != nil || !takesOptions(cmd) {
		return nil
	}
	file := firstArgument(cmd, rest)
	spec, ok := peek(file)
	if !ok {
		return nil
	}
	for _, o := range spec.Options {
		if cmd.Flags().Lookup(o.Name) != nil || o.Name == "help" {
			return fmt.Errorf("%s has an option %q, which is a flag of audiosep %s; want another name", file, o.Name, cmd.Name())
		}
		about := o.About
		if o.Required {
			about += " (required)"
		} else if given := spec.Given(o); given != "" {
			about += " (if not said: " + given + ")"
		}
		cmd.Flags().Var(&optionValue{spec: spec, option: o}, o.Name, about)
	}
	if spec.About != "" {
		cmd.Long = fmt.Sprintf("%s (%s).\n\n%s", spec.Name, file, wrap(spec.About, 80, ""))
		cmd.Example = example(cmd, file, spec.Options)
	}
	explainOptions(cmd, file, spec.Options)
	return nil
}

// optionValue is what an option of a pipeline is given: a text, which the parameters that it sets may refuse.
type optionValue struct {
	spec   *pipeline.Spec
	option pipeline.Option
	text   string
}

func (v *optionValue) String() string { return v.text }

func (v *optionValue) Set(text string) error {
	v.text = text
	return nil
}

// Type says in the help what the parameter holds that the option sets. It is not asked for in runs, which need no
// list of all stages for it.
func (v *optionValue) Type() string {
	p, _ := v.spec.ParamOf(v.option, registry())
	switch typ, lists := p.Elem(); typ {
	case "int", "uint", "float":
		return strings.Repeat("[", lists) + typ + strings.Repeat(",…]", lists)
	case "bool": // for pflag a bool is a flag without a value
		return "true|false"
	}
	return "string"
}

// example is how a command runs a pipeline with the options that it must be given.
func example(cmd *cobra.Command, file string, options []pipeline.Option) string {
	line := "  " + cmd.CommandPath() + " " + file
	switch cmd.Name() {
	case "plan", "sweep":
		line += " songs"
	default:
		line += " --input song.wav"
	}
	for _, o := range options {
		if o.Required {
			line += " --" + o.Name + " " + strings.ToUpper(o.Name)
		}
	}
	switch cmd.Name() {
	case "plan":
		line += " > manifest.jsonl"
	case "sweep":
		line += " --sweep seed=1:3 --out sweep"
	case "run":
		line += " --out stems"
	}
	return line
}

// explainOptions has the help of a command tell the options of a pipeline first, then the flags
// that it has for every pipeline.
func explainOptions(cmd *cobra.Command, file string, options []pipeline.Option) {
	if len(options) == 0 {
		return
	}
	own := pflag.NewFlagSet("", pflag.ContinueOnError)
	own.SortFlags = false
	for _, o := range options {
		own.AddFlag(cmd.Flags().Lookup(o.Name))
	}
	cobra.AddTemplateFunc("ownFlags", own.FlagUsages)
	cobra.AddTemplateFunc("otherFlags", func(cmd *cobra.Command) string {
		others := pflag.NewFlagSet("", pflag.ContinueOnError)
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if own.Lookup(f.Name) == nil {
				others.AddFlag(f)
			}
		})
		return others.FlagUsages()
	})
	cmd.SetUsageTemplate(strings.Replace(cmd.UsageTemplate(), "Flags:\n{{.LocalFlags.FlagUsages",
		"Options of "+file+":\n{{ownFlags}}\nFlags:\n{{otherFlags .", 1))
}

// peek reads a pipeline before it is run: a preset, or a regular file, since what comes through a
// pipe can be read once.
func peek(file string) (*pipeline.Spec, bool) {
	if _, named := preset(file); !named {
		if at, err := os.Stat(file); err != nil || !at.Mode().IsRegular() {
			return nil, false
		}
	}
	text, err := readAll(context.Background(), nil, file) // a regular file is there at once
	if err != nil {
		return nil, false
	}
	spec, err := pipeline.Parse(file, text)
	return spec, err == nil
}

// firstArgument returns the first of the arguments that is no flag and no flag's value. A flag
// that is not known yet has a value.
func firstArgument(cmd *cobra.Command, args []string) string {
	for i := 0; i < len(args); i++ {
		switch a := args[i]; {
		case a == "--" && i+1 < len(args):
			return args[i+1]
		case a == "-" || !strings.HasPrefix(a, "-"):
			return a
		case takesNext(cmd, a):
			i++
		}
	}
	return ""
}

// takesNext tells whether a flag's value is the argument that follows.
func takesNext(cmd *cobra.Command, flag string) bool {
	if name, long := strings.CutPrefix(flag, "--"); long {
		f := cmd.Flags().Lookup(name)
		return name != "help" && !strings.Contains(name, "=") && (f == nil || f.NoOptDefVal == "")
	}
	for i, letter := range flag[1:] { // several of one letter stand together, the last with a value
		if f := cmd.Flags().ShorthandLookup(string(letter)); f != nil && f.NoOptDefVal == "" {
			return i == len(flag)-2
		}
	}
	return false
}

// setOptions gives a spec what its options were given on the command line.
func setOptions(cmd *cobra.Command, spec *pipeline.Spec) error {
	for _, o := range spec.Options {
		f := cmd.Flags().Lookup(o.Name)
		for _, other := range o.Excludes {
			if f != nil && f.Changed && cmd.Flags().Changed(other) {
				return fmt.Errorf("--%s and --%s are given, which each say it otherwise; want one of them", o.Name, other)
			}
		}
		switch {
		case f != nil && f.Changed:
			spec.SetOption(o, f.Value.String())
		case o.Required:
			return fmt.Errorf("--%s is missing: %s", o.Name, o.About)
		}
	}
	return nil
}
