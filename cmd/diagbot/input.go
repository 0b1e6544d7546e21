package main

import (
	"context"
	"io"
)

// until reads from r until ctx ends: the first Ctrl-C is to end a command that waits
// for what somebody types. The goroutine that waits then ends with the process.
type until struct {
	ctx context.Context
	r   io.Reader
}

func (u until) Read(p []byte) (int, error) {
	type result struct {
		n   int
		err error
	}
	read := make(chan result, 1)
	own := make([]byte, len(p)) // p is the caller's again once ctx has ended
	go func() {
		n, err := u.r.Read(own)
		read <- result{n, err}
	}()
	select {
	case got := <-read:
		return copy(p, own[:got.n]), got.err
	case <-u.ctx.Done():
		return 0, statusFailed
	}
}
