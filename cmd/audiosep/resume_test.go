//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/batch"
	"github.com/audiosep/audiosep/internal/whole"
	"github.com/audiosep/audiosep/pipeline"
	"github.com/audiosep/audiosep/resume"
)

// stopVar has a process that a test starts stop itself at a sample, so that no test depends on how
// fast it is: kill, halt, term or fill, the disk, and how many samples are to be kept before; early: term before
// it is time to keep anything; twice, ctrl-c: the same, and another signal while it saves; never: term, where nothing can be kept; or publish, when the files of all stages have
// their names.
const stopVar = "AUDIOSEP_TEST_STOP"

// repeated are the signals that follow SIGTERM before what is done is saved.
var repeated = map[string][]syscall.Signal{"early": nil, "twice": {syscall.SIGTERM, syscall.SIGTERM, syscall.SIGHUP}, "ctrl-c": {syscall.SIGINT}}

func init() {
	var how string
	var samples int
	if n, _ := fmt.Sscan(os.Getenv(stopVar), &how, &samples); n == 0 {
		return
	}
	whenKept = func(ctx, work context.Context, o *pipeline.Options) {
		if how == "publish" {
			o.With = append(o.With, killer{})
			return
		}
		point := o.Checkpoint
		o.Checkpoint = func(stage string) audiosep.Checkpoint {
			if stage != "write_audio" {
				return point(stage)
			}
			return &stopping{Checkpoint: point(stage), ctx: ctx, work: work, how: how, at: samples}
		}
	}
}

// killer ends the process when all stages have committed.
type killer struct{}

