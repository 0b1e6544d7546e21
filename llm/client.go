package llm

import (
	"cmp"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"

	openai "github.com/sashabaranov/go-openai"

	"github.com/diagbot/diagbot/troubleshoot"
)

// Client reaches the configured providers. It is safe for concurrent use.
type Client struct {
	providers []*provider
	logger    *slog.Logger
	catalogue *troubleshoot.Catalogue
	pauses    Pauses
	attempts  int // for one message, at most
	retries   *allowance
	meter     *meter
	probes    probes
}

// New checks the options and makes a client; it does not connect. Its error
// joins all problems, each naming its provider and field, none quoting a
// secret.
func New(o Options) (*Client, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	c := &Client{
		logger: o.Logger, catalogue: o.Catalogue, pauses: o.Pauses.withDefaults(),
		attempts: cmp.Or(o.MaxAttempts, defaultAttempts),
		retries:  &allowance{extra: cmp.Or(o.RetriesPerMinute, defaultRetries)}, meter: newMeter(),
	}
	if c.logger == nil {
		c.logger = slog.New(slog.DiscardHandler)
	}
	if c.catalogue == nil {
		embedded, err := troubleshoot.Load()
		if err != nil {
			return nil, fmt.Errorf("load the catalogue: %w", err)
		}
		c.catalogue = embedded
	}
	redactor := troubleshoot.NewRedactor(o.secrets()...)
	for _, po := range o.Providers {
		p, err := newProvider(po, redactor, c.pauses)
		if err != nil {
			return nil, err
		}
		c.providers = append(c.providers, p)
	}
	return c, nil
}

// Close closes idle connections. Attempts under way go on.
func (c *Client) Close() {
	for _, p := range c.providers {
		p.http.CloseIdleConnections()
	}
}

// provider is one configured provider, ready to be asked.
type provider struct {
	options  ProviderOptions
	limits   Timeouts
	http     *http.Client
	header   http.Header
	redactor *troubleshoot.Redactor
	proxied  bool // our own transport goes through a proxy
	pool
}

func newProvider(o ProviderOptions, redactor *troubleshoot.Redactor, pauses Pauses) (*provider, error) {
	if o.Source == "" {
		o.Source = troubleshoot.SourceAPI
	}
	p := &provider{options: o, limits: o.Timeouts.withDefaults(), header: o.header(), redactor: redactor}
	transport := o.Transport
	if transport == nil {
		own, err := newTransport(p.limits, o.Proxy)
		if err != nil {
			return nil, err
		}
		transport, p.proxied = own, o.proxy() != nil
	}
	p.http = newHTTPClient(transport)
	p.breaker = newBreaker(pauses.Breaker)
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

// secrets returns all that must never be shown, proxy passwords from the
// environment included.
func (o Options) secrets() []string {
	var all []string
	for _, p := range o.Providers {
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
