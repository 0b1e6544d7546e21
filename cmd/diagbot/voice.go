package main

import (
	"io"
	"sync"
	"time"
)

const (
	voiceRoom  = 1 << 20         // bytes that may wait; what is more is left out
	voiceGrace = 2 * time.Second // how long the end waits for them
)

// voice prints from a goroutine of its own, so that nobody waits for a terminal that
// stands still (Ctrl-S, a selection in a Windows console), or for a program that does
// not read. It is safe for concurrent use.
type voice struct {
	out   io.Writer
	ended chan struct{}

	mu      sync.Mutex
	waiting []byte
	closed  bool
	news    *sync.Cond
}

func newVoice(out io.Writer) *voice {
	v := &voice{out: out, ended: make(chan struct{})}
	v.news = sync.NewCond(&v.mu)
	go v.run()
	return v
}

// Write implements io.Writer. It never fails: out knows what did.
func (v *voice) Write(b []byte) (int, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.closed && len(v.waiting)+len(b) <= voiceRoom {
		v.waiting = append(v.waiting, b...)
		v.news.Signal()
	}
	return len(b), nil
}

func (v *voice) run() {
	defer close(v.ended)
	for {
		v.mu.Lock()
		for len(v.waiting) == 0 && !v.closed {
			v.news.Wait()
		}
		said := v.waiting
		v.waiting = nil
		v.mu.Unlock()
		if len(said) == 0 {
			return
		}
		_, _ = v.out.Write(said)
	}
}

// close returns when everything is printed, or too late to wait for.
func (v *voice) close() {
	v.mu.Lock()
	v.closed = true
	v.news.Signal()
	v.mu.Unlock()
	select {
	case <-v.ended:
	case <-time.After(voiceGrace):
	}
}
