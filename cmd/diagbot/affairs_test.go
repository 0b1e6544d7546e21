package main

import (
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/configs"
	"github.com/diagbot/diagbot/internal/alert"
	"github.com/diagbot/diagbot/internal/simwechat"
	"github.com/diagbot/diagbot/internal/store"
	"github.com/diagbot/diagbot/troubleshoot"
)

// TestAffairs: an outage that several accounts have is one, and over when it is for
// all of them.
func TestAffairs(t *testing.T) {
	var a affairs
	first, second := bot.Outage{Entry: "gpt-401", Provider: "x", Since: time.Unix(5, 0)}, bot.Outage{Entry: "gpt-401", Provider: "x", Since: time.Unix(9, 0)}
	name := affair{"gpt-401", "x"}
	key := a.meets("one", first)
	if other := a.meets("two", second); other != key || !strings.HasSuffix(key, "/5") {
		t.Errorf("keys %q and %q", key, other)
	}
	if _, over := a.leaves("one", name); over {
		t.Error("over although the other account has it")
	}
	if _, over := a.leaves("three", name); over {
		t.Error("over for an account that never had it")
	}
	if got, over := a.leaves("two", name); !over || got != key {
		t.Errorf("over %t by %q", over, got)
	}
	if again := a.meets("one", second); again == key {
		t.Error("another outage goes by the same key")
	}
	a.forget("one")
	if len(a.all) != 0 {
		t.Errorf("left %v", a.all)
	}
}

// TestAlertOfAnAIService: a key that the service refuses is told outside WeChat,
// once for all that meet it, and without the key.
func TestAlertOfAnAIService(t *testing.T) {
	t.Parallel()
	n := newInternet(t)
	n.env = append(n.env, "OPENAI_API_KEY=sk-not-this-key-0123456789")
	alerts := newPager(t, n, "")
	alice := n.wechat.AddFriend(simwechat.Person{Nick: "Alice"})
	p := n.start(t, "serve")
	p.waitFor(t, "Answering.")
	for range 3 {
		n.wechat.Say(alice, "hello?")
	}
	alerts.wait(t, "trouble", "API key not accepted (401 · ")
	if status := p.stop(t); status != 0 {
		t.Errorf("status %d", status)
	}
	alerts.mu.Lock()
	defer alerts.mu.Unlock()
	got := slices.DeleteFunc(alerts.got, func(p page) bool { return p.Event != "ai" })
	if len(got) != 1 || !strings.HasPrefix(got[0].Key, "ai/chatgpt-401-invalid-api-key/openai/") || got[0].Account != "main" {
		t.Errorf("alerts %+v", alerts.got)
	}
}

// TestOutageIsOverAfterRestart: who was told of an outage by one process is told by
// the next that it is over, once, and not of the outage again.
func TestOutageIsOverAfterRestart(t *testing.T) {
	alerts := newPager(t, &internet{}, "")
	w, err := wordsFor("en", func(string) string { return "" })
	must(t, err)
	catalogue, err := troubleshoot.Load()
	must(t, err)
	db, err := store.Open(t.Context(), store.Options{Dir: t.TempDir()})
	must(t, err)
	defer func() { must(t, db.Close()) }()
	cfg := &configs.Config{Alerts: []configs.Alert{{Name: "desk", Kind: alert.KindGeneric, URL: configs.NewSecret(alerts.URL)}}}
	o := bot.Outage{Entry: "gpt-401", Provider: "x", Ref: "7K2F", Urgent: true, Since: time.Now(), Words: func(string) string { return "words" }}
	over := o
	over.Over = true
	for _, process := range [][]bot.Outage{{o, o}, {o, over, over}, {over, o}} {
		account, err := db.Claim(t.Context(), "main", "node")
		must(t, err)
		m, err := (&app{words: w}).newAlarm(cfg, newSlate(db, slog.New(slog.DiscardHandler)), alert.Options{}, func() *troubleshoot.Catalogue { return catalogue })
		must(t, err)
		must(t, m.recall(t.Context(), "main", account.Settings))
		for _, told := range process {
			m.outage("main", told)
		}
		must(t, account.Release(t.Context()))
		m.hush(t.Context()) // also what is delivered after the account was given back is kept
		m.leave("main")
	}
	key := " ai/gpt-401/x/" + strconv.FormatInt(o.Since.Unix(), 10)
	if got, want := alerts.pages(), []string{"trouble" + key, "recovered" + key, "trouble" + key}; !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
}
