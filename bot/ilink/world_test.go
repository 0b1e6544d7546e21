package ilink

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/internal/similink"
	"github.com/diagbot/diagbot/troubleshoot"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// never is how long a pause is that must not end in a test.
const never = time.Hour

var (
	_ bot.Channel  = (*Channel)(nil)
	_ bot.Dated    = (*Channel)(nil)
	_ bot.Typer    = (*Channel)(nil)
	_ bot.Owned    = (*Channel)(nil)
	_ bot.Pictures = (*Channel)(nil)
	_ bot.Files    = (*Channel)(nil)
	_ bot.Fetcher  = (*Channel)(nil)
)

// memory is a vault in memory, with a record of what was written when.
type memory struct {
	mu    sync.Mutex
	kept  map[string][]byte
	fails func(op, name string) error
	steps func(op, name string)
}

func newMemory() *memory { return &memory{kept: make(map[string][]byte)} }

func (m *memory) do(op, name string, f func()) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fails != nil {
		if err := m.fails(op, name); err != nil {
			return err
		}
	}
	if m.steps != nil {
		m.steps(op, name)
	}
	f()
	return nil
}

func (m *memory) Get(_ context.Context, name string) (b []byte, err error) {
	err = m.do("get", name, func() { b = bytes.Clone(m.kept[name]) })
	return b, err
}

func (m *memory) Put(_ context.Context, name string, b []byte) error {
	return m.do("put", name, func() { m.kept[name] = bytes.Clone(b) })
}

func (m *memory) Remove(_ context.Context, name string) error {
	return m.do("remove", name, func() { delete(m.kept, name) })
}

// all is everything that is kept, as text.
func (m *memory) all() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var b strings.Builder
	for name, v := range m.kept {
		b.WriteString(name + " " + string(v) + "\n")
	}
	return b.String()
}

// killed is the vault as a process finds it that begins now, after the one before
// was killed.
func (m *memory) killed() *memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	return &memory{kept: maps.Clone(m.kept)}
}

// world is a channel logged in, or logging in, to a simulated server.
type world struct {
	t      testing.TB
	srv    *similink.Server
	ctx    context.Context
	c      *Channel
	vault  *memory
	logs   *journal
	heard  chan bot.Message
	logins chan Login
	names  chan string // of logins
	mu     sync.Mutex
	refuse func(batch []bot.Message) error // what Hear answers, if set
	greet  func() error                    // what LoggedIn answers, if set
	cancel context.CancelCauseFunc
	done   chan error
}

// quick are pauses for tests that do not wait for any.
func quick() pauses {
	return pauses{
		first: 5 * time.Millisecond, last: 40 * time.Millisecond, breath: 5 * time.Millisecond, long: never,
		poll: 10 * time.Second, code: 20 * time.Second, cool: never, revive: never, rest: never,
	}
}

func newWorld(t testing.TB, so similink.Options, change func(*Options)) *world {
	t.Helper()
	if so.Hold == 0 {
		so.Hold = 250 * time.Millisecond
	}
	srv, err := similink.Start(so)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, srv: srv, vault: newMemory(), logs: &journal{}}
	var cancel context.CancelFunc
	w.ctx, cancel = context.WithTimeout(context.Background(), 2*patience)
	w.build(change)
	t.Cleanup(func() {
		w.stop()
		w.c.Close()
		cancel()
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
		w.secretive()
		if t.Failed() {
			t.Log(w.logs.String())
		}
	})
	return w
}

