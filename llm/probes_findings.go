package llm

import (
	"time"

	"github.com/diagbot/diagbot/troubleshoot"
)

// Finding is one line of a probe, for whoever puts it in words.
type Finding struct {
	What    string // a step of a [Check], or one of the Finding… names
	Verdict Verdict
	Key     string // which key it is about, if the provider has several
	Name    string // the proxy's host and port, the model, or the page's host

	Took    time.Duration // of steps; 0 if not known
	Days    int           // FindingTLS: until the certificate expires, if HasDays
	HasDays bool

	Fault   *troubleshoot.Fault // of what is failing
	Page    StatusPage          // FindingPage
	Balance Balance             // FindingBalance
}

// Verdict is how a step went.
type Verdict int

// The verdicts.
const (
	VerdictOK Verdict = iota
	VerdictFailing
	VerdictUnknown // it could not be judged
)

// What findings are about, besides the steps of a [Check].
const (
	FindingProxy   = "proxy"
	FindingTryURL  = "try_url" // Name is a base URL that answers instead
	FindingPage    = "page"
	FindingBalance = "balance"
)

// Findings puts the probe in lines: the way there once, what the API says to
// each key and of each model, the official page, the balances.
func (p Probe) Findings() []Finding {
	var all []Finding
	several := len(p.Checks) > 1
	for i, c := range p.Checks {
		for _, f := range c.findings(p.Begun) {
			if i > 0 && f.Verdict == VerdictOK && f.isWay() {
				continue // said with the first key
			}
			if f.isWay() || !several {
				f.Key = ""
			}
			all = append(all, f)
		}
	}
	if p.Page.Host != "" {
		all = append(all, Finding{What: FindingPage, Verdict: p.Page.verdict(), Name: p.Page.Host, Page: p.Page})
	}
	for _, b := range p.Balances {
		f := Finding{What: FindingBalance, Balance: b}
		if several {
			f.Key = b.Key
		}
		all = append(all, f)
	}
	return all
}

// Stopped returns the first step that is failing; ok is false if none is.
func (p Probe) Stopped() (f Finding, ok bool) {
	for _, f := range p.Findings() {
		if f.Fault != nil {
			return f, true
		}
	}
	return Finding{}, false
}

// isWay reports whether a finding is about the way to the API, which all keys
// share.
func (f Finding) isWay() bool {
	switch f.What {
	case StepDNS, StepTCP, StepTLS, FindingProxy:
		return true
	}
	return false
}

func (s StatusPage) verdict() Verdict {
	switch s.State {
	case StatusOperational:
		return VerdictOK
	case StatusUnknown:
		return VerdictUnknown
	}
	return VerdictFailing
}

// findings puts a check in lines. What a proxy failed at is said of the proxy:
// the steps before it led there, not to the provider.
func (c Check) findings(now time.Time) []Finding {
	var all []Finding
	proxied := c.Proxy == ""
	for _, s := range c.Steps {
		f := c.finding(s, now)
		if s.Fault != nil && s.Fault.Net == troubleshoot.NetProxy {
			f.What, f.Name, f.Took, proxied = FindingProxy, c.Proxy, 0, true
		}
		if !proxied && (s.Name == StepAPI || s.Name == StepModel) {
			all = append(all, Finding{What: FindingProxy, Name: c.Proxy})
			proxied = true
		}
		all = append(all, f)
	}
	if c.TryURL != "" {
		all = append(all, Finding{What: FindingTryURL, Verdict: VerdictUnknown, Key: c.Key, Name: c.TryURL})
	}
	return all
}

func (c Check) finding(s Step, now time.Time) Finding {
	f := Finding{What: s.Name, Key: c.Key, Name: s.Model, Took: s.Took, Fault: s.Fault}
	switch {
	case s.Fault != nil:
		f.Verdict = VerdictFailing
	case s.Unknown:
		f.Verdict = VerdictUnknown
	}
	if s.Name == StepTLS {
		f.Days, f.HasDays = c.CertDays(now)
	}
	return f
}
