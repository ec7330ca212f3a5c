package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/audiosep/audiosep/internal/kernel"
	"github.com/audiosep/audiosep/internal/nearest"
)

func benchCommand() *cobra.Command {
	var b bench
	cmd := &cobra.Command{
		Use:   "bench [ROW…]",
		Short: "Measure how fast this machine separates",
		Long: `Time the parts of a separation on generated data, the same on every machine. A row
runs for at least --time and at least once; its fastest run counts, as whatever else
the machine does only adds. Processor time is that of all threads, the mean of the
runs: on a busy machine it is the steadier figure.

GFLOP/s are operations on float64 by the customary counts (2mkn for a product,
2.5 n log2 n for a real DFT), the peak is what a micro-kernel on numbers in the first
cache does on as many threads at once. AUDIOSEP_KERNEL=avx512|avx2|neon|go forces a path.

A ROW is how a row's name, or what follows a stroke in it, begins; none means all:
` + benchWords(),
		Example: `  audiosep bench
  audiosep bench nmf tl_nmf/paper
  GOMAXPROCS=1 audiosep bench gemm --json
  audiosep bench growth --plot growth.png`,
		RunE: func(cmd *cobra.Command, args []string) error { return b.run(cmd, args) },
	}
	fl := cmd.Flags()
	fl.DurationVar(&b.time, "time", time.Second/2, "least `TIME` for a row")
	fl.BoolVar(&b.json, "json", false, "print everything as JSON, for programs")
	cmd.AddCommand(growthCommand(), memoryCommand(), startsCommand())
	return cmd
}

// someOf takes arguments that are among names, of which each is a what.
func someOf(what string, names []string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		for _, arg := range args {
			if !slices.Contains(names, arg) {
				want := "want some of " + strings.Join(names, ", ")
				if hint := nearest.Question(arg, names); hint != "" {
					want += "; " + hint
				}
				return fmt.Errorf("%q is no %s; %s", arg, what, want)
			}
		}
		return nil
	}
}

