package similink

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/diagbot/diagbot/internal/simkit"
)

// Request is a request as it arrived.
type Request struct {
	At       time.Time // by the machine's clock, whatever Advance did
	Endpoint string    // the last element of Path
	Method   string
	Host     string
	Path     string
	Query    url.Values
	Header   http.Header
	Body     []byte // of a request to the API
}

// requestLimit is how many requests are kept at least.
const requestLimit = 2000

// visit is a request being answered.
type visit struct {
	*http.Request
	name string
	body []byte
	simkit.Fate[Failure]
}

// meet records a request and decides what will go wrong with it.
func (s *Server) meet(r *http.Request, body []byte) *visit {
	name := endpointName(r.URL.Path)
	query, _ := url.ParseQuery(r.URL.RawQuery) // as far as it can be read
	seen := Request{time.Now(), name, r.Method, r.Host, r.URL.Path, query, r.Header.Clone(), body}
	if s.endpoints[r.URL.Path].cdn {
		seen.Body = nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests.Add(seen)
	s.counts[name]++
	s.stage.Seen.Ring()
	return &visit{r, name, body, s.stage.Meet(name)}
}

// Requests returns at least the newest 2000 requests, oldest first.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests.After(0, simkit.All))
}

// Count is how many requests an endpoint has had.
func (s *Server) Count(endpoint string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts[endpoint]
}

// WaitCount waits until an endpoint has had n requests in all.
func (s *Server) WaitCount(ctx context.Context, endpoint string, n int) error {
	return s.stage.Wait(ctx, func() bool { return s.counts[endpoint] >= n })
}

// WaitLogin waits until LoggedIn.
func (s *Server) WaitLogin(ctx context.Context) error {
	return s.stage.Wait(ctx, s.loggedIn)
}

// WaitHandedOut waits until every message has been handed out to the client.
func (s *Server) WaitHandedOut(ctx context.Context) error {
	return s.stage.Wait(ctx, func() bool { return s.handed >= s.messages.Last() })
}

// Complaints says what clients did that a careful one would not, oldest first.
func (s *Server) Complaints() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.complaints)
}

// complain notes what a client did wrong.
func (s *Server) complain(text string) {
	if len(s.complaints) < 1000 {
		s.complaints = append(s.complaints, text)
	}
}
