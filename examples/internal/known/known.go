// Package known reads recordings whose stems are known, for the examples that measure what
// methods make of them.
package known

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/notes"
)

// Recording is a mixture with its stems.
type Recording struct {
	Name  string
	Mix   *audiosep.Signal
	Names []string // of the stems
	Stems []*audiosep.Signal
	Notes audiosep.Notes // nil where there is no score
}

// Folders returns the folders of data, or of the folder audio in it where there is one, that
// have a file of the name has. Unless only is empty it returns those alone whose names stand in
// it, with commas between them. There may be none.
func Folders(data, has, only string) ([]string, error) {
	if _, err := os.Stat(filepath.Join(data, "audio")); err == nil {
		data = filepath.Join(data, "audio")
	}
	files, err := filepath.Glob(filepath.Join(data, "*", has))
	var folders []string
	for _, file := range files {
		folder := filepath.Dir(file)
		if only == "" || slices.Contains(strings.Split(only, ","), filepath.Base(folder)) {
			folders = append(folders, folder)
		}
	}
	return folders, err
}

// Open reads a folder: mix.wav, stems/*.wav, one at least, and notes.csv where it is there.
func Open(folder string) (*Recording, error) {
	r := &Recording{Name: filepath.Base(folder)}
	var err error
	if r.Mix, _, err = audio.ReadFile(filepath.Join(folder, "mix.wav")); err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(folder, "stems", "*.wav"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("%s has no stems; want stems/*.wav (%v)", folder, err)
	}
	for _, file := range files {
		s, _, err := audio.ReadFile(file)
		if err != nil {
			return nil, err
		}
		r.Stems = append(r.Stems, s)
		r.Names = append(r.Names, strings.TrimSuffix(filepath.Base(file), ".wav"))
	}
	if r.Notes, err = notes.ReadFile(filepath.Join(folder, "notes.csv")); errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return r, err
}

// Sums returns the sums of signals that are put together to so many groups: signal i is in group
// of(i). All are as long as each other; there is at least one. A group without any is silent.
func Sums(signals []*audiosep.Signal, groups int, of func(i int) int) []*audiosep.Signal {
	out := make([]*audiosep.Signal, groups)
	for g := range out {
		sum := *signals[0]
		sum.Data = make([][]float64, len(signals[0].Data))
		for l, x := range signals[0].Data {
			sum.Data[l] = make([]float64, len(x))
		}
		out[g] = &sum
	}
	for i, s := range signals {
		for l, x := range s.Data {
			floats.Add(out[of(i)].Data[l], x)
		}
	}
	return out
}

// Products returns the inner products of components with stems and among themselves, and the
// energies of the stems: what oraclegroups takes.
func Products(components, stems []*audiosep.Signal) (cross, within *mat.Dense, energy []float64) {
	for _, s := range stems {
		energy = append(energy, product(s, s))
	}
	return products(components, stems), products(components, components), energy
}

func products(as, bs []*audiosep.Signal) *mat.Dense {
	p := mat.NewDense(len(as), len(bs), nil)
	for i, a := range as {
		for j, b := range bs {
			p.Set(i, j, product(a, b))
		}
	}
	return p
}

func product(a, b *audiosep.Signal) (sum float64) {
	for l, x := range a.Data {
		sum += floats.Dot(x, b.Data[l])
	}
	return sum
}

// SISDR returns how far above what else it has an estimate has the reference, in dB, 120 at most
// (Le Roux et al., 2019).
func SISDR(estimate, reference []float64) float64 {
	p, rr, ee := floats.Dot(estimate, reference), floats.Dot(reference, reference), floats.Dot(estimate, estimate)
	return 10 * math.Log10(p*p/rr/max(ee-p*p/rr, 1e-12*ee, 1e-300))
}
