// Package gate keeps a process from talking for an account that is another's by
// now. A process can be stopped, and a computer fall asleep, at any moment: also
// between the look at who owns the account and the last byte of a request, with a
// handshake of a second in between. The gate is the last thing before the socket.
package gate

import (
	"context"
	"errors"
	"net"
)

// ErrClosed is the error of a write for an account that is not this process's.
var ErrClosed = errors.New("the account is not this process's")

// Dial opens a connection, as in [net/http.Transport].
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// New returns dial with connections that are written to only while owns returns
// true; afterwards writes fail with [ErrClosed], and reads go on. owns is called
// for each write and must be fast. If it is nil, New returns dial.
func New(dial Dial, owns func() bool) Dial {
	if owns == nil {
		return dial
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &conn{c, owns}, nil
	}
}

type conn struct {
	net.Conn
	owns func() bool
}

// Write implements net.Conn.
func (c *conn) Write(b []byte) (int, error) {
	if !c.owns() {
		return 0, ErrClosed
	}
	return c.Conn.Write(b)
}
