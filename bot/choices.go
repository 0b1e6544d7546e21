package bot

import (
	"strconv"
	"strings"
	"sync"
	"time"
)

// The numbered lists that people choose from.
const (
	listAdmins  = "admins"
	listPeople  = "people"
	listBlocked = "blocked"
)

// maxChoices is how many lists are remembered.
const maxChoices = 1000

// maxDigits is how long a number in a list can be; the end of an id is longer.
const maxDigits = 5

// choices remembers what stood in the lists that people were shown: a number
// means what it meant when they read it. It is safe for concurrent use.
type choices struct {
	mu    sync.Mutex
	shown map[string][]string
}

// show remembers a list that a person is shown.
func (c *choices) show(person, list string, keys []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.shown == nil {
		c.shown = make(map[string][]string)
	}
	makeRoomIn(c.shown, maxChoices)
	c.shown[list+" "+person] = keys
}

// chosen is what a number stands for.
func (c *choices) chosen(person, list, number string) (key string, ok bool) {
	number = strings.Trim(bare(number), "#.")
	n, err := strconv.Atoi(cutRunes(number, maxDigits+1))
	c.mu.Lock()
	defer c.mu.Unlock()
	keys := c.shown[list+" "+person]
	if err != nil || len(number) > maxDigits || n < 1 || n > len(keys) {
		return "", false
	}
	return keys[n-1], true
}

// ration lets something happen so often in a time, and no more. It is safe for
// concurrent use.
type ration struct {
	mu   sync.Mutex
	from time.Time
	n    int
}

// take reports whether it may happen once more, and counts it.
func (r *ration) take(now time.Time, most int, every time.Duration) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now.Sub(r.from) >= every {
		r.from, r.n = now, 0
	}
	r.n++
	return r.n <= most
}

// seldom keeps something from happening too often. It is safe for concurrent use.
type seldom struct {
	mu   sync.Mutex
	last time.Time
}

// due reports whether it may happen, and counts it as done.
func (s *seldom) due(now time.Time, every time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.last.IsZero() && now.Sub(s.last) < every {
		return false
	}
	s.last = now
	return true
}
