package llm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	openai "github.com/sashabaranov/go-openai"

	"github.com/diagbot/diagbot/troubleshoot"
)

// Entries that this package knows better than any symptom could tell.
const (
	entryEmpty       = "empty-answer"
	entryBroken      = "stream-interrupted"
	entryForm        = "invalid-response"
	entryUnsupported = "gpt-400-unsupported-feature"
	entryNoModel     = "gpt-404-model-not-found"
	entryTimeout     = "upstream-timeout"
	entryUnseen      = "picture-not-supported"
	entryUnreadable  = "picture-not-readable"
	entryTooLarge    = "gpt-413"
)

// finishRefusal is the finish reason given to an answer that is a refusal in a
// field of its own; it is handled as the filter it comes from.
const finishRefusal = "content_filter"

// scene is what the exchange does not know of a failed attempt.
type scene struct {
	key, model string
	finish     string
	refusal    bool
}

// fault turns the error of an attempt into a fault. ctx is the caller's
// context, actx the attempt's. When the caller cancelled, the fault has no
// entry and wraps context.Canceled: nobody waits for an explanation.
func (p *provider) fault(ctx, actx context.Context, x *exchange, s scene, err error) *troubleshoot.Fault {
	if errors.Is(ctx.Err(), context.Canceled) {
		return p.canceled(ctx, x, s)
	}
	if x.body == nil && entryOf(err) == entryForm {
		x.keep(x.last) // what go-openai could not read
	}
	o := troubleshoot.Observation{
		Source: p.options.Source, Provider: p.options.Name, Model: s.model, KeyName: s.key,
		Status: x.status, Header: x.header, Body: x.body,
		Phase: x.reached(), FinishReason: s.finish, At: time.Now(), Redactor: p.redactor.Load(),
	}
	p.blame(ctx, actx, &o, err)
	if errors.Is(err, errEmpty) && s.refusal {
		o.FinishReason = finishRefusal
	}
	f := troubleshoot.Normalize(o)
	p.complete(f, o, err)
	return f
}

// blame says what ended the attempt: an answer speaks for itself, a timer
// speaks through the context's cause.
func (p *provider) blame(ctx, actx context.Context, o *troubleshoot.Observation, err error) {
	if errors.Is(err, errStatus) || errors.Is(err, errInside) {
		return
	}
	o.Err = err
	var limit *timeoutError
	switch {
	case ctx.Err() != nil:
		o.Phase = troubleshoot.PhaseTotal
		o.Err = fmt.Errorf("the message's deadline: %w", context.DeadlineExceeded)
	case errors.As(context.Cause(actx), &limit):
		o.Phase, o.Err = limit.phase, limit
	}
}

// complete fills what Normalize cannot know. A fault is not changed after this.
func (p *provider) complete(f *troubleshoot.Fault, o troubleshoot.Observation, err error) {
	f.Source, f.Provider, f.Model, f.KeyName = o.Source, o.Provider, o.Model, o.KeyName
	f.Phase, f.Status = o.Phase, o.Status
	if f.RequestID == "" {
		f.RequestID = p.redactor.Load().Redact(requestID(o.Header))
	}
	if f.Cause == nil {
		f.Cause = err
	}
	if f.Entry == "" {
		f.Entry = entryOf(err)
	}
	if f.Net == troubleshoot.NetTimeout && f.Phase == troubleshoot.PhaseStream {
		f.Entry = entryBroken // words had come; to the reader the answer broke off
	}
	if f.Entry == entryEmpty && o.FinishReason == finishRefusal {
		f.Entry = ""
	}
	if errors.Is(err, errForm) {
		f.Net = troubleshoot.NetDecode
	}
	if p.proxied && f.Phase == troubleshoot.PhaseDial && f.Net != "" && f.Net != troubleshoot.NetConfig {
		f.Net = troubleshoot.NetProxy // it was the only one spoken to
	}
}

// entryOf names the entry of what go-openai or the guard found by itself; ""
// if the symptoms must tell.
func entryOf(err error) string {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.Is(err, errEmpty):
		return entryEmpty
	case errors.Is(err, errTooLarge), errors.Is(err, errChunk), errors.As(err, &syntax), errors.As(err, &kind):
		return entryForm
	case errors.Is(err, openai.ErrChatCompletionInvalidModel):
		return entryNoModel
	case errors.Is(err, openai.ErrReasoningModelMaxTokensDeprecated),
		errors.Is(err, openai.ErrReasoningModelLimitationsLogprobs),
		errors.Is(err, openai.ErrReasoningModelLimitationsOther),
		errors.Is(err, openai.ErrReasoningEffortUnsupported),
		errors.Is(err, openai.ErrReasoningSamplingUnsupported):
		return entryUnsupported
	case errors.Is(err, errNoMessages):
		return troubleshoot.UnknownEntry
	}
	return ""
}

func (p *provider) canceled(ctx context.Context, x *exchange, s scene) *troubleshoot.Fault {
	return &troubleshoot.Fault{
		Source: p.options.Source, Provider: p.options.Name, Model: s.model, KeyName: s.key,
		Phase: x.reached(), Status: x.status, RequestID: requestID(x.header), Cause: canceledBy(ctx),
	}
}

// canceledBy returns why the caller gave up, as an error that is
// context.Canceled.
func canceledBy(ctx context.Context) error {
	cause := context.Cause(ctx)
	if !errors.Is(cause, context.Canceled) {
		cause = fmt.Errorf("%w: %w", context.Canceled, cause)
	}
	return cause
}

// requestID returns the provider's name for the request: the first header that
// has one, if it is short and plain enough to be one.
func requestID(h http.Header) string {
	for _, name := range []string{"X-Request-Id", "Request-Id", "Apim-Request-Id", "X-Amzn-Requestid", "X-Ds-Trace-Id", "Cf-Ray"} {
		if id := h.Get(name); id != "" && len(id) <= 128 && plain(id) {
			return id
		}
	}
	return ""
}

func plain(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
