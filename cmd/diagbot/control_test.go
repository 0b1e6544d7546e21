package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/diagbot/diagbot/configs"
	"github.com/diagbot/diagbot/internal/simllm"
	"github.com/diagbot/diagbot/internal/simwechat"
	"github.com/diagbot/diagbot/llm"
)

const (
	secondKey = "sk-second-key-0123456789"
	inConfig  = "planted0in0the0configuration"
)

// said waits until the bot has said something to somebody that holds want, and
// returns it.
func (n *internet) said(t *testing.T, to, want string) simwechat.Sent {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	replies, stop := n.wechat.Subscribe()
	defer stop()
	for _, s := range n.wechat.Sent() {
		if s.To == to && strings.Contains(s.Text, want) {
			return s
		}
	}
	for {
		select {
		case s := <-replies:
			if s.To == to && strings.Contains(s.Text, want) {
				return s
			}
		case <-ctx.Done():
			t.Fatalf("the bot did not say %q to %s but %+v", want, to, n.wechat.Sent())
		}
	}
}

var codeShown = regexp.MustCompile(`/auth ([0-9A-Z]{5}-[0-9A-Z]{5})`)

// TestAdminsOfServe has somebody pair with the code that serve shows, change what
// is asked, and find it changed after a restart.
func TestAdminsOfServe(t *testing.T) {
	t.Parallel()
	n := newInternet(t, func(o *simllm.Options) { o.Keys = append(o.Keys, secondKey) })
	file := filepath.Join(t.TempDir(), "config.yaml")
	write := func(text string) { must(t, os.WriteFile(file, []byte(text), 0o600)) }
	overrides := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(overrides, "locales"), 0o700))
	one := "catalogue: {dir: '" + overrides + "'}\nproviders:\n  - {name: first, base_url: 'https://api.openai.com/v1', keys: [{name: main, secret: 'env:OPENAI_API_KEY'}], models: [gpt-4o-mini]}\n"
	write(one)
	alice := n.wechat.AddFriend(simwechat.Person{Nick: "Alice"})
	bob := n.wechat.AddFriend(simwechat.Person{Nick: "Bob"})
	group := n.wechat.AddGroup(simwechat.Group{Name: "team", Members: []simwechat.Member{{UserName: alice}}})
	do := func(text, want string) {
		t.Helper()
		n.wechat.Say(alice, text)
		n.said(t, alice, want)
	}

	p := n.start(t, "serve", "--config", file)
	p.waitFor(t, "Later: diagbot pair")
	code := codeShown.FindStringSubmatch(p.text())
	if code == nil {
		t.Fatalf("no code in %s", p.text())
	}
	n.wechat.Say(bob, "/auth 22222-22222")
	n.said(t, bob, "That isn't the code")
	do("/auth "+code[1], "You're an admin now.")
	n.said(t, "filehelper", "Alice has sent the pairing code")
	n.wechat.Say(bob, "/auth "+code[1])
	n.wechat.Say(bob, "/pause")
	n.said(t, bob, "Only my admin can do that.")

	do("/key add first spare "+secondKey, "first has the key spare now, and accepts it.")
	do("/key add first wrong sk-wrong-key-0123456789", "first doesn't take that key")
	write(one + "  - {name: second, base_url: 'https://api.openai.com/v1', keys: ['env:OPENAI_API_KEY'], models: [gpt-4o]}\nmemory_turns: 5\n")
	do("/reload", "New AI sources: second\nOnly after a restart: memory_turns")
	write("providers:\n  - {name: first, base_url: 'https://user:" + inConfig + "@\x7f', keys: ['" + inConfig + "'], models: [], headers: {X-A: '" + inConfig + "'}}\n")
	do("/reload", "That didn't work: ")
	must(t, os.WriteFile(filepath.Join(overrides, "locales", "en.yaml"), []byte("locale: {tag: en, name: English}\nui:\n  pong: At your service.\n"), 0o600))
	write(one + "  - {name: second, base_url: 'https://api.openai.com/v1', keys: ['env:OPENAI_API_KEY'], models: [gpt-4o]}\nmemory_turns: 5\n")
	do("/reload", "The troubleshooting texts are new too.")
	do("/ping", "At your service.")
	do("/provider use second", "I'll ask second first from now on.")
	do("/provider cool first", "I'll leave first alone")
	do("/model second gpt-4.1", "I'll ask second for gpt-4.1 first")
	n.wechat.SayIn(group, alice, "@小诊\u2005/provider")
	n.said(t, group, "@Alice\u2005I've sent you the details in private.")
	n.said(t, alice, "1. second OK (in use)\nKeys: 1\nModels: gpt-4.1; gpt-4o\n2. first set aside by an admin\nKeys: main; spare")
	do("/pause", "I won't answer questions")
	if status := p.stop(t); status != 0 {
		t.Errorf("serve ended with %d", status)
	}

	p2 := n.start(t, "serve", "--config", file)
	p2.waitFor(t, "Answering.")
	n.wechat.Say(bob, "hello?")
	n.said(t, bob, "I'm taking a break right now.")
	do("/key test first spare", "API OK")
	do("/resume", "I'm answering again.")
	do("/provider resume first", "I'll ask first again.")
	n.wechat.Say(alice, "/diag trend")
	n.pictured(t, alice)
	do("/provider", "1. second OK (in use)\nKeys: 1\nModels: gpt-4.1; gpt-4o\n2. first OK\nKeys: main; spare")
	do("/audit 30", "/key add first spare")
	if status := p2.stop(t); status != 0 {
		t.Errorf("serve ended with %d", status)
	}
	if codeShown.MatchString(p2.text()) {
		t.Error("a code is shown although somebody has paired")
	}
	texts := []string{p.text(), p2.text()}
	for _, s := range n.wechat.Sent() {
		texts = append(texts, s.Text)
	}
	for _, text := range texts {
		for _, secret := range []string{secondKey, "sk-wrong-key", "sk-only-this-key", inConfig} {
			if strings.Contains(text, secret) {
				t.Errorf("%s is in %s", secret, text)
			}
		}
	}
	if complaints := n.wechat.Complaints(); len(complaints) > 0 {
		t.Errorf("WeChat complained: %q", complaints)
	}
}

