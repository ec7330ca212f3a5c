// Command paper runs the experiments of Zhang, Soubies and Févotte, "On the
// Identifiability of Transform Learning for Non-negative Matrix Factorization" (IEEE
// Signal Processing Letters, 2020), and some beyond it, on sound that it generates, and
// writes a report with the paper's figures beside ours.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/term"
)

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	flags := flag.NewFlagSet("paper", flag.ContinueOnError)
	flags.Usage = func() {
		fmt.Fprintln(flags.Output(), "Usage: paper [flags]\n\nRuns the paper's experiments and writes a report. Exit codes: 0 done, 1 failed, 2 wrong usage, 130 cancelled.")
		flags.PrintDefaults()
	}
	out := flags.String("out", "paper-report", "`folder` that the report is written to")
	seed := flags.Uint64("seed", 1, "chooses the recordings and the starts")
	quick := flags.Bool("quick", false, "fewer experiments and recordings, for a first look")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	case flags.NArg() > 0:
		fmt.Fprintf(os.Stderr, "paper: there are arguments, %s; want flags only\n", strings.Join(flags.Args(), " "))
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	r, err := newPlan(*seed, *quick).run(ctx, newProgress())
	if err == nil {
		err = r.write(*out)
	}
	switch {
	case ctx.Err() != nil:
		fmt.Fprintln(os.Stderr, "paper: cancelled; nothing was written")
		return 130
	case err != nil:
		fmt.Fprintln(os.Stderr, "paper:", err)
		return 1
	}
	fmt.Println(r.Summary())
	fmt.Printf("The report is %s/report.md, and the same as a page %[1]s/index.html.\n", *out)
	return 0
}

// newProgress returns what is told of every job that ended: one changing line on a
// terminal, else a line for every tenth of the work.
func newProgress() func(n, of int, name string) {
	terminal := term.IsTerminal(int(os.Stderr.Fd()))
	var mu sync.Mutex
	most := 0
	return func(n, of int, name string) {
		mu.Lock()
		defer mu.Unlock()
		if n <= most {
			return
		}
		most = n
		switch {
		case terminal:
			fmt.Fprintf(os.Stderr, "\r\x1b[K%d of %d: %s", n, of, name)
			if n == of {
				fmt.Fprint(os.Stderr, "\r\x1b[K")
			}
		case n*10/of > (n-1)*10/of:
			fmt.Fprintf(os.Stderr, "%d of %d: %s\n", n, of, name)
		}
	}
}
