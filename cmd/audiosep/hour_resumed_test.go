//go:build unix

package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// BenchmarkHourOnlineResumed has IS-NMF in batches separate an hour at once, then with --resume, where it is killed in
// the middle of learning, of finding activations and of writing. It wants the same bytes, progress that never falls
// within a part. It tells the most memory that any process held, the processor time of the run at once, and that of all
// parts together, which is little more where each begins with what the earlier ones have kept.
func BenchmarkHourOnlineResumed(b *testing.B) {
	dir := b.TempDir()
	program, song := filepath.Join(dir, "audiosep"), filepath.Join(dir, "song.wav")
	command(b, "go", "build", "-o", program, ".")
	writeSong(b, song, 3600*hours(b))
	args := []string{"run", "../../examples/model/hour.json", "--no-cache", "--progress", "json", "--only", "1", "--input", song, "--out"}
	for b.Loop() {
		whole, parts := filepath.Join(dir, "whole"), filepath.Join(dir, "parts")
		once := stepped{b: b}
		once.run(exec.Command(program, append(args, whole)...), "")
		again := stepped{b: b}
		goesOn := append(args, parts, "--resume", "--resume-every", "1s")
		for _, stage := range []string{"online_nmf", "activations", "write_audio", ""} {
			again.run(exec.Command(program, goesOn...), stage)
		}
		if sumOf(b, filepath.Join(whole, "song-1.wav")) != sumOf(b, filepath.Join(parts, "song-1.wav")) {
			b.Error("the stem of the run that was killed has other bytes")
		}
		b.ReportMetric(float64(max(once.most, again.most))/(1<<20), "MiB-resident")
		b.ReportMetric(once.took.Seconds(), "processor-s")
		b.ReportMetric(again.took.Seconds(), "processor-s-killed")
		os.RemoveAll(whole)
		os.RemoveAll(parts)
	}
}

// stepped is a run in one or more parts, and what became of it.
type stepped struct {
	b    *testing.B
	most int64         // bytes that a process held
	took time.Duration // of processors
}

// run runs a part, which is killed when a stage is in its middle; "": it runs to its end.
func (s *stepped) run(cmd *exec.Cmd, until string) {
	s.b.Helper()
	errs, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		s.b.Fatal(err)
	}
	killed := s.follow(errs, until, cmd.Process)
	if err := cmd.Wait(); (err != nil) != killed || killed != (until != "") {
		s.b.Fatalf("%v; want it killed in the middle of %q alone", err, until)
	}
	most, _ := mostMemory(cmd.ProcessState)
	s.most = max(s.most, most)
	s.took += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
}

// follow reads lines of progress until there are no more, and kills the process in the middle of a stage.
func (s *stepped) follow(from io.Reader, until string, p *os.Process) (killed bool) {
	now := map[string]int{}
	for lines := bufio.NewScanner(from); lines.Scan(); {
		var step struct {
			Stage, Level, Msg string
			Done, Of          int
		}
		if json.Unmarshal(lines.Bytes(), &step) != nil || step.Of == 0 {
			if step.Level == "WARN" || step.Level == "ERROR" {
				s.b.Error(lines.Text())
			}
			continue
		}
		if before := now[step.Stage]; step.Done < before || step.Done > step.Of {
			s.b.Errorf("%s is at %d of %d after %d", step.Stage, step.Done, step.Of, before)
		}
		now[step.Stage] = step.Done
		if step.Stage == until && !killed && 2*step.Done > step.Of {
			killed = p.Kill() == nil
		}
	}
	return killed
}

// sumOf returns the SHA-256 of a file.
func sumOf(b *testing.B, path string) (sum [sha256.Size]byte) {
	b.Helper()
	f, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		b.Fatal(err)
	}
	return [sha256.Size]byte(h.Sum(nil))
}
