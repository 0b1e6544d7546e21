package main

import (
	"errors"
	"io"
	"sync"
)

// sink is standard output that remembers the first write that failed, so that no
// command ends well whose words were lost. It is safe for concurrent use.
type sink struct {
	io.Writer

	mu  sync.Mutex
	err error
}

// Write implements io.Writer.
func (s *sink) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := s.Writer.Write(b)
	if s.err == nil {
		s.err = err
	}
	return n, err
}

// errUnread is of a write that waits still.
var errUnread = errors.New("nobody reads it")

// lost returns the error of the first write that failed, or has not ended.
func (s *sink) lost() error {
	if !s.mu.TryLock() {
		return errUnread
	}
	defer s.mu.Unlock()
	return s.err
}
