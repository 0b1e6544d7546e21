package troubleshoot

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Entry is one page of the catalogue, without its prose. Its id never changes and
// is never used again for something else.
type Entry struct {
	ID        string    `yaml:"id"`
	Code      string    `yaml:"code"`      // what people see and type; shared by several entries
	Family    string    `yaml:"family"`    // chatgpt, gpt, other, network, wechat, bot
	Origin    string    `yaml:"origin"`    // guide or extra
	Cause     string    `yaml:"cause"`     // the true cause in one word
	Severity  string    `yaml:"severity"`  // info, warning, error, critical
	Retryable bool      `yaml:"retryable"` // may the same request succeed later
	Act       string    `yaml:"act"`       // what the reader can do
	Notify    string    `yaml:"notify"`    // when an admin is told
	Disclose  string    `yaml:"disclose"`  // full, or generic: users hear "unavailable" and groups see no code
	Web       string    `yaml:"web"`       // the page that stands for this one when the source is a ChatGPT web session
	Aliases   []string  `yaml:"aliases"`
	Symptoms  []Symptom `yaml:"symptoms"`
	Remedy    []Step    `yaml:"remedy"`
	Links     []string  `yaml:"links"`
	SeeAlso   []string  `yaml:"see_also"`
	Examples  []Example `yaml:"examples"`

	order int // place in the guide, then by id
}

// Step is one remedy the bot may try by itself.
type Step struct {
	Do              string `yaml:"do"`
	Max             int    `yaml:"max"`               // attempts, for retry
	HonorRetryAfter bool   `yaml:"honor_retry_after"` // for who reads the file: a pause that is asked for is always kept
}

// key names the text of a step.
func (s Step) key() string {
	if s.Do == "retry" && s.Max == 1 {
		return "remedy_retry_one"
	}
	return "remedy_" + s.Do
}

// Example is a failure that must be diagnosed as the entry it stands in.
type Example struct {
	Source   Source  `yaml:"source"`
	Provider string  `yaml:"provider"`
	Status   int     `yaml:"status"`
	Body     string  `yaml:"body"`
	Error    string  `yaml:"error"`
	Net      NetKind `yaml:"net"`
	Phase    Phase   `yaml:"phase"`
	Finish   string  `yaml:"finish"`
	Ret      int     `yaml:"ret"`
	Type     string  `yaml:"type"`
	Code     string  `yaml:"code"`
}

// Generic reports whether users may only hear that the service is unavailable.
func (e *Entry) Generic() bool { return e.Disclose == "generic" }

// Group names what has to happen for the next call to succeed: "wait" and retry,
// "trim" the request, "pay", "switch" key, model, provider or way out, or "stop".
func (e *Entry) Group() string {
	if g, ok := groupOf[e.Cause]; ok {
		return g
	}
	if e.Retryable {
		return "wait"
	}
	return "stop"
}

// groupOf sorts the causes by their remedy.
var groupOf = map[string]string{
	"insufficient_quota": "pay", "usage_cap_reached": "switch",
	"context_length_exceeded": "trim", "payload_too_large": "trim", "request_exceeds_tpm": "trim",
	"invalid_api_key": "switch", "account_deactivated": "switch", "permission_denied": "switch", "region_blocked": "switch", "model_not_found": "switch", "unsupported_capability": "switch",
	"rate_limit_requests": "wait", "rate_limit_tokens": "wait", "server_error": "wait", "overloaded": "wait", "bad_gateway": "wait", "gateway_timeout": "wait", "client_timeout": "wait",
	"dns_failure": "wait", "connection_refused": "wait", "connection_reset": "wait", "stream_truncated": "wait", "model_not_loaded": "wait", "session_state_lost": "wait",
	"missing_auth": "stop", "unauthorized_session": "stop", "org_membership": "stop", "cloudflare_challenge": "stop", "content_policy": "stop", "bad_request_param": "stop",
	"endpoint_not_found": "stop", "local_resource_exhausted": "stop", "tls_failure": "stop", "proxy_failure": "stop", "fetch_failed_browser": "stop", "invalid_response": "stop",
}

// The values each field may have.
var (
	families   = []string{"chatgpt", "gpt", "other", "network", "wechat", "bot"}
	origins    = []string{"guide", "extra"}
	severities = []string{"info", "warning", "error", "critical"}
	acts       = []string{"wait", "resend", "shorten", "rephrase", "reset", "ask_admin", "none"}
	notices    = []string{"never", "digest", "once", "immediate"}
	disclosure = []string{"full", "generic"}
	remedies   = []string{"retry", "trim_context", "reset_session", "refresh_auth", "rotate_key", "disable_key", "fallback_model", "switch_provider",
		"probe", "send_partial", "hot_login", "pause_sending", "slow_down_sending", "queue_reply", "alert", "none"}
	sources = []string{"", "api", "web", "wechat", "bot"}
)

var idForm = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

// check returns every problem of the entry by itself, each naming its field.
func (e *Entry) check(words vocabulary) error {
	var errs []error
	bad := func(field, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s: %s", field, fmt.Sprintf(format, args...)))
	}
	oneOf := func(field, value string, allowed []string) {
		if !slices.Contains(allowed, value) {
			bad(field, "%q is none of %s", value, strings.Join(allowed, ", "))
		}
	}
	if !idForm.MatchString(e.ID) {
		bad("id", "%q is not lower-case words joined by hyphens", e.ID)
	}
	if e.Code == "" || len(e.Code) > 20 {
		bad("code", "must be 1 to 20 characters")
	}
	if e.Cause == "" {
		bad("cause", "is missing")
	}
	oneOf("family", e.Family, families)
	oneOf("origin", e.Origin, origins)
	oneOf("severity", e.Severity, severities)
	oneOf("act", e.Act, acts)
	oneOf("notify", e.Notify, notices)
	oneOf("disclose", e.Disclose, disclosure)
	if len(e.Remedy) == 0 {
		bad("remedy", "is missing; write {do: none} if there is none")
	}
	for i, s := range e.Remedy {
		oneOf(fmt.Sprintf("remedy[%d].do", i), s.Do, remedies)
		if (s.Do == "retry") != (s.Max > 0) {
			bad(fmt.Sprintf("remedy[%d].max", i), "belongs to retry, where it must be over 0")
		}
	}
	for i, l := range e.Links {
		if !strings.HasPrefix(l, "https://") {
			bad(fmt.Sprintf("links[%d]", i), "%q does not begin with https://", l)
		}
	}
	for i := range e.Symptoms {
		if err := e.Symptoms[i].check(words); err != nil {
			bad(fmt.Sprintf("symptoms[%d]", i), "%v", err)
		}
	}
	return errors.Join(errs...)
}
