package llm

import (
	"errors"
	"net/http"
	"strings"

	openai "github.com/sashabaranov/go-openai"

	"github.com/diagbot/diagbot/troubleshoot"
)

// shape is how a model wants to be asked, as far as it differs from the
// options: what it refused is left out or put otherwise. It is learnt when a
// repaired request was not refused any more.
type shape struct {
	noTemperature, noTopP, noEffort bool
	noStreamOptions                 bool
	noLimit                         bool // on the answer's length
	otherLimit                      bool // max_tokens and max_completion_tokens are exchanged
	otherForm                       bool // in one piece instead of streamed, or the reverse
}

// whole reports whether the answer is to come in one piece.
func (s shape) whole(o *ProviderOptions) bool { return o.NoStream != s.otherForm }

// apply changes a request to the shape.
func (s shape) apply(r *openai.ChatCompletionRequest) {
	if s == (shape{}) {
		return
	}
	if s.noTemperature {
		r.Temperature = 0
	}
	if s.noTopP {
		r.TopP = 0
	}
	if s.noEffort {
		r.ReasoningEffort = ""
	}
	if s.otherLimit {
		//lint:ignore SA1019 older and self-hosted servers know only this one
		r.MaxTokens, r.MaxCompletionTokens = r.MaxCompletionTokens, r.MaxTokens
	}
	if s.noLimit {
		//lint:ignore SA1019 as above
		r.MaxTokens, r.MaxCompletionTokens = 0, 0
	}
}

// repair returns the shape without what a fault says was refused. ok is false
// if that is not known, was not sent, or did not help before.
func (s shape) repair(f *troubleshoot.Fault, o *ProviderOptions) (repaired shape, ok bool) {
	repaired = s
	if f.Status == 0 {
		repaired.unsendable(f.Cause, o)
	} else if f.Status == http.StatusBadRequest || f.Status == http.StatusUnprocessableEntity || f.Status == http.StatusOK {
		repaired.refused(f, o)
	}
	return repaired, repaired != s
}

// unsendable repairs what go-openai itself knows a model does not take.
func (s *shape) unsendable(err error, o *ProviderOptions) {
	switch {
	case errors.Is(err, openai.ErrReasoningModelMaxTokensDeprecated):
		s.otherLimit = o.MaxTokens > 0
	case errors.Is(err, openai.ErrReasoningModelLimitationsOther), errors.Is(err, openai.ErrReasoningSamplingUnsupported):
		s.noTemperature, s.noTopP = o.Temperature != nil, o.TopP != nil
	case errors.Is(err, openai.ErrReasoningEffortUnsupported):
		s.noEffort = o.ReasoningEffort != ""
	}
}

// refused repairs what a provider names. Only what was sent can be meant, which
// also keeps apart what people wrote and the provider repeats.
func (s *shape) refused(f *troubleshoot.Fault, o *ProviderOptions) {
	said := strings.ToLower(f.Message)
	names := func(name string) bool {
		return f.Param == name || f.Param == "" && mentions(said, name)
	}
	limit := "max_tokens"
	if (o.MaxCompletionTokens > 0) != s.otherLimit {
		limit = "max_completion_tokens"
	}
	switch {
	case !s.whole(o) && !o.NoStreamOptions && (names("stream_options") || names("include_usage") || names("stream_options.include_usage")):
		s.noStreamOptions = true
	case names("temperature") && o.Temperature != nil:
		s.noTemperature = true
	case names("top_p") && o.TopP != nil:
		s.noTopP = true
	case names("reasoning_effort") && o.ReasoningEffort != "":
		s.noEffort = true
	case names(limit) && (o.MaxTokens > 0 || o.MaxCompletionTokens > 0):
		s.noLimit = s.otherLimit
		s.otherLimit = true
	case names("stream") || strings.Contains(said, "stream mode") || strings.Contains(said, "streaming"):
		s.otherForm = true
	}
}

// mentions reports whether text has name as a word of its own.
func mentions(text, name string) bool {
	for from := 0; ; {
		at := strings.Index(text[from:], name)
		if at < 0 {
			return false
		}
		at += from
		from = at + len(name)
		if (at == 0 || !inName(text[at-1])) && (from == len(text) || !inName(text[from])) {
			return true
		}
	}
}

func inName(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
}