func (killer) Commit(context.Context) error {
	syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

// stopping is a checkpoint at which the process stops, when more has been written than is kept.
type stopping struct {
	audiosep.Checkpoint
	ctx    context.Context // done when the process is told to stop
	work   context.Context // done when the run is to end
	how    string
	at     int
	kept   int
	filled bool
}

func (s *stopping) Save(state []byte) error {
	var seam struct{ Samples int }
	json.Unmarshal(state, &seam)
	err := s.Checkpoint.Save(state)
	s.kept = seam.Samples
	return err
}

func (s *stopping) Cannot(why string) {
	s.Checkpoint.Cannot(why)
	if s.how == "never" {
		lastSave = time.Minute // it is not waited for: nothing would be saved
		syscall.Kill(os.Getpid(), syscall.SIGTERM)
		<-s.work.Done()
	}
}

func (s *stopping) Due() bool {
	if again, ok := repeated[s.how]; ok {
		if again != nil { // it is the signals that are tried, not how busy the machine is
			lastSave = time.Minute
		}
		syscall.Kill(os.Getpid(), syscall.SIGTERM)
		for !s.Checkpoint.Due() {
			time.Sleep(time.Millisecond)
		}
		for _, sig := range again {
			syscall.Kill(os.Getpid(), sig)
		}
		s.how = "stopped"
		return true
	}
	if s.kept == 0 || s.kept < s.at {
		return s.Checkpoint.Due()
	}
	switch s.how {
	case "kill":
		killer{}.Commit(s.ctx)
	case "halt":
		syscall.Kill(os.Getpid(), syscall.SIGSTOP)
		select {}
	case "term":
		syscall.Kill(os.Getpid(), syscall.SIGTERM)
		<-s.ctx.Done()
		s.how = "stopped"
	case "stopped": // a second signal would end it at once
		<-s.work.Done()
	case "fill":
		if f, err := os.Create(filepath.Join(s.Dir(), "..", "..", "..", "filler")); err == nil {
			for err == nil && !s.filled {
				_, err = f.Write(make([]byte, 4096))
			}
			f.Close()
		}
		s.filled = true
	}
	return s.Checkpoint.Due()
}

// resumable is a run that is killed.
type resumable struct {
	t       *testing.T
	dir     string
	samples int
	args    []string
}

// newResumable writes some seconds of stereo and a pipeline of these stages, into a folder whose name must
// not be taken for a pattern.
func newResumable(t *testing.T, seconds int, stages string) *resumable {
	t.Helper()
	const rate = 8000
	r := &resumable{t: t, dir: filepath.Join(t.TempDir(), "song [1]"), samples: rate * seconds}
	if err := os.Mkdir(r.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(3, 4))
	s := &audiosep.Signal{Rate: rate, Channels: 2, Data: [][]float64{make([]float64, r.samples), make([]float64, r.samples)}}
	for i := range r.samples {
		x := float64(i) / rate
		a, b := 0.3*math.Sin(2*math.Pi*440*x)*math.Abs(math.Sin(3*x)), 0.2*math.Sin(2*math.Pi*900*x)*math.Abs(math.Cos(2*x))
		s.Data[0][i], s.Data[1][i] = a+b/2+0.01*rng.NormFloat64(), a/2+b+0.01*rng.NormFloat64()
	}
	if err := audio.WriteFile(filepath.Join(r.dir, "in.wav"), s, "int16"); err != nil {
		t.Fatal(err)
	}
	r.write("pipeline.json", `{"audiosep": 1, "seed": 1, "stages": [{"use": "read_audio", "params": {"files": ["in.wav"]}}, `+stages+`]}`)
	r.args = []string{"run", filepath.Join(r.dir, "pipeline.json"), "--no-cache", "--block", "16"}
	return r
}

func (r *resumable) write(name, text string) {
	if err := os.WriteFile(filepath.Join(r.dir, name), []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// command returns the command that runs it into a folder.
func (r *resumable) command(out string, more ...string) *exec.Cmd {
	return program(r.t, append(append(r.args[:len(r.args):len(r.args)], "--out", filepath.Join(r.dir, out)), more...)...)
}

// goOn returns that of a run that keeps all that it does, at once.
func (r *resumable) goOn(more ...string) *exec.Cmd {
	return r.command("out", append([]string{"--resume", "--resume-every", "0s"}, more...)...)
}

// must runs a command that is to end so, and returns what it said.
func (r *resumable) must(cmd *exec.Cmd, code int) string {
	r.t.Helper()
	text, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != code {
		r.t.Fatalf("%v: %v\n%s\nwant exit code %d", cmd.Args, err, text, code)
	}
	return string(text)
}

// kept is how many samples are kept.
func (r *resumable) kept() int { return keptIn(filepath.Join(r.dir, "out")) }

// keptIn is how many samples a run that writes into dir has kept.
func keptIn(dir string) int {
	var s struct{ Samples int }
	for _, path := range whole.Named(dir, resume.Prefix+"*", "stage-write_audio", "state") {
		text, _ := os.ReadFile(path)
		if _, state, ok := bytes.Cut(text, []byte("\n")); ok {
			json.Unmarshal(state, &s)
		}
	}
	return s.Samples
}

// stop returns the command that goes on until it stops itself, as stopVar says.
func (r *resumable) stop(how string, samples int, more ...string) *exec.Cmd {
	cmd := r.goOn(more...)
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d", stopVar, how, samples))
	return cmd
}

// kill runs it until it kills itself, behind so many samples that are kept.
func (r *resumable) kill(how string, samples int) {
	r.t.Helper()
	cmd := r.stop(how, samples)
	text, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil || !cmd.ProcessState.Sys().(syscall.WaitStatus).Signaled() {
		r.t.Fatalf("%v\n%s\nwant it killed", err, text)
	}
}

// buildLine is what only the record of a run with --resume has.
var buildLine = regexp.MustCompile(`\n *"build": ".*",`)

// same says what differs from a run without --resume that nobody killed.
func (r *resumable) same() {
	r.t.Helper()
	r.must(r.command("whole"), exitOK)
	want, got := contents(r.t, filepath.Join(r.dir, "whole")), contents(r.t, filepath.Join(r.dir, "out"))
	for name, text := range want {
		if buildLine.ReplaceAllString(got[name], "") != text {
			r.t.Errorf("%s differs", name)
		}
	}
	if len(got) != len(want) || len(want) < 3 {
		r.t.Errorf("%d files; want %d", len(got), len(want))
	}
}

// However often a run is killed, it goes on where it was, and in the end no byte differs from one
// that nobody killed, the record's among them.
func TestResumeSurvivesKills(t *testing.T) {
	for name, stages := range map[string]string{
		"hour": `{"use": "frame", "params": {"length": 512, "overlap": 0.75, "window": "hann"}}, {"use": "stft"},
			{"use": "online_nmf", "params": {"rank": 3, "warm": 20}}, {"use": "activations", "params": {"iterations": 10}}, {"use": "wiener"},
			{"use": "write_audio", "params": {"format": "flac"}}`,
		"iva": `{"use": "frame", "params": {"length": 512, "overlap": 0.75, "window": "hann"}}, {"use": "stft"},
			{"use": "iva", "params": {"iterations": 5, "learn_for": 2}}, {"use": "write_audio", "params": {"encoding": "int24", "two": "1"}}`,
		"hpss": `{"use": "frame", "params": {"length": 512, "overlap": 0.75, "window": "hann"}}, {"use": "stft"},
			{"use": "hpss"}, {"use": "write_audio", "params": {"format": "aiff", "encoding": "float32"}}`,
		"denoise": `{"use": "denoise", "params": {"channels": "shared"}}, {"use": "write_audio"}`,
	} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && name != "hour" {
				t.Skip("others are for the full run")
			}
			r := newResumable(t, 4, stages)
			rng := rand.New(rand.NewPCG(5, 6))
			at := 0
			for part := range 2 {
				at = max(at, (r.samples*part+rng.IntN(r.samples))/3)
				if r.kill("kill", at); r.kept() < at || r.kept() == r.samples {
					t.Errorf("%d samples are kept; want at least %d of %d", r.kept(), at, r.samples)
				}
			}
			r.must(r.goOn(), exitOK)
			r.same()
		})
	}
}

