package simllm

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxBody bounds what is read of a request, like OpenAI's own limit only smaller.
const maxBody = 32 << 20

// serve answers one request: it is read and noted, fails if it is to fail, and
// is otherwise answered as OpenAI would.
func (s *Server) serve(w http.ResponseWriter, hr *http.Request) {
	if !s.enter() {
		return
	}
	defer s.work.Done()
	body, err := io.ReadAll(http.MaxBytesReader(w, hr.Body, maxBody))
	if err != nil {
		complain(w, 413, apiError{Message: "Request body too large.", Type: "invalid_request_error"})
		return
	}
	r := Request{At: time.Now(), Method: hr.Method, Path: hr.URL.Path, Key: credential(hr.Header), Header: hr.Header}
	bad := error(nil)
	if isChat(r) {
		bad = r.read(body)
	}
	failure := s.failureFor(r)
	if failure != nil {
		r.Failure = failure.Name
	}
	s.journal.note(r)
	if failure != nil {
		s.play(w, hr, r, failure)
		return
	}
	s.answer(w, hr, r, bad)
}

func isChat(r Request) bool {
	return r.Method == http.MethodPost && strings.HasSuffix(r.Path, "/chat/completions")
}

// answer is the service in good health.
func (s *Server) answer(w http.ResponseWriter, hr *http.Request, r Request, bad error) {
	w.Header().Set("X-Request-Id", s.newID("req_sim"))
	if e, status := s.denied(r); e != nil {
		complain(w, status, *e)
		return
	}
	switch {
	case r.Path == "/v1/chat/completions" && r.Method == http.MethodPost:
		if e, status := s.invalid(r, bad); e != nil {
			complain(w, status, *e)
			return
		}
		s.complete(w, hr, r)
	case r.Path == "/v1/models" && r.Method == http.MethodGet:
		s.listModels(w)
	case r.Path == "/login": // where a failure redirects to
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, "<!DOCTYPE html><html><title>Sign in</title><body>Sign in first.</body></html>")
	default:
		complain(w, 404, apiError{
			Message: fmt.Sprintf("Invalid URL (%s %s)", r.Method, r.Path), Type: "invalid_request_error",
		})
	}
}

// apiError is OpenAI's error object.
type apiError struct {
	Message string  `json:"message"`
	Type    string  `json:"type"`
	Param   *string `json:"param"`
	Code    *string `json:"code"`
}

func complain(w http.ResponseWriter, status int, e apiError) {
	body, _ := json.MarshalIndent(map[string]apiError{"error": e}, "", "    ") // plain strings
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// denied checks the credential.
func (s *Server) denied(r Request) (*apiError, int) {
	if len(s.keys) == 0 || s.keys[r.Key] {
		return nil, 0
	}
	if r.Key == "" {
		return &apiError{Type: "invalid_request_error", Message: "You didn't provide an API key. " +
			"Send it in an Authorization header with Bearer auth."}, 401
	}
	code := "invalid_api_key"
	return &apiError{Type: "invalid_request_error", Code: &code,
		Message: "Incorrect API key provided: " + masked(r.Key) + "."}, 401
}

// masked shows a key the way OpenAI echoes it: more of it than one would like.
func masked(key string) string {
	if len(key) < 12 {
		return strings.Repeat("*", len(key))
	}
	return key[:8] + strings.Repeat("*", len(key)-12) + key[len(key)-4:]
}

// invalid checks a chat request that may be answered.
func (s *Server) invalid(r Request, bad error) (*apiError, int) {
	fault := func(status int, code, param, message string) (*apiError, int) {
		e := &apiError{Type: "invalid_request_error", Message: message}
		if code != "" {
			e.Code = &code
		}
		if param != "" {
			e.Param = &param
		}
		return e, status
	}
	tokens := promptTokens(r)
	switch {
	case bad != nil:
		return fault(400, "", "", "We could not parse the JSON body of your request.")
	case r.Model == "":
		return fault(400, "", "", "you must provide a model parameter")
	case len(s.models) > 0 && !s.models[r.Model]:
		return fault(404, "model_not_found", "", "The model `"+r.Model+"` does not exist or you do not have access to it.")
	case len(r.Messages) == 0:
		return fault(400, "missing_required_parameter", "messages", "Missing required parameter: 'messages'.")
	case r.unreadable():
		return fault(400, "invalid_image_format", "", "You uploaded an unsupported image. It must be one of: png, jpeg, gif, webp.")
	case s.options.Window > 0 && tokens > s.options.Window:
		return fault(400, "context_length_exceeded", "messages", fmt.Sprintf("This model's maximum context length is %d tokens. "+
			"However, your messages resulted in %d tokens. Please reduce the length of the messages.", s.options.Window, tokens))
	}
	return nil, 0
}

func (s *Server) listModels(w http.ResponseWriter) {
	type model struct {
		ID      string `json:"id"`
		Object  string `json:"object"`
		Created int    `json:"created"`
		OwnedBy string `json:"owned_by"`
	}
	names := s.options.Models
	if len(names) == 0 {
		names = []string{"gpt-4o", "gpt-4o-mini"}
	}
	list := make([]model, 0, len(names))
	for _, name := range slices.Sorted(slices.Values(names)) {
		list = append(list, model{ID: name, Object: "model", Created: 1715367049, OwnedBy: "system"})
	}
	writeJSON(w, map[string]any{"object": "list", "data": list})
}

func writeJSON(w http.ResponseWriter, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		complain(w, 500, apiError{Message: err.Error(), Type: "server_error"})
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body)
}

// newID returns an id that this server has not used yet.
func (s *Server) newID(prefix string) string {
	return fmt.Sprintf("%s%012x", prefix, s.ids.Add(1))
}
