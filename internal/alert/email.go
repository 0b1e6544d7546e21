package alert

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	netmail "net/mail"
	"net/textproto"
	"strconv"
	"strings"

	"github.com/wneessen/go-mail"

	"github.com/diagbot/diagbot/troubleshoot"
)

// maxSession is how much a mail server may say in one session, in bytes, TLS
// included.
const maxSession = 256 << 10

// mailbox takes alerts to a mail server.
type mailbox struct {
	target   Target
	host     string
	port     int
	roots    *x509.CertPool // nil: the system's
	redactor *troubleshoot.Redactor
}

func newMailbox(t Target, roots *x509.CertPool) *mailbox {
	host, port := splitHost(t.Host, t.Security)
	return &mailbox{target: t, host: host, port: port, roots: roots, redactor: troubleshoot.NewRedactor(t.secrets()...)}
}

// deliver sends the alert once. Its error is a *Failure.
func (m *mailbox) deliver(ctx context.Context, al Alert) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	message, err := m.message(al)
	if err != nil {
		return m.failure(Failure{Detail: err.Error()})
	}
	line := &line{ctx: ctx, mailbox: m}
	defer line.close()
	client, err := m.client(line)
	if err != nil {
		return m.failure(Failure{Detail: err.Error()})
	}
	if err := client.DialAndSendWithContext(ctx, message); err != nil && !message.IsDelivered() {
		if ctx.Err() != nil {
			err = fmt.Errorf("no answer within %v", timeout)
		}
		return m.judge(err)
	}
	return nil
}

// message is the alert as mail. The library encodes headers, so that no text
// can add one.
func (m *mailbox) message(al Alert) (*mail.Msg, error) {
	message := mail.NewMsg(mail.WithNoDefaultUserAgent())
	if err := message.From(m.target.From); err != nil {
		return nil, fmt.Errorf("from: %w", err)
	}
	if err := message.To(m.target.To...); err != nil {
		return nil, fmt.Errorf("to: %w", err)
	}
	message.Subject(al.title())
	message.SetDateWithValue(al.At)
	message.SetMessageIDWithValue(m.id())
	message.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no out-of-office replies
	if al.Severity == Critical && !al.Recovered {
		message.SetImportance(mail.ImportanceHigh)
	}
	message.SetBodyString(mail.TypeTextPlain, al.title()+"\n\n"+al.plain()+"\n")
	return message, nil
}

// id is a message id that does not tell the name of this machine.
func (m *mailbox) id() string {
	domain := "diagbot.invalid"
	if from, err := netmail.ParseAddress(m.target.From); err == nil {
		domain = from.Address[strings.LastIndexByte(from.Address, '@')+1:]
	}
	return rand.Text() + "@" + domain
}

func (m *mailbox) client(l *line) (*mail.Client, error) {
	policies := map[string]mail.TLSPolicy{SecurityStartTLS: mail.TLSMandatory, SecurityNone: mail.NoTLS}
	policy, ok := policies[m.target.Security]
	if !ok {
		policy = mail.TLSOpportunistic // the line is TLS already
	}
	options := []mail.Option{
		mail.WithPort(m.port), mail.WithTimeout(timeout), mail.WithTLSPolicy(policy), mail.WithTLSConfig(m.tls()),
		mail.WithHELO("localhost"), mail.WithoutNoop(), mail.WithoutRset(), mail.WithDialContextFunc(l.dial),
	}
	if m.target.User != "" {
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover),
			mail.WithUsername(m.target.User), mail.WithPassword(m.target.Password))
	}
	return mail.NewClient(m.host, options...)
}

func (m *mailbox) tls() *tls.Config {
	return &tls.Config{ServerName: m.host, RootCAs: m.roots, MinVersion: tls.VersionTLS12}
}

// judge tells what may be taken later from what never will.
func (m *mailbox) judge(err error) error {
	f := Failure{Detail: err.Error(), Retry: true}
	var reply *textproto.Error
	var sent *mail.SendError
	switch {
	case errors.As(err, &sent) && sent.ErrorCode() != 0:
		f.Status, f.Code = sent.ErrorCode(), sent.EnhancedStatusCode()
	case errors.As(err, &reply):
		f.Status = reply.Code
	case errors.Is(err, mail.ErrNoSupportedAuthDiscovered), strings.Contains(f.Detail, "does not support"):
		f.Retry = false // no STARTTLS, or no login
	}
	if f.Status >= 500 {
		f.Retry = false
	}
	return m.failure(f)
}

func (m *mailbox) failure(f Failure) *Failure {
	f.Target, f.Kind, f.Host = m.target.Name, m.target.Kind, m.host
	f.Detail = detail(m.redactor, f.Detail, 300)
	return &f
}

// line is the connection of one session. It ends with its context, and gives up
// a server that does not stop talking.
type line struct {
	ctx     context.Context
	mailbox *mailbox
	conn    net.Conn
	stop    func() bool
}

func (l *line) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	m := l.mailbox
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, net.JoinHostPort(m.host, strconv.Itoa(m.port)))
	if err != nil {
		return nil, err
	}
	l.conn = &bounded{Conn: conn, left: maxSession}
	l.stop = context.AfterFunc(l.ctx, func() { _ = conn.Close() })
	if m.target.Security == SecurityStartTLS || m.target.Security == SecurityNone {
		return l.conn, nil
	}
	secured := tls.Client(l.conn, m.tls())
	return secured, secured.HandshakeContext(ctx)
}

// close ends what the library may have left open.
func (l *line) close() {
	if l.conn != nil {
		l.stop()
		_ = l.conn.Close()
	}
}

// bounded is a connection that ends after so many bytes.
type bounded struct {
	net.Conn
	left int
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n, err := b.Conn.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}
