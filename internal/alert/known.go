package alert

import "time"

// trouble is what a target knows of one trouble.
type trouble struct {
	account  string // that it was first told of
	fleeting bool
	every    time.Duration

	since   time.Time // when it was first delivered
	told    time.Time // when it was last delivered; zero if never
	hold    time.Time // not to be tried before
	pending *letter   // waiting or on its way
}

// Note is what a target knows of a trouble, for whoever keeps it.
type Note struct {
	Target  string // its name
	Account string
	Key     string

	Since, Told time.Time     // when the target was told first, and last; zero: it knows of it no more
	Every       time.Duration // it is told again after that
}

// knows notes that a target was told of a trouble.
func (p *post) knows(al Alert, t *trouble, now time.Time) {
	t.told, t.hold = now, now.Add(t.every)
	if t.since.IsZero() {
		t.since = al.At
	}
	p.note(Note{Target: p.target.Name, Account: t.account, Key: al.Key, Since: t.since, Told: t.told, Every: t.every}, t)
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
			t.since, t.told = time.Time{}, time.Time{}
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
		t.since, t.told, t.every = n.Since, n.Told, p.every(n.Every)
		if t.told.After(now) { // whose clock was ahead
			t.told = now
		}
		t.hold = t.told.Add(t.every)
	}
}
