package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/pipeline"
)

// progress shows how far a run is. It is a pipeline.Watcher, and what logs write to.
type progress interface {
	pipeline.Watcher
	io.Writer
	close()
}

// addProgress adds the flag that says how progress is shown; how has its default.
func addProgress(cmd *cobra.Command, how *string) {
	cmd.Flags().StringVar(how, "progress", *how, "how far it is: a `bar`, lines in a log, json for programs, none, or auto: a bar on a terminal, else a log")
	cmd.RegisterFlagCompletionFunc("progress", cobra.FixedCompletions([]string{"auto", "bar", "log", "json", "none"}, cobra.ShellCompDirectiveNoFileComp))
}

// shownBy returns how progress is shown on w: auto is a bar on a terminal, and else a log.
func shownBy(how string, w io.Writer) string {
	if how != "auto" {
		return how
	}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return "bar"
	}
	return "log"
}

func newProgress(how string, w io.Writer) (progress, error) {
	switch how = shownBy(how, w); how {
	case "bar":
		return newBars(w), nil
	case "log":
		return &lines{Writer: w, every: 5 * time.Second, print: logLine}, nil
	case "json":
		return &lines{Writer: w, every: 100 * time.Millisecond, print: jsonLine}, nil
	case "none":
		return &lines{Writer: w, every: -1}, nil
	}
	return nil, fmt.Errorf("--progress is %q; want auto, bar, log, json or none", how)
}

// clock says how long a stage has been at work and how long it will be.
type clock struct {
	start, shown time.Time
	from         int // what was done when it started: by an earlier run, perhaps
}

func (c *clock) left(s audiosep.Step) time.Duration {
	if s.Done <= c.from {
		return 0
	}
	return time.Duration(float64(time.Since(c.start)) / float64(s.Done-c.from) * float64(s.Of-s.Done))
}

// lines prints a line now and then, and one at the end of each stage.
type lines struct {
	io.Writer
	every time.Duration // < 0: never
	print func(w io.Writer, stage string, s audiosep.Step, left time.Duration)

	mu     sync.Mutex
	clocks map[string]*clock
}

func (l *lines) Port(pipeline.Ref, audiosep.Cargo, any) {}
func (l *lines) close()                                 {}

func (l *lines) Step(stage string, s audiosep.Step) {
	if l.every < 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.clocks == nil {
		l.clocks = map[string]*clock{}
	}
	now := time.Now()
	c := l.clocks[stage]
	if c == nil {
		c = &clock{start: now, shown: now, from: s.Done}
		l.clocks[stage] = c
	}
	if s.Done < s.Of && now.Sub(c.shown) < l.every {
		return
	}
	c.shown = now
	l.print(l.Writer, stage, s, c.left(s))
	if s.Done >= s.Of {
		delete(l.clocks, stage)
	}
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Writer.Write(b)
}

func logLine(w io.Writer, stage string, s audiosep.Step, left time.Duration) {
	line := fmt.Sprintf("%s: %d of %d", stage, s.Done, s.Of)
	if !math.IsNaN(s.Objective) {
		line += fmt.Sprintf(", objective %.6g", s.Objective)
	}
	if s.Done < s.Of {
		line += fmt.Sprintf(", %s left", left.Round(time.Second))
	}
	fmt.Fprintln(w, line)
}

// jsonLine writes {"stage", "done", "of", "objective", "seconds_left"}.
func jsonLine(w io.Writer, stage string, s audiosep.Step, left time.Duration) {
	event := struct {
		Stage     string   `json:"stage"`
		Done      int      `json:"done"`
		Of        int      `json:"of"`
		Objective *float64 `json:"objective,omitempty"`
		Left      float64  `json:"seconds_left"`
	}{Stage: stage, Done: s.Done, Of: s.Of, Left: math.Round(left.Seconds()*10) / 10}
	if !math.IsNaN(s.Objective) {
		event.Objective = &s.Objective
	}
	b, _ := json.Marshal(event)
	w.Write(append(b, '\n'))
}

