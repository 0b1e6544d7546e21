package ilink

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/internal/gate"
	"github.com/diagbot/diagbot/internal/similink"
)

func TestTalk(t *testing.T) {
	w := newWorld(t, similink.Options{}, nil)
	w.start(true)
	alice := w.srv.AddUser("alice")
	id := w.srv.Say("alice", " 你好 😀 \u0007hush ")
	m := w.hear()
	if m.ID != id || m.Chat.ID != alice || m.Sender.ID != alice || m.Sender.Owner || m.Chat.Group || m.Kind != bot.KindText || m.Text != "你好 😀 hush" || m.At.IsZero() {
		t.Errorf("heard %+v", m)
	}
	if err := w.sendID(alice, "answer\n", 17); err != nil {
		t.Fatal(err)
	}
	sent, err := w.srv.WaitSent(w.ctx, 1)
	if err != nil || sent[0].Text != "answer" || sent[0].To != alice || sent[0].ClientID != "diagbot-17" || sent[0].State != stateFinished {
		t.Errorf("sent %+v, %v", sent, err)
	}
	if login := <-w.names; login != "" {
		t.Errorf("the login is called %q", login)
	}
	if w.c.LoggedInSince().IsZero() {
		t.Error("not logged in since any time")
	}
	w.stop()
	if err := w.send(alice, "after the end"); err != nil {
		t.Error("replies cannot be sent after the end:", err)
	}
	w.c.Close()
	if n := w.srv.Count("notifystart"); n != 1 {
		t.Errorf("%d notices of the start", n)
	}
	if n := w.srv.Count("notifystop"); n != 1 {
		t.Errorf("%d notices of the end", n)
	}
	w.behaved()
}

func TestNotOwnerSaysNoFarewell(t *testing.T) {
	w := newWorld(t, similink.Options{}, nil)
	w.start(true)
	w.cancel(bot.ErrNotOwner)
	w.stop()
	w.c.Close()
	if n := w.srv.Count("notifystop"); n != 0 {
		t.Errorf("%d notices of the end of what is another's", n)
	}
}

func TestOwner(t *testing.T) {
	w := newWorld(t, similink.Options{}, nil)
	if _, ok := w.c.OwnerChat(); ok {
		t.Error("an owner before login")
	}
	w.start(true)
	if chat, ok := w.c.OwnerChat(); ok || chat.ID != w.srv.Owner() {
		t.Errorf("the owner's chat is %+v, %v before they wrote", chat, ok)
	}
	w.srv.Say(w.srv.Owner(), "hi")
	if m := w.hear(); !m.Sender.Owner {
		t.Errorf("%+v is not of the owner", m)
	}
	if chat, ok := w.c.OwnerChat(); !ok || chat.ID != w.srv.Owner() {
		t.Errorf("the owner's chat is %+v, %v", chat, ok)
	}
}

func TestSecondRun(t *testing.T) {
	w := newWorld(t, similink.Options{}, nil)
	w.start(true)
	if err := w.c.Run(w.ctx, w); err == nil {
		t.Error("it runs twice")
	}
	w.stop()
	w.start(true) // again
	w.srv.Say(w.srv.Owner(), "still there?")
	w.hear()
}

func TestRestart(t *testing.T) {
	w := newWorld(t, similink.Options{}, nil)
	w.start(true)
	alice := w.srv.AddUser("alice")
	w.srv.Say("alice", "one")
	w.hear()
	w.settled()
	w.stop()
	w.c.Close()
	codes := w.srv.Count("get_bot_qrcode")
	w.build(nil)
	w.start(false)
	if l := w.await(LoginConfirmed); !l.Hot {
		t.Error("not said that nobody had to scan")
	}
	if n := w.srv.Count("get_bot_qrcode"); n != codes {
		t.Error("somebody had to scan")
	}
	if err := w.send(alice, "late answer"); err != nil {
		t.Fatal(err)
	}
	if texts := w.sent(1); texts[0] != "late answer" {
		t.Errorf("sent %q", texts)
	}
	w.srv.Say("alice", "two")
	if m := w.hear(); m.Text != "two" {
		t.Errorf("heard %q", m.Text)
	}
	w.behaved()
}

// Nobody but its maker may read what is not fit: it is said, and a scan follows.
func TestUnusableVault(t *testing.T) {
	for name, put := range map[string]string{
		"not JSON":   "}",
		"no token":   `{"bot":"b","base_url":"https://ilinkai.weixin.qq.com"}`,
		"a stranger": `{"token":"t","bot":"b","base_url":"https://weixin.qq.com.evil.example"}`,
		"plain HTTP": `{"token":"t","bot":"b","base_url":"http://ilinkai.weixin.qq.com"}`,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, similink.Options{}, nil)
			w.vault.kept[nameLogin] = []byte(put)
			w.vault.kept[nameCursor] = []byte("[]")
			w.vault.kept[nameUnheard] = []byte("{")
			w.vault.kept[pageName(3)] = []byte("nonsense")
			w.start(false)
			if l := w.await(LoginUnusable); l.Reason == "" {
				t.Error("no reason")
			}
			if l := w.await(LoginConfirmed); l.Hot {
				t.Error("nobody had to scan")
			}
		})
	}
}

