package alert

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// shelf keeps notes as a store would.
type shelf struct {
	mu   sync.Mutex
	kept map[[2]string]Note
}

func (s *shelf) note(n Note) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kept == nil {
		s.kept = map[[2]string]Note{}
	}
	if key := [2]string{n.Target, n.Key}; n.Told.IsZero() {
		delete(s.kept, key)
	} else {
		s.kept[key] = n
	}
}

// of returns what is kept of an account.
func (s *shelf) of(account string) (all []Note) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.kept {
		if n.Account == account {
			all = append(all, n)
		}
	}
	return all
}

// TestKnownAfterRestart: what the targets were told holds for the next Alerter: when
// to tell it again, and to whom that it is over.
func TestKnownAfterRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s shelf
		var refused bool
		w := newWire(func(r *http.Request, _ int) (*http.Response, error) {
			if refused && r.URL.Hostname() == "deaf" {
				return respond(403, "")
			}
			return respond(200, "")
		})
		next := func() *Alerter {
			a := start(t, w, Options{Noted: s.note}, "h", "deaf")
			a.Recall("one", s.of("one"))
			return a
		}
		trouble := Alert{Key: "one/login", Title: "lost", Account: "one"}
		over := Alert{Key: "one/login", Title: "back", Account: "one", Recovered: true}
		say := func(a *Alerter, alerts ...Alert) {
			for _, al := range alerts {
				a.Tell(al)
				synctest.Wait()
			}
		}
		refused = true
		began := time.Now()
		a := next()
		say(a, trouble)
		closed(t, a)
		refused = false
		time.Sleep(Every / 2)
		a = next()
		say(a, trouble) // "deaf" has not heard it
		closed(t, a)
		time.Sleep(Every / 2)
		a = next()
		say(a, trouble) // "h" has heard it six hours ago
		if got := s.of("one"); len(got) != 2 || !got[0].Since.Equal(began) && !got[1].Since.Equal(began) {
			t.Errorf("kept %+v", got)
		}
		closed(t, a)
		a = next()
		say(a, over, over)
		closed(t, a)
		a = next()
		say(a, over, trouble)
		closed(t, a)
		if got := w.posted("h"); got != "lost lost +back lost" {
			t.Error(got)
		}
		if got := w.posted("deaf"); got != "lost lost +back lost" {
			t.Error(got)
		}
	})
}

// TestRecoveryThatDidNotGoOut is told by the next Alerter; one that was given up is not.
func TestRecoveryThatDidNotGoOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s shelf
		broken := false
		w := newWire(func(r *http.Request, n int) (*http.Response, error) {
			if broken {
				return down(r, n)
			}
			return respond(200, "")
		})
		a := start(t, w, Options{Noted: s.note}, "h")
		a.Tell(Alert{Key: "k", Title: "k", Account: "one"})
		synctest.Wait()
		broken = true
		a.Tell(Alert{Key: "k", Title: "over", Account: "one", Recovered: true})
		synctest.Wait()
		if a.Close(t.Context()) == nil || len(s.of("one")) != 1 {
			t.Errorf("kept %+v", s.of("one"))
		}
		a = start(t, w, Options{Noted: s.note}, "h")
		a.Recall("one", s.of("one"))
		a.Tell(Alert{Key: "k", Title: "over", Account: "one", Recovered: true})
		time.Sleep(GiveUp)
		if len(s.of("one")) != 0 {
			t.Errorf("kept %+v", s.of("one"))
		}
		closed(t, a)
	})
}

// TestRecall: another account's troubles, what is fleeting and what is on its way
// stay; times and notes that make no sense do no harm.
func TestRecall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire(fine)
		noted := 0
		a := start(t, w, Options{Noted: func(Note) { noted++ }}, "h")
		for _, al := range []Alert{
			{Key: "one/store", Account: "one", Fleeting: true}, {Key: "one/login", Account: "one"}, {Key: "two/login", Account: "two"},
		} {
			al.Title = al.Key
			a.Tell(al)
		}
		synctest.Wait()
		if noted != 2 {
			t.Errorf("%d notes", noted)
		}
		ahead := time.Now().Add(1000 * time.Hour)
		a.Recall("one", []Note{
			{Target: "h", Key: "one/ahead", Told: ahead, Heard: map[string]time.Time{"": ahead}, Every: 1000 * time.Hour},
			{Target: "h", Key: "one/never"}, {Target: "gone", Key: "one/elsewhere", Told: time.Now()},
		})
		tell := func(recovered bool, keys ...string) {
			for _, key := range keys {
				a.Tell(Alert{Key: key, Title: key, Account: key[:3], Recovered: recovered})
			}
			synctest.Wait()
		}
		tell(true, "one/login", "one/never", "one/elsewhere")
		tell(false, "one/ahead")
		time.Sleep(Every)
		tell(false, "one/ahead")
		tell(true, "one/store", "two/login")
		closed(t, a)
		if got := w.posted("h"); got != "one/store one/login two/login one/ahead +one/store +two/login" {
			t.Error(got)
		}
	})
}

