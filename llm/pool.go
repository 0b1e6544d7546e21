package llm

import (
	"slices"
	"sync"
	"time"

	openai "github.com/sashabaranov/go-openai"

	"github.com/diagbot/diagbot/troubleshoot"
)

// pool is what a provider's keys and models have been through. Its lock is
// never held while anything is sent or waited for.
type pool struct {
	mu      sync.Mutex
	breaker breaker
	out     cooling // of the whole provider
	held    bool    // by an admin
	keys    []*key
	models  []*model

	last     *troubleshoot.Fault
	lastAt   time.Time
	answered time.Time
	resorted time.Time // when it was last asked although it was kept out
}

// key is a secret bound to the go-openai client that sends it.
type key struct {
	Key
	client *openai.Client

	out     cooling
	quota   []cooling // for each model
	limited time.Time // when it was last kept out
}

// model is one of a provider's models.
type model struct {
	name  string
	out   cooling
	shape shape
	sight sight
}

// route is how a request goes: to which model of which provider, and with which
// key.
type route struct {
	p *provider
	k *key
	m int // index of the model

	probe bool    // it tries for the breaker
	tried [4]bool // it tries for the cooling of provider, key, quota, model
}

func (r route) model() *model { return r.p.models[r.m] }

// coolings are those that a route passes, in the order of route.tried.
func (r route) coolings() [4]*cooling {
	return [4]*cooling{&r.p.out, &r.k.out, &r.k.quota[r.m], &r.model().out}
}

// shuns is what a message does not try again.
type shuns []shun

// shun is a provider, or one of its keys, quota groups or models.
type shun struct {
	p     *provider
	k     *key
	group string
	m     *model
	sight bool // because the model takes no pictures
}

func (s shuns) provider(p *provider) bool {
	for _, x := range s {
		if x == (shun{p: p}) {
			return true
		}
	}
	return false
}

func (s shuns) key(p *provider, k *key) bool {
	for _, x := range s {
		if x.p == p && (x.k == k || x.group != "" && x.group == k.QuotaGroup) {
			return true
		}
	}
	return false
}

func (s shuns) model(p *provider, m *model) bool {
	for _, x := range s {
		if x.p == p && x.m == m {
			return true
		}
	}
	return false
}

// open reports whether the provider as a whole may be asked. All methods below
// need the lock.
func (p *provider) open(now time.Time) bool {
	return !p.held && p.breaker.ready(now) && !p.out.active(now)
}

// choose finds the best route through the provider: its first model that is to
// be had, with the key that has not been limited for longest.
func (p *provider) choose(s shuns, now time.Time) (route, bool) {
	if s.provider(p) || !p.open(now) {
		return route{}, false
	}
	for i := range p.models {
		if k := p.bestKey(i, s, shun{}, now); k != nil {
			return route{p: p, k: k, m: i}, true
		}
	}
	return route{}, false
}

// bestKey returns the best key for a model, but for a key and a quota group; nil
// if there is none, or the model is not to be had.
func (p *provider) bestKey(m int, s shuns, but shun, now time.Time) *key {
	if p.models[m].out.active(now) || s.model(p, p.models[m]) {
		return nil
	}
	var best *key
	for _, k := range p.keys {
		switch {
		case k == but.k, but.group != "" && but.group == k.QuotaGroup,
			k.out.active(now), k.quota[m].active(now), s.key(p, k):
		case best == nil || k.limited.Before(best.limited):
			best = k
		}
	}
	return best
}

// take lets a request go.
func (p *provider) take(r *route) {
	r.probe = p.breaker.enter()
	for i, c := range r.coolings() {
		r.tried[i] = c.enter()
	}
}

// recover ends the i-th cooling of a route, for all that it keeps out.
func (p *provider) recover(r route, i int, now time.Time) {
	c := r.coolings()[i]
	shared := c.scope == scopeGroup
	c.end(r.tried[i], now)
	if !shared || c.entry != "" || r.k.QuotaGroup == "" {
		return
	}
	for _, k := range p.keys {
		if k.QuotaGroup == r.k.QuotaGroup && k.out.scope == scopeGroup {
			k.out = cooling{}
		}
	}
}

// leave notes that a route ended otherwise: what it tried for is tried by the
// next request.
func (p *provider) leave(r route) {
	p.breaker.released(r.probe)
	for i, c := range r.coolings() {
		if r.tried[i] {
			c.trying = false
		}
	}
}

// cool keeps out what a remedy says.
func (p *provider) cool(r route, m remedy, entry string, f *troubleshoot.Fault, now time.Time) {
	start := func(c *cooling, tried bool) { c.start(m, entry, f, tried, now) }
	switch m.Cool {
	case scopeProvider:
		start(&p.out, r.tried[0])
	case scopeModel:
		start(&r.model().out, r.tried[3])
	case scopeKey:
		start(&r.k.out, r.tried[1])
		r.k.limited = now
	case scopeGroup, scopeQuota:
		for _, k := range p.keys {
			if k != r.k && (k.QuotaGroup == "" || k.QuotaGroup != r.k.QuotaGroup) {
				continue
			}
			k.limited = now
			if m.Cool == scopeGroup {
				start(&k.out, r.tried[1] && k == r.k)
			} else {
				start(&k.quota[r.m], r.tried[2] && k == r.k)
			}
		}
	}
}

// strikes returns how often in a row a trial found what a scope would keep out
// no better, this one included.
func (p *provider) strikes(r route, s scope) int {
	at, ok := map[scope]int{scopeProvider: 0, scopeKey: 1, scopeGroup: 1, scopeQuota: 2, scopeModel: 3}[s]
	if !ok {
		return 0
	}
	c := r.coolings()[at]
	if r.tried[at] {
		return c.strikes + 1
	}
	return c.strikes
}

// recovery returns what keeps out the provider, but for models that a message does
// not try, and will be over first; ok is false if nothing does.
func (p *provider) recovery(s shuns, now time.Time) (c cooling, ok bool) {
	blind := func(m *model) bool { return s.model(p, m) }
	if p.held || !slices.ContainsFunc(p.models, func(m *model) bool { return !blind(m) }) {
		return cooling{}, false
	}
	if !p.breaker.ready(now) {
		return cooling{until: p.breaker.until, entry: p.breaker.entry, fault: p.breaker.fault, trial: true}, true
	}
	if p.out.active(now) {
		return p.out, true
	}
	for i, m := range p.models {
		if blind(m) {
			continue
		}
		for _, k := range p.keys {
			last := m.out // the last of the three to end keeps out
			for _, other := range []cooling{k.out, k.quota[i]} {
				if other.active(now) && (!last.active(now) || other.until.After(last.until)) {
					last = other
				}
			}
			if last.active(now) && (!ok || last.until.Before(c.until)) {
				c, ok = last, true
			}
		}
	}
	return c, ok
}
