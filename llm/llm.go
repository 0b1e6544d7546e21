// Package llm reaches AI services that speak OpenAI's chat API, through
// go-openai.
//
// It streams every answer, guards the transport so that no failure can look
// like success, and turns whatever goes wrong into a *troubleshoot.Fault. HTTP
// to a provider never leaves this package; it reads no files and no environment.
package llm

import "time"

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
	Role    Role
	Content string
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

// Completion is a whole answer. Text is never empty.
type Completion struct {
	Text         string
	Provider     string // configured name
	Model        string
	FinishReason string // "stop" or "length"
	Usage        Usage
	RequestID    string
	FirstToken   time.Duration // from the start of the attempt
	Took         time.Duration
}
