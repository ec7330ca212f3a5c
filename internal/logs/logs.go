// Package logs keeps what is logged, on its way to where it goes.
package logs

import (
	"context"
	"log/slog"
	"slices"
)

// Keep returns a logger that hands everything on to log, and what is of the level or above, whether
// or not log takes it, to keep too, with the attributes that the logger adds. keep may be called
// from several goroutines at once.
func Keep(log *slog.Logger, level slog.Level, keep func(r slog.Record, attrs []slog.Attr)) *slog.Logger {
	return slog.New(&keeper{Handler: log.Handler(), level: level, keep: keep})
}

type keeper struct {
	slog.Handler
	level slog.Level
	keep  func(slog.Record, []slog.Attr)
	attrs []slog.Attr
}

func (k *keeper) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &keeper{k.Handler.WithAttrs(attrs), k.level, k.keep, slices.Concat(k.attrs, attrs)}
}

func (k *keeper) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= k.level || k.Handler.Enabled(ctx, l)
}

func (k *keeper) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= k.level {
		k.keep(r, k.attrs)
	}
	if !k.Handler.Enabled(ctx, r.Level) {
		return nil
	}
	return k.Handler.Handle(ctx, r)
}
