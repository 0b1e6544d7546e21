package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/diagbot/diagbot/internal/pgtest"
	"github.com/diagbot/diagbot/internal/simllm"
	"github.com/diagbot/diagbot/internal/simwechat"
)

// TestReloadReachesOtherProcesses: each reads its own files, once; the one that was
// asked knows how many there are, and of those that could not.
func TestReloadReachesOtherProcesses(t *testing.T) {
	t.Parallel()
	pg := new(pgtest.Server)
	t.Cleanup(pg.Close)
	database := pg.Database(t)
	ai, err := simllm.Start(simllm.Options{Keys: []string{"sk-main-key-0123456789"}, Models: []string{"small"}})
	must(t, err)
	t.Cleanup(func() { _ = ai.Close() })
	a, b := newMember(t, database, ai.URL(), "one"), newMember(t, database, ai.URL(), "two")
	reload := func(others int) {
		t.Helper()
		if done, err := a.Reload(t.Context()); err != nil || done.Others != others || done.Unasked {
			t.Errorf("%+v, %v", done, err)
		}
	}
	expect := func(m *member, want string) {
		t.Helper()
		if got := m.state(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	logged := func(m *member, what string, times int) {
		t.Helper()
		if got := strings.Count(m.log.String(), what); got != times {
			t.Errorf("%q %d times in %s", what, got, m.log.String())
		}
	}
	a.look(t)
	reload(0)
	b.look(t) // it has begun before that was asked
	logged(b, "was read again", 1)
	a.look(t)
	a.look(t)
	logged(a, "was read again", 0)

	must(t, a.Cool(t.Context(), "second"))
	must(t, os.WriteFile(b.file, configOf(ai.URL(), "first", "second", "third"), 0o600))
	reload(1)
	expect(a, "first main small, second held main small")
	for range 3 {
		b.look(t)
		a.look(t)
	}
	expect(b, "first main small, second held main small, third main small")
	expect(a, "first main small, second held main small")
	logged(b, "was read again", 2)

	must(t, os.WriteFile(b.file, []byte("providers: {secret: sk-0123456789abcdefghij}\n"), 0o600))
	reload(1)
	for range 3 {
		b.look(t)
		a.look(t)
	}
	expect(b, "first main small, second held main small, third main small")
	logged(b, "was not read again", 1)
	logged(a, "did not read its configuration again", 1)
	must(t, os.WriteFile(b.file, configOf(ai.URL(), "first"), 0o600))
	reload(1)
	for range 2 {
		b.look(t)
		a.look(t)
	}
	expect(b, "first main small")
	logged(a, "did not read its configuration again", 1)

	// Who comes later has read its files, and hears of no earlier trouble.
	must(t, a.account.Release(t.Context()))
	c := newMember(t, database, ai.URL(), "one")
	c.look(t)
	c.look(t)
	logged(c, "read again", 0)
	logged(c, "did not read", 0)
	b.part(t.Context())
	c.look(t)
	if n := c.peers.count(); n != 0 {
		t.Errorf("%d others, but one is gone and the other has its name", n)
	}
	if strings.Contains(a.log.String()+b.log.String(), "sk-0123456789abcdefghij") {
		t.Error("a secret is logged")
	}
}

// TestPeers: who signs is there, whatever its clock says, and who stops is not.
func TestPeers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPeers(nil, "me")
		signed := make(map[string]string)
		write := func(node string, s signature) {
			raw, err := json.Marshal(s)
			must(t, err)
			signed[node] = string(raw)
		}
		see := func(count int, failed ...string) {
			t.Helper()
			got, lost := p.see(signed, time.Now())
			if p.count() != count || len(got) != len(failed) || len(lost) > 0 {
				t.Errorf("%d others, failed %v, lost %v", p.count(), got, lost)
			}
			for _, node := range failed {
				if got[node] == "" {
					t.Errorf("no failure of %s in %v", node, got)
				}
			}
		}
		began := time.Now()
		old := signature{At: began.Add(-time.Hour), Asked: began, Failed: "old"}
		write("right", signature{At: began})
		write("behind", old)
		write("dead", old)
		signed["odd"] = "{"
		see(1)
		for range 5 {
			time.Sleep(followEvery)
			old.At = old.At.Add(followEvery)
			write("behind", old)
			write("right", signature{At: time.Now()})
			see(2)
		}
		old.At, old.Asked, old.Failed = old.At.Add(1), began.Add(1), "new"
		write("behind", old)
		see(2, "behind")
		old.At = old.At.Add(1)
		write("behind", old)
		see(2)
		time.Sleep(goneAfter)
		see(0)
		time.Sleep(lostAfter)
		if _, lost := p.see(signed, time.Now()); !slices.Equal(lost, []string{"behind", "dead", "odd", "right"}) {
			t.Errorf("lost %q", lost)
		}
		for i := range 2 * maxPeers {
			write(fmt.Sprint("many ", i), signature{At: time.Now()})
		}
		p.see(signed, time.Now())
		if len(p.all) > maxPeers {
			t.Errorf("%d are known", len(p.all))
		}
		p.see(nil, time.Now())
		if len(p.all) > 0 {
			t.Errorf("%d are known", len(p.all))
		}
	})
}

// TestReloadOfACluster: the admin who sends /reload reads that the others follow, and
// which of them could not.
func TestReloadOfACluster(t *testing.T) {
	t.Parallel()
	pg := new(pgtest.Server)
	t.Cleanup(pg.Close)
	n := newInternet(t)
	n.env = append(n.env, "DIAGBOT_STORE_URL="+pg.Database(t))
	file := func(data string) string { return filepath.Join(data, "config.yaml") }
	begin := func(node string) (*process, string) {
		data := t.TempDir()
		must(t, os.WriteFile(file(data), []byte("node: "+node+"\ndata_dir: '"+data+"'\n"), 0o600))
		n.env = append(n.env, "DIAGBOT_DATA_DIR="+data)
		return n.start(t, "serve", "--config", file(data), "--lang", "en"), data
	}
	a, _ := begin("left")
	a.waitFor(t, "Answering.")
	b, second := begin("right")
	b.waitFor(t, "Waiting to take over")
	do := func(text, want string) {
		t.Helper()
		n.wechat.SayFromPhone("filehelper", text)
		n.said(t, "filehelper", want)
	}
	do("/lang en", "")
	for i := 0; !n.hasSaid("My other machines read their own files within 15 seconds."); i++ { // until they have met
		if i == 30 {
			t.Fatalf("said %+v", n.wechat.Sent())
		}
		n.wechat.SayFromPhone("filehelper", fmt.Sprint("/reload ", i)) // the same words would be taken for a copy
		time.Sleep(time.Second)
	}
	b.waitFor(t, "the configuration was read again")
	must(t, os.WriteFile(file(second), []byte("providers: 1\n"), 0o600))
	do("/reload now", "nothing is different")
	n.said(t, "filehelper", "The machine right couldn't read its configuration again and goes on as before: ")
	for _, p := range []*process{b, a} {
		if status := p.stop(t); status != 0 {
			t.Errorf("status %d", status)
		}
	}
}

func (n *internet) hasSaid(what string) bool {
	return slices.ContainsFunc(n.wechat.Sent(), func(s simwechat.Sent) bool { return strings.Contains(s.Text, what) })
}
