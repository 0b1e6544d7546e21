package bot

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// maxAside bounds the conclusions that wait for the store besides those of the
// chats; while there are more, no message is taken.
const maxAside = 1000

// errBehind is what Hear answers while too much waits for the store.
var errBehind = errors.New("too much waits for the store")

// filing is what the dispatcher is given in one go.
type filing struct {
	tasks  []task
	dead   []int64 // messages whose chats cannot be reached any more
	forget []int64 // messages that were kept and are done
}

// LoggedIn implements Ear. It files what an earlier process, or an earlier login,
// left undone.
func (d *dispatcher) LoggedIn(_ context.Context, login string) error {
	if d.traits.StableIDs {
		login = ""
	}
	d.login.Store(&login)
	if err := d.prepare(login); err != nil {
		return err
	}
	d.lookBack()
	return d.resume(login)
}

// Hear implements Ear. It waits for the store and for its turn with the
// dispatcher, which is microseconds; it does not look at its context, so that it
// takes what was fetched when that had ended already.
func (d *dispatcher) Hear(_ context.Context, batch []Message) error {
	select {
	case <-d.stop:
		return errStopping
	default:
	}
	if d.aside.Load() > maxAside {
		return errBehind
	}
	login := *d.login.Load()
	tasks, kept := d.meant(batch, login)
	if len(tasks) == 0 {
		return nil
	}
	numbers, err := d.receive(kept)
	if err != nil {
		return fmt.Errorf("store messages: %w", err)
	}
	if d.unsure && slices.Contains(numbers, 0) {
		return d.resume(login)
	}
	d.unsure = false
	fresh := tasks[:0]
	for i, t := range tasks {
		if t.seq = numbers[i]; t.seq != 0 {
			fresh = append(fresh, t)
		}
	}
	return d.hand(filing{tasks: fresh})
}

// receive stores messages. After an error it is not sure that they are not stored:
// a commit may have been cut off from its answer.
func (d *dispatcher) receive(kept []Message) (numbers []int64, err error) {
	err = d.once(func(ctx context.Context) (err error) {
		numbers, err = d.store.Receive(ctx, kept)
		return err
	})
	if err != nil {
		d.unsure = true
	}
	return numbers, err
}

// once makes a call of the store which the channel repeats when it fails.
func (d *dispatcher) once(call func(context.Context) error) error {
	err := d.try(d.saying, call)
	switch {
	case errors.Is(err, ErrNotOwner):
		d.shift.disown()
	case err != nil && d.saying.Err() == nil:
		if d.trouble.deaf.CompareAndSwap(false, true) {
			d.trouble.begin(err)
		}
	case err == nil:
		if d.trouble.deaf.Load() && d.trouble.deaf.CompareAndSwap(true, false) {
			d.trouble.end(true)
		}
	}
	return err
}

// hand gives the dispatcher what it has not had yet.
func (d *dispatcher) hand(f filing) error {
	if len(f.tasks)+len(f.dead)+len(f.forget) == 0 {
		return nil
	}
	select {
	case d.in <- f:
	case <-d.stop:
		return errStopping
	}
	if n := len(f.tasks); n > 0 {
		d.high = max(d.high, f.tasks[n-1].seq)
	}
	return nil
}

