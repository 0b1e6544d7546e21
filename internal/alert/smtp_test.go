package alert

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/diagbot/diagbot/internal/simtls"
)

// mailServer is a small SMTP server on the loopback interface.
type mailServer struct {
	addr    string
	roots   *x509.CertPool
	config  *tls.Config
	implied bool              // TLS from the first byte
	offers  []string          // extensions
	replies map[string]string // by verb, instead of the usual ones

	mu       sync.Mutex
	logins   []string // "user:password", with "tls " in front if it was hidden
	envelope []string
	mails    []string
}

func newMailServer(t *testing.T, security string, replies map[string]string) *mailServer {
	t.Helper()
	authority, err := simtls.New()
	if err != nil {
		t.Fatal(err)
	}
	config, err := authority.ServerConfig()
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &mailServer{addr: l.Addr().String(), roots: authority.Pool(), config: config, implied: security == SecurityTLS, replies: replies}
	if s.offers = []string{"8BITMIME", "ENHANCEDSTATUSCODES"}; security == SecurityStartTLS {
		s.offers = append(s.offers, "STARTTLS")
	} else {
		s.offers = append(s.offers, "AUTH LOGIN PLAIN")
	}
	var sessions sync.WaitGroup
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			sessions.Go(func() { s.serve(conn) })
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
		sessions.Wait()
	})
	return s
}

// session is one connection of the server.
type session struct {
	*mailServer
	conn net.Conn
	r    *bufio.Reader
	safe bool
}

func (s *mailServer) serve(conn net.Conn) {
	defer conn.Close()
	c := &session{mailServer: s, conn: conn}
	if s.implied {
		c.secure()
	}
	c.r = bufio.NewReader(c.conn)
	c.say(s.reply("GREETING", "220 test ready"))
	for {
		line, err := c.r.ReadString('\n')
		if err != nil || !c.command(strings.TrimSpace(line)) {
			return
		}
	}
}

func (c *session) secure() {
	c.conn = tls.Server(c.conn, c.config)
	c.r, c.safe = bufio.NewReader(c.conn), true
}

func (c *session) say(text string) { _, _ = fmt.Fprintf(c.conn, "%s\r\n", text) }

func (s *mailServer) reply(verb, usual string) string {
	if r, ok := s.replies[verb]; ok {
		return r
	}
	return usual
}

func (c *session) command(line string) bool {
	verb, rest, _ := strings.Cut(line, " ")
	switch verb = strings.ToUpper(verb); verb {
	case "EHLO":
		c.ehlo()
	case "STARTTLS":
		c.say("220 go")
		c.secure()
	case "AUTH":
		c.auth(rest)
	case "MAIL", "RCPT":
		c.note(&c.envelope, line)
		c.say(c.reply(verb, "250 2.1.0 ok"))
	case "DATA":
		c.say(c.reply(verb, "354 go on"))
		if _, refused := c.replies[verb]; !refused {
			c.data()
		}
	case "QUIT":
		c.say(c.reply(verb, "221 bye"))
		return false
	default:
		c.say("502 5.5.1 what?")
	}
	return true
}

func (c *session) ehlo() {
	offers := c.offers
	if c.safe && !c.implied {
		offers = []string{"AUTH PLAIN"}
	}
	c.say("250-test")
	for i, o := range offers {
		if i == len(offers)-1 {
			c.say("250 " + o)
			return
		}
		c.say("250-" + o)
	}
}

func (c *session) auth(rest string) {
	login := "?"
	if raw, ok := strings.CutPrefix(rest, "PLAIN "); ok {
		text, _ := base64.StdEncoding.DecodeString(raw)
		if parts := strings.Split(string(text), "\x00"); len(parts) == 3 {
			login = parts[1] + ":" + parts[2]
		}
	}
	if c.safe {
		login = "tls " + login
	}
	c.note(&c.logins, login)
	c.say(c.reply("AUTH", "235 2.7.0 welcome"))
}

func (c *session) data() {
	var b strings.Builder
	for {
		line, err := c.r.ReadString('\n')
		if err != nil {
			return
		}
		if line == ".\r\n" {
			break
		}
		b.WriteString(strings.TrimPrefix(line, "."))
	}
	c.note(&c.mails, b.String())
	c.say(c.reply("END", "250 2.0.0 queued"))
}

func (s *mailServer) note(to *[]string, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*to = append(*to, text)
}

func (s *mailServer) seen() (logins, envelope, mails []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.logins, s.envelope, s.mails
}
