package main

import (
	"context"
	"fmt"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/audiosep/audiosep/internal/loopback"
	"github.com/audiosep/audiosep/pipeline"
	"github.com/audiosep/audiosep/presets"
	"github.com/audiosep/audiosep/serve"
)

func serveCommand() *cobra.Command {
	o := serve.Options{Preset: presets.Read, Run: runChecked}
	port := 0
	cmd := &cobra.Command{
		Use:   "serve DIR",
		Short: "Run pipelines for programs that ask over HTTP",
		Long: `Serve HTTP, to this machine alone, for programs and scripts: they put recordings into
DIR, hand in pipelines, are told how far they are, cancel them and fetch what they made.
Nothing outside DIR is read or written, and no plugins are started; of a DIR there is one
server at a time. The address that is printed has a secret in it, which may also be sent
as a bearer's; what can be asked for is described, as OpenAPI, at v1/openapi.json below it.`,
		Example: `  audiosep serve work
  curl -T song.wav $ADDRESS/v1/inputs/song.wav
  curl $ADDRESS/v1/runs -d '{"preset": "hpss", "input": "song.wav"}'
  curl $ADDRESS/v1/runs/1/events
  curl -O $ADDRESS/v1/runs/1/files/song-harmonic.wav`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Dir, o.Registry = args[0], registry()
			s, err := serve.New(cmd.Context(), o)
			if err != nil {
				return &runError{err}
			}
			defer s.Close()
			return answer(cmd, port, "", serve.MostBody, s.Handler())
		},
	}
	fl := cmd.Flags()
	fl.IntVar(&port, "port", 0, "`PORT` to serve at (default: any that is free)")
	fl.Int64Var(&o.MostInput, "most-input", 1<<30, "`BYTES` that an input may have")
	return cmd
}

// answer prints an address of this machine, of which end is the end, and serves there until the
// command is cancelled, which is how it ends well. Bodies of requests have at most so many bytes.
func answer(cmd *cobra.Command, port int, end string, most int64, h http.Handler) error {
	l, err := loopback.Listen(port)
	if err != nil {
		return &runError{err}
	}
	token := loopback.Token()
	fmt.Fprintf(cmd.OutOrStdout(), "http://%s/%s%s\n", l.Addr(), token, end)
	if err := loopback.Serve(cmd.Context(), l, loopback.Guard(token, most, h)); err != nil {
		return &runError{err}
	}
	return nil
}

// runChecked runs a pipeline, writes the report that it asks for and its record.
func runChecked(ctx context.Context, p *pipeline.Pipeline, o pipeline.Options) error {
	r := &runner{log: o.Log, watch: o.Watcher, block: o.Block}
	_, err := r.run(ctx, &loaded{Pipeline: p, input: inputOf(p)})
	return err
}
