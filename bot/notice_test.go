package bot

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/diagbot/diagbot/llm"
	"github.com/diagbot/diagbot/troubleshoot"
)

// TestNoticesWordForWord holds what admins are told, in two languages.
func TestNoticesWordForWord(t *testing.T) {
	inBubble(t, func(o *Options) { o.Location = time.UTC }, func(w *world) {
		d := &dispatcher{Relay: w.relay}
		today := time.Now().Truncate(24 * time.Hour)
		at := func(h, m int) time.Time { return today.Add(time.Duration(h)*time.Hour + time.Duration(m)*time.Minute) }
		two := map[string]bool{"a": true, "b": true}
		x := &outage{entry: "gpt-401", provider: "openai-main", ref: "Q8MD", since: at(14, 2), worked: at(14, 31), failures: 3, chats: two, heir: "azure-backup"}
		for tag, want := range map[string][2]string{
			"zh-Hans": {
				"API 身份验证没有通过（401 · Q8MD）\n严重 · openai-main · 14:02 起 3 次，影响 2 个会话\n机器人会自动：换下一个密钥；换一个 AI 源。备用源已接手。\n发 /diag Q8MD 看详情",
				"已恢复：API 身份验证没有通过（401 · Q8MD）\n14:02–14:31，3 次，影响 2 个会话",
			},
			"en": {
				"API sign-in failed (401 · Q8MD)\nCritical · openai-main · 3 failures since 14:02, 2 chats\n" +
					"What I do by myself: use the next key; use another AI source. Another source has taken over.\nSend /diag Q8MD for the details",
				"Recovered: API sign-in failed (401 · Q8MD)\n14:02–14:31, 3 failures, 2 chats",
			},
		} {
			if got := d.warning(tag, x); got != want[0] {
				t.Errorf("%s: warned with\n%s\nwant\n%s", tag, got, want[0])
			}
			if got := d.recovery(tag, x); got != want[1] {
				t.Errorf("%s: recovered with\n%s\nwant\n%s", tag, got, want[1])
			}
		}
		one := &outage{entry: "gpt-404-model-not-found", ref: "7K2F", since: at(0, 0).Add(-time.Hour), failures: 1, chats: map[string]bool{"a": true}, told: at(1, 0)}
		want := "Still failing: Model not available (404 · 7K2F)\nCritical · 1 failure since 12-31 23:00, 1 chat\n"
		if got := d.warning("en", one); !strings.HasPrefix(got, want) {
			t.Errorf("reminded with\n%s\nwant\n%s", got, want)
		}
	})
}

// adminWorld is a world at a desk, in a bubble.
func adminWorld(t *testing.T, change func(*Options), test func(*world)) {
	t.Helper()
	if _, err := catalogue(); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		test(newWorld(t, func(o *Options) {
			atDesk(newMemory(0))(o)
			if change != nil {
				change(o)
			}
		}))
	})
}

func wrongKey() *troubleshoot.Fault {
	return &troubleshoot.Fault{Source: troubleshoot.SourceAPI, Provider: "openai", Status: 401, Code: "invalid_api_key"}
}

// answers make a provider answer.
func answers(provider string) func(context.Context, llm.Prompt) (llm.Completion, error) {
	return func(_ context.Context, p llm.Prompt) (llm.Completion, error) {
		return llm.Completion{Text: "echo: " + last(p), Provider: provider, FinishReason: "stop"}, nil
	}
}

// told returns what was said to a chat since the last call, in lines.
func (w *world) toldTo(chat string) (all []string) {
	for _, u := range w.channel.take() {
		if u.to.ID == chat {
			all = append(all, u.text)
		}
	}
	return all
}