const resumedHPSS = `{"use": "frame", "params": {"length": 512, "overlap": 0.75, "window": "hann"}}, {"use": "stft"}, {"use": "hpss"}, {"use": "write_audio"}`

// What is kept is of one run alone: with other parameters or where the input has changed it is left
// as it is, and with damage it is not used.
func TestResumeOfAnother(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts the program many times")
	}
	r := newResumable(t, 4, resumedHPSS)
	r.kill("kill", r.samples/3)
	kept := r.kept()
	other := r.goOn("--set", "hpss.frames=9", "--set", "write_audio.pattern=other-{source}")
	if said := r.must(other, exitOK); !strings.Contains(said, "other parameters") {
		t.Errorf("%s\nwant to be told of other parameters", said)
	}
	if r.kept() != kept {
		t.Errorf("%d samples are kept; want %d, as before the other run", r.kept(), kept)
	}
	// A state that was torn, with a part that was lost.
	states := whole.Named(filepath.Join(r.dir, "out"), resume.Prefix+"*", "stage-write_audio", "state")
	if err := os.Truncate(states[0], 70); err != nil {
		t.Fatal(err)
	}
	if said := r.must(r.goOn(), exitOK); !strings.Contains(said, "damaged") {
		t.Errorf("%s\nwant to be told of damage", said)
	}
	os.RemoveAll(filepath.Join(r.dir, "out"))
	r.kill("kill", r.samples/3)
	text, err := os.ReadFile(filepath.Join(r.dir, "in.wav"))
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/2] ^= 1
	r.write("in.wav", string(text))
	if said := r.must(r.goOn(), exitOK); !strings.Contains(said, "in.wav has changed") {
		t.Errorf("%s\nwant to be told that the input has changed", said)
	}
	left := whole.Named(filepath.Join(r.dir, "out"), resume.Prefix+"*")
	if len(left) != 1 {
		t.Fatalf("%v are left; want the folder of the first run alone", left)
	}
	os.RemoveAll(left[0])
	r.same()
}

