// Command ilrta prints when ilrta helps: on sound that is drawn from its model, where the truth
// is known, and on recordings with known stems. The tables of docs/ilrta.md are its output.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	data := flag.String("data", "", "`DIR` of recordings, as DIR/NAME/mix.wav and stems/*.wav, or one that has them in its folder audio (default: sound drawn from the model alone)")
	seconds := flag.Float64("seconds", 8, "take only so much of each recording")
	draws := flag.Int("draws", 5, "how many scenes are drawn from the model")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "ilrta: want flags alone")
		os.Exit(2)
	}
	err := drawn(ctx, os.Stdout, *draws)
	if err == nil && *data != "" {
		fmt.Println()
		err = recorded(ctx, os.Stdout, *data, *seconds)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "ilrta:", err)
		os.Exit(1)
	}
}

// row prints a row of a table.
func row(w io.Writer, first string, cells ...string) {
	fmt.Fprintf(w, "| %s | %s |\n", first, strings.Join(cells, " | "))
}

// head prints the head of a table.
func head(w io.Writer, first string, columns []string) {
	row(w, first, columns...)
	fmt.Fprintf(w, "|---|%s\n", strings.Repeat("--:|", len(columns)))
}
