package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"

	"github.com/audiosep/audiosep/internal/whole"
	"github.com/audiosep/audiosep/metrics"
	"github.com/audiosep/audiosep/report"
)

func growthCommand() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "growth [N] [M] [K] [R] [threads]",
		Short: "Measure how time and memory grow with the size of the work",
		Long: `Time methods on generated data of growing size, one size at a time, and print the
exponent that fits seconds and bytes best, beside that of the method's own count of
operations: seconds ~ size^exponent. Seconds are of processor time, of all threads, but
by the clock against the number of threads. Bytes are what a run asks for in all.

Sizes are the seconds of sound (N), the samples of a frame (M), the components (K), the
recordings (R) and the threads; without any, all are measured, in some minutes.`,
		Example:   "  audiosep bench growth M K\n  audiosep bench growth --plot growth.png",
		ValidArgs: growthSizes,
		Args:      someOf("size", growthSizes),
		RunE: func(cmd *cobra.Command, args []string) error {
			if ext := filepath.Ext(file); ext != "" && !strings.EqualFold(ext, ".png") {
				return fmt.Errorf("--plot is %s; want a file that ends with .png, which is what is drawn", file)
			}
			if file != "" {
				if err := whole.Allowed(file, true, nil); err != nil {
					return err
				}
			}
			out := cmd.OutOrStdout()
			panels := map[string]*growthPanel{}
			for _, c := range growthCurves() {
				if len(args) > 0 && !slices.Contains(args, c.size) {
					continue
				}
				if err := c.measure(cmd.Context()); err != nil {
					if cmd.Context().Err() != nil {
						return cmd.Context().Err()
					}
					return &runError{fmt.Errorf("%s against %s: %w", c.name, c.size, err)}
				}
				fmt.Fprintln(out, c)
				if panels[c.size] == nil {
					panels[c.size] = &growthPanel{}
				}
				panels[c.size].add(c)
			}
			if file == "" {
				return nil
			}
			if err := drawGrowth(file, panels); err != nil {
				return &runError{err}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&file, "plot", "", "draw the curves to a PNG `FILE`")
	return cmd
}

// growth is one method on data of growing size.
type growth struct {
	name, size string // of the method; of what grows
	sizes      []float64
	model      float64 // the exponent by the count of operations, at large sizes
	prepare    func(ctx context.Context, size int) (func() (benchRun, error), error)

	seconds, bytes []float64
}

const (
	growN       = "N"
	growM       = "M"
	growK       = "K"
	growR       = "R"
	growThreads = "threads"
)

var (
	growthSizes = []string{growN, growM, growK, growR, growThreads}
	growthAxes  = map[string]string{growN: "seconds of sound (N)", growM: "samples of a frame (M)", growK: "components (K)", growR: "recordings (R)", growThreads: "threads"}
)

const growthRate = 44100 // Hz

// growthColumns returns how many frames there are, 512 samples apart, in so many seconds.
func growthColumns(seconds int) int { return seconds * growthRate / 512 }

func growISNMF(ctx context.Context, bins, columns, rank int) (func() (benchRun, error), error) {
	return nmfWork(ctx, 0, bins, columns, rank, 5, "float64")
}

func growTLNMF(ctx context.Context, m, n, rank, realisations int) (func() (benchRun, error), error) {
	y, err := cut(ctx, growthRate, m, n, realisations)
	p := tlParams(rank, 2)
	p.Start, p.Tol = "dct", 0
	return func() (benchRun, error) {
		_, err := learn(ctx, p, 1, y)
		return benchRun{}, err
	}, err
}

// onThreads has work done on n threads.
func onThreads(work func(context.Context) (func() (benchRun, error), error)) func(context.Context, int) (func() (benchRun, error), error) {
	return func(ctx context.Context, n int) (func() (benchRun, error), error) {
		f, err := work(ctx)
		return func() (benchRun, error) {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(n))
			return f()
		}, err
	}
}