// TestAlso: who knows of several troubles that end at once hears of it once; each
// may be told as often as it asks for.
func TestAlso(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire(fine)
		a := start(t, w, Options{}, "h")
		began := time.Now()
		tell := func(al Alert) {
			a.Tell(al)
			synctest.Wait()
		}
		tell(Alert{Key: "lost", Title: "lost"})
		tell(Alert{Key: "scan", Title: "scan", Every: time.Hour})
		time.Sleep(time.Hour)
		tell(Alert{Key: "lost", Title: "lost"})
		tell(Alert{Key: "scan", Title: "scan", Every: time.Hour})
		over := Alert{Key: "lost", Title: "over", Recovered: true, Also: []string{"scan", "other"}}
		tell(over)
		tell(over)
		tell(Alert{Key: "scan", Title: "anew", Every: time.Hour})
		tell(over)
		closed(t, a)
		if got := w.posted("h"); got != "lost scan scan +over anew +over" {
			t.Error(got)
		}
		al := Alert{At: began.Add(time.Hour), since: began}
		if got := al.foot(); !strings.Contains(got, " – ") || strings.Contains(got, "\n") {
			t.Error(got)
		}
	})
}

// TestOverWhileOnItsWay: the link of a login is being delivered when somebody scans.
func TestOverWhileOnItsWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w *wire
		release := slow(&w)
		a := start(t, w, Options{}, "h")
		a.Tell(Alert{Key: "scan", Title: "scan"})
		synctest.Wait()
		a.Tell(Alert{Key: "lost", Title: "over", Recovered: true, Also: []string{"scan"}})
		release <- true
		release <- true
		synctest.Wait()
		closed(t, a)
		if got := w.posted("h"); got != "scan +over" {
			t.Error(got)
		}
	})
}

// TestAbout: of another cause of a trouble a target is told at once, of each as often
// as of a trouble, also by the next Alerter; it is one trouble that ends.
func TestAbout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s shelf
		w := newWire(fine)
		a := start(t, w, Options{Noted: s.note}, "h")
		tell := func(about ...string) {
			for _, what := range about {
				a.Tell(Alert{Key: "one/login", Title: what, About: what, Account: "one"})
				synctest.Wait()
			}
		}
		tell("net", "net", "kicked", "net")
		time.Sleep(Every / 2)
		closed(t, a)
		a = start(t, w, Options{Noted: s.note}, "h")
		a.Recall("one", s.of("one"))
		tell("kicked", "refused", "net", "refused")
		time.Sleep(Every / 2)
		tell("net", "refused")
		for i := range 3 * maxAbout {
			tell(fmt.Sprint(i))
		}
		if p := a.posts[0].troubles["one/login"]; len(p.hold) > maxAbout || len(p.heard) > maxAbout || len(s.of("one")[0].Heard) > maxAbout {
			t.Errorf("%d, %d, %d", len(p.hold), len(p.heard), len(s.of("one")[0].Heard))
		}
		a.Tell(Alert{Key: "one/login", Title: "over", Account: "one", Recovered: true})
		synctest.Wait()
		closed(t, a)
		got := strings.Fields(w.posted("h"))
		if n := len(got); n != 5+3*maxAbout || strings.Join(got[:4], " ") != "net kicked refused net" || got[n-1] != "+over" || len(s.of("one")) > 0 {
			t.Error(got)
		}
	})
}

// TestAnotherCauseOnTheWay takes the place of one that waits, and follows one that is
// being delivered.
func TestAnotherCauseOnTheWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w *wire
		release := slow(&w)
		a := start(t, w, Options{}, "h")
		for _, al := range []Alert{{Key: "a", About: "1"}, {Key: "b", About: "1"}, {Key: "b", About: "2"}, {Key: "a", About: "2"}, {Key: "a", About: "1"}, {Key: "a", About: "3"}} {
			al.Title = al.Key + al.About
			a.Tell(al)
			synctest.Wait()
		}
		for range 3 {
			release <- true
			synctest.Wait()
		}
		closed(t, a)
		if got := w.posted("h"); got != "a1 b2 a3" {
			t.Error(got)
		}
	})
}
