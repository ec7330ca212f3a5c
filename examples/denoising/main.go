// Command denoising measures what denoise and find_speech make of recordings of speech over other
// sound whose stems are known, with either network. The tables of docs/nets.md are its output.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/examples/internal/known"
	"github.com/audiosep/audiosep/nets"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	data := flag.String("data", "", "`DIR` of recordings, as DIR/NAME/mix.wav and stems/speech.wav; or one that has them in its folder audio")
	flag.Parse()
	if *data == "" || flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "denoising: want --data DIR, a folder of recordings with speech among known stems")
		os.Exit(2)
	}
	if err := run(ctx, os.Stdout, *data); err != nil {
		fmt.Fprintln(os.Stderr, "denoising:", err)
		os.Exit(1)
	}
}

var models = []string{"gtcrn", "rnnoise"}

// peaks are the levels that are tried, of full scale.
var peaks = []float64{0.89, 0.27, 0.09, 0.027, 0.009}

// run prints the tables.
func run(ctx context.Context, w io.Writer, data string) error {
	all, err := recordings(data)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "| recording | SI-SDR of the mixture, dB | %s | speech found | of the rest |\n", strings.Join(models, " | "))
	fmt.Fprintf(w, "|%s\n", strings.Repeat("---|", 4+len(models)))
	for _, r := range all {
		speech := r.Stems[slices.Index(r.Names, "speech")].Data[0]
		row := []float64{known.SISDR(r.Mix.Data[0], speech)}
		for _, model := range models {
			x, err := denoised(ctx, model, r.Mix, 1)
			if err != nil {
				return fmt.Errorf("%s: %w", r.Name, err)
			}
			row = append(row, known.SISDR(x, speech))
		}
		found, rest, err := regions(ctx, r.Mix, speech)
		if err != nil {
			return fmt.Errorf("%s: %w", r.Name, err)
		}
		fmt.Fprintf(w, "| %s |", strings.ReplaceAll(r.Name, "_", " "))
		for _, v := range row {
			fmt.Fprintf(w, " %.2f |", v)
		}
		fmt.Fprintf(w, " %.1f %% | %.0f %% |\n", 100*found, 100*rest)
	}
	fmt.Fprintf(w, "\n| %s, with peaks at |", strings.ReplaceAll(all[0].Name, "_", " "))
	for _, p := range peaks {
		fmt.Fprintf(w, " %v |", p)
	}
	fmt.Fprintf(w, "\n|%s\n", strings.Repeat("---|", len(peaks)+1))
	for _, model := range models {
		if err := levels(ctx, w, model, all[0]); err != nil {
			return err
		}
	}
	return nil
}

// recordings returns those of one channel that have speech among their two stems.
func recordings(data string) (all []*known.Recording, err error) {
	folders, err := known.Folders(data, "mix.wav", "")
	for _, folder := range folders {
		if _, err := os.Stat(filepath.Join(folder, "stems", "speech.wav")); err != nil {
			continue
		}
		r, err := known.Open(folder)
		if err != nil {
			return nil, err
		}
		if r.Voice() && len(r.Stems) == 2 {
			all = append(all, r.First())
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("no recording in %s has speech and one other stem (%v)", data, err)
	}
	return all, nil
}

// levels prints the SI-SDRs, in dB, of speech of a recording that is louder or softer.
func levels(ctx context.Context, w io.Writer, model string, r *known.Recording) error {
	peak := 0.0
	for _, x := range r.Mix.Data[0] {
		peak = max(peak, math.Abs(x))
	}
	fmt.Fprintf(w, "| %s |", model)
	for _, p := range peaks {
		x, err := denoised(ctx, model, r.Mix, p/peak)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, " %.1f |", known.SISDR(x, r.Stems[slices.Index(r.Names, "speech")].Data[0]))
	}
	fmt.Fprintln(w)
	return nil
}

// denoised returns the speech of a recording whose samples are multiplied by gain.
func denoised(ctx context.Context, model string, mix *audiosep.Signal, gain float64) ([]float64, error) {
	loud := &audiosep.Signal{Rate: mix.Rate, Data: [][]float64{slices.Clone(mix.Data[0])}}
	for i := range loud.Data[0] {
		loud.Data[0][i] *= gain
	}
	p := nets.DefaultDenoise()
	p.Model = model
	d, err := nets.NewDenoise(p)
	if err != nil {
		return nil, err
	}
	stems, err := d.Separate(ctx, loud)
	if err != nil {
		return nil, err
	}
	parts, err := audiosep.Collect(ctx, stems)
	if err != nil {
		return nil, err
	}
	return parts[0].Data[0], nil
}

// regions returns which part of speech find_speech finds, and which part of what is none it takes
// for it, in steps of 10 ms; speech is where its stem is within 35 dB of its loudest step, with
// pauses of up to 0.3 s and what is 0.05 s around, as find_speech has it.
func regions(ctx context.Context, mix *audiosep.Signal, speech []float64) (found, wrong float64, err error) {
	f, err := nets.NewFindSpeech(nets.DefaultFindSpeech())
	if err != nil {
		return 0, 0, err
	}
	out, err := f.Run(ctx, audiosep.Env{}, nets.In{Audio: mix})
	if err != nil {
		return 0, 0, err
	}
	var hits, of [2]float64 // of steps without speech, and with it
	for i, is := range spoken(speech, mix.Rate/100) {
		at, which := (float64(i)+0.5)/100, 0
		if is {
			which = 1
		}
		of[which]++
		if slices.ContainsFunc(out.Notes, func(n audiosep.Note) bool { return n.Onset <= at && at < n.Offset }) {
			hits[which]++
		}
	}
	return hits[1] / max(1, of[1]), hits[0] / max(1, of[0]), nil
}

// spoken says which steps of so many samples are speech.
func spoken(speech []float64, step int) []bool {
	energies := make([]float64, len(speech)/step)
	for i := range energies {
		for _, x := range speech[i*step : (i+1)*step] {
			energies[i] += x * x
		}
	}
	const gap, around = 30, 5
	least, is, last := slices.Max(energies)*math.Pow(10, -35.0/10), make([]bool, len(energies)), -gap-2
	for i, e := range energies {
		if e <= least {
			continue
		}
		from := i - around
		if i-last <= gap+1 {
			from = last
		}
		for j := max(0, from); j <= min(i+around, len(is)-1); j++ {
			is[j] = true
		}
		last = i
	}
	return is
}
