package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/diagbot/diagbot/bot"
)

// The states of a message.
const (
	heard = iota
	concluded
	done
)

// storedReply is a reply as it is stored.
type storedReply struct {
	ID    int64    `json:"id"`
	Parts []string `json:"parts"`
}

// Receive keeps messages before the channel acknowledges them: all, or none. It
// returns a number for each, and 0 for those it knew already by their id.
func (a *Account) Receive(ctx context.Context, batch []bot.Message) ([]int64, error) {
	if len(batch) == 0 {
		return nil, nil
	}
	bodies, err := encode(batch)
	if err != nil {
		return nil, fmt.Errorf("receive: %w", err)
	}
	last := a.number.Add(int64(len(batch)))
	first := last - int64(len(batch)) + 1
	seqs := make([]int64, len(batch))
	doubts := a.doubt.all()
	err = a.write(ctx, "receive", func(t *tx) error {
		if err := unreceive(t, a.name, doubts); err != nil {
			return err
		}
		for i, m := range batch {
			n, err := t.exec(sqlReceive, a.name, first+int64(i), id(m.ID), micros(time.Now()), bodies[i])
			if err != nil {
				return err
			}
			seqs[i] = n * (first + int64(i))
		}
		return nil
	})
	if err != nil {
		if errors.Is(err, errDoubt) {
			a.doubt.add(span{first, last})
		}
		return nil, err
	}
	a.doubt.remove(doubts)
	return seqs, nil
}

func encode(batch []bot.Message) ([][]byte, error) {
	bodies := make([][]byte, len(batch))
	for i, m := range batch {
		var err error
		if bodies[i], err = json.Marshal(m); err != nil {
			return nil, err
		}
	}
	return bodies, nil
}

// Open returns the messages that are not done, oldest first. Of those in doubt it
// is certain then that they are stored.
func (a *Account) Open(ctx context.Context) (all []bot.Open, err error) {
	doubts := a.doubt.all()
	defer func() {
		if err == nil {
			a.doubt.remove(doubts)
		}
	}()
	err = a.read(ctx, "read open messages", func(t *tx) error {
		all = nil
		return t.each(sqlOpen, []any{a.name}, func(scan func(...any) error) error {
			var o bot.Open
			var at int64
			var state, said int
			var body, reply []byte
			if err := scan(&o.Seq, &at, &state, &body, &reply, &said); err != nil {
				return err
			}
			o.Heard = moment(at)
			if err := decode(&o, state, said, body, reply); err != nil {
				// It cannot be answered, and must not keep the others from it.
				a.db.log.Error("a stored message is damaged", "account", a.name, "seq", o.Seq)
				return nil
			}
			all = append(all, o)
			return nil
		})
	})
	return all, err
}

// decode reads what a row holds as JSON.
func decode(o *bot.Open, state, said int, body, reply []byte) error {
	if err := json.Unmarshal(body, &o.Message); err != nil {
		return err
	}
	if state != concluded {
		return nil
	}
	var r storedReply
	if err := json.Unmarshal(reply, &r); err != nil {
		return err
	}
	o.Reply = &bot.StoredReply{ID: r.ID, Parts: r.Parts, Said: max(0, min(said, len(r.Parts)))}
	return nil
}

// Said notes how many parts of the reply to a message are out. With done nothing
// more will be said, and what the message and the reply said is forgotten. The note
// of a reply's last part may wait for other writes, some milliseconds at most:
// nothing of its message is left to be done.
func (a *Account) Said(ctx context.Context, seq int64, parts int, done bool) error {
	const what = "mark as said"
	switch {
	case !done:
		return a.write(ctx, what, func(t *tx) error {
			_, err := t.exec(sqlSaid, a.name, seq, parts)
			return err
		})
	case parts == 0:
		return a.write(ctx, what, func(t *tx) error { return a.done(t, seq, parts) })
	}
	return a.writeLater(ctx, what, func(t *tx) error {
		if n, err := t.exec(sqlSaidAll, a.name, seq, parts); err != nil || n > 0 {
			return err
		}
		return a.done(t, seq, parts)
	})
}

func (a *Account) done(t *tx, seq int64, parts int) error {
	_, err := t.exec(sqlDone, a.name, seq, parts, micros(time.Now()))
	return err
}

// id is a message's id for the database: nil for none, which is equal to no other.
func id(s string) any {
	if s == "" {
		return nil
	}
	return short(s)
}

// maxKey bounds what is in an index, in bytes. Names that are longer are
// replaced by their hash.
const maxKey = 256

func short(s string) string {
	if len(s) > maxKey {
		sum := sha256.Sum256([]byte(s))
		return "sha256:" + hex.EncodeToString(sum[:])
	}
	return clean(s)
}
