package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/diagbot/diagbot/internal/simtls"
	"github.com/diagbot/diagbot/internal/simwechat"
)

// lobby is the hosts where all accounts log in, before each goes to a domain of its
// own.
type lobby struct {
	mu    sync.Mutex
	turns []*simwechat.Server          // whose codes come next
	codes map[string]*simwechat.Server // by id
}

var shownCode = regexp.MustCompile(`uuid = "([^"]+)"`)

// newLobby starts it, for accounts whose codes come in this order.
func newLobby(t *testing.T, authority *simtls.Authority, all ...*simwechat.Server) (*lobby, string) {
	t.Helper()
	l := &lobby{turns: all, codes: make(map[string]*simwechat.Server)}
	host := httptest.NewUnstartedServer(l)
	config, err := authority.ServerConfig("login.weixin.qq.com", "login.wx.qq.com")
	must(t, err)
	config.NextProtos = []string{"http/1.1"}
	host.TLS = &tls.Config{Certificates: config.Certificates}
	host.StartTLS()
	t.Cleanup(host.Close)
	return l, host.Listener.Addr().String()
}

// next makes the next code one of s.
func (l *lobby) next(s *simwechat.Server) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turns = append(l.turns, s)
}

// ServeHTTP passes a call on to the account it is about.
func (l *lobby) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	to := l.codes[r.URL.Query().Get("uuid")]
	if r.URL.Path == "/jslogin" && len(l.turns) > 0 {
		to, l.turns = l.turns[0], l.turns[1:]
	}
	l.mu.Unlock()
	if to == nil {
		http.Error(w, "nobody's code", http.StatusNotFound)
		return
	}
	passing := &httputil.ReverseProxy{
		Transport: to.Transport(),
		Rewrite:   func(p *httputil.ProxyRequest) { p.Out.URL.Scheme, p.Out.URL.Host = "https", r.Host },
		ModifyResponse: func(a *http.Response) error {
			body, err := io.ReadAll(a.Body)
			if m := shownCode.FindSubmatch(body); m != nil {
				l.mu.Lock()
				l.codes[string(m[1])] = to
				l.mu.Unlock()
			}
			a.Body = io.NopCloser(bytes.NewReader(body))
			return err
		},
	}
	passing.ServeHTTP(w, r)
}

// branch is one of the accounts.
type branch struct {
	*simwechat.Server
	nick   string
	name   string // in the configuration
	friend string
	heard  int
}

// ask asks something and waits for the answer.
func (b *branch) ask(t *testing.T, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	b.Say(b.friend, text)
	b.heard++
	for n := b.heard; ; n++ { // the owner may be told of the other account in between
		sent, err := b.WaitSent(ctx, n)
		if err != nil {
			t.Fatalf("%s: %q is not answered: %v", b.name, text, err)
		}
		sent = slices.DeleteFunc(sent, func(m simwechat.Sent) bool { return m.To == "filehelper" })
		if len(sent) < b.heard {
			continue
		}
		if got := sent[len(sent)-1]; len(sent) > b.heard || got.To != b.friend || !strings.Contains(got.Text, text) {
			t.Errorf("%s: %q was answered by %+v", b.name, text, sent)
		}
		return
	}
}

// TestAccounts runs two accounts in one process. What befalls one does not touch
// the other: neither a session that ends, nor a login that is refused for good.
func TestAccounts(t *testing.T) {
	t.Parallel()
	authority, err := simtls.New()
	must(t, err)
	n := &internet{data: t.TempDir()}
	var both []*branch
	route := map[string]string{}
	for _, names := range [][2]string{{"wx.qq.com", "Left"}, {"wx2.qq.com", "Right"}} {
		domain, nick := names[0], names[1]
		s, err := simwechat.Start(simwechat.Options{Authority: authority, Domain: domain, Nick: nick})
		must(t, err)
		t.Cleanup(func() { _ = s.Close() })
		for _, place := range []string{"", "webpush.", "file."} {
			route[place+domain+":443"] = s.Addr()
		}
		both = append(both, &branch{Server: s, nick: nick, friend: s.AddFriend(simwechat.Person{Nick: "Alice"})})
	}
	desk, addr := newLobby(t, authority, both[0].Server, both[1].Server)
	route["login.weixin.qq.com:443"], route["login.wx.qq.com:443"] = addr, addr
	n.connect(t, authority, route)
	alerts := newPager(t, n, "accounts: [{name: one}, {name: two}]\n")

	p := n.start(t, "serve")
	left, right := both[0], both[1]
	for _, b := range both {
		p.waitFor(t, "Logged in as "+b.nick+".")
	}
	left.name, right.name = "one", "two"
	if strings.Contains(p.text(), "[one] Logged in as Right.") {
		left.name, right.name = "two", "one"
	}
	left.ask(t, "left one")
	right.ask(t, "right one")

	desk.next(left.Server)
	left.Kick(1101)
	p.waitFor(t, "["+left.name+"] WeChat ended the session")
	right.ask(t, "right two")
	must(t, left.WaitLogin(t.Context()))
	left.ask(t, "left two")

	desk.next(left.Server)
	left.RefuseLogin(1203, "")
	left.Kick(1101)
	p.waitFor(t, "["+left.name+"] WeChat refused the login.")
	alerts.wait(t, "trouble", "")
	n.waitHealth(t, left.name+": logged out")
	n.waitHealth(t, right.name+": online")
	right.ask(t, "right three")

	if status := p.stop(t); status != int(statusLost) {
		t.Errorf("status %d", status)
	}
	desk.next(left.Server)
	p = n.start(t, "serve")
	p.waitFor(t, "["+right.name+"] Logged in as Right, with the stored session.")
	p.waitFor(t, "["+left.name+"] WeChat refused the login.")
	right.ask(t, "right four")
	if status := p.stop(t); status != int(statusLost) {
		t.Errorf("status %d", status)
	}
	for _, b := range both {
		if complaints := b.Complaints(); len(complaints) > 0 {
			t.Errorf("%s: WeChat complained: %q", b.name, complaints)
		}
	}
	if codes := right.Count("jslogin"); codes != 1 {
		t.Errorf("%d QR codes for the account nothing happened to", codes)
	}
}
