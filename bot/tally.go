package bot

import (
	"sync"
	"time"
)

const (
	tallySpan = 24 * time.Hour
	tallySlot = 10 * time.Minute
)

// tally counts what became of the questions of the last 24 hours, to ten minutes.
// It is safe for concurrent use.
type tally struct {
	mu    sync.Mutex
	slots [tallySpan / tallySlot]slot
}

// slot is ten minutes of a tally.
type slot struct {
	number int64 // of the slot since the beginning of time
	counts
}

// counts says how many questions were answered, how long that took in all, and
// how many met a failure; the rescued ones are among both.
type counts struct {
	answered, failed, rescued int
	took                      time.Duration
}

func (t *tally) add(now time.Time, c counts) {
	t.mu.Lock()
	defer t.mu.Unlock()
	number := now.UnixNano() / int64(tallySlot)
	s := &t.slots[number%int64(len(t.slots))]
	if s.number != number {
		*s = slot{number: number}
	}
	s.plus(c)
}

func (c *counts) plus(d counts) {
	c.answered, c.failed, c.rescued, c.took = c.answered+d.answered, c.failed+d.failed, c.rescued+d.rescued, c.took+d.took
}

func (t *tally) answered(now time.Time, took time.Duration) {
	t.add(now, counts{answered: 1, took: took})
}
func (t *tally) failed(now time.Time)  { t.add(now, counts{failed: 1}) }
func (t *tally) rescued(now time.Time) { t.add(now, counts{failed: 1, rescued: 1}) }

// sum returns the counts of the last 24 hours.
func (t *tally) sum(now time.Time) (sum counts) {
	t.mu.Lock()
	defer t.mu.Unlock()
	last := now.UnixNano() / int64(tallySlot)
	for _, s := range t.slots {
		if s.number <= last && s.number > last-int64(len(t.slots)) {
			sum.plus(s.counts)
		}
	}
	return sum
}
