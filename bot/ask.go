package bot

import (
	"context"
	"errors"
	"strconv"
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
	got := d.complete(ctx, t, d.question(c, t, now))
	done, err := got.done, got.err
	done.Text = d.exact(done.Text)
	took, tries := time.Since(now), d.attempts(done.Attempts, got.prompt)
	var u unseen
	switch {
	case given(err):
		return response{}
	case errors.As(err, &u):
		return d.personal(t, u.entry)
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
	got.turn.Asked, got.turn.Answered = d.exact(got.turn.Asked), done.Text
	a := response{
		text: d.withNotes(t, text, got), turn: &got.turn,
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
func (r *Relay) withNotes(t task, text string, got outcome) string {
	done := got.done
	note := func(key string, args ...string) { text += "\n\n" + r.catalogue().Say(t.tag, key, args...) }
	if got.cut {
		note("file_cut")
	}
	if got.shown < got.sent {
		note("pictures_some", "n", strconv.Itoa(got.shown), "all", strconv.Itoa(got.sent))
	}
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

// lastWords is how long a completer may take to say what happened when its time
// is up.
const lastWords = 500 * time.Millisecond

// outcome is what a completer returned, and what it was asked.
type outcome struct {
	question
	done llm.Completion
	err  error
}

// complete fetches what came with a question and asks the completer, within the
// deadline, and keeps the person who waits in patience. It returns in time even
// when neither does, and turns a panic into a fault. When ctx ends, its error is
// the cause.
func (d *dispatcher) complete(ctx context.Context, t task, q question) outcome {
	margin := min(lastWords, d.o.Deadline/10)
	asking, cancel := context.WithTimeout(ctx, d.o.Deadline-margin)
	defer cancel()
	answer := make(chan outcome, 1)
	d.asking.Go(func() {
		answer <- d.guarded(asking, t, q)
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
			return d.late(ctx, answer, q, margin).unlessEnded(ctx)
		}
	}
}

// late waits a little longer for the words of a completer whose time is up.
func (r *Relay) late(ctx context.Context, answer <-chan outcome, q question, margin time.Duration) outcome {
	if errors.Is(context.Cause(ctx), errTakenBack) {
		return outcome{question: q, err: errTakenBack}
	}
	select {
	case got := <-answer:
		return got
	case <-time.After(margin):
		return outcome{question: q, err: &troubleshoot.Fault{Source: troubleshoot.SourceBot, Entry: entryTimeout,
			Net: troubleshoot.NetTimeout, Phase: troubleshoot.PhaseTotal}}
	}
}

// unlessEnded is the outcome, where a failure after the end of ctx is its cause.
func (o outcome) unlessEnded(ctx context.Context) outcome {
	if o.err != nil && ctx.Err() != nil {
		o.err = context.Cause(ctx)
	}
	return o
}

func (r *Relay) guarded(ctx context.Context, t task, q question) (o outcome) {
	who := "the channel"
	defer func() {
		if v := recover(); v != nil {
			o.err = panicked(who, v)
		}
	}()
	if o.question, o.err = r.bring(ctx, t, q); o.err != nil {
		return o
	}
	// A request holds its pictures several times over.
	size := min(o.weight(), maxShowing)
	if o.err = r.showing.Acquire(ctx, size); o.err != nil {
		return o
	}
	defer r.showing.Release(size)
	if !r.store.Owns() {
		o.err = ErrNotOwner
		return o
	}
	who = "the completer"
	o.done, o.err = r.o.Completer.Complete(ctx, o.prompt)
	return o
}
