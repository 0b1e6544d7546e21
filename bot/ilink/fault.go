package ilink

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/troubleshoot"
)

// The catalogue's entries this channel knows by itself.
const (
	sessionExpired = "ilink-session-expired"
	windowClosed   = "ilink-window-closed"
)

// faultType marks the faults of this API: its codes are not those of the web
// protocol.
const faultType = "ilink"

var (
	errNotPromised = errors.New("the answer is not the promised JSON")
	errStranger    = errors.New("the answer leads away from WeChat")
	errNotLoggedIn = errors.New("not logged in")
)

// netFault is an exchange that did not come to an answer. What a transport says
// carries no address.
func netFault(phase troubleshoot.Phase, err error) *troubleshoot.Fault {
	f := troubleshoot.Normalize(troubleshoot.Observation{Source: troubleshoot.SourceWeChat, Phase: phase, Err: err})
	if f.Type = faultType; f.Net == "" {
		f.Net = troubleshoot.NetOther
	}
	if errors.Is(err, context.DeadlineExceeded) {
		f.Net = troubleshoot.NetTimeout
	}
	return f
}

// statusFault is an answer of a gateway: of what it says, only the status counts.
func statusFault(phase troubleshoot.Phase, status int) *troubleshoot.Fault {
	return &troubleshoot.Fault{Source: troubleshoot.SourceWeChat, Type: faultType, Phase: phase, Status: status}
}

// malformed is an answer that makes no sense.
func malformed(phase troubleshoot.Phase, cause error) *troubleshoot.Fault {
	return &troubleshoot.Fault{
		Source: troubleshoot.SourceWeChat, Type: faultType, Phase: phase, Net: troubleshoot.NetDecode, Cause: cause,
	}
}

// maxMessage is how much of WeChat's words is kept, in bytes.
const maxMessage = 200

// refusal is an answer with a code. It may repeat what it was asked with, so the
// secrets are taken out.
func refusal(phase troubleshoot.Phase, a answer, secrets ...string) *troubleshoot.Fault {
	said := troubleshoot.NewRedactor(secrets...).Redact(cutBytes(a.text(), 4*maxMessage))
	f := &troubleshoot.Fault{
		Source: troubleshoot.SourceWeChat, Type: faultType, Phase: phase, Ret: a.code(),
		Message: cutBytes(strings.Join(strings.Fields(clean(said)), " "), maxMessage),
	}
	switch f.Ret {
	case retOver:
		f.Entry = sessionExpired
	case retRefused:
		f.Entry = windowClosed
	}
	return f
}

// closed is the fault of a reply that WeChat takes neither now nor later.
func closed(cause error) *troubleshoot.Fault {
	return &troubleshoot.Fault{
		Source: troubleshoot.SourceWeChat, Type: faultType, Phase: troubleshoot.PhaseSend,
		Ret: retRefused, Entry: windowClosed, Cause: cause,
	}
}

// notLoggedIn is the fault of a reply while nobody has scanned.
func notLoggedIn() *troubleshoot.Fault {
	return &troubleshoot.Fault{
		Source: troubleshoot.SourceWeChat, Type: faultType, Phase: troubleshoot.PhaseSend, Entry: sessionExpired,
		Cause: errNotLoggedIn,
	}
}

// unfit is the fault of a part that cannot be sent at all.
func unfit(problem string) *troubleshoot.Fault {
	return &troubleshoot.Fault{
		Source: troubleshoot.SourceBot, Phase: troubleshoot.PhaseSend, Entry: troubleshoot.UnknownEntry,
		Cause: errors.New("asked to send " + problem),
	}
}

// ambiguous marks a failure that leaves open whether the message arrived: it was
// written, and no answer says that it was refused. A gateway's 4xx or 503 does.
func ambiguous(f *troubleshoot.Fault, written bool) *troubleshoot.Fault {
	stopped := f.Status/100 == 4 || f.Status == http.StatusServiceUnavailable
	if !written || f.Ret != 0 || stopped {
		return f
	}
	marked := *f
	marked.Code, marked.Message = bot.MaybeSent, "the message may have arrived"
	return &marked
}

// cause is the text of what is behind a fault, for the log.
func cause(f *troubleshoot.Fault) string {
	if f.Cause == nil {
		return f.Message
	}
	return f.Cause.Error()
}
