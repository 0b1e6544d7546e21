package bot

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"
)

// spy is a store that keeps all that was ever written to it.
type spy struct {
	Store
	mu   sync.Mutex
	seen []string
}

func (s *spy) note(what any) {
	raw, err := json.Marshal(what)
	if err != nil {
		raw = fmt.Append(nil, what)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = append(s.seen, string(raw))
}

func (s *spy) Receive(ctx context.Context, batch []Message) ([]int64, error) {
	s.note(batch)
	return s.Store.Receive(ctx, batch)
}

func (s *spy) Conclude(ctx context.Context, c Conclusion) error {
	s.note(c)
	return s.Store.Conclude(ctx, c)
}

func (s *spy) Record(ctx context.Context, i Incident) error {
	s.note(i)
	return s.Store.Record(ctx, i)
}

func (s *spy) Set(ctx context.Context, scope, name, value string) error {
	s.note([]string{scope, name, value})
	return s.Store.Set(ctx, scope, name, value)
}

func (s *spy) Audit(ctx context.Context, d Deed) error {
	s.note(d)
	return s.Store.Audit(ctx, d)
}

func (s *spy) all() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.seen, "\n")
}

// TestSecretsInCommandsDoNotLeak gives secrets with commands in every way, and
// looks for them in what is said, logged, stored and audited.
func TestSecretsInCommandsDoNotLeak(t *testing.T) {
	const key, odd = "sk-planted0123456789abcdefghij", "PLANTED_odd!secret"
	var log bytes.Buffer
	keeper := &spy{Store: newMemory(0)}
	control := &fakeControl{stage: &stage{}}
	options := func(o *Options) {
		atDesk(keeper)(o)
		o.Logger = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		control.sources = sourcesOf("openai-main", "azure")
		o.Sources, o.Control = control, control
	}
	var said []string
	asked, code := "", ""
	inBubble(t, options, func(w *world) {
		code = w.offer1()
		for _, secret := range []string{key, odd, odd + "bad", odd + "slow", odd + "broken"} {
			quoted := byOwner("what was that?")
			quoted.Quote = "/key add openai-main spare " + secret
			for _, m := range []Message{
				byOwner("/key add openai-main spare " + secret), byOwner("/key add openai-main " + secret + " " + secret), byOwner("/key add " + secret),
				byOwner("/key " + secret), byOwner("/key add nobody x " + secret), byOwner("/key remove openai-main " + secret), byOwner("/key test openai-main " + secret),
				byOwner("/key\n" + secret), byOwner("/ke add openai-main spare " + secret), byOwner("/kye add openai-main other " + secret),
				byOwner("＃密钥 add openai-main third " + secret), byOwner("/keys add openai-main fourth " + secret),
				byOwner("/auth " + secret), private("@eve", "/key add openai-main x "+secret), private("@eve", "/auth "+secret),
				inGroup("home", "@eve", "/key add openai-main x "+secret), inGroup("home", "@ann", "/key add openai-main x "+secret),
				byOwner("/diag explain Incorrect API key provided: " + secret), byOwner("/diag explain " + secret),
				quoted,
			} {
				w.hear(m)
			}
		}
		w.hear(inGroup("home", "@ann", "/auth "+code))
		for _, text := range []string{"/audit 50", "/provider", "/key", "/diag", "/diag last", "/admin list", "/unblock"} {
			w.hear(byOwner(text))
		}
		said, asked = w.texts(), fmt.Sprint(w.completer.asked())
		time.Sleep(time.Hour)
		w.stop()
		<-w.ended
	})
	if len(control.secrets) < 3 {
		t.Fatalf("the control was given %d keys", len(control.secrets))
	}
	for name, text := range map[string]string{"replies": strings.Join(said, "\n"), "prompts": asked, "log": log.String(), "store": keeper.all()} {
		if text == "" {
			t.Errorf("no %s", name)
		}
		for _, secret := range []string{key, odd, code, strings.ReplaceAll(code, "-", "")} {
			if i := strings.Index(text, secret); i >= 0 {
				t.Errorf("%s hold %q: …%s…", name, secret, text[max(0, i-200):min(len(text), i+100)])
			}
		}
	}
}
