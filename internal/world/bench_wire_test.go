//go:build linux

package world_test

import (
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/diagbot/diagbot/internal/simwechat"
)

// wire is the proxy of a rig. It hands each tunnel's connection to the simulated
// WeChat itself, so that no byte is copied on the way: a proxy that copies costs
// as much CPU time as the server behind it.
type wire struct {
	listener net.Listener
	server   *http.Server
	hosts    []string
	tunnels  chan net.Conn
	closed   chan struct{}
	once     sync.Once
}

func newWire(b *testing.B, to *simwechat.Server) *wire {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(b, err)
	w := &wire{listener: l, hosts: to.Hosts(), tunnels: make(chan net.Conn), closed: make(chan struct{})}
	w.server = &http.Server{Handler: w, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = w.server.Serve(l) // ends with ErrServerClosed
	}()
	b.Cleanup(func() {
		check(b, w.server.Close())
		<-done
	})
	to.Serve(w)
	return w
}

func (w *wire) url() string { return "http://" + w.listener.Addr().String() }

// ServeHTTP opens a tunnel to WeChat, and to nowhere else.
func (w *wire) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	host, port, _ := net.SplitHostPort(r.Host)
	if r.Method != http.MethodConnect || port != "443" || !slices.Contains(w.hosts, host) {
		http.Error(out, "not a simulated host", http.StatusForbidden)
		return
	}
	conn, _, err := http.NewResponseController(out).Hijack()
	if err != nil {
		return
	}
	_, _ = io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n")
	select {
	case w.tunnels <- conn:
	case <-w.closed:
		_ = conn.Close()
	}
}

// Accept implements net.Listener for the simulated WeChat.
func (w *wire) Accept() (net.Conn, error) {
	select {
	case c := <-w.tunnels:
		return c, nil
	case <-w.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (w *wire) Close() error {
	w.once.Do(func() { close(w.closed) })
	return nil
}

// Addr implements net.Listener.
func (w *wire) Addr() net.Addr { return w.listener.Addr() }
