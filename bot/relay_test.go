package bot

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/diagbot/diagbot/llm"
	"github.com/diagbot/diagbot/troubleshoot"
)

func TestNewNamesEveryProblem(t *testing.T) {
	_, err := New(Options{Deadline: -1, SendBurst: -2})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"Channel is missing", "Completer is missing", "Catalogue is missing", "Deadline is negative", "SendBurst is negative"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q lacks %q", err, want)
		}
	}
}

func TestAnswersAndRemembers(t *testing.T) {
	inBubble(t, func(o *Options) { o.System = "Be kind." }, func(w *world) {
		w.hear(private("alice", "one"))
		w.hear(private("alice", "two"))
		w.expect("echo: one", "echo: two")
		want := []llm.Message{
			{Role: llm.RoleSystem, Content: "Be kind."},
			{Role: llm.RoleUser, Content: "one"}, {Role: llm.RoleAssistant, Content: "echo: one"},
			{Role: llm.RoleUser, Content: "two"},
		}
		if got := w.completer.asked()[1].Messages; !reflect.DeepEqual(got, want) {
			t.Errorf("prompt %q, want %q", got, want)
		}
	})
}

func TestForgets(t *testing.T) {
	size := func(w *world) int { p := w.completer.asked(); return len(p[len(p)-1].Messages) }
	t.Run("after a while", func(t *testing.T) {
		inBubble(t, nil, func(w *world) {
			w.hear(private("alice", "one"))
			time.Sleep(59 * time.Minute)
			w.hear(private("alice", "two"))
			if size(w) != 3 {
				t.Errorf("%d messages before the hour is over, want 3", size(w))
			}
			time.Sleep(time.Hour)
			w.hear(private("alice", "three"))
			if size(w) != 1 {
				t.Errorf("%d messages after an hour, want 1", size(w))
			}
		})
	})
	t.Run("on demand", func(t *testing.T) {
		inBubble(t, nil, func(w *world) {
			w.hear(private("alice", "one"))
			w.hear(private("alice", "清空会话"))
			w.hear(private("alice", "two"))
			if size(w) != 1 {
				t.Errorf("%d messages after a reset, want 1", size(w))
			}
		})
	})
	t.Run("the oldest turns", func(t *testing.T) {
		inBubble(t, func(o *Options) { o.MemoryTurns = 2 }, func(w *world) {
			for i := range 5 {
				w.hear(private("alice", fmt.Sprint(i)))
			}
			if size(w) != 5 {
				t.Errorf("%d messages, want 2 turns and the question", size(w))
			}
		})
	})
	t.Run("what was not answered", func(t *testing.T) {
		inBubble(t, nil, func(w *world) {
			w.completer.answer = failing(&troubleshoot.Fault{Source: troubleshoot.SourceAPI, Status: 401})
			w.hear(private("alice", "one"))
			w.completer.answer = nil
			w.hear(private("alice", "two"))
			if size(w) != 1 {
				t.Errorf("%d messages after a failure, want 1", size(w))
			}
		})
	})
	t.Run("never a chat in work", func(t *testing.T) {
		inBubble(t, func(o *Options) { o.MemoryExpiry = 0 }, func(w *world) {
			w.hear(private("alice", "one"))
			time.Sleep(100 * time.Hour) // retired many times over
			w.hear(private("alice", "two"))
			if size(w) != 3 {
				t.Errorf("%d messages, want 3", size(w))
			}
		})
	})
}

func failing(err error) func(context.Context, llm.Prompt) (string, error) {
	return func(context.Context, llm.Prompt) (string, error) { return "", err }
}

func TestOrderInAChatAndChatsSideBySide(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.completer.answer = slowly(time.Second)
		for i := range 3 {
			for _, who := range []string{"alice", "bob", "carol"} {
				w.hear(private(who, fmt.Sprint(i)))
			}
		}
		time.Sleep(3*time.Second + time.Millisecond)
		synctest.Wait()
		got := make(map[string]string)
		for _, u := range w.channel.take() {
			got[u.to.ID] += u.text + " "
		}
		for _, who := range []string{"alice", "bob", "carol"} {
			if got[who] != "echo: 0 echo: 1 echo: 2 " {
				t.Errorf("%s got %q", who, got[who])
			}
		}
	})
}

func TestRepeatedMessagesAreAnsweredOnce(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		m := private("alice", "hi")
		m.ID = "same"
		w.hear(m)
		w.hear(m)
		w.expect("echo: hi")
	})
}

func TestFullMailboxIsAnsweredBusy(t *testing.T) {
	inBubble(t, func(o *Options) { o.MailboxSize = 2 }, func(w *world) {
		w.completer.answer = slowly(time.Minute)
		for i := range 6 {
			w.hear(private("alice", fmt.Sprint(i)))
		}
		w.expect(w.entry(entryBusy, troubleshoot.AudienceUser))
		time.Sleep(11 * time.Second)
		w.hear(private("alice", "more"))
		w.expect(w.entry(entryBusy, troubleshoot.AudienceUser))
		w.hear(private("bob", "others are not held up"))
		time.Sleep(4 * time.Minute)
		synctest.Wait()
		got := w.texts()
		slices.Sort(got)
		if want := []string{"echo: 0", "echo: 1", "echo: 2", "echo: others are not held up"}; !slices.Equal(got, want) {
			t.Errorf("said %q, want %q", got, want)
		}
	})
}

