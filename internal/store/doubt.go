package store

import (
	"slices"
	"sync"
)

// span is from one number of a message to another.
type span struct{ first, last int64 }

// doubt remembers the numbers of messages of which it is not known whether they
// were stored. That was reported as a failure, so that they are offered again.
type doubt struct {
	mu    sync.Mutex
	spans []span
}

func (d *doubt) all() []span {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.spans)
}

func (d *doubt) add(s span) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.spans = append(d.spans, s)
}

// remove ends the doubt about spans: it is certain whether they are stored.
func (d *doubt) remove(spans []span) {
	if len(spans) == 0 {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.spans = slices.DeleteFunc(d.spans, func(s span) bool { return slices.Contains(spans, s) })
}

// unreceive removes what may be stored: it would be taken for known when it is
// offered again, and nobody would answer it before the next start.
func unreceive(t *tx, account string, spans []span) error {
	for _, s := range spans {
		if _, err := t.exec(sqlUnreceive, account, s.first, s.last); err != nil {
			return err
		}
	}
	return nil
}
