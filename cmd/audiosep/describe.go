package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/nearest"
	"github.com/audiosep/audiosep/pipeline"
)

func hasParam(params []audiosep.Param, name, typ string) bool {
	return slices.ContainsFunc(params, func(p audiosep.Param) bool { return p.Name == name && p.Type == typ })
}

func listCommand() *cobra.Command {
	var asJSON bool
	var plugins pluginFlags
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the stages that pipelines can use",
		Example: "  audiosep list\n  audiosep list --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			reg, end, err := plugins.everything(cmd.Context(), cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			defer end()
			stages := reg.Stages()
			out := cmd.OutOrStdout()
			if asJSON {
				enc := json.NewEncoder(out)
				enc.SetIndent("", "  ")
				return enc.Encode(stages)
			}
			w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
			for _, d := range stages {
				line := fmt.Sprintf("%s\t%s\t%s", d.Name, flow(d), firstSentence(d.Doc))
				if d.Origin != "" {
					line += " (" + versioned(d.Origin, d.Version) + ")"
				}
				fmt.Fprintln(w, line)
			}
			return w.Flush()
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print everything that is known of them, for programs")
	plugins.add(cmd)
	cmd.Flags().BoolVar(&plugins.none, "no-plugins", false, "start no plugins")
	return cmd
}

func firstSentence(doc string) string {
	doc, _, _ = strings.Cut(doc, "\n")
	if i := strings.Index(doc, ". "); i >= 0 {
		return doc[:i+1]
	}
	return doc
}

