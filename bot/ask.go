package bot

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/diagbot/diagbot/llm"
	"github.com/diagbot/diagbot/troubleshoot"
)

// The entries that the relay itself emits.
const (
	entryBusy       = "bot-busy"
	entryRestarting = "bot-restarting"
	entryTooLong    = "message-too-long"
	entryNotText    = "message-not-text"
	entryTimeout    = "upstream-timeout"
	entryEmpty      = "empty-answer"
)

// ask puts t to the model and returns its answer, or the explanation of why
// there is none; empty when the relay stops first. Only answered turns are
// remembered.
func (d *dispatcher) ask(ctx context.Context, c *chat, t task, now time.Time) string {
	asked := d.content(t)
	done, err := d.complete(ctx, d.prompt(c, t, asked, now))
	took := time.Since(now)
	if errors.Is(err, errStopping) {
		return ""
	}
	text := done.Text
	if err == nil && !d.traits.Markdown {
		text = d.plain.Plain(text)
	}
	if err == nil && strings.TrimSpace(text) == "" {
		err = &troubleshoot.Fault{Source: troubleshoot.SourceAPI, Entry: entryEmpty, Provider: done.Provider, Model: done.Model}
	}
	if err != nil {
		return d.fail(t, err, took)
	}
	d.o.Logger.Info("answered", "chat", d.hash(c.id), "provider", done.Provider, "model", done.Model,
		"took", took, "first_token", done.FirstToken, "tokens", done.Usage.Prompt+done.Usage.Completion)
	c.memory.add(turn{asked: asked, answered: done.Text}, time.Now())
	return text
}

// groupNote tells the model how a group's messages look. It is never shown.
const groupNote = "You are in a group chat. Every message begins with the name of the person who wrote it and a colon. " +
	"Answer the last one, without a name in front."

func (r *Relay) prompt(c *chat, t task, asked string, now time.Time) llm.Prompt {
	system := r.o.System
	if t.Chat.Group {
		system = strings.TrimSpace(system + "\n\n" + groupNote)
	}
	var p llm.Prompt
	if system != "" {
		p.Messages = append(p.Messages, llm.Message{Role: llm.RoleSystem, Content: system})
	}
	p.Messages = append(p.Messages, c.memory.messages(now)...)
	p.Messages = append(p.Messages, llm.Message{Role: llm.RoleUser, Content: asked})
	return p
}

// content is what the model hears of a message: who says it in a group, and what
// it replies to.
func (r *Relay) content(t task) string {
	text := t.text
	if t.Chat.Group {
		text = oneLine(t.Sender.Name, maxName) + ": " + text
	}
	if quote := strings.TrimSpace(clean(t.Quote)); quote != "" {
		text = r.o.Catalogue.Say(t.tag, "quoted", "text", quote) + "\n\n" + text
	}
	return text
}

// lastWords is how long a completer may take to say what happened when its time
// is up.
const lastWords = 500 * time.Millisecond

// complete asks the completer within the deadline. It returns in time even when
// the completer does not, and turns a panic into a fault. Its error is
// errStopping when ctx ends.
func (r *Relay) complete(ctx context.Context, p llm.Prompt) (llm.Completion, error) {
	margin := min(lastWords, r.o.Deadline/10)
	asking, cancel := context.WithTimeout(ctx, r.o.Deadline-margin)
	defer cancel()
	type outcome struct {
		done llm.Completion
		err  error
	}
	answer := make(chan outcome, 1)
	r.asking.Go(func() {
		done, err := r.guarded(asking, p)
		answer <- outcome{done, err}
	})
	var got outcome
	select {
	case got = <-answer:
	case <-asking.Done():
		select {
		case got = <-answer:
		case <-time.After(margin):
			got.err = &troubleshoot.Fault{Source: troubleshoot.SourceBot, Entry: entryTimeout,
				Net: troubleshoot.NetTimeout, Phase: troubleshoot.PhaseTotal}
		}
	}
	if got.err != nil && ctx.Err() != nil {
		got.err = errStopping
	}
	return got.done, got.err
}

func (r *Relay) guarded(ctx context.Context, p llm.Prompt) (done llm.Completion, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = panicked("the completer", v)
		}
	}()
	return r.o.Completer.Complete(ctx, p)
}
