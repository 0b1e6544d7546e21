package llm

import (
	"cmp"
	"log/slog"
	"net/http"
	"time"

	"github.com/diagbot/diagbot/troubleshoot"
)

// Options says which providers a Client reaches.
type Options struct {
	Providers []ProviderOptions // in order of preference; at least one
	Logger    *slog.Logger      // one debug line per attempt, a warning per cooldown; nil is silent

	Catalogue   *troubleshoot.Catalogue // to understand faults; nil: the embedded one
	MaxAttempts int                     // for one message, 4
	// RetriesPerMinute is how many times a minute the whole client may ask again
	// what just failed, besides one in five of its requests; 5. It does not
	// bound what goes to another key, model or provider.
	RetriesPerMinute int
	Pauses           Pauses
}

// Pauses bounds how long is waited and kept away; zero means the default.
type Pauses struct {
	Backoff      time.Duration // before asking the same again, 500 ms; doubles each time
	Short        time.Duration // the longest wait when something else can be asked, 5 s
	Longest      time.Duration // the longest wait at all, 2 min; beyond it the limit becomes a cooldown
	Breaker      time.Duration // how long a provider that only fails is left alone, 30 s; doubles to ten times that
	MostCooldown time.Duration // bounds every cooldown, 24 h
	LastResort   time.Duration // between requests to what is kept out while nothing else can be asked, 1 s

	// Negative values of Breaker, MostCooldown and LastResort mean never: for
	// demos and tests that fail on purpose.
}

const (
	defaultAttempts     = 4
	defaultRetries      = 5
	defaultBackoff      = 500 * time.Millisecond
	defaultShort        = 5 * time.Second
	defaultLongest      = 2 * time.Minute
	defaultBreaker      = 30 * time.Second
	defaultMostCooldown = 24 * time.Hour
	defaultLastResort   = time.Second
)

func (p Pauses) withDefaults() Pauses {
	return Pauses{
		Backoff:      cmp.Or(p.Backoff, defaultBackoff),
		Short:        cmp.Or(p.Short, defaultShort),
		Longest:      cmp.Or(p.Longest, defaultLongest),
		Breaker:      cmp.Or(p.Breaker, defaultBreaker),
		MostCooldown: cmp.Or(p.MostCooldown, defaultMostCooldown),
		LastResort:   cmp.Or(p.LastResort, defaultLastResort),
	}
}

// ProviderOptions describes one provider. [New] checks every field.
type ProviderOptions struct {
	Name   string              // unique among the providers; shown to admins
	Source troubleshoot.Source // SourceAPI (default) or SourceWeb

	// BaseURL is what go-openai appends "/chat/completions" to, usually ending
	// in "/v1". Plain http is taken only for loopback, private addresses and
	// names without a public suffix (a container's name), unless AllowHTTP is
	// set: over http the key and the chats can be read on the way. Nothing is
	// added or removed silently; [Client.Check] says what would work.
	BaseURL   string
	AllowHTTP bool

	Keys                  []Key    // none for a server that wants none
	Models                []string // in order of preference; at least one
	Organization, Project string   // OpenAI-Organization and OpenAI-Project headers

	// Proxy is an http, https, socks5 or socks5h URL, "direct" for none, or
	// empty for the environment's (HTTPS_PROXY, HTTP_PROXY, NO_PROXY).
	Proxy    string
	Timeouts Timeouts
	Headers  map[string]string // sent with every request

	// Window is how many tokens a prompt and its answer may have together; 0: as
	// is known of the model, or learnt from its refusals.
	Window int

	Vision Vision // whether the models take pictures

	// What is not configured is not sent: reasoning models refuse MaxTokens and
	// most temperatures, others know nothing of MaxCompletionTokens.
	Temperature, TopP   *float32
	MaxTokens           int
	MaxCompletionTokens int
	ReasoningEffort     string

	// NoStream asks for the answer in one piece, for servers that cannot stream.
	// Only Timeouts.Total bounds the wait for it then.
	NoStream bool
	// NoStreamOptions leaves out stream_options, which some servers refuse; the
	// provider then reports no usage.
	NoStreamOptions bool

	Transport http.RoundTripper // nil: a pooled transport of its own
}

// Vision says whether a provider's models take pictures.
type Vision uint8

// The answers.
const (
	VisionAuto Vision = iota // found out by asking: a refusal is believed for an hour
	VisionYes                // they do: a refusal is believed for half a minute
	VisionNo                 // they do not, or take no notice of them: never asked
)

// Key is a secret with a name that may be shown. A key without a name is
// called by its number, from 1. Printing a Key shows its name only.
type Key struct {
	Name, Secret string
	// QuotaGroup is the same for keys that share their limits and their wallet,
	// such as those of one organisation: when one is limited, all are. Empty: a
	// group of its own.
	QuotaGroup string
}

// String returns the name.
func (k Key) String() string { return k.Name }

// GoString returns the name.
func (k Key) GoString() string { return k.Name }

// LogValue returns the name.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.Name) }

// MarshalText returns the name, so that no encoder shows the secret.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.Name), nil }

// Timeouts bounds the phases of an attempt; zero means the default.
type Timeouts struct {
	Dial       time.Duration // name lookup and connection, 5 s
	TLS        time.Duration // handshake, 7 s
	Headers    time.Duration // from the request sent to the answer's status, 30 s; not with NoStream
	FirstToken time.Duration // from the request sent to the first words, 45 s; comments do not extend it
	Idle       time.Duration // between any two reads of a stream, 30 s; twice that between words
	Total      time.Duration // the whole attempt, 90 s; the caller's deadline holds as well
}

// The defaults suit chat models; reasoning models may need more before the
// first token.
const (
	defaultDial       = 5 * time.Second
	defaultTLS        = 7 * time.Second
	defaultHeaders    = 30 * time.Second
	defaultFirstToken = 45 * time.Second
	defaultIdle       = 30 * time.Second
	defaultTotal      = 90 * time.Second
)

func (t Timeouts) withDefaults() Timeouts {
	return Timeouts{
		Dial:       cmp.Or(t.Dial, defaultDial),
		TLS:        cmp.Or(t.TLS, defaultTLS),
		Headers:    cmp.Or(t.Headers, defaultHeaders),
		FirstToken: cmp.Or(t.FirstToken, defaultFirstToken),
		Idle:       cmp.Or(t.Idle, defaultIdle),
		Total:      cmp.Or(t.Total, defaultTotal),
	}
}
