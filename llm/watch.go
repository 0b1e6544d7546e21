package llm

import (
	"context"
	"fmt"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"time"

	"github.com/diagbot/diagbot/troubleshoot"
)

// timeoutError is the cause with which an attempt's context ends when one of
// its own limits passes. net/http returns causes as they are, so the cause
// itself must pass for a deadline.
type timeoutError struct {
	phase troubleshoot.Phase
	after time.Duration
}

func (e *timeoutError) Error() string   { return fmt.Sprintf("no %s within %s", e.phase, e.after) }
func (e *timeoutError) Timeout() bool   { return true }
func (e *timeoutError) Temporary() bool { return true }
func (e *timeoutError) Is(target error) bool {
	return target == context.DeadlineExceeded
}

// watch knows how far an attempt has come and cancels it when a phase takes
// too long. One timer serves all phases: it wakes at the earliest moment a
// limit could pass and looks again, so that progress costs no timer calls.
type watch struct {
	cancel context.CancelCauseFunc
	limits Timeouts
	whole  bool // the answer comes in one piece: only Total counts after the connection
	begun  time.Time

	// Nanoseconds since begun, written on each read of the body.
	byteAt, wordAt atomic.Int64

	mu     sync.Mutex
	timer  *time.Timer
	wakes  time.Duration // when the timer fires, since begun
	phase  troubleshoot.Phase
	sentAt time.Duration // when a connection was there, since begun
	pooled bool          // that connection had been used before
	closes time.Duration // when the rest is given up, since begun; 0 is not yet
	over   bool
}

// connectSlack lets the transport's own, more telling errors come first.
const connectSlack = time.Second

func (w *watch) start(cancel context.CancelCauseFunc, limits Timeouts, whole bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cancel, w.limits, w.whole = cancel, limits, whole
	w.begun, w.phase = time.Now(), troubleshoot.PhaseDial
	due, _ := w.due()
	w.wakes, w.timer = due, time.AfterFunc(due, w.look)
}

// stop ends the watch; what connections still in the making report is ignored.
func (w *watch) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	w.timer.Stop()
}

func (w *watch) since() time.Duration { return time.Since(w.begun) }

// enter notes that the attempt has reached a phase.
func (w *watch) enter(p troubleshoot.Phase) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.phase = p
	if p == troubleshoot.PhaseHeaders {
		w.sentAt = w.since()
	}
	w.rearm()
}

// connected notes that the request goes out, and on what.
func (w *watch) connected(pooled bool) {
	w.enter(troubleshoot.PhaseHeaders)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pooled = pooled
}

// sending notes that the request is still going out: the time for the answer
// begins when it is sent.
func (w *watch) sending() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sentAt = w.since()
}

func (w *watch) onPooled() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.pooled
}

// handshake notes that a connection in the making has come to TLS. It may not
// be ours any more: a transport finishes connections for later use.
func (w *watch) handshake() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.phase == troubleshoot.PhaseDial {
		w.phase = troubleshoot.PhaseTLS
	}
}

// closing gives what is left of the answer d more and no longer.
func (w *watch) closing(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closes = w.since() + d
	w.rearm()
}

// heard notes bytes from the other side, comments included.
func (w *watch) heard() { w.byteAt.Store(int64(w.since())) }

// spoken notes words, which came with the bytes heard last, and returns the
// time since the attempt began.
func (w *watch) spoken() time.Duration {
	at := w.byteAt.Load()
	w.wordAt.Store(at)
	return time.Duration(at)
}

func (w *watch) reached() troubleshoot.Phase {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.phase
}

// rearm wakes the timer earlier if a limit could now pass before it does.
func (w *watch) rearm() {
	due, _ := w.due()
	if !w.over && due < w.wakes {
		w.wakes = due
		w.timer.Reset(due - w.since())
	}
}

func (w *watch) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		return
	}
	due, cause := w.due()
	if rest := due - w.since(); rest > 0 {
		w.wakes = due
		w.timer.Reset(rest)
		return
	}
	w.over = true
	w.cancel(&cause)
}

// due returns the earliest moment at which a limit of the present phase
// passes, since begun, and the cause to give then.
func (w *watch) due() (time.Duration, timeoutError) {
	at, cause := w.limits.Total, timeoutError{troubleshoot.PhaseTotal, w.limits.Total}
	limit := func(from, after time.Duration, phase troubleshoot.Phase) {
		if from+after < at {
			at, cause = from+after, timeoutError{phase, after}
		}
	}
	switch {
	case w.closes > 0:
		limit(w.closes, 0, w.phase)
	case w.phase == troubleshoot.PhaseDial || w.phase == troubleshoot.PhaseTLS:
		limit(0, w.limits.Dial+w.limits.TLS+connectSlack, w.phase)
	case w.whole:
	case w.phase == troubleshoot.PhaseHeaders:
		limit(w.sentAt, w.limits.Headers, w.phase)
		limit(w.sentAt, w.limits.FirstToken, troubleshoot.PhaseFirstToken)
	case w.phase == troubleshoot.PhaseFirstToken:
		limit(w.sentAt, w.limits.FirstToken, w.phase)
	case w.phase == troubleshoot.PhaseStream:
		limit(time.Duration(w.byteAt.Load()), w.limits.Idle, w.phase)
		limit(time.Duration(w.wordAt.Load()), 2*w.limits.Idle, w.phase)
	}
	return at, cause
}

// trace tells the watch about the connection.
func (w *watch) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		TLSHandshakeStart: w.handshake,
		GotConn:           func(i httptrace.GotConnInfo) { w.connected(i.Reused) },
	}
}
