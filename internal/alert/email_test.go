package alert

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strings"
	"testing"
	"time"
)

func mailTarget(s *mailServer, security string) Target {
	return Target{
		Name: "mail", Kind: KindEmail, Host: s.addr, Security: security, User: "bot@example.com", Password: "planted-password",
		From: "机器人 <bot@example.com>", To: []string{"me@example.com", "You <you@example.com>"},
	}
}

// mailed tests the target once.
func mailed(t *testing.T, s *mailServer, target Target, al Alert) error {
	t.Helper()
	a, err := New(Options{Targets: []Target{target}, Roots: s.roots})
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, a)
	return a.Test(t.Context(), al)[0].Err
}

// bodyOf decodes a mail's only part.
func bodyOf(t *testing.T, m *mail.Message) string {
	t.Helper()
	r := m.Body
	switch m.Header.Get("Content-Transfer-Encoding") {
	case "quoted-printable":
		r = quotedprintable.NewReader(r)
	case "base64":
		r = base64.NewDecoder(base64.StdEncoding, r)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(text), "\r\n", "\n")
}

func TestMail(t *testing.T) {
	for security, login := range map[string]string{
		SecurityTLS: "tls bot@example.com:planted-password", SecurityStartTLS: "tls bot@example.com:planted-password", SecurityNone: "",
	} {
		s := newMailServer(t, security, nil)
		target := mailTarget(s, security)
		if security == SecurityNone {
			target.User, target.Password = "", ""
		}
		if err := mailed(t, s, target, sample()); err != nil {
			t.Fatal(security, err)
		}
		logins, envelope, mails := s.seen()
		if got := strings.Join(logins, " "); got != login {
			t.Errorf("%s: logins %q", security, got)
		}
		if got := fmt.Sprint(envelope); !strings.Contains(got, "FROM:<bot@example.com>") || !strings.Contains(got, "RCPT TO:<me@example.com> RCPT TO:<you@example.com>") {
			t.Error(got)
		}
		if len(mails) != 1 {
			t.Fatal(len(mails), "mails")
		}
		readMail(t, mails[0])
	}
}

