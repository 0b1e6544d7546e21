package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/diagbot/diagbot/internal/pgtest"
)

// pager is where alerts go.
type pager struct {
	*httptest.Server
	mu   sync.Mutex
	got  []page
	news chan struct{}
}

// page is an alert.
type page struct {
	State, Event, Key, Account, Title string
}

// newPager makes serve send its alerts to a server of the test, with further
// settings.
func newPager(t *testing.T, n *internet, settings string) *pager {
	t.Helper()
	p := &pager{news: make(chan struct{}, 100)}
	p.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		var got page
		_ = json.Unmarshal(raw, &got)
		p.mu.Lock()
		p.got = append(p.got, got)
		p.mu.Unlock()
		p.news <- struct{}{}
	}))
	t.Cleanup(p.Close)
	file := filepath.Join(t.TempDir(), "config.yaml")
	must(t, os.WriteFile(file, []byte("alerts: [{name: desk, kind: generic, url: '"+p.URL+"'}]\n"+settings), 0o600))
	n.args = append(n.args, "--config", file)
	return p
}

// wait waits for an alert.
func (p *pager) wait(t *testing.T, state, title string) {
	t.Helper()
	for deadline := time.After(30 * time.Second); ; {
		p.mu.Lock()
		for _, got := range p.got {
			if got.State == state && strings.Contains(got.Title, title) {
				p.mu.Unlock()
				return
			}
		}
		p.mu.Unlock()
		select {
		case <-p.news:
		case <-deadline:
			p.mu.Lock()
			t.Fatalf("no alert %q of %s, but %+v", title, state, p.got)
		}
	}
}

func (p *pager) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.got = nil
}

// waitHealth waits until the command says what it should.
func (n *internet) waitHealth(t *testing.T, want string) {
	t.Helper()
	said := ""
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) { // polls a command
		h := n.launch(t, nil, "health")
		h.status(t)
		if said = h.text(); strings.Contains(said, want) {
			return
		}
	}
	t.Fatalf("health does not say %q but %s", want, said)
}

// outage is a way to let a store fail.
type outage struct {
	fail, mend func(*process)
	long       time.Duration
	keepsOut   bool // a process cannot start meanwhile
	partly     bool // some writes may succeed, for which there is room
	handsOver  bool // the account may become another process's meanwhile
}

// TestDatabaseGone stops the database under a process while people write, for
// less and for longer than the lease lasts.
func TestDatabaseGone(t *testing.T) {
	t.Parallel()
	pg := new(pgtest.Server)
	t.Cleanup(pg.Close)
	n, c := newCrowd(t, 5, 40*time.Millisecond)
	n.env = append(n.env, "DIAGBOT_STORE_URL="+pg.Database(t))
	suffer(t, n, c, outage{
		fail: func(*process) { pg.Halt() }, mend: func(*process) { must(t, pg.Resume()) },
		long: 12 * time.Second, keepsOut: true, handsOver: true,
	})
}

// suffer lets a store fail and work again, twice, and a third time in which the
// process is killed. Nothing is said meanwhile, the operator is told wherever they
// may look, and all goes on by itself afterwards.
func suffer(t *testing.T, n *internet, c *crowd, o outage) {
	alerts := newPager(t, n, "")
	r := seedOf(t)
	p := n.start(t, "serve")
	p.waitFor(t, "Answering.")
	stop := c.start(t, r, 200*time.Millisecond)
	n.answer(t, 20)
	var breaks []time.Time
	for _, lasting := range []time.Duration{time.Second, o.long} {
		alerts.clear()
		if o.handsOver {
			breaks = append(breaks, time.Now())
		}
		o.fail(p)
		p.waitFor(t, "The bot can't store anything")
		alerts.wait(t, "trouble", "can't store anything")
		n.waitHealth(t, "the store")
		said := len(n.wechat.Sent())
		time.Sleep(lasting) // the trouble's
		if more := len(n.wechat.Sent()) - said; more > 0 && !o.partly {
			t.Errorf("said %d parts although the store fails", more)
		}
		o.mend(p)
		p.waitFor(t, "The store works again.")
		alerts.wait(t, "recovered", "The store works again.")
		n.waitHealth(t, "Alive: online.")
		n.answer(t, said+20)
		if strings.Contains(p.text(), "WeChat does not answer") {
			t.Error("WeChat is blamed for the store")
		}
		p.forget()
	}
	o.fail(p)
	p.waitFor(t, "The bot can't store anything")
	breaks = append(breaks, time.Now())
	_ = p.Process.Kill()
	p.status(t)
	if o.keepsOut {
		if status := n.start(t, "serve").status(t); status != int(statusFailed) {
			t.Errorf("status %d of a start without a store", status)
		}
	}
	o.mend(p)
	p = n.start(t, "serve")
	p.waitFor(t, "Answering.")
	stop()
	c.quiet(t)
	if status := p.stop(t); status != 0 {
		t.Errorf("status %d", status)
	}
	c.settle(t, breaks)
}
