package llm

import (
	"sync"
	"time"
)

// allowance bounds how often the whole process asks again what has just failed:
// in any minute one in five of its requests, and a few besides. Without it an
// outage would be met with several times the usual traffic.
type allowance struct {
	extra int // retries a minute, whatever the traffic

	mu      sync.Mutex
	seconds [60]tally // of the last minute, at second modulo 60
}

// tally counts one second.
type tally struct {
	second            int64 // since 1970
	requests, retries int
}

const retryShare = 5 // requests for each retry

// at returns the counts of the second of now; the lock must be held.
func (a *allowance) at(now time.Time) *tally {
	second := now.Unix()
	t := &a.seconds[second%int64(len(a.seconds))]
	if t.second != second {
		*t = tally{second: second}
	}
	return t
}

// request counts a prompt.
func (a *allowance) request(now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.at(now).requests++
}

// spare reports whether there may be another retry.
func (a *allowance) spare(now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.left(now) > 0
}

// retry takes a retry, if there may be another.
func (a *allowance) retry(now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.left(now) <= 0 {
		return false
	}
	a.at(now).retries++
	return true
}

func (a *allowance) left(now time.Time) int {
	requests, retries := 0, 0
	for _, t := range a.seconds {
		if now.Unix()-t.second < int64(len(a.seconds)) {
			requests, retries = requests+t.requests, retries+t.retries
		}
	}
	return a.extra + requests/retryShare - retries
}
