package bot

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/diagbot/diagbot/troubleshoot"
)

func containsAny(s string, words ...string) bool {
	for _, w := range words {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
}

func limited(l Limits) func(*Options) {
	return func(o *Options) { o.Limits = l }
}

func TestPersonalRate(t *testing.T) {
	inBubble(t, limited(Limits{PersonMinute: 2}), func(w *world) {
		for i := range 5 {
			w.hear(private("alice", fmt.Sprint(i)))
		}
		w.expect("echo: 0", "echo: 1", w.ui("limit_person_minute", "wait", "30 seconds")) // and no more for a minute
		w.hear(private("alice", "/ping"))
		w.hear(private("bob", "hi"))
		w.expect(w.ui("pong"), "echo: hi")
		time.Sleep(30 * time.Second)
		w.hear(inGroup("home", "alice", "here?"))
		w.hear(inGroup("home", "alice", "and now?"))
		w.expect("@alice\u2005echo: alice: here?")
		time.Sleep(31 * time.Second)
		w.hear(private("alice", "one"))
		w.hear(private("alice", "too many"))
		w.expect("echo: one", w.ui("limit_person_minute", "wait", "29 seconds"))
		if n, asked := open(t, w.relay.store), len(w.completer.asked()); n != 0 || asked != 5 {
			t.Errorf("%d messages are not done, %d questions were asked", n, asked)
		}
	})
}

func TestRateOfAGroup(t *testing.T) {
	inBubble(t, limited(Limits{GroupMinute: 1}), func(w *world) {
		w.hear(inGroup("home", "alice", "hi"))
		w.hear(inGroup("home", "bob", "hi"))
		w.hear(inGroup("home", "carol", "hi")) // the group has been told
		w.hear(inGroup("work", "bob", "hi"))
		w.hear(private("bob", "hi"))
		w.expect("@alice\u2005echo: alice: hi", "@bob\u2005"+w.ui("limit_group_minute", "wait", "60 seconds"), "@bob\u2005echo: bob: hi", "echo: hi")
	})
}

// TestDailyQuota ends at midnight where the bot lives, and counts answers alone.
func TestDailyQuota(t *testing.T) {
	place := time.FixedZone("", 8*3600)
	inBubble(t, func(o *Options) { o.Limits, o.Location = Limits{PersonDay: 2, GroupDay: 1}, place }, func(w *world) {
		midnight := time.Date(2000, 1, 2, 0, 0, 0, 0, place)
		time.Sleep(time.Until(midnight) - time.Minute)
		w.completer.will(failing(&troubleshoot.Fault{Source: troubleshoot.SourceAPI, Status: 401}))
		w.hear(private("alice", "a failure costs nothing"))
		w.texts()
		w.completer.will(nil)
		w.hear(private("alice", "one"))
		w.hear(inGroup("home", "alice", "two"))
		w.hear(private("alice", "three"))
		w.hear(inGroup("home", "bob", "two"))
		w.expect("echo: one", "@alice\u2005echo: alice: two", w.ui("limit_person_day"), "@bob\u2005"+w.ui("limit_group_day"))
		time.Sleep(time.Minute - time.Second)
		w.hear(private("alice", "not yet"))
		w.expect()
		time.Sleep(2 * time.Second)
		w.hear(private("alice", "a new day"))
		w.hear(inGroup("home", "bob", "a new day"))
		w.expect("echo: a new day", "@bob\u2005echo: bob: a new day")
	})
}

// TestQuotaOutlivesTheProcess where the store does.
func TestQuotaOutlivesTheProcess(t *testing.T) {
	s := newMemory(0)
	with := func(o *Options) { o.Store, o.Limits = s, Limits{PersonDay: 1} }
	inBubble(t, with, func(w *world) {
		w.hear(private("alice", "one"))
		w.expect("echo: one")
	})
	inBubble(t, with, func(w *world) {
		w.hear(private("alice", "two"))
		w.expect(w.ui("limit_person_day"))
	})
}

// TestLimitsSpareAdmins: the owner, and whoever is known to be one.
func TestLimitsSpareAdmins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(o *Options) {
			atDesk(newMemory(0))(o)
			o.Limits = Limits{PersonMinute: 1, PersonDay: 2}
		})
		for _, m := range []Message{byOwner("hi"), private("@ann", "hi")} {
			for range 4 {
				w.hear(m)
			}
			w.expect("echo: hi", "echo: hi", "echo: hi", "echo: hi")
		}
		w.hear(private("@bob", "hi"))
		w.hear(private("@bob", "hi"))
		if said := w.texts(); len(said) != 2 || said[1] != w.ui("limit_person_minute", "wait", "60 seconds") {
			t.Errorf("said %q", said)
		}
	})
}

// TestLimitsAreBounded has 30,000 people ask.
func TestLimitsAreBounded(t *testing.T) {
	q, now := newQuotas(Limits{PersonMinute: 1}), time.Now()
	for i := range 30_000 {
		name := fmt.Sprint(i)
		all := []limit{{name: name, minute: 1}}
		if over, _ := q.take(all, now); over != nil {
			t.Fatalf("%d may not ask", i)
		}
		if over, _ := q.take(all, now); over == nil {
			t.Fatalf("%d may ask twice", i)
		}
		q.tell(name, now)
	}
	if q.buckets.len() > 2*maxBuckets || q.told.len() > 2*maxBuckets {
		t.Errorf("%d and %d are remembered", q.buckets.len(), q.told.len())
	}
}

// brokenSpent is a store that does not tell what was spent.
type brokenSpent struct{ *memory }

func (brokenSpent) Spent(context.Context, string, ...string) ([]int, error) {
	return nil, errors.New("broken")
}

func TestUnreadableQuotaHoldsNobodyBack(t *testing.T) {
	inBubble(t, func(o *Options) { o.Store, o.Limits = brokenSpent{newMemory(0)}, Limits{PersonDay: 1} }, func(w *world) {
		w.hear(private("alice", "one"))
		w.hear(private("alice", "two"))
		w.expect("echo: one", "echo: two")
	})
}