func readMail(t *testing.T, raw string) {
	t.Helper()
	for line := range strings.SplitSeq(raw, "\r\n") {
		if len(line) > 998 || strings.ContainsAny(line, "\r\n") {
			t.Errorf("line of %d bytes", len(line))
		}
	}
	for i := range len(raw) {
		if raw[i] >= 0x80 {
			t.Fatal("the mail is not ASCII")
		}
	}
	m, err := mail.ReadMessage(strings.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil || subject != "[diagbot] 微信登录已失效" {
		t.Errorf("%q %v", subject, err)
	}
	from, err := m.Header.AddressList("From")
	if err != nil || from[0].Name != "机器人" || from[0].Address != "bot@example.com" {
		t.Error(from, err)
	}
	if to, err := m.Header.AddressList("To"); err != nil || len(to) != 2 {
		t.Error(to, err)
	}
	if date, err := m.Header.Date(); err != nil || !date.Equal(sample().At) {
		t.Error(date, err)
	}
	if id := m.Header.Get("Message-Id"); !strings.HasSuffix(id, "@example.com>") || len(id) < 30 {
		t.Error(id)
	}
	if m.Header.Get("Auto-Submitted") != "auto-generated" || m.Header.Get("Importance") != "high" || m.Header.Get("X-Mailer") != "" {
		t.Error(m.Header)
	}
	if kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type")); kind != "text/plain" || !strings.EqualFold(params["charset"], "utf-8") || err != nil {
		t.Error(kind, params, err)
	}
	const want = "[diagbot] 微信登录已失效\n\n账号在别处登录。<b>\n\n1. 扫码\n2. 等待\n\nhttps://login.weixin.qq.com/l/4f8Zw-x==\n\n小助手 · 2026-11-22 09:08:07 +08:00\n"
	if got := bodyOf(t, m); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestMailHeadersCannotBeInjected(t *testing.T) {
	s := newMailServer(t, SecurityTLS, nil)
	al := Alert{
		Title: "x\r\nBcc: evil@example.com\r\n\r\nbody", Text: "\r\n.\r\nMAIL FROM:<evil@example.com>\r\n", Account: "a\nSubject: y",
		Link: "https://h/\r\nBcc: z",
	}
	if err := mailed(t, s, mailTarget(s, SecurityTLS), al); err != nil {
		t.Fatal(err)
	}
	_, envelope, mails := s.seen()
	if len(envelope) != 3 || len(mails) != 1 {
		t.Fatal(envelope, len(mails))
	}
	m, err := mail.ReadMessage(strings.NewReader(mails[0]))
	if err != nil || m.Header.Get("Bcc") != "" || len(m.Header["Subject"]) != 1 {
		t.Error(err, m.Header)
	}
}

func TestMailFailures(t *testing.T) {
	for _, c := range []struct {
		security string
		replies  map[string]string
		status   int
		code     string
		retry    bool
	}{
		{SecurityTLS, map[string]string{"AUTH": "535 5.7.8 bad credentials planted-password"}, 535, "", false},
		{SecurityTLS, map[string]string{"AUTH": "454 4.7.0 try later"}, 454, "", true},
		{SecurityTLS, map[string]string{"MAIL": "550 5.7.1 not you"}, 550, "5.7.1", false},
		{SecurityTLS, map[string]string{"RCPT": "450 4.2.0 greylisted, me@example.com"}, 450, "4.2.0", true},
		{SecurityTLS, map[string]string{"RCPT": "550 5.1.1 no such user"}, 550, "5.1.1", false},
		{SecurityTLS, map[string]string{"DATA": "451 4.3.0 later"}, 451, "4.3.0", true},
		{SecurityTLS, map[string]string{"END": "554 5.7.1 spam"}, 554, "5.7.1", false},
		{SecurityTLS, map[string]string{"GREETING": "421 busy"}, 421, "", true},
		{SecurityTLS, map[string]string{"GREETING": "nonsense"}, 0, "", true},
	} {
		s := newMailServer(t, c.security, c.replies)
		err := mailed(t, s, mailTarget(s, c.security), sample())
		var f *Failure
		if !errors.As(err, &f) || f.Status != c.status || f.Code != c.code || f.Retry != c.retry || f.Host != "127.0.0.1" {
			t.Errorf("%v: %#v", c.replies, err)
		}
		if err != nil && (strings.Contains(err.Error(), "planted") || strings.Contains(err.Error(), "me@")) {
			t.Error("leak:", err)
		}
	}
}

// TestMailDelivered: what goes wrong after the server took the mail must not
// send it twice.
func TestMailDelivered(t *testing.T) {
	s := newMailServer(t, SecurityTLS, map[string]string{"QUIT": "421 gone"})
	if err := mailed(t, s, mailTarget(s, SecurityTLS), sample()); err != nil {
		t.Error(err)
	}
}

func TestMailInsists(t *testing.T) {
	for name, c := range map[string]struct {
		server, target string
		roots          bool
		retry          bool
	}{
		"no STARTTLS":                     {SecurityNone, SecurityStartTLS, true, false},
		"no login without encryption":     {SecurityNone, SecurityNone, true, false},
		"a certificate of somebody":       {SecurityTLS, SecurityTLS, false, true},
		"a certificate of somebody later": {SecurityStartTLS, SecurityStartTLS, false, true},
		"no TLS":                          {SecurityNone, SecurityTLS, true, true},
	} {
		s := newMailServer(t, c.server, nil)
		if !c.roots {
			s.roots = nil
		}
		err := mailed(t, s, mailTarget(s, c.target), sample())
		var f *Failure
		if !errors.As(err, &f) || f.Retry != c.retry {
			t.Errorf("%s: %v", name, err)
		}
		if logins, _, mails := s.seen(); len(logins)+len(mails) > 0 {
			t.Error(name, "but it was sent", logins)
		}
	}
}

// TestMailHostileServers: a server that says nothing, and one that never stops.
func TestMailHostileServers(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		for i := 0; ; i++ {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			w := bufio.NewWriter(conn)
			for i == 1 { // forever, on one line
				if _, err := w.WriteString(strings.Repeat("220-", 1000)); err != nil {
					break
				}
			}
			_, _ = io.Copy(io.Discard, conn)
			conn.Close()
		}
	}()
	target := mailTarget(&mailServer{addr: l.Addr().String()}, SecurityNone)
	a, err := New(Options{Targets: []Target{target}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	for range 2 {
		err := a.Test(ctx, sample())[0].Err
		var f *Failure
		if !errors.As(err, &f) || !f.Retry {
			t.Error(err)
		}
		ctx = t.Context()
	}
	closed(t, a)
	l.Close()
	<-served
}
