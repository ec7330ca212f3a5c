package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// manCommand prints the manual for man(1): one page of all commands. Releases hold it.
func manCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "man",
		Short:  "Print the manual page, for man(1)",
		Args:   cobra.NoArgs,
		Hidden: true,
		Run:    func(cmd *cobra.Command, args []string) { writeManual(cmd.OutOrStdout(), cmd.Root()) },
	}
}

func writeManual(w io.Writer, root *cobra.Command) {
	fmt.Fprintf(w, ".TH AUDIOSEP 1\n.SH NAME\naudiosep \\- %s\n", roff(root.Short))
	fmt.Fprintf(w, ".SH SYNOPSIS\n.B audiosep\n.I COMMAND\n[\\fIARGUMENTS\\fR]\n.SH DESCRIPTION\n%s", manText(programWords()))
	fmt.Fprintln(w, ".SH COMMANDS")
	manCommands(w, root)
	fmt.Fprintln(w, ".SH EXIT STATUS")
	for _, c := range exitCodes {
		fmt.Fprintf(w, ".TP\n%d\n%s\n", c.code, roff(c.means))
	}
	fmt.Fprintf(w, ".SH EXAMPLES\n.nf\n%s\n.fi\n", roff(root.Example))
}

// manCommands writes a section for each command below one.
func manCommands(w io.Writer, parent *cobra.Command) {
	for _, c := range parent.Commands() {
		if c.Hidden || !c.IsAvailableCommand() || c.Name() == "help" {
			continue
		}
		text := c.Long
		if text == "" {
			text = c.Short + "."
		}
		fmt.Fprintf(w, ".SS %s\n%s", roff(c.UseLine()), manText(text))
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			name := "\\-\\-" + roff(f.Name)
			if f.Shorthand != "" {
				name = "\\-" + f.Shorthand + ", " + name
			}
			value, about := pflag.UnquoteUsage(f)
			fmt.Fprintf(w, ".TP\n\\fB%s\\fR \\fI%s\\fR\n%s\n", name, roff(value), roff(about))
		})
		manCommands(w, c)
	}
}

// manText writes paragraphs, and as they are lines that are indented.
func manText(text string) string {
	var b strings.Builder
	for p := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		if strings.HasPrefix(p, " ") {
			b.WriteString(".nf\n" + roff(p) + "\n.fi\n")
		} else {
			b.WriteString(".PP\n" + roff(p) + "\n")
		}
	}
	return b.String()
}

// roff writes text so that nothing in it is a request or an escape.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
