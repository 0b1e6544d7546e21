//go:build unix

package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/diagbot/diagbot/internal/pgtest"
)

// promised is how soon another process answers when one dies.
const promised = 15 * time.Second

// cluster is processes that share a database and an account.
type cluster struct {
	*internet
	*crowd
	t      *testing.T
	r      *rand.Rand
	nodes  []*node
	owner  *node
	breaks []time.Time // when an owner was killed or paused
	stop   func()      // people stop writing
}

// node is a place where a process runs, again and again.
type node struct {
	*process
	env  []string
	said int // how often it had begun to answer before
}

// newCluster starts processes on a database of their own, of which the first
// answers.
func newCluster(t *testing.T, pg *pgtest.Server, r *rand.Rand, size int) *cluster {
	t.Helper()
	n, c := newCrowd(t, 8, 400*time.Millisecond) // long enough for all to wait when the owner ends
	c.transit = 3 * time.Second                  // less than any takeover after a kill, and enough for a machine that is full
	k := &cluster{internet: n, crowd: c, t: t, r: r}
	n.env = append(n.env, "DIAGBOT_STORE_URL="+pg.Database(t))
	t.Cleanup(func() {
		for _, m := range k.nodes {
			_ = m.Process.Kill()
			_ = m.Cmd.Wait()
			if t.Failed() {
				t.Logf("a process said:\n%s", m.text())
			}
		}
		if t.Failed() {
			t.Logf("in short: %q", c.blames)
		}
	})
	for i := range size {
		m := &node{env: []string{"DIAGBOT_DATA_DIR=" + t.TempDir(), fmt.Sprint("DIAGBOT_NODE=node-", i)}}
		k.nodes = append(k.nodes, m)
		k.run(m)
		if k.owner == nil {
			k.owner = m
			m.waitFor(t, "Answering.")
			m.said++
		}
	}
	k.stop = c.start(t, r, 200*time.Millisecond)
	return k
}

// run starts the process of a node.
func (k *cluster) run(m *node) { m.process, m.said = k.launch(k.t, m.env, "serve"), 0 }

// standBy waits until all but the owner wait for their turn.
func (k *cluster) standBy() {
	for _, m := range k.nodes {
		if m != k.owner {
			m.waitFor(k.t, "Waiting to take over")
		}
	}
	time.Sleep(time.Duration(k.r.Int64N(int64(time.Second)))) // a random moment
}

// succeed waits for another process to answer, and returns how long that took.
func (k *cluster) succeed() time.Duration {
	k.t.Helper()
	since := time.Now()
	old := k.owner
	for k.owner = nil; k.owner == nil; time.Sleep(10 * time.Millisecond) { // polls several processes
		for _, m := range k.nodes {
			if m != old && strings.Count(m.text(), "Answering.") > m.said {
				k.owner = m
				m.said++
			}
		}
		if time.Since(since) > 2*promised {
			k.t.Fatal("nobody takes over")
		}
	}
	return time.Since(since)
}

// end waits until all is said, stops all processes and holds what was said
// against what was asked.
func (k *cluster) end() {
	k.t.Helper()
	k.stop()
	k.quiet(k.t)
	for _, m := range k.nodes {
		if m != k.owner {
			_ = m.process.stop(k.t)
		}
	}
	if status := k.owner.process.stop(k.t); status != 0 {
		k.t.Errorf("status %d", status)
	}
	k.settle(k.t, k.breaks)
	if codes := k.codes(); codes != 1 {
		k.t.Errorf("%d QR codes", codes)
	}
}

