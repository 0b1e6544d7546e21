package store

import "time"

const (
	patient  = 4 * time.Millisecond // how long a write that may wait does so at most
	mostLuck = 8                    // waits that count
	tryAfter = 64                   // writes that did not wait, until one does to see
)

// patience knows whether it is worth waiting for a write: whether the latest waits
// were. Where each writer waits for its own, none is.
type patience struct {
	luck  int // waits that were worth it, of late; three outweigh one that was not
	since int // writes that did not wait
}

// begin reports whether to wait.
func (p *patience) begin() bool {
	if p.luck > 0 {
		return true
	}
	p.since = (p.since + 1) % tryAfter
	return p.since == 0
}

// end takes in whether a wait was worth it.
func (p *patience) end(worth bool) {
	if worth {
		p.luck = min(p.luck+1, mostLuck)
	} else {
		p.luck = max(p.luck-3, 0)
	}
}
