package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	goaudio "github.com/go-audio/audio"
	"github.com/go-audio/wav"
	"github.com/spf13/cobra"

	"github.com/audiosep/audiosep/internal/whole"
)

func memoryCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "memory",
		Short: "Measure how much memory runs take, beside what is forecast",
		Long: `Run pipelines on noise, each in a process of its own, and print the memory that
was forecast before the work beside the most that the process had. It takes a minute
or two. The numbers depend on the processors: each that works has its blocks.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			dir, err := whole.TemporaryFolder("audiosep-memory-")
			if err != nil {
				return &runError{err}
			}
			defer os.RemoveAll(dir)
			fmt.Fprintf(cmd.OutOrStdout(), "| run | forecast | taken | off by |\n|---|---|---|---|\n")
			for _, job := range memoryJobs {
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
	{"is_nmf, K 32, 4 starts, 1 min", 60, 1, 44100, "", framesOf2048 + `{"use": "is_nmf", "params": {"iterations": 2, "rank": 32, "restarts": 4}}, {"use": "wiener"}`, nil},
	{"is_nmf, K 100, 1 min", 60, 1, 44100, "", framesOf2048 + `{"use": "is_nmf", "params": {"iterations": 2, "rank": 100}}, {"use": "wiener"}`, nil},
	{"tl_nmf, M 512, 1 min", 60, 1, 44100, "", framesOf512 + `{"use": "tl_nmf", "params": {"iterations": 2}}, {"use": "wiener"}`, nil},
	{"ilrma, 4 microphones, 1 min, 16 kHz", 60, 4, 16000, "", framesOf2048 + `{"use": "ilrma", "params": {"iterations": 1, "warm": 1}}`, nil},
	{"fast_mnmf, the same", 60, 4, 16000, "", framesOf2048 + `{"use": "fast_mnmf", "params": {"iterations": 1, "warm": 1}}`, nil},
	{"hpss, 1 min, stereo", 60, 2, 44100, "hpss", "", nil},
	{"blind, 1 min, stereo", 60, 2, 44100, "blind", "", []string{"--set", "nmf1.iterations=2", "--set", "nmf2.iterations=2", "--set", "nmf3.iterations=2", "--set", "nmf4.iterations=2", "--set", "nmf5.iterations=2"}},
	{"noise, 1 min", 60, 1, 44100, "noise", "", []string{"--noise", "0:2", "--set", "noise.iterations=2", "--set", "semi_nmf.iterations=2"}},
	{"talkers, 4 microphones, 1 min, 16 kHz", 60, 4, 16000, "talkers", "", []string{"--iterations", "2"}},
	{"repet, 2 min, stereo", 120, 2, 44100, "", framesOf2048 + `{"use": "repet"}`, nil},
	{"repet_sim, 2 min, stereo", 120, 2, 44100, "", framesOf2048 + `{"use": "repet_sim"}`, nil},
	{"ft2d, 2 min, stereo", 120, 2, 44100, "", framesOf2048 + `{"use": "ft2d"}`, nil},
	{"rpca, 1 min", 60, 1, 44100, "", framesOf2048 + `{"use": "rpca", "params": {"iterations": 5}}`, nil},
	{"nmfd, K 3, 12 taps, 1 min", 60, 1, 44100, "", framesOf2048 + `{"use": "nmfd", "params": {"rank": 3, "taps": 12, "iterations": 2, "restarts": 1}}, {"use": "wiener"}`, nil},
}

// measure returns the memory that was forecast and the memory that was taken, in bytes.
func (j memoryJob) measure(ctx context.Context, dir string) (forecast, taken int64, err error) {
	mix, spec := filepath.Join(dir, "mix.wav"), j.preset
	if err := j.record(mix); err != nil {
		return 0, 0, err
	}
	if spec == "" {
		spec = filepath.Join(dir, "pipeline.json")
		text := `{"audiosep": 1, "seed": 1, "stages": [{"use": "read_audio"}, ` + j.stages + `, {"use": "write_audio"}]}`
		if err := os.WriteFile(spec, []byte(text), 0o666); err != nil {
			return 0, 0, err
		}
	}
	self, err := os.Executable()
	if err != nil {
		return 0, 0, err
	}
	cmd := exec.CommandContext(ctx, self, append([]string{"run", spec, "--input", mix, "--out", filepath.Join(dir, "out"), "--overwrite", "--no-record", "--progress", "json"}, j.flags...)...)
	var log strings.Builder
	cmd.Stderr = &log
	if err := cmd.Run(); err != nil {
		return 0, 0, fmt.Errorf("%w\n%s", err, log.String())
	}
	for lines := bufio.NewScanner(strings.NewReader(log.String())); lines.Scan() && forecast == 0; {
		var line struct {
			Bytes int64 `json:"memory_bytes"`
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

// record writes the noise, a second at a time: what this process had in memory would count for
// those that it starts.
func (j memoryJob) record(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	enc := wav.NewEncoder(f, j.rate, 16, j.channels, 1)
	rng := rand.New(rand.NewPCG(1, 2))
	second := &goaudio.IntBuffer{Format: &goaudio.Format{NumChannels: j.channels, SampleRate: j.rate}, SourceBitDepth: 16, Data: make([]int, j.rate*j.channels)}
	for range j.seconds {
		for i := range second.Data {
			second.Data[i] = rng.IntN(1<<13) - 1<<12
		}
		if err := enc.Write(second); err != nil {
			return err
		}
	}
	return enc.Close()
}
