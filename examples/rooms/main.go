// Command rooms mixes talkers in rooms of known reverberation and separates them again by every
// method for several microphones. It prints a table of what each gains, and draws it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"

	"github.com/audiosep/audiosep/report"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// study is what is tried.
type study struct {
	t60         []float64
	microphones []int
	seeds       int
	seconds     float64
	dry         [][]float64 // the talkers
	rate        int
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("rooms", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprintln(stderr, "Usage: rooms [flags] [TALKER.wav TALKER.wav]\n\nMixes two talkers in rooms and separates them. Without recordings of talkers they are generated.")
		flags.PrintDefaults()
	}
	out := flags.String("out", "rooms-report", "`folder` that the table and the plots are written to")
	quick := flags.Bool("quick", false, "fewer rooms, for a first look")
	seconds := flags.Float64("seconds", 8, "take so much of each talker")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	case flags.NArg() != 0 && flags.NArg() != 2:
		fmt.Fprintf(stderr, "rooms: there are %d recordings; want two, or none\n", flags.NArg())
		return 2
	}
	s := study{t60: []float64{0, 0.15, 0.3, 0.5}, microphones: []int{2, 3, 4}, seeds: 2, seconds: *seconds}
	if *quick {
		s.t60, s.microphones, s.seeds = []float64{0, 0.15}, []int{2, 3}, 1
	}
	if err := s.report(ctx, flags.Args(), *out, stdout); err != nil {
		fmt.Fprintln(stderr, "rooms:", err)
		return 1
	}
	return 0
}

// report runs the study and writes the table and the plots.
func (s *study) report(ctx context.Context, files []string, out string, stdout io.Writer) (err error) {
	if s.dry, s.rate, err = talkers(files, s.seconds); err != nil {
		return err
	}
	gains, err := s.gains(ctx)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(out, "rooms.md"))
	if err != nil {
		return err
	}
	defer f.Close()
	if err := s.write(io.MultiWriter(f, stdout), gains); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	plots, err := s.plots(gains)
	if err != nil {
		return err
	}
	return report.SaveTiles(filepath.Join(out, "rooms.png"), plots, 24*vg.Centimeter, 10*vg.Centimeter)
}

// cell is a room and a number of microphones.
type cell struct {
	t60         float64
	microphones int
}

// write prints the table.
func (s *study) write(w io.Writer, gains map[cell]map[string]float64) error {
	fmt.Fprint(w, "| T60, s | microphones |")
	for _, m := range methods {
		fmt.Fprintf(w, " %s |", m.name)
	}
	fmt.Fprint(w, "\n|--:|--:|")
	for range methods {
		fmt.Fprint(w, "--:|")
	}
	for _, t60 := range s.t60 {
		for _, n := range s.microphones {
			fmt.Fprintf(w, "\n| %g | %d |", t60, n)
			for _, m := range methods {
				if gain, ok := gains[cell{t60, n}][m.name]; ok {
					fmt.Fprintf(w, " %.1f |", gain)
				} else {
					fmt.Fprint(w, " – |")
				}
			}
		}
	}
	_, err := fmt.Fprintln(w)
	return err
}

// plots draws the gains over T60 with the fewest microphones, and over microphones in the room
// before the last.
func (s *study) plots(gains map[cell]map[string]float64) ([][]*plot.Plot, error) {
	var overT60, overMicrophones []report.Line
	few, room := s.microphones[0], s.t60[max(0, len(s.t60)-2)]
	for _, m := range methods {
		a, b := report.Line{Name: m.name}, report.Line{Name: m.name}
		for _, t60 := range s.t60 {
			a.X, a.Y = append(a.X, t60), append(a.Y, gains[cell{t60, few}][m.name])
		}
		for _, n := range s.microphones {
			if gain, ok := gains[cell{room, n}][m.name]; ok {
				b.X, b.Y = append(b.X, float64(n)), append(b.Y, gain)
			}
		}
		overT60 = append(overT60, a)
		if len(b.X) > 1 {
			overMicrophones = append(overMicrophones, b)
		}
	}
	left, err := report.Lines(fmt.Sprintf("%d microphones", few), "T60, s", "gain in SI-SDR, dB", overT60...)
	if err != nil {
		return nil, err
	}
	right, err := report.Lines(fmt.Sprintf("T60 %g s", room), "microphones", "gain in SI-SDR, dB", overMicrophones...)
	if err != nil {
		return nil, err
	}
	return [][]*plot.Plot{{left, right}}, nil
}
