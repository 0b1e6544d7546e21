package world_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/internal/simwechat"
	"github.com/diagbot/diagbot/internal/world"
)

// TestWaiting holds that somebody who waits is told so once, can take the question
// back, and that the owner is told how the bot does, all over real sockets.
func TestWaiting(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	w, err := world.Start(ctx, world.Options{Nick: "小诊", Bot: func(o *bot.Options) {
		o.ThinkingAfter, o.Location = 100*time.Millisecond, time.UTC
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}()
	alice := world.Person{ID: w.WeChat.AddFriend(simwechat.Person{Nick: "Alice"})}
	said, stop := w.WeChat.Subscribe()
	defer stop()
	hear := func() string {
		select {
		case s := <-said:
			return s.Text
		case <-ctx.Done():
			t.Fatal("the bot is silent")
			return ""
		}
	}
	ui := func(key string) string { return w.Catalogue.Say("en", key) }
	// On a slow machine an answer may take long enough for a thinking line.
	answer := func() string {
		for {
			if got := hear(); got != ui("thinking") {
				return got
			}
		}
	}
	w.Say(alice, "are you there? !hang")
	w.Say(alice, "and a second one !hang")
	w.Say(alice, "/lang en")
	if got := hear(); got != ui("thinking") {
		t.Errorf("said %q while thinking", got)
	}
	w.Say(alice, "/stop")
	if got, want := []string{hear(), hear()}, []string{ui("stop_done"), w.Catalogue.Say("en", "lang_set", "name", "English")}; !slices.Equal(got, want) {
		t.Errorf("said %q, want %q", got, want)
	}
	w.Say(alice, "still there?")
	if got := answer(); got == "" {
		t.Error("said nothing")
	}
	w.Say(world.Person{}, "/diag")
	if got := answer(); !strings.HasPrefix(got, ui("health_ok")+"\n"+w.Catalogue.Say("en", "health_wechat_since", "age", w.Catalogue.Say("en", "age_minutes", "n", "0"))) || !strings.Contains(got, w.Catalogue.Say("en", "source_in_use", "name", "openai")) {
		t.Errorf("health: %q", got)
	}
	if err := w.AI.Next("500"); err != nil {
		t.Fatal(err)
	}
	w.Say(alice, "can you still answer?")
	if got := answer(); strings.Contains(got, "500") {
		t.Errorf("not rescued: %q", got)
	}
	w.Say(world.Person{}, "/diag last")
	if got := answer(); !strings.Contains(got, " 500 ") || !strings.Contains(got, "openai, answered after 1 retry, ") {
		t.Errorf("the story: %q", got)
	}
	w.Say(world.Person{}, "/diag probe")
	hear()
	if got := hear(); !strings.HasPrefix(got, w.Catalogue.Say("en", "probe_title", "name", "openai")+"\n") || strings.Contains(got, w.Catalogue.Say("en", "probe_stopped", "step", "")) {
		t.Errorf("probe: %q", got)
	}
}
