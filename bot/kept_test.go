package bot

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/diagbot/diagbot/llm"
	"github.com/diagbot/diagbot/troubleshoot"
)

// TestKeptIsSaidOnlyWhereItIs: of failures that pass, and of no other.
func TestKeptIsSaidOnlyWhereItIs(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault troubleshoot.Fault
		kept  bool
	}{
		{"no line", troubleshoot.Fault{Net: troubleshoot.NetDNS, Phase: troubleshoot.PhaseDial}, true},
		{"too many requests", troubleshoot.Fault{Status: 429, Code: "rate_limit_exceeded"}, true},
		{"too many for long", troubleshoot.Fault{Status: 429, Code: "rate_limit_exceeded", RetryAfter: time.Hour}, false},
		{"a wrong key", troubleshoot.Fault{Status: 401, Code: "invalid_api_key"}, false},
		{"no money", troubleshoot.Fault{Status: 429, Code: "insufficient_quota"}, false},
		{"too long", troubleshoot.Fault{Status: 400, Code: "context_length_exceeded"}, false},
		{"content", troubleshoot.Fault{Status: 400, Code: "content_filter"}, false},
		{"unknown", troubleshoot.Fault{Message: "what is this"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, nil, func(w *world) {
				f := tt.fault
				f.Source = troubleshoot.SourceAPI
				w.completer.will(failing(&f))
				w.hear(private("alice", "one"))
				w.hear(inGroup("home", "bob", "two"))
				for i, key := range []string{"kept", "kept_group"} {
					if said := w.channel.said[i].text; strings.Contains(said, w.ui(key)) != tt.kept {
						t.Errorf("said %q", said)
					}
				}
				w.texts()
				if n := open(t, w.relay.store); (n == 2) != tt.kept {
					t.Errorf("%d messages are not done", n)
				}
				w.completer.will(nil)
				time.Sleep(trialEvery)
				synctest.Wait()
				if said := w.texts(); (len(said) == 2) != tt.kept {
					t.Errorf("said %q", said)
				}
			})
		})
	}
}

func TestKeptIsGivenUp(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.completer.will(failing(down()))
		w.hear(private("alice", "one"))
		w.texts()
		time.Sleep(keepFor - time.Second)
		if open(t, w.relay.store) != 1 {
			t.Error("given up early")
		}
		time.Sleep(trialEvery + time.Second)
		synctest.Wait()
		if n := open(t, w.relay.store); n != 0 || w.tally() != (Tally{Failed: 1}) {
			t.Errorf("%d messages are not done, %+v", n, w.tally())
		}
		if n := len(w.completer.asked()); n < 15 || n > 21 {
			t.Errorf("asked %d times", n)
		}
		w.completer.will(nil)
		w.hear(private("alice", "two"))
		w.expect("echo: two")
	})
}

// TestTheLatestIsKept of each person in each chat, and one that was answered by
// asking again is not answered twice.
func TestTheLatestIsKept(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.completer.will(failing(down()))
		for _, m := range []Message{private("alice", "one"), private("alice", "two"), inGroup("home", "alice", "three"), inGroup("home", "bob", "four"), private("carl", "Five")} {
			w.hear(m)
		}
		w.texts()
		w.completer.will(nil)
		w.hear(private("carl", "five"))
		said := w.texts()
		for _, want := range []string{"echo: two", "echo: five", "@alice\u2005echo: alice: three", "@bob\u2005echo: bob: four"} {
			n := 0
			for _, s := range said {
				if s == want {
					n++
				}
			}
			if n != 1 {
				t.Errorf("%q was said %d times", want, n)
			}
		}
		if len(said) != 4 || open(t, w.relay.store) != 0 {
			t.Errorf("said %q", said)
		}
	})
}

func TestKeptIsTakenBack(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.completer.will(failing(down()))
		w.hear(private("alice", "one"))
		w.texts()
		w.hear(private("alice", "/stop"))
		w.expect(w.ui("stop_done"))
		w.completer.will(slowly(time.Minute))
		w.hear(private("bob", "two"))
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		w.expect("echo: two")
		w.hear(private("alice", "/stop"))
		w.expect(w.ui("stop_nothing"))
		if n := open(t, w.relay.store); n != 0 {
			t.Errorf("%d messages are not done", n)
		}
	})
}

// TestATrialIsTakenBack while it is under way.
func TestATrialIsTakenBack(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.completer.will(failing(down()))
		w.hear(private("alice", "one"))
		w.texts()
		w.completer.will(slowly(time.Minute))
		time.Sleep(trialEvery + time.Second)
		w.hear(private("alice", "/stop"))
		w.expect(w.ui("stop_done"))
		time.Sleep(5 * time.Minute)
		w.expect()
		if n := open(t, w.relay.store); n != 0 {
			t.Errorf("%d messages are not done", n)
		}
	})
}