// Two processes do not do one run at once, and parts that were lost are told.
func TestResumeHostile(t *testing.T) {
	r := newResumable(t, 4, resumedHPSS)
	cmd := r.stop("halt", 0)
	var told bytes.Buffer
	cmd.Stderr = &told
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(cmd.Process.Pid, &status, syscall.WUNTRACED, nil); err != nil || !status.Stopped() {
		t.Fatalf("%v, status %#x\n%s\nwant it stopped", err, status, told.String())
	}
	if said := r.must(r.goOn(), exitFailed); !strings.Contains(said, "another process does this run") {
		t.Errorf("%s\nwant to be told of another process", said)
	}
	cmd.Process.Signal(syscall.SIGKILL)
	cmd.Wait()
	parts := whole.Named(filepath.Join(r.dir, "out"), resume.Prefix+"*", "stage-write_audio", "2.part")
	if err := os.Truncate(parts[0], 50); err != nil {
		t.Fatal(err)
	}
	if said := r.must(r.goOn(), exitFailed); !strings.Contains(said, "has 50 bytes") || !strings.Contains(said, "remove") {
		t.Errorf("%s\nwant to be told what is lost, and what to remove", said)
	}
	os.RemoveAll(filepath.Dir(filepath.Dir(parts[0])))
	r.must(r.goOn(), exitOK)
	r.same()
}

// What the first part of a run warned of stands in the record of all of it: here that samples are far beyond
// full scale, which only whoever reads the beginning sees.
func TestResumeWarnings(t *testing.T) {
	r := newResumable(t, 4, strings.Replace(resumedHPSS, `{"use": "write_audio"}`, `{"use": "write_audio", "params": {"encoding": "float32"}}`, 1))
	s := &audiosep.Signal{Rate: 8000, Channels: 1, Data: [][]float64{make([]float64, r.samples)}}
	s.Data[0][100] = 100
	if err := audio.WriteFile(filepath.Join(r.dir, "in.wav"), s, "float32"); err != nil {
		t.Fatal(err)
	}
	r.kill("kill", r.samples/2)
	if said := r.must(r.goOn(), exitOK); strings.Contains(said, "far beyond") {
		t.Errorf("%s\nwant the second part not to read the beginning", said)
	}
	if text := contents(t, filepath.Join(r.dir, "out"))["audiosep.json"]; !strings.Contains(text, "far beyond") {
		t.Errorf("%s\nwant the warning of the first part", text)
	}
	r.same()
}

// Of several inputs those that an earlier part of the command has done are not done again, and the one in hand
// goes on, with no warning of the others'. What has been changed since is not taken for done.
func TestResumeSeveral(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts the program many times")
	}
	r := newResumable(t, 2, resumedHPSS)
	sound, err := os.ReadFile(filepath.Join(r.dir, "in.wav"))
	if err != nil {
		t.Fatal(err)
	}
	var inputs []string
	for _, name := range []string{"a.wav", "b.wav", "c.wav"} {
		sound[len(sound)-1-len(inputs)] ^= 1
		r.write(name, string(sound))
		inputs = append(inputs, "-i", filepath.Join(r.dir, name))
	}
	r.must(r.goOn("-i", inputs[1], "-i", filepath.Join(r.dir, "none.wav")), exitFailed) // a is done
	r.args = append(r.args, inputs...)
	cmd := r.stop("kill", r.samples/2)
	text, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(text), "done before") || r.kept() < r.samples/2 {
		t.Fatalf("%v, %d samples kept\n%s\nwant a told as done, and b killed", err, r.kept(), text)
	}
	if said := r.must(r.goOn(), exitOK); strings.Count(said, "done before") != 1 || strings.Contains(said, "cannot go on") || !strings.Contains(said, "goes on where") {
		t.Errorf("%s\nwant a done before, and b gone on with", said)
	}
	if said := r.must(r.goOn(), exitOK); strings.Count(said, "done before") != 3 {
		t.Errorf("%s\nwant all done before", said)
	}
	r.same()
	about := filepath.Join("out", "c.audiosep.json")
	text, err = os.ReadFile(filepath.Join(r.dir, about))
	if err != nil {
		t.Fatal(err)
	}
	r.write(about, strings.Replace(string(text), `"build": "`, `"build": "another `, 1))
	if said := r.must(r.goOn(), exitFailed); strings.Count(said, "done before") != 2 || !strings.Contains(said, "c-harmonic.wav exists already") {
		t.Errorf("%s\nwant what another build of the program has made not to be taken for done", said)
	}
	r.write(about, string(text))
	r.write(filepath.Join("out", "b-harmonic.wav"), "changed")
	if said := r.must(r.goOn(), exitFailed); strings.Count(said, "done before") != 2 || !strings.Contains(said, "b-harmonic.wav exists already") {
		t.Errorf("%s\nwant b not to be taken for done", said)
	}
	if said := r.must(r.goOn("--set", "hpss.margin=2"), exitFailed); strings.Contains(said, "done before") {
		t.Errorf("%s\nwant nothing of other parameters taken for done", said)
	}
}

