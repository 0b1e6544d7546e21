package bot

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/diagbot/diagbot/llm"
	"github.com/diagbot/diagbot/troubleshoot"
)

// answering makes a completer return done.
func answering(done llm.Completion) func(context.Context, llm.Prompt) (llm.Completion, error) {
	return func(context.Context, llm.Prompt) (llm.Completion, error) { return done, nil }
}

func TestNotes(t *testing.T) {
	tests := []struct {
		name string
		done llm.Completion
		keys []string
	}{
		{"whole", llm.Completion{FinishReason: "stop"}, nil},
		{"partial", llm.Completion{Partial: true}, []string{"partial"}},
		{"shortened", llm.Completion{Shortened: true, FinishReason: "stop"}, []string{"shortened"}},
		{"cut short", llm.Completion{FinishReason: "length"}, []string{"cut_short"}},
		{"shortened and cut short", llm.Completion{Shortened: true, FinishReason: "length"}, []string{"shortened", "cut_short"}},
		{"partial at its limit", llm.Completion{Partial: true, FinishReason: "length"}, []string{"partial"}},
		{"trimmed", llm.Completion{Trimmed: 4, FinishReason: "stop"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, nil, func(w *world) {
				tt.done.Text = "the answer"
				w.completer.whole = answering(tt.done)
				want := "the answer"
				for _, key := range tt.keys {
					want += "\n\n" + w.ui(key)
				}
				w.hear(private("alice", "hi"))
				w.expect(want)
				w.completer.whole = nil
				w.hear(private("alice", "go on"))
				p := w.completer.asked()[1].Messages
				if p[1].Content != "the answer" {
					t.Errorf("remembered %q", p[1].Content)
				}
			})
		})
	}
}

func TestHistoryIsSuspectedAfterTwoRefusals(t *testing.T) {
	refusal := &troubleshoot.Fault{Source: troubleshoot.SourceAPI, Status: 400, Code: "content_filter"}
	dropped := func(w *world) bool {
		got := w.texts()
		return len(got) == 1 && strings.Contains(got[0], w.ui("history_dropped"))
	}
	size := func(w *world) int { p := w.completer.asked(); return len(p[len(p)-1].Messages) }
	t.Run("in a row", func(t *testing.T) {
		inBubble(t, nil, func(w *world) {
			w.hear(private("alice", "one"))
			w.completer.answer = failing(refusal)
			w.texts()
			w.hear(private("alice", "two"))
			if dropped(w) {
				t.Error("dropped after the first")
			}
			w.hear(private("alice", "three"))
			if size(w) != 3 || !dropped(w) {
				t.Error("not dropped after the second")
			}
			w.completer.answer = nil
			w.hear(private("alice", "four"))
			if size(w) != 1 {
				t.Errorf("%d messages", size(w))
			}
			w.expect("echo: four")
		})
	})
	t.Run("not in a row", func(t *testing.T) {
		inBubble(t, nil, func(w *world) {
			for _, answer := range []func(context.Context, llm.Prompt) (string, error){echo, failing(refusal), echo, failing(refusal)} {
				w.completer.answer = answer
				w.hear(private("alice", "hi"))
			}
			for _, text := range w.texts() {
				if strings.Contains(text, w.ui("history_dropped")) {
					t.Error("dropped")
				}
			}
		})
	})
	t.Run("nothing to drop", func(t *testing.T) {
		inBubble(t, nil, func(w *world) {
			w.completer.answer = failing(refusal)
			for range 4 {
				w.hear(private("alice", "hi"))
				if dropped(w) {
					t.Error("claims to have dropped what never was")
				}
			}
		})
	})
	t.Run("in a group", func(t *testing.T) {
		inBubble(t, nil, func(w *world) {
			w.hear(inGroup("home", "alice", "one"))
			w.texts()
			w.completer.answer = failing(refusal)
			w.hear(inGroup("home", "alice", "two"))
			w.texts()
			w.hear(inGroup("home", "bob", "three"))
			if !dropped(w) {
				t.Error("not dropped after the second")
			}
		})
	})
}

