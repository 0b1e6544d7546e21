package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/diagbot/diagbot/internal/alert"
	"github.com/diagbot/diagbot/internal/pgtest"
	"github.com/diagbot/diagbot/internal/simwechat"
	"github.com/diagbot/diagbot/internal/store"
)

// pages returns the alerts in a few words, as they came.
func (p *pager) pages() (all []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, g := range p.got {
		all = append(all, g.State+" "+g.Key)
	}
	return all
}

// once checks that an alert came just once.
func (p *pager) once(t *testing.T, want string) {
	t.Helper()
	if all := p.pages(); strings.Count(strings.Join(all, ", ")+", ", want+", ") != 1 {
		t.Errorf("%q is not once among %q", want, all)
	}
}

// TestRefusedIsToldOnceOverRestarts: somebody restarts a bot that WeChat refuses, and
// restarts it again. They are told once, and once that it is over.
func TestRefusedIsToldOnceOverRestarts(t *testing.T) {
	t.Parallel()
	n := newInternet(t)
	alerts := newPager(t, n, "")
	n.wechat.RefuseLogin(1203, "")
	for range 3 {
		if status := n.start(t, "serve").status(t); status != int(statusLost) {
			t.Fatalf("status %d", status)
		}
	}
	alerts.once(t, "trouble main/login")
	n.wechat.RefuseLogin(0, "")
	for range 2 {
		p := n.start(t, "serve")
		p.waitFor(t, "Answering.")
		if status := p.stop(t); status != 0 {
			t.Errorf("status %d", status)
		}
	}
	alerts.once(t, "recovered main/login")
}

// TestAlertsAfterKill: what a process told that was killed, the next goes on with: it
// repeats neither the trouble nor, so soon, the link, and tells that it is over.
func TestAlertsAfterKill(t *testing.T) {
	t.Parallel()
	pg := new(pgtest.Server)
	t.Cleanup(pg.Close)
	for name, database := range map[string]func() string{
		"SQLite": func() string { return "" }, "PostgreSQL": func() string { return pg.Database(t) },
	} {
		t.Run(name, func(t *testing.T) {
			n := newInternetWith(t, sims{wechat: simwechat.Options{ScanDelay: -1}})
			alice := n.wechat.AddFriend(simwechat.Person{Nick: "Alice"})
			alerts := newPager(t, n, "")
			first, second := n.data, n.data
			if url := database(); url != "" {
				n.env = append(n.env, "DIAGBOT_STORE_URL="+url)
				second = t.TempDir() // of another process, which takes over
			}
			begin := func(dir string) *process {
				n.env = append(n.env, "DIAGBOT_DATA_DIR="+dir)
				return n.start(t, "serve")
			}
			p := begin(first)
			p.waitFor(t, "https://login.weixin.qq.com/l/")
			n.wechat.Scan()
			p.waitFor(t, "Answering.")
			alerts.wait(t, "recovered", "Logged in as")
			n.wechat.Say(alice, "Hello there!")
			n.answer(t, 1)
			n.wechat.Kick(1100)
			alerts.waitFor(t, "trouble main/login", 1)
			alerts.waitFor(t, "trouble main/scan", 2)
			time.Sleep(time.Second) // it is noted by now, or there is one alert more
			_ = p.Process.Kill()
			p.status(t)
			p = begin(second)
			p.waitFor(t, "https://login.weixin.qq.com/l/")
			n.wechat.Scan()
			p.waitFor(t, "Answering.")
			alerts.waitFor(t, "recovered main/login", 1)
			if status := p.stop(t); status != 0 {
				t.Errorf("status %d", status)
			}
			want := "trouble main/scan, recovered main/scan, trouble main/login, trouble main/scan, recovered main/login"
			if got := strings.Join(alerts.pages(), ", "); got != want {
				t.Errorf("told %s", got)
			}
		})
	}
}

// waitFor waits until an alert has come so many times.
func (p *pager) waitFor(t *testing.T, want string, times int) {
	t.Helper()
	for deadline := time.After(30 * time.Second); ; {
		if strings.Count(strings.Join(p.pages(), ", ")+", ", want+", ") >= times {
			return
		}
		select {
		case <-p.news:
		case <-deadline:
			t.Fatalf("%q did not come %d times: %q", want, times, p.pages())
		}
	}
}

