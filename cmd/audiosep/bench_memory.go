package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/internal/whole"
)

func memoryCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "memory [RUN...]",
		Short: "Measure how much memory runs take, beside what is forecast",
		Long: `Run pipelines on noise, each in a process of its own, and print the memory that
was forecast before the work beside the most that the process had. It takes a minute
or two; RUN is a part of the names of those to be measured alone. The numbers depend
on the processors: each that works has its blocks.`,
		Args: func(_ *cobra.Command, args []string) error {
			for _, part := range args {
				if !slices.ContainsFunc(memoryJobs, func(job memoryJob) bool { return strings.Contains(job.what, part) }) {
					return fmt.Errorf("no run's name has %q; want a part of one, such as %s", part, memoryJobs[0].what)
				}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			dir, err := whole.TemporaryFolder("audiosep-memory-")
			if err != nil {
				return &runError{err}
			}
			defer os.RemoveAll(dir)
			fmt.Fprintf(cmd.OutOrStdout(), "| run | forecast | taken | off by |\n|---|---|---|---|\n")
			for _, job := range memoryJobs {
				if len(args) > 0 && !slices.ContainsFunc(args, func(part string) bool { return strings.Contains(job.what, part) }) {
					continue
				}
				forecast, taken, err := job.measure(cmd.Context(), dir)
				if err != nil {
					return &runError{fmt.Errorf("%s: %w", job.what, err)}
				}
				fmt.Fprintf(cmd.OutOrStdout(), "| %s | %d MB | %d MB | %+.0f %% |\n", job.what, forecast/1e6, taken/1e6, 100*(float64(forecast)/float64(taken)-1))
			}
			return nil
		},
	}
}

// memoryJob is a run on noise.
type memoryJob struct {
	what           string
	seconds        int
	channels, rate int
	preset         string   // or
	stages         string   // between read_audio and write_audio
	flags          []string // more of audiosep run
}

const (
	framesOf2048 = `{"use": "frame", "params": {"length": 2048, "overlap": 0.75, "window": "hann"}}, {"use": "stft"}, `
	framesOf512  = `{"use": "frame", "params": {"length": 512, "overlap": 0.5, "window": "sine"}}, `
)

