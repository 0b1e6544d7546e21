package llm

import "time"

// resort takes the best way through a provider that is kept out, for a message
// with nobody else to ask: people who ask again after a key was mended or a
// service came back should not be told old news. Ways that wait for a pause
// somebody asked for stay closed, and so do those on which a request is already
// trying; at least gap passes between two such requests.
func (p *provider) resort(s shuns, gap time.Duration, now time.Time) (route, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.held || gap < 0 || now.Before(p.resorted.Add(gap)) || !p.breaker.yields(now) {
		return route{}, false
	}
	for m := range p.models {
		if s.model(p, p.models[m]) {
			continue
		}
		for _, k := range p.keys {
			r := route{p: p, k: k, m: m}
			if !r.yields(now) {
				continue
			}
			p.resorted = now
			r.probe = p.breaker.enter()
			for i, c := range r.coolings() {
				if c.active(now) {
					r.tried[i] = c.enter()
				}
			}
			return r, true
		}
	}
	return route{}, false
}

// yields reports whether everything that keeps the route out is a guess of ours.
func (r route) yields(now time.Time) bool {
	for _, c := range r.coolings() {
		if c.active(now) && (c.trying || !c.trial) {
			return false
		}
	}
	return true
}

// yields reports whether the rest is a guess of ours, and nobody is trying.
func (b *breaker) yields(now time.Time) bool {
	return b.closed() || !b.probing && !now.Before(b.asked)
}
