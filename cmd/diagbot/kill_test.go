package main

import (
	"context"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/diagbot/diagbot/internal/store"
)

// seedOf returns a source of random moments, which DIAGBOT_TEST_SEED fixes.
func seedOf(t *testing.T) *rand.Rand {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if given := os.Getenv("DIAGBOT_TEST_SEED"); given != "" {
		var err error
		seed, err = strconv.ParseUint(given, 10, 64)
		must(t, err)
	}
	t.Logf("DIAGBOT_TEST_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 1))
}

// breaks are how many times the long tests interrupt a process.
func breaks(most int) int {
	if testing.Short() {
		return most / 5
	}
	return most
}

// TestKill kills a process with kill -9 at a hundred random moments while people
// write to it, and starts it again each time.
func TestKill(t *testing.T) {
	t.Parallel()
	n, c := newCrowd(t, 20, 40*time.Millisecond)
	interrupt(t, n, c, breaks(100), func(p *process) { _ = p.Process.Kill() })
}

// TestTerminate does the same with SIGTERM: then nothing at all is said twice.
func TestTerminate(t *testing.T) {
	t.Parallel()
	n, c := newCrowd(t, 20, 40*time.Millisecond)
	interrupt(t, n, c, breaks(15), func(p *process) { _ = p.Process.Signal(syscall.SIGTERM) })
}

// TestKillOfficial is TestKill over iLink.
func TestKillOfficial(t *testing.T) {
	t.Parallel()
	n, c := newOfficialCrowd(t, 20, 40*time.Millisecond)
	interrupt(t, n, c, breaks(25), func(p *process) { _ = p.Process.Kill() })
}

func interrupt(t *testing.T, n *internet, c *crowd, times int, end func(*process)) {
	r := seedOf(t)
	p := n.launch(t, nil, "serve")
	p.waitFor(t, "Answering.")
	if status := p.stop(t); status != 0 { // the login is stored now
		t.Fatalf("status %d: %s", status, p.text())
	}
	logins := c.codes()
	stopped := c.start(t, r, 300*time.Millisecond)
	var breaks []time.Time
	p = n.launch(t, nil, "serve")
	started := time.Now()
	for range times {
		if r.IntN(4) == 0 {
			time.Sleep(time.Duration(r.Int64N(int64(100 * time.Millisecond))))
		} else {
			p.waitFor(t, "Answering.")
			time.Sleep(time.Duration(r.Int64N(int64(400 * time.Millisecond))))
		}
		breaks = append(breaks, time.Now())
		end(p)
		p.status(t)
		p = n.launch(t, nil, "serve")
	}
	t.Logf("%d breaks in %v", times, time.Since(started))
	p.waitFor(t, "Answering.")
	stopped()
	c.quiet(t)
	if status := p.stop(t); status != 0 {
		t.Errorf("status %d", status)
	}
	if t.Failed() {
		t.Logf("the last process said:\n%s", p.text())
	}
	c.settle(t, breaks)
	if more := c.codes() - logins; more != 0 {
		t.Errorf("%d more QR codes", more)
	}
	n.withAccount(t, func(a *store.Account) {
		open, err := a.Open(context.Background())
		must(t, err)
		if len(open) > 0 {
			t.Errorf("%d messages are open", len(open))
		}
	})
}

// start makes everybody write, on average once in pause, until the function it
// returns is called.
func (c *crowd) start(t *testing.T, r *rand.Rand, pause time.Duration) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var writing sync.WaitGroup
	for _, k := range c.talks {
		source := rand.New(rand.NewPCG(r.Uint64(), 2))
		writing.Go(func() { k.write(ctx, source, pause) })
	}
	stop = func() { cancel(); writing.Wait() }
	t.Cleanup(stop)
	return stop
}
