package simllm

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"
)

// completion is the normal answer to one request, in both of its forms.
type completion struct {
	Request
	id     string
	text   string
	finish string
}

func (s *Server) completion(r Request) completion {
	return completion{Request: r, id: s.newID("chatcmpl-sim"), text: s.options.Reply(r), finish: "stop"}
}

// complete answers a request after the latency.
func (s *Server) complete(w http.ResponseWriter, hr *http.Request, r Request) {
	if !s.wait(hr, s.options.Latency) {
		return
	}
	c := s.completion(r)
	limits(w.Header())
	if !r.Stream {
		writeJSON(w, c.object())
		return
	}
	w.Header().Set("Content-Type", contentType(true))
	w.Header().Set("Cache-Control", "no-cache")
	out := http.NewResponseController(w)
	events := c.events()
	for i, event := range events {
		if _, err := w.Write([]byte(event)); err != nil {
			return
		}
		// The end mark leaves together with the end of the body: a client that
		// stops reading at the mark has then seen both and can keep the connection.
		if last := i == len(events)-1; last || out.Flush() != nil || !s.wait(hr, s.options.Pause) {
			return
		}
	}
}

// limits sets the headers OpenAI sends with every answer.
func limits(h http.Header) {
	h.Set("Openai-Version", "2020-10-01")
	h.Set("X-Ratelimit-Limit-Requests", "10000")
	h.Set("X-Ratelimit-Remaining-Requests", "9999")
	h.Set("X-Ratelimit-Reset-Requests", "6ms")
	h.Set("X-Ratelimit-Limit-Tokens", "2000000")
	h.Set("X-Ratelimit-Remaining-Tokens", "1999000")
	h.Set("X-Ratelimit-Reset-Tokens", "30ms")
}

// wait passes time; false when the client or the server went away meanwhile.
func (s *Server) wait(hr *http.Request, d time.Duration) bool {
	if d <= 0 {
		return hr.Context().Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-hr.Context().Done():
	case <-s.quit:
	}
	return false
}

type usage struct {
	Prompt     int `json:"prompt_tokens"`
	Completion int `json:"completion_tokens"`
	Total      int `json:"total_tokens"`
}

func (c completion) tokens() usage {
	p, a := promptTokens(c.Request), countTokens(c.text)
	return usage{Prompt: p, Completion: a, Total: p + a}
}

// object is the whole answer as one JSON object.
func (c completion) object() map[string]any {
	return map[string]any{
		"id": c.id, "object": "chat.completion", "created": c.At.Unix(), "model": c.Model,
		"system_fingerprint": "fp_sim",
		"choices": []map[string]any{{
			"index": 0, "logprobs": nil, "finish_reason": c.finish,
			"message": map[string]any{"role": "assistant", "content": c.text, "refusal": nil},
		}},
		"usage": c.tokens(),
	}
}

// chunk is one event of a streamed answer.
type chunk struct {
	ID          string        `json:"id"`
	Object      string        `json:"object"`
	Created     int64         `json:"created"`
	Model       string        `json:"model"`
	Fingerprint string        `json:"system_fingerprint"`
	Choices     []chunkChoice `json:"choices"`
	Usage       *usage        `json:"usage,omitempty"`
}

type chunkChoice struct {
	Index  int        `json:"index"`
	Delta  chunkDelta `json:"delta"`
	Finish *string    `json:"finish_reason"`
}

type chunkDelta struct {
	Role    string  `json:"role,omitempty"`
	Content *string `json:"content,omitempty"`
}

// events is the answer as a stream: the role, the text in pieces, the finish
// reason, the usage if wanted, and the end mark.
func (c completion) events() []string {
	return append(c.unfinished(), c.ending()...)
}

func (c completion) unfinished() []string {
	empty := ""
	events := []string{c.event(chunkChoice{Delta: chunkDelta{Role: "assistant", Content: &empty}})}
	for _, piece := range pieces(c.text) {
		events = append(events, c.event(chunkChoice{Delta: chunkDelta{Content: &piece}}))
	}
	return events
}

func (c completion) ending() []string {
	events := []string{c.event(chunkChoice{Finish: &c.finish})}
	if c.usage {
		u := c.tokens()
		last := c.chunk()
		last.Usage = &u
		events = append(events, last.event())
	}
	return append(events, "data: [DONE]\n\n")
}

func (c completion) event(choice chunkChoice) string {
	e := c.chunk()
	e.Choices = append(e.Choices, choice)
	return e.event()
}

func (c completion) chunk() chunk {
	return chunk{ID: c.id, Object: "chat.completion.chunk", Created: c.At.Unix(), Model: c.Model,
		Fingerprint: "fp_sim", Choices: []chunkChoice{}}
}

func (k chunk) event() string {
	text, _ := json.Marshal(k) // nothing in it can fail
	return "data: " + string(text) + "\n\n"
}

// pieces cuts a text into about eight, none shorter than 12 runes but the last.
func pieces(text string) []string {
	size := max(12, utf8.RuneCountInString(text)/8+1)
	var out []string
	var piece strings.Builder
	n := 0
	for _, r := range text {
		piece.WriteRune(r)
		if n++; n == size {
			out = append(out, piece.String())
			piece.Reset()
			n = 0
		}
	}
	if n > 0 {
		out = append(out, piece.String())
	}
	return out
}

// promptTokens counts a prompt's tokens roughly.
func promptTokens(r Request) int {
	n := 3
	for _, m := range r.Messages {
		n += 4 + countTokens(m.Content) + 765*len(m.Pictures) // OpenAI's for a square one
	}
	return n
}

// countTokens takes four ASCII bytes or one other rune for a token.
func countTokens(text string) int {
	ascii, other := 0, 0
	for _, r := range text {
		if r < utf8.RuneSelf {
			ascii++
		} else {
			other++
		}
	}
	return (ascii+3)/4 + other
}
