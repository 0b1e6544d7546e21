package bot

import (
	"context"
	"time"
)

// Typer is a channel that can show that an answer is being written. It is asked
// where Traits.Typing is true, and again every few seconds while the answer takes.
type Typer interface {
	Typing(ctx context.Context, to Chat) error
}

const (
	typingAfter = time.Second     // quick answers need no indicator
	typingEvery = 5 * time.Second // before it fades
	// A line that says "still thinking" is needless when the answer comes in the
	// same moment.
	moment = 50 * time.Millisecond
)

// patience tells somebody who waits for an answer in a private chat that it is
// still being worked on, once. It belongs to the goroutine that waits.
type patience struct {
	due  <-chan time.Time // nil: never
	stop func() bool
	line *reply
}

// patience starts to wait with the person who sent t. Groups are spared, and so
// are channels that show typing, or count the replies to a message, and whoever
// does not know that the question is asked once more.
func (d *dispatcher) patience(t task) *patience {
	after := d.o.ThinkingAfter
	if after < 0 || t.way == toRetry || t.Chat.Group || d.traits.Typing || d.traits.RepliesPerMessage > 0 {
		return &patience{stop: func() bool { return false }}
	}
	timer := time.NewTimer(after + moment)
	return &patience{due: timer.C, stop: timer.Stop}
}

// say says the line, behind nothing but what was said before.
func (p *patience) say(d *dispatcher, t task) {
	p.line = d.passed(t, d.catalogue().Say(t.tag, "thinking"))
	p.line.passing = true
	d.out.put(p.line)
}

// over ends the wait, and takes back a line that has not gone out yet.
func (p *patience) over(out *outbox) {
	p.stop()
	if p.line != nil {
		out.cut(p.line)
	}
}

// typing shows that an answer is being written, until ctx ends or the channel
// fails at it.
func (r *Relay) typing(ctx context.Context, to Chat) {
	defer func() {
		if v := recover(); v != nil {
			r.o.Logger.Warn("typing not shown", "chat", r.hash(to.ID), "fault", panicked("typing", v))
		}
	}()
	typer := r.o.Channel.(Typer)
	for wait := typingAfter; ; wait = typingEvery {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		if !r.store.Owns() {
			return
		}
		if err := typer.Typing(ctx, to); err != nil {
			if ctx.Err() == nil {
				r.o.Logger.Debug("typing not shown", "chat", r.hash(to.ID), "fault", err.Error())
			}
			return
		}
	}
}

// showsTyping reports whether the person who sent t sees an indicator.
func (r *Relay) showsTyping(t task) bool {
	_, ok := r.o.Channel.(Typer)
	return ok && t.way != toRetry && r.traits.Typing && !t.Chat.Group && r.o.ThinkingAfter >= 0
}
