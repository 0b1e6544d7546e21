package bot

import (
	"strings"
	"time"

	"github.com/diagbot/diagbot/llm"
)

// maxConversation bounds what a chat remembers, in bytes of text.
const maxConversation = 64 << 10

// turn is a message and its answer, as the model saw them.
type turn struct{ asked, answered string }

func (t turn) size() int { return len(t.asked) + len(t.answered) }

// conversation is what one chat remembers: its latest turns. Only turns that
// were answered enter it. It belongs to the chat's goroutine, and to the
// dispatcher while the chat has none.
type conversation struct {
	turns    []turn
	size     int
	last     time.Time
	most     int           // turns
	declined int           // questions in a row that the model's content rules refused
	expiry   time.Duration // 0: never
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
			llm.Message{Role: llm.RoleUser, Content: t.asked},
			llm.Message{Role: llm.RoleAssistant, Content: t.answered})
	}
	return all
}

// add remembers a turn, and forgets the oldest ones beyond the limits.
func (c *conversation) add(t turn, now time.Time) {
	if c.forgotten(now) {
		c.reset()
	}
	c.declined = 0
	// Copies, for texts may be small parts of large buffers.
	t = turn{strings.Clone(t.asked), strings.Clone(t.answered)}
	c.turns, c.size, c.last = append(c.turns, t), c.size+t.size(), now
	for len(c.turns) > 0 && (len(c.turns) > c.most || c.size > maxConversation) {
		c.size -= c.turns[0].size()
		c.turns[0] = turn{}
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
	c.turns, c.size, c.declined = nil, 0, 0
	return had
}
