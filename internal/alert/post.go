package alert

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// post is one target's queue, and what the target knows.
type post struct {
	target  Target
	host    string
	courier courier
	o       *Options
	log     *slog.Logger
	closing <-chan struct{}
	wake    chan struct{} // a letter came, or the end

	mu       sync.Mutex
	queue    []*letter
	carried  *letter // on its way
	troubles map[string]*trouble
	closed   bool
	failed   int // letters given up since the end began
}

// letter is an alert on its way to one target.
type letter struct {
	alert  Alert
	queued time.Time
	over   chan struct{} // closed when another attempt would be out of date
	next   *Alert        // what was told after that
}

// trouble is what a target knows of one trouble.
type trouble struct {
	told    time.Time // when it was last delivered; zero if never
	hold    time.Time // not to be tried before
	pending *letter   // waiting or on its way
}

func newPost(t Target, o *Options, closing <-chan struct{}) *post {
	host, _ := splitHost(t.Host, t.Security)
	if u, err := url.Parse(t.URL); err == nil && t.Kind != KindEmail {
		host = u.Hostname()
	}
	return &post{
		target: t, host: host, courier: newCourier(t, o), o: o, closing: closing,
		log:  o.Logger.With("target", t.Name, "kind", t.Kind),
		wake: make(chan struct{}, 1), troubles: map[string]*trouble{},
	}
}

// tell queues the alert unless the target need not hear it.
func (p *post) tell(al Alert) {
	p.mu.Lock()
	dropped := p.file(al, time.Now())
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default:
	}
	if dropped != nil {
		p.log.Warn("alert dropped: too many are waiting", "alert", dropped.alert.Key)
	}
}

// file is tell under the lock. It returns a letter it had to drop.
func (p *post) file(al Alert, now time.Time) (dropped *letter) {
	if p.closed {
		return nil
	}
	t := p.troubles[al.Key]
	switch {
	case t != nil && t.pending != nil && t.pending == p.carried:
		p.overtake(t.pending, al)
		return nil
	case al.Recovered:
		return p.recover(t, al, now)
	case t == nil:
		t = p.remember(al.Key)
	case t.pending != nil, now.Before(t.hold):
		return nil
	}
	t.pending, dropped = p.push(al, now)
	return dropped
}

// overtake notes what is told of a trouble that is just being delivered.
func (p *post) overtake(l *letter, al Alert) {
	if l.next == nil && !al.Recovered {
		return // the same again
	}
	if l.next == nil {
		close(l.over)
	}
	l.next = &al
}

// recover queues the recovery if the target knows of the trouble, and takes back
// what it has not heard yet.
func (p *post) recover(t *trouble, al Alert, now time.Time) (dropped *letter) {
	if t == nil {
		return nil
	}
	if t.pending != nil {
		p.queue = slices.DeleteFunc(p.queue, func(l *letter) bool { return l == t.pending })
	}
	delete(p.troubles, al.Key)
	if !t.told.IsZero() {
		_, dropped = p.push(al, now)
	}
	return dropped
}

// push queues the alert and drops the oldest letter if there are too many.
func (p *post) push(al Alert, now time.Time) (l, dropped *letter) {
	l = &letter{alert: al, queued: now, over: make(chan struct{})}
	p.queue = append(p.queue, l)
	if len(p.queue) > maxQueue {
		dropped = p.queue[0]
		p.queue = slices.Delete(p.queue, 0, 1)
		if t := p.troubles[dropped.alert.Key]; t != nil && t.pending == dropped {
			t.pending = nil
		}
	}
	return l, dropped
}

// remember makes room for a trouble, at the cost of the one told longest ago.
func (p *post) remember(key string) *trouble {
	if len(p.troubles) >= maxKeys {
		oldest := ""
		for k, t := range p.troubles {
			if t.pending == nil && (oldest == "" || t.told.Before(p.troubles[oldest].told)) {
				oldest = k
			}
		}
		delete(p.troubles, oldest)
	}
	t := &trouble{}
	p.troubles[key] = t
	return t
}

func (p *post) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
}

// lost is how many letters were not delivered before the end.
func (p *post) lost() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.queue) + p.failed
}

// run delivers letters until the post is closed and empty, or ctx ends.
func (p *post) run(ctx context.Context) {
	for ctx.Err() == nil {
		if l := p.take(); l != nil {
			err := p.carry(ctx, l)
			p.report(l, err)
			p.conclude(l, err == nil, time.Now())
			continue
		}
		select {
		case <-p.wake:
		case <-p.closing:
			if p.idle() {
				return
			}
		case <-ctx.Done():
		}
	}
}

func (p *post) take() *letter {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.queue) == 0 {
		return nil
	}
	p.carried, p.queue = p.queue[0], p.queue[1:]
	return p.carried
}

func (p *post) idle() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.queue) == 0
}

// The pauses between attempts: the first, doubled each time up to the longest,
// and up to a fifth more or less.
const (
	firstPause   = 3 * time.Second
	longestPause = 5 * time.Minute
)

// carry tries until the letter is delivered, refused for good, overtaken, or too
// old. Once the Alerter closes, pauses begin anew, and Close's context ends them.
func (p *post) carry(ctx context.Context, l *letter) error {
	pauses := &backoff.ExponentialBackOff{
		InitialInterval: firstPause, RandomizationFactor: 0.2, Multiplier: 2, MaxInterval: longestPause,
	}
	pauses.Reset()
	closing := p.closing
	for try := 1; ; try++ {
		err := p.attempt(ctx, l.alert)
		var f *Failure
		if err == nil || !errors.As(err, &f) || !f.Retry || ctx.Err() != nil {
			return err
		}
		pause := max(pauses.NextBackOff(), f.RetryAfter)
		if time.Since(l.queued)+pause > p.o.GiveUp {
			return err
		}
		p.log.Warn("alert not delivered yet", "alert", l.alert.Key, "try", try, "again_in", pause, "error", err)
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-l.over:
			timer.Stop()
			return err
		case <-closing:
			closing = nil
			pauses.Reset()
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// attempt delivers once. A panic on the way is a failure.
func (p *post) attempt(ctx context.Context, al Alert) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &Failure{Target: p.target.Name, Kind: p.target.Kind, Host: p.host, Detail: fmt.Sprintf("panic: %T", v)}
		}
	}()
	return p.courier.deliver(ctx, al)
}

func (p *post) report(l *letter, err error) {
	switch {
	case err == nil:
		p.log.Info("alert delivered", "alert", l.alert.Key, "recovered", l.alert.Recovered)
	default:
		p.log.Error("alert not delivered", "alert", l.alert.Key, "recovered", l.alert.Recovered, "error", err)
	}
}

// conclude notes what the target knows now, and queues what was told meanwhile.
func (p *post) conclude(l *letter, delivered bool, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.carried = nil
	if !delivered && p.closed {
		p.failed++
	}
	t := p.troubles[l.alert.Key]
	if t == nil || t.pending != l {
		return
	}
	t.pending = nil
	t.hold = now.Add(min(p.o.Every, p.o.GiveUp))
	if delivered {
		t.told, t.hold = now, now.Add(p.o.Every)
	}
	switch next := l.next; {
	case next == nil:
	case next.Recovered:
		p.recover(t, *next, now)
	case !delivered:
		t.pending, _ = p.push(*next, now)
	}
}