func describeCommand() *cobra.Command {
	var markdown bool
	var plugins pluginFlags
	cmd := &cobra.Command{
		Use:   "describe STAGE…",
		Short: "Explain a stage: its inputs, outputs and parameters",
		Example: `  audiosep describe is_nmf
  audiosep describe --markdown > STAGES.md`,
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return stageNames(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if markdown && len(args) == 0 {
				return writeMarkdown(cmd.OutOrStdout(), registry().Stages())
			}
			if len(args) == 0 {
				return fmt.Errorf("describe needs the name of a stage; audiosep list names them all")
			}
			plugins.none = !slices.ContainsFunc(args, func(name string) bool { return strings.Contains(name, "/") })
			reg, end, err := plugins.everything(cmd.Context(), cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			defer end()
			for i, name := range args {
				d, ok := reg.Lookup(name)
				if !ok {
					hint := nearest.Question(name, slices.Sorted(slices.Values(stageNames())))
					return fmt.Errorf("no stage is called %q; %s", name, cmp.Or(hint, "audiosep list names them all"))
				}
				if i > 0 {
					fmt.Fprintln(cmd.OutOrStdout())
				}
				describe(cmd.OutOrStdout(), d)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&markdown, "markdown", false, "print the reference of all stages as Markdown")
	plugins.add(cmd)
	return cmd
}

func stageNames() []string {
	var names []string
	for _, d := range registry().Stages() {
		names = append(names, d.Name)
	}
	return names
}

// describe prints all that is known of a stage, for a terminal.
func describe(out io.Writer, d audiosep.Definition) {
	fmt.Fprintf(out, "%s: %s\n\n%s\n", d.Name, flow(d), wrap(d.Doc, 80, ""))
	if d.Origin != "" {
		fmt.Fprintf(out, "\nfrom  %s\n", versioned(d.Origin, d.Version))
	}
	if words := portWords(d); words != "" {
		fmt.Fprintf(out, "\n%s\n", words)
	}
	if len(d.Params) == 0 {
		fmt.Fprintln(out, "\nIt has no parameters.")
		return
	}
	fmt.Fprintln(out, "\nParameters")
	for _, p := range d.Params {
		fmt.Fprintf(out, "  %s  %s\n%s\n", p.Name, paramFacts(p), wrap(p.Doc, 80, "      "))
	}
}

// flow says what a stage takes and makes, in short: "coefs, factors → sources".
func flow(d audiosep.Definition) string {
	in, out := cargoes(d.In), cargoes(d.Out)
	switch {
	case in == "":
		return "→ " + out
	case out == "":
		return in + " →"
	default:
		return in + " → " + out
	}
}

// cargoes lists those of ports that must be wired, or of all if none must be.
func cargoes(ports []audiosep.Port) string {
	var must, all []string
	for _, p := range ports {
		all = append(all, string(p.Cargo))
		if !p.Optional {
			must = append(must, string(p.Cargo))
		}
	}
	if must == nil {
		must = all
	}
	return strings.Join(must, ", ")
}

// promiseWords says what is promised.
var promiseWords = map[audiosep.Promise]string{
	audiosep.Lazy:  "works when what it makes is read",
	audiosep.Sums:  "its sources sum to the mixture",
	audiosep.Local: "treats each frame by itself",
}

// portWords says what a stage takes, makes and promises, a line each.
func portWords(d audiosep.Definition) string {
	var lines []string
	if len(d.In) > 0 {
		lines = append(lines, "takes     "+portList(d.In, "if wired"))
	}
	if len(d.Out) > 0 {
		lines = append(lines, "makes     "+portList(d.Out, "if there is one"))
	}
	var kept []string
	for _, p := range d.Promises {
		if words := promiseWords[p]; words != "" {
			kept = append(kept, words)
		}
	}
	if kept != nil {
		lines = append(lines, "promises  "+strings.Join(kept, "; "))
	}
	return strings.Join(lines, "\n")
}

func portList(ports []audiosep.Port, optional string) string {
	var words []string
	for _, p := range ports {
		s := p.Name
		if p.Name != string(p.Cargo) {
			s += ": " + string(p.Cargo)
		}
		if p.Many {
			s += ", one or more"
		}
		if p.Optional {
			s += " (" + optional + ")"
		}
		words = append(words, s)
	}
	return strings.Join(words, "; ")
}

// paramFacts says type, range and default of a parameter.
func paramFacts(p audiosep.Param) string {
	facts := []string{strings.ReplaceAll(strings.ReplaceAll(p.Type, "[]", "list of "), "list of list of", "list of lists of")}
	if r := p.Range(); p.OneOf != nil || p.Min != nil || p.Max != nil {
		facts = append(facts, r)
	} else if p.Unit != "" {
		facts = append(facts, "in "+p.Unit)
	}
	if p.File != "" {
		facts = append(facts, map[string]string{"in": "file to read", "out": "file to write"}[p.File])
	}
	switch def := string(p.Default); def {
	case "null":
		facts = append(facts, "may be left out")
	case `""`, "[]":
	default:
		facts = append(facts, "default "+def)
	}
	return strings.Join(facts, "; ")
}

// wrap breaks text into lines of at most width characters after an indent.
func wrap(text string, width int, indent string) string {
	var b strings.Builder
	col := 0
	for _, word := range strings.Fields(text) {
		n := len([]rune(word))
		switch {
		case col == 0:
			b.WriteString(indent)
			col = len(indent)
		case col+1+n > width:
			b.WriteString("\n" + indent)
			col = len(indent)
		default:
			b.WriteByte(' ')
			col++
		}
		b.WriteString(word)
		col += n
	}
	return b.String()
}

// writeMarkdown writes the reference of stages, STAGES.md.
func writeMarkdown(out io.Writer, stages []audiosep.Definition) error {
	var b bytes.Buffer
	b.WriteString("# Stages\n\nEvery stage compiled into `audiosep`, by what it takes and makes, as `audiosep describe STAGE` tells it.\nGenerated by `go run ./cmd/audiosep describe --markdown`; do not edit.\n")
	var last string
	for _, d := range stages {
		if now := flow(d); now != last {
			last = now
			fmt.Fprintf(&b, "\n## %s\n", now)
		}
		fmt.Fprintf(&b, "\n### %s\n\n%s\n", d.Name, d.Doc)
		for line := range strings.Lines(portWords(d)) {
			what, words, _ := strings.Cut(strings.TrimSpace(line), " ")
			fmt.Fprintf(&b, "\n*%s* %s", what, strings.TrimSpace(words))
		}
		b.WriteString("\n")
		if len(d.Params) > 0 {
			b.WriteString("\n| parameter | type, range, default | |\n|---|---|---|\n")
		}
		for _, p := range d.Params {
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", p.Name, cell(paramFacts(p)), cell(p.Doc))
		}
	}
	_, err := out.Write(b.Bytes())
	return err
}

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

func schemaCommand() *cobra.Command {
	var plugins pluginFlags
	cmd := &cobra.Command{
		Use:   "schema",
		Short: "Print a JSON Schema of pipelines, for editors",
		Long: `Print a JSON Schema of pipelines with all stages, those of plugins too, so that an editor
completes and checks them. Save it beside a pipeline and name it in the pipeline's "$schema".`,
		Example: "  audiosep schema > audiosep.schema.json\n  audiosep schema --plugins bin > audiosep.schema.json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			reg, end, err := plugins.everything(cmd.Context(), cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			defer end()
			enc := json.NewEncoder(cmd.OutOrStdout())
			enc.SetIndent("", "  ")
			return enc.Encode(pipeline.Schema(reg))
		},
	}
	plugins.add(cmd)
	cmd.Flags().BoolVar(&plugins.none, "no-plugins", false, "start no plugins: the stages compiled in alone")
	return cmd
}