func benchWords() string {
	var b strings.Builder
	before := ""
	for _, r := range benchRows() {
		kind, _, _ := strings.Cut(r.name, "/")
		if kind != before || kind != "gemm" && kind != "fft" { // one of those stands for all
			fmt.Fprintf(&b, "  %-26s  %s\n", r.name, strings.TrimSpace(wrap(r.doc, 88, strings.Repeat(" ", 30))))
		}
		before = kind
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// bench is what the flags of bench say.
type bench struct {
	time time.Duration
	json bool
}

// benchResult is a row as it is printed.
type benchResult struct {
	Name     string  `json:"name"`
	Seconds  float64 `json:"seconds"`
	CPU      float64 `json:"cpu_seconds,omitempty"`
	Runs     int     `json:"runs"`
	GFLOPS   float64 `json:"gflops,omitempty"`
	OfPeak   float64 `json:"of_peak,omitempty"`
	RealTime float64 `json:"times_real_time,omitempty"`
	Note     string  `json:"note,omitempty"`
}

const benchHeader = "row                            seconds  processor s    GFLOP/s  of peak  × real time"

func (r benchResult) String() string {
	s := fmt.Sprintf("%-26s  %10.4g  %11.4g", r.Name, r.Seconds, r.CPU)
	if r.GFLOPS > 0 {
		s += fmt.Sprintf("  %9.4g", r.GFLOPS)
	}
	if r.OfPeak > 0 {
		s += fmt.Sprintf("  %5.0f %%", 100*r.OfPeak)
	}
	if r.RealTime > 0 {
		s = fmt.Sprintf("%-70s  %11.4g", s, r.RealTime)
	}
	if r.Note != "" {
		s += "  " + r.Note
	}
	return s
}

// benchReport is all that bench prints.
type benchReport struct {
	Path    string        `json:"path"`        // of the kernels
	Threads int           `json:"threads"`     // that it may use
	Peak    float64       `json:"peak_gflops"` // of all of them; 0 without vectors
	Rows    []benchResult `json:"rows"`
}

func (b *bench) run(cmd *cobra.Command, args []string) error {
	if b.time < 0 {
		return fmt.Errorf("--time is %v; want at least 0s", b.time)
	}
	rows, err := selectRows(args)
	if err != nil {
		return err
	}
	report := benchReport{Path: kernel.Path(), Threads: runtime.GOMAXPROCS(0), Peak: peak() / 1e9, Rows: []benchResult{}}
	out := cmd.OutOrStdout()
	if !b.json {
		of := "no peak without vectors"
		if report.Peak > 0 {
			of = fmt.Sprintf("peak %.4g GFLOP/s", report.Peak)
		}
		fmt.Fprintf(out, "kernels %s, %d threads, %s\n\n", report.Path, report.Threads, of)
		fmt.Fprintln(out, benchHeader)
	}
	for _, r := range rows {
		res, err := r.measure(cmd.Context(), b.time, report.Peak)
		if err != nil {
			if cmd.Context().Err() != nil {
				return cmd.Context().Err()
			}
			return &runError{fmt.Errorf("%s: %w", r.name, err)}
		}
		report.Rows = append(report.Rows, res)
		if !b.json {
			fmt.Fprintln(out, res)
		}
	}
	if !b.json {
		return nil
	}
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	return enc.Encode(report)
}

// selectRows returns the rows in whose names a part between strokes begins with one of
// parts, all if there are none.
func selectRows(parts []string) ([]benchRow, error) {
	all := benchRows()
	if len(parts) == 0 {
		return all, nil
	}
	picked := make([]bool, len(all))
	for _, part := range parts {
		found := false
		for i, r := range all {
			if strings.Contains("/"+r.name, "/"+part) {
				picked[i], found = true, true
			}
		}
		if !found {
			return nil, fmt.Errorf("no row's name has %q; audiosep bench -h lists them", part)
		}
	}
	var rows []benchRow
	for i, r := range all {
		if picked[i] {
			rows = append(rows, r)
		}
	}
	return rows, nil
}

// measure runs the row's work for at least so long, once at least.
func (r benchRow) measure(ctx context.Context, least time.Duration, peak float64) (res benchResult, err error) {
	work, err := r.prepare(ctx)
	if err != nil {
		return res, err
	}
	runtime.GC()
	res = benchResult{Name: r.name, Seconds: math.Inf(1)}
	for end := time.Now().Add(least); res.Runs == 0 || time.Now().Before(end); res.Runs++ {
		if err := ctx.Err(); err != nil {
			return res, err
		}
		start, cpu := time.Now(), processorTime()
		run, err := work()
		if err != nil {
			return res, err
		}
		if run.seconds == 0 {
			run.seconds = time.Since(start).Seconds()
		}
		if run.cpu == 0 {
			run.cpu = (processorTime() - cpu).Seconds()
		}
		if run.seconds < res.Seconds {
			res.Seconds, res.Note = run.seconds, run.note
		}
		res.CPU += run.cpu
	}
	res.CPU /= float64(res.Runs)
	if r.work.operations > 0 {
		res.GFLOPS = r.work.operations / res.Seconds / 1e9
		if peak > 0 {
			res.OfPeak = res.GFLOPS / peak
		}
	}
	res.RealTime = r.work.sound / res.Seconds
	return res, nil
}

// peak returns what all threads together do at once, in operations a second, on the
// fastest of many tries; 0 where there are no vectors.
func peak() float64 {
	threads := runtime.GOMAXPROCS(0)
	rates := make([]float64, threads)
	var wg sync.WaitGroup
	for i := range rates {
		wg.Go(func() {
			for end := time.Now().Add(200 * time.Millisecond); time.Now().Before(end); {
				start := time.Now()
				flops := kernel.Peak()
				rates[i] = max(rates[i], flops/time.Since(start).Seconds())
			}
		})
	}
	wg.Wait()
	var sum float64
	for _, r := range rates {
		sum += r
	}
	return sum
}