func TestVaultOutOfReachAtFirst(t *testing.T) {
	w := newWorld(t, similink.Options{}, nil)
	w.start(true)
	w.srv.Say("主人", "x")
	w.hear()
	w.settled()
	w.stop()
	tries := 0
	w.vault.fails = func(op, name string) error {
		if tries++; tries < 4 {
			return errors.New("the disk sleeps")
		}
		return nil
	}
	w.build(nil)
	w.start(false)
	if l := w.await(LoginConfirmed); !l.Hot {
		t.Error("somebody had to scan")
	}
}

// One that stays out of reach is tried with patience once, not for each thing.
func TestVaultOutOfReach(t *testing.T) {
	w := newWorld(t, similink.Options{}, nil)
	reads := 0
	w.vault.fails = func(op, name string) error {
		if reads++; op == "get" && name != nameCursor {
			return errors.New("the key is another")
		}
		return nil
	}
	w.start(false)
	w.await(LoginUnusable)
	w.await(LoginConfirmed)
	w.stop()
	if reads > loadTries+10 {
		t.Errorf("%d reads", reads)
	}
}

// What another key encrypted is told at once, without where it is, and left alone.
func TestVaultOfAnotherKey(t *testing.T) {
	w := newWorld(t, similink.Options{ScanDelay: -1}, nil)
	var asked []string
	w.vault.fails = func(op, name string) error {
		asked = append(asked, op+" "+name)
		return fmt.Errorf("secret place: %w", bot.ErrUnreadable)
	}
	w.start(false)
	if l := w.await(LoginUnusable); !strings.Contains(l.Reason, "store.key") || strings.Contains(l.Reason, "secret") {
		t.Errorf("reason %q", l.Reason)
	}
	w.await(LoginScan)
	w.stop()
	for i, op := range asked {
		if !strings.HasPrefix(op, "get ") || i > 0 && op == asked[i-1] {
			t.Errorf("asked %q", asked)
		}
	}
}

// A vault that writes nothing costs a scan at the next start, and nothing now.
func TestVaultThatTakesNothing(t *testing.T) {
	w := newWorld(t, similink.Options{}, nil)
	w.vault.fails = func(op, _ string) error {
		if op == "get" {
			return nil
		}
		return errors.New("the disk is full")
	}
	w.start(true)
	alice := w.srv.AddUser("alice")
	w.srv.Say("alice", "one")
	w.hear()
	if err := w.send(alice, "two"); err != nil {
		t.Fatal(err)
	}
	w.sent(1)
	if !strings.Contains(w.logs.String(), "next start needs a scan") {
		t.Error("nothing is said of it")
	}
}

func TestSendUnfit(t *testing.T) {
	w := newWorld(t, similink.Options{}, nil)
	if f := faultOf(t, w.send("u@im.wechat", "early")); f.Entry != sessionExpired {
		t.Errorf("before login: %v", f)
	}
	w.start(true)
	for _, text := range []string{"", " \n", "\x01", strings.Repeat("字", partRunes+1), strings.Repeat("a", partBytes+1)} {
		if f := faultOf(t, w.send(w.srv.Owner(), text)); f.Source != "bot" {
			t.Errorf("%d bytes: %v", len(text), f)
		}
	}
	for _, user := range []string{"", "a b", "\"", strings.Repeat("a", 200)} {
		if f := faultOf(t, w.send(user, "x")); f.Source != "bot" {
			t.Errorf("to %q: %v", user, f)
		}
	}
	if n := w.srv.Count("sendmessage"); n != 0 {
		t.Errorf("%d were sent", n)
	}
	ctx, cancel := context.WithCancel(w.ctx)
	cancel()
	if err := w.c.Send(ctx, bot.Part{To: bot.Chat{ID: w.srv.Owner()}, Text: "x", ID: 1}); err == nil {
		t.Error("sent without time")
	}
}

func TestPanickyListener(t *testing.T) {
	w := newWorld(t, similink.Options{}, func(o *Options) {
		show := o.ShowLogin
		o.ShowLogin = func(l Login) { show(l); panic("in the terminal") }
	})
	w.start(true)
	w.srv.Say("主人", "x")
	w.hear()
}

// TestNotOwner keeps what would be said in another process's account at the socket.
func TestNotOwner(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	owned := true
	own := New(Options{Owns: func() bool { return owned }}).client.transport.(*http.Transport)
	c, err := own.DialContext(t.Context(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte("hello")); err != nil {
		t.Error(err)
	}
	owned = false
	if _, err := c.Write([]byte("hello")); !errors.Is(err, gate.ErrClosed) {
		t.Errorf("written: %v", err)
	}
}

func TestTraits(t *testing.T) {
	traits := New(Options{}).Traits()
	if traits.Groups || !traits.StableIDs || traits.RepliesPerMessage != 10 || !traits.Typing || traits.Markdown || traits.PartRunes != 2000 {
		t.Errorf("%+v", traits)
	}
	c := New(Options{})
	c.Close()
	if !slices.Contains([]string{"diagbot/1.0"}, c.client.agent) {
		t.Error("the bot has no name")
	}
}