// TestCluster plays what happens to processes that share a database, all at the
// same time, because most of it is waiting for leases to end.
func TestCluster(t *testing.T) {
	t.Parallel()
	pg := new(pgtest.Server)
	t.Cleanup(pg.Close)
	pg.Database(t)                 // starts it, or skips the test
	rounds := max(1, breaks(20)/5) // of five clusters
	plays := map[string]struct {
		size int // processes
		play func(*cluster)
	}{
		"killed 1": {2, func(k *cluster) { k.kill(rounds) }},
		"killed 2": {2, func(k *cluster) { k.kill(rounds) }},
		"killed 3": {2, func(k *cluster) { k.kill(rounds) }},
		"killed 4": {2, func(k *cluster) { k.kill(rounds) }},
		"killed 5": {3, func(k *cluster) { k.kill(rounds) }},
		"paused":   {2, func(k *cluster) { k.pause((rounds + 1) / 2) }},
		"namesake": {2, (*cluster).rob},
		"rolling":  {3, func(k *cluster) { k.roll(2 * rounds) }},
	}
	var playing sync.WaitGroup
	for name, p := range plays {
		r := seedOf(t)
		playing.Go(func() {
			t.Run(name, func(t *testing.T) {
				k := newCluster(t, pg, r, p.size)
				p.play(k)
				k.end()
			})
		})
	}
	playing.Wait()
}

// kill kills the owner with kill -9, again and again. Another process takes over,
// the killed one comes back and stands by.
func (k *cluster) kill(rounds int) {
	for range rounds {
		k.standBy()
		dead := k.owner
		k.breaks = append(k.breaks, time.Now())
		_ = dead.Process.Kill()
		dead.status(k.t)
		took := k.succeed()
		k.t.Logf("taken over after %v", took)
		if took > promised {
			k.t.Errorf("it took %v", took)
		}
		k.run(dead)
	}
}

// pause stops the owner in the middle of its work, until another has taken over.
// When it wakes up it says nothing, and takes its turn when the other dies.
func (k *cluster) pause(rounds int) {
	for range rounds {
		k.standBy()
		first := k.owner
		k.breaks = append(k.breaks, time.Now())
		must(k.t, first.Process.Signal(syscall.SIGSTOP))
		k.t.Logf("taken over after %v", k.succeed())
		first.forget()
		first.said = 0
		must(k.t, first.Process.Signal(syscall.SIGCONT))
		// It learns of it from the store's answer to a write, or by its own clock first.
		first.waitFor(k.t, "Another process ")
		second := k.owner
		k.breaks = append(k.breaks, time.Now())
		_ = second.Process.Kill()
		second.status(k.t)
		k.t.Logf("taken back after %v", k.succeed())
		if k.owner != first {
			k.t.Error("somebody else took over")
		}
		k.run(second)
	}
}

// roll stops one process after the other with SIGTERM and starts it again, as an
// upgrade does. The account is handed over at once, and nothing is said twice.
func (k *cluster) roll(rounds int) {
	for range rounds {
		k.standBy()
		old := k.owner
		must(k.t, old.Process.Signal(syscall.SIGTERM))
		if status := old.status(k.t); status != 0 {
			k.t.Errorf("status %d", status)
		}
		took := k.succeed()
		k.t.Logf("handed over in %v", took)
		if took > promised/3 { // the lease would last for longer
			k.t.Errorf("it took %v", took)
		}
		k.run(old)
	}
}

// rob starts a process under the owner's name, as happens where several are set up
// with one configuration. It gets the account at once, and only once.
func (k *cluster) rob() {
	k.standBy()
	robbed, robber := k.owner, &node{env: slices.Concat(k.nodes[0].env, []string{"DIAGBOT_DATA_DIR=" + k.t.TempDir()})}
	k.nodes = append(k.nodes, robber)
	k.breaks, k.transit = append(k.breaks, time.Now()), promised // it has to start first
	k.run(robber)
	k.succeed()
	if k.owner != robber {
		k.t.Error("somebody else took over")
	}
	robbed.waitFor(k.t, "Another process has taken this account over.")
	robbed.waitFor(k.t, "Waiting to take over")
	said := len(k.wechat.Sent())
	k.answer(k.t, said+20)
	for _, m := range k.nodes {
		if n := strings.Count(m.text(), "Answering."); m == k.nodes[1] && n > 0 || n > 1 {
			k.t.Errorf("the account goes back and forth: %s", m.text())
		}
	}
}
