package report

import (
	"encoding/json"
	"log/slog"
	"math"
	"path/filepath"

	"github.com/audiosep/audiosep/internal/logs"
)

// Log returns a logger that hands everything on to log, and keeps what the stages say, but for
// what is said to find faults alone, as lines of log.jsonl.
func (r *Report) Log(log *slog.Logger) *slog.Logger {
	r.log = logs.Keep(log, slog.LevelInfo, r.say)
	return r.log
}

// say keeps a line {"stage", "level", "message", …}, without the time, so that runs can be
// compared. Files are told relative to the report's folder.
func (r *Report) say(rec slog.Record, attrs []slog.Attr) {
	line := map[string]any{"level": rec.Level.String(), "message": rec.Message}
	each := func(a slog.Attr) bool {
		v := a.Value.Resolve().Any()
		switch x := v.(type) {
		case float64:
			if math.IsNaN(x) || math.IsInf(x, 0) {
				v = a.Value.String()
			}
		case string:
			if rel, err := filepath.Rel(r.dir, x); err == nil && filepath.IsAbs(x) {
				v = filepath.ToSlash(rel)
			}
		case int, int64, uint64, bool:
		default:
			v = a.Value.String()
		}
		line[a.Key] = v
		return true
	}
	for _, a := range attrs {
		each(a)
	}
	rec.Attrs(each)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.said == nil {
		f, err := r.create("log.jsonl")
		if err != nil {
			r.keep(err)
			return
		}
		r.said = f
	}
	text, err := json.Marshal(line)
	r.keep(err)
	r.page.Said = append(r.page.Said, string(text))
	_, err = r.said.Write(append(text, '\n'))
	r.keep(err)
}
