package bot

import (
	"fmt"
	"testing"
	"time"

	"github.com/diagbot/diagbot/troubleshoot"
)

// len is how many are remembered.
func (t *table[T]) len() int { return len(t.fresh) + len(t.stale) }

func TestTableForgetsInTimeAndIsBounded(t *testing.T) {
	now := time.Now()
	x := newTable[int](time.Minute, 100)
	x.put("a", 1, now)
	if v, ok := x.get("a", now.Add(time.Minute)); !ok || v != 1 {
		t.Errorf("forgotten after a minute: %d, %v", v, ok)
	}
	x.put("a", 2, now.Add(90*time.Second))
	if v, ok := x.get("a", now.Add(150*time.Second)); !ok || v != 2 {
		t.Errorf("forgotten a minute after it was put again: %d, %v", v, ok)
	}
	if _, ok := x.get("a", now.Add(time.Hour)); ok {
		t.Error("known after an hour")
	}
	for i := range 10_000 {
		x.put(fmt.Sprint(i), i, now)
		if _, ok := x.get(fmt.Sprint(i), now); !ok {
			t.Fatalf("%d is forgotten at once", i)
		}
	}
	if n := x.len(); n > 200 {
		t.Errorf("%d are remembered", n)
	}
}

// TestMannersAreBounded has 30,000 groups and as many people and chats fail.
func TestMannersAreBounded(t *testing.T) {
	c, err := catalogue()
	if err != nil {
		t.Fatal(err)
	}
	down, _ := c.Entry("dns-failure")
	long, _ := c.Entry(entryTooLong)
	m, now := newManners(), time.Now()
	for i := range 30_000 {
		chat := fmt.Sprint(i)
		if m.failure(chat, "p", true, down, now) != toneFull || m.failure(chat, "p", true, down, now) != toneNone {
			t.Fatalf("group %d", i)
		}
		if m.failure(chat, "p", true, long, now) != toneFull || m.failure(chat, "q", true, long, now) != toneFull || m.failure(chat, "p", true, long, now) != toneNone {
			t.Fatalf("people of group %d", i)
		}
		if m.failure(chat, "p", false, down, now) != toneFull || m.failure(chat, "p", false, down, now) != toneShort {
			t.Fatalf("chat %d", i)
		}
	}
	for what, n := range map[string]int{"groups": m.groups.len(), "people": m.people.len(), "chats": m.privates.len()} {
		if n > 2*maxTold {
			t.Errorf("%d %s are remembered", n, what)
		}
	}
}

func TestManners(t *testing.T) {
	c, err := catalogue()
	if err != nil {
		t.Fatal(err)
	}
	entry := func(id string) *troubleshoot.Entry { e, _ := c.Entry(id); return e }
	down, busy, long := entry("dns-failure"), entry("gpt-429"), entry(entryTooLong)
	start := time.Now()
	m := newManners()
	for i, tt := range []struct {
		after   time.Duration
		person  string
		group   bool
		e       *troubleshoot.Entry
		want    tone
		because string
	}{
		{0, "a", true, down, toneFull, "it is the first"},
		{time.Minute, "b", true, down, toneNone, "the group knows, whoever asks"},
		{time.Minute, "b", true, busy, toneFull, "it is another page"},
		{time.Minute, "b", true, long, toneFull, "it is about their message"},
		{90 * time.Second, "b", true, long, toneNone, "they know"},
		{90 * time.Second, "c", true, long, toneFull, "they do not know"},
		{2 * time.Minute, "b", true, long, toneFull, "a minute is over"},
		{10*time.Minute - 1, "a", true, down, toneNone, "ten minutes are not over"},
		{10 * time.Minute, "a", true, down, toneFull, "ten minutes are over"},

		{20 * time.Minute, "a", false, down, toneFull, "it is the first"},
		{20*time.Minute + 59*time.Second, "a", false, down, toneShort, "it is the same"},
		{21*time.Minute + 58*time.Second, "a", false, down, toneShort, "a minute is not over since the last"},
		{21*time.Minute + 59*time.Second, "a", false, busy, toneFull, "it is another"},
		{22 * time.Minute, "a", false, down, toneFull, "something else came between"},
		{23 * time.Minute, "a", false, down, toneFull, "a minute is over"},
		{23 * time.Minute, "a", false, long, toneFull, "it is another"},
		{23 * time.Minute, "a", false, long, toneShort, "it is the same"},
	} {
		if got := m.failure("chat", tt.person, tt.group, tt.e, start.Add(tt.after)); got != tt.want {
			t.Errorf("step %d: tone %d, want %d, for %s", i, got, tt.want, tt.because)
		}
	}
	m.well("chat")
	if m.failure("chat", "a", false, long, start.Add(23*time.Minute)) != toneFull {
		t.Error("after an answer a failure is no news")
	}
}

// TestPersonalNotices are for the person alone, once in a minute in a group.
func TestPersonalNotices(t *testing.T) {
	inBubble(t, func(o *Options) { o.MaxMessage = 5 }, func(w *world) {
		long := w.entry(entryTooLong, troubleshoot.AudienceGroup)
		w.hear(inGroup("home", "alice", "123456"))
		w.hear(inGroup("home", "alice", "123456"))
		w.hear(inGroup("home", "bob", "123456"))
		w.expect("@alice\u2005"+long, "@bob\u2005"+long)
		w.hear(private("alice", "123456"))
		w.hear(private("alice", "123456"))
		w.expect(w.entry(entryTooLong, troubleshoot.AudienceUser), w.relay.catalogue().Title(entryTooLong, "en"))
		if n := open(t, w.relay.store); n != 0 {
			t.Errorf("%d messages are not done", n)
		}
	})
}

// TestGenericFailuresShowNoCodeInGroups: a bare 401 or 402 tells everyone that a
// key or a bill is at fault. Neither does the short form show their titles.
func TestGenericFailuresShowNoCodeInGroups(t *testing.T) {
	for _, status := range []int{401, 402, 403} {
		inBubble(t, nil, func(w *world) {
			w.completer.will(failing(&troubleshoot.Fault{Source: troubleshoot.SourceAPI, Provider: "openai", Status: status}))
			w.hear(inGroup("home", "alice", "hi"))
			i := w.incidents(1)[0]
			w.expect("@alice\u2005" + w.relay.catalogue().Explain(i.Entry, troubleshoot.Telling{Audience: troubleshoot.AudienceGroup, Locale: "en", Ref: i.Ref}))
			e, _ := w.relay.catalogue().Entry(i.Entry)
			if text := w.relay.catalogue().Explain(i.Entry, troubleshoot.Telling{Audience: troubleshoot.AudienceGroup, Locale: "en", Ref: i.Ref}); !e.Generic() || containsAny(text, e.Code, "API", "key") {
				t.Errorf("%d: %q", status, text)
			}
			w.hear(private("bob", "hi"))
			w.hear(private("bob", "hi"))
			if said := w.texts(); len(said) != 2 || containsAny(said[1], w.relay.catalogue().Title(i.Entry, "en")) {
				t.Errorf("%d: %q", status, said)
			}
		})
	}
}
