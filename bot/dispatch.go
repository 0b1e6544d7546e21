package bot

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

const (
	quietAfter = time.Minute      // a chat without messages for so long loses its goroutine
	busyEvery  = 10 * time.Second // a person is told "busy" at most so often in a chat
	suspicion  = time.Hour        // refused questions count as in a row for so long
	maxQuote   = 2000             // runes of a quoted message that the model sees
)

// dispatcher files messages in their chats' mailboxes. Its goroutine, run, owns
// the map of chats: it counts what it files and what is concluded, and it alone
// gives a chat a goroutine or takes it away. It waits neither for a chat nor for
// the store.
type dispatcher struct {
	*Relay
	*shift
	out   *outbox
	shelf *shelf

	due      []*chat // their first question is not given to their goroutine yet
	stopping bool    // nothing more comes

	in      chan filing
	done    chan *chat
	stop    chan struct{} // closed: Hear takes no more
	workers sync.WaitGroup
	aside   atomic.Int32 // conclusions besides those of the chats
	left    atomic.Int32 // messages that the next start answers

	// The channel's goroutine's own: it hears one batch at a time.
	high    int64    // the last message that was filed
	unsure  bool     // more may be stored than was filed
	invited []string // the logins for which a pairing code was made

	reviewing atomic.Bool // of the outages
}

// chat is one friend or group. Its fields are the dispatcher's, except that its
// goroutine, while it has one, uses memory.
type chat struct {
	id      string
	mailbox chan task // nil: no goroutine
	open    []task    // filed and not concluded, in order
	working bool      // on the first of them; till then the dispatcher may add to it
	said    *ticket   // the last question that was answered, while that is news
	last    time.Time
	memory  conversation

	busyTold    map[string]time.Time // when a person was told so
	notTextTold time.Time
}

// task is a message for us and what it says to us.
type task struct {
	Message
	*ticket
	text   string
	heard  time.Time
	person string // who says it; see [Relay.person]
	way    way
	stored *StoredReply // where there is a rest to say
	until  time.Time    // of a kept question: it is given up then

	// A question may be made of several messages; see [dispatcher.join].
	also   []int64   // those after the first
	more   []*Medium // their pictures, after the first
	latest time.Time // when the last of them was sent
	gather time.Time // more may come until then; zero: it is whole

	counted bool // against the limits of what people may ask

	back bool // it failed again and is kept on; its chat's goroutine's

	tag, how string // the language to answer in, and why
}

// way is what is to be done with a message.
type way int

const (
	toAnswer  way = iota
	toCatchUp     // the same, of what was heard before the restart
	toRetry       // the same, of what failed before and was kept
	toResume      // saying the rest of its reply
	toDrop        // nothing: it is too old
	toExcuse      // saying that it and others are too old
	toKeep        // keeping it, as before the restart
	toLeave       // saying that the bot stops before it has an answer
)

func newDispatcher(r *Relay, s *shift, out *outbox) *dispatcher {
	d := &dispatcher{Relay: r, shift: s, out: out, shelf: newShelf(),
		in: make(chan filing), done: make(chan *chat), stop: make(chan struct{})}
	r.shelved.Store(d.shelf)
	return d
}

// run files messages until stop is closed, and returns when all are concluded
// and every chat's goroutine has ended.
func (d *dispatcher) run() {
	tick := time.NewTicker(quietAfter / 2)
	defer tick.Stop()
	whole := time.NewTimer(time.Hour)
	defer whole.Stop()
	stop, working := d.stop, 0
	for stop != nil || working > 0 {
		whole.Reset(d.wake(time.Now()))
		select {
		case f := <-d.in:
			working += d.fileAll(f)
		case <-whole.C:
		case c := <-d.done:
			working--
			if c.concluded(); len(c.open) > 0 {
				d.due = append(d.due, c)
			}
			d.Relay.open.Add(-1)
			if c.last = time.Now(); stop != nil {
				working += d.again(c.last)
			} else {
				working += d.leaveKept()
			}
		case now := <-tick.C:
			if d.retire(now); stop != nil {
				d.expire(now)
				d.review(now)
				working += d.again(now)
			}
		case <-stop:
			stop, d.stopping = nil, true
			working += d.leaveKept()
		}
	}
	d.left.Add(int32(d.shelf.count()))
	for _, c := range d.chats {
		c.rest()
	}
	d.workers.Wait()
	if n := d.left.Load(); n > 0 {
		d.o.Logger.Info("messages left for the next start", "messages", n)
	}
}

// fileAll returns how many messages it put in mailboxes.
func (d *dispatcher) fileAll(f filing) (n int) {
	now := time.Now()
	for _, t := range f.tasks {
		if d.file(t, now) {
			n++
		}
	}
	if len(f.dead) > 0 {
		d.besides(func() { d.leave(f.dead...) })
	}
	if len(f.forget) > 0 {
		d.besides(func() { d.unmark(f.forget...) })
	}
	return n
}

