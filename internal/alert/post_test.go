package alert

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// wire is a transport that answers as told and notes what it was asked.
type wire struct {
	answer func(r *http.Request, n int) (*http.Response, error) // n counts from 1, per host

	mu   sync.Mutex
	seen map[string][]string // what was posted, by host: "title" or "+title" for a recovery
	at   map[string][]time.Duration
	from time.Time
}

func newWire(answer func(*http.Request, int) (*http.Response, error)) *wire {
	return &wire{answer: answer, seen: map[string][]string{}, at: map[string][]time.Duration{}, from: time.Now()}
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	var m Message
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
		return nil, err
	}
	title := m.Title
	if m.State == "recovered" {
		title = "+" + title
	}
	w.mu.Lock()
	h := r.URL.Hostname()
	w.seen[h] = append(w.seen[h], title)
	w.at[h] = append(w.at[h], time.Since(w.from))
	n := len(w.seen[h])
	w.mu.Unlock()
	return w.answer(r, n)
}

func (w *wire) posted(host string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.seen[host], " ")
}

func (w *wire) times(host string) []time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]time.Duration(nil), w.at[host]...)
}

func respond(status int, body string, header ...string) (*http.Response, error) {
	h := http.Header{}
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}, nil
}

func fine(*http.Request, int) (*http.Response, error) { return respond(200, "") }

func down(*http.Request, int) (*http.Response, error) { return nil, errors.New("connection refused") }

// to returns generic targets at the hosts.
func to(hosts ...string) []Target {
	var all []Target
	for _, h := range hosts {
		all = append(all, Target{Name: h, Kind: KindGeneric, URL: "https://" + h + "/secret-token-of-" + h})
	}
	return all
}

func start(t *testing.T, w *wire, o Options, hosts ...string) *Alerter {
	t.Helper()
	o.Targets, o.Transport = to(hosts...), w
	a, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func closed(t *testing.T, a *Alerter) {
	t.Helper()
	if err := a.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestThrottle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire(fine)
		a := start(t, w, Options{}, "h")
		tell := func(key, title string, recovered bool) {
			a.Tell(Alert{Key: key, Title: title, Recovered: recovered})
			synctest.Wait()
		}
		tell("b", "never-told", true)
		tell("a", "one", false)
		tell("a", "again", false)
		tell("b", "other", false)
		time.Sleep(Every - time.Second)
		tell("a", "early", false)
		time.Sleep(time.Second)
		tell("a", "six-hours", false)
		tell("a", "over", true)
		tell("a", "over-twice", true)
		tell("a", "anew", false)
		closed(t, a)
		if got, want := w.posted("h"), "one other six-hours +over anew"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

func TestRetriesWithGrowingPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire(func(_ *http.Request, n int) (*http.Response, error) {
			switch n {
			case 1:
				return nil, errors.New("connection refused")
			case 2:
				return respond(503, "busy")
			case 3:
				return respond(429, "", "Retry-After", "100")
			}
			return respond(204, "")
		})
		a := start(t, w, Options{}, "h")
		a.Tell(Alert{Title: "x"})
		time.Sleep(5 * time.Minute)
		at := w.times("h")
		if len(at) != 4 || at[0] != 0 || !about(at[1], 3*time.Second) || !about(at[2]-at[1], 6*time.Second) || at[3]-at[2] != 100*time.Second {
			t.Error(at)
		}
		closed(t, a)
	})
}

func about(d, want time.Duration) bool { return d >= want*4/5 && d <= want*6/5 }

func TestGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		w := newWire(down)
		a := start(t, w, Options{Logger: slog.New(slog.NewTextHandler(&log, nil))}, "h")
		a.Tell(Alert{Key: "k", Title: "x"})
		time.Sleep(time.Hour)
		at := w.times("h")
		if last := at[len(at)-1]; last > GiveUp || last < 20*time.Minute || len(at) < 8 || len(at) > 20 {
			t.Error(at)
		}
		a.Tell(Alert{Key: "k", Title: "over", Recovered: true}) // nobody was told
		synctest.Wait()
		closed(t, a)
		if strings.Contains(w.posted("h"), "over") || !strings.Contains(log.String(), `msg="alert not delivered" target=h kind=generic alert=k`) {
			t.Error(w.posted("h"), log.String())
		}
		if strings.Contains(log.String(), "secret-token") {
			t.Error("the log has the address:", log.String())
		}
	})
}

func TestRefusedForGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire(func(*http.Request, int) (*http.Response, error) { return respond(403, "") })
		a := start(t, w, Options{}, "h")
		for range 5 { // the caller repeats itself: the target is left alone for a while
			a.Tell(Alert{Title: "x"})
			time.Sleep(10 * time.Minute)
		}
		if at := w.times("h"); len(at) != 2 || at[1] != GiveUp {
			t.Error(at)
		}
		closed(t, a)
	})
}

func TestDeadBesideLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck := make(chan struct{})
		w := newWire(func(r *http.Request, _ int) (*http.Response, error) {
			if r.URL.Hostname() == "dead" {
				select {
				case <-stuck:
				case <-r.Context().Done():
				}
				return nil, context.Cause(r.Context())
			}
			return respond(200, "")
		})
		a := start(t, w, Options{}, "dead", "live")
		for i := range 3 {
			a.Tell(Alert{Title: fmt.Sprint("t", i)})
		}
		synctest.Wait()
		if got := w.posted("live"); got != "t0 t1 t2" {
			t.Error(got)
		}
		if time.Since(w.from) != 0 {
			t.Error("it took", time.Since(w.from))
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if err := a.Close(ctx); err == nil || err.Error() != "close alerts: 3 not delivered" {
			t.Error(err)
		}
		if took := time.Since(w.from); took != 5*time.Second {
			t.Error("closing took", took)
		}
		close(stuck)
	})
}

