package main

import (
	"fmt"
	"io"
	"math"
	"sync"
	"time"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/pipeline"
)

// progress prints a line at the end of each run, and every few seconds of a long one.
type progress struct {
	w    io.Writer
	on   bool
	of   int // runs in all
	done int

	mu           sync.Mutex
	what         string
	began, shown time.Time
}

const every = 5 * time.Second

func newProgress(w io.Writer, on bool) *progress { return &progress{w: w, on: on} }

func (p *progress) begin(what string) {
	now := time.Now()
	p.done++
	p.what, p.began, p.shown = what, now, now
}

// Port is for a pipeline.Watcher; nothing that passes a port is shown.
func (p *progress) Port(pipeline.Ref, audiosep.Cargo, any) {}

// Step shows how far a long run is.
func (p *progress) Step(stage string, s audiosep.Step) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := time.Now(); p.on && now.Sub(p.shown) >= every {
		p.shown = now
		fmt.Fprintf(p.w, "%d of %d: %s: %s %d of %d", p.done, p.of, p.what, stage, s.Done, s.Of)
		if !math.IsNaN(s.Objective) {
			fmt.Fprintf(p.w, ", objective %.6g", s.Objective)
		}
		fmt.Fprintln(p.w)
	}
}

func (p *progress) end(gain float64) {
	if p.on {
		fmt.Fprintf(p.w, "%d of %d: %s: SI-SDR gain %.2f dB, %s\n", p.done, p.of, p.what, gain, time.Since(p.began).Round(100*time.Millisecond))
	}
}
