package bot

import (
	"strings"
	"time"

	"github.com/diagbot/diagbot/llm"
)

// maxConversation bounds what a chat remembers, in bytes of text.
const maxConversation = 64 << 10

func (t Turn) size() int { return len(t.Asked) + len(t.Answered) + len(t.Picture) }

// within cuts the end off a question that is too long to be remembered, as with a
// file in it, so that one can still ask about its beginning.
func (t Turn) within(most int) Turn {
	const least = 1 << 10 // bytes that are worth remembering
	if room := most - len(t.Answered) - len(t.Picture) - len("…"); len(t.Asked) > room && room >= least {
		t.Asked = cutBytes(t.Asked, room) + "…"
	}
	return t
}

// conversation is what one chat remembers while it has a goroutine, to which it
// belongs: its latest turns. Only turns that were answered enter it.
type conversation struct {
	turns    []Turn
	size     int
	last     time.Time
	most     int           // turns
	declined int           // questions in a row that the model's content rules refused
	expiry   time.Duration // 0: never

	loaded bool // what the store remembers is in it
	lost   bool // the person is to be told that nothing is remembered
	forget bool // what the store remembers is not to be remembered any more
}

// load takes what the store remembers.
func (c *conversation) load(m Memory, now time.Time) {
	c.loaded, c.lost, c.last = true, m.Lost, now
	for _, t := range m.Turns {
		c.push(t)
	}
}

// unload forgets what the store remembers.
func (c *conversation) unload() {
	c.turns, c.size, c.loaded, c.lost, c.forget = nil, 0, false, false, false
}

// forgotten reports whether nothing is remembered at now.
func (c *conversation) forgotten(now time.Time) bool {
	return len(c.turns) == 0 || c.expiry > 0 && now.Sub(c.last) >= c.expiry
}

// appendTo appends the remembered turns, in order, to a prompt.
func (c *conversation) appendTo(all []llm.Message, now time.Time) []llm.Message {
	if c.forgotten(now) {
		c.reset()
		return all
	}
	for _, t := range c.turns {
		all = append(all,
			llm.Message{Role: llm.RoleUser, Content: t.Asked},
			llm.Message{Role: llm.RoleAssistant, Content: t.Answered})
	}
	return all
}

// add remembers a turn, and returns it with how many are remembered then.
func (c *conversation) add(t Turn, now time.Time) (*Turn, int) {
	if c.forgotten(now) {
		c.reset()
	}
	c.declined = 0
	t = t.within(maxConversation)
	// Copies, for texts may be small parts of large buffers.
	t = Turn{strings.Clone(t.Asked), strings.Clone(t.Answered), strings.Clone(t.Picture)}
	c.last = now
	if c.push(t); len(c.turns) == 0 {
		c.forget = c.forget || c.most > 0
		return nil, 0
	}
	return &t, len(c.turns)
}

// push appends a turn, and forgets the oldest ones beyond the limits.
func (c *conversation) push(t Turn) {
	c.turns, c.size = append(c.turns, t), c.size+t.size()
	for len(c.turns) > 0 && (len(c.turns) > c.most || c.size > maxConversation) {
		c.size -= c.turns[0].size()
		c.turns[0] = Turn{}
		c.turns = c.turns[1:]
	}
}

// refuse notes that a question was refused for its content. When that happens
// twice in a row, what was said before is suspected, since it goes along with
// every question, and is forgotten; refuse reports whether it was.
func (c *conversation) refuse() (forgot bool) {
	if c.declined++; c.declined < 2 {
		return false
	}
	return c.reset()
}

// reset forgets everything and reports whether there was something.
func (c *conversation) reset() bool {
	had := len(c.turns) > 0
	c.turns, c.size, c.declined, c.forget = nil, 0, 0, c.forget || had
	return had
}
