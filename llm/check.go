package llm

import (
	"context"
	"errors"
	"math"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/diagbot/diagbot/troubleshoot"
)

// Check is how far a request for the list of models got with one key. It costs
// no tokens.
type Check struct {
	Provider string
	Key      string // its name; empty for a provider without keys
	BaseURL  string
	Proxy    string // host and port of the proxy that was used; empty for none
	Address  string // what was connected to: the provider, or the proxy

	Steps  []Step // in order; those not reached are missing
	Status int    // HTTP status of the list; 0 if none came
	Took   time.Duration
	Models int // how many models are listed

	// CertExpires is when the certificate shown expires, also if it was not
	// accepted; zero without TLS.
	CertExpires time.Time

	// TryURL is a base URL at which the list was found when it was not at the
	// configured one, such as the same with "/v1"; empty if there is none.
	TryURL string
}

// Step is one part of a Check.
type Step struct {
	Name  string // dns, tcp, tls, api, model
	Model string // of a model step
	Took  time.Duration
	Fault *troubleshoot.Fault // nil if it went well
	// Unknown says that the step could not be judged: the provider answers, but
	// keeps no list of models.
	Unknown bool
}

// The steps of a Check.
const (
	StepDNS   = "dns"
	StepTCP   = "tcp"
	StepTLS   = "tls"
	StepAPI   = "api"
	StepModel = "model"
)

// Fault returns the first failure among the steps; nil if there is none.
func (c Check) Fault() *troubleshoot.Fault {
	for _, s := range c.Steps {
		if s.Fault != nil {
			return s.Fault
		}
	}
	return nil
}

// CertDays returns the whole days from now until the certificate expires,
// negative if it has; ok is false without TLS.
func (c Check) CertDays(now time.Time) (days int, ok bool) {
	return int(math.Floor(c.CertExpires.Sub(now).Hours() / 24)), !c.CertExpires.IsZero()
}

const (
	checkTime  = 20 * time.Second // for one request of a check
	checkWidth = 4                // checks at a time
)

// Check asks every provider with every key for its models, over new
// connections, and returns the results in the order of the options.
func (c *Client) Check(ctx context.Context) []Check {
	var group errgroup.Group
	group.SetLimit(checkWidth)
	var checks []*Check
	for _, p := range c.providers() {
		for _, k := range p.keys {
			check := &Check{Provider: p.options.Name, Key: k.Name, BaseURL: p.options.BaseURL}
			checks = append(checks, check)
			group.Go(func() error {
				check.run(ctx, p, k.Key)
				return nil
			})
		}
	}
	_ = group.Wait() // the results hold the faults
	all := make([]Check, len(checks))
	for i := range checks {
		all[i] = *checks[i]
	}
	return all
}

func (c *Check) run(ctx context.Context, p *provider, k Key) {
	c.Proxy = p.proxyHost()
	probe := &probe{}
	models, fault := p.list(httptrace.WithClientTrace(ctx, probe.trace()), k, p.options.BaseURL)
	c.Took = time.Since(probe.begun)
	c.Steps, c.Address, c.CertExpires = probe.result(fault)
	if fault != nil {
		c.Status = fault.Status
		c.lookElsewhere(ctx, p, k, fault)
		return
	}
	p.revive(k.Name)
	c.Status, c.Models = http.StatusOK, len(models)
	for _, model := range p.options.Models {
		c.Steps = append(c.Steps, p.modelStep(k, model, models))
	}
}

// lookElsewhere tries what people usually meant by a base URL with no API
// behind it. A server that merely keeps no list of models cannot be told from
// a wrong path, so then the API's step stands as unknown, not as failed.
func (c *Check) lookElsewhere(ctx context.Context, p *provider, k Key, fault *troubleshoot.Fault) {
	missing := fault.Status == http.StatusNotFound || fault.Status == http.StatusMethodNotAllowed
	if !missing && (fault.Status < 200 || fault.Status > 399) {
		return
	}
	for _, base := range likely(p.options.BaseURL) {
		if _, f := p.list(ctx, k, base); f == nil || f.Status == http.StatusUnauthorized {
			c.TryURL = base
			return
		}
	}
	if api := &c.Steps[len(c.Steps)-1]; missing && fault.Net == "" && hasVersion(c.BaseURL) && !isPage(fault) {
		api.Fault, api.Unknown = nil, true
	}
}

func isPage(f *troubleshoot.Fault) bool { return strings.Contains(f.Detail, "<") }

func hasVersion(base string) bool {
	return strings.HasSuffix(strings.TrimRight(base, "/"), "/v1")
}

// likely returns the base URLs that people mean by base.
func likely(base string) []string {
	base = strings.TrimRight(base, "/")
	short := base
	for _, tail := range []string{"/chat/completions", "/completions", "/models", "/chat"} {
		short = strings.TrimRight(strings.TrimSuffix(short, tail), "/")
	}
	for strings.HasSuffix(short, "/v1/v1") {
		short = strings.TrimSuffix(short, "/v1")
	}
	candidates := []string{short}
	if !hasVersion(short) {
		candidates = append(candidates, short+"/v1")
	}
	return slices.DeleteFunc(candidates, func(s string) bool { return s == base })
}

// list asks for the list of models at base.
func (p *provider) list(ctx context.Context, k Key, base string) ([]string, *troubleshoot.Fault) {
	next, free := p.fresh()
	defer free()
	limits := p.limits
	limits.Total = min(limits.Total, checkTime)
	actx, x := newExchange(ctx, limits, listModels, true)
	defer x.end()
	list, err := p.client(k, base, next).ListModels(actx)
	if err != nil {
		return nil, p.fault(ctx, actx, x, scene{key: k.Name}, err)
	}
	names := make([]string, len(list.Models))
	for i, m := range list.Models {
		names[i] = m.ID
	}
	return names, nil
}

// fresh returns a client that makes new connections, and a function that
// closes them.
func (p *provider) fresh() (*http.Client, func()) {
	pooled, ok := p.http.Transport.(*http.Transport)
	if !ok {
		return p.http, func() {}
	}
	t := pooled.Clone()
	t.DisableKeepAlives = true
	return newHTTPClient(t), t.CloseIdleConnections
}

// modelStep tells whether a configured model is listed. Google lists its
// models as "models/…".
func (p *provider) modelStep(k Key, model string, listed []string) Step {
	s := Step{Name: StepModel, Model: model, Unknown: len(listed) == 0}
	if !s.Unknown && !slices.Contains(listed, model) && !slices.Contains(listed, "models/"+model) {
		s.Fault = &troubleshoot.Fault{
			Source: p.options.Source, Provider: p.options.Name, Model: model, KeyName: k.Name,
			Status: http.StatusOK, Phase: troubleshoot.PhaseStream, Entry: entryNoModel, Cause: errNotListed,
		}
	}
	return s
}

var errNotListed = errors.New("the provider does not list the model")

// proxyHost returns where requests go through; "" if they go straight.
func (p *provider) proxyHost() string {
	t, ok := p.http.Transport.(*http.Transport)
	base, err := url.Parse(p.options.BaseURL)
	if !ok || err != nil || t.Proxy == nil {
		return ""
	}
	u, err := t.Proxy(&http.Request{URL: base})
	if err != nil || u == nil {
		return ""
	}
	return u.Host
}
