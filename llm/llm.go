// Package llm reaches AI services that speak OpenAI's chat API, through
// go-openai.
//
// It streams every answer, guards the transport so that no failure can look
// like success, and turns whatever goes wrong into a *troubleshoot.Fault. HTTP
// to a provider never leaves this package; it reads no files and no environment.
package llm

import (
	"time"

	"github.com/diagbot/diagbot/troubleshoot"
)

// Role says who speaks in a prompt.
type Role string

// The roles of OpenAI's chat API.
const (
	RoleSystem    Role = "system"
	RoleUser      Role = "user"
	RoleAssistant Role = "assistant"
)

// Message is one utterance of a prompt.
type Message struct {
	Role     Role
	Content  string
	Pictures []Picture // of a user's message; only models that see are asked then
}

// Picture is a picture of a prompt, of at most 5 MiB. The newest four of a prompt
// are sent, and what is left out of older messages is marked in their text; the
// newest message's must be fit to be sent.
type Picture struct {
	Type string // media type: image/jpeg, image/png, image/gif or image/webp
	Data []byte
}

// Prompt is what a provider is asked: at most one system message, first, then
// whole turns, and the newest user message last.
type Prompt struct {
	Messages []Message
}

// Usage counts tokens as the provider reported them; zero when it did not.
type Usage struct {
	Prompt, Completion int
}

// Completion is an answer. Text is never empty, unless it comes with an error:
// then only Attempts is filled.
type Completion struct {
	Text         string
	Provider     string // configured name
	Model        string
	FinishReason string // "stop" or "length"; empty if Partial
	Usage        Usage
	RequestID    string
	FirstToken   time.Duration // from the start of the attempt
	Took         time.Duration // of the attempt

	Attempts  []Attempt // all of them, in order; the last one is this answer's unless Partial
	Partial   bool      // the line broke before the end of Text, and asking again did not help
	Shortened bool      // the newest message was cut in the middle to fit
	Trimmed   int       // older turns of the conversation left out to fit
	Unseen    int       // pictures of older turns left out because nobody could look at them
}

// Attempt is one request made for a prompt, and what was done about it.
type Attempt struct {
	Provider, Model, Key string // as configured; the key by its name
	Status               int    // HTTP status; 0 when no answer came
	Entry                string // the catalogue's entry for the failure; empty if it succeeded
	Next                 Action // what was done next
	Wait                 time.Duration
	Took                 time.Duration
	RequestID            string
	Alert                bool                // somebody has to do something about it
	Fault                *troubleshoot.Fault // nil if it succeeded
}

// ProviderStatus is how a provider is doing, as the client sees it.
type ProviderStatus struct {
	Provider string // configured name
	Source   troubleshoot.Source

	// Trouble is the entry for what keeps requests from the provider now; empty
	// if it can be asked. Until is when it will be asked again; zero is at once.
	Trouble string
	Until   time.Time
	Breaker string // closed, open or half-open
	Held    bool   // an admin keeps requests from it; see [Client.Cool]

	Keys   []PartStatus // in the order of the options
	Models []PartStatus

	LastFault   *troubleshoot.Fault // nil if there was none since the start
	LastFaultAt time.Time
	LastAnswer  time.Time // when it last answered; zero if not since the start
}

// PartStatus is how a key or a model of a provider is doing.
type PartStatus struct {
	Name  string
	Entry string    // why it is not used now; empty if it is
	Until time.Time // when it will be used again
}
