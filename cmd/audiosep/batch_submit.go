package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/template"
	"time"

	"github.com/spf13/cobra"

	"github.com/audiosep/audiosep/batch"
	"github.com/audiosep/audiosep/internal/counted"
)

// submission is what the script of an array is made of.
type submission struct {
	Engine, Manifest, Out, Program, Logs string
	Array, CPUs                          int
	Memory, Name                         string
	Time                                 time.Duration
	Options                              []string // for sbatch
	Args                                 []string // for batch run
	dry                                  bool
}

func batchSubmitCommand() *cobra.Command {
	var s submission
	cmd := &cobra.Command{
		Use:   "submit MANIFEST",
		Short: "Write and submit a job array that does the items of a manifest",
		Long: `Write a script for a scheduler and submit it: an array of --array tasks, each of which
does a shard of the manifest and then helps the others. Before its time is over a
task is told to stop, and is queued again; so it is where a node fails. The script is
OUT/submit.sh, and what the tasks say in OUT/logs. What follows -- goes to batch run.`,
		Example: `  audiosep batch submit manifest.jsonl --out stems --engine slurm --array 64 --time 4h --memory 8G
  audiosep batch submit manifest.jsonl --out stems --array 64 --option --partition=long --dry-run
  audiosep batch submit manifest.jsonl --out stems --array 64 -- --no-cache --jobs 4`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if at := cmd.ArgsLenAtDash(); len(args) > 1 && at != 1 {
				return fmt.Errorf("there are %d arguments; want one manifest, and what is for batch run behind --", len(args))
			}
			s.Manifest, s.Args = args[0], args[1:]
			return s.submit(cmd)
		},
	}
	fl := cmd.Flags()
	addOut(cmd, &s.Out)
	fl.StringVar(&s.Engine, "engine", "slurm", "the scheduler: slurm")
	fl.IntVar(&s.Array, "array", 0, "how many `TASKS` the array has")
	fl.IntVar(&s.CPUs, "cpus", 2, "processors of a task")
	fl.StringVar(&s.Memory, "memory", "4G", "memory of a task, as the scheduler writes it")
	fl.DurationVar(&s.Time, "time", 4*time.Hour, "how long a task may take before it is queued again")
	fl.StringVar(&s.Name, "name", "audiosep", "the name of the job")
	fl.StringArrayVar(&s.Options, "option", nil, "another `OPTION` of sbatch, such as --partition=long")
	fl.BoolVar(&s.dry, "dry-run", false, "write the script to standard output, and submit nothing")
	cmd.MarkFlagRequired("array")
	return cmd
}

// slurmScript is the script of an array. Slurm tells the shell alone that time is short; the
// shell passes it on, waits, and has the task queued again if there is work left.
var slurmScript = template.Must(template.New("").Funcs(template.FuncMap{"quote": shellQuote}).Parse(`#!/bin/sh
#SBATCH --job-name={{.Name}}
#SBATCH --array=0-{{.Last}}
#SBATCH --ntasks=1
#SBATCH --cpus-per-task={{.CPUs}}
#SBATCH --mem={{.Memory}}
#SBATCH --time={{.Minutes}}
#SBATCH --signal=B:TERM@60
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output={{.Logs}}/%A_%a.log
{{range .Options}}#SBATCH {{.}}
{{end}}
run=
trap 'kill -TERM $run 2>/dev/null' TERM
GOMAXPROCS={{.CPUs}} {{quote .Program}} batch run {{quote .Manifest}} --out {{quote .Out}} --shard auto --grace 40s --progress log{{range .Args}} {{quote .}}{{end}} &
run=$!
wait $run
code=$?
while kill -0 $run 2>/dev/null; do # the signal ended wait, and not the run
	wait $run
	code=$?
done
if { [ $code -eq 4 ] || [ $code -gt 128 ]; } && [ "${SLURM_RESTART_COUNT:-0}" -lt 100 ]; then # stopped, or killed
	scontrol requeue "${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}"
fi
exit $code
`))

// Last is the index of the array's last task, Minutes the time limit in Slurm's unit.
func (s *submission) Last() int    { return s.Array - 1 }
func (s *submission) Minutes() int { return max(2, int(s.Time.Minutes())) }

// shellQuote writes a text so that a shell reads it as one word.
func shellQuote(text string) string {
	if text != "" && strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:,+") == "" {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// submit writes the script and hands it to the scheduler.
func (s *submission) submit(cmd *cobra.Command) error {
	if s.Engine != "slurm" {
		return fmt.Errorf("--engine is %q; want slurm (docs/batch.md has examples for others)", s.Engine)
	}
	if err := inFolder(s.Out); err != nil {
		return err
	}
	if s.Array < 1 || s.CPUs < 1 {
		return fmt.Errorf("--array is %d and --cpus %d; want at least 1 of each", s.Array, s.CPUs)
	}
	for _, o := range append([]string{s.Memory, s.Name}, s.Options...) {
		if strings.ContainsAny(o, "\r\n") {
			return fmt.Errorf("%q has a line end; want one line", o)
		}
	}
	items, err := batch.ReadManifestFile(cmd.Context(), s.Manifest)
	if err != nil {
		return err
	}
	if s.Array > len(items) {
		return fmt.Errorf("--array is %d, and the manifest has %s; want at most as many tasks", s.Array, counted.Of(len(items), "item"))
	}
	if s.Manifest, err = filepath.Abs(s.Manifest); err == nil {
		s.Out, err = filepath.Abs(s.Out)
	}
	if err == nil {
		s.Program, err = os.Executable()
	}
	if err != nil {
		return err
	}
	s.Logs = filepath.Join(s.Out, "logs")
	var text bytes.Buffer
	if err := slurmScript.Execute(&text, s); err != nil {
		return err
	}
	if s.dry {
		_, err := cmd.OutOrStdout().Write(text.Bytes())
		return err
	}
	if err := os.MkdirAll(s.Logs, 0o777); err != nil {
		return &runError{err}
	}
	script := filepath.Join(s.Out, "submit.sh")
	if err := os.WriteFile(script, text.Bytes(), 0o777); err != nil {
		return &runError{err}
	}
	return s.sbatch(cmd, script)
}

// sbatch submits a script to Slurm and prints the number of the job.
func (s *submission) sbatch(cmd *cobra.Command, script string) error {
	sbatch, err := exec.LookPath("sbatch")
	if err != nil {
		return &runError{fmt.Errorf("sbatch is not on the PATH; want Slurm's clients, or submit %s where they are", script)}
	}
	var said bytes.Buffer
	run := exec.CommandContext(cmd.Context(), sbatch, "--parsable", script)
	run.Stderr = &said
	id, err := run.Output()
	if err != nil {
		return &runError{fmt.Errorf("sbatch: %w: %s; the script is %s", err, strings.TrimSpace(said.String()), script)}
	}
	job, _, _ := strings.Cut(strings.TrimSpace(string(id)), ";")
	if job == "" {
		return &runError{errors.New("sbatch names no job")}
	}
	fmt.Fprintf(cmd.OutOrStdout(), "job %s: %d tasks; audiosep batch status %s --out %s\n", job, s.Array, s.Manifest, s.Out)
	return nil
}
