package wechat

import (
	"sync"
	"time"
)

const (
	doubtTime = 2 * time.Minute
	maxDoubts = 256
)

// doubts remembers under which name a message went out that may have arrived. The
// relay sends such a message once more, and under the same name a server that
// knows it already can tell. It is safe for concurrent use.
type doubts struct {
	mu   sync.Mutex
	sent map[doubtful]named
}

type doubtful struct{ to, text string }

type named struct {
	id string
	at time.Time
}

// take returns the name of the same message if it is in doubt, and forgets it.
func (d *doubts) take(to, text string) (id string, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n, ok := d.sent[doubtful{to, text}]
	delete(d.sent, doubtful{to, text})
	return n.id, ok && time.Since(n.at) <= doubtTime
}

func (d *doubts) put(to, text, id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.sent == nil {
		d.sent = make(map[doubtful]named)
	}
	now := time.Now()
	for k, n := range d.sent {
		if now.Sub(n.at) > doubtTime || len(d.sent) >= maxDoubts {
			delete(d.sent, k)
		}
	}
	d.sent[doubtful{to, text}] = named{id, now}
}