// blackboard is a store of settings that may fail.
type blackboard struct {
	kept   map[string]string
	broken error
	writes int
}

func (b *blackboard) write(_ context.Context, account string, s store.Setting) error {
	b.writes++
	if b.broken != nil {
		return b.broken
	}
	if b.kept[s.Name] = s.Value; s.Value == "" {
		delete(b.kept, s.Name)
	}
	return nil
}

func (b *blackboard) settings(context.Context, string) (map[string]string, error) {
	all := make(map[string]string)
	for name, value := range b.kept {
		all[name] = value
	}
	return all, b.broken
}

// TestSlate: what cannot be written is written later, and known meanwhile.
func TestSlate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		b := &blackboard{kept: map[string]string{"broken": "{", "of nothing": "{}"}, broken: errors.New("no room")}
		s := newSlate(nil, slog.New(slog.NewTextHandler(&log, nil)))
		s.write = b.write
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); s.run(ctx) }()
		read := func(targets ...string) string {
			t.Helper()
			synctest.Wait()
			notes, err := s.read(ctx, "one", b.settings, targets)
			if err != nil {
				return err.Error()
			}
			var all []string
			for _, n := range notes {
				all = append(all, fmt.Sprint(n.Account, " ", n.Target, " ", n.Key, " ", time.Since(n.Told), " ", n.Every))
			}
			return strings.Join(all, ", ")
		}
		expect := func(got, want string) {
			t.Helper()
			if got != want {
				t.Errorf("%q, want %q", got, want)
			}
		}
		note := func(target, key string, told time.Time) {
			s.note(alert.Note{Target: target, Account: "one", Key: key, Told: told, Every: time.Hour})
			synctest.Wait()
		}
		note("desk", "one/login", time.Now())
		note("", "", time.Time{})
		s.note(alert.Note{Target: "desk", Key: "of no account", Told: time.Now()})
		expect(read("desk"), "no room")
		time.Sleep(time.Minute)
		synctest.Wait()
		if b.writes > 20 || strings.Count(log.String(), "not kept yet") != 1 {
			t.Errorf("%d writes, logged %s", b.writes, log.String())
		}
		b.broken = nil
		expect(read("desk"), "one desk one/login 1m0s 1h0m0s")
		time.Sleep(slateAgain)
		expect(read("desk"), "one desk one/login 1m5s 1h0m0s")
		if len(b.kept) != 1 {
			t.Errorf("kept %v", b.kept)
		}
		note("desk", "one/scan", time.Now())
		note("mail", "one/end", time.Now().Add(-slateFor+time.Hour))
		expect(read("desk", "mail"), "one desk one/scan 0s 5m0s, one desk one/login 1m5s 1h0m0s, one mail one/end 719h0m0s 1h0m0s")
		note("desk", "one/login", time.Time{})
		time.Sleep(time.Hour)
		expect(read("desk", "mail"), "one desk one/scan 1h0m0s 5m0s")
		expect(read("mail"), "")
		expect(read("desk"), "") // that it is no target any more was noted
		for i := range maxNotes + 5 {
			note("desk", fmt.Sprint("one/", i), time.Now().Add(time.Duration(i-1000)*time.Second))
		}
		read("desk")
		synctest.Wait()
		if len(b.kept) != maxNotes {
			t.Errorf("%d are kept", len(b.kept))
		}
		b.broken = errors.New("no room")
		for i := range 2 * maxWet {
			note("desk", fmt.Sprint("one/", i), time.Now())
		}
		if len(s.wet) > maxWet {
			t.Errorf("%d wait", len(s.wet))
		}
		cancel()
		<-ended
	})
}

// TestAffairsAfterRestart: an outage goes by the key that it was told by, whatever the
// name of the service; what is no such key is left alone.
func TestAffairsAfterRestart(t *testing.T) {
	var a affairs
	for _, key := range []string{"ai/gpt-401/a/b/5", "ai/gpt-401/", "ai/", "ai", "one/login", "ai/x", "ai//"} {
		a.recall("one", key)
	}
	if key, over := a.leaves("one", affair{"gpt-401", "a/b"}); !over || key != "ai/gpt-401/a/b/5" {
		t.Errorf("over %t by %q", over, key)
	}
}
