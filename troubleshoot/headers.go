package troubleshoot

import (
	"net/http"
	"strings"
)

// headers files what the headers of an answer with the given status say.
func (r *reading) headers(h http.Header, status int) {
	for _, name := range [...]string{"X-Amzn-Errortype", "Cf-Mitigated"} {
		if v := header(h, name); v != "" {
			v, _, _ = strings.Cut(v, ":")
			r.addCode(field{key: strings.ToLower(name), text: v}, kindType)
		}
	}
	if edge := edgeOf(h, r); edge != "" {
		r.addCode(field{key: "edge", text: edge}, kindCode)
	}
	for name, values := range h {
		if status == http.StatusTooManyRequests && len(values) > 0 {
			r.limits.see(strings.ToLower(name), values[0])
		}
	}
}

// spentTokens is added to the text of a failure whose headers say so. Whatever the
// body says of money, keys or accounts is worth more.
const spentTokens = " | tokens gone by headers"

// noTokens reports whether the headers of a rate limit, or their copy in the body,
// name the bucket of tokens as the one that ran empty.
func (r *reading) noTokens(status int) bool {
	if status != http.StatusTooManyRequests || r.limits.spent() != "tokens" || r.hasReason() {
		return false
	}
	r.addCode(field{key: "spent", text: "tokens"}, kindWord)
	return true
}

// hasReason reports whether a code names a reason that no header may talk over.
func (r *reading) hasReason() bool {
	for i := range r.codes {
		for _, word := range [...]string{"quota", "billing", "balance", "credit", "payment", "arrear", "overdue", "budget", "overload", "capacity", "key", "auth", "account", "usage", "region", "country"} {
			if strings.Contains(r.codes[i].flat, word) {
				return true
			}
		}
	}
	return false
}

// buckets are a rate limit's, by what its headers say: whether one of tokens or of
// requests was named, and whether nothing remained in it.
type buckets struct{ tokens, requests, noTokens, noRequests bool }

// see reads one header, such as "x-ratelimit-remaining-tokens: 0",
// "anthropic-ratelimit-input-tokens-remaining: 0" or Azure's
// "policy-id: DeploymentRatelimit-Token".
func (b *buckets) see(name, value string) {
	if name == "policy-id" {
		b.noTokens = b.noTokens || strings.HasSuffix(value, "-Token")
		return
	}
	if !strings.Contains(name, "ratelimit") && !strings.Contains(name, "rate-limit") {
		return
	}
	empty := strings.Contains(name, "remaining") && (value == "0" || value == "0.0" || value[:min(len(value), 1)] == "-")
	switch {
	case strings.Contains(name, "token"):
		b.tokens = true
		b.noTokens = b.noTokens || empty
	case strings.Contains(name, "request"):
		b.requests = true
		b.noRequests = b.noRequests || empty
	}
}

// spent names the bucket that ran empty; nothing if both did or neither.
func (b *buckets) spent() string {
	switch {
	case b.noTokens && !b.noRequests, b.tokens && !b.requests:
		return "tokens"
	case b.noRequests && !b.noTokens:
		return "requests"
	}
	return ""
}

// edgeOf names the proxy that answered in place of the service, when its headers
// say so and no structure of the service's own was in the body.
func edgeOf(h http.Header, r *reading) string {
	server := strings.ToLower(header(h, "Server"))
	if e := header(h, "X-Squid-Error"); e != "" || strings.HasPrefix(server, "squid") {
		return "squid"
	}
	if len(r.codes) > 0 || len(r.messages) > 0 && !r.messages[0].page {
		return ""
	}
	for _, name := range [...]string{"cloudflare", "awselb", "envoy", "openresty", "nginx", "privoxy", "vercel"} {
		if strings.HasPrefix(server, name) && !isPassedOn(h) {
			return name
		}
	}
	return ""
}

// isPassedOn reports whether headers are of the service behind the proxy, which
// then did answer.
func isPassedOn(h http.Header) bool {
	for name := range h {
		name = strings.ToLower(name)
		if strings.HasPrefix(name, "anthropic-") || strings.HasPrefix(name, "openai-") || strings.Contains(name, "ratelimit-") {
			return true
		}
	}
	return false
}

func requestID(h http.Header, inside string) string {
	if len(h) == 0 {
		return inside
	}
	for _, name := range [...]string{"X-Request-Id", "Request-Id", "X-Requestid", "X-Amzn-Requestid", "Apim-Request-Id", "Cf-Ray", "X-Trace-Id"} {
		if v := header(h, name); v != "" && len(v) <= 120 {
			return v
		}
	}
	return inside
}