// resume files the messages that are not done and not in work here.
func (d *dispatcher) resume(login string) error {
	var open []Open
	err := d.once(func(ctx context.Context) (err error) {
		open, err = d.store.Open(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("read what is open: %w", err)
	}
	kept, err := d.keptBefore()
	if err != nil {
		return fmt.Errorf("read what is kept: %w", err)
	}
	now := time.Now()
	var f filing
	marks := maps.Clone(kept)
	for _, o := range open {
		switch {
		case o.Seq <= d.high:
		case o.Message.Login != login:
			f.dead = append(f.dead, o.Seq)
		default:
			f.tasks = append(f.tasks, d.taskOf(o, kept[o.Seq].until))
		}
		delete(kept, o.Seq)
	}
	f.tasks = reunite(f.tasks, marks)
	f.forget = slices.Collect(maps.Keys(kept))
	stale := d.markStale(f.tasks, now)
	if len(f.tasks)+len(f.dead) > 0 {
		d.o.Logger.Info("resuming", "messages", len(f.tasks), "stale", stale, "of_earlier_logins", len(f.dead))
	}
	if err := d.hand(f); err != nil {
		return err
	}
	d.unsure = false
	return nil
}

// markStale finds the messages that are too old to be answered, and says so to the
// newest of them in each chat.
func (d *dispatcher) markStale(tasks []task, now time.Time) (n int) {
	told := make(map[string]bool)
	for i := len(tasks) - 1; i >= 0; i-- {
		t := &tasks[i]
		if t.stored != nil || t.way == toKeep || now.Sub(t.heard) <= d.o.StaleAfter {
			continue
		}
		n++
		if t.way = toDrop; !told[t.Chat.ID] {
			t.way, told[t.Chat.ID] = toExcuse, true
		}
	}
	return n
}

// taskOf makes a task of a message that was stored earlier, and is kept until then
// if that is not zero.
func (d *dispatcher) taskOf(o Open, until time.Time) task {
	t := task{Message: o.Message, ticket: &ticket{asker: o.Message.Sender.ID, seq: o.Seq}, text: o.Message.Text, heard: o.Heard,
		person: d.person(o.Message), way: toCatchUp, stored: o.Reply, until: until}
	switch t.Text = ""; {
	case t.stored != nil:
		t.way = toResume
	case !until.IsZero():
		t.way = toKeep
	}
	return t
}

// meant returns of a batch what is for us: as tasks, and as messages to store.
// These are what the message says to us and no more, so that a full mailbox of
// huge messages stays small, and without the arguments of secret commands.
func (d *dispatcher) meant(batch []Message, login string) (tasks []task, kept []Message) {
	now := time.Now()
	for _, m := range batch {
		text, ok := d.saidToUs(m)
		if !ok {
			continue
		}
		if tooLong(text, d.o.MaxMessage) {
			text = strings.Clone(cutRunes(text, d.o.MaxMessage+1))
		}
		if m.Login = login; d.ignores(m) {
			continue
		}
		m.Quote = d.exact(d.commands.stored(strings.Clone(cutRunes(m.Quote, maxQuote))))
		m.Text, m.Medium = "", d.tidied(m)
		tasks = append(tasks, task{Message: m, ticket: &ticket{asker: m.Sender.ID}, text: text, heard: now, person: d.person(m)})
		if m.Text = d.exact(d.commands.stored(text)); d.commands.hidden(text) {
			m.Quote = ""
		}
		kept = append(kept, m)
	}
	return tasks, kept
}

// saidToUs returns what m says to us and whether it is for us. In File Transfer
// the owner need not call us to give a command.
func (d *dispatcher) saidToUs(m Message) (string, bool) {
	text, ok := d.address.text(m)
	if !ok && m.Sender.Owner && !m.Chat.Group && m.Kind == KindText {
		text = strings.TrimSpace(clean(m.Text))
		var c *command
		c, _, ok = d.commands.parse(text)
		ok = ok && c.run != nil
	}
	return text, ok
}

// conversation names what belongs to the chat of m.
func (r *Relay) conversation(m Message) Conversation {
	switch {
	case m.Chat.Key != "":
		return Conversation{Key: m.Chat.Key, Name: m.Chat.Name}
	case r.traits.StableIDs:
		return Conversation{Key: m.Chat.ID, Name: m.Chat.Name}
	}
	return Conversation{Key: m.Login + "/" + m.Chat.ID, Login: m.Login, Name: m.Chat.Name}
}

// person names the sender of m: for good, if they can be known again.
func (r *Relay) person(m Message) string {
	switch {
	case m.Sender.Key != "":
		return m.Sender.Key
	case r.traits.StableIDs:
		return m.Sender.ID
	}
	return m.Login + "/" + m.Sender.ID
}
