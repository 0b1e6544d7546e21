package main

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/diagbot/diagbot/internal/store"
)

// peers are the processes that share a store, as far as they are there: each signs now
// and then, also those that only stand by. They need no clock in common.
type peers struct {
	db   *store.DB
	node string // we sign as

	mu  sync.Mutex
	all map[string]*peer // by name
}

// peer is another process.
type peer struct {
	raw    string
	sign   signature
	moved  time.Time // when its signature was seen to change
	failed time.Time // the latest request that we know it could not follow
}

// signature is what a process signs with.
type signature struct {
	At     time.Time // by its own clock
	Asked  time.Time // the latest request to read its files that it has followed, or tried to
	Failed string    // why it could not; redacted
}

// scopePeers is the scope of the signatures, of no account; the names are the nodes'.
const (
	scopePeers = "process"
	goneAfter  = 3 * followEvery // without a new signature
	lostAfter  = 24 * time.Hour  // its signature is removed
	maxPeers   = 100
)

func newPeers(db *store.DB, node string) *peers {
	return &peers{db: db, node: node, all: make(map[string]*peer)}
}

// meet signs, and returns by name why others could not follow a request, which they
// had not said before.
func (p *peers) meet(ctx context.Context, own signature) (failed map[string]string, err error) {
	raw, err := json.Marshal(own)
	if err != nil {
		return nil, err
	}
	err = p.db.Keep(ctx, "", store.Setting{Scope: scopePeers, Name: p.node, Value: string(raw)})
	signed, unread := p.db.Kept(ctx, "", scopePeers)
	if err = errors.Join(err, unread); unread != nil {
		return nil, err
	}
	delete(signed, p.node)
	failed, lost := p.see(signed, time.Now())
	for _, node := range lost {
		err = errors.Join(err, p.db.Keep(ctx, "", store.Setting{Scope: scopePeers, Name: node}))
	}
	return failed, err
}

// see takes in who has signed, and returns who could not follow a request since we
// last looked, and who has not signed for long.
func (p *peers) see(signed map[string]string, now time.Time) (failed map[string]string, lost []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	maps.DeleteFunc(p.all, func(node string, _ *peer) bool { _, there := signed[node]; return !there })
	failed = make(map[string]string)
	for _, node := range slices.Sorted(maps.Keys(signed)) {
		x := p.all[node]
		switch {
		case x == nil && len(p.all) >= maxPeers:
			continue
		case x == nil: // what it signed before we came is no news
			x = &peer{}
			p.all[node] = x
			x.read(signed[node], time.Time{})
			x.moved, x.failed = now, x.sign.Asked
			if now.Sub(x.sign.At).Abs() >= goneAfter {
				x.moved = now.Add(-goneAfter)
			}
		case x.raw != signed[node]:
			x.read(signed[node], now)
			if x.sign.Failed != "" && x.sign.Asked.After(x.failed) {
				x.failed, failed[node] = x.sign.Asked, x.sign.Failed
			}
		case now.Sub(x.moved) >= lostAfter:
			lost = append(lost, node)
		}
	}
	return failed, lost
}

func (x *peer) read(raw string, now time.Time) {
	x.raw, x.moved, x.sign = raw, now, signature{}
	_ = json.Unmarshal([]byte(raw), &x.sign) // of a newer diagbot: it is there
}

// count is how many others there are.
func (p *peers) count() (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, x := range p.all {
		if time.Since(x.moved) < goneAfter {
			n++
		}
	}
	return n
}

// part takes our signature away.
func (p *peers) part(ctx context.Context) error {
	return p.db.Keep(ctx, "", store.Setting{Scope: scopePeers, Name: p.node})
}
