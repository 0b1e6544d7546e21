package store

import (
	"log/slog"
	"time"
)

// Options say where the state is kept, and for how long.
type Options struct {
	Dir string // the file is Dir/diagbot.db, unless there is a URL
	URL string // postgres://…; a secret
	Key []byte // encrypts credentials; empty: they are kept as they are

	Logger    *slog.Logger // nil: none
	Retention Retention

	test testOptions
}

// Retention says for how long things are kept; zero is the default.
type Retention struct {
	Done          time.Duration // ids of messages that are done, to know them again: 48 h
	Undone        time.Duration // messages nobody came to answer: 30 days
	Incidents     time.Duration // 30 days
	Audits        time.Duration // 365 days
	Spent         time.Duration // from when it was last added to: 3 days
	Conversations time.Duration // from the last turn: 90 days
}

const day = 24 * time.Hour

func (r Retention) withDefaults() Retention {
	for _, d := range []struct {
		value *time.Duration
		usual time.Duration
	}{
		{&r.Done, 2 * day}, {&r.Undone, 30 * day}, {&r.Incidents, 30 * day},
		{&r.Audits, 365 * day}, {&r.Spent, 3 * day}, {&r.Conversations, 90 * day},
	} {
		if *d.value <= 0 {
			*d.value = d.usual
		}
	}
	return r
}

// testOptions are set by tests of this package.
type testOptions struct {
	vfs     string   // SQLite's
	pragmas []string // that overrule ours
	lease   times
	sweep   time.Duration
}

// times are those of a lease that ends by itself.
type times struct {
	ttl    time.Duration // how long it lasts
	renew  time.Duration // how often it is made to last longer
	poll   time.Duration // how often others look whether it has ended
	margin time.Duration // how long before its end the owner takes it for ended
}

func (t times) withDefaults() times {
	if t.ttl == 0 {
		return times{ttl: 10 * time.Second, renew: 3 * time.Second, poll: time.Second, margin: time.Second}
	}
	return t
}