// build makes a channel, as a new process would.
func (w *world) build(change func(*Options)) {
	w.heard, w.logins, w.names = make(chan bot.Message, 10000), make(chan Login, 10000), make(chan string, 1000)
	o := Options{
		Vault: w.vault, Transport: w.srv.Transport(), Agent: "Test/1.0",
		ShowLogin: func(l Login) { w.logins <- l },
		Logger:    slog.New(slog.NewTextHandler(w.logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Linger:    5 * time.Millisecond,
		pauses:    quick(),
	}
	if change != nil {
		change(&o)
	}
	w.c = New(o)
}

// journal is a log that can be read while it is written.
type journal struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) { j.mu.Lock(); defer j.mu.Unlock(); return j.b.Write(p) }
func (j *journal) String() string              { j.mu.Lock(); defer j.mu.Unlock(); return j.b.String() }

// secretive fails the test if the log holds a secret, or what people say.
func (w *world) secretive() {
	w.t.Helper()
	_, token := w.srv.Bot()
	for _, secret := range []string{token, "hush"} {
		if secret != "" && strings.Contains(w.logs.String(), secret) {
			w.t.Errorf("the log holds %q", secret)
		}
	}
}

// start runs the channel and, if login, waits until it is logged in.
func (w *world) start(login bool) {
	w.t.Helper()
	var ctx context.Context
	ctx, w.cancel = context.WithCancelCause(w.ctx)
	done := make(chan error, 1)
	w.done = done
	go func(c *Channel) { done <- c.Run(ctx, w) }(w.c)
	if login {
		w.await(LoginConfirmed)
	}
}

// stop ends Run.
func (w *world) stop() {
	w.t.Helper()
	if w.cancel == nil {
		return
	}
	w.cancel(nil)
	w.cancel = nil
	select {
	case err := <-w.done:
		if err != nil {
			w.t.Error("Run:", err)
		}
	case <-time.After(patience):
		w.t.Fatal("Run does not end")
	}
}

// LoggedIn implements bot.Ear.
func (w *world) LoggedIn(_ context.Context, login string) error {
	if w.greet != nil {
		if err := w.greet(); err != nil {
			return err
		}
	}
	w.names <- login
	return nil
}

// Hear implements bot.Ear.
func (w *world) Hear(_ context.Context, batch []bot.Message) error {
	w.mu.Lock()
	refuse := w.refuse
	w.mu.Unlock()
	if refuse != nil {
		if err := refuse(batch); err != nil {
			return err
		}
	}
	for _, m := range batch {
		w.heard <- m
	}
	return nil
}

// refusing says what Hear answers from now on.
func (w *world) refusing(f func([]bot.Message) error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refuse = f
}

// await skips the steps of a login before a state.
func (w *world) await(state LoginState) Login {
	w.t.Helper()
	for {
		select {
		case l := <-w.logins:
			if l.State == state {
				return l
			}
		case <-time.After(patience):
			w.t.Fatalf("no login %q came; the log: %s", state, w.logs.String())
		}
	}
}

// hear returns the next message.
func (w *world) hear() bot.Message {
	w.t.Helper()
	select {
	case m := <-w.heard:
		return m
	case <-time.After(patience):
		w.t.Fatalf("no message came; the log: %s", w.logs.String())
	}
	return bot.Message{}
}

// silent fails the test if anything was heard.
func (w *world) silent() {
	w.t.Helper()
	select {
	case m := <-w.heard:
		w.t.Fatalf("heard %+v", m)
	default:
	}
}

// settled waits until all that was said to the bot was handed out, and another
// poll began: then it was heard.
func (w *world) settled() {
	w.t.Helper()
	if err := w.srv.WaitHandedOut(w.ctx); err != nil {
		w.t.Fatal(err)
	}
	w.polls(1)
}

// polls waits for so many more polls.
func (w *world) polls(n int) {
	w.t.Helper()
	if err := w.srv.WaitCount(w.ctx, "getupdates", w.srv.Count("getupdates")+n); err != nil {
		w.t.Fatal(err)
	}
}

var lastID atomic.Int64

// send sends a part under an id of its own.
func (w *world) send(to, text string) error {
	return w.sendID(to, text, lastID.Add(1))
}

func (w *world) sendID(to, text string, id int64) error {
	return w.c.Send(w.ctx, bot.Part{To: bot.Chat{ID: to}, Text: text, ID: id})
}

// sent waits until people saw n messages, and returns the last m texts.
func (w *world) sent(n int) []string {
	w.t.Helper()
	all, err := w.srv.WaitSent(w.ctx, n)
	if err != nil {
		w.t.Fatalf("%d of %d messages were sent; the log: %s", len(all), n, w.logs.String())
	}
	texts := make([]string, len(all))
	for i, m := range all {
		texts[i] = m.Text
	}
	return texts
}

// behaved fails the test if the server had to complain of anything but what is
// named.
func (w *world) behaved(but ...string) {
	w.t.Helper()
complaints:
	for _, text := range w.srv.Complaints() {
		for _, b := range but {
			if strings.Contains(text, b) {
				continue complaints
			}
		}
		w.t.Error("complaint:", text)
	}
}

func faultOf(t testing.TB, err error) *troubleshoot.Fault {
	t.Helper()
	var f *troubleshoot.Fault
	if !errors.As(err, &f) {
		t.Fatalf("no fault: %v", err)
	}
	return f
}
