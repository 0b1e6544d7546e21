package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/diagbot/diagbot/bot"
)

// Conclude keeps the reply to a message with all that follows from it, in one
// step. A message that is concluded, or that nobody knows any more, stays as it
// is.
func (a *Account) Conclude(ctx context.Context, c bot.Conclusion) error {
	reply, err := json.Marshal(storedReply{c.Reply.ID, c.Reply.Parts})
	if err != nil {
		return fmt.Errorf("conclude: %w", err)
	}
	now := time.Now()
	return a.write(ctx, "conclude", func(t *tx) error {
		if first, err := a.advance(t, &c, reply, now); err != nil || !first {
			return err
		}
		for _, seq := range c.Also {
			if _, err := t.exec(sqlConcludeSilently, a.name, seq, micros(now), "", 0); err != nil {
				return err
			}
		}
		if err := a.remember(t, &c, now); err != nil {
			return err
		}
		if c.Incident != nil {
			if err := a.record(t, *c.Incident); err != nil {
				return err
			}
		}
		return a.spend(t, c.Day, c.Spent, now)
	})
}

// advance moves the message on, and reports whether it was us who did.
func (a *Account) advance(t *tx, c *bot.Conclusion, reply []byte, now time.Time) (first bool, err error) {
	var n int64
	outcome, took := clean(string(c.Outcome)), c.Took.Microseconds()
	if len(c.Reply.Parts) == 0 {
		n, err = t.exec(sqlConcludeSilently, a.name, c.Seq, micros(now), outcome, took)
	} else {
		n, err = t.exec(sqlConclude, a.name, c.Seq, reply, micros(now), outcome, took)
	}
	if err != nil || n == 0 || len(c.Reply.Parts) == 0 || c.Reply.Said == 0 {
		return n > 0, err
	}
	_, err = t.exec(sqlSaid, a.name, c.Seq, c.Reply.Said)
	return true, err
}

// remember keeps the turn, and forgets those that are too many or too old.
func (a *Account) remember(t *tx, c *bot.Conclusion, now time.Time) error {
	if c.Turn == nil && !c.Forget {
		return nil
	}
	key := short(c.Conversation.Key)
	if err := a.visit(t, c, key, now); err != nil {
		return err
	}
	if c.Turn != nil {
		if _, err := t.exec(sqlTurn, a.name, key, c.Seq, clean(c.Turn.Asked), clean(c.Turn.Answered), clean(c.Turn.Picture)); err != nil {
			return err
		}
	}
	_, err := t.exec(sqlTrim, a.name, key, max(c.Keep, 0))
	return err
}

// visit keeps that a chat was active, and forgets the turns before those it
// remembers.
func (a *Account) visit(t *tx, c *bot.Conclusion, key string, now time.Time) error {
	expired := now.Add(-a.db.retention.Conversations)
	args := []any{a.name, key, short(c.Conversation.Login), short(c.Conversation.Name),
		micros(now) / day.Microseconds(), micros(now), micros(expired)}
	forget := 1
	if !c.Forget {
		forget = 0
		if n, err := t.exec(sqlChatAgain, args...); err != nil || n > 0 {
			return err
		}
	}
	if _, err := t.exec(sqlChat, append(args, c.Seq, forget)...); err != nil {
		return err
	}
	_, err := t.exec(sqlForget, a.name, key)
	return err
}

// spend counts each name once, in an order in which no two writers wait for each
// other.
func (a *Account) spend(t *tx, day string, names []string, now time.Time) error {
	names = slices.Sorted(slices.Values(names))
	for len(names) > 0 {
		n := 1
		for n < len(names) && names[n] == names[0] {
			n++
		}
		if _, err := t.exec(sqlSpend, a.name, short(day), short(names[0]), micros(now), n); err != nil {
			return err
		}
		names = names[n:]
	}
	return nil
}

// Recall returns what is remembered of a conversation that was quiet no longer
// than since.
func (a *Account) Recall(ctx context.Context, c bot.Conversation, since time.Time) (m bot.Memory, err error) {
	key := short(c.Key)
	err = a.read(ctx, "recall", func(t *tx) error {
		m = bot.Memory{}
		var last, first int64
		found, err := t.one(sqlRecallChat, []any{a.name, key}, &last, &first)
		switch {
		case err != nil:
			return err
		case found && last >= micros(since):
			return a.turns(t, key, first, &m)
		case found || c.Login == "" || c.Name == "":
			return nil
		}
		var one int
		m.Lost, err = t.one(sqlRecallLost, []any{a.name, short(c.Name), short(c.Login), micros(since)}, &one)
		return err
	})
	return m, err
}

func (a *Account) turns(t *tx, key string, first int64, m *bot.Memory) error {
	return t.each(sqlRecallTurns, []any{a.name, key, first}, func(scan func(...any) error) error {
		var turn bot.Turn
		if err := scan(&turn.Asked, &turn.Answered, &turn.Picture); err != nil {
			return err
		}
		m.Turns = append(m.Turns, turn)
		return nil
	})
}
