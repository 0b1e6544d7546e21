package llm

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/diagbot/diagbot/troubleshoot"
)

// What a change of the providers can be refused for, besides ErrNoProvider and
// what New would refuse.
var (
	ErrNoKey        = errors.New("there is no such key")
	ErrKeyExists    = errors.New("there is a key of that name")
	ErrLastKey      = errors.New("it is the provider's last key")
	ErrLastProvider = errors.New("no other provider is left to ask")
)

// Changes names the providers that a reload has changed.
type Changes struct{ Added, Removed, Changed []string }

// Reload puts other providers in the place of those there are, or says as New does
// what is wrong with them; then nothing changes. What has been learnt of keys and
// models that stay is kept. Requests under way are not disturbed.
func (c *Client) Reload(all []ProviderOptions) (Changes, error) {
	if err := (Options{Providers: all}).validate(); err != nil {
		return Changes{}, err
	}
	c.changing.Lock()
	defer c.changing.Unlock()
	c.hide(all)
	var done Changes
	fleet := make([]*provider, len(all))
	for i, o := range all {
		old := c.named(o.Name)
		p, err := c.rebuilt(old, o)
		if err != nil {
			return Changes{}, err
		}
		switch fleet[i] = p; {
		case old == nil:
			done.Added = append(done.Added, o.Name)
		case old != p:
			done.Changed = append(done.Changed, o.Name)
		}
	}
	for _, p := range c.providers() {
		if !slices.ContainsFunc(all, func(o ProviderOptions) bool { return o.Name == p.options.Name }) {
			done.Removed = append(done.Removed, p.options.Name)
			c.retire(p.http)
		}
	}
	c.order = c.order[:0]
	for _, o := range all {
		c.order = append(c.order, o.Name)
	}
	freeIfAllHeld(fleet)
	c.launch(fleet)
	return done, nil
}

// UseProvider asks a provider before all others; "" restores the order of the
// options. The error is ErrNoProvider.
func (c *Client) UseProvider(name string) error {
	c.changing.Lock()
	defer c.changing.Unlock()
	if name != "" && c.named(name) == nil {
		return ErrNoProvider
	}
	c.first = name
	c.launch(c.providers())
	return nil
}

// Cool keeps a provider from being asked until [Client.Resume]. The errors are
// ErrNoProvider and ErrLastProvider.
func (c *Client) Cool(name string) error {
	c.changing.Lock()
	defer c.changing.Unlock()
	chosen := c.named(name)
	if chosen == nil {
		return ErrNoProvider
	}
	if !slices.ContainsFunc(c.providers(), func(p *provider) bool { return p != chosen && !p.isHeld() }) {
		return ErrLastProvider
	}
	chosen.hold(true)
	return nil
}

// Resume ends what keeps a provider, its keys and its models from being asked,
// whoever began it. The error is ErrNoProvider.
func (c *Client) Resume(name string) error {
	c.changing.Lock()
	defer c.changing.Unlock()
	p := c.named(name)
	if p == nil {
		return ErrNoProvider
	}
	p.forgive()
	return nil
}

// SetModel asks a model of a provider before its others, which it need not be one
// of. Errors are ErrNoProvider and what New says of models.
func (c *Client) SetModel(name, model string) error {
	return c.alter(name, func(o *ProviderOptions) error {
		others := slices.DeleteFunc(slices.Clone(o.Models), func(m string) bool { return m == model })
		o.Models = append([]string{model}, others...)
		return nil
	})
}

// AddKey gives a provider another key. Errors are ErrNoProvider, ErrKeyExists and
// what New says of keys.
func (c *Client) AddKey(name string, k Key) error {
	return c.alter(name, func(o *ProviderOptions) error {
		named := o.namedKeys()
		if slices.ContainsFunc(named, func(x Key) bool { return strings.EqualFold(x.Name, k.Name) }) {
			return ErrKeyExists
		}
		o.Keys = append(named, k)
		return nil
	})
}

// RemoveKey takes a key away from a provider, but not its last. Errors are
// ErrNoProvider, ErrNoKey and ErrLastKey.
func (c *Client) RemoveKey(name, key string) error {
	return c.alter(name, func(o *ProviderOptions) error {
		named := o.namedKeys()
		left := slices.DeleteFunc(slices.Clone(named), func(x Key) bool { return x.Name == key })
		switch {
		case len(left) == len(named):
			return ErrNoKey
		case len(left) == 0:
			return ErrLastKey
		}
		o.Keys = left
		return nil
	})
}

// TestKey looks how far a key gets, which the provider need not have yet, over new
// connections and without asking a model. A key without a secret is looked up by
// its name. Errors are ErrNoProvider and ErrNoKey.
func (c *Client) TestKey(ctx context.Context, name string, k Key) (Check, error) {
	c.changing.Lock()
	p := c.named(name)
	if k.Secret != "" { // it is a secret from now on
		c.learnSecrets(k.Secret)
	}
	c.changing.Unlock()
	if p == nil {
		return Check{}, ErrNoProvider
	}
	if k.Secret == "" {
		i := slices.IndexFunc(p.keys, func(x *key) bool { return x.Name == k.Name })
		if i < 0 {
			return Check{}, ErrNoKey
		}
		k = p.keys[i].Key
	}
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	check := Check{Provider: name, Key: k.Name, BaseURL: p.options.BaseURL}
	check.run(ctx, p, k)
	return check, nil
}

