package simwechat

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
	At       time.Time
	Endpoint string // the last element of Path
	Host     string
	Path     string
	Query    url.Values
}

// request is a Request whose query nobody has asked for yet.
type request struct {
	at                          time.Time
	endpoint, host, path, query string
}

// requestLimit is how many requests are kept at least.
const requestLimit = 2000

// visit is a request being answered.
type visit struct {
	*http.Request
	name string
	simkit.Fate[Failure]
}

// meet records a request and decides what will go wrong with it.
func (s *Server) meet(r *http.Request) *visit {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := endpointName(r.URL.Path)
	s.requests.Add(request{time.Now(), name, r.Host, r.URL.Path, r.URL.RawQuery})
	s.counts[name]++
	s.stage.Seen.Ring()
	return &visit{r, name, s.stage.Meet(name)}
}

// Requests returns at least the newest 2000 requests, oldest first.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	kept := slices.Clone(s.requests.After(0, simkit.All))
	s.mu.Unlock()
	out := make([]Request, len(kept))
	for i, r := range kept {
		query, _ := url.ParseQuery(r.query) // as far as it can be read
		out[i] = Request{r.at, r.endpoint, r.host, r.path, query}
	}
	return out
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

// WaitLogin waits until LoggedIn. A session outlives its client: to see a
// restarted one come back, wait for its webwxinit with WaitCount.
func (s *Server) WaitLogin(ctx context.Context) error {
	return s.stage.Wait(ctx, s.loggedIn)
}

// Complaints says what clients did that a real server would not accept, oldest
// first.
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