// file puts t into its chat's mailbox and reports whether it did.
func (d *dispatcher) file(t task, now time.Time) bool {
	if t.way == toKeep {
		d.keepOn(t, now)
		return false
	}
	c := d.chat(t.Chat.ID)
	c.last = now
	if d.urgent(c, t) || d.rests(t) || d.join(c, &t, now) {
		return false
	}
	switch {
	case t.way > toCatchUp:
	case !d.readable(t.Message) && now.Sub(c.notTextTold) < notTextPause(t.Chat):
		seq := t.seq
		d.besides(func() { d.leave(seq) })
		return false
	case t.way == toAnswer && len(c.open) > d.o.MailboxSize:
		d.busy(c, t)
		return false
	case !d.readable(t.Message):
		c.notTextTold = now
	}
	if t.latest = t.At; t.way <= toCatchUp && d.wordless(&t) {
		t.gather = now.Add(gatherFor)
	}
	d.askAgain(c, &t, now)
	t.work, t.end = context.WithCancelCause(d.work)
	d.Relay.open.Add(1)
	if c.open = append(c.open, t); len(c.open) == 1 {
		d.due = append(d.due, c)
	}
	return true
}

// notTextPause is how long what cannot be read is left without a word after somebody
// in the chat was told so. In private that is for what is sent at one go alone.
func notTextPause(c Chat) time.Duration {
	if c.Group {
		return time.Minute
	}
	return 5 * time.Second
}

// give gives a chat the first of its questions. The mailbox has room for it, for
// the chat gets the next when it has concluded the one before.
func (d *dispatcher) give(c *chat) {
	c.working = true
	if c.mailbox == nil {
		c.mailbox = make(chan task, 1)
		d.workers.Go(func() { d.serve(c, c.mailbox) })
	}
	c.mailbox <- c.open[0]
}

// urgent carries out a command that cannot wait for its turn in a busy chat.
func (d *dispatcher) urgent(c *chat, t task) bool {
	cmd, args, ok := d.commands.parse(t.text)
	t.asks = d.readable(t.Message) && (!ok || t.Kind != KindText) && t.way <= toResume
	if !ok || !cmd.urgent || t.Kind != KindText || t.way > toCatchUp {
		return false
	}
	kept := d.shelf.takeBack(c.id, t.Sender.ID)
	taken := append(c.takeBack(t.Sender.ID, d.out), kept...)
	d.tellTaken(cmd, call{task: t, chat: c, args: args, out: d.out, taken: len(taken) > 0}, taken)
	return true
}

// tellTaken carries out an urgent command when what it has taken back will not be
// answered after a restart either.
func (d *dispatcher) tellTaken(cmd *command, in call, taken []int64) {
	in.work = d.work
	d.besides(func() {
		d.leave(taken...)
		in.tag, in.how = d.language(d.work, in.task)
		d.notice(in.task, d.command(cmd, in))
	})
}

// besides does what may have to wait for the store, without a chat's order.
func (d *dispatcher) besides(f func()) {
	d.aside.Add(1)
	d.workers.Go(func() {
		defer d.aside.Add(-1)
		f()
	})
}

// leave concludes messages without a reply.
func (d *dispatcher) leave(seqs ...int64) {
	for _, seq := range seqs {
		if d.keep(d.saying, func(ctx context.Context) error { return d.store.Said(ctx, seq, 0, true) }) != nil {
			return
		}
	}
}

// notice says a word that is not worth keeping behind others: no mailbox bounds
// how many there are.
func (d *dispatcher) notice(t task, text string) {
	r := d.reply(t, text)
	r.passing = true
	c := Conclusion{Seq: t.seq, Reply: r.stored(), Conversation: d.conversation(t.Message)}
	if text != "" && d.keep(d.saying, func(ctx context.Context) error { return d.store.Conclude(ctx, c) }) == nil {
		d.out.put(r)
	}
}

func (d *dispatcher) chat(id string) *chat {
	c := d.chats[id]
	if c == nil {
		c = &chat{id: id, memory: conversation{most: d.o.MemoryTurns, expiry: d.o.MemoryExpiry}}
		d.chats[id] = c
	}
	return c
}

// busy tells someone whose message found the mailbox full, once per burst.
func (d *dispatcher) busy(c *chat, t task) {
	d.o.Logger.Warn("mailbox full", "chat", d.hash(c.id), "entry", entryBusy)
	if t.heard.Sub(c.busyTold[t.Sender.ID]) < busyEvery {
		d.besides(func() { d.leave(t.seq) })
		return
	}
	if c.busyTold == nil || len(c.busyTold) >= 100 {
		c.busyTold = make(map[string]time.Time)
	}
	c.busyTold[t.Sender.ID] = t.heard
	d.besides(func() {
		t.tag, t.how = d.language(d.work, t)
		d.notice(t, d.explain(t, entryBusy))
	})
}

// retire forgets quiet chats, with their goroutines and conversations.
func (d *dispatcher) retire(now time.Time) {
	for id, c := range d.chats {
		quiet := now.Sub(c.last)
		if len(c.open) > 0 || quiet < quietAfter {
			continue
		}
		c.rest()
		if c.memory.declined == 0 || quiet >= suspicion {
			delete(d.chats, id)
		}
	}
}

// rest ends the chat's goroutine, which has nothing to do.
func (c *chat) rest() {
	c.said = nil
	c.memory.unload()
	if c.mailbox != nil {
		close(c.mailbox)
		c.mailbox = nil
	}
}
