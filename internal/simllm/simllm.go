// Package simllm is an OpenAI-compatible service with every failure on tap,
// spoken to over real sockets by the real client. Tests, benchmarks and the demo
// use it in place of a provider.
//
// It answers POST /v1/chat/completions, streamed or whole, and GET /v1/models.
// What may go wrong is data: each file in failures/ holds answers in the shapes
// of the vendors, and ways in which a connection breaks (see failures/README.md).
// It calls nobody, writes no files and is not meant to face a network.
package simllm

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/diagbot/diagbot/internal/simtls"
)

// Options say what the service is like when nothing fails.
type Options struct {
	// TLS serves HTTPS with a certificate of Authority, or of an own authority
	// when that is nil.
	TLS       bool
	Authority *simtls.Authority
	// Names are the hosts it goes by, in its certificate and for Transport;
	// default api.openai.com.
	Names []string
	// Listen is the address, default 127.0.0.1:0.
	Listen string

	// Latency passes before the first byte of every normal answer. Failures come
	// at once, unless slowness is what they are about.
	Latency time.Duration
	// Pause passes between the chunks of a stream; default none.
	Pause time.Duration
	// Slow is the delay of the failures that are slow but work; default 3 s.
	Slow time.Duration
	// KeepAlive is how often the failures that never come to the point show that
	// they are alive; default 1 s.
	KeepAlive time.Duration

	// Reply writes the assistant's text; default: a friendly one (see Reply).
	Reply func(Request) string
	// Keys are the accepted credentials; empty: any, or none at all.
	Keys []string
	// Models are the known models; empty: any.
	Models []string
	// Window is the context window in tokens, counted roughly; 0: no limit.
	Window int
	// Markers lets a prompt choose its failure: "!401" in the newest message of
	// the user fails like the failure named 401.
	Markers bool
	// Keep is how many of the newest requests are remembered; default 1,000,
	// negative: none.
	Keep int
}

// Server is a running service.
type Server struct {
	options   Options
	authority *simtls.Authority
	listener  net.Listener
	http      *http.Server
	keys      map[string]bool
	models    map[string]bool
	plan      plan
	journal   journal
	ids       atomic.Uint64

	quit    chan struct{}
	closing sync.Once
	work    sync.WaitGroup // Serve, every connection and every handler

	mu         sync.Mutex
	closed     bool
	transports []*http.Transport
}

// Start listens and serves until Close. It fails when the address is taken.
func Start(o Options) (*Server, error) {
	if _, err := shelf(); err != nil {
		return nil, fmt.Errorf("read failures: %w", err)
	}
	o = withDefaults(o)
	s := &Server{
		options: o, authority: o.Authority, quit: make(chan struct{}),
		keys: set(o.Keys), models: set(o.Models), journal: journal{keep: o.Keep},
	}
	if err := s.listen(); err != nil {
		return nil, err
	}
	s.http = &http.Server{
		Handler:           http.HandlerFunc(s.serve),
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          log.New(io.Discard, "", 0), // broken connections are its trade
		Protocols:         http1(),                    // failures break connections, and HTTP/2 has none to break
		ConnState:         s.watch,
	}
	s.work.Go(func() { _ = s.http.Serve(s.listener) })
	return s, nil
}

func withDefaults(o Options) Options {
	o.Listen = cmp.Or(o.Listen, "127.0.0.1:0")
	o.Slow = cmp.Or(o.Slow, 3*time.Second)
	o.KeepAlive = cmp.Or(o.KeepAlive, time.Second)
	o.Keep = cmp.Or(o.Keep, 1000)
	if o.Names == nil {
		o.Names = []string{"api.openai.com"}
	}
	if o.Reply == nil {
		o.Reply = Reply
	}
	return o
}

func (s *Server) listen() error {
	listener, err := net.Listen("tcp", s.options.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	s.listener = listener
	if !s.options.TLS {
		return nil
	}
	config, err := s.tlsConfig()
	if err != nil {
		_ = listener.Close()
		return err
	}
	s.listener = tls.NewListener(listener, config)
	return nil
}

func (s *Server) tlsConfig() (*tls.Config, error) {
	if s.authority == nil {
		authority, err := simtls.New()
		if err != nil {
			return nil, fmt.Errorf("make authority: %w", err)
		}
		s.authority = authority
	}
	config, err := s.authority.ServerConfig(s.options.Names...)
	if err != nil {
		return nil, fmt.Errorf("make certificate: %w", err)
	}
	config.NextProtos = []string{"http/1.1"}
	return config, nil
}

// Close ends every connection and failure, and waits until nothing runs any
// more. It may be called more than once.
func (s *Server) Close() error {
	s.closing.Do(func() {
		s.mu.Lock()
		s.closed = true
		transports := s.transports
		s.mu.Unlock()
		close(s.quit)
		_ = s.http.Close()
		s.work.Wait()
		for _, t := range transports {
			t.CloseIdleConnections()
		}
	})
	return nil
}

// watch counts connections in and out. The first call for each is made by
// Serve, which is counted itself.
func (s *Server) watch(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.work.Add(1)
	case http.StateClosed, http.StateHijacked:
		s.work.Done()
	}
}

// enter counts a handler in, so that Close can wait for it; false when closing.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.work.Add(1)
	return true
}

// Addr is the loopback address it listens on.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// URL is the base URL, by address, ending in /v1. Through Transport the service
// is also reached by its names, such as https://api.openai.com/v1.
func (s *Server) URL() string {
	if s.options.TLS {
		return "https://" + s.Addr() + "/v1"
	}
	return "http://" + s.Addr() + "/v1"
}

// Transport reaches the service by its address and its names, and nothing else.
// Its idle connections end with the server.
func (s *Server) Transport() *http.Transport {
	t := s.newTransport()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.transports = append(s.transports, t)
	return t
}

// maxIdle keeps the connections of as many chats as any benchmark has.
const maxIdle = 1024

func (s *Server) newTransport() *http.Transport {
	_, port, _ := net.SplitHostPort(s.Addr()) // our own listener's address
	route := map[string]string{s.Addr(): s.Addr(), "localhost:" + port: s.Addr()}
	for _, name := range s.options.Names {
		route[name+":80"], route[name+":443"] = s.Addr(), s.Addr()
	}
	if s.authority != nil {
		t := s.authority.Transport(route)
		t.MaxIdleConnsPerHost = maxIdle
		return t
	}
	return &http.Transport{
		MaxIdleConnsPerHost: maxIdle,
		IdleConnTimeout:     30 * time.Second,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			to, ok := route[addr]
			if !ok {
				return nil, fmt.Errorf("dial %s: not a simulated host", addr)
			}
			var dialer net.Dialer
			return dialer.DialContext(ctx, network, to)
		},
	}
}

func http1() *http.Protocols {
	var p http.Protocols
	p.SetHTTP1(true)
	return &p
}

func set(names []string) map[string]bool {
	m := make(map[string]bool, len(names))
	for _, name := range names {
		m[name] = true
	}
	return m
}
