package world_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/bot/wechat"
	"github.com/diagbot/diagbot/internal/simwechat"
	"github.com/diagbot/diagbot/internal/store"
	"github.com/diagbot/diagbot/llm"
	"github.com/diagbot/diagbot/troubleshoot"
)

// home is one account's server and the state of it, over several starts of the
// bot.
type home struct {
	t         *testing.T
	srv       *simwechat.Server
	account   *store.Account
	alice     string
	log       *journal
	completer bot.Completer
	catalogue *troubleshoot.Catalogue
}

func newHome(t *testing.T) *home {
	t.Helper()
	h := &home{t: t, account: newAccount(t), log: &journal{}}
	var err error
	if h.srv, err = simwechat.Start(simwechat.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.srv.Close() })
	h.alice = h.srv.AddFriend(simwechat.Person{Nick: "Alice"})
	_, clients := newSource(t, slog.New(slog.DiscardHandler), llm.Timeouts{})
	h.completer = bySource(clients)
	h.catalogue = loadCatalogue(t)
	return h
}

// newAccount returns the state of an account, in a database of its own.
func newAccount(t *testing.T) *store.Account {
	t.Helper()
	db, err := store.Open(t.Context(), store.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	account, err := db.Claim(t.Context(), "main", "test")
	if err != nil {
		t.Fatal(err)
	}
	return account
}

// live starts the bot, has one message answered and stops the bot. It returns
// the states of the login.
func (h *home) live(t *testing.T) (states []wechat.LoginState) {
	t.Helper()
	logger := slog.New(slog.NewJSONHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	relay, err := bot.New(bot.Options{
		Channel: wechat.New(wechat.Options{
			Session: h.account.Session(), Transport: h.srv.Transport(), Logger: logger,
			ShowLogin: func(l wechat.Login) { states = append(states, l.State) },
		}),
		Completer: h.completer, Catalogue: h.catalogue, Logger: logger, Grace: 5 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	done := make(chan error, 1)
	inits, checks, sent := h.srv.Count("webwxinit"), h.srv.Count("synccheck"), len(h.srv.Sent())
	go func() { done <- relay.Run(ctx) }()
	if err := h.srv.WaitCount(ctx, "webwxinit", inits+1); err != nil {
		t.Errorf("no login: %v", err)
	}
	if err := h.srv.WaitCount(ctx, "synccheck", checks+1); err != nil {
		t.Errorf("no synccheck: %v", err)
	}
	text := fmt.Sprintf("message %d", sent)
	h.srv.Say(h.alice, text)
	all, err := h.srv.WaitSent(ctx, sent+1)
	if err != nil || !strings.Contains(all[len(all)-1].Text, text) {
		t.Errorf("no answer: %v", err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("the bot ended with %v", err)
	}
	return states
}

// TestHostileSessions starts the bot with sessions that are no sessions, or not
// whole, and holds that it logs in and answers all the same, keeps what it could
// not read, and leaves a session that works.
func TestHostileSessions(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.live(t)
	first := h.session(t)
	for _, name := range slices.Sorted(maps.Keys(brokenSessions(t, first))) {
		t.Run(name, func(t *testing.T) {
			// The variant is of the session that is on: else it would be refused
			// for its age alone.
			content := brokenSessions(t, h.session(t))[name]
			if err := h.account.Session().Save(content); err != nil {
				t.Fatal(err)
			}
			states := h.live(t)
			if !has(states, wechat.LoginConfirmed) {
				t.Errorf("states %v", states)
			}
			if has(states, wechat.LoginUnusable) {
				if kept, err := h.account.Get(t.Context(), "session.bad"); err != nil || !bytes.Equal(kept, content) {
					t.Errorf("what was there is lost: %v", err)
				}
			}
			if states := h.live(t); has(states, wechat.LoginScan) {
				t.Errorf("the session it left needs a scan: %v", states)
			}
		})
	}
	last := h.session(t)
	judgeCredentials(t, h.log.String(), first)
	judgeCredentials(t, h.log.String(), last)
}

func (h *home) session(t *testing.T) []byte {
	t.Helper()
	b, err := h.account.Session().Load()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func has(states []wechat.LoginState, want wechat.LoginState) bool {
	for _, s := range states {
		if s == want {
			return true
		}
	}
	return false
}

// brokenSessions are variants of a good one.
func brokenSessions(t *testing.T, good []byte) map[string][]byte {
	t.Helper()
	all := map[string][]byte{
		"empty": {}, "object": []byte("{}"), "null": []byte("null"), "list": []byte("[]"), "word": []byte(`"session"`), "number": []byte("0"),
		"binary": []byte("\x00\x01\xff\xfe\x7fELF"), "nul": make([]byte, 4096), "cut": good[:len(good)/2], "cut at the end": good[:len(good)-2],
		"twice": append(bytes.Clone(good), good...), "huge": append([]byte(`{"Jar":"`), bytes.Repeat([]byte("x"), 20<<20)...),
		"deep": bytes.Repeat([]byte(`{"Jar":`), 100_000), "with BOM": append([]byte("\xef\xbb\xbf"), good...),
	}
	var fields map[string]any
	if err := json.Unmarshal(good, &fields); err != nil {
		t.Fatal(err)
	}
	with := func(name, field string, value any) {
		changed := map[string]any{}
		for k, v := range fields {
			changed[k] = v
		}
		changed[field] = value
		b, err := json.Marshal(changed)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = b
	}
	for field := range fields {
		with(field+" null", field, nil)
		with(field+" of another type", field, []any{1, "x"})
		with(field+" empty", field, map[string]any{})
	}
	with("foreign domain", "WechatDomain", "evil.example")
	with("domain with a path", "WechatDomain", "wx.qq.com/../evil")
	with("domain with a port", "WechatDomain", "wx.qq.com:22")
	with("odd domain", "WechatDomain", "wx2.qq.com")
	with("huge SyncKey", "SyncKey", map[string]any{"Count": 1 << 30, "List": []any{}})
	with("foreign SyncKey", "SyncKey", map[string]any{"Count": 1, "List": []any{map[string]any{"Key": 1, "Val": 1}}})
	with("no cookies", "Jar", map[string]any{"https://wx.qq.com": []any{}})
	with("null cookies", "Jar", map[string]any{"https://wx.qq.com": []any{nil, nil}})
	with("odd cookies", "Jar", map[string]any{"https://wx.qq.com": []any{map[string]any{"Name": "a\r\nb", "Value": "c"}, map[string]any{"Name": "", "Value": "\x00"}}})
	return all
}

// judgeCredentials looks for a session's secrets in what was logged.
func judgeCredentials(t *testing.T, log string, session []byte) {
	t.Helper()
	var s struct {
		LoginInfo   struct{ SKey, WxSid, PassTicket string }
		BaseRequest struct{ Skey, Sid, DeviceID string }
		Jar         map[string][]struct{ Name, Value string }
	}
	if err := json.Unmarshal(session, &s); err != nil {
		t.Fatal(err)
	}
	secrets := []string{s.BaseRequest.Skey, s.BaseRequest.Sid, s.LoginInfo.PassTicket, s.LoginInfo.SKey, s.LoginInfo.WxSid}
	for _, cookies := range s.Jar {
		for _, c := range cookies {
			secrets = append(secrets, c.Value)
		}
	}
	looked := 0
	for _, secret := range secrets {
		if len(secret) < 10 { // mm_lang and the like
			continue
		}
		looked++
		if at := strings.Index(log, secret); at >= 0 {
			t.Errorf("a credential is in the log: %s", log[max(0, at-200):at+len(secret)])
		}
	}
	if looked < 3 {
		t.Errorf("only %d credentials in %.300s", looked, session)
	}
}