func growthCurves() []*growth {
	frames := []float64{128, 256, 512, 1024, 2048}
	ranks := []float64{2, 5, 10, 20, 50, 100}
	hour := []float64{10, 30, 100, 300, 1000, 3600}
	threads := []float64{1}
	for n := 2.0; n <= float64(runtime.NumCPU()); n *= 2 {
		threads = append(threads, n)
	}
	return []*growth{
		{name: "is_nmf, F 513, K 10", size: growN, sizes: hour, model: 1, prepare: func(ctx context.Context, n int) (func() (benchRun, error), error) {
			return growISNMF(ctx, 513, growthColumns(n), 10)
		}},
		{name: "tl_nmf, M 256, K 10", size: growN, sizes: hour, model: 1, prepare: func(ctx context.Context, n int) (func() (benchRun, error), error) {
			return growTLNMF(ctx, 256, growthColumns(n), 10, 1)
		}},
		{name: "STFT, masks, inverse", size: growN, sizes: hour, model: 1, prepare: func(ctx context.Context, n int) (func() (benchRun, error), error) {
			return maskWork(ctx, music(1, growthRate, 1, n*growthRate), 2048, 512)
		}},
		{name: "BSS Eval 4, 2 sources", size: growN, sizes: hour[:5], model: 1, prepare: func(ctx context.Context, n int) (func() (benchRun, error), error) {
			refs, ests := stems(2, n*growthRate)
			return func() (benchRun, error) {
				_, err := metrics.Evaluate(ctx, refs, ests, nil, metrics.Options{Convention: metrics.V4})
				return benchRun{}, err
			}, nil
		}},
		{name: "is_nmf, N 2600, K 10", size: growM, sizes: frames, model: 1, prepare: func(ctx context.Context, m int) (func() (benchRun, error), error) {
			return growISNMF(ctx, m, 2600, 10)
		}},
		{name: "tl_nmf, N 2600, K 10", size: growM, sizes: frames, model: 2, prepare: func(ctx context.Context, m int) (func() (benchRun, error), error) {
			return growTLNMF(ctx, m, 2600, 10, 1)
		}},
		{name: "is_nmf, 513×2600", size: growK, sizes: ranks, model: 1, prepare: func(ctx context.Context, k int) (func() (benchRun, error), error) {
			return growISNMF(ctx, 513, 2600, k)
		}},
		{name: "tl_nmf, M 512, N 2600", size: growK, sizes: ranks, model: 1, prepare: func(ctx context.Context, k int) (func() (benchRun, error), error) {
			return growTLNMF(ctx, 512, 2600, k, 1)
		}},
		{name: "tl_nmf, M 256, N 500, K 10", size: growR, sizes: []float64{1, 2, 4, 8, 16, 32}, model: 1, prepare: func(ctx context.Context, r int) (func() (benchRun, error), error) {
			return growTLNMF(ctx, 256, 500, 10, r)
		}},
		{name: "is_nmf, 513×2600, K 10", size: growThreads, sizes: threads, model: -1, prepare: onThreads(func(ctx context.Context) (func() (benchRun, error), error) {
			return growISNMF(ctx, 513, 2600, 10)
		})},
		{name: "tl_nmf, M 512, N 2600, K 10", size: growThreads, sizes: threads, model: -1, prepare: onThreads(func(ctx context.Context) (func() (benchRun, error), error) {
			return growTLNMF(ctx, 512, 2600, 10, 1)
		})},
	}
}

// measure keeps the fastest run of each size.
func (g *growth) measure(ctx context.Context) error {
	for _, size := range g.sizes {
		work, err := g.prepare(ctx, int(size))
		if err != nil {
			return err
		}
		runtime.GC()
		least, bytes := math.Inf(1), 0.0
		for end := time.Now().Add(time.Second); math.IsInf(least, 1) || time.Now().Before(end); {
			if err := ctx.Err(); err != nil {
				return err
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start, cpu := time.Now(), processorTime()
			if _, err := work(); err != nil {
				return err
			}
			seconds := (processorTime() - cpu).Seconds()
			if g.size == growThreads || seconds == 0 {
				seconds = time.Since(start).Seconds()
			}
			least = min(least, seconds)
			runtime.ReadMemStats(&after)
			bytes = float64(after.TotalAlloc - before.TotalAlloc)
		}
		g.seconds, g.bytes = append(g.seconds, least), append(g.bytes, bytes)
	}
	return nil
}

// exponent fits y ~ x^exponent.
func exponent(x, y []float64) float64 {
	_, slope := stat.LinearRegression(logs(x), logs(y), nil, false)
	return slope
}

func logs(x []float64) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = math.Log10(v)
	}
	return y
}

func (g *growth) String() string {
	last := len(g.sizes) - 1
	return fmt.Sprintf("%-27s  %-7s  %4g to %-5g  %9.3g to %-9.3g s  exponent %5.2f, at the end %5.2f, model %2g  %9.3g to %-9.3g MiB  exponent %5.2f",
		g.name, g.size, g.sizes[0], g.sizes[last], g.seconds[0], g.seconds[last],
		exponent(g.sizes, g.seconds), exponent(g.sizes[last-1:], g.seconds[last-1:]), g.model,
		g.bytes[0]/(1<<20), g.bytes[last]/(1<<20), exponent(g.sizes, g.bytes))
}

// growthPanel is the curves against one size.
type growthPanel struct{ seconds, bytes []report.Line }

func (p *growthPanel) add(g *growth) {
	p.seconds = append(p.seconds, report.Line{Name: g.name, X: g.sizes, Y: g.seconds})
	p.bytes = append(p.bytes, report.Line{Name: g.name, X: g.sizes, Y: g.bytes})
}

// drawGrowth draws seconds above bytes.
func drawGrowth(file string, panels map[string]*growthPanel) error {
	tiles := make([][]*plot.Plot, 2)
	for _, size := range growthSizes {
		if panels[size] == nil {
			continue
		}
		for i, lines := range [2][]report.Line{panels[size].seconds, panels[size].bytes} {
			p, err := report.Lines("", growthAxes[size], [2]string{"seconds", "bytes"}[i], lines...)
			if err != nil {
				return err
			}
			logarithmic(p, lines[0].X)
			tiles[i] = append(tiles[i], p)
		}
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
		return err
	}
	return report.SaveTiles(file, tiles, 10*vg.Centimeter*vg.Length(len(tiles[0])), 20*vg.Centimeter)
}

// logarithmic makes both axes so, with the sizes written along one, whole decades along
// the other, and room for the legend above.
func logarithmic(p *plot.Plot, sizes []float64) {
	var ticks plot.ConstantTicks
	for _, s := range sizes {
		ticks = append(ticks, plot.Tick{Value: s, Label: fmt.Sprint(s)})
	}
	p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, ticks
	p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	p.Y.Min = math.Pow(10, math.Floor(math.Log10(p.Y.Min)))
	p.Y.Max = math.Pow(10, math.Ceil(math.Log10(p.Y.Max))+1)
	p.Legend.Left = true
}
