package bot

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/diagbot/diagbot/llm"
)

// TestHealthTellsOfKeys by name: their state, and until when it lasts.
func TestHealthTellsOfKeys(t *testing.T) {
	control := &fakeControl{stage: &stage{}}
	options := func(o *Options) { o.Sources, o.Location = control, time.UTC }
	inBubble(t, options, func(w *world) {
		soon := time.Now().Add(20 * time.Minute)
		control.sources = []llm.ProviderStatus{
			{Provider: "one", Trouble: "gpt-401", Until: soon, Keys: []llm.PartStatus{{Name: "main", Entry: "gpt-401", Until: soon}}},
			{Provider: "two", Keys: []llm.PartStatus{{Name: "a"}, {Name: "b", Entry: "gpt-429", Until: soon}}},
			{Provider: "three", Keys: []llm.PartStatus{{Name: "main"}}},
			{Provider: "four", Held: true, Keys: []llm.PartStatus{{}}},
		}
		for tag, want := range map[string]string{
			"en": `Bot health: Failing
WeChat: OK
AI sources: one failing (401), again at 00:20, two OK (in use), three OK, four set aside by an admin
Key main of one failing (401), again at 00:20
Key a of two OK
Key b of two failing (429), again at 00:20
24 h: `,
			"zh-Hans": `机器人状态：异常
微信：正常
AI 源：one 异常（401），00:20 再试，two 正常（使用中），three 正常，four 已被管理员搁置
one 的密钥 main 异常（401），00:20 再试
two 的密钥 a 正常
two 的密钥 b 异常（429），00:20 再试
24 小时：`,
		} {
			w.hear(byOwner("/lang " + tag))
			w.texts()
			w.hear(byOwner("/diag"))
			if got := strings.Join(w.texts(), "\n"); !strings.HasPrefix(got, want) {
				t.Errorf("said\n%s\nwant\n%s", got, want)
			}
		}
	})
}

// TestSwitchesOutliveTheProcess: a pause, quiet and who is ignored.
func TestSwitchesOutliveTheProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMemory(0)
		w := newWorldOn(t, func(c *fakeChannel) { c.login = "l1" }, atDesk(s))
		lasting := private("@zoe", "hi")
		lasting.Sender.Key, lasting.Chat.Key = "remark:1:zoe", "remark:1:zoe"
		w.hear(lasting)
		w.hear(private("@eve", "hi"))
		w.texts()
		for _, text := range []string{"/block @zoe", "/block @eve", "/pause", "/quiet 1h"} {
			w.hear(byOwner(text))
		}
		w.expect(w.ui("block_done", "name", "@zoe"), w.ui("block_done_login", "name", "@eve"), w.ui("pause_done"),
			w.ui("quiet_until", "time", w.relay.clock(time.Now().Add(time.Hour))))
		for login, ignored := range map[string]string{"l1": "both", "l2": "zoe"} {
			w.disown()
			w.stop()
			<-w.ended
			w = newWorldOn(t, func(c *fakeChannel) { c.login = login }, atDesk(s))
			synctest.Wait()
			if !w.relay.switches.isPaused() || w.relay.switches.quietUntil(time.Now()).IsZero() {
				t.Errorf("%s: not paused or not quiet", login)
			}
			w.hear(lasting)
			w.hear(private("@eve", "/ping"))
			got := len(w.texts())
			if login == "l1" && got != 0 {
				t.Errorf("%s: %d answers though %s are ignored", login, got, ignored)
			}
			if login == "l2" {
				break // the id of that login is another's now
			}
		}
	})
}

