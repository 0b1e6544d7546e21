package main

import (
	"io"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/diagbot/diagbot/internal/pgtest"
)

// stall is a way to a database that can be made to lead nowhere, as in a network
// that drops everything: connections stay, and nobody answers.
type stall struct {
	net.Listener
	socket string
	users  sync.WaitGroup

	mu   sync.Mutex
	shut bool // it leads nowhere
	news *sync.Cond
}

func (s *stall) set(shut bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shut = shut
	s.news.Broadcast()
}

// newStall makes a way to a database, and returns the URL that takes it.
func newStall(t *testing.T, database string) (*stall, string) {
	t.Helper()
	u, err := url.Parse(database)
	must(t, err)
	s := &stall{socket: filepath.Join(u.Query().Get("host"), ".s.PGSQL.5432")}
	s.news = sync.NewCond(&s.mu)
	s.Listener, err = net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	s.users.Go(s.serve)
	t.Cleanup(func() { _ = s.Close(); s.set(false); s.users.Wait() })
	return s, "postgres://" + u.Query().Get("user") + "@" + s.Addr().String() + u.Path + "?sslmode=disable"
}

func (s *stall) serve() {
	for {
		conn, err := s.Accept()
		if err != nil {
			return
		}
		s.users.Go(func() { s.lead(conn) })
	}
}

func (s *stall) lead(from net.Conn) {
	to, err := net.Dial("unix", s.socket)
	if err != nil {
		_ = from.Close()
		return
	}
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{from, to}, {to, from}} {
		both.Go(func() {
			_, _ = io.Copy(&stalling{way[1], s}, way[0])
			_, _ = way[0].Close(), way[1].Close()
		})
	}
	both.Wait()
}

// stalling is a connection on that way.
type stalling struct {
	io.Writer
	s *stall
}

func (w *stalling) Write(b []byte) (int, error) {
	w.s.mu.Lock()
	for w.s.shut {
		w.s.news.Wait()
	}
	w.s.mu.Unlock()
	return w.Writer.Write(b)
}

// TestDatabaseStalls lets a database server fall silent while people write, for as
// long as it takes to notice that and to lose the lease. Nobody else has the account
// then, and the operator is told what it is.
func TestDatabaseStalls(t *testing.T) {
	t.Parallel()
	pg := new(pgtest.Server)
	t.Cleanup(pg.Close)
	n, c := newCrowd(t, 5, 40*time.Millisecond)
	s, at := newStall(t, pg.Database(t))
	n.env = append(n.env, "DIAGBOT_STORE_URL="+at)
	suffer(t, n, c, outage{
		fail: func(p *process) { p.forget(); s.set(true) },
		mend: func(p *process) {
			if strings.Contains(p.text(), "Another process ") {
				t.Errorf("there is no other process")
			}
			s.set(false)
		},
		long: time.Second, keepsOut: true, handsOver: true,
	})
}

// TestStopsWhileDatabaseStalls ends a process whose database server is silent. That
// is no failure, and takes no longer than it should.
func TestStopsWhileDatabaseStalls(t *testing.T) {
	t.Parallel()
	pg := new(pgtest.Server)
	t.Cleanup(pg.Close)
	n, c := newCrowd(t, 5, 400*time.Millisecond)
	s, at := newStall(t, pg.Database(t))
	n.env = append(n.env, "DIAGBOT_STORE_URL="+at)
	p := n.start(t, "serve")
	p.waitFor(t, "Answering.")
	stop := c.start(t, seedOf(t), 200*time.Millisecond)
	n.answer(t, 10)
	stalled := time.Now()
	s.set(true)
	time.Sleep(2 * time.Second) // all wait for the store
	status := p.stop(t)
	s.set(false)
	if status != 0 || !strings.Contains(p.text(), "Stopped.") || strings.Contains(p.text(), "account is lost") {
		t.Errorf("status %d", status)
	}
	p = n.start(t, "serve")
	p.waitFor(t, "Answering.")
	stop()
	c.quiet(t)
	if status := p.stop(t); status != 0 {
		t.Errorf("status %d", status)
	}
	c.transit = time.Minute // it ends long after
	c.settle(t, []time.Time{stalled})
}
