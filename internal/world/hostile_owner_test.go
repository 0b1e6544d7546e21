package world_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/internal/simllm"
	"github.com/diagbot/diagbot/internal/world"
	"github.com/diagbot/diagbot/llm"
)

// TestHostileOwner lets the account's owner read the story of every failure.
// The owner may see much, but no key, no token and nothing that people said.
func TestHostileOwner(t *testing.T) {
	t.Parallel()
	a := newArena(t, func(o *world.Options) {
		_, clients := newSource(t, o.Logger, quickToGiveUp)
		o.Bot = func(o *bot.Options) { o.Completer = bySource(clients) }
	})
	owner := world.Person{Name: "owner"}
	if said := a.ask(owner, "/quiet 12h"); !strings.Contains(said, ":") { // else notices come between
		t.Fatalf("not quiet: %q", said)
	}
	var one sync.Mutex // the owner asks one thing at a time
	var all sync.WaitGroup
	slots := make(chan struct{}, 32)
	for _, f := range simllm.Failures() {
		p := a.friend("Ann")
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			q := a.meet(f, []world.Person{p})[0]
			ref := refIn(q.reply)
			if ref == "" {
				return // an answer, whole or not
			}
			one.Lock()
			defer one.Unlock()
			judgeStory(t, a, owner, f, "/diag "+ref)
		})
	}
	all.Wait()
	for _, command := range []string{"/diag last 20", "/diag last", "/diag", "/diag probe", "/diag 401", "/diag list"} {
		judgeStory(t, a, owner, simllm.Failure{Name: "all"}, command)
	}
}

func judgeStory(t *testing.T, a *arena, owner world.Person, f simllm.Failure, command string) {
	ctx, cancel := context.WithTimeout(a.ctx, patience)
	defer cancel()
	parts, err := a.Talk(ctx, owner, command)
	text := strings.Join(parts, "\n")
	if err != nil || sound(text) != "" {
		t.Errorf("%s of %s: %v %s %.200q", command, f.Name, err, sound(text), text)
	}
	if *verbose {
		t.Logf("%s of %s:\n%s", command, f.Name, text)
	}
	for _, secret := range append(simllm.Planted()[:5], world.Key, "my friend", "hostile4f9", "<html", "<!DOCTYPE") {
		if strings.Contains(text, secret) {
			t.Errorf("%s of %s shows %q:\n%s", command, f.Name, secret, text)
		}
	}
}

// quickToGiveUp are timeouts for services that hang.
var quickToGiveUp = llm.Timeouts{Headers: patience / 30, FirstToken: patience / 30, Idle: patience / 30, Total: patience}
