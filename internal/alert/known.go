package alert

import (
	"maps"
	"time"
)

// trouble is what a target knows of one trouble.
type trouble struct {
	account  string // that it was first told of
	fleeting bool
	every    time.Duration

	since   time.Time            // when it was first delivered
	told    time.Time            // when it was last delivered; zero if never
	heard   map[string]time.Time // the same by what it was about
	hold    map[string]time.Time // not to be tried before, by what it is about
	pending *letter              // waiting or on its way
}

// maxAbout is how many causes of one trouble are told apart.
const maxAbout = 16

// wait holds further alerts about something back.
func (t *trouble) wait(about string, now time.Time, d time.Duration) {
	t.hold = noted(t.hold, about, now.Add(d))
}

// noted notes a time, in place of the earliest if there are too many.
func noted(all map[string]time.Time, about string, at time.Time) map[string]time.Time {
	if all == nil {
		all = make(map[string]time.Time)
	}
	all[about] = at
	for len(all) > maxAbout {
		first := about
		for other, at := range all {
			if at.Before(all[first]) {
				first = other
			}
		}
		delete(all, first)
	}
	return all
}

// Note is what a target knows of a trouble, for whoever keeps it.
type Note struct {
	Target  string // its name
	Account string
	Key     string

	Since, Told time.Time            // when the target was told first, and last; zero: it knows of it no more
	Heard       map[string]time.Time // when it was told last, by [Alert.About]
	Every       time.Duration        // it is told again after that
}

// knows notes that a target was told of a trouble.
func (p *post) knows(al Alert, t *trouble, now time.Time) {
	t.told, t.heard = now, noted(t.heard, al.About, now)
	t.wait(al.About, now, t.every)
	if t.since.IsZero() {
		t.since = al.At
	}
	p.note(Note{
		Target: p.target.Name, Account: t.account, Key: al.Key,
		Since: t.since, Told: t.told, Heard: maps.Clone(t.heard), Every: t.every,
	}, t)
}

// forgotten notes that a target knows of a trouble no more, or that we do not know
// whether it does.
func (p *post) forgotten(key string, t *trouble) {
	if t != nil && !t.told.IsZero() {
		p.note(Note{Target: p.target.Name, Account: t.account, Key: key}, t)
	}
}

func (p *post) note(n Note, t *trouble) {
	if p.o.Noted != nil && !t.fleeting {
		p.o.Noted(n)
	}
}

// Recall replaces what the targets know of an account's troubles by what was kept of
// it, which may be nothing: by another process, or this one when it had the account
// last. What is fleeting, or on its way, goes on. Notes of other targets are left out.
func (a *Alerter) Recall(account string, kept []Note) {
	now := time.Now()
	for _, p := range a.posts {
		p.recall(account, kept, now)
	}
}

func (p *post) recall(account string, kept []Note, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for key, t := range p.troubles {
		switch {
		case t.account != account || t.fleeting:
		case t.pending == nil:
			delete(p.troubles, key)
		default:
			t.since, t.told, t.heard = time.Time{}, time.Time{}, nil
		}
	}
	for _, n := range kept {
		if n.Target != p.target.Name || n.Told.IsZero() {
			continue
		}
		t := p.troubles[n.Key]
		if t == nil {
			t = p.remember(n.Key, &trouble{account: account})
		}
		t.recall(n, p.every(n.Every), now)
	}
}

func (t *trouble) recall(n Note, every time.Duration, now time.Time) {
	past := func(at time.Time) time.Time {
		if at.After(now) { // by a clock that was ahead
			return now
		}
		return at
	}
	t.since, t.told, t.every = n.Since, past(n.Told), every
	for about, at := range n.Heard {
		t.heard = noted(t.heard, about, past(at))
		t.wait(about, past(at), every)
	}
}
