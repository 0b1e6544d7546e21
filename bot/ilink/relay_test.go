package ilink

import (
	"context"
	"strings"
	"testing"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/internal/similink"
	"github.com/diagbot/diagbot/llm"
	"github.com/diagbot/diagbot/troubleshoot"
)

// completer answers with what it was asked, as often as the question says.
type completer struct{}

func (completer) Complete(_ context.Context, p llm.Prompt) (llm.Completion, error) {
	asked := p.Messages[len(p.Messages)-1].Content
	if strings.HasPrefix(asked, "long") {
		asked = strings.Repeat("这是很长的回答。\n\n", 3000)
	}
	return llm.Completion{Text: "re: " + asked}, nil
}

// relayed runs the relay on the channel.
func relayed(t *testing.T, so similink.Options) *world {
	t.Helper()
	w := newWorld(t, so, nil)
	catalogue, err := troubleshoot.Load()
	if err != nil {
		t.Fatal(err)
	}
	relay, err := bot.New(bot.Options{Channel: w.c, Completer: completer{}, Catalogue: catalogue, MemoryTurns: 5, Locale: "en"})
	if err != nil {
		t.Fatal(err)
	}
	var ctx context.Context
	ctx, w.cancel = context.WithCancelCause(w.ctx)
	done := make(chan error, 1)
	w.done = done
	go func() { done <- relay.Run(ctx) }()
	w.await(LoginConfirmed)
	return w
}

func TestRelay(t *testing.T) {
	w := relayed(t, similink.Options{})
	w.srv.AddUser("alice")
	w.srv.Say("alice", "hello")
	if texts := w.sent(1); texts[0] != "re: hello" {
		t.Errorf("sent %q", texts)
	}
	w.srv.SayVoice("alice", "spoken words")
	if texts := w.sent(2); texts[1] != "re: spoken words" {
		t.Errorf("sent %q", texts)
	}
	w.srv.SayImage("alice", []byte("\x89PNG"))
	w.srv.SayImage("主人", []byte("\x89PNG"))
	if texts := w.sent(4); texts[2] != texts[3] {
		t.Errorf("sent %q", texts)
	}
	w.behaved()
}

// An answer of any length takes no more replies than there are, and nothing is
// refused.
func TestRelayKeepsToTheBudget(t *testing.T) {
	w := relayed(t, similink.Options{})
	w.srv.AddUser("alice")
	w.srv.Say("alice", "long")
	texts := w.sent(10)
	if !strings.Contains(texts[9], "(10/10)") {
		t.Errorf("the last part is %q", texts[9])
	}
	w.srv.Say("alice", "hello")
	if texts := w.sent(11); texts[10] != "re: hello" {
		t.Errorf("sent %q", texts[10])
	}
	w.behaved()
}

// What a message's replies have no room for is said to the next, if it asks.
func TestRelayGoesOn(t *testing.T) {
	w := relayed(t, similink.Options{})
	w.srv.AddUser("alice")
	w.srv.Say("alice", "long")
	w.sent(10)
	w.srv.Say("alice", "继续")
	texts := w.sent(16)
	whole := "re: " + strings.TrimSpace(strings.Repeat("这是很长的回答。\n\n", 3000))
	said := 0
	for _, text := range texts {
		said += strings.Count(text, "这是很长的回答。")
	}
	if want := strings.Count(whole, "这是很长的回答。"); said != want {
		t.Errorf("%d of %d sentences came", said, want)
	}
	if lost := w.srv.Lost(); len(lost) != 0 {
		t.Errorf("%d parts were lost", len(lost))
	}
	if n := w.srv.Count("sendmessage"); n != len(texts) {
		t.Errorf("%d requests", n)
	}
	w.behaved()
}

// Two long answers to two messages share the ten replies; the rest waits.
func TestRelayOverTheBudget(t *testing.T) {
	w := relayed(t, similink.Options{})
	w.srv.AddUser("alice")
	w.srv.Say("alice", "long")
	w.srv.Say("alice", "long again")
	w.sent(10)
	w.await(LoginHeld)
	w.srv.Say("alice", "hello")
	w.sent(20)
	w.srv.Say("alice", "and now?")
	texts := w.sent(22)
	if texts[20] != "re: hello" || texts[21] != "re: and now?" {
		t.Errorf("the end is %q", texts[20:])
	}
}
