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
	entryPolicy     = "gpt-400-content-policy"
)

// ask puts t to the model and returns its answer, or the explanation of why
// there is none. Only answered turns are remembered.
func (d *dispatcher) ask(ctx context.Context, c *chat, t task, now time.Time) response {
	if err := d.recall(ctx, c, t); err != nil {
		return response{}
	}
	asked := d.content(t)
	prompt := d.prompt(c, t, asked, now)
	done, err := d.complete(ctx, t, prompt)
	done.Text = d.exact(done.Text)
	took, tries := time.Since(now), d.attempts(done.Attempts, prompt)
	if given(err) {
		return response{}
	}
	text := strings.ReplaceAll(done.Text, recipeMark, "")
	if err == nil && !d.traits.Markdown {
		text = d.plain.Plain(text)
	}
	if err == nil && strings.TrimSpace(text) == "" {
		err = &troubleshoot.Fault{Source: troubleshoot.SourceAPI, Entry: entryEmpty, Provider: done.Provider, Model: done.Model}
	}
	if err != nil {
		return d.fail(t, failure{err: err, took: took, attempts: tries, chat: c})
	}
	now = time.Now()
	d.o.Logger.Info("answered", "chat", d.hash(c.id), "provider", done.Provider, "model", done.Model,
		"took", took, "first_token", done.FirstToken, "tokens", done.Usage.Prompt+done.Usage.Completion)
	a := response{
		text: d.withNotes(t, text, done), turn: &Turn{Asked: d.exact(asked), Answered: done.Text},
		outcome: OutcomeAnswered, took: took, incident: d.rescue(t, took, tries, done.Partial),
	}
	if t.way == toRetry {
		a.outcome = OutcomeRescued
	}
	switch {
	case a.incident == nil:
		d.outages.answered(done.Provider, now)
	case a.incident.Rescued:
		a.outcome = OutcomeRescued
	default:
		a.outcome = OutcomeFailed
	}
	d.answered(t, a.incident)
	return a
}

// given reports whether work was given up for a reason that its asker is not told.
func given(err error) bool {
	return errors.Is(err, errStopping) || errors.Is(err, errTakenBack) || errors.Is(err, ErrNotOwner)
}

// withNotes adds to an answer what the person must know of it: that part of the
// question was left out, or that the answer is not whole.
func (r *Relay) withNotes(t task, text string, done llm.Completion) string {
	note := func(key string) { text += "\n\n" + r.catalogue().Say(t.tag, key) }
	if done.Shortened {
		note("shortened")
	}
	switch {
	case done.Partial:
		note("partial")
	case done.FinishReason == finishLength:
		note("cut_short")
	}
	return text
}

// finishLength is the reason of an answer that ends at the model's limit.
const finishLength = "length"

// groupNote tells the model how a group's messages look. It is never shown.
const groupNote = "You are in a group chat. Every message begins with the name of the person who wrote it and a colon. " +
	"Answer the last one, without a name in front."

func (r *Relay) prompt(c *chat, t task, asked string, now time.Time) llm.Prompt {
	system := r.o.System
	if t.Chat.Group {
		system = strings.TrimSpace(system + "\n\n" + groupNote)
	}
	all := make([]llm.Message, 0, 2*len(c.memory.turns)+2)
	if system != "" {
		all = append(all, llm.Message{Role: llm.RoleSystem, Content: system})
	}
	all = c.memory.appendTo(all, now)
	return llm.Prompt{Messages: append(all, llm.Message{Role: llm.RoleUser, Content: asked})}
}

// content is what the model hears of a message: who says it in a group, and what
// it replies to.
func (r *Relay) content(t task) string {
	text := t.text
	if t.Chat.Group {
		text = oneLine(t.Sender.Name, maxName) + ": " + text
	}
	if quote := strings.TrimSpace(clean(t.Quote)); quote != "" {
		text = r.catalogue().Say(t.tag, "quoted", "text", quote) + "\n\n" + text
	}
	return text
}

// lastWords is how long a completer may take to say what happened when its time
// is up.
const lastWords = 500 * time.Millisecond

// outcome is what a completer returned.
type outcome struct {
	done llm.Completion
	err  error
}

// complete asks the completer within the deadline, and keeps the person who waits
// in patience. It returns in time even when the completer does not, and turns a
// panic into a fault. When ctx ends, its error is the cause.
func (d *dispatcher) complete(ctx context.Context, t task, p llm.Prompt) (llm.Completion, error) {
	margin := min(lastWords, d.o.Deadline/10)
	asking, cancel := context.WithTimeout(ctx, d.o.Deadline-margin)
	defer cancel()
	answer := make(chan outcome, 1)
	d.asking.Go(func() {
		done, err := d.guarded(asking, p)
		answer <- outcome{done, err}
	})
	if d.showsTyping(t) {
		d.asking.Go(func() { d.typing(asking, t.Chat) })
	}
	waiting := d.patience(t)
	defer waiting.over(d.out)
	for {
		select {
		case got := <-answer:
			return got.unlessEnded(ctx)
		case <-waiting.due:
			waiting.say(d, t)
		case <-asking.Done():
			return d.late(ctx, answer, margin).unlessEnded(ctx)
		}
	}
}

// late waits a little longer for the words of a completer whose time is up.
func (r *Relay) late(ctx context.Context, answer <-chan outcome, margin time.Duration) outcome {
	if errors.Is(context.Cause(ctx), errTakenBack) {
		return outcome{err: errTakenBack}
	}
	select {
	case got := <-answer:
		return got
	case <-time.After(margin):
		return outcome{err: &troubleshoot.Fault{Source: troubleshoot.SourceBot, Entry: entryTimeout,
			Net: troubleshoot.NetTimeout, Phase: troubleshoot.PhaseTotal}}
	}
}

// unlessEnded is the outcome, where a failure after the end of ctx is its cause.
func (o outcome) unlessEnded(ctx context.Context) (llm.Completion, error) {
	if o.err != nil && ctx.Err() != nil {
		o.err = context.Cause(ctx)
	}
	return o.done, o.err
}

func (r *Relay) guarded(ctx context.Context, p llm.Prompt) (done llm.Completion, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = panicked("the completer", v)
		}
	}()
	return r.o.Completer.Complete(ctx, p)
}
