package main

import (
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/diagbot/diagbot/internal/simllm"
	"github.com/diagbot/diagbot/internal/simwechat"
)

// TestSecretsStayInside runs the real process with secrets of every kind, of which
// people, an admin and the AI service speak, and looks for them in all that leaves it
// and in all that it writes.
func TestSecretsStayInside(t *testing.T) {
	t.Parallel()
	const (
		header = "Velvet7Ocean!Lantern%Harbour"
		hook   = "planted0path0of0a0webhook"
		key    = "planted-key-of-the-store-0123456789"
	)
	n := newInternet(t, func(o *simllm.Options) { o.Keys = append(o.Keys, secondKey) })
	var mu sync.Mutex
	posted := ""
	desk := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		posted += string(raw) + "\n"
	}))
	t.Cleanup(desk.Close)
	n.env = append(n.env, "DIAGBOT_STORE_KEY="+key)
	n.configured(t, "log_level: debug\nalerts: [{name: desk, url: '"+desk.URL+"/"+hook+"'}]\n"+
		"providers: [{name: first, base_url: 'https://api.openai.com/v1', keys: ['env:OPENAI_API_KEY'], models: [gpt-4o-mini], headers: {X-Planted: 'Bearer "+header+"'}}]\n")
	alice := n.wechat.AddFriend(simwechat.Person{Nick: "Alice"})
	p := n.start(t, "serve")
	p.waitFor(t, "Answering.")
	do := func(text, want string) {
		t.Helper()
		n.wechat.Say(alice, text)
		n.said(t, alice, want)
	}
	owner := "filehelper"
	n.wechat.SayFromPhone(owner, "/key add first spare "+secondKey)
	n.said(t, owner, "first has the key spare now, and accepts it.")
	for _, secret := range []string{header, secondKey, hook} {
		n.wechat.Say(alice, "My key is "+secret+", "+url.QueryEscape(secret)+" or so.")
	}
	do("That was all.", "You said: “That was all.”")
	do("And now !401", "(401 · ")
	for _, c := range [][2]string{
		{"/diag explain no " + header, "UNKNOWN Something unexpected"}, {"/diag last 5 full", "Last failures"}, {"/diag", "Bot health"}, {"/provider", "Keys: "},
		{"/diag probe", "Connection check: first"}, {"/model first " + header, "Send /model and a name"}, {"/audit", "/key add first spare"},
	} {
		n.wechat.SayFromPhone(owner, c[0])
		n.said(t, owner, c[1])
	}
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) { // polls a server
		mu.Lock()
		done := strings.Contains(posted, "API key not accepted")
		mu.Unlock()
		if done {
			break
		}
	}
	if status := p.stop(t); status != 0 {
		t.Errorf("status %d", status)
	}
	seen := map[string]string{"output": p.text(), "alerts": posted}
	for _, s := range n.wechat.Sent() {
		seen["replies"] += s.Text + "\n"
	}
	must(t, filepath.WalkDir(n.data, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			raw, failed := os.ReadFile(path)
			seen["files"] += string(raw)
			err = failed
		}
		return err
	}))
	for where, text := range seen {
		if len(text) < 100 {
			t.Errorf("only %q in %s", text, where)
		}
		for _, secret := range []string{header, url.QueryEscape(header), hook, key, secondKey, "sk-only-this-key"} {
			if i := strings.Index(text, secret); i >= 0 {
				t.Errorf("%s hold %q: …%q…", where, secret, text[max(0, i-100):min(len(text), i+60)])
			}
		}
	}
}
