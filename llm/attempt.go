package llm

import (
	"context"
	"errors"
	"io"
	"math"
	"strings"
	"time"

	openai "github.com/sashabaranov/go-openai"

	"github.com/diagbot/diagbot/troubleshoot"
)

// outcome is what an attempt ended with: a completion, whose text is never
// empty, or a fault; with a fault the completion holds what had arrived by then.
type outcome struct {
	Completion
	fault *troubleshoot.Fault
	sent  measured
	// stale: the request went out on a pooled connection that turned out to be
	// dead, so that it says nothing about the provider.
	stale bool
}

// attempt asks one model once. It never asks again and never waits: that is for
// the caller, who has the message's deadline in ctx.
func (r route) attempt(ctx context.Context, s shape, messages []Message) outcome {
	p, model := r.p, r.model().name
	whole := s.whole(&p.options)
	actx, x := newExchange(ctx, p.limits, listChoices, whole)
	defer x.end()
	a := answer{x: x}
	x.freight = &freight{messages}
	err := a.ask(actx, r.k.client, p.request(model, s), whole)
	out := outcome{Completion: a.completion(p.options.Name, model)}
	if err == nil {
		err = a.verdict()
	}
	if err != nil {
		out.fault = p.fault(ctx, actx, x, scene{key: r.k.Name, model: model, finish: a.finish, refusal: a.refusal}, err)
		broken := out.fault.Net == troubleshoot.NetReset || out.fault.Net == troubleshoot.NetEOF
		out.stale = broken && x.status == 0 && x.onPooled()
	}
	return out
}

// request is what go-openai sends to ask a model, but for the messages: those are
// the guard's to add.
func (p *provider) request(model string, s shape) openai.ChatCompletionRequest {
	o := &p.options
	r := openai.ChatCompletionRequest{
		Model:    model,
		Messages: []openai.ChatCompletionMessage{},
		//lint:ignore SA1019 older and self-hosted servers know only this one
		MaxTokens:           o.MaxTokens,
		MaxCompletionTokens: o.MaxCompletionTokens,
		Temperature:         number(o.Temperature),
		TopP:                number(o.TopP),
		ReasoningEffort:     o.ReasoningEffort,
	}
	s.apply(&r)
	if !s.whole(o) && !o.NoStreamOptions && !s.noStreamOptions {
		r.StreamOptions = &openai.StreamOptions{IncludeUsage: true}
	}
	return r
}

// number returns what go-openai sends as *f; it leaves out plain zeros.
func number(f *float32) float32 {
	switch {
	case f == nil:
		return 0
	case *f == 0:
		return math.SmallestNonzeroFloat32
	}
	return *f
}

// answer is put together from the pieces of a stream.
type answer struct {
	x       *exchange
	text    strings.Builder
	finish  string // why generation stopped, "" if it has not said so
	refusal bool   // the model declined in so many words
	first   time.Duration
	usage   Usage
	chunk   chunk // the newest
}

// ask sends the request and reads the answer to its end. An answer whose
// finish reason came is whole, whatever happens to the connection after it.
func (a *answer) ask(ctx context.Context, c *openai.Client, r openai.ChatCompletionRequest, whole bool) error {
	if whole {
		return a.askWhole(ctx, c, r)
	}
	stream, err := c.CreateChatCompletionStream(ctx, r)
	if err != nil {
		return err
	}
	defer stream.Close()
	a.text.Grow(1 << 10)
	for {
		line, err := stream.RecvRaw()
		if err == nil {
			err = a.chunk.decode(line)
		}
		switch {
		case errors.Is(err, io.EOF):
			return a.ended()
		case err != nil && a.finish != "" && !errors.Is(err, errInside):
			return nil
		case err != nil:
			return err
		}
		a.add(&a.chunk)
	}
}

func (a *answer) askWhole(ctx context.Context, c *openai.Client, r openai.ChatCompletionRequest) error {
	response, err := c.CreateChatCompletion(ctx, r)
	if err != nil {
		return err
	}
	choice := response.Choices[0] // the guard lets no answer without a choice pass
	a.text.WriteString(textOf(choice.Message))
	a.finish, a.refusal = string(choice.FinishReason), choice.Message.Refusal != ""
	a.first = a.x.spoken()
	a.count(&response.Usage)
	return nil
}

func (a *answer) add(chunk *chunk) {
	a.count(chunk.Usage)
	for i := range chunk.Choices {
		choice := &chunk.Choices[i]
		if choice.Index != 0 {
			continue
		}
		d := &choice.Delta
		a.text.WriteString(d.Content)
		a.refusal = a.refusal || d.Refusal != ""
		if d.Content != "" || d.ReasoningContent != "" || d.Refusal != "" {
			a.heardWords()
		}
		if choice.FinishReason != "" && a.finish == "" {
			a.finish = string(choice.FinishReason)
			a.x.closing(usageTime)
		}
	}
}

func (a *answer) heardWords() {
	at := a.x.spoken()
	if a.first == 0 {
		a.first = at
		a.x.enter(troubleshoot.PhaseStream)
	}
}

func (a *answer) count(u *openai.Usage) {
	if u != nil && u.TotalTokens > 0 {
		a.usage = Usage{Prompt: max(u.PromptTokens, 0), Completion: max(u.CompletionTokens, 0)}
	}
}

// ended judges a stream that came to its end without an error. Some servers
// send no finish reason, so [DONE] is enough, unless the stream held something
// that was no part of the answer.
func (a *answer) ended() error {
	switch {
	case a.finish != "":
		return nil
	case !a.x.done:
		a.x.keep(a.x.stray)
		return errTruncated
	case len(a.x.stray) > 0:
		return a.x.fail(a.x.stray, errInside)
	}
	return nil
}

// verdict judges an answer that arrived in full.
func (a *answer) verdict() error {
	switch a.finish {
	case "content_filter":
		return errInside // the finish reason says it all, and the rest is people's words
	case "error":
		return a.x.fail(a.x.last, errInside)
	}
	if visible(a.text.String()) == "" {
		return a.x.fail(a.x.last, errEmpty)
	}
	return nil
}

func (a *answer) completion(provider, model string) Completion {
	finish := a.finish
	if finish != "length" {
		finish = "stop"
	}
	return Completion{
		Text: visible(a.text.String()), Provider: provider, Model: model, FinishReason: finish,
		Usage: a.usage, RequestID: requestID(a.x.header),
		FirstToken: a.first, Took: a.x.since(),
	}
}

// visible returns the part of an answer meant to be read: local servers send
// a model's reasoning in the text, inside <think>.
func visible(text string) string {
	text = strings.TrimSpace(text)
	thought, ok := strings.CutPrefix(text, "<think>")
	if !ok {
		return text
	}
	_, said, ended := strings.Cut(thought, "</think>")
	if !ended {
		return ""
	}
	return strings.TrimSpace(said)
}
