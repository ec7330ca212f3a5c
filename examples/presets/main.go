// Command presets runs every preset on recordings with known stems, as somebody would on the
// command line, and prints how far its stems are above the mixture. The table of docs/presets.md
// is its output.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"

	"gonum.org/v1/gonum/floats"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/examples/internal/known"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	data := flag.String("data", "", "`DIR` with recordings in its folder audio and, of several microphones, in its folder rooms: NAME/mix.wav, NAME/stems/*.wav and, where there is a score, NAME/notes.csv")
	program := flag.String("audiosep", "audiosep", "the `PROGRAM`")
	only := flag.String("items", "", "recordings to use, with commas between them (default: all)")
	names := flag.String("presets", "", "presets to use, with commas between them (default: all)")
	flag.Parse()
	if *data == "" || flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "presets: want --data DIR, a folder of recordings with known stems")
		os.Exit(2)
	}
	if err := run(ctx, os.Stdout, *program, *data, *only, *names); err != nil {
		fmt.Fprintln(os.Stderr, "presets:", err)
		os.Exit(1)
	}
}

// run prints a line for each recording and a column for each preset.
func run(ctx context.Context, w io.Writer, program, data, only, names string) error {
	jobs := jobs
	if names != "" {
		jobs = slices.DeleteFunc(slices.Clone(jobs), func(j job) bool { return !slices.Contains(strings.Split(names, ","), j.preset) })
	}
	scenes, err := scenes(data, only)
	if err != nil {
		return err
	}
	fmt.Fprint(w, "| SI-SDRi, mean over stems, dB |")
	for _, j := range jobs {
		fmt.Fprintf(w, " %s |", j.preset)
	}
	fmt.Fprintf(w, "\n|---|%s\n", strings.Repeat("---|", len(jobs)))
	for _, s := range scenes {
		fmt.Fprintf(w, "| %s |", s.Name)
		for _, j := range jobs {
			x, err := s.worth(ctx, program, j)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", s.Name, j.preset, err)
			}
			if math.IsNaN(x) {
				fmt.Fprint(w, " – |")
				continue
			}
			fmt.Fprintf(w, " %.1f |", x)
		}
		fmt.Fprintln(w)
	}
	return nil
}

// scene is a recording, of one microphone or stereo, or of several microphones in a room.
type scene struct {
	*known.Recording
	folder string // empty: it is computed
	room   bool
}

// hiss puts the speech of a recording under a steady noise of half its power, white but for an
// average of two samples.
func hiss(s *scene) *scene {
	speech := known.FirstChannel(s.Stems[slices.Index(s.Names, "speech")])
	rng := rand.New(rand.NewPCG(1, 1))
	noise, mix, before := clone(speech), clone(speech), 0.0
	for i := range noise.Data[0] {
		x := rng.NormFloat64()
		noise.Data[0][i], before = x+before, x
	}
	floats.Scale(math.Sqrt(0.5)*floats.Norm(speech.Data[0], 2)/floats.Norm(noise.Data[0], 2), noise.Data[0])
	floats.Add(mix.Data[0], noise.Data[0])
	return &scene{Recording: &known.Recording{Name: "speech under a hiss, computed", Mix: mix, Names: []string{"hiss", "speech"}, Stems: []*audiosep.Signal{noise, speech}}}
}

// scenes opens the recordings of a folder.
func scenes(data, only string) (all []*scene, err error) {
	for _, part := range []string{"audio", "rooms"} {
		folders, err := known.Folders(filepath.Join(data, part), "mix.wav", only)
		if err != nil {
			return nil, err
		}
		for _, folder := range folders {
			r, err := known.Open(folder)
			if err != nil {
				return nil, err
			}
			all = append(all, &scene{r, folder, part == "rooms"})
		}
	}
	if i := slices.IndexFunc(all, voice); i >= 0 {
		all = append(all, hiss(all[i]))
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("there are no recordings in %s; want folders with mix.wav and stems in its folder audio or rooms", data)
	}
	return all, nil
}

// worth runs a preset on a recording and returns the mean SI-SDR improvement; NaN if it is not
// for such recordings.
func (s *scene) worth(ctx context.Context, program string, j job) (float64, error) {
	if !j.eligible(s) {
		return math.NaN(), nil
	}
	dir, err := os.MkdirTemp("", "presets")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	task := &task{Recording: s.Recording, input: filepath.Join(s.folder, "mix.wav"), dir: dir}
	if s.folder == "" {
		if task.input, err = task.write("mix.wav", s.Mix); err != nil {
			return 0, err
		}
	}
	if err := j.tell(ctx, task); err != nil {
		return 0, err
	}
	out := filepath.Join(dir, "stems")
	args := append([]string{"run", j.preset, "--quiet", "--input", task.input, "--out", out}, task.args...)
	if text, err := exec.CommandContext(ctx, program, args...).CombinedOutput(); err != nil {
		return 0, fmt.Errorf("%s %s: %w: %s", program, strings.Join(args, " "), err, text)
	}
	made, err := read(out, j.ignore)
	if err != nil {
		return 0, err
	}
	r := task.Recording
	if s.room {
		r = r.First()
		for i := range made {
			made[i] = known.FirstChannel(made[i])
		}
	}
	return best(ctx, r, made)
}

// write keeps a signal in a file.
func (t *task) write(name string, s *audiosep.Signal) (file string, err error) {
	file = filepath.Join(t.dir, name)
	return file, audio.WriteFile(file, s, "float32")
}
