package simllm

import (
	"bufio"
	"fmt"
	"net"
	"slices"
	"sync"
)

// Trap is an address where a call fails before there is any HTTP to speak of.
// What it says is data, see Traps.
type Trap struct {
	Name  string
	About string
	As    string // what a client takes it for: an "https" server or a "proxy"
	Entry string // the id of the catalogue's entry that fits best

	first  string // said at once
	answer string // said after a request's first line
	shut   bool   // hangs up then; otherwise waits for the client to
	absent bool   // nobody listens
}

// Traps returns all traps.
func Traps() []Trap {
	return []Trap{
		{Name: "refused", About: "nothing listens", As: "https", Entry: "connection-refused", absent: true},
		{Name: "mute", About: "accepts and says nothing, not even TLS", As: "https", Entry: "upstream-timeout"},
		{Name: "handshake-eof", About: "hangs up instead of a handshake", As: "https", Entry: "connection-reset", shut: true},
		{Name: "handshake-alert", About: "refuses the handshake", As: "https", Entry: "tls-failure",
			first: "\x15\x03\x01\x00\x02\x02\x28", shut: true},
		{Name: "plain-http", About: "speaks HTTP where HTTPS is expected", As: "https", Entry: "tls-failure",
			first: "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", shut: true},
		{Name: "not-http", About: "speaks SSH", As: "https", Entry: "tls-failure", first: "SSH-2.0-OpenSSH_9.7\r\n"},
		{Name: "proxy-refused", About: "no proxy listens", As: "proxy", Entry: "proxy-failure", absent: true},
		{Name: "proxy-mute", About: "the proxy says nothing", As: "proxy", Entry: "proxy-failure"},
		{Name: "proxy-407", About: "the proxy wants a password", As: "proxy", Entry: "proxy-failure",
			answer: "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"sim\"\r\nContent-Length: 0\r\n\r\n", shut: true},
		{Name: "proxy-403", About: "the proxy forbids the host", As: "proxy", Entry: "proxy-failure",
			answer: "HTTP/1.1 403 Forbidden\r\nServer: squid/6.6\r\nContent-Length: 0\r\n\r\n", shut: true},
		{Name: "proxy-502", About: "the proxy cannot reach the host", As: "proxy", Entry: "proxy-failure",
			answer: "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", shut: true},
		{Name: "proxy-eof", About: "the proxy hangs up", As: "proxy", Entry: "proxy-failure", answer: "-", shut: true},
	}
}

// Sprung is a trap that waits.
type Sprung struct {
	trap     Trap
	listener net.Listener
	addr     net.Addr // where the victim is sent
	own      net.Conn // of a trap that is absent; keeps its port
	work     sync.WaitGroup

	mu     sync.Mutex
	closed bool
	conns  map[net.Conn]bool
}

// Spring sets up the trap of that name on a free loopback port.
func Spring(name string) (*Sprung, error) {
	all := Traps()
	i := slices.IndexFunc(all, func(t Trap) bool { return t.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("trap %q: unknown", name)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	s := &Sprung{trap: all[i], listener: listener, addr: listener.Addr(), conns: map[net.Conn]bool{}}
	s.work.Go(s.accept)
	if !s.trap.absent {
		return s, nil
	}
	return s, s.vacate()
}

// vacate moves the trap to a port at which nobody listens and nobody can: that
// of our own end of a connection. A closed listener's port would soon be
// another server's.
func (s *Sprung) vacate() error {
	own, err := net.Dial("tcp", s.listener.Addr().String())
	if err != nil {
		_ = s.Close()
		return fmt.Errorf("hold a port: %w", err)
	}
	s.addr, s.own = own.LocalAddr(), own
	return nil
}

// URL is the trap's address as https://…, or http://… for a proxy.
func (s *Sprung) URL() string {
	if s.trap.As == "proxy" {
		return "http://" + s.addr.String()
	}
	return "https://" + s.addr.String()
}

// Close lets everybody go, and waits.
func (s *Sprung) Close() error {
	_ = s.listener.Close()
	if s.own != nil {
		_ = s.own.Close()
	}
	s.mu.Lock()
	s.closed = true
	for conn := range s.conns {
		_ = conn.Close()
	}
	s.mu.Unlock()
	s.work.Wait()
	return nil
}

func (s *Sprung) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		if !s.keep(conn) {
			_ = conn.Close()
			return
		}
		s.work.Go(func() { s.meet(conn) })
	}
}

func (s *Sprung) keep(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.conns[conn] = true
	return true
}

// meet says what there is to say. It reads before it hangs up, so that the
// client sees an end and not a reset.
func (s *Sprung) meet(conn net.Conn) {
	defer s.drop(conn)
	in := bufio.NewReader(conn)
	if s.trap.answer != "" {
		s.reply(conn, in)
		return
	}
	if _, err := conn.Write([]byte(s.trap.first)); err != nil {
		return
	}
	for {
		if _, err := in.ReadByte(); err != nil {
			return
		}
		if _, err := in.Discard(in.Buffered()); err != nil || s.trap.shut {
			return
		}
	}
}

// reply answers a request once its head is read.
func (s *Sprung) reply(conn net.Conn, in *bufio.Reader) {
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		if line == "\r\n" {
			break
		}
	}
	if s.trap.answer != "-" {
		_, _ = conn.Write([]byte(s.trap.answer))
	}
}

func (s *Sprung) drop(conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, conn)
	_ = conn.Close()
}
