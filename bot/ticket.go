package bot

import (
	"context"
	"errors"
	"sync/atomic"
)

// errTakenBack is the cause of the context of a question that its asker has
// taken back with /stop.
var errTakenBack = errors.New("the question was taken back")

// ticket is the fate of one message, from its filing to its reply. The dispatcher
// makes it, the chat's goroutine works on it, and whichever of the two decides
// first wins: so nobody is told "stopped" and given the answer as well.
type ticket struct {
	seq   int64 // of the message in the store
	asker string
	asks  bool            // a question for the model, and no command
	work  context.Context // ends when its answer is no longer worth waiting for
	end   context.CancelCauseFunc
	fate  atomic.Int32
	reply *reply // what answers it; the dispatcher's, once the message is done
}

// What can become of a ticket.
const (
	undecided int32 = iota
	answered        // its reply is on the way, or there is none
	takenBack       // its asker wants none
)

// decide settles the ticket's fate, and reports whether it was open till now.
func (k *ticket) decide(fate int32) bool { return k.fate.CompareAndSwap(undecided, fate) }

// takeBack ends the work on the questions that somebody has in this chat, and
// what is left unsaid of the last answer to them. It returns the messages that are
// not to be answered any more, and leaves their conclusion to its caller. The
// chat's open messages are the dispatcher's, and so is this.
func (c *chat) takeBack(asker string, out *outbox) (taken []int64) {
	if k := c.said; k != nil && k.asker == asker && out.cut(k.reply) {
		taken = append(taken, k.seq)
	}
	for _, k := range c.open {
		if k.asks && k.asker == asker && k.decide(takenBack) {
			k.end(errTakenBack)
			taken = append(taken, k.seqs()...)
		}
	}
	return taken
}

// concluded moves the oldest open message on. The dispatcher's.
func (c *chat) concluded() {
	k := c.open[0].ticket
	c.open[0], c.open, c.working = task{}, c.open[1:], false
	if k.asks && k.reply != nil {
		c.said = k
	}
}
