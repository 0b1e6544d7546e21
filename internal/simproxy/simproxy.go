// Package simproxy is an HTTP CONNECT proxy that leads chosen host names to
// simulators on the loopback interface and refuses all others. With it a real
// diagbot process can be run against servers that carry the real names, without
// touching the machine's name resolution.
package simproxy

import (
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// Proxy is a running proxy.
type Proxy struct {
	listener net.Listener
	route    map[string]string
	server   *http.Server
	tunnels  sync.WaitGroup

	mu     sync.Mutex
	conns  map[net.Conn]struct{}
	closed bool
}

// Start listens on a free loopback port. route maps "host:port", as the client
// names it, to the address to connect to.
func Start(route map[string]string) (*Proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{listener: l, route: route, conns: map[net.Conn]struct{}{}}
	p.server = &http.Server{Handler: p, ReadHeaderTimeout: 10 * time.Second}
	p.tunnels.Go(func() { _ = p.server.Serve(l) })
	return p, nil
}

// URL is what HTTPS_PROXY should be set to.
func (p *Proxy) URL() string { return "http://" + p.listener.Addr().String() }

// Close ends every tunnel and waits for them.
func (p *Proxy) Close() error {
	err := p.server.Close()
	p.mu.Lock()
	p.closed = true
	for c := range p.conns {
		_ = c.Close()
	}
	p.mu.Unlock()
	p.tunnels.Wait()
	return err
}

// ServeHTTP opens a tunnel for CONNECT to a routed host.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	to, ok := p.route[r.Host]
	if r.Method != http.MethodConnect || !ok {
		http.Error(w, "not a simulated host", http.StatusForbidden)
		return
	}
	server, err := net.DialTimeout("tcp", to, 5*time.Second)
	if err != nil {
		http.Error(w, "simulator is gone", http.StatusBadGateway)
		return
	}
	client, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		_ = server.Close()
		return
	}
	_, _ = io.WriteString(client, "HTTP/1.1 200 Connection established\r\n\r\n")
	p.pipe(client, server)
}

// pipe copies both ways until either side closes.
func (p *Proxy) pipe(a, b net.Conn) {
	copyThenClose := func(dst, src net.Conn) {
		_, _ = io.Copy(dst, src)
		_ = dst.Close()
		_ = src.Close()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		_ = a.Close()
		_ = b.Close()
		return
	}
	p.conns[a], p.conns[b] = struct{}{}, struct{}{}
	p.tunnels.Go(func() { copyThenClose(a, b) })
	p.tunnels.Go(func() { copyThenClose(b, a) })
}
