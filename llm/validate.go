package llm

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/diagbot/diagbot/troubleshoot"
)

// problems gathers what is wrong with the options, each with its place, and
// never quotes a value that may be secret.
type problems struct {
	where string
	errs  []error
}

func (p *problems) add(field, format string, args ...any) {
	p.errs = append(p.errs, fmt.Errorf("%s: %s: %s", p.where, field, fmt.Sprintf(format, args...)))
}

func (o Options) validate() error {
	p := &problems{where: "providers"}
	if len(o.Providers) == 0 {
		p.add("count", "at least one provider is needed")
	}
	p.where = "options"
	if o.MaxAttempts < 0 {
		p.add("max_attempts", "is negative")
	}
	if o.RetriesPerMinute < 0 {
		p.add("retries_per_minute", "is negative")
	}
	if s := o.Pauses; s.Backoff < 0 || s.Short < 0 || s.Longest < 0 {
		p.add("pauses", "backoff, short or longest is negative")
	}
	seen := map[string]bool{}
	for i, po := range o.Providers {
		p.where = fmt.Sprintf("provider %q", po.Name)
		if po.Name == "" {
			p.where = fmt.Sprintf("provider %d", i+1)
			p.add("name", "is empty")
		}
		if seen[po.Name] {
			p.add("name", "is used twice")
		}
		seen[po.Name] = true
		po.validate(p)
	}
	return errors.Join(p.errs...)
}

func (o ProviderOptions) validate(p *problems) {
	switch o.Source {
	case "", troubleshoot.SourceAPI, troubleshoot.SourceWeb:
	default:
		p.add("source", "%q is neither api nor web", o.Source)
	}
	checkBaseURL(p, o.BaseURL, o.AllowHTTP)
	if _, err := proxyURL(o.Proxy); err != nil {
		p.add("proxy", "%v", err)
	}
	o.checkKeys(p)
	o.checkModels(p)
	o.checkHeaders(p)
	o.checkNumbers(p)
}

func (o ProviderOptions) checkKeys(p *problems) {
	names := map[string]bool{}
	for i, k := range o.Keys {
		field := fmt.Sprintf("keys[%d]", i)
		switch {
		case k.Secret == "":
			p.add(field, "is empty")
		case strings.ContainsFunc(k.Secret, notKey):
			p.add(field, "has a space, a line break or another character no key has")
		}
		if k.Name != "" && names[k.Name] {
			p.add(field, "name %q is used twice", k.Name)
		}
		names[k.Name] = true
	}
}

func (o ProviderOptions) checkModels(p *problems) {
	if len(o.Models) == 0 {
		p.add("models", "at least one model is needed")
	}
	for i, m := range o.Models {
		if strings.TrimSpace(m) != m || m == "" {
			p.add(fmt.Sprintf("models[%d]", i), "is empty or has a space around it")
		}
	}
}

func (o ProviderOptions) checkHeaders(p *problems) {
	for _, name := range slices.Sorted(maps.Keys(o.Headers)) {
		if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(o.Headers[name]) {
			p.add(fmt.Sprintf("headers[%q]", name), "is not a valid HTTP header")
		}
	}
	if !httpguts.ValidHeaderFieldValue(o.Organization) {
		p.add("organization", "has a character no header may have")
	}
	if !httpguts.ValidHeaderFieldValue(o.Project) {
		p.add("project", "has a character no header may have")
	}
}

func (o ProviderOptions) checkNumbers(p *problems) {
	t := o.Timeouts
	for _, limit := range []struct {
		field string
		time.Duration
	}{
		{"dial", t.Dial}, {"tls", t.TLS}, {"headers", t.Headers},
		{"first_token", t.FirstToken}, {"idle", t.Idle}, {"total", t.Total},
	} {
		if limit.Duration < 0 {
			p.add("timeouts."+limit.field, "is negative")
		}
	}
	if o.Temperature != nil && !(*o.Temperature >= 0 && *o.Temperature <= 2) {
		p.add("temperature", "is not between 0 and 2")
	}
	if o.TopP != nil && !(*o.TopP > 0 && *o.TopP <= 1) {
		p.add("top_p", "is not above 0 and at most 1")
	}
	if o.MaxTokens < 0 || o.MaxCompletionTokens < 0 {
		p.add("max_tokens", "is negative")
	}
	if o.Window < 0 {
		p.add("window", "is negative")
	}
	if o.MaxTokens > 0 && o.MaxCompletionTokens > 0 {
		p.add("max_tokens", "and max_completion_tokens exclude each other")
	}
}

// notKey finds what cannot be in an Authorization header's token.
func notKey(r rune) bool { return r <= ' ' || r > '~' }

func checkBaseURL(p *problems, raw string, allowHTTP bool) {
	u, err := url.Parse(raw)
	switch {
	case raw == "":
		p.add("base_url", "is empty; an example is https://api.openai.com/v1")
	case err != nil:
		p.add("base_url", "is not a URL; an example is https://api.openai.com/v1")
	case u.User != nil:
		p.add("base_url", "must not carry a user name or password")
	case u.Scheme != "http" && u.Scheme != "https":
		p.add("base_url", "must begin with https:// (or http:// inside a private network)")
	case u.Hostname() == "":
		p.add("base_url", "names no host")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		p.add("base_url", "must not have a query or fragment")
	case u.Scheme == "http" && !allowHTTP && !private(u.Hostname()):
		p.add("base_url", "is http to a public host: key and chats would travel in the clear; use https or set allow_http")
	}
}

// private tells hosts that a public network does not carry: loopback and
// private addresses, single-label names, and the suffixes of local networks.
func private(host string) bool {
	if a, err := netip.ParseAddr(host); err == nil {
		a = a.Unmap()
		return a.IsLoopback() || a.IsPrivate() || a.IsUnspecified()
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if !strings.Contains(host, ".") {
		return true
	}
	for _, suffix := range []string{".localhost", ".local", ".internal", ".lan", ".home.arpa"} {
		if strings.HasSuffix(host, suffix) {
			return true
		}
	}
	return false
}
