package llm

import (
	"time"

	"github.com/diagbot/diagbot/troubleshoot"
)

// What quests do with a provider. These functions take its lock; those in
// pool.go need it.

// enter finds the best way through the provider and takes it.
func (p *provider) enter(s shuns, now time.Time) (route, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r, ok := p.choose(s, now)
	if ok {
		p.take(&r)
	}
	return r, ok
}

// reenter takes the same way once more, if it is still open.
func (p *provider) reenter(r *route, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.open(now) || r.k.out.active(now) || r.k.quota[r.m].active(now) || r.model().out.active(now) {
		return false
	}
	p.take(r)
	return true
}

// reachable reports whether there is a way through the provider.
func (p *provider) reachable(s shuns, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, ok := p.choose(s, now)
	return ok
}

// release gives back a way that was taken for nothing.
func (p *provider) release(r route) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.leave(r)
}

// learn notes that a route led to an answer, asked for in a shape.
func (p *provider) learn(r route, s shape, repaired bool) {
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.breaker.succeeded(r.probe)
	p.answered = now
	for i, c := range r.coolings() {
		if c.entry != "" {
			p.recover(r, i, now)
		}
	}
	if repaired {
		r.model().shape = s
	}
}

func (p *provider) shapeOf(r route) shape {
	p.mu.Lock()
	defer p.mu.Unlock()
	return r.model().shape
}

// report tells the breaker about a failed attempt, and returns how long the
// provider rests from now on; 0 if it does not.
func (p *provider) report(r route, o opinion, entry string, f *troubleshoot.Fault, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last, p.lastAt = f, now
	trips := p.breaker.trips
	switch {
	case o == failing:
		p.breaker.failed(r.probe, entry, f, now)
	case o == alive && r.probe:
		p.breaker.succeeded(true)
	}
	if p.breaker.trips > trips {
		return p.breaker.until.Sub(now)
	}
	return 0
}

// survey looks for what else the provider could be asked after a failure on r
// that would keep out so much.
func (p *provider) survey(r route, scope scope, s shuns, state *state, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	state.Strikes = p.strikes(r, scope)
	state.Open = !p.breaker.ready(now)
	if !p.open(now) && !r.tried[0] {
		return
	}
	state.Key = p.bestKey(r.m, s, shun{k: r.k}, now) != nil
	state.Group = p.bestKey(r.m, s, shun{k: r.k, group: r.k.QuotaGroup}, now) != nil
	for i := range p.models {
		state.Model = state.Model || i != r.m && p.bestKey(i, s, shun{}, now) != nil
	}
}

// keepOut does what a remedy says about the route of a failed attempt, whose
// way is free again.
func (p *provider) keepOut(r route, m remedy, entry string, f *troubleshoot.Fault, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cool(r, m, entry, f, now)
	p.leave(r)
}

// target is what the meter cuts prompts for.
func (r route) target() target {
	o := &r.p.options
	return target{provider: o.Name, model: r.model().name, window: o.Window, output: max(o.MaxTokens, o.MaxCompletionTokens)}
}

// shunKey is what else not to try after a failure of the route's key.
func (r route) shunKey(s scope) shun {
	if s == scopeKey || r.k.QuotaGroup == "" {
		return shun{p: r.p, k: r.k}
	}
	return shun{p: r.p, group: r.k.QuotaGroup}
}

// recovery returns what keeps out the provider that will be over first.
func recovery(all []*provider, s shuns, now time.Time) cooling {
	var first cooling
	for _, p := range all {
		p.mu.Lock()
		out, ok := p.recovery(s, now)
		p.mu.Unlock()
		if ok && (first.fault == nil || out.until.Before(first.until)) {
			first = out
		}
	}
	return first
}