func TestBusyInAGroupTellsEachPerson(t *testing.T) {
	inBubble(t, func(o *Options) { o.MailboxSize = 1 }, func(w *world) {
		w.completer.answer = slowly(time.Minute)
		for _, who := range []string{"a", "b", "c", "d", "c"} {
			w.hear(inGroup("home", who, "hi"))
		}
		busy := w.entry(entryBusy, troubleshoot.AudienceGroup)
		w.expect("@c\u2005"+busy, "@d\u2005"+busy)
		time.Sleep(3 * time.Minute)
	})
}

func TestDeadline(t *testing.T) {
	deadline := func(o *Options) { o.Deadline = 30 * time.Second }
	t.Run("of a completer that obeys", func(t *testing.T) {
		inBubble(t, deadline, func(w *world) {
			w.completer.answer = slowly(time.Hour)
			start := time.Now()
			w.hear(private("alice", "hi"))
			time.Sleep(30 * time.Second)
			synctest.Wait()
			said := w.channel.take()
			if len(said) != 1 || said[0].at.Sub(start) > 30*time.Second {
				t.Fatalf("said %v", said)
			}
		})
	})
	t.Run("of a completer that does not", func(t *testing.T) {
		inBubble(t, deadline, func(w *world) {
			free := make(chan struct{})
			w.completer.answer = func(context.Context, llm.Prompt) (string, error) { <-free; return "late", nil }
			w.hear(private("alice", "hi"))
			time.Sleep(30 * time.Second)
			synctest.Wait()
			if got := w.texts(); len(got) != 1 || strings.Contains(got[0], "late") {
				t.Fatalf("said %q", got)
			}
			w.completer.answer = nil
			w.hear(private("alice", "again"))
			w.expect("echo: again", "echo: hi") // which was kept
			close(free)
		})
	})
	t.Run("with an answer in the last moment", func(t *testing.T) {
		inBubble(t, deadline, func(w *world) {
			w.completer.answer = func(ctx context.Context, p llm.Prompt) (string, error) {
				<-ctx.Done()
				return echo(ctx, p)
			}
			w.hear(private("alice", "hi"))
			time.Sleep(30 * time.Second)
			synctest.Wait()
			w.expect("echo: hi")
		})
	})
}

func TestPanicOfTheCompleter(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.completer.answer = func(context.Context, llm.Prompt) (string, error) { panic("sk-secret") }
		w.hear(private("alice", "hi"))
		got := w.texts()
		if len(got) != 1 || strings.Contains(got[0], "secret") {
			t.Fatalf("said %q", got)
		}
		w.completer.answer = nil
		w.hear(private("alice", "still there?"))
		w.expect("echo: still there?")
	})
}

func TestEmptyAnswer(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.completer.answer = func(context.Context, llm.Prompt) (string, error) { return " <!-- nothing --> ", nil }
		w.hear(private("alice", "hi"))
		if i := w.incidents(9); len(i) != 1 || i[0].Entry != entryEmpty {
			t.Errorf("incidents %+v, want one of %s; said %q", i, entryEmpty, w.texts())
		}
	})
}

func TestStop(t *testing.T) {
	grace := func(o *Options) { o.Grace = 20 * time.Second }
	t.Run("finishes what is in flight", func(t *testing.T) {
		inBubble(t, grace, func(w *world) {
			w.completer.answer = slowly(10 * time.Second)
			w.hear(private("alice", "hi"))
			w.stop()
			if err := <-w.ended; err != nil {
				t.Errorf("Run: %v", err)
			}
			w.expect("echo: hi")
		})
	})
	t.Run("tells those who wait", func(t *testing.T) {
		inBubble(t, grace, func(w *world) {
			w.completer.answer = slowly(time.Hour)
			w.hear(private("alice", "one"))
			w.hear(private("alice", "two"))
			w.hear(inGroup("home", "bob", "hi"))
			start := time.Now()
			w.stop()
			if err := <-w.ended; err != nil {
				t.Errorf("Run: %v", err)
			}
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("Run took %v to end", took)
			}
			got := w.texts()
			slices.Sort(got)
			want := []string{"@bob\u2005" + w.entry(entryRestarting, troubleshoot.AudienceGroup), w.entry(entryRestarting, troubleshoot.AudienceUser)}
			if !slices.Equal(got, want) {
				t.Errorf("said %q, want %q", got, want)
			}
		})
	})
	t.Run("with the channel's fault", func(t *testing.T) {
		inBubble(t, grace, func(w *world) {
			w.completer.answer = slowly(time.Second)
			w.hear(private("alice", "hi"))
			fault := &troubleshoot.Fault{Source: troubleshoot.SourceWeChat, Ret: 1101}
			w.channel.end <- fault
			if err := <-w.ended; !errors.Is(err, fault) {
				t.Errorf("Run: %v, want %v", err, fault)
			}
			w.expect("echo: hi")
		})
	})
	t.Run("and starts again", func(t *testing.T) {
		inBubble(t, grace, func(w *world) {
			w.hear(private("alice", "one"))
			w.channel.end <- errors.New("lost")
			<-w.ended
			ctx, cancel := context.WithCancel(w.Context())
			go func() { w.ended <- w.relay.Run(ctx) }()
			w.hear(private("alice", "two"))
			w.expect("echo: one", "echo: two")
			if p := w.completer.asked()[1]; len(p.Messages) != 3 {
				t.Errorf("%d messages, want the first turn and the question", len(p.Messages))
			}
			cancel()
			<-w.ended
		})
	})
}

func TestHearRefusesAfterStop(t *testing.T) {
	d := &dispatcher{in: make(chan filing), stop: make(chan struct{})}
	close(d.stop)
	if err := d.Hear(t.Context(), []Message{{}}); !errors.Is(err, errStopping) {
		t.Errorf("Hear: %v", err)
	}
}
