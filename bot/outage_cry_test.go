package bot

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/diagbot/diagbot/troubleshoot"
)

// cries are what was told outside the chats.
type cries struct {
	mu  sync.Mutex
	all []string
}

func (c *cries) tell(o Outage) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = append(c.all, fmt.Sprintf("%s %s %t %t: %s", o.Entry, o.Provider, o.Urgent, o.Over, strings.Split(o.Words("en"), "\n")[0]))
}

// take returns what was told since the last call, without what repeats it.
func (c *cries) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := slices.Compact(c.all)
	c.all = nil
	return all
}

// TestOutagesAreToldOutside: what needs somebody at once and as long as it lasts,
// also where no admin can be reached in a chat; what passes once it has lasted; and
// nothing while admins want quiet but that it is over.
func TestOutagesAreToldOutside(t *testing.T) {
	var told cries
	adminWorld(t, func(o *Options) { o.Channel, o.Outage, o.Location = mute{o.Channel.(*desk)}, told.tell, time.UTC }, func(w *world) {
		w.completer.will(failing(wrongKey()))
		w.hear(private("alice", "hi"))
		expectLines(t, told.take(), "chatgpt-401-invalid-api-key openai true false: Critical · openai · 1 failure since 00:00, 1 chat")
		w.hear(private("bob", "hi"))
		told.take()
		time.Sleep(5*time.Minute + time.Second)
		expectLines(t, told.take(), "chatgpt-401-invalid-api-key openai true false: Critical · openai · 2 failures since 00:00, 2 chats")
		w.completer.willWholly(answers("openai"))
		w.hear(private("alice", "hi"))
		time.Sleep(20 * time.Minute)
		expectLines(t, told.take(), "chatgpt-401-invalid-api-key openai true true: 00:00–00:05, 2 failures, 2 chats")

		w.completer.will(failing(&troubleshoot.Fault{Source: troubleshoot.SourceAPI, Provider: "openai", Status: 500}))
		for range 6 {
			w.hear(private("alice", "hi"))
			time.Sleep(3 * time.Minute)
		}
		if got := told.take(); len(got) != 1 || !strings.HasPrefix(got[0], "gpt-500 openai false false: ") {
			t.Errorf("told %q of what lasts", got)
		}
		time.Sleep(time.Hour)
		expectLines(t, told.take())
	})
}

// TestQuietHoldsOutagesBack outside the chats as well, but not that one is over.
func TestQuietHoldsOutagesBack(t *testing.T) {
	var told cries
	adminWorld(t, func(o *Options) { o.Outage = told.tell }, func(w *world) {
		w.hear(byOwner("/quiet 1h"))
		w.completer.will(failing(wrongKey()))
		w.hear(private("alice", "hi"))
		time.Sleep(30 * time.Minute)
		expectLines(t, told.take())
		time.Sleep(40*time.Minute + time.Second)
		if got := told.take(); len(got) != 1 {
			t.Errorf("told %q when quiet had ended", got)
		}
		w.hear(byOwner("/quiet 2h"))
		told.take()
		w.completer.willWholly(answers("openai"))
		w.hear(private("alice", "hi"))
		time.Sleep(time.Hour)
		if got := told.take(); len(got) != 1 || !strings.Contains(got[0], "true true") {
			t.Errorf("told %q of the end", got)
		}
	})
}

func expectLines(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("told\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestOverIsToldOutsideAfterRestart: who heard of an outage outside the chats hears
// that it is over, also if the process was another then and no admin was told.
func TestOverIsToldOutsideAfterRestart(t *testing.T) {
	if _, err := catalogue(); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		s := newMemory(0)
		var told cries
		process := func(run func(*world)) {
			w := newWorld(t, func(o *Options) {
				atDesk(s)(o)
				o.Channel, o.Outage, o.Location = mute{o.Channel.(*desk)}, told.tell, time.UTC
			})
			run(w)
			w.stop()
			<-w.ended
		}
		process(func(w *world) {
			w.completer.will(failing(wrongKey()))
			w.hear(private("alice", "hi"))
			expectLines(t, told.take(), "chatgpt-401-invalid-api-key openai true false: Critical · openai · 1 failure since 00:00, 1 chat")
		})
		time.Sleep(time.Hour) // nobody writes meanwhile
		process(func(w *world) {
			time.Sleep(time.Hour)
			if got := told.take(); len(got) != 1 || !strings.Contains(got[0], "true false: ") {
				t.Errorf("told %q", got)
			}
			w.completer.willWholly(answers("openai"))
			w.hear(private("alice", "hi"))
			time.Sleep(20 * time.Minute)
			got := told.take() // it may have been told once more before the answer
			if n := len(got); n == 0 || n > 2 || !strings.HasPrefix(got[n-1], "chatgpt-401-invalid-api-key openai true true: ") {
				t.Errorf("told %q of the end", got)
			}
		})
		process(func(*world) {
			time.Sleep(time.Hour)
			expectLines(t, told.take())
		})
		if kept, err := s.Settings(t.Context(), scopeOutage); err != nil || len(kept) > 0 {
			t.Errorf("kept %v, %v", kept, err)
		}
	})
}
