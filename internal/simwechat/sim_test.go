package simwechat_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/eatmoreapple/openwechat"
	"go.uber.org/goleak"

	"github.com/diagbot/diagbot/internal/simwechat"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience ends a test that would hang; nothing is measured with it.
const patience = 20 * time.Second

func start(t testing.TB, o simwechat.Options) *simwechat.Server {
	t.Helper()
	s, err := simwechat.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// client is a real openwechat bot. Its messages are read in its own loop, since
// openwechat is not safe to ask from elsewhere.
type client struct {
	*openwechat.Bot
	stop  context.CancelFunc
	heard chan heard
}

type heard struct {
	*openwechat.Message
	at     bool
	sender string // nickname and name in the group
	body   []byte // of a file
}

func newClient(t testing.TB, s *simwechat.Server) *client {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	b := openwechat.NewBot(ctx)
	openwechat.Desktop.Prepare(b)
	transport := s.Transport()
	b.Caller.Client.HTTPClient().Transport = transport
	b.Caller.Client.MaxRetryTimes = 1
	c := &client{Bot: b, stop: cancel, heard: make(chan heard, 4096)}
	b.MessageHandler = c.hear
	b.MessageErrorHandler = func(err error) error { return err }
	t.Cleanup(func() {
		cancel()
		transport.CloseIdleConnections()
	})
	return c
}

func (c *client) hear(m *openwechat.Message) {
	h := heard{Message: m, at: m.IsAt()}
	if m.IsSendByGroup() && !m.IsSystem() {
		if who, err := m.SenderInGroup(); err == nil {
			h.sender = who.NickName + "/" + who.DisplayName
		}
	}
	if m.HasFile() {
		var b bytes.Buffer
		if m.SaveFile(&b) == nil {
			h.body = b.Bytes()
		}
	}
	c.heard <- h
}

// login logs in by QR code.
func login(t *testing.T, s *simwechat.Server) *client {
	t.Helper()
	c := newClient(t, s)
	if err := c.Login(); err != nil {
		t.Fatal("login:", err)
	}
	return c
}

// send sends a text without touching the bot's own state.
func (c *client) send(s *simwechat.Server, to, text string) error {
	return c.sendMessage(openwechat.NewTextSendMessage(text, s.UserName(""), to))
}

func (c *client) sendMessage(m *openwechat.SendMessage) error {
	_, err := c.Caller.WebWxSendMsg(context.Background(), &openwechat.CallerWebWxSendMsgOptions{
		LoginInfo: c.Storage.LoginInfo, BaseRequest: c.Storage.Request, Message: m,
	})
	return err
}

// next returns the next message that is not a status notification.
func (c *client) next(t *testing.T) heard {
	t.Helper()
	ctx := within(t)
	for {
		select {
		case m := <-c.heard:
			if m.MsgType != simwechat.TypeStatus {
				return m
			}
		case <-ctx.Done():
			t.Fatal("no message came:", c.CrashReason())
		}
	}
}

// storage is a session store in memory.
type storage struct {
	mu   sync.Mutex
	last []byte
	r    io.Reader
}

func (s *storage) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = bytes.Clone(p)
	return len(p), nil
}

func (s *storage) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.r == nil {
		s.r = bytes.NewReader(s.last)
	}
	return s.r.Read(p)
}

// again returns a storage with what was stored, its cookies made valid for all
// hosts of the domain, which openwechat forgets.
func (s *storage) again(t *testing.T) *storage {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	var doc map[string]any
	d := json.NewDecoder(bytes.NewReader(s.last))
	d.UseNumber()
	if err := d.Decode(&doc); err != nil {
		t.Fatal("stored session:", err)
	}
	for _, cookies := range doc["Jar"].(map[string]any) {
		for _, c := range cookies.([]any) {
			c.(map[string]any)["Domain"] = doc["WechatDomain"]
			c.(map[string]any)["Path"] = "/"
		}
	}
	b, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return &storage{last: b}
}
