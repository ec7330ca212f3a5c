package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strings"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/factorizers"
	"github.com/audiosep/audiosep/internal/oraclegroups"
	"github.com/audiosep/audiosep/separators"
	"github.com/audiosep/audiosep/transforms"
)

// separations prints the mean SI-SDR of the stems of each recording for each update.
func (b *startsBench) separations(ctx context.Context, out io.Writer, kinds []string) error {
	files, err := mixes(b.data)
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return fmt.Errorf("there are no recordings with stems; want --data DIR, or AUDIOSEP_DATA")
	}
	updates := append([]string{"mm"}, b.updates...)
	for _, kind := range kinds {
		fmt.Fprintf(out, "\n| SI-SDR of %s, dB |", kind)
		for _, u := range updates {
			fmt.Fprintf(out, " %s |", u)
		}
		fmt.Fprint(out, "\n|---|", strings.Repeat("---|", len(updates)), "\n")
		all := make([][]float64, len(updates)) // of each recording and start
		for _, file := range files {
			fmt.Fprintf(out, "| %s |", filepath.Base(filepath.Dir(file)))
			r, err := openStems(file)
			if err != nil {
				return err
			}
			for i, u := range updates {
				of, err := b.separation(ctx, kind, u, r)
				if err != nil {
					return fmt.Errorf("%s, %s: %w", file, u, err)
				}
				all[i] = append(all[i], of...)
				fmt.Fprintf(out, " %.2f |", stat.Mean(of, nil))
			}
			fmt.Fprintln(out)
		}
		fmt.Fprint(out, "| **mean** |")
		for i := range updates {
			fmt.Fprintf(out, " %.3f |", stat.Mean(all[i], nil))
		}
		fmt.Fprint(out, "\n| above mm, with its standard error | |")
		for _, of := range all[1:] {
			floats.Sub(of, all[0])
			mean, deviation := stat.MeanStdDev(of, nil)
			fmt.Fprintf(out, " %+.3f ± %.3f |", mean, deviation/math.Sqrt(float64(len(of))))
		}
		fmt.Fprintln(out)
	}
	return nil
}

// stemmed is a recording whose stems are known, one channel of each.
type stemmed struct {
	mix   *audiosep.Signal
	stems [][]float64
}

func openStems(mix string) (r stemmed, err error) {
	files, err := filepath.Glob(filepath.Join(filepath.Dir(mix), "stems", "*.wav"))
	if err != nil || len(files) == 0 {
		return r, fmt.Errorf("%s has no stems beside it; want stems/*.wav (%v)", mix, err)
	}
	if r.mix, err = firstChannel(mix, math.MaxInt32); err != nil {
		return r, err
	}
	for _, file := range files {
		s, err := firstChannel(file, math.MaxInt32)
		if err != nil {
			return r, err
		}
		if len(s.Data[0]) != len(r.mix.Data[0]) {
			return r, fmt.Errorf("%s has %d samples; want %d, as the mixture has", file, len(s.Data[0]), len(r.mix.Data[0]))
		}
		r.stems = append(r.stems, s.Data[0])
	}
	return r, nil
}

// separation returns the mean SI-SDR of the stems of each start.
func (b *startsBench) separation(ctx context.Context, kind, update string, r stemmed) (of []float64, err error) {
	beta, power := startsKind(kind)
	p := factorizers.DefaultISNMF()
	p.Rank, p.Power = 5*len(r.stems), power
	setUpdate(&p, update)
	nmf, err := factorizers.NewNMF(beta, p)
	if err != nil {
		return nil, err
	}
	x, err := transforms.STFT(ctx, r.mix, transforms.Frame(2048, 0.75, "hann"))
	if err != nil {
		return nil, err
	}
	v, err := audiosep.PowerOf(x, nil).V(ctx)
	if err != nil {
		return nil, err
	}
	for seed := range b.starts {
		f, err := nmf.Factorize(ctx, audiosep.Env{Seed: b.first + uint64(seed)}, v, nil)
		if err != nil {
			return nil, err
		}
		stems, err := separators.Wiener(ctx, x, f)
		if err != nil {
			return nil, err
		}
		parts, err := audiosep.Collect(ctx, stems)
		if err != nil {
			return nil, err
		}
		of = append(of, r.grouped(parts))
	}
	return of, nil
}

// grouped returns the mean SI-SDR of the stems with the parts put together as suits them best.
func (r stemmed) grouped(parts []*audiosep.Signal) (mean float64) {
	cross, within := mat.NewDense(len(parts), len(r.stems), nil), mat.NewDense(len(parts), len(parts), nil)
	var energy []float64
	for _, s := range r.stems {
		energy = append(energy, floats.Dot(s, s))
	}
	for i, a := range parts {
		for j, s := range r.stems {
			cross.Set(i, j, floats.Dot(a.Data[0], s))
		}
		for j, b := range parts {
			within.Set(i, j, floats.Dot(a.Data[0], b.Data[0]))
		}
	}
	for j, group := range oraclegroups.Groups(cross, within, energy) {
		estimate := make([]float64, len(r.stems[j]))
		for _, k := range group {
			floats.Add(estimate, parts[k].Data[0])
		}
		mean += siSDR(estimate, r.stems[j], energy[j]) / float64(len(r.stems))
	}
	return mean
}

// siSDR is the ratio in dB of what an estimate has of the reference and what else it has, from
// -100 to 100 (Le Roux et al., SDR - half-baked or well done?, ICASSP 2019).
func siSDR(estimate, reference []float64, energy float64) float64 {
	p, e := floats.Dot(estimate, reference), floats.Dot(estimate, estimate)
	target := p * p / energy
	return min(100, max(-100, 10*math.Log10(target/max(e-target, 1e-300))))
}