// A folder that another input of the same command has left is gone on with in its turn, and not warned of.
func TestResumeSiblings(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts the program many times")
	}
	r := newResumable(t, 2, resumedHPSS)
	sound, err := os.ReadFile(filepath.Join(r.dir, "in.wav"))
	if err != nil {
		t.Fatal(err)
	}
	sound[len(sound)-1] ^= 1
	r.write("z.wav", string(sound))
	one, other := filepath.Join(r.dir, "in.wav"), filepath.Join(r.dir, "z.wav")
	cmd := r.stop("kill", r.samples/2, "-i", other)
	if text, err := cmd.CombinedOutput(); err == nil {
		t.Fatalf("%s\nwant it killed", text)
	}
	if said := r.must(r.goOn("-i", one, "--set", "write_audio.pattern=x-{source}"), exitOK); !strings.Contains(said, "cannot go on") {
		t.Errorf("%s\nwant to be told of the folder by another command", said)
	}
	if said := r.must(r.goOn("-i", one, "-i", other), exitOK); strings.Contains(said, "cannot go on") || !strings.Contains(said, "goes on where") {
		t.Errorf("%s\nwant z to go on, and no warning of its folder", said)
	}
}

// SIGTERM before it was time to keep anything keeps what is done all the same; where nothing can be kept that is
// what is said.
func TestResumeStoppedEarly(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts the program many times")
	}
	r := newResumable(t, 4, resumedHPSS)
	early := r.command("out", "--resume", "--resume-every", "1h")
	early.Env = append(os.Environ(), stopVar+"=early 0")
	if said := r.must(early, batch.ExitStopped); r.kept() == 0 || r.kept() == r.samples || !strings.Contains(said, "stopped; the same command goes on") ||
		!strings.Contains(said, "stopping: the stage at work keeps where it is, for at most 2s") {
		t.Errorf("%d samples are kept\n%s\nwant some, and to be told that it stops and goes on", r.kept(), said)
	}
	r.must(r.goOn(), exitOK)
	r.same()
	r = newResumable(t, 4, resumedHPSS+`, {"id": "more", "use": "write_audio", "in": {"sources": "hpss"}, "params": {"pattern": "more-{source}"}}`)
	never := r.command("out", "--resume")
	never.Env = append(os.Environ(), stopVar+"=never 0")
	if said := r.must(never, batch.ExitStopped); strings.Contains(said, "stopping: ") || !strings.Contains(said, "stopped; nothing was kept yet: the same command begins anew\n") {
		t.Errorf("%s\nwant no wait, and to be told that nothing is kept", said)
	}
	if left := whole.Named(filepath.Join(r.dir, "out"), "*"); len(left) > 0 {
		t.Errorf("%v are left", left)
	}
}

