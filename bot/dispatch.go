package bot

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"
)

const (
	quietAfter  = time.Minute      // a chat without messages for so long loses its goroutine
	busyEvery   = 10 * time.Second // a person is told "busy" at most so often in a chat
	maxIdle     = 10_000           // chats remembered besides those in work
	maxIdleSize = 32 << 20         // bytes of their conversations
	maxRecent   = 8192             // message ids remembered against repeats
	maxQuote    = 2000             // runes of a quoted message that the model sees
)

// errStopping is what hear answers when the relay has been told to stop, and the
// cause of the contexts that end then.
var errStopping = errors.New("the relay is stopping")

// dispatcher files messages in their chats' mailboxes. Its goroutine, run, owns
// the map of chats: it counts what it files and what is concluded, and it alone
// gives a chat a goroutine or takes it away. It never waits for a chat.
type dispatcher struct {
	*Relay
	out  *outbox
	work context.Context // ends when answers are no longer worth waiting for

	in      chan Message
	done    chan *chat
	stop    chan struct{} // closed: hear takes no more
	workers sync.WaitGroup
}

// chat is one friend or group. Its fields are the dispatcher's, except that its
// goroutine, while it has one, uses memory.
type chat struct {
	id      string
	mailbox chan task // nil: no goroutine
	open    []*ticket // filed and not concluded, in order
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
	text  string
	heard time.Time

	tag, how string // the language to answer in, and why
}

func newDispatcher(r *Relay, out *outbox, work context.Context) *dispatcher {
	return &dispatcher{Relay: r, out: out, work: work,
		in: make(chan Message), done: make(chan *chat), stop: make(chan struct{})}
}

// LoggedIn implements Ear.
func (d *dispatcher) LoggedIn(context.Context, string) error { return nil }

// Hear takes messages from the channel. It waits only for its turn with the
// dispatcher, which is microseconds; so it need not look at its context, and
// takes what was fetched when that had ended already.
func (d *dispatcher) Hear(_ context.Context, batch []Message) error {
	select {
	case <-d.stop:
		return errStopping
	default:
	}
	for _, m := range batch {
		select {
		case d.in <- m:
		case <-d.stop:
			return errStopping
		}
	}
	return nil
}

// run files messages until stop is closed, and returns when all are concluded
// and every chat's goroutine has ended.
func (d *dispatcher) run() {
	tick := time.NewTicker(quietAfter / 2)
	defer tick.Stop()
	stop, working := d.stop, 0
	for stop != nil || working > 0 {
		select {
		case m := <-d.in:
			if d.file(m, time.Now()) {
				working++
			}
		case c := <-d.done:
			working--
			c.concluded()
			d.Relay.open.Add(-1)
			c.last = time.Now()
		case now := <-tick.C:
			d.retire(now)
		case <-stop:
			stop = nil
		}
	}
	for _, c := range d.chats {
		c.rest()
	}
	d.workers.Wait()
}

// file puts m into its chat's mailbox and reports whether it did.
func (d *dispatcher) file(m Message, now time.Time) bool {
	text, ok := d.meant(m)
	if !ok || d.recent.repeated(m.ID) {
		return false
	}
	t := d.task(m, text, now)
	c := d.chat(m.Chat.ID)
	c.last = now
	if d.urgent(c, t) {
		return false
	}
	switch {
	case m.Kind != KindText && now.Sub(c.notTextTold) < time.Minute:
		return false
	case len(c.open) > d.o.MailboxSize:
		d.busy(c, t)
		return false
	case m.Kind != KindText:
		c.notTextTold = now
	}
	if c.mailbox == nil {
		c.mailbox = make(chan task, d.o.MailboxSize+1)
		d.workers.Go(func() { d.serve(c, c.mailbox) })
	}
	t.work, t.end = context.WithCancelCause(d.work)
	c.open = append(c.open, t.ticket)
	d.Relay.open.Add(1)
	c.mailbox <- t
	return true
}

// urgent carries out a command that cannot wait for its turn in a busy chat.
func (d *dispatcher) urgent(c *chat, t task) bool {
	cmd, args, ok := d.commands.parse(t.text)
	if t.asks = t.Kind == KindText && !ok; !ok || !cmd.urgent || t.Kind != KindText {
		return false
	}
	t.tag, t.how = d.language(t)
	r := d.reply(t, d.command(cmd, call{task: t, chat: c, args: args, out: d.out}))
	r.passing = true // no mailbox bounds how many there are
	d.out.put(r)
	return true
}

// meant returns what m says to us and whether it is for us. In File Transfer the
// owner need not call us to give a command.
func (d *dispatcher) meant(m Message) (string, bool) {
	text, ok := d.address.text(m)
	if !ok && m.Sender.Owner && !m.Chat.Group && m.Kind == KindText {
		text = strings.TrimSpace(clean(m.Text))
		var c *command
		c, _, ok = d.commands.parse(text)
		ok = ok && c.run != nil
	}
	return text, ok
}

// task keeps of a message only what is needed, so that a full mailbox of huge
// messages stays small.
func (d *dispatcher) task(m Message, text string, now time.Time) task {
	m.Text, m.Quote = "", strings.Clone(cutRunes(m.Quote, maxQuote))
	if tooLong(text, d.o.MaxMessage) {
		text = strings.Clone(cutRunes(text, d.o.MaxMessage+1))
	}
	return task{Message: m, ticket: &ticket{asker: m.Sender.ID}, text: text, heard: now}
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
		return
	}
	if c.busyTold == nil || len(c.busyTold) >= 100 {
		c.busyTold = make(map[string]time.Time)
	}
	c.busyTold[t.Sender.ID] = t.heard
	t.tag, t.how = d.language(t)
	r := d.reply(t, d.explain(t, entryBusy))
	r.passing = true
	d.out.put(r)
}

// retire takes the goroutines of quiet chats, and forgets chats that have
// nothing to remember or are too many.
func (d *dispatcher) retire(now time.Time) {
	size, idle := 0, 0
	for id, c := range d.chats {
		if len(c.open) > 0 || now.Sub(c.last) < quietAfter {
			continue
		}
		c.rest()
		if c.memory.forgotten(now) {
			delete(d.chats, id)
			continue
		}
		idle++
		size += c.memory.size
	}
	for idle > maxIdle || size > maxIdleSize {
		c := d.oldest()
		idle, size = idle-1, size-c.memory.size
		delete(d.chats, c.id)
	}
}

// rest ends the chat's goroutine, which has nothing to do.
func (c *chat) rest() {
	c.said = nil
	if c.mailbox != nil {
		close(c.mailbox)
		c.mailbox = nil
	}
}

// oldest returns the chat without a goroutine that has been quiet for longest.
func (d *dispatcher) oldest() (oldest *chat) {
	for _, c := range d.chats {
		if c.mailbox == nil && (oldest == nil || c.last.Before(oldest.last)) {
			oldest = c
		}
	}
	return oldest
}