// bars shows a bar for each stage on a terminal.
type bars struct {
	*mpb.Progress
	mu   sync.Mutex
	bars map[string]*bar
}

type bar struct {
	*mpb.Bar
	mu        sync.Mutex
	objective float64
	clock     clock
	last      audiosep.Step
}

func newBars(w io.Writer) *bars {
	return &bars{Progress: mpb.New(mpb.WithOutput(w), mpb.WithWidth(40)), bars: map[string]*bar{}}
}

func (b *bars) Port(pipeline.Ref, audiosep.Cargo, any) {}

func (b *bars) Step(stage string, s audiosep.Step) {
	b.mu.Lock()
	one := b.bars[stage]
	if one == nil {
		one = &bar{objective: math.NaN(), clock: clock{start: time.Now(), from: s.Done}}
		one.Bar = b.AddBar(int64(s.Of),
			mpb.PrependDecorators(decor.Name(stage, decor.WCSyncSpaceR)),
			mpb.AppendDecorators(decor.CountersNoUnit("%d/%d", decor.WCSyncSpace), decor.Any(one.show, decor.WCSyncSpace),
				decor.OnComplete(decor.Any(one.left, decor.WCSyncSpace), "")))
		b.bars[stage] = one
	}
	b.mu.Unlock()
	one.mu.Lock()
	one.objective, one.last = s.Objective, s
	one.mu.Unlock()
	one.SetCurrent(int64(s.Done))
}

func (b *bar) show(decor.Statistics) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if math.IsNaN(b.objective) {
		return ""
	}
	return fmt.Sprintf("objective %.6g", b.objective)
}

// left is how long the stage will be.
func (b *bar) left(decor.Statistics) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.clock.left(b.last).Round(time.Second).String()
}

func (b *bars) close() {
	for _, one := range b.bars {
		if !one.Completed() { // a stage may stop early, or fail
			one.Abort(false)
		}
	}
	b.Wait()
}

// logHandler prints records for people: stage, level if it is a warning, message, values.
type logHandler struct {
	w     io.Writer
	level slog.Level
	attrs []slog.Attr
}

func newLog(w io.Writer, level slog.Level) slog.Handler { return &logHandler{w: w, level: level} }

// newWarnings returns a logger that writes warnings on w.
func newWarnings(w io.Writer) *slog.Logger { return slog.New(newLog(w, slog.LevelWarn)) }

func (h *logHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level }

func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	c.attrs = append(c.attrs[:len(c.attrs):len(c.attrs)], attrs...)
	return &c
}

func (h *logHandler) WithGroup(string) slog.Handler { return h }

// oneLine writes a value; what has control characters, such as the name of a file or an error with one,
// in quotes, so that none looks like lines of the log.
func oneLine(v slog.Value) string {
	s := v.String()
	if strings.ContainsFunc(s, unicode.IsControl) {
		return strconv.Quote(s)
	}
	return s
}

// lineEnds has messages stay on their line: an error in one may have a name with line ends.
var lineEnds = strings.NewReplacer("\r", " ", "\n", " ")

func (h *logHandler) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	var values strings.Builder
	each := func(a slog.Attr) bool {
		if a.Key == "stage" {
			b.WriteString(oneLine(a.Value) + ": ")
		} else if a.Value.Kind() == slog.KindFloat64 {
			fmt.Fprintf(&values, " %s=%.6g", a.Key, a.Value.Float64())
		} else {
			fmt.Fprintf(&values, " %s=%s", a.Key, oneLine(a.Value))
		}
		return true
	}
	for _, a := range h.attrs {
		each(a)
	}
	r.Attrs(each)
	if r.Level >= slog.LevelWarn {
		b.WriteString(strings.ToLower(r.Level.String()) + ": ")
	}
	b.WriteString(lineEnds.Replace(r.Message) + values.String() + "\n")
	_, err := io.WriteString(h.w, printable(b.String()))
	return err
}
