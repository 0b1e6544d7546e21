package llm

import (
	"cmp"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	openai "github.com/sashabaranov/go-openai"

	"github.com/diagbot/diagbot/troubleshoot"
)

// Client reaches the configured providers. It is safe for concurrent use.
type Client struct {
	fleet     atomic.Pointer[[]*provider] // in the order in which they are asked
	redactor  atomic.Pointer[troubleshoot.Redactor]
	logger    *slog.Logger
	catalogue atomic.Pointer[troubleshoot.Catalogue]
	pauses    Pauses
	attempts  int // for one message, at most
	retries   *allowance
	meter     *meter
	probes    probes

	changing sync.Mutex // held by whoever changes what follows, and the fleet
	order    []string   // of the providers, as configured
	first    string     // who is asked before all others; empty: as configured
	secrets  []string   // of all that were ever configured
	retired  []*http.Client
}

// providers returns the fleet as it is now. It is replaced, never changed.
func (c *Client) providers() []*provider { return *c.fleet.Load() }

// New checks the options and makes a client; it does not connect. Its error
// joins all problems, each naming its provider and field, none quoting a
// secret.
func New(o Options) (*Client, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	c := &Client{
		logger: o.Logger, pauses: o.Pauses.withDefaults(),
		attempts: cmp.Or(o.MaxAttempts, defaultAttempts),
		retries:  &allowance{extra: cmp.Or(o.RetriesPerMinute, defaultRetries)}, meter: newMeter(),
	}
	if c.logger == nil {
		c.logger = slog.New(slog.DiscardHandler)
	}
	if o.Catalogue == nil {
		embedded, err := troubleshoot.Load()
		if err != nil {
			return nil, fmt.Errorf("load the catalogue: %w", err)
		}
		o.Catalogue = embedded
	}
	c.catalogue.Store(o.Catalogue)
	c.fleet.Store(&[]*provider{})
	if _, err := c.Reload(o.Providers); err != nil {
		return nil, err
	}
	return c, nil
}

// Close closes idle connections. Attempts under way go on.
func (c *Client) Close() {
	c.changing.Lock()
	defer c.changing.Unlock()
	for _, p := range c.providers() {
		p.http.CloseIdleConnections()
	}
	for _, old := range c.retired {
		old.CloseIdleConnections()
	}
}

// provider is one configured provider, ready to be asked.
type provider struct {
	options  ProviderOptions
	limits   Timeouts
	http     *http.Client
	header   http.Header
	redactor *atomic.Pointer[troubleshoot.Redactor]
	rest     time.Duration // of the breaker
	proxied  bool          // our own transport goes through a proxy
	pool
}

// newProvider makes a provider that reaches out through reached, or a connection
// of its own if that is nil.
func (c *Client) newProvider(o ProviderOptions, reached *http.Client) (*provider, error) {
	if o.Source == "" {
		o.Source = troubleshoot.SourceAPI
	}
	p := &provider{options: o, limits: o.Timeouts.withDefaults(), header: o.header(), redactor: &c.redactor, rest: c.pauses.Breaker}
	if p.http = reached; reached == nil {
		transport := o.Transport
		if transport == nil {
			own, err := newTransport(p.limits, o.Proxy)
			if err != nil {
				return nil, err
			}
			transport = own
		}
		p.http = newHTTPClient(transport)
	}
	p.proxied = o.Transport == nil && o.proxy() != nil
	p.breaker = newBreaker(p.rest)
	for _, name := range o.Models {
		p.models = append(p.models, &model{name: name})
	}
	for _, k := range o.keys() {
		p.keys = append(p.keys, &key{Key: k, client: p.client(k, o.BaseURL, p.http), quota: make([]cooling, len(o.Models))})
	}
	return p, nil
}

// newHTTPClient follows no redirects: one would carry the prompt, and to the
// same host the key, wherever it points.
func newHTTPClient(t http.RoundTripper) *http.Client {
	return &http.Client{
		Transport:     t,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// client returns a go-openai client that sends k to base through the guard.
func (p *provider) client(k Key, base string, next openai.HTTPDoer) *openai.Client {
	config := openai.DefaultConfig(k.Secret)
	config.BaseURL = base
	config.OrgID = p.options.Organization
	config.HTTPClient = &guard{next: next, header: p.header}
	return openai.NewClientWithConfig(config)
}

// keys returns the configured keys, all with names, or one that is empty.
func (o ProviderOptions) keys() []Key {
	if len(o.Keys) == 0 {
		return []Key{{}}
	}
	keys := make([]Key, len(o.Keys))
	for i, k := range o.Keys {
		if k.Name == "" {
			k.Name = strconv.Itoa(i + 1)
		}
		keys[i] = k
	}
	return keys
}

func (o ProviderOptions) header() http.Header {
	h := http.Header{}
	for name, value := range o.Headers {
		h.Set(name, value)
	}
	if o.Project != "" {
		h.Set("OpenAI-Project", o.Project)
	}
	return h
}

// shortSecret is the least length of a header's value to count as a secret.
const shortSecret = 8

// secretsOf returns all that must never be shown, proxy passwords from the
// environment included.
func secretsOf(providers []ProviderOptions) []string {
	var all []string
	for _, p := range providers {
		for _, k := range p.Keys {
			all = append(all, k.Secret)
		}
		for _, value := range p.Headers {
			if len(value) >= shortSecret {
				all = append(all, value)
			}
		}
		all = append(all, p.Organization, p.Project, p.proxyPassword())
	}
	return all
}

func (o ProviderOptions) proxyPassword() string {
	proxy := o.proxy()
	if proxy == nil {
		return ""
	}
	password, _ := proxy.User.Password()
	return password
}

// proxy returns the proxy on the way to the provider, nil if there is none.
func (o ProviderOptions) proxy() *url.URL {
	via, err := proxyURL(o.Proxy)
	base, berr := url.Parse(o.BaseURL)
	if err != nil || berr != nil || via == nil {
		return nil
	}
	proxy, err := via(&http.Request{URL: base})
	if err != nil {
		return nil
	}
	return proxy
}
