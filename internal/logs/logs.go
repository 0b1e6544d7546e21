// Package logs writes the program's log so that it can neither betray a secret
// nor hold anybody up.
//
// Every text in a line, wherever it is nested, passes a redactor before it is
// formatted: the message, the names and values of attributes, errors, what
// implements fmt.Stringer or slog.LogValuer, and the fields of structs, maps and
// slices. A value whose name says that it is secret is masked whatever it looks
// like. Lines then wait in a bounded buffer for a goroutine that writes them, so
// that a stuck terminal or pipe costs log lines and not answers.
//
// The package does not decide what is worth a line, rotate files, or keep lines
// that could not be written.
package logs

import (
	"io"
	"log/slog"
	"time"

	"github.com/diagbot/diagbot/troubleshoot"
)

// The limits of what waits to be written, and of a single text in a line.
const (
	MaxLines = 4096    // lines waiting
	MaxBytes = 1 << 20 // bytes of lines waiting
	MaxText  = 8 << 10 // bytes of one message or value; the rest is cut off
)

// Grace is how long Close waits for what is still to be written.
const Grace = 3 * time.Second

// Options say what is written and how.
type Options struct {
	Level slog.Leveler // the least level written; nil: info
	JSON  bool         // one JSON object a line instead of name=value pairs

	// Redactor knows the exact secrets. Nil knows the patterns only.
	Redactor *troubleshoot.Redactor

	Lines int // lines that may wait; 0: MaxLines
	Bytes int // bytes that may wait; 0: MaxBytes
}

// New returns a logger that writes to w, and the Output behind it, which is to
// be closed when nothing is logged any more. Logging never blocks on w and never
// fails; w is written to by one goroutine, with one or more whole lines at a time.
func New(w io.Writer, o Options) (*slog.Logger, *Output) {
	if o.Level == nil {
		o.Level = slog.LevelInfo
	}
	out := newOutput(w, o)
	h := &handler{
		redactor: &redactor{exact: o.Redactor},
		chatty:   o.format(lane{out, chatty}),
		grave:    o.format(lane{out, grave}),
	}
	return slog.New(h), out
}

// format returns the handler that turns records into lines.
func (o Options) format(w io.Writer) slog.Handler {
	options := &slog.HandlerOptions{Level: o.Level}
	if o.JSON {
		return slog.NewJSONHandler(w, options)
	}
	return slog.NewTextHandler(w, options)
}
