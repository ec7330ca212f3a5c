//go:build linux && !race

package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/audiosep/audiosep/internal/npy"
)

// pipelineOf returns a pipeline whose stages are given as JSON.
func pipelineOf(stages ...string) string {
	return fmt.Sprintf(`{"audiosep": 1, "stages": [%s]}`, strings.Join(stages, ", "))
}

const (
	fromMix = `{"use": "read_audio", "params": {"files": ["mix.wav"]}}`
	toFiles = `{"use": "wiener"}, {"use": "write_audio"}`
	inSTFT  = `{"use": "frame", "params": {"length": 256}}, {"use": "stft"}`
	byNMF   = `{"use": "is_nmf", "params": {"rank": 2, "iterations": 2}}`
)

// hostileFiles are small files that ask for much.
func hostileFiles(t *testing.T, dir string) {
	t.Helper()
	var many []string
	mix := wideWAV(1, 4000, 36+8000, 8000)
	os.Mkdir(filepath.Join(dir, "many"), 0o777)
	files := map[string][]byte{
		"mix.wav": mix, "wide.wav": wideWAV(255, 1, 36+510, 510), "wider.wav": wideWAV(1024, 3, 36+6144, 6144), "\x1b]0;t.wav": mix,
	}
	for i := range 1500 {
		name := fmt.Sprintf("many/%04d.wav", i)
		files[name], many = mix, append(many, name)
	}
	list, _ := json.Marshal(many)
	stage := `{"use": "synth_notes", "id": "s%d"}`
	var ambiguous, stages []string
	for i := range 20_000 {
		stages = append(stages, fmt.Sprintf(stage, i))
	}
	for i := range 200 {
		ambiguous = append(ambiguous, fmt.Sprintf(stage, i), fmt.Sprintf(`{"use": "frame", "id": "f%d"}`, i))
	}
	for name, text := range map[string]string{
		"nmf":       pipelineOf(fromMix, inSTFT, byNMF, toFiles),
		"many":      pipelineOf(`{"use": "read_audio", "params": {"realisations": true, "files": `+string(list)+`}}`, inSTFT, byNMF, toFiles),
		"tl":        pipelineOf(fromMix, `{"use": "frame", "params": {"length": 100000}}`, `{"use": "tl_nmf", "params": {"rank": 2}}`, toFiles),
		"jd":        pipelineOf(fromMix, `{"use": "frame", "params": {"length": 100000}}`, `{"use": "joint_diagonalization"}`, byNMF, toFiles),
		"phi":       pipelineOf(fromMix, `{"use": "frame", "params": {"length": 2890}}`, `{"use": "load_model", "params": {"file": "zeros.npz"}}`, `{"use": "apply"}`, byNMF, toFiles),
		"stages":    pipelineOf(stages...),
		"ambiguous": pipelineOf(ambiguous...),
		"start":     pipelineOf(fromMix, `{"use": "frame", "params": {"length": 64}}`, `{"use": "tl_nmf", "params": {"rank": 2, "start": "file", "start_file": "pipe.npy"}}`, toFiles),
	} {
		files[name+".json"] = []byte(text)
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := os.WriteFile(filepath.Join(dir, name), files[name], 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, pipe := range []string{"pipe.npy", "pipe.json"} {
		if err := syscall.Mkfifo(filepath.Join(dir, pipe), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	zeros, err := os.Create(filepath.Join(dir, "zeros.npz"))
	if err != nil {
		t.Fatal(err)
	}
	defer zeros.Close()
	z := zip.NewWriter(zeros)
	phi, err := z.Create("phi.npy")
	if err == nil {
		err = npy.Write(phi, npy.Array{Shape: []int{2890, 2890}, Data: make([]float64, 2890*2890)})
	}
	if err = errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
}

// inTwoGiB is the program, to be run in a folder and 2 GiB of address space.
func inTwoGiB(dir, args string) (cmd *exec.Cmd, said *bytes.Buffer) {
	cmd, said = exec.Command("sh", "-c", `ulimit -v 2097152; exec "$@"`, "sh", "audiosep"), new(bytes.Buffer)
	cmd.Args = append(cmd.Args, strings.Fields(args)...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOMAXPROCS=2")
	cmd.Stdout, cmd.Stderr = said, said
	return cmd, said
}

// What small files and plain numbers ask for is done or refused, in 2 GiB of address space: the
// program never ends in the runtime's "out of memory", and says in a line or two why not.
func TestHostileMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts the program a hundred times, and waits")
	}
	dir := t.TempDir()
	hostileFiles(t, dir)
	const aPipe = "check pipe.json" // is waited for ten seconds, so it begins before the tests that are not parallel, and is looked at after them
	waits, told := inTwoGiB(dir, aPipe)
	if err := waits.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- waits.Wait() }()
	t.Parallel()
	for _, c := range []struct {
		args string
		code int
		want string // what is said last
	}{
		{"run nmf.json -i wide.wav", exitOK, ""},
		{"run nmf.json -i wider.wav", exitOK, ""},
		{"run hpss -i wide.wav", exitOK, ""},
		{"run denoise -i wide.wav", exitFailed, "may be used"},
		{"run talkers -i wide.wav", exitFailed, "may be used"},
		{"run meeting -i wider.wav", exitFailed, "may be used"},
		{"localise wide.wav --spacing 0.05", exitFailed, "pairs of 255 channels"},
		{aPipe, exitUsage, "a pipe that nobody writes to"},
		{"run many.json", exitFailed, "may be used"},
		{"run tl.json", exitFailed, "may be used"},
		{"run jd.json", exitFailed, "may be used"},
		{"run phi.json", exitFailed, "column 0 of Φ is 0 throughout"},
		{"run start.json", exitFailed, "no regular file"},
		{"check stages.json", exitUsage, "there are 20000 stages; want at most 1000"},
		{"check ambiguous.json", exitUsage, "more"},
		{"check nmf.json --set is_nmf.rank=100000000", exitUsage, "want 0 to 100000 components"},
		{"check nmf.json --set is_nmf.rank=9223372036854775807", exitUsage, "want 0 to 100000 components"},
		{"check nmf.json --set is_nmf.restarts=1000000000", exitUsage, "want 1 to 100000"},
		{"check nmf.json --set is_nmf.restarts=9223372036854775807", exitUsage, "want 1 to 100000"},
	} {
		said := told
		var err error
		if c.args == aPipe {
			err = <-ended
		} else {
			var cmd *exec.Cmd
			cmd, said = inTwoGiB(dir, c.args)
			err = cmd.Run()
		}
		code := 0
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			code = exit.ExitCode()
		}
		if text := said.String(); code != c.code || !strings.Contains(text, c.want) || strings.Contains(text, "goroutine ") || len(text) > 60_000 {
			t.Errorf("%s: exit code %d, %d bytes; want %d and %q\n%.800s", c.args, code, len(text), c.code, c.want, text)
		}
	}
}
