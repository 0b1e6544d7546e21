package simllm

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Message is one message of a request, its text parts joined.
type Message struct {
	Role     string
	Content  string
	Pictures []Picture
}

// Request is what the service was asked.
type Request struct {
	At       time.Time
	Method   string
	Path     string
	Key      string // the credential as sent, without "Bearer "
	Model    string
	Stream   bool
	Messages []Message
	Header   http.Header
	Failure  string // the name of the failure it met; empty for a normal answer

	usage bool // a last chunk with usage is wanted
}

// Newest returns the text of the newest message of the user, or "".
func (r Request) Newest() string {
	for _, m := range slices.Backward(r.Messages) {
		if m.Role == "user" {
			return m.Content
		}
	}
	return ""
}

// wireRequest is the part of OpenAI's request that is looked at.
type wireRequest struct {
	Model         string        `json:"model"`
	Messages      []wireMessage `json:"messages"`
	Stream        bool          `json:"stream"`
	StreamOptions struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options"`
}

type wireMessage struct {
	Role    string          `json:"role"`
	Content json.RawMessage `json:"content"`
}

// read fills in the request from its body.
func (r *Request) read(body []byte) error {
	var w wireRequest
	if err := json.Unmarshal(body, &w); err != nil {
		return err
	}
	r.Model, r.Stream, r.usage = w.Model, w.Stream, w.StreamOptions.IncludeUsage
	r.Messages = make([]Message, len(w.Messages))
	for i, m := range w.Messages {
		r.Messages[i] = m.read()
	}
	return nil
}

// credential returns the key in any of the headers the vendors use.
func credential(h http.Header) string {
	if scheme, key, ok := strings.Cut(h.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(key)
	}
	if key := h.Get("Api-Key"); key != "" {
		return key
	}
	return h.Get("X-Api-Key")
}

// journal remembers the newest requests.
type journal struct {
	keep int

	mu    sync.Mutex
	total int
	ring  []Request
}

func (j *journal) note(r Request) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.total++
	if j.keep < 0 {
		return
	}
	if len(j.ring) < j.keep {
		j.ring = append(j.ring, r)
		return
	}
	j.ring[(j.total-1)%j.keep] = r
}

// Requests returns what was asked, oldest first, as far as remembered.
func (s *Server) Requests() []Request {
	j := &s.journal
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.ring) < j.keep || len(j.ring) == 0 {
		return slices.Clone(j.ring)
	}
	next := j.total % j.keep
	return slices.Concat(j.ring[next:], j.ring[:next])
}

// Count says how many requests there were in all.
func (s *Server) Count() int {
	s.journal.mu.Lock()
	defer s.journal.mu.Unlock()
	return s.journal.total
}