// TestBansOfEarlierLoginsAreForgotten, for their ids may be anybody's by now.
func TestBansOfEarlierLoginsAreForgotten(t *testing.T) {
	s := newMemory(0)
	var x switches
	for key, b := range map[string]*banned{"l1/@eve": {Name: "eve", Login: "l1"}, "remark:1:zoe": {Name: "zoe"}} {
		if err := x.ban(t.Context(), s, key, b); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Set(t.Context(), scopeBlock, "broken", "{"); err != nil {
		t.Fatal(err)
	}
	var next switches
	if err := next.load(t.Context(), s, "l2"); err != nil {
		t.Fatal(err)
	}
	if next.blocks("l1/@eve") || !next.blocks("remark:1:zoe") {
		t.Errorf("ignored: %+v", next.bans())
	}
	if kept, _ := s.Settings(t.Context(), scopeBlock); len(kept) != 1 {
		t.Errorf("kept: %v", kept)
	}
}

func TestSpeakersAreBounded(t *testing.T) {
	var s switches
	now := time.Now()
	for i := range 1000 {
		s.heard(speaker{person: fmt.Sprint("p", i%50), at: now.Add(time.Duration(i))})
	}
	all := s.speakers()
	if len(all) != mostRecents || all[0].person != "p49" || all[1].person != "p48" {
		t.Errorf("%d speakers, %+v", len(all), all[:2])
	}
}

// TestNumbersMeanWhatWasRead: a list that changes meanwhile changes nothing.
func TestNumbersMeanWhatWasRead(t *testing.T) {
	inBubble(t, atDesk(newMemory(0)), func(w *world) {
		w.hear(private("@eve", "hi"))
		w.hear(byOwner("/block"))
		for i := range 5 {
			w.hear(private(fmt.Sprint("@p", i), "hi"))
		}
		w.texts()
		w.hear(byOwner("/block 1"))
		w.expect(w.ui("block_done_login", "name", "@eve"))
		w.hear(byOwner("/block 1"))
		if got := w.texts(); len(got) != 1 || !strings.HasPrefix(got[0], w.ui("block_title")) {
			t.Errorf("said %q", got)
		}
	})
}

// TestNamesakesAreNotGuessed: where two have the name, a number is asked for.
func TestNamesakesAreNotGuessed(t *testing.T) {
	inBubble(t, atDesk(newMemory(0)), func(w *world) {
		for _, id := range []string{"@one", "@two"} {
			m := private(id, "hi")
			m.Sender.Name = "Eve"
			w.hear(m)
		}
		w.texts()
		w.hear(byOwner("/block Eve"))
		if got := w.texts(); len(got) != 1 || strings.Count(got[0], "Eve") != 2 || len(w.relay.switches.bans()) > 0 {
			t.Errorf("said %q", got)
		}
	})
}

// TestNothingIsDoneWhenItCannotBeKept: the store fails, and so do changes.
func TestNothingIsDoneWhenItCannotBeKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &frailStore{Store: newMemory(0)}
		w := newWorld(t, atDesk(s))
		w.hear(private("@eve", "hi"))
		w.texts()
		code := w.offer1()
		s.set(failsAt("set", errors.New("no space")), nil)
		for _, text := range []string{"/pause", "/quiet 1h", "/block @eve"} {
			w.hear(byOwner(text))
			w.expect(w.ui("records_failing"))
		}
		w.hear(private("@carl", "/auth "+code))
		w.expect(w.ui("records_failing"))
		s.set(failsAt("settings", errors.New("no disk")), nil)
		w.hear(private("@ann", "/pause"))
		w.expect(w.ui("records_failing"))
		s.set(nil, nil)
		if w.relay.switches.isPaused() || w.relay.switches.blocks("/@eve") || len(w.deeds()) > 0 {
			t.Errorf("done all the same: %+v", w.deeds())
		}
	})
}

// TestInvitations are made once in a login, and only where nobody has paired.
func TestInvitations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, codes := newMemory(0), []string(nil)
		options := func(o *Options) {
			atDesk(s)(o)
			o.Invite = func(code string) { codes = append(codes, code) }
		}
		w := newWorldOn(t, func(c *fakeChannel) { c.login = "l1" }, options)
		synctest.Wait()
		w.relogin("l1")
		if len(codes) != 1 {
			t.Fatalf("codes %q", codes)
		}
		w.hear(private("@carl", "/auth "+codes[0]))
		w.expectOne(w.ui("auth_done"))
		w.disown()
		w.stop()
		<-w.ended
		w = newWorldOn(t, func(c *fakeChannel) { c.login = "l1" }, options)
		synctest.Wait()
		if len(codes) != 1 {
			t.Errorf("another code though somebody has paired: %q", codes)
		}
		w.relogin("l2")
		if len(codes) != 2 {
			t.Errorf("codes %q after a new login", codes)
		}
		w.hear(private("@carl", "/auth "+codes[0]))
		w.hear(private("@carl", "/auth "+codes[1]))
		w.expectOne(w.ui("auth_done"))
	})
}

// expectOne checks that something was among what was said since the last call.
func (w *world) expectOne(want string) {
	w.Helper()
	got := w.texts()
	for _, text := range got {
		if text == want {
			return
		}
	}
	w.Fatalf("said %q, not %q", got, want)
}