// failed is an attempt that ended with f.
func failed(provider, model, key, entry string, next llm.Action, f troubleshoot.Fault) llm.Attempt {
	f.Source, f.Provider, f.Model, f.KeyName = troubleshoot.SourceAPI, provider, model, key
	return llm.Attempt{Provider: provider, Model: model, Key: key, Status: f.Status, Entry: entry, Next: next,
		Took: 300 * time.Millisecond, RequestID: f.RequestID, Fault: &f}
}

func succeeded(provider, model, key string) llm.Attempt {
	return llm.Attempt{Provider: provider, Model: model, Key: key, Status: 200, Took: 2 * time.Second}
}

// badKey and busy are stories of knowledge: one taken over, one cured by waiting.
func badKey() []llm.Attempt {
	return []llm.Attempt{
		failed("openai-main", "gpt-4o-mini", "main", "gpt-401", llm.ActionNextProvider,
			troubleshoot.Fault{Status: 401, Code: "invalid_api_key", Message: "Incorrect API key provided: sk-***.", RequestID: "req_8f1c"}),
		succeeded("azure-backup", "gpt-4o-mini", "1"),
	}
}

func busy() []llm.Attempt {
	f := troubleshoot.Fault{Status: 429, Code: "rate_limit_exceeded", Message: "Rate limit reached"}
	wait := failed("openai-main", "gpt-4o-mini", "main", "gpt-429", llm.ActionWait, f)
	wait.Wait = 2 * time.Second
	return []llm.Attempt{wait, wait, wait, succeeded("openai-main", "gpt-4o-mini", "main")}
}

func TestRetriedIsOnlySaidWhenTrue(t *testing.T) {
	for _, tt := range []struct {
		name   string
		tries  []llm.Attempt
		group  bool
		status int
		want   bool
	}{
		{"no attempts known", nil, false, 500, false},
		{"one", badKey()[:1], false, 500, false},
		{"two", busy()[:2], false, 500, true},
		{"two in a group", busy()[:2], true, 500, false},
		{"two that are not worth it", badKey(), false, 401, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, nil, func(w *world) {
				w.completer.whole = func(context.Context, llm.Prompt) (llm.Completion, error) {
					return llm.Completion{Attempts: tt.tries}, &troubleshoot.Fault{Source: troubleshoot.SourceAPI, Status: tt.status}
				}
				m := private("alice", "hi")
				if tt.group {
					m = inGroup("home", "alice", "hi")
				}
				w.hear(m)
				got := w.texts()
				if len(got) != 1 || strings.Contains(got[0], w.ui("retried")) != tt.want {
					t.Errorf("said %q", got)
				}
				if tt.want && strings.Index(got[0], w.ui("retried")) > strings.Index(got[0], "(500") {
					t.Errorf("said after the reference: %q", got)
				}
			})
		})
	}
}

func TestRescuedIncidents(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.completer.whole = answering(llm.Completion{Text: "fine", Attempts: []llm.Attempt{succeeded("a", "b", "c")}})
		w.hear(private("alice", "hi"))
		if n := len(w.incidents(10)); n != 0 {
			t.Errorf("%d incidents of an answer at the first attempt", n)
		}
		w.completer.whole = answering(llm.Completion{Text: "fine", Attempts: busy()})
		w.hear(private("alice", "hi"))
		got := w.incidents(10)
		if len(got) != 1 || !got[0].Rescued || got[0].Entry != "gpt-429" || got[0].retries() != 3 || len(got[0].Attempts) != 4 {
			t.Errorf("kept %+v", got)
		}
		w.expect("fine", "fine")
		if sum := w.tally(); sum.Answered != 2 || sum.Failed != 1 || sum.Rescued != 1 {
			t.Errorf("counted %+v", sum)
		}
	})
}