func TestAdminsAreToldOnceAndOfTheEnd(t *testing.T) {
	adminWorld(t, nil, func(w *world) {
		w.pair("@carl", "Carl")
		w.completer.will(failing(wrongKey()))
		w.hear(private("alice", "hi"))
		got := make(map[string]int)
		for _, u := range w.channel.take() {
			got[u.to.ID]++
			if u.to.ID == "alice" && !strings.Contains(u.text, w.ui("told_user")) {
				t.Errorf("alice was told %q", u.text)
			}
		}
		if got["filehelper"] != 1 || got["@carl"] != 1 || got["alice"] != 1 {
			t.Errorf("told %v", got)
		}
		for i := range 20 {
			w.hear(private(fmt.Sprint("friend", i), "hi"))
		}
		if told := w.toldTo("filehelper"); len(told) != 0 {
			t.Errorf("told again %q", told)
		}
		time.Sleep(remindEvery - time.Minute)
		if told := w.toldTo("filehelper"); len(told) != 0 {
			t.Errorf("reminded early %q", told)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if told := w.toldTo("filehelper"); len(told) != 1 || !strings.HasPrefix(told[0], "Still failing: ") || !strings.Contains(told[0], "21 failures") {
			t.Errorf("reminded with %q", told)
		}
		time.Sleep(24 * time.Hour) // quiet alone is no end
		synctest.Wait()
		w.channel.take()
		w.completer.willWholly(answers("another"))
		w.hear(private("alice", "hi"))
		time.Sleep(time.Hour)
		if told := w.toldTo("filehelper"); len(told) != 0 {
			t.Errorf("another provider's answer ended it: %q", told)
		}
		w.completer.willWholly(answers("openai"))
		w.hear(private("alice", "hi"))
		time.Sleep(time.Minute)
		synctest.Wait()
		if told := w.toldTo("filehelper"); len(told) != 1 || !strings.HasPrefix(told[0], "Recovered: ") {
			t.Errorf("recovered with %q", told)
		}
		w.completer.will(failing(wrongKey()))
		w.hear(private("alice", "hi"))
		if told := w.toldTo("filehelper"); len(told) != 1 {
			t.Errorf("a new outage was told with %q", told)
		}
	})
}

// TestOneBlipIsNoNews: an entry that concerns nobody, and a failure that the same
// provider got over.
func TestOneBlipIsNoNews(t *testing.T) {
	adminWorld(t, nil, func(w *world) {
		w.completer.will(failing(&troubleshoot.Fault{Source: troubleshoot.SourceAPI, Provider: "openai", Status: 500}))
		w.hear(private("alice", "hi"))
		if told := w.toldTo("filehelper"); len(told) != 0 {
			t.Errorf("told %q", told)
		}
		w.completer.willWholly(func(_ context.Context, p llm.Prompt) (llm.Completion, error) {
			f := down()
			return llm.Completion{Text: "echo", Provider: "openai", Attempts: []llm.Attempt{
				{Provider: "openai", Entry: "dns-failure", Fault: f}, {Provider: "openai"},
			}}, nil
		})
		w.hear(private("alice", "hi"))
		time.Sleep(time.Hour)
		if told := w.toldTo("filehelper"); len(told) != 0 {
			t.Errorf("told %q", told)
		}
	})
}

// TestLastingTroubleIsNews: what usually passes by itself is told when it does not.
func TestLastingTroubleIsNews(t *testing.T) {
	adminWorld(t, nil, func(w *world) {
		w.completer.will(failing(&troubleshoot.Fault{Source: troubleshoot.SourceAPI, Provider: "openai", Status: 500}))
		for i := range 5 {
			w.hear(private(fmt.Sprint("friend", i), "hi"))
		}
		time.Sleep(lastingAfter - time.Minute)
		if told := w.toldTo("filehelper"); len(told) != 0 {
			t.Errorf("told early %q", told)
		}
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		if told := w.toldTo("filehelper"); len(told) != 1 {
			t.Errorf("told %q", told)
		}
	})
}

// TestQuietHoldsNoticesBack until it is over, if there is still something to tell.
func TestQuietHoldsNoticesBack(t *testing.T) {
	adminWorld(t, nil, func(w *world) {
		w.hear(byOwner("/quiet 30m"))
		w.texts()
		w.completer.will(failing(wrongKey()))
		w.hear(private("alice", "hi"))
		if said := w.texts(); len(said) != 1 || containsAny(said[0], w.ui("told_user")) {
			t.Errorf("said %q", said)
		}
		time.Sleep(29 * time.Minute)
		w.expect()
		time.Sleep(2 * time.Minute)
		if told := w.toldTo("filehelper"); len(told) != 1 {
			t.Errorf("told %q", told)
		}
		w.hear(byOwner("/quiet 30m"))
		w.texts()
		w.completer.willWholly(answers("openai"))
		w.hear(private("alice", "hi"))
		time.Sleep(time.Hour)
		if told := w.toldTo("filehelper"); len(told) != 0 {
			t.Errorf("told %q", told)
		}
	})
}

// mute is a channel whose owner cannot be reached.
type mute struct{ *desk }

func (mute) OwnerChat() (Chat, bool) { return Chat{}, false }

// TestNobodyIsSaidToBeToldWhoWasNot: where there is no admin to reach, people are
// asked to tell them.
func TestNobodyIsSaidToBeToldWhoWasNot(t *testing.T) {
	adminWorld(t, func(o *Options) { o.Channel = mute{o.Channel.(*desk)} }, func(w *world) {
		w.completer.will(failing(wrongKey()))
		w.hear(private("alice", "hi"))
		w.hear(inGroup("home", "bob", "hi"))
		for _, said := range w.texts() {
			if containsAny(said, w.ui("told_user"), w.ui("told_group"), w.ui("told_admin")) {
				t.Errorf("said %q", said)
			}
		}
	})
}

// TestNoticeInTheAdminsLanguage: what the owner set, and before that the language
// of whoever met the failure.
func TestNoticeInTheAdminsLanguage(t *testing.T) {
	adminWorld(t, func(o *Options) { o.Locale = "" }, func(w *world) {
		w.completer.will(failing(wrongKey()))
		w.hear(private("ming", "你好，现在几点了"))
		if told := w.toldTo("filehelper"); len(told) != 1 || !strings.Contains(told[0], "发 /diag") {
			t.Errorf("told %q", told)
		}
		w.hear(byOwner("/lang ko"))
		w.completer.will(failing(&troubleshoot.Fault{Source: troubleshoot.SourceAPI, Provider: "openai", Status: 402}))
		w.texts()
		w.hear(private("ming", "你好，现在几点了"))
		if told := w.toldTo("filehelper"); len(told) != 1 || !strings.Contains(told[0], "봇이") {
			t.Errorf("told %q", told)
		}
	})
}

// TestNoticeIsToldAgainIfItWasNotOut: what was queued and lost with the process is
// told by the next.
func TestNoticeIsToldAgainIfItWasNotOut(t *testing.T) {
	s := newMemory(0)
	adminWorld(t, func(o *Options) { o.Store = s }, func(w *world) {
		w.channel.fail = func(_ int, to Chat, _ string) error {
			if to.ID == "filehelper" {
				return &troubleshoot.Fault{Source: troubleshoot.SourceWeChat, Net: troubleshoot.NetDNS}
			}
			return nil
		}
		w.completer.will(failing(wrongKey()))
		w.hear(private("alice", "hi"))
		w.stop()
		<-w.ended
		if told := w.toldTo("filehelper"); len(told) != 0 {
			t.Fatalf("told %q", told)
		}
	})
	adminWorld(t, func(o *Options) { o.Store = s }, func(w *world) {
		time.Sleep(time.Minute)
		if told := w.toldTo("filehelper"); len(told) != 1 {
			t.Errorf("told %q", told)
		}
	})
}

// TestOutagesAreBounded, and those that admins know of are dropped last.
func TestOutagesAreBounded(t *testing.T) {
	o, now := newOutages(), time.Now()
	o.saw(&Incident{Entry: "gpt-401", Provider: "known", At: now}, "en")
	o.wasTold(outageKey{"gpt-401", "known"}, now)
	for i := range 10_000 {
		at := now.Add(time.Duration(i) * time.Second)
		o.saw(&Incident{Entry: "gpt-401", Provider: fmt.Sprint(i), Chat: "c", At: at}, "en")
		o.saw(&Incident{Entry: "gpt-401", Provider: "known", Chat: fmt.Sprint(i), At: now}, "en")
	}
	if len(o.all) > maxOutages {
		t.Errorf("%d are open", len(o.all))
	}
	known := o.all[outageKey{"gpt-401", "known"}]
	if known == nil || known.failures != 10_001 || len(known.chats) > maxStricken {
		t.Errorf("the known one is %+v", known)
	}
}

// TestStartWithoutRecords: a store that does not tell what was going on keeps
// nobody from being answered.
func TestStartWithoutRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &frailStore{Store: newMemory(0)}
		s.set(failsAt("incidents", errors.New("broken")), nil)
		w := newWorld(t, lasting(s))
		w.hear(private("alice", "hi"))
		w.expect("echo: hi")
	})
}
