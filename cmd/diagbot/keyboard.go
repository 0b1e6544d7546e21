package main

import (
	"context"
	"sync"
)

// keyboard is that of the person who sits at serve's terminal. A nil keyboard is
// that of nobody.
type keyboard struct {
	lines <-chan string
	asks  chan asking

	mu       sync.Mutex
	next     int
	enter    map[int]func() // called when a line comes that nobody asked for
	expected bool           // somebody has been told to type, and is about to be asked
	early    *string        // what came before they were; nil: nothing
}

// asking is somebody who waits for a line.
type asking struct {
	ctx    context.Context
	answer chan<- string
}

// newKeyboard returns nil where nobody can be asked.
func (a *app) newKeyboard() *keyboard {
	if !isTerminal(a.in) {
		return nil
	}
	return &keyboard{lines: readLines(a.in), asks: make(chan asking), enter: make(map[int]func())}
}

// line waits for a line, before run does.
func (k *keyboard) line(ctx context.Context) (string, bool) {
	select {
	case line, ok := <-k.lines:
		return line, ok
	case <-ctx.Done():
		return "", false
	}
}

// run hands lines to those who wait for one, the first first, until ctx ends.
func (k *keyboard) run(ctx context.Context) {
	if k == nil {
		return
	}
	var waiting []asking
	lines := k.lines
	for {
		select {
		case <-ctx.Done():
			return
		case a := <-k.asks:
			if line, ok := k.typed(); ok {
				a.answer <- line
				continue
			}
			waiting = append(waiting, a)
		case line, ok := <-lines:
			if !ok { // the terminal is gone
				lines = nil
				continue
			}
			for len(waiting) > 0 && waiting[0].ctx.Err() != nil {
				waiting = waiting[1:]
			}
			if len(waiting) == 0 {
				k.unasked(line)
				continue
			}
			waiting[0].answer <- line
			waiting = waiting[1:]
		}
	}
}

// ask waits for a line; run must run.
func (k *keyboard) ask(ctx context.Context) (string, error) {
	answer := make(chan string, 1)
	select {
	case k.asks <- asking{ctx, answer}:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	select {
	case line := <-answer:
		return line, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// expect keeps what is typed from now on for the next ask: people are told to type
// before anything waits for it.
func (k *keyboard) expect() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.expected, k.early = true, nil
}

// typed returns what came since expect, if something did.
func (k *keyboard) typed() (line string, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.expected = false
	if k.early == nil {
		return "", false
	}
	line, k.early = *k.early, nil
	return line, true
}

// onEnter has f called when somebody presses Enter unasked, until the function it
// returns is called.
func (k *keyboard) onEnter(f func()) (forget func()) {
	if k == nil {
		return func() {}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	n := k.next
	k.next++
	k.enter[n] = f
	return func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		delete(k.enter, n)
	}
}

// unasked takes a line that nobody waits for.
func (k *keyboard) unasked(line string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.expected {
		k.early = &line
		return
	}
	for _, f := range k.enter {
		f()
	}
}