// TestATrialThatIsOutOfDate: while it waited for its turn its asker asked something
// newer, and that failed as well.
func TestATrialThatIsOutOfDate(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.completer.will(func(ctx context.Context, p llm.Prompt) (string, error) {
			time.Sleep(5 * time.Second)
			return "", down()
		})
		w.hear(private("alice", "one"))
		time.Sleep(40*time.Second - 6*time.Second)
		for len(w.completer.asked()) < 2 { // the trial is under way
			time.Sleep(time.Second)
		}
		time.Sleep(26 * time.Second)
		w.hear(private("alice", "two"))
		time.Sleep(9 * time.Second)
		var asked []string
		for _, p := range w.completer.asked() {
			asked = append(asked, last(p))
		}
		if !slices.Equal(asked, []string{"one", "one", "two"}) || open(t, w.relay.store) != 1 {
			t.Errorf("asked %q, %d messages are not done", asked, open(t, w.relay.store))
		}
		w.completer.will(nil)
		time.Sleep(2 * trialEvery)
		synctest.Wait()
		if said := w.texts(); len(said) != 3 || said[2] != "echo: two" {
			t.Errorf("said %q", said)
		}
	})
}

// TestATrialThatFailsOtherwise is told: the person would wait for nothing.
func TestATrialThatFailsOtherwise(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.completer.will(failing(down()))
		w.hear(private("alice", "one"))
		w.texts()
		w.completer.will(failing(&troubleshoot.Fault{Source: troubleshoot.SourceAPI, Provider: "openai", Status: 400, Code: "content_filter"}))
		time.Sleep(trialEvery)
		synctest.Wait()
		if said := w.texts(); len(said) != 1 || open(t, w.relay.store) != 0 {
			t.Errorf("said %q", said)
		}
	})
}

// TestAQuestionThatAlwaysFails is not asked whenever others are answered.
func TestAQuestionThatAlwaysFails(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.completer.will(func(ctx context.Context, p llm.Prompt) (string, error) {
			if strings.Contains(last(p), "poison") {
				return "", down()
			}
			return echo(ctx, p)
		})
		w.hear(private("alice", "poison"))
		w.texts()
		for i := range 600 {
			w.hear(private(fmt.Sprint("friend", i%50), "hi"))
			time.Sleep(time.Second)
		}
		poison := 0
		for _, p := range w.completer.asked() {
			if strings.Contains(last(p), "poison") {
				poison++
			}
		}
		if poison > 22 {
			t.Errorf("asked %d times", poison)
		}
	})
}

// TestReleaseIsGentle: what works again is not asked everything at once, and if it
// does not hold nothing is lost.
func TestReleaseIsGentle(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.completer.will(failing(down()))
		for i := range 100 {
			w.hear(private(fmt.Sprint("friend", i), "hi"))
		}
		w.texts()
		now, most := 0, 0
		w.completer.will(func(ctx context.Context, p llm.Prompt) (string, error) {
			w.completer.mu.Lock()
			now++
			most = max(most, now)
			w.completer.mu.Unlock()
			defer func() {
				w.completer.mu.Lock()
				now--
				w.completer.mu.Unlock()
			}()
			return slowly(time.Second)(ctx, p)
		})
		time.Sleep(trialEvery + 20*time.Second)
		synctest.Wait()
		if said := w.texts(); len(said) != 100 || most > maxRetries {
			t.Errorf("%d answers, %d at the same time", len(said), most)
		}
	})
}

// TestShelfIsBounded by the number of questions and by their length.
func TestShelfIsBounded(t *testing.T) {
	s, now := newShelf(), time.Now()
	put := func(i int, text string) bool {
		id := fmt.Sprint(i)
		_, ok := s.put(task{Message: Message{Chat: Chat{ID: id}}, ticket: &ticket{asker: id, seq: int64(i)}, text: text, until: now}, now)
		return ok
	}
	for i := range maxKept {
		if !put(i, "hi") {
			t.Fatalf("no room for %d", i)
		}
	}
	if put(maxKept, "hi") || !put(0, "in the place of an older one") {
		t.Error("the number is not held")
	}
	if n := len(s.over(now)); n != maxKept || s.size != 0 || s.count() != 0 {
		t.Errorf("%d given up, %d bytes and %d questions left", n, s.size, s.count())
	}
	big := strings.Repeat("a", maxKeptLen/10)
	for i := range 10 {
		put(i, big)
	}
	if put(11, big) || s.size > maxKeptLen {
		t.Errorf("%d bytes are kept", s.size)
	}
}

// TestAPauseHoldsTrials: while nothing is answered nothing is tried.
func TestAPauseHoldsTrials(t *testing.T) {
	adminWorld(t, nil, func(w *world) {
		w.completer.will(failing(down()))
		w.hear(private("alice", "hi"))
		w.hear(byOwner("/pause"))
		asked := len(w.completer.asked())
		time.Sleep(5 * time.Minute)
		if n := len(w.completer.asked()); n != asked {
			t.Errorf("asked %d times", n-asked)
		}
	})
}

// TestReportsAgree: what /diag counts and what /diag trend does is the same, with
// what is kept.
func TestReportsAgree(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.completer.will(failing(down()))
		w.hear(private("alice", "one"))
		w.hear(private("bob", "two"))
		w.completer.will(failing(&troubleshoot.Fault{Source: troubleshoot.SourceAPI, Status: 401, Code: "invalid_api_key"}))
		w.hear(private("carl", "three"))
		w.texts()
		w.hear(byOwner("/diag"))
		w.hear(byOwner("/diag trend"))
		said := w.texts()
		counts := w.ui("health_counts", "answered", "0", "failed", "1", "rescued", "0") + "\n" + w.ui("health_kept", "n", "2") + "\n"
		if !strings.Contains(said[0], counts) || !strings.Contains(said[1], w.ui("trend_summary", "failed", "3", "rescued", "0")) {
			t.Errorf("said %q", said)
		}
	})
}
