package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/audiosep/audiosep/batch"
)

func workerCommand() *cobra.Command {
	var f batchFlags
	var idle time.Duration
	cmd := &cobra.Command{
		Use:   "worker --nats URL",
		Short: "Do items that batch run --nats hands out, on as many machines as there are",
		Long: `Take items from a queue and do them, until it is told to stop (SIGTERM or Ctrl-C; the
exit code is 0 then) or has had nothing to do for --idle. Workers may come and go at
any time. What a worker has in hand when it is killed goes to another after 12 s,
which begins it at once on the same machine, and elsewhere when the lease of the killed
one is over (--lease, a minute). Items say where recordings are and results go, so
workers must see the same folders, or s3:// URLs, as batch run; and whoever may put
items into the queue decides what workers read and write.`,
		Example: `  AUDIOSEP_NATS_TOKEN=... audiosep worker --nats nats://host:4222
  audiosep worker --nats nats://TOKEN@host:4222 --jobs 4 --idle 10m`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.nats == "" {
				return errors.New("where the queue is, is missing; want --nats URL, as batch run has it")
			}
			memory, err := f.allowed()
			if err != nil {
				return err
			}
			q, err := openQueue(cmd.Context(), f.nats)
			if err != nil {
				return &runError{err}
			}
			defer q.Close()
			log := newWarnings(cmd.ErrOrStderr())
			o := f.options(memory)
			o.Log = log
			if !f.quiet {
				fmt.Fprintf(cmd.ErrOrStderr(), "%d at a time, from the queue\n", o.Jobs)
			}
			if err := batch.Work(cmd.Context(), q, o, idle); err != nil {
				return &runError{err}
			}
			return nil
		},
	}
	f.addWork(cmd)
	addNATS(cmd, &f.nats)
	cmd.Flags().DurationVar(&idle, "idle", 0, "end when there was nothing to do for so long (default: stay)")
	return cmd
}
