package wechat

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/internal/simwechat"
	"github.com/diagbot/diagbot/troubleshoot"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// memory is a session in memory.
type memory struct {
	mu    sync.Mutex
	b     []byte
	aside []byte
	err   error
}

func (m *memory) Load() ([]byte, error) { m.mu.Lock(); defer m.mu.Unlock(); return m.b, m.err }
func (m *memory) Save(b []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.b = bytes.Clone(b)
	return m.err
}
func (m *memory) Remove() error { m.mu.Lock(); defer m.mu.Unlock(); m.b = nil; return m.err }
func (m *memory) SetAside() (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.b, m.aside = nil, m.b
	return "session.bad", m.err
}

// world is a channel logged in, or logging in, to a simulated server.
type world struct {
	t       testing.TB
	srv     *simwechat.Server
	ctx     context.Context
	c       *Channel
	session *memory
	logs    *bytes.Buffer
	heard   chan bot.Message
	logins  chan Login
	refuse  func(bot.Message) error // what Hear answers, if set
	names   chan string             // of logins
	done    chan error
	cancel  context.CancelFunc
}

func newWorld(t testing.TB, so simwechat.Options, change func(*Options)) *world {
	t.Helper()
	srv, err := simwechat.Start(so)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, srv: srv, session: &memory{}, logs: &bytes.Buffer{}}
	var cancel context.CancelFunc
	w.ctx, cancel = context.WithTimeout(context.Background(), 2*patience)
	w.build(srv.Transport(), change)
	t.Cleanup(func() {
		w.stop()
		cancel()
		w.c.Close()
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Log(w.logs.String())
		}
	})
	return w
}

// build makes a channel, as a new process would.
func (w *world) build(transport http.RoundTripper, change func(*Options)) {
	w.heard, w.logins, w.names = make(chan bot.Message, 10000), make(chan Login, 10000), make(chan string, 10000)
	o := Options{
		Session: w.session, Transport: transport,
		ShowLogin: func(l Login) { w.logins <- l },
		Logger:    slog.New(slog.NewTextHandler(&locked{w: w.logs}, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	o.firstPause, o.lastPause = 5*time.Millisecond, 50*time.Millisecond
	if change != nil {
		change(&o)
	}
	w.c = New(o)
}

type locked struct {
	mu sync.Mutex
	w  *bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) { l.mu.Lock(); defer l.mu.Unlock(); return l.w.Write(p) }

// start runs the channel and, if login, waits until it is logged in.
func (w *world) start(login bool) {
	w.t.Helper()
	var ctx context.Context
	ctx, w.cancel = context.WithCancel(w.ctx)
	w.done = make(chan error, 1)
	go func() {
		w.done <- w.c.Run(ctx, w)
	}()
	if login {
		w.await(LoginConfirmed)
	}
}

// LoggedIn implements bot.Ear.
func (w *world) LoggedIn(_ context.Context, login string) error {
	w.names <- login
	return nil
}

// Hear implements bot.Ear.
func (w *world) Hear(_ context.Context, batch []bot.Message) error {
	for _, m := range batch {
		if w.refuse == nil {
			break
		}
		if err := w.refuse(m); err != nil {
			return err
		}
	}
	for _, m := range batch {
		w.heard <- m
	}
	return nil
}

// send sends a part under an id of its own.
func send(ctx context.Context, c *Channel, to bot.Chat, text string) error {
	return c.Send(ctx, bot.Part{To: to, Text: text, ID: lastID.Add(1)})
}

var lastID atomic.Int64

// stop ends Run and expects it to say that all went well.
func (w *world) stop() {
	if w.cancel == nil {
		return
	}
	w.cancel()
	w.cancel = nil
	if err := w.end(); err != nil {
		w.t.Errorf("Run: %v", err)
	}
}

func (w *world) end() error {
	select {
	case err := <-w.done:
		w.cancel = nil
		return err
	case <-time.After(patience):
		w.t.Fatal("Run does not end")
		return nil
	}
}

func (w *world) await(state LoginState) Login {
	w.t.Helper()
	for {
		select {
		case l := <-w.logins:
			if l.State == state {
				return l
			}
		case <-w.ctx.Done():
			w.t.Fatalf("login never became %q", state)
		case <-time.After(patience):
			w.t.Fatalf("login never became %q", state)
		}
	}
}

func (w *world) hear() bot.Message {
	w.t.Helper()
	select {
	case m := <-w.heard:
		return m
	case <-time.After(patience):
		w.t.Fatal("nothing heard")
		return bot.Message{}
	}
}

// silent expects that a message sent now is the next one heard: nothing was
// passed on before it.
func (w *world) silent(friend string) {
	w.t.Helper()
	w.srv.Say(friend, "marker")
	if m := w.hear(); m.Text != "marker" {
		w.t.Fatalf("heard %+v, want nothing before the marker", m)
	}
}

func fault(t testing.TB, err error) *troubleshoot.Fault {
	t.Helper()
	var f *troubleshoot.Fault
	if !errors.As(err, &f) {
		t.Fatalf("error %v (%T) is not a fault", err, err)
	}
	return f
}