// pictured waits for a picture.
func (n *internet) pictured(t *testing.T, to string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	replies, stop := n.wechat.Subscribe()
	defer stop()
	for {
		for _, s := range n.wechat.Sent() {
			if s.To == to && s.Type == simwechat.TypeImage && bytes.HasPrefix(s.Media, []byte("\x89PNG\r\n")) {
				return
			}
		}
		select {
		case <-replies:
		case <-ctx.Done():
			t.Fatal("no picture was sent")
		}
	}
}

func TestChangesApply(t *testing.T) {
	configured := []llm.ProviderOptions{
		{Name: "a", Keys: []llm.Key{{Name: "1", Secret: "x1"}, {Name: "2", Secret: "x2"}}, Models: []string{"m", "n"}},
		{Name: "b", Keys: []llm.Key{{Name: "1", Secret: "y1"}}, Models: []string{"m"}},
		{Name: "c", Models: []string{"m"}},
	}
	x := changes{
		Models:  map[string]string{"a": "n", "b": "new", "gone": "m"},
		Keys:    []keptKey{{"a", "1", "z"}, {"a", "3", "x3"}, {"c", "1", "w1"}, {"gone", "1", "z"}},
		Removed: [][2]string{{"a", "2"}, {"b", "1"}},
	}
	want := []llm.ProviderOptions{
		{Name: "a", Keys: []llm.Key{{Name: "1", Secret: "x1"}, {Name: "3", Secret: "x3"}}, Models: []string{"n", "m"}},
		{Name: "b", Keys: []llm.Key{{Name: "1", Secret: "y1"}}, Models: []string{"new", "m"}},
		{Name: "c", Keys: []llm.Key{{Name: "1", Secret: "w1"}}, Models: []string{"m"}},
	}
	if got := x.apply(configured); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if len(configured[0].Keys) != 2 || configured[0].Models[0] != "m" {
		t.Errorf("the configuration was changed: %v", configured)
	}
}

func TestSettingsThatDiffer(t *testing.T) {
	a := &configs.Config{MemoryTurns: 5, Groups: []string{"a"}, Providers: []configs.Provider{{Name: "a"}}}
	b := *a
	b.Providers, b.File, b.Warnings = nil, "x", []configs.Problem{{}}
	if got := settingsThatDiffer(a, &b); len(got) > 0 {
		t.Errorf("differ: %v", got)
	}
	b.MemoryTurns, b.Groups = 6, []string{"b"}
	if got := strings.Join(settingsThatDiffer(a, &b), " "); got != "group_name_white_list memory_turns" {
		t.Errorf("differ: %s", got)
	}
}
