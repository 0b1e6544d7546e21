package bot

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/diagbot/diagbot/troubleshoot"
)

const (
	stormGroups   = 20
	stormInGroup  = 10
	stormPrivates = 30
)

// storm is a crowd that asks while the AI service is down.
type storm struct {
	*world
	store Store
	said  []utterance
	asked map[string]int    // by private chat
	last  map[string]string // the latest question, by chat and asker
	n     int
}

// begin starts a world on the store, or goes on in another process.
func (s *storm) begin(t *testing.T) {
	s.world = newWorld(t, func(o *Options) {
		atDesk(s.store)(o)
		o.Location = time.UTC
		o.Completer.(*fakeCompleter).answer = failing(down())
	})
	synctest.Wait()
}

// end stops the process.
func (s *storm) end() {
	s.stop()
	if err := <-s.ended; err != nil {
		s.Error(err)
	}
	s.gather()
}

func (s *storm) gather() {
	synctest.Wait()
	s.said = append(s.said, s.channel.take()...)
}

// rage has everybody ask again and again for so long: in groups every 100 seconds,
// in private every 40.
func (s *storm) rage(span time.Duration) {
	for begun := time.Now(); time.Since(begun) < span; time.Sleep(time.Second) {
		second := int(time.Since(begun) / time.Second)
		for i := range stormGroups * stormInGroup {
			if second%100 == i%100 {
				s.ask(inGroup(fmt.Sprint("group", i%stormGroups), fmt.Sprint("member", i), ""))
			}
		}
		for i := range stormPrivates {
			if second%40 == i {
				who := fmt.Sprint("friend", i)
				s.ask(private(who, ""))
				s.asked[who]++
			}
		}
	}
	s.gather()
}

func (s *storm) ask(m Message) {
	s.n++
	m.Text = fmt.Sprint("question ", s.n)
	s.last[m.Chat.ID+" "+m.Sender.ID] = m.Text
	s.hear(m)
}

// to returns what was said in a chat.
func (s *storm) to(chat string) (all []utterance) {
	for _, u := range s.said {
		if u.to.ID == chat {
			all = append(all, u)
		}
	}
	return all
}

func newStorm(t *testing.T) *storm {
	s := &storm{store: newMemory(0), asked: make(map[string]int), last: make(map[string]string)}
	s.begin(t)
	return s
}

func down() *troubleshoot.Fault {
	return &troubleshoot.Fault{Source: troubleshoot.SourceAPI, Provider: "openai", Net: troubleshoot.NetDNS, Phase: troubleshoot.PhaseDial}
}

// recover has the AI service answer again.
func (s *storm) recover() { s.completer.willWholly(answers("openai")) }

// judgeGroups holds that no group heard of the failure twice in ten minutes, and
// that all did.
func (s *storm) judgeGroups() {
	s.Helper()
	for g := range stormGroups {
		var told []time.Time
		for _, u := range s.to(fmt.Sprint("@@group", g)) {
			if !strings.Contains(u.text, "echo:") {
				told = append(told, u.at)
			}
		}
		if len(told) == 0 {
			s.Errorf("group %d heard nothing", g)
		}
		for i := 1; i < len(told); i++ {
			if gap := told[i].Sub(told[i-1]); gap < groupWindow {
				s.Errorf("group %d heard of it again after %v", g, gap)
			}
		}
	}
}

// judgePrivates holds that everyone in private was answered each time: at length
// at first, and then in short.
func (s *storm) judgePrivates(atLength int) {
	s.Helper()
	for i := range stormPrivates {
		who := fmt.Sprint("friend", i)
		long, short := 0, 0
		for _, u := range s.to(who) {
			switch {
			case strings.Contains(u.text, "echo:"):
			case strings.Contains(u.text, s.ui("told_user")):
				long++
			case strings.HasPrefix(u.text, s.relay.catalogue().Title("dns-failure", "en")+"\n(DNS · "):
				short++
			default:
				s.Errorf("%s was told %q", who, u.text)
			}
		}
		if long > atLength || long == 0 || long+short != s.asked[who] {
			s.Errorf("%s asked %d times, and was told %d times at length and %d in short", who, s.asked[who], long, short)
		}
	}
}