// A scheduler may say SIGTERM more than once: what is done is saved all the same. Ctrl-C does not wait for it.
func TestResumeStoppedTwice(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts the program many times")
	}
	r := newResumable(t, 4, resumedHPSS)
	command := func(how string) *exec.Cmd {
		cmd := r.command("out", "--resume", "--resume-every", "1h")
		cmd.Env = append(os.Environ(), stopVar+"="+how+" 0")
		return cmd
	}
	if said := r.must(command("twice"), batch.ExitStopped); r.kept() == 0 || r.kept() == r.samples {
		t.Fatalf("%d samples are kept\n%s\nwant some", r.kept(), said)
	}
	r.must(r.goOn(), exitOK)
	r.same()
	if signal.Ignored(os.Interrupt) {
		t.Skip("Ctrl-C is ignored here")
	}
	os.RemoveAll(filepath.Join(r.dir, "out"))
	cmd := command("ctrl-c")
	if text, err := cmd.CombinedOutput(); err == nil || cmd.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGINT {
		t.Errorf("%v\n%s\nwant it to end at once", err, text)
	}
}

// A command that is told to stop between two inputs says before which; nothing was interrupted.
func TestResumeStoppedBetween(t *testing.T) {
	err, code := (&resumeFlags{on: true}).stoppedBefore("b.wav", context.Canceled), (*codeError)(nil)
	if want := "stopped before b.wav; the same command goes on"; err.Error() != want || !errors.As(err, &code) || code.code != batch.ExitStopped {
		t.Errorf("%v; want %s, and exit code %d", err, want, batch.ExitStopped)
	}
	if err := (&resumeFlags{}).stoppedBefore("b.wav", context.Canceled); !errors.Is(err, context.Canceled) {
		t.Errorf("%v; want what stopped it, where nothing goes on", err)
	}
}

// SIGTERM stops a run so that it can go on. One that was killed while its files appeared takes back
// those that had; what somebody else has put there stays.
func TestResumeStopped(t *testing.T) {
	r := newResumable(t, 4, resumedHPSS)
	if said := r.must(r.stop("term", 0, "--progress", "json"), batch.ExitStopped); strings.Contains(said, "cancelled") || !strings.Contains(said, "the same command goes on") {
		t.Errorf("%s\nwant to be told that it goes on", said)
	}
	if r.kept() == 0 {
		t.Error("nothing is kept")
	}
	r.kill("publish", 0)
	if content := contents(t, filepath.Join(r.dir, "out")); content["in-harmonic.wav"] == "" {
		t.Error("it was killed before its files had their names")
	}
	r.must(r.goOn(), exitOK)
	r.same()
	if said := r.must(r.goOn(), exitOK); !strings.Contains(said, "done before") {
		t.Errorf("%s\nwant to be told that it is done", said)
	}
}

// Files of stages that keep nothing are taken back too, and what was replaced is there again before
// the next run does anything.
func TestResumePublishing(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts the program many times")
	}
	r := newResumable(t, 1, resumedHPSS+`, {"id": "more", "use": "write_audio", "in": {"sources": "hpss"}, "params": {"pattern": "more-{source}"}}`)
	r.args = append(r.args, "--overwrite")
	r.must(r.command("out"), exitOK)
	old := contents(t, filepath.Join(r.dir, "out"))
	for name := range old {
		if strings.HasSuffix(name, ".wav") {
			old[name] = "old"
			r.write(filepath.Join("out", name), "old")
		}
	}
	r.kill("publish", 0)
	for name, text := range old {
		if got := contents(t, filepath.Join(r.dir, "out")); text == "old" && got[name] == text {
			t.Errorf("%s is as before; want it replaced when the run is killed", name)
		}
	}
	r.must(r.goOn("--memory", "1"), exitFailed)
	got := contents(t, filepath.Join(r.dir, "out"))
	for name, text := range old {
		if got[name] != text {
			t.Errorf("%s is not what it was before the run that was killed", name)
		}
	}
	r.must(r.goOn(), exitOK)
	r.same()
}

