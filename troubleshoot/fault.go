// Package troubleshoot says what went wrong between a chat bot and the AI
// service behind it, and how to tell people.
//
// A failed call is observed ([Observation]), normalised into a [Fault],
// diagnosed against a catalogue of entries, and explained in the reader's
// language: short and without secrets to a user, in full to an admin. The
// package is a leaf: it knows nothing of bots, makes no network calls and reads
// no files but the catalogue embedded in it and, when asked, a directory of
// overrides.
package troubleshoot

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Source says which side of the bot a fault came from.
type Source string

// The sources.
const (
	SourceAPI    Source = "api"    // an AI service reached with an API key ("GPT error")
	SourceWeb    Source = "web"    // a ChatGPT web session behind a reverse proxy ("ChatGPT error")
	SourceWeChat Source = "wechat" // WeChat itself
	SourceBot    Source = "bot"    // the bot's own limits
)

// NetKind names how a connection failed; empty when it did not.
type NetKind string

// The network kinds.
const (
	NetDNS         NetKind = "dns"         // the name did not resolve
	NetRefused     NetKind = "refused"     // nothing listens at the address
	NetUnreachable NetKind = "unreachable" // no route to the address
	NetReset       NetKind = "reset"       // closed by the other side before an answer
	NetTimeout     NetKind = "timeout"     // our own deadline passed
	NetTLS         NetKind = "tls"         // handshake or certificate
	NetProxy       NetKind = "proxy"       // our egress proxy failed
	NetEOF         NetKind = "eof"         // the body ended early
	NetConfig      NetKind = "config"      // the request could not be made: bad URL, scheme or header
	NetDecode      NetKind = "decode"      // an answer came, but not the promised JSON
	NetOther       NetKind = "other"       // anything else on the wire
)

// Phase says how far the call had come.
type Phase string

// The phases, in the order a call passes them.
const (
	PhaseDial       Phase = "dial"
	PhaseTLS        Phase = "tls"
	PhaseHeaders    Phase = "headers"
	PhaseFirstToken Phase = "first_token"
	PhaseStream     Phase = "stream"
	PhaseTotal      Phase = "total" // the whole attempt or message ran out of time
	PhaseLogin      Phase = "login" // WeChat
	PhaseSync       Phase = "sync"  // WeChat
	PhaseSend       Phase = "send"  // WeChat
)

// Fault is the one error that crosses package borders: what is known of a
// failure, in fields that say who may read them. A Fault is classified once,
// where the foreign error is met, and is not changed afterwards.
type Fault struct {
	Source   Source
	Provider string // the configured name of the AI source; empty for WeChat and the bot
	Model    string // the model asked; empty if not known
	KeyName  string // the key's configured name or number, never the key

	Status       int     // HTTP status; 0 when no answer came
	Code         string  // the provider's own code, as text ("invalid_api_key", "1113")
	Type         string  // the provider's error type ("insufficient_quota")
	Param        string  // the request parameter the provider named
	Net          NetKind // how the connection failed
	Phase        Phase   // how far the call came
	FinishReason string  // "content_filter", "length" …, when generation stopped
	Ret          int     // WeChat's BaseResponse.Ret or iLink's ret/errcode; 0 when none

	// RetryAfter is the pause the other side asked for; 0 when it asked for none.
	RetryAfter time.Duration
	// ContextLimit is the token window named in the error's text; 0 when none.
	ContextLimit int
	RequestID    string

	// Message is the innermost message of the provider, normalised and redacted.
	// It is for matching, for admins in private and for logs; never for users.
	Message string
	// Detail is what arrived, redacted and cut to MaxDetail bytes. Same readers.
	Detail string

	// Entry names the catalogue's entry when the place that met the failure
	// knows it better than any symptom; empty otherwise.
	Entry string

	Cause error // the underlying error, may be nil; its text is not redacted

	signs *signs // what Normalize saw for Diagnose; nil in a fault made by hand
}

// MaxDetail bounds Fault.Detail and Fault.Message, in bytes.
const MaxDetail = 2048

// Error describes the fault for logs: redacted, one line, no upstream text.
func (f *Fault) Error() string {
	var b strings.Builder
	b.WriteString(string(f.Source))
	field := func(name string, value any, present bool) {
		if present {
			fmt.Fprintf(&b, " %s=%v", name, value)
		}
	}
	field("entry", f.Entry, f.Entry != "")
	field("provider", f.Provider, f.Provider != "")
	field("status", f.Status, f.Status != 0)
	field("code", f.Code, f.Code != "")
	field("type", f.Type, f.Type != "" && f.Type != f.Code)
	field("ret", f.Ret, f.Ret != 0)
	field("net", f.Net, f.Net != "")
	field("phase", f.Phase, f.Phase != "")
	field("finish", f.FinishReason, f.FinishReason != "")
	return b.String()
}

// Unwrap returns the underlying error.
func (f *Fault) Unwrap() error { return f.Cause }

// UnknownEntry is the entry for failures nothing else describes.
const UnknownEntry = "unknown-error"

// FaultOf returns the fault inside err: nil for nil, the fault itself if there
// is one, a timeout for a passed deadline, and an unknown fault of the bot for
// anything else. It never returns nil for a non-nil error.
func FaultOf(err error) *Fault {
	if err == nil {
		return nil
	}
	var f *Fault
	if errors.As(err, &f) && f != nil {
		return f
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return &Fault{Source: SourceBot, Net: NetTimeout, Phase: PhaseTotal, Cause: err}
	}
	return &Fault{Source: SourceBot, Entry: UnknownEntry, Cause: err}
}