// judgeKept holds that the latest question of everybody, and no other, was answered
// once.
func (s *storm) judgeKept() {
	s.Helper()
	want := make(map[string]int)
	for who, text := range s.last {
		chat, asker, _ := strings.Cut(who, " ")
		if answer := "echo: " + text; strings.HasPrefix(chat, "@@") {
			want[chat+" @"+asker+"\u2005echo: "+asker+": "+text]++
		} else {
			want[chat+" "+answer]++
		}
	}
	for _, u := range s.said {
		if strings.Contains(u.text, "echo:") {
			want[u.to.ID+" "+u.text]--
		}
	}
	for what, n := range want {
		if n != 0 {
			s.Errorf("%q is missing %d times", what, n)
		}
	}
}

// judgeAdmin holds that the owner heard of it once, and of its end.
func (s *storm) judgeAdmin() {
	s.Helper()
	told := s.to("filehelper")
	if len(told) != 2 || !strings.HasPrefix(told[0].text, "Name lookup failed (DNS · ") || !strings.HasPrefix(told[1].text, "Recovered: Name lookup failed (DNS · ") {
		s.Errorf("the owner was told %v", told)
		return
	}
	ref := told[0].text[strings.Index(told[0].text, "· ")+len("· "):][:refLen]
	if !strings.Contains(told[1].text, ref) {
		s.Errorf("%s is missing in %q", ref, told[1].text)
	}
}

func TestStorm(t *testing.T) {
	if _, err := catalogue(); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		s := newStorm(t)
		begun := time.Now()
		s.rage(10 * time.Minute)
		if trials, most := len(s.completer.asked())-s.n, int(time.Since(begun)/trialEvery); trials > most || trials < most/2 {
			s.Errorf("%d trials in %v", trials, time.Since(begun))
		}
		if n := len(s.to("filehelper")); n != 1 {
			s.Errorf("the owner was told %d times", n)
		}
		s.recover()
		time.Sleep(trialEvery)
		s.gather()
		s.judgeGroups()
		s.judgePrivates(1)
		s.judgeKept()
		time.Sleep(quietTime + time.Minute)
		s.gather()
		s.judgeAdmin()
		if n := open(t, s.store); n != 0 {
			t.Errorf("%d messages are not done", n)
		}
		kept, err := s.store.Settings(t.Context(), scopeKept)
		if err != nil || len(kept) != 0 {
			t.Errorf("%d marks are left, %v", len(kept), err)
		}
	})
}

// TestRestartInAStorm stops the process in the middle of one, and once more before
// it ends.
func TestRestartInAStorm(t *testing.T) {
	if _, err := catalogue(); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		s := newStorm(t)
		s.rage(4 * time.Minute)
		s.end()
		time.Sleep(30 * time.Second)
		s.begin(t)
		time.Sleep(time.Minute)
		s.gather()
		if n := len(s.completer.asked()); n > 3 {
			t.Errorf("%d questions were asked again at once", n)
		}
		s.rage(4 * time.Minute)
		s.end()
		s.begin(t)
		s.recover()
		time.Sleep(trialEvery + time.Second)
		s.gather()
		s.judgeGroups()
		s.judgePrivates(2)
		s.judgeKept()
		time.Sleep(quietTime + time.Minute)
		s.gather()
		s.judgeAdmin()
		if n := open(t, s.store); n != 0 {
			t.Errorf("%d messages are not done", n)
		}
	})
}

// TestStormWithoutAStore stops a process whose questions nobody can keep: everyone
// who was promised an answer hears that there will be none.
func TestStormWithoutAStore(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.completer.will(failing(down()))
		for i := range 20 {
			w.hear(private(fmt.Sprint("friend", i), "hi"))
		}
		w.texts()
		w.stop()
		if err := <-w.ended; err != nil {
			t.Error(err)
		}
		want := slices.Repeat([]string{w.entry(entryRestarting, troubleshoot.AudienceUser)}, 20)
		w.expect(want...)
	})
}
