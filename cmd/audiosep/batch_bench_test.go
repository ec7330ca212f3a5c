//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
)

// BenchmarkBatchPlan plans AUDIOSEP_ITEMS recordings, 100 000 if it is not set, each of 20 ms and with samples of its
// own. It tells the seconds and the most memory that was held.
func BenchmarkBatchPlan(b *testing.B) {
	n := 100000
	fmt.Sscan(os.Getenv("AUDIOSEP_ITEMS"), &n)
	dir := b.TempDir()
	s := &audiosep.Signal{Rate: 8000, Channels: 1, Data: [][]float64{make([]float64, 160)}}
	for i := range n {
		s.Data[0][i%160] = float64(i%30000+1) / 32768
		path := filepath.Join(dir, fmt.Sprintf("d%d", i/1000), fmt.Sprintf("s%d.wav", i))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			b.Fatal(err)
		}
		if err := audio.WriteFile(path, s, "int16"); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		cmd := program(b, "batch", "plan", "../../examples/batch/pipeline.json", dir)
		out, err := os.Create(filepath.Join(b.TempDir(), "manifest.jsonl"))
		if err != nil {
			b.Fatal(err)
		}
		cmd.Stdout = out
		start := time.Now()
		if err := cmd.Run(); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(time.Since(start).Seconds(), "s")
		b.ReportMetric(float64(cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss)/1024, "MiB")
		out.Close()
	}
}

// BenchmarkBatch does 40 recordings of 30 s one after the other, then two at a time, and tells how much sooner two are
// done. Each process has one thread of its own either way.
func BenchmarkBatch(b *testing.B) {
	dir := b.TempDir()
	long := &audiosep.Signal{Rate: 16000, Channels: 1, Data: [][]float64{make([]float64, 30*16000)}}
	for i := range 40 {
		for k := range long.Data[0] {
			long.Data[0][k] = float64((k*(7919+i)+k*k%641)%2001-1000) / 4000
		}
		if err := os.MkdirAll(filepath.Join(dir, "in"), 0o777); err != nil {
			b.Fatal(err)
		}
		if err := audio.WriteFile(filepath.Join(dir, "in", fmt.Sprintf("s%d.wav", i)), long, "int16"); err != nil {
			b.Fatal(err)
		}
	}
	manifest := planned(b, "../../examples/batch/pipeline.json", filepath.Join(dir, "in"))
	for b.Loop() {
		one, two := runBatch(b, manifest, "1"), runBatch(b, manifest, "2")
		b.ReportMetric(one.Seconds()/two.Seconds(), "times-as-many")
	}
}

// BenchmarkBatchOverhead does 200 recordings of half a second by a batch, and each by a run of its own, and tells
// what the batch takes more for one of them.
func BenchmarkBatchOverhead(b *testing.B) {
	const n = 200
	dir := b.TempDir()
	manifest := chaosManifest(b, dir, n)
	for b.Loop() {
		batch := runBatch(b, manifest, "1")
		start := time.Now()
		for i := range n {
			cmd := program(b, "run", filepath.Join(dir, "pipeline.json"), "-q", "--input", filepath.Join(dir, "in", fmt.Sprintf("s%d.wav", i)), "--out", filepath.Join(b.TempDir(), "out"))
			cmd.Env = append(os.Environ(), "AUDIOSEP_CACHE=off", "GOMAXPROCS=1")
			if text, err := cmd.CombinedOutput(); err != nil {
				b.Fatalf("%v\n%s", err, text)
			}
		}
		b.ReportMetric((batch-time.Since(start)).Seconds()/n*1000, "ms/item-more")
	}
}

// planned returns the manifest of a folder.
func planned(b *testing.B, spec, in string) string {
	b.Helper()
	text, err := program(b, "batch", "plan", spec, in).Output()
	if err != nil {
		b.Fatal(err)
	}
	manifest := filepath.Join(b.TempDir(), "manifest.jsonl")
	if err := os.WriteFile(manifest, text, 0o600); err != nil {
		b.Fatal(err)
	}
	return manifest
}

// runBatch runs a manifest with so many items at a time, each on one processor, and returns how long that took.
func runBatch(b *testing.B, manifest, jobs string) time.Duration {
	b.Helper()
	cmd := program(b, "batch", "run", manifest, "--out", filepath.Join(b.TempDir(), "out"), "--jobs", jobs, "--progress", "none", "--no-cache")
	if jobs == "1" {
		cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	}
	start := time.Now()
	if text, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, text)
	}
	return time.Since(start)
}
