package llm

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/diagbot/diagbot/troubleshoot"
)

// Probe is what is known of one provider at one time: how far each key gets,
// what the vendor's status page says, and what is left to spend. It is for
// admins alone. [Probe.Findings] puts it in lines.
type Probe struct {
	Provider string
	Begun    time.Time
	Checks   []Check    // one per key
	Page     StatusPage // zero if there is none
	Balances []Balance  // of the keys whose vendor tells
}

// Age returns how old the probe is at now.
func (p Probe) Age(now time.Time) time.Duration { return max(now.Sub(p.Begun), 0) }

// Fault returns the first failure; nil if there is none.
func (p Probe) Fault() *troubleshoot.Fault {
	for _, c := range p.Checks {
		if f := c.Fault(); f != nil {
			return f
		}
	}
	return nil
}

const (
	probeTime  = 15 * time.Second // for one probe, whatever hangs
	probeFresh = 10 * time.Second // a provider is not probed again before
)

// ErrNoProvider is returned for a name that no provider has.
var ErrNoProvider = errors.New("there is no such provider")

// Probe looks how a provider does, without asking a model: it costs no tokens.
// Of several that ask at a time one looks, and whoever asks within 10 seconds
// is given the same probe. Its errors are [ErrNoProvider] and ctx's own; all
// that fails on the way is in the probe.
func (c *Client) Probe(ctx context.Context, provider string) (Probe, error) {
	for _, p := range c.providers() {
		if p.options.Name == provider {
			return c.probes.of(p).get(ctx, probeFresh, func(ctx context.Context) (Probe, time.Time) {
				probe := c.probes.look(ctx, p)
				return probe, probe.Begun
			})
		}
	}
	return Probe{}, ErrNoProvider
}

// Names returns the providers' names in order of preference.
func (c *Client) Names() []string {
	all := c.providers()
	names := make([]string, len(all))
	for i, p := range all {
		names[i] = p.options.Name
	}
	return names
}

// probes remembers the newest probe of each provider and the newest reading of
// each status page. The zero value is ready.
type probes struct {
	mu        sync.Mutex
	providers map[string]*recent[Probe]
	pages     map[string]*recent[StatusPage]
}

func (s *probes) of(p *provider) *recent[Probe] {
	s.mu.Lock()
	defer s.mu.Unlock()
	return entryIn(&s.providers, p.options.Name)
}

// forget drops what was found out about a provider that has changed.
func (s *probes) forget(provider string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.providers, provider)
}

func entryIn[T any](m *map[string]*recent[T], name string) *recent[T] {
	if *m == nil {
		*m = map[string]*recent[T]{}
	}
	if (*m)[name] == nil {
		(*m)[name] = &recent[T]{turn: semaphore.NewWeighted(1)}
	}
	return (*m)[name]
}

// look probes a provider: the way to it with each key and its vendor's page
// side by side, then the balances of the keys that got an answer.
func (s *probes) look(ctx context.Context, p *provider) Probe {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	probe := Probe{Provider: p.options.Name, Begun: time.Now(), Checks: make([]Check, len(p.keys))}
	balances := make([]Balance, len(p.keys))
	var group errgroup.Group
	group.SetLimit(checkWidth)
	group.Go(func() error {
		probe.Page = s.page(ctx, p)
		return nil
	})
	for i, k := range p.keys {
		group.Go(func() error {
			check := &probe.Checks[i]
			*check = Check{Provider: p.options.Name, Key: k.Name, BaseURL: p.options.BaseURL}
			if check.run(ctx, p, k.Key); check.Status != 0 {
				balances[i] = p.balance(ctx, k.Key)
			}
			return nil
		})
	}
	_ = group.Wait() // what failed is in the probe
	for _, b := range balances {
		if b.Known() {
			probe.Balances = append(probe.Balances, b)
		}
	}
	return probe
}

func (s *probes) page(ctx context.Context, p *provider) StatusPage {
	v, ok := p.options.page()
	if !ok {
		return StatusPage{}
	}
	s.mu.Lock()
	shared := entryIn(&s.pages, v.hosts[0]+" "+v.components[0])
	s.mu.Unlock()
	page, err := shared.get(ctx, pageFresh, func(ctx context.Context) (StatusPage, time.Time) {
		read := v.read(ctx, p.http)
		return read, read.Read
	})
	if err != nil {
		return StatusPage{Host: v.hosts[0]}
	}
	return page
}

// recent is something that many may ask for and one at a time looks up.
type recent[T any] struct {
	turn  *semaphore.Weighted // held by the one who looks or is about to
	value T
	at    time.Time
}

// get returns what was looked up less than fresh ago, or looks it up with the
// caller's ctx. What a caller gave up on is not kept. The error is ctx's.
func (r *recent[T]) get(ctx context.Context, fresh time.Duration, look func(context.Context) (T, time.Time)) (T, error) {
	if err := r.turn.Acquire(ctx, 1); err != nil {
		var none T
		return none, err
	}
	defer r.turn.Release(1)
	if !r.at.IsZero() && time.Since(r.at) < fresh {
		return r.value, nil
	}
	value, at := look(ctx)
	if err := ctx.Err(); err != nil {
		return value, err
	}
	r.value, r.at = value, at
	return value, nil
}
