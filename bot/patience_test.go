package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/diagbot/diagbot/llm"
	"github.com/diagbot/diagbot/troubleshoot"
)

func TestThinkingLine(t *testing.T) {
	const after = 15 * time.Second
	tests := []struct {
		name  string
		takes time.Duration
		lines int
		at    time.Duration // of the answer
	}{
		{"quick", after - time.Millisecond, 0, after - time.Millisecond},
		{"at the same moment", after, 0, after},
		{"a moment later", after + moment - 1, 0, after + moment - 1},
		{"slow", after + time.Second, 1, after + time.Second},
		{"very slow", 100 * time.Second, 1, 100 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(o *Options) { o.ThinkingAfter = 0 }, func(w *world) {
				w.completer.answer = slowly(tt.takes)
				start := time.Now()
				w.hear(private("alice", "hi"))
				time.Sleep(3 * time.Minute)
				synctest.Wait()
				said := w.channel.take()
				if len(said) != tt.lines+1 {
					t.Fatalf("said %v, want %d lines and the answer", said, tt.lines)
				}
				if got := said[tt.lines]; got.text != "echo: hi" || got.at.Sub(start) != tt.at {
					t.Errorf("%q after %v, want the answer after %v", got.text, got.at.Sub(start), tt.at)
				}
				if tt.lines > 0 && (said[0].text != w.ui("thinking") || said[0].at.Sub(start) != after+moment) {
					t.Errorf("%q after %v", said[0].text, said[0].at.Sub(start))
				}
			})
		})
	}
}

func TestThinkingLineOncePerQuestionInOrder(t *testing.T) {
	inBubble(t, func(o *Options) { o.ThinkingAfter = time.Second }, func(w *world) {
		w.completer.answer = slowly(10 * time.Second)
		w.hear(private("alice", "one"))
		w.hear(private("alice", "two"))
		w.hear(inGroup("home", "bob", "groups are spared"))
		time.Sleep(time.Minute)
		synctest.Wait()
		var alice []string
		for _, u := range w.channel.take() {
			if u.to.ID == "alice" {
				alice = append(alice, u.text)
			} else if u.text != "@bob\u2005echo: bob: groups are spared" {
				t.Errorf("said %q in the group", u.text)
			}
		}
		if want := []string{w.ui("thinking"), "echo: one", w.ui("thinking"), "echo: two"}; !slices.Equal(alice, want) {
			t.Errorf("said %q, want %q", alice, want)
		}
	})
}

func TestThinkingLineThatCannotGoOutIsDropped(t *testing.T) {
	inBubble(t, func(o *Options) { o.ThinkingAfter, o.SendInterval = 5*time.Second, time.Minute }, func(w *world) {
		w.completer.answer = slowly(30 * time.Second)
		w.hear(private("bob", "/ping")) // takes the account's turn
		w.hear(private("alice", "hi"))
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		w.expect(w.ui("pong"), "echo: hi")
	})
}

func TestThinkingLineBeforeAFailure(t *testing.T) {
	inBubble(t, func(o *Options) { o.ThinkingAfter = time.Second }, func(w *world) {
		w.completer.answer = func(context.Context, llm.Prompt) (string, error) {
			time.Sleep(time.Minute)
			return "", &troubleshoot.Fault{Source: troubleshoot.SourceAPI, Status: 500}
		}
		w.hear(private("alice", "hi"))
		time.Sleep(time.Minute + time.Second)
		synctest.Wait()
		if got := w.texts(); len(got) != 2 || got[0] != w.ui("thinking") {
			t.Errorf("said %q", got)
		}
	})
}

// typist is a channel with a typing indicator.
type typist struct {
	*fakeChannel
	mu    sync.Mutex
	shown []time.Duration // since start
	start time.Time
	fail  error
}

func (c *typist) Typing(_ context.Context, to Chat) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if to.Group {
		panic("typing in a group")
	}
	c.shown = append(c.shown, time.Since(c.start))
	return c.fail
}

func TestTyping(t *testing.T) {
	tests := []struct {
		name  string
		takes time.Duration
		fail  error
		want  []time.Duration
	}{
		{"quick", 500 * time.Millisecond, nil, nil},
		{"slow", 13 * time.Second, nil, []time.Duration{1 * time.Second, 6 * time.Second, 11 * time.Second}},
		{"failing", 13 * time.Second, errors.New("no"), []time.Duration{1 * time.Second}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := &typist{start: time.Now(), fail: tt.fail}
				w := newWorldOn(t, func(f *fakeChannel) { f.traits.Typing = true }, func(o *Options) {
					c.fakeChannel, o.ThinkingAfter = o.Channel.(*fakeChannel), 2*time.Second
					o.Channel = c
				})
				w.completer.answer = slowly(tt.takes)
				w.hear(private("alice", "hi"))
				w.hear(inGroup("home", "bob", "hi"))
				time.Sleep(time.Minute)
				synctest.Wait()
				if got := w.texts(); len(got) != 2 {
					t.Errorf("said %q", got)
				}
				c.mu.Lock()
				defer c.mu.Unlock()
				if !slices.Equal(c.shown, tt.want) {
					t.Errorf("shown at %v, want %v", c.shown, tt.want)
				}
			})
		})
	}
}