// A full disk ends the run, though there are more recordings, and with more space it goes on.
func TestResumeFullDisk(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts the program many times")
	}
	r := newResumable(t, 4, resumedHPSS)
	in, other := filepath.Join(r.dir, "in.wav"), filepath.Join(r.dir, "other.wav")
	sound, err := os.ReadFile(in)
	if err != nil {
		t.Fatal(err)
	}
	r.write("other.wav", string(sound))
	small := filepath.Join(r.dir, "small")
	if err := os.Mkdir(small, 0o700); err != nil {
		t.Fatal(err)
	}
	script := `mount -t tmpfs -o size=1m none "$1" || exit 77
AUDIOSEP_TEST_STOP="fill 0" "$0" run "$2" -i "$4" -i "$5" --out "$1/out" --resume --resume-every 0s --no-cache --block 16 -q; echo "code $?"
rm "$1/filler"
"$0" run "$2" -i "$4" -i "$5" --out "$1/out" --resume --no-cache --block 16 -q; echo "then $?"
ls "$1/out"; cp "$1"/out/* "$3"`
	link := filepath.Join(r.dir, "audiosep")
	if err := os.Symlink(program(t).Path, link); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(r.dir, "out"), 0o700); err != nil {
		t.Fatal(err)
	}
	text, err := exec.Command("unshare", "--mount", "--map-root-user", "sh", "-c", script, link, small, filepath.Join(r.dir, "pipeline.json"), filepath.Join(r.dir, "out"), in, other).CombinedOutput()
	if err != nil && !strings.Contains(string(text), "code ") {
		t.Skipf("there may be no small disk made here: %v: %s", err, text)
	}
	if out := string(text); !strings.Contains(out, fmt.Sprintf("code %d", batch.ExitStopped)) || !strings.Contains(out, "then 0") {
		t.Fatalf("%s\nwant exit code %d, then 0", out, batch.ExitStopped)
	}
	r.must(r.command("whole"), exitOK)
	got := contents(t, filepath.Join(r.dir, "out"))
	for name, want := range contents(t, filepath.Join(r.dir, "whole")) {
		if strings.HasSuffix(name, ".wav") && (got[name] != want || got[strings.Replace(name, "in", "other", 1)] != want) {
			t.Errorf("%s differs, of one recording or of the same under another name", name)
		}
	}
}

// BenchmarkHourResumed separates harmonic from percussive sound of an hour, is killed in the middle,
// and goes on: the most memory of both processes, and the processor time of both together.
func BenchmarkHourResumed(b *testing.B) {
	dir := b.TempDir()
	program, song, out := filepath.Join(dir, "audiosep"), filepath.Join(dir, "song.wav"), filepath.Join(dir, "out")
	command(b, "go", "build", "-o", program, ".")
	writeSong(b, song, 3600*hours(b))
	args := []string{"run", "../../examples/hpss/pipeline.json", "-q", "--no-cache", "--resume", "--input", song, "--out", out, "--only", "harmonic"}
	for b.Loop() {
		cmd := exec.Command(program, args...)
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		for keptIn(out) < given(b, "AUDIOSEP_RATE", 44100)*1800*hours(b) {
			select {
			case err := <-ended:
				b.Fatalf("%v; want it to run until it is killed", err)
			case <-time.After(time.Second):
			}
		}
		cmd.Process.Kill()
		<-ended
		done := command(b, program, args...).ProcessState
		first, _ := mostMemory(cmd.ProcessState)
		most, _ := mostMemory(done)
		b.ReportMetric(float64(max(first, most))/(1<<20), "MiB-resident")
		b.ReportMetric((cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(), "processor-s-killed")
		b.ReportMetric((done.UserTime() + done.SystemTime()).Seconds(), "processor-s-after")
		os.RemoveAll(out)
	}
}
