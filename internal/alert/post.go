package alert

import (
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"sync"
	"time"
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
	over   chan struct{}       // closed when another attempt would be out of date
	next   *Alert              // what was told after that
	ends   map[string]*trouble // of a recovery: what the target knew of, by key
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
	if !al.Recovered && !p.target.hears(al.Event) {
		return
	}
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
		return p.recover(al, now)
	case t == nil:
		t = p.remember(al.Key, &trouble{account: al.owner, fleeting: al.Fleeting})
	case now.Before(t.hold[al.About]):
		return nil
	case t.pending != nil:
		if al.About != t.pending.alert.About {
			t.pending.alert = al // nobody needs the cause of a while ago
		}
		return nil
	}
	t.every = p.every(al.Every)
	t.pending, dropped = p.push(al, now)
	return dropped
}

// every is how often a trouble is told at most that asks for it.
func (p *post) every(asked time.Duration) time.Duration {
	if asked <= 0 {
		return p.o.Every
	}
	return min(asked, p.o.Every)
}

// overtake notes what is told of a trouble that is just being delivered.
func (p *post) overtake(l *letter, al Alert) {
	if l.next == nil && !al.Recovered && al.About == l.alert.About {
		return // the same again
	}
	if l.next == nil {
		close(l.over)
	}
	l.next = &al
}

// recover queues the recovery if the target knows of any of the troubles, and takes
// back what it has not heard yet.
func (p *post) recover(al Alert, now time.Time) (dropped *letter) {
	ends := make(map[string]*trouble)
	for _, key := range append([]string{al.Key}, al.Also...) {
		t := p.troubles[key]
		switch {
		case t == nil:
		case t.pending != nil && t.pending == p.carried:
			alone := al
			alone.Key, alone.Also = key, nil
			p.overtake(t.pending, alone)
		default:
			p.queue = slices.DeleteFunc(p.queue, func(l *letter) bool { return l == t.pending })
			delete(p.troubles, key)
			if !t.told.IsZero() {
				ends[key] = t
			}
		}
	}
	if len(ends) == 0 {
		return nil
	}
	l, dropped := p.push(al.ending(ends), now)
	l.ends = ends
	return dropped
}

// ending returns the recovery as a target is told that knows of these troubles: by
// the key of one of them.
func (al Alert) ending(ends map[string]*trouble) Alert {
	if ends[al.Key] == nil {
		al.Key = slices.Min(slices.Collect(maps.Keys(ends)))
	}
	for _, t := range ends {
		if al.since.IsZero() || t.since.Before(al.since) {
			al.since = t.since
		}
	}
	return al
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
func (p *post) remember(key string, t *trouble) *trouble {
	if len(p.troubles) >= maxKeys {
		oldest := ""
		for k, t := range p.troubles {
			if t.pending == nil && (oldest == "" || t.told.Before(p.troubles[oldest].told)) {
				oldest = k
			}
		}
		p.forgotten(oldest, p.troubles[oldest])
		delete(p.troubles, oldest)
	}
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

// conclude notes what the target knows now, and queues what was told meanwhile.
func (p *post) conclude(l *letter, delivered bool, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.carried = nil
	if !delivered && p.closed {
		p.failed++
	} else {
		for key, t := range l.ends {
			p.forgotten(key, t)
		}
	}
	t := p.troubles[l.alert.Key]
	if t == nil || t.pending != l {
		return
	}
	t.pending = nil
	if delivered {
		p.knows(l.alert, t, now)
	} else {
		t.wait(l.alert.About, now, min(t.every, p.o.GiveUp))
	}
	switch next := l.next; {
	case next == nil:
	case next.Recovered:
		p.recover(*next, now)
	case !delivered, next.About != l.alert.About && !now.Before(t.hold[next.About]):
		t.pending, _ = p.push(*next, now)
	}
}
