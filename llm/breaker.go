package llm

import (
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"

	"github.com/diagbot/diagbot/troubleshoot"
)

// When a provider counts as down: half of at least five requests in a minute
// fail, or five in a row.
const (
	breakerRate   = 0.5
	breakerLeast  = 5
	breakerWindow = time.Minute
	breakerGrowth = 10 // times the first rest, at most
)

// breaker keeps requests from a provider that only fails. After a rest it lets
// one through, and opens for all when that one is answered; if not, the next
// rest is twice as long. It is guarded by its provider's lock.
type breaker struct {
	circuit circuitbreaker.CircuitBreaker[any] // nil: there is none
	rest    time.Duration                      // the first

	row     int       // failures in a row
	trips   int       // rests in a row
	until   time.Time // end of the rest
	asked   time.Time // end of the pause the provider asked for, if any
	probing bool      // the one request is under way
	entry   string    // of the last failure that counted
	fault   *troubleshoot.Fault
}

// newBreaker makes a breaker that rests for so long; negative never.
func newBreaker(rest time.Duration) breaker {
	if rest < 0 {
		return breaker{}
	}
	circuit := circuitbreaker.NewBuilder[any]().
		WithFailureRateThreshold(breakerRate, breakerLeast, breakerWindow).
		WithSuccessThreshold(1).
		WithDelay(0). // the rest grows and may be asked for, so it is kept here
		Build()
	return breaker{circuit: circuit, rest: rest}
}

func (b *breaker) closed() bool { return b.circuit == nil || b.circuit.IsClosed() }

// ready reports whether a request may go.
func (b *breaker) ready(now time.Time) bool {
	return b.closed() || !b.probing && !now.Before(b.until)
}

// enter lets a request go when ready, and reports whether it is the one that
// tries.
func (b *breaker) enter() (probe bool) {
	if !b.closed() {
		b.probing = b.circuit.TryAcquirePermit()
	}
	return b.probing
}

// succeeded notes an answer. What began before a rest says nothing about it.
func (b *breaker) succeeded(probe bool) {
	if b.circuit == nil || !probe && !b.circuit.IsClosed() {
		return
	}
	b.circuit.RecordSuccess()
	b.row = 0
	if probe {
		b.probing, b.trips, b.until = false, 0, time.Time{}
	}
}

// failed notes a failure that counts.
func (b *breaker) failed(probe bool, entry string, f *troubleshoot.Fault, now time.Time) {
	if b.circuit == nil || !probe && !b.circuit.IsClosed() {
		return
	}
	b.circuit.RecordFailure()
	b.entry, b.fault = entry, f
	if b.row++; b.row >= breakerLeast {
		b.circuit.Open()
	}
	if !b.circuit.IsOpen() {
		return
	}
	rest := min(b.rest<<min(b.trips, 4), breakerGrowth*b.rest)
	b.probing, b.row, b.until = false, 0, now.Add(max(rest, f.RetryAfter))
	b.asked = now.Add(f.RetryAfter)
	b.trips++
}

// released notes a request that ended without saying anything about the
// provider: the next one tries instead.
func (b *breaker) released(probe bool) {
	if probe {
		b.circuit.Open()
		b.probing = false
	}
}

// String returns closed, open or half-open, as admins are shown it.
func (b *breaker) String() string {
	if b.circuit == nil {
		return circuitbreaker.ClosedState.String()
	}
	return b.circuit.State().String()
}
