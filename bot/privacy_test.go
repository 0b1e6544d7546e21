package bot

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/diagbot/diagbot/troubleshoot"
)

// TestNothingLeaks plants what must not be seen in everything the relay is given,
// and looks for it in the log and in what it says.
func TestNothingLeaks(t *testing.T) {
	const (
		said   = "planted-words"
		secret = "sk-planted0123456789abcdefghij"
		words  = "planted upstream words at https://planted.example/v1 for org-planted"
	)
	faults := []*troubleshoot.Fault{
		{Source: troubleshoot.SourceAPI, Status: 401, Code: "invalid_api_key", Message: words + secret, Detail: words + secret, RequestID: "req_planted"},
		{Source: troubleshoot.SourceAPI, Status: 418, Message: words, Cause: errors.New(words + secret)},
		{Source: troubleshoot.SourceBot, Entry: troubleshoot.UnknownEntry, Cause: errors.New("Bearer " + secret)},
	}
	var log bytes.Buffer
	options := func(o *Options) {
		o.Logger = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		o.MailboxSize = 1
	}
	inBubble(t, options, func(w *world) {
		quoted := private("alice-planted", said)
		quoted.Quote = "planted-quote"
		w.hear(quoted)
		w.texts()
		for _, f := range faults {
			w.completer.answer = failing(f)
			w.hear(private("alice-planted", said))
			w.hear(inGroup("planted-group", "alice-planted", said))
		}
		w.completer.answer = slowly(time.Minute)
		for range 5 {
			w.hear(private("alice-planted", said))
		}
		w.hear(private("bob", "/planted-command"))
		w.channel.fail = func(int, Chat, string) error {
			return &troubleshoot.Fault{Source: troubleshoot.SourceWeChat, Ret: 1204, Message: words, Detail: secret, Cause: errors.New(words)}
		}
		w.hear(private("carol", "/ping"))
		for _, text := range w.texts() {
			text = strings.ReplaceAll(strings.ReplaceAll(text, "/planted-command", ""), "@alice-planted", "")
			if strings.Contains(text, "planted") {
				t.Errorf("said %q", text)
			}
		}
		time.Sleep(10 * time.Minute)
		w.stop()
		<-w.ended
	})
	if log.Len() == 0 {
		t.Fatal("nothing was logged")
	}
	for line := range strings.Lines(log.String()) {
		for _, bad := range []string{said, secret, "planted-quote", "alice-planted", "planted-group", "planted-command"} {
			if strings.Contains(line, bad) {
				t.Errorf("%q is in the log: %s", bad, line)
			}
		}
	}
}

func TestLogHasFixedKeys(t *testing.T) {
	var log bytes.Buffer
	options := func(o *Options) { o.Logger, o.Account = slog.New(slog.NewJSONHandler(&log, nil)), "main" }
	inBubble(t, options, func(w *world) {
		w.completer.answer = failing(&troubleshoot.Fault{Source: troubleshoot.SourceAPI, Provider: "openai", Status: 500})
		w.hear(private("alice", "hi"))
		w.stop()
		<-w.ended
	})
	for _, want := range []string{`"account":"main"`, `"chat":"`, `"entry":"gpt-500"`, `"ref":"`, `"provider":"openai"`, `"took":`} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %s: %s", want, log.String())
		}
	}
}