// SetCatalogue makes faults understood by a catalogue that was read anew.
func (c *Client) SetCatalogue(catalogue *troubleshoot.Catalogue) { c.catalogue.Store(catalogue) }

// alter changes one provider's options. Its state is kept where it still applies.
func (c *Client) alter(name string, change func(*ProviderOptions) error) error {
	c.changing.Lock()
	defer c.changing.Unlock()
	old := c.named(name)
	if old == nil {
		return ErrNoProvider
	}
	o := old.options
	if err := change(&o); err != nil {
		return err
	}
	if err := (Options{Providers: []ProviderOptions{o}}).validate(); err != nil {
		return err
	}
	c.hide([]ProviderOptions{o})
	p, err := c.rebuilt(old, o)
	if err != nil {
		return err
	}
	fleet := slices.Clone(c.providers())
	fleet[slices.Index(fleet, old)] = p
	c.launch(fleet)
	return nil
}

// What follows needs c.changing.

// named returns a provider; nil if there is none of that name.
func (c *Client) named(name string) *provider {
	for _, p := range c.providers() {
		if p.options.Name == name {
			return p
		}
	}
	return nil
}

// hide adds what must never be shown to what is known of it. What once was a
// secret stays one.
func (c *Client) hide(all []ProviderOptions) { c.learnSecrets(secretsOf(all)...) }

func (c *Client) learnSecrets(all ...string) {
	for _, s := range all {
		if s != "" && !slices.Contains(c.secrets, s) {
			c.secrets = append(c.secrets, s)
		}
	}
	c.redactor.Store(troubleshoot.NewRedactor(c.secrets...))
}

// launch has requests go to a fleet from now on, in the order in which its
// providers are to be asked.
func (c *Client) launch(fleet []*provider) {
	rank := func(p *provider) int {
		if p.options.Name == c.first {
			return -1
		}
		return slices.Index(c.order, p.options.Name)
	}
	fleet = slices.Clone(fleet)
	slices.SortStableFunc(fleet, func(a, b *provider) int { return cmp.Compare(rank(a), rank(b)) })
	c.fleet.Store(&fleet)
}

// rebuilt returns a provider with other options: old itself if they are the same,
// or else one that knows what old knew. old may be nil.
func (c *Client) rebuilt(old *provider, o ProviderOptions) (*provider, error) {
	if old == nil {
		return c.newProvider(o, nil)
	}
	if o.Source == "" {
		o.Source = troubleshoot.SourceAPI
	}
	if reflect.DeepEqual(old.options, o) {
		return old, nil
	}
	reached := old.http
	if o.Proxy != old.options.Proxy || o.Timeouts != old.options.Timeouts || o.Transport != old.options.Transport {
		reached = nil
	}
	p, err := c.newProvider(o, reached)
	if err != nil {
		return nil, err
	}
	if reached == nil {
		c.retire(old.http)
	}
	p.inherit(old)
	c.probes.forget(o.Name)
	return p, nil
}

// retire closes the connections of a provider that is gone; those in use when the
// client is closed.
func (c *Client) retire(h *http.Client) {
	h.CloseIdleConnections()
	c.retired = append(c.retired, h)
}

// freeIfAllHeld lets all providers be asked if none could be.
func freeIfAllHeld(fleet []*provider) {
	if slices.ContainsFunc(fleet, func(p *provider) bool { return !p.isHeld() }) {
		return
	}
	for _, p := range fleet {
		p.hold(false)
	}
}

func (p *provider) isHeld() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.held
}

func (p *provider) hold(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held = on
}

// forgive forgets everything that keeps the provider out.
func (p *provider) forgive() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held, p.out, p.breaker, p.resorted = false, cooling{}, newBreaker(p.rest), time.Time{}
	for _, m := range p.models {
		m.out, m.sight = cooling{}, sight{}
	}
	for _, k := range p.keys {
		k.out = cooling{}
		clear(k.quota)
	}
}

// inherit takes over what old knew of the keys and models that both have. The
// breaker begins anew: what it counted may be cured.
func (p *provider) inherit(old *provider) {
	old.mu.Lock()
	defer old.mu.Unlock()
	p.held, p.last, p.lastAt, p.answered = old.held, old.last, old.lastAt, old.answered
	was := make(map[string]int, len(old.models))
	for i, m := range old.models {
		was[m.name] = i
	}
	for _, m := range p.models {
		if i, ok := was[m.name]; ok {
			m.out, m.shape = old.models[i].out.idle(), old.models[i].shape
			if p.options.Vision == old.options.Vision {
				m.sight = old.models[i].sight
			}
		}
	}
	for _, k := range p.keys {
		i := slices.IndexFunc(old.keys, func(x *key) bool { return x.Key == k.Key })
		if i < 0 {
			continue
		}
		k.out, k.limited = old.keys[i].out.idle(), old.keys[i].limited
		for m := range k.quota {
			if at, ok := was[p.models[m].name]; ok {
				k.quota[m] = old.keys[i].quota[at].idle()
			}
		}
	}
}

// idle is the cooling with nobody trying.
func (c cooling) idle() cooling {
	c.trying = false
	return c
}

// namedKeys are the options' keys, all with names.
func (o ProviderOptions) namedKeys() []Key {
	if len(o.Keys) == 0 {
		return nil
	}
	return o.keys()
}
