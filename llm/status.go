package llm

import "time"

// Status tells how the providers are doing, in order of preference. It asks
// nobody and returns at once.
func (c *Client) Status() []ProviderStatus {
	now := time.Now()
	fleet := c.providers()
	all := make([]ProviderStatus, len(fleet))
	for i, p := range fleet {
		all[i] = p.status(now)
	}
	return all
}

func (p *provider) status(now time.Time) ProviderStatus {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := ProviderStatus{
		Provider: p.options.Name, Source: p.options.Source, Held: p.held, Breaker: p.breaker.String(),
		LastFault: p.last, LastFaultAt: p.lastAt, LastAnswer: p.answered,
	}
	if _, ok := p.choose(nil, now); !ok {
		if c, ok := p.recovery(nil, now); ok {
			s.Trouble, s.Until = c.entry, c.until
		}
	}
	for _, k := range p.keys {
		s.Keys = append(s.Keys, k.narrowest(now).status(k.Name, now))
	}
	for _, m := range p.models {
		s.Models = append(s.Models, m.out.status(m.name, now))
	}
	return s
}

// narrowest returns what keeps a key out altogether: its own cooling, or that of
// the model it is limited for the shortest time, if it is limited for all.
func (k *key) narrowest(now time.Time) cooling {
	if k.out.active(now) {
		return k.out
	}
	var first cooling
	for i, c := range k.quota {
		if !c.active(now) {
			return cooling{}
		}
		if i == 0 || c.until.Before(first.until) {
			first = c
		}
	}
	return first
}

func (c cooling) status(name string, now time.Time) PartStatus {
	if !c.active(now) {
		return PartStatus{Name: name}
	}
	return PartStatus{Name: name, Entry: c.entry, Until: c.until}
}

// revive lets a key and its provider be asked again: somebody looked, and they
// are well. What a look does not show, such as an empty account, is found out
// by the next request alone.
func (p *provider) revive(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	due := func(c *cooling) {
		if c.trial && c.until.After(now) {
			c.until = now
		}
	}
	due(&p.out)
	for _, m := range p.models {
		due(&m.out)
	}
	for _, k := range p.keys {
		if k.Name == name {
			due(&k.out)
		}
	}
	if !p.breaker.closed() && p.breaker.until.After(now) {
		p.breaker.until = now
	}
}