func TestStopCommand(t *testing.T) {
	slow := func(w *world) { w.completer.answer = slowly(time.Minute) }
	t.Run("takes back what waits and what is in work", func(t *testing.T) {
		inBubble(t, nil, func(w *world) {
			slow(w)
			w.hear(private("alice", "one"))
			w.hear(private("alice", "two"))
			w.hear(private("bob", "others go on"))
			w.hear(private("alice", "/stop"))
			w.expect(w.ui("stop_done"))
			w.hear(private("alice", "/stop"))
			w.expect(w.ui("stop_nothing"))
			w.completer.answer = nil
			w.hear(private("alice", "three"))
			w.expect("echo: three")
			p := w.completer.asked()
			if n := len(p[len(p)-1].Messages); n != 1 {
				t.Errorf("%d messages: what was taken back is remembered", n)
			}
			time.Sleep(2 * time.Minute)
			synctest.Wait()
			w.expect("echo: others go on")
		})
	})
	t.Run("with a full mailbox", func(t *testing.T) {
		inBubble(t, func(o *Options) { o.MailboxSize = 1 }, func(w *world) {
			slow(w)
			for i := range 4 {
				w.hear(private("alice", fmt.Sprint(i)))
			}
			w.expect(w.entry(entryBusy, troubleshoot.AudienceUser))
			w.hear(private("alice", "停止回答"))
			if got := w.texts(); len(got) != 1 {
				t.Errorf("said %q", got)
			}
			w.completer.answer = nil
			w.hear(private("alice", "next"))
			w.expect("echo: next")
		})
	})
	t.Run("in a group the asker's own only", func(t *testing.T) {
		inBubble(t, nil, func(w *world) {
			slow(w)
			w.hear(inGroup("home", "alice", "one"))
			w.hear(inGroup("home", "bob", "two"))
			w.hear(inGroup("home", "carol", "#cancel"))
			w.expect("@carol\u2005" + w.ui("stop_nothing"))
			w.hear(inGroup("home", "bob", "/stop"))
			w.expect("@bob\u2005" + w.ui("stop_done"))
			time.Sleep(5 * time.Minute)
			synctest.Wait()
			w.expect("@alice\u2005echo: alice: one")
		})
	})
	t.Run("leaves commands that wait", func(t *testing.T) {
		inBubble(t, nil, func(w *world) {
			slow(w)
			w.hear(private("alice", "one"))
			w.hear(private("alice", "/ping"))
			w.hear(private("alice", "/stop"))
			got := w.texts() // in no order: the one is said past the other
			slices.Sort(got)
			if want := []string{w.ui("stop_done"), w.ui("pong")}; !slices.Equal(got, want) {
				t.Errorf("said %q, want %q", got, want)
			}
		})
	})
	t.Run("of a completer that does not listen", func(t *testing.T) {
		inBubble(t, nil, func(w *world) {
			w.completer.answer = func(context.Context, llm.Prompt) (string, error) { time.Sleep(time.Minute); return "late", nil }
			w.hear(private("alice", "one"))
			w.hear(private("alice", "/stop"))
			w.completer.answer = nil
			w.hear(private("alice", "two"))
			w.expect(w.ui("stop_done"), "echo: two")
			time.Sleep(2 * time.Minute)
			synctest.Wait()
			w.expect()
		})
	})
	t.Run("keeps the rest of a long answer back", func(t *testing.T) {
		inBubble(t, func(o *Options) { o.SendInterval = 10 * time.Second }, func(w *world) {
			w.completer.answer = func(context.Context, llm.Prompt) (string, error) {
				text := ""
				for range 1000 {
					text += "一二三四五六七八九。"
				}
				return text, nil
			}
			w.hear(private("alice", "tell me everything"))
			time.Sleep(15 * time.Second)
			w.hear(private("alice", "/stop"))
			time.Sleep(5 * time.Minute)
			synctest.Wait()
			got := w.texts()
			if len(got) != 3 || got[2] != w.ui("stop_done") {
				t.Errorf("%d texts, want two parts and the word", len(got))
			}
			w.hear(private("alice", "/stop"))
			time.Sleep(time.Minute)
			synctest.Wait()
			w.expect(w.ui("stop_nothing"))
		})
	})
	t.Run("and the thinking line", func(t *testing.T) {
		inBubble(t, func(o *Options) { o.ThinkingAfter = 10 * time.Second }, func(w *world) {
			slow(w)
			w.hear(private("alice", "one"))
			time.Sleep(5 * time.Second)
			w.hear(private("alice", "/stop"))
			time.Sleep(time.Minute)
			synctest.Wait()
			w.expect(w.ui("stop_done"))
		})
	})
}

// TestStopIsTrue has people stop questions at all moments: whoever hears
// "stopped" gets no answer, and whoever does not, does.
func TestStopIsTrue(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.completer.answer = slowly(time.Second)
		for i := range 200 {
			who := fmt.Sprint("p", i)
			w.offer(private(who, "hi"))
			time.Sleep(time.Second - time.Duration(i%3)*time.Nanosecond)
			w.offer(private(who, "/stop"))
			time.Sleep(2 * time.Second)
			synctest.Wait()
			got := w.texts()
			slices.Sort(got)
			if !slices.Equal(got, []string{w.ui("stop_done")}) && !slices.Equal(got, []string{w.ui("stop_nothing"), "echo: hi"}) {
				t.Fatalf("round %d: %q", i, got)
			}
		}
	})
}

func TestManyStopsAreBounded(t *testing.T) {
	inBubble(t, func(o *Options) { o.SendInterval = time.Minute }, func(w *world) {
		for range 500 {
			w.offer(private("alice", "/stop"))
		}
		time.Sleep(20 * time.Minute)
		synctest.Wait()
		if n := len(w.texts()); n > 10 {
			t.Errorf("%d words to 500 stops", n)
		}
	})
}
