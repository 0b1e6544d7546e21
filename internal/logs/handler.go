package logs

import (
	"context"
	"log/slog"
)

// handler redacts records and hands them to one of two formatters, which differ
// only in what becomes of their lines when the buffer is full.
type handler struct {
	redactor *redactor
	chatty   slog.Handler // below warning
	grave    slog.Handler // warnings and above
}

// Enabled reports whether the level is written.
func (h *handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.grave.Enabled(ctx, level)
}

// Handle redacts the record and queues its line.
func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	clean := slog.NewRecord(r.Time, r.Level, h.redactor.text(r.Message), r.PC)
	var space [8]slog.Attr
	attrs := space[:0]
	r.Attrs(func(a slog.Attr) bool {
		attrs = append(attrs, h.redactor.attr(a))
		return true
	})
	clean.AddAttrs(attrs...)
	if r.Level < slog.LevelWarn {
		return h.chatty.Handle(ctx, clean)
	}
	return h.grave.Handle(ctx, clean)
}

// WithAttrs returns a handler whose lines all carry attrs.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	clean := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		clean[i] = h.redactor.attr(a)
	}
	return &handler{h.redactor, h.chatty.WithAttrs(clean), h.grave.WithAttrs(clean)}
}

// WithGroup returns a handler that puts what follows into a group.
func (h *handler) WithGroup(name string) slog.Handler {
	name = h.redactor.text(name)
	return &handler{h.redactor, h.chatty.WithGroup(name), h.grave.WithGroup(name)}
}