var memoryJobs = []memoryJob{
	{"is_nmf, K 8, 1 min", 60, 1, 44100, "", framesOf2048 + `{"use": "is_nmf", "params": {"iterations": 2}}, {"use": "wiener"}`, nil},
	{"is_nmf, K 8, 5 min, stereo", 300, 2, 44100, "", framesOf2048 + `{"use": "is_nmf", "params": {"iterations": 2}}, {"use": "wiener"}`, nil},
	{"is_nmf in float32, K 8, 5 min, stereo", 300, 2, 44100, "", framesOf2048 + `{"use": "is_nmf", "params": {"iterations": 2, "precision": "float32"}}, {"use": "wiener"}`, nil},
	{"is_nmf, K 32, 4 starts, 1 min", 60, 1, 44100, "", framesOf2048 + `{"use": "is_nmf", "params": {"iterations": 2, "rank": 32, "restarts": 4}}, {"use": "wiener"}`, nil},
	{"is_nmf, K 100, 1 min", 60, 1, 44100, "", framesOf2048 + `{"use": "is_nmf", "params": {"iterations": 2, "rank": 100}}, {"use": "wiener"}`, nil},
	{"tl_nmf, M 512, 1 min", 60, 1, 44100, "", framesOf512 + `{"use": "tl_nmf", "params": {"iterations": 2}}, {"use": "wiener"}`, nil},
	{"is_nmf from nndsvd, K 8, 5 min", 300, 1, 44100, "", framesOf2048 + `{"use": "is_nmf", "params": {"iterations": 2, "start": "nndsvd"}}, {"use": "wiener"}`, nil},
	{"fdica, 6 microphones, 1 min, 16 kHz", 60, 6, 16000, "", framesOf2048 + `{"use": "fdica", "params": {"iterations": 1}}`, nil},
	{"ilrma, 4 microphones, 1 min, 16 kHz", 60, 4, 16000, "", framesOf2048 + `{"use": "ilrma", "params": {"iterations": 1, "warm": 1}}`, nil},
	{"fast_mnmf, the same", 60, 4, 16000, "", framesOf2048 + `{"use": "fast_mnmf", "params": {"iterations": 1, "warm": 1}}`, nil},
	{"hpss, 1 min, stereo", 60, 2, 44100, "hpss", "", nil},
	{"hpss, 64 channels, 20 s", 20, 64, 44100, "hpss", "", nil},
	{"is_nmf, K 8, 64 channels, 20 s", 20, 64, 44100, "", framesOf2048 + `{"use": "is_nmf", "params": {"iterations": 2}}, {"use": "wiener"}`, nil},
	{"iva, 16 microphones, 20 s, 16 kHz", 20, 16, 16000, "", framesOf2048 + `{"use": "iva", "params": {"iterations": 1}}`, nil},
	{"blind, 1 min, stereo", 60, 2, 44100, "blind", "", []string{"--set", "nmf1.iterations=2", "--set", "nmf2.iterations=2", "--set", "nmf3.iterations=2", "--set", "nmf4.iterations=2", "--set", "nmf5.iterations=2"}},
	{"noise, 1 min", 60, 1, 44100, "noise", "", []string{"--noise", "0:2", "--set", "noise.iterations=2", "--set", "semi_nmf.iterations=2"}},
	{"talkers, 4 microphones, 1 min, 16 kHz", 60, 4, 16000, "talkers", "", []string{"--iterations", "2"}},
	{"repet, 2 min, stereo", 120, 2, 44100, "", framesOf2048 + `{"use": "repet"}`, nil},
	{"repet_sim, 2 min, stereo", 120, 2, 44100, "", framesOf2048 + `{"use": "repet_sim"}`, nil},
	{"ft2d, 2 min, stereo", 120, 2, 44100, "", framesOf2048 + `{"use": "ft2d"}`, nil},
	{"rpca, 1 min", 60, 1, 44100, "", framesOf2048 + `{"use": "rpca", "params": {"iterations": 5}}`, nil},
	{"nmfd, K 3, 12 taps, 1 min", 60, 1, 44100, "", framesOf2048 + `{"use": "nmfd", "params": {"rank": 3, "taps": 12, "iterations": 2, "restarts": 1}}, {"use": "wiener"}`, nil},
	{"nmf2d, 1 min", 60, 1, 44100, "", framesOf2048 + `{"use": "nmf2d", "params": {"iterations": 2}}, {"use": "wiener"}`, nil},
	{"activations, K 8, 5 min", 300, 1, 44100, "", `{"use": "crop", "id": "part", "params": {"duration": 5}}, ` + framesOf2048 + `{"use": "is_nmf", "params": {"iterations": 2}}, ` +
		`{"use": "frame", "id": "all", "params": {"length": 2048, "overlap": 0.75, "window": "hann"}, "in": {"audio": "read_audio"}}, {"use": "stft", "id": "x", "in": {"frames": "all"}}, ` +
		`{"use": "activations", "params": {"iterations": 5}, "in": {"power": "x", "dictionary": "is_nmf"}}, {"use": "wiener", "in": {"coefs": "x", "factors": "activations"}}`, nil},
	{"painted_nmf, 2 sources, 1 min", 60, 1, 44100, "", framesOf2048 + `{"use": "painted_nmf", "params": {"file": "paint.json", "iterations": 2}}`, nil},
	{"score, 60 pitches, 1 min", 60, 1, 44100, "score", "", []string{"--notes", "notes.csv", "--set", "score_factors.iterations=10", "--set", "kl_nmf.iterations=2"}},
	{"align_notes, 10 min", 600, 1, 16000, "", `{"use": "read_notes", "params": {"file": "notes.csv"}}, ` + framesOf2048 + `{"use": "align_notes"}, {"use": "write_notes", "in": {"notes": "align_notes"}}`, nil},
	{"denoise, 2 min, stereo", 120, 2, 44100, "", `{"use": "denoise"}`, nil},
	{"transcribe, 2 min, stereo", 120, 2, 44100, "", `{"use": "transcribe"}, {"use": "write_notes"}`, nil},
}