func TestStoriesKeepNothingThatWasSaid(t *testing.T) {
	p := llm.Prompt{Messages: []llm.Message{
		{Role: llm.RoleSystem, Content: "You are a very discreet helper."},
		{Role: llm.RoleUser, Content: "my doctor says it is serious"},
		{Role: llm.RoleUser, Content: "秘密"},
	}}
	for in, want := range map[string]string{
		"Invalid value: 'my doctor says it is serious'.":       "Invalid value: '…'.",
		"near \"doctor says it\", position 3":                  "near \"…\", position 3",
		"bad input: 秘密。":                                       "bad input: …。",
		"You are a very discreet helper. is not a role":        "… is not a role",
		"Rate limit reached for gpt-4o on requests per minute": "Rate limit reached for gpt-4o on requests per minute",
		"key sk-proj-abcdefghijklmnopqrstuvwxyz0123456789 bad": "key sk-*** bad",
	} {
		f := troubleshoot.Fault{Message: in}
		got := (&Relay{}).attempts([]llm.Attempt{failed("a", "b", "c", "gpt-400", llm.ActionStop, f)}, p)
		if strings.HasPrefix(in, "key") {
			if strings.Contains(got[0].Words, "abcdefgh") {
				t.Errorf("kept %q", got[0].Words)
			}
			continue
		}
		if got[0].Words != want {
			t.Errorf("kept %q, want %q", got[0].Words, want)
		}
	}
	long := (&Relay{}).attempts([]llm.Attempt{failed("a", "b", "c", "", llm.ActionStop, troubleshoot.Fault{
		Message: strings.Repeat("字", 10_000), Code: strings.Repeat("x", 1000), RequestID: strings.Repeat("y\n", 1000)})}, p)
	if k := long[0]; len([]rune(k.Words)) > maxWords || len(k.Code) > maxID || len(k.RequestID) > maxID || k.Entry != troubleshoot.UnknownEntry {
		t.Errorf("kept %+v", k)
	}
}

func TestTallyForgetsAfterADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &tally{}
		day := func() Tally { return c.since(time.Now().Add(-24 * time.Hour)) }
		for i := range 30 {
			c.conclude(OutcomeAnswered, time.Duration(i)*time.Second, time.Now())
			time.Sleep(time.Hour)
		}
		if sum := day(); sum.Answered != 23 && sum.Answered != 24 || sum.Median < 17*time.Second || sum.Median > 18*time.Second {
			t.Errorf("counted %+v", sum)
		}
		time.Sleep(48 * time.Hour)
		if sum := day(); sum != (Tally{}) {
			t.Errorf("counted %+v after two days", sum)
		}
	})
}

func TestStoryOfAReference(t *testing.T) {
	inBubble(t, func(o *Options) { o.Location = time.UTC }, func(w *world) {
		tries := append(busy()[:1:1], badKey()...)
		w.completer.whole = answering(llm.Completion{Text: "fine", Attempts: tries})
		time.Sleep(14*time.Hour + 31*time.Minute)
		w.hear(private("alice", "hi"))
		w.texts()
		ref := w.incidents(1)[0].Ref
		owner := private("me", "/diag "+ref)
		owner.Sender.Owner = true
		w.hear(owner)
		got := strings.Join(w.texts(), "\n")
		want := `

What happened at 14:31
1. openai-main, gpt-4o-mini, key main, 429 gpt-429, 300 ms, waited 2 s, then tried again
Provider said: Rate limit reached (rate_limit_exceeded)
2. openai-main, gpt-4o-mini, key main, 401 gpt-401, 300 ms, used the next AI source
Provider said: Incorrect API key provided: *** (invalid_api_key)
Request id: req_8f1c
3. azure-backup, gpt-4o-mini, key 1, answered, 2 s`
		if !strings.HasPrefix(got, "429 ") || !strings.HasSuffix(got, want) {
			t.Errorf("said %q", got)
		}
		w.hear(private("bob", "/diag "+ref))
		w.expect(w.ui("admin_only", "ref", ref))
	})
}

func TestPartialAnswersAreNotRescued(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.completer.whole = answering(llm.Completion{Text: "fi", Partial: true, Attempts: busy()[:2]})
		w.hear(private("alice", "hi"))
		w.expect("fi\n\n" + w.ui("partial"))
		if got := w.incidents(2); len(got) != 1 || got[0].Rescued || got[0].successor() != "" {
			t.Errorf("kept %+v", got)
		}
	})
}
