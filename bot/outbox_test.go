package bot

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/diagbot/diagbot/troubleshoot"
)

func TestPacing(t *testing.T) {
	const gap = 2 * time.Second
	inBubble(t, func(o *Options) { o.SendInterval, o.SendBurst = gap, 3 }, func(w *world) {
		start := time.Now()
		for i := range 8 {
			w.hear(private(fmt.Sprint("p", i), "hi"))
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		said := w.channel.take()
		if len(said) != 8 {
			t.Fatalf("%d parts, want 8", len(said))
		}
		for i, u := range said {
			at := u.at.Sub(start)
			if i < 3 && at > 0 {
				t.Errorf("part %d of the burst went out after %v", i, at)
			}
			if i < 3 {
				continue
			}
			if d := u.at.Sub(said[i-1].at); d < gap || d > gap*5/4+time.Millisecond {
				t.Errorf("gap %d is %v, want %v to a quarter more", i, d, gap)
			}
		}
	})
}

func TestTurnsBetweenChats(t *testing.T) {
	inBubble(t, func(o *Options) { o.SendInterval = time.Second }, func(w *world) {
		w.channel.traits.PartRunes = 1800
		w.completer.answer = nil
		long := strings.Repeat("一二三四五六七八九。", 500)
		w.hear(private("alice", long))
		w.hear(private("bob", "short"))
		time.Sleep(time.Minute)
		synctest.Wait()
		said := w.channel.take()
		if len(said) != 4 {
			t.Fatalf("%d parts, want 4", len(said))
		}
		if said[2].to.ID != "bob" {
			t.Errorf("bob waits behind all of alice's parts")
		}
		for i, want := range map[int]string{0: "(1/3)", 1: "(2/3)", 3: "(3/3)"} {
			if !strings.HasSuffix(said[i].text, want) {
				t.Errorf("part %d ends with %q, want %s", i, said[i].text[len(said[i].text)-10:], want)
			}
		}
	})
}

// fails makes the first calls of Send fail.
func fails(times int, f troubleshoot.Fault) func(int, Chat, string) error {
	return func(n int, _ Chat, _ string) error {
		if n <= times {
			return &f
		}
		return nil
	}
}

func TestThrottledAccountPauses(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.channel.fail = fails(3, troubleshoot.Fault{Source: troubleshoot.SourceWeChat, Ret: 1205})
		start := time.Now()
		w.hear(private("alice", "one"))
		w.hear(private("bob", "two"))
		time.Sleep(time.Hour)
		synctest.Wait()
		said := w.channel.take()
		if len(said) != 2 || w.channel.n != 5 {
			t.Fatalf("said %v in %d calls, want two parts in five", said, w.channel.n)
		}
		// 60 s, 120 s, 240 s
		if at := said[0].at.Sub(start); at != 7*time.Minute {
			t.Errorf("first part after %v, want 7m0s", at)
		}
	})
}

func TestSendFailures(t *testing.T) {
	wechat := func(f troubleshoot.Fault) troubleshoot.Fault { f.Source = troubleshoot.SourceWeChat; return f }
	tests := []struct {
		name  string
		fault troubleshoot.Fault
		times int
		said  int
		calls int
	}{
		{"not a friend", wechat(troubleshoot.Fault{Ret: 1204}), 1, 0, 1},
		{"may have arrived", wechat(troubleshoot.Fault{Code: MaybeSent, Net: troubleshoot.NetReset}), 1, 1, 2},
		{"may have arrived twice", wechat(troubleshoot.Fault{Code: MaybeSent, Net: troubleshoot.NetReset}), 99, 0, 2},
		{"refused connection", wechat(troubleshoot.Fault{Net: troubleshoot.NetRefused}), 3, 1, 4},
		{"their trouble", wechat(troubleshoot.Fault{Ret: -1}), 2, 1, 3},
		{"their trouble for long", wechat(troubleshoot.Fault{Ret: -1}), 99, 0, maxTries},
		{"bad gateway", wechat(troubleshoot.Fault{Status: 502}), 1, 1, 2},
		{"login lost and back", wechat(troubleshoot.Fault{Ret: 1101}), 5, 1, 6},
		{"not logged in", wechat(troubleshoot.Fault{Entry: "wechat-session-expired"}), 2, 1, 3},
		{"too long", troubleshoot.Fault{Source: troubleshoot.SourceBot, Phase: troubleshoot.PhaseSend, Entry: troubleshoot.UnknownEntry}, 1, 0, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, nil, func(w *world) {
				w.channel.fail = fails(tt.times, tt.fault)
				w.hear(private("alice", "hi"))
				time.Sleep(5 * time.Minute)
				synctest.Wait()
				if got := len(w.channel.take()); got != tt.said || w.channel.n != tt.calls {
					t.Errorf("%d said in %d calls, want %d in %d", got, w.channel.n, tt.said, tt.calls)
				}
				w.channel.fail = nil
				w.hear(private("alice", "later"))
				time.Sleep(time.Minute)
				synctest.Wait()
				w.expect("echo: later")
			})
		})
	}
}

func TestLostLoginKeepsRepliesForTenMinutes(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.channel.fail = fails(1<<30, troubleshoot.Fault{Source: troubleshoot.SourceWeChat, Ret: 1101})
		w.hear(private("alice", "old"))
		time.Sleep(9 * time.Minute)
		w.hear(private("bob", "new"))
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		calls := w.channel.n
		w.channel.mu.Lock()
		w.channel.fail = nil
		w.channel.mu.Unlock()
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		w.expect("echo: new")
		if calls > 25 {
			t.Errorf("%d calls in 12 minutes without a login", calls)
		}
	})
}

func TestPanicOfSend(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.channel.fail = func(n int, _ Chat, _ string) error {
			if n == 1 {
				panic("nil pointer")
			}
			return nil
		}
		w.hear(private("alice", "one"))
		w.hear(private("alice", "two"))
		time.Sleep(time.Minute)
		synctest.Wait()
		w.expect("echo: one", "echo: two")
	})
}

func TestHangingSendHoldsUpItsChatOnly(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.channel.took = time.Hour
		w.hear(private("alice", "hangs"))
		w.channel.mu.Lock()
		w.channel.took = 0
		w.channel.mu.Unlock()
		w.hear(private("bob", "goes through"))
		w.expect("echo: goes through")
		time.Sleep(2 * sendTimeout)
	})
}

func TestReplyWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		o := newOutbox(w.relay, newShift(t.Context()))
		r := &reply{until: time.Now(), parts: []string{"x"}, done: make(chan struct{})}
		time.Sleep(time.Second)
		o.file(r)
		o.start()
		if _, open := <-r.done; open || o.sending != 0 {
			t.Error("a reply was sent after its window")
		}
	})
}

func TestRepliesPerMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorldOn(t, func(c *fakeChannel) { c.traits.RepliesPerMessage = 2 }, nil)
		w.hear(private("alice", strings.Repeat("一二三四五六七八九。", 1000)))
		got := w.texts()
		if len(got) != 2 || !strings.HasSuffix(got[0], "(1/2)") || !strings.HasSuffix(got[1], "）\n(2/2)") {
			t.Errorf("%d parts", len(got))
		}
	})
}

func TestChannelThatRendersMarkdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorldOn(t, func(c *fakeChannel) { c.traits.Markdown = true }, nil)
		w.hear(private("alice", "**hi**"))
		w.expect("echo: **hi**")
	})
}