func TestCloseFlushes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire(func(_ *http.Request, n int) (*http.Response, error) {
			if n < 4 {
				return nil, errors.New("network is down")
			}
			return respond(200, "")
		})
		a := start(t, w, Options{}, "h")
		a.Tell(Alert{Title: "first"})
		time.Sleep(11 * time.Second) // three attempts failed
		synctest.Wait()
		a.Tell(Alert{Title: "stopped"})
		before := time.Since(w.from)
		closed(t, a)
		if took := time.Since(w.from) - before; took > 5*time.Second {
			t.Error("closing took", took)
		}
		a.Tell(Alert{Title: "late"})
		closed(t, a)
		if got := w.posted("h"); got != "first first first first stopped" {
			t.Error(got)
		}
	})
}

func TestCloseTriesEach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire(down)
		a := start(t, w, Options{}, "h")
		for _, title := range []string{"one", "two", "stopped"} {
			a.Tell(Alert{Title: title})
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if err := a.Close(ctx); err == nil || err.Error() != "close alerts: 3 not delivered" {
			t.Error(err)
		}
		if got := w.posted("h"); !strings.HasPrefix(got, "one one two two stopped stopped stopped") {
			t.Error(got)
		}
	})
}

func TestRecoveryOvertakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire(down)
		a := start(t, w, Options{}, "h")
		a.Tell(Alert{Key: "stuck", Title: "stuck"})
		a.Tell(Alert{Key: "queued", Title: "queued"})
		synctest.Wait()
		a.Tell(Alert{Key: "queued", Title: "over", Recovered: true}) // taken back unsent
		a.Tell(Alert{Key: "stuck", Title: "over", Recovered: true})  // no more attempts
		synctest.Wait()
		closed(t, a)
		if got := w.posted("h"); got != "stuck" {
			t.Error(got)
		}
	})
}

// slow answers each request when told.
func slow(w **wire) (release chan bool) {
	release = make(chan bool)
	*w = newWire(func(*http.Request, int) (*http.Response, error) {
		if <-release {
			return respond(200, "")
		}
		return respond(400, "")
	})
	return release
}

func TestToldWhileOnItsWay(t *testing.T) {
	for _, c := range []struct {
		name      string
		delivered bool
		meanwhile string // r: recovered, t: trouble
		want      string
	}{
		{"delivered", true, "r", "x +x"},
		{"refused", false, "r", "x"},
		{"delivered, and again", true, "rt", "x"},
		{"refused, and again", false, "rt", "x x"},
		{"over in the end", true, "rtr", "x +x"},
		{"the same", true, "tt", "x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var w *wire
				release := slow(&w)
				a := start(t, w, Options{}, "h")
				a.Tell(Alert{Key: "k", Title: "x"})
				synctest.Wait()
				for _, m := range c.meanwhile {
					a.Tell(Alert{Key: "k", Title: "x", Recovered: m == 'r'})
				}
				release <- c.delivered
				close(release) // all else is refused
				synctest.Wait()
				_ = a.Close(t.Context())
				if got := w.posted("h"); got != c.want {
					t.Errorf("got %q, want %q", got, c.want)
				}
			})
		})
	}
}

func TestReminderIsTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var broken atomic.Bool
		w := newWire(func(r *http.Request, n int) (*http.Response, error) {
			if !broken.Load() {
				return respond(200, "")
			}
			return down(r, n)
		})
		a := start(t, w, Options{}, "h")
		a.Tell(Alert{Key: "k", Title: "k"})
		time.Sleep(Every)
		broken.Store(true)
		a.Tell(Alert{Key: "other", Title: "other"})
		a.Tell(Alert{Key: "k", Title: "k"})
		synctest.Wait()
		a.Tell(Alert{Key: "k", Title: "over", Recovered: true}) // it was told of six hours ago
		broken.Store(false)
		time.Sleep(time.Minute)
		closed(t, a)
		if got := w.posted("h"); got != "k other other +over" {
			t.Error(got)
		}
	})
}

func TestBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w *wire
		release := slow(&w)
		a := start(t, w, Options{}, "h")
		a.Tell(Alert{Title: "first"})
		synctest.Wait()
		for i := range 3 * maxKeys {
			a.Tell(Alert{Title: fmt.Sprint(i)})
		}
		if p := a.posts[0]; len(p.queue) != maxQueue || len(p.troubles) > maxKeys {
			t.Error(len(p.queue), len(p.troubles))
		}
		close(release)
		_ = a.Close(t.Context())
		got := strings.Fields(w.posted("h"))
		if len(got) != maxQueue+1 || got[1] != fmt.Sprint(3*maxKeys-maxQueue) {
			t.Error(len(got), got)
		}
	})
}

func TestPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire(func(_ *http.Request, n int) (*http.Response, error) {
			if n == 1 {
				panic("secret-token")
			}
			return respond(200, "")
		})
		a := start(t, w, Options{}, "h")
		a.Tell(Alert{Title: "one"})
		a.Tell(Alert{Title: "two"})
		synctest.Wait()
		closed(t, a)
		if got := w.posted("h"); got != "one two" {
			t.Error(got)
		}
	})
}

func TestNoTargets(t *testing.T) {
	a, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	a.Tell(Alert{Title: "x"})
	if r := a.Test(t.Context(), Alert{}); len(r) != 0 {
		t.Error(r)
	}
	closed(t, a)
	closed(t, a)
}
