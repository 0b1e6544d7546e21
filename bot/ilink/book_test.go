package ilink

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"
)

// TestFlushWaitsForASaveUnderWay: a token counts as saved when it is, not when
// somebody else has begun to save it.
func TestFlushWaitsForASaveUnderWay(t *testing.T) {
	begun, finish, saved := make(chan struct{}), make(chan struct{}), atomic.Bool{}
	b := newBook(slog.New(slog.DiscardHandler), func(context.Context, int, []talk) error {
		close(begun)
		<-finish
		saved.Store(true)
		return nil
	})
	b.heard("user", "bot", "token", time.Now())
	first, second := make(chan struct{}), make(chan struct{})
	go func() { defer close(first); b.flush(t.Context()) }()
	<-begun
	go func() {
		defer close(second)
		if b.flush(t.Context()); !saved.Load() {
			t.Error("a flush returned before the token was saved")
		}
	}()
	select { // a chance to return too early
	case <-second:
	case <-time.After(50 * time.Millisecond):
	}
	close(finish)
	<-first
	<-second
}