// write puts into a folder what jobs read beside the noise: notes of 60 pitches, one after the
// other to the end, and paint of two sources.
func (j memoryJob) write(dir string) error {
	var notes strings.Builder
	notes.WriteString("part,onset_s,offset_s,midi,velocity\n")
	for i := range 2 * j.seconds {
		if at := 0.5 * float64(i); at > 5 { // on noise they may come to lie seconds off
			fmt.Fprintf(&notes, "all,%g,%g,%d,80\n", at, at+0.45, 36+i%60)
		}
	}
	paint := `[{"source": "a", "from": 0, "to": 20, "low": 100, "high": 4000}, {"source": "b", "from": 30, "to": 50, "low": 100, "high": 4000}]`
	return errors.Join(os.WriteFile(filepath.Join(dir, "notes.csv"), []byte(notes.String()), 0o666),
		os.WriteFile(filepath.Join(dir, "paint.json"), []byte(paint), 0o666))
}

// measure returns the memory that was forecast and the memory that was taken, in bytes.
func (j memoryJob) measure(ctx context.Context, dir string) (forecast, taken int64, err error) {
	mix, spec := filepath.Join(dir, "mix.wav"), j.preset
	if err := errors.Join(j.record(ctx, mix), j.write(dir)); err != nil {
		return 0, 0, err
	}
	if spec == "" {
		spec = filepath.Join(dir, "pipeline.json")
		text := `{"audiosep": 1, "seed": 1, "stages": [{"use": "read_audio"}, ` + j.stages + `]}`
		if !strings.Contains(j.stages, "write_notes") {
			text = strings.TrimSuffix(text, "]}") + `, {"use": "write_audio"}]}`
		}
		if err := os.WriteFile(spec, []byte(text), 0o666); err != nil {
			return 0, 0, err
		}
	}
	self, err := os.Executable()
	if err != nil {
		return 0, 0, err
	}
	cmd := exec.CommandContext(ctx, self, append([]string{"run", spec, "--input", mix, "--out", filepath.Join(dir, "out"), "--overwrite", "--no-record", "--no-cache", "--progress", "json"}, j.flags...)...)
	cmd.Dir = dir
	var log strings.Builder
	cmd.Stderr = &log
	if err := cmd.Run(); err != nil {
		return 0, 0, fmt.Errorf("%w\n%s", err, log.String())
	}
	for lines := bufio.NewScanner(strings.NewReader(log.String())); lines.Scan() && forecast == 0; {
		var line struct {
			Bytes int64 `json:"memory"`
		}
		if json.Unmarshal(lines.Bytes(), &line) == nil {
			forecast = line.Bytes
		}
	}
	taken, ok := mostMemory(cmd.ProcessState)
	if !ok || forecast == 0 {
		return 0, 0, fmt.Errorf("how much memory a process had is not told on this system")
	}
	return forecast, taken, nil
}

// record writes the noise, a piece at a time: what this process had in memory would count for those
// that it starts. go-audio/wav's encoder has room for a minute of all channels from its beginning.
func (j memoryJob) record(ctx context.Context, path string) error {
	sink, err := audio.NewWriteAudio(audio.WriteAudioParams{Pattern: path, Format: "wav", Encoding: "int16", OnClip: "error", Overwrite: true})
	if err != nil {
		return err
	}
	defer sink.Close()
	h := audiosep.Head{Rate: j.rate, Samples: j.rate * j.seconds, Channels: j.channels, Realisations: 1}
	if err := sink.Create(ctx, audiosep.Env{}, h, []string{"noise"}); err != nil {
		return err
	}
	rng := rand.New(rand.NewPCG(1, 2))
	block := make([][]float64, j.channels)
	for c := range block {
		block[c] = make([]float64, j.rate/100)
	}
	for range 100 * j.seconds {
		for i := range block[0] {
			for _, x := range block {
				x[i] = float64(rng.IntN(1<<13)-1<<12) / (1 << 15)
			}
		}
		if err := sink.Write(ctx, 0, block); err != nil {
			return err
		}
	}
	return sink.Commit(ctx)
}
