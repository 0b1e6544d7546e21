package similink

import (
	"io"
	"net"
	"net/http"
	"path"
	"strings"

	"github.com/diagbot/diagbot/internal/simkit"
)

// bodyLimit bounds a request to the API: the longest text allowed, escaped.
const bodyLimit = 256 << 10

// answer is what an endpoint says.
type answer struct {
	status int // 0: 200
	mime   string
	header map[string]string
	body   []byte
}

// endpoint is one of the server's paths. It may block as long as the request's
// context and the server live.
type endpoint struct {
	methods string
	cdn     bool // lives on the host of files
	serve   func(*Server, *visit) answer
}

func endpoints() map[string]endpoint {
	return map[string]endpoint{
		"/ilink/bot/get_bot_qrcode":    {"GET POST", false, (*Server).getQRCode},
		"/ilink/bot/get_qrcode_status": {"GET", false, (*Server).pollQRCode},
		"/ilink/bot/msg/notifystart":   {"POST", false, onBehalf((*Server).notifyStart)},
		"/ilink/bot/msg/notifystop":    {"POST", false, onBehalf((*Server).notifyStop)},
		"/ilink/bot/getupdates":        {"POST", false, (*Server).getUpdates},
		"/ilink/bot/sendmessage":       {"POST", false, onBehalf((*Server).sendMessage)},
		"/ilink/bot/getconfig":         {"POST", false, onBehalf((*Server).getConfig)},
		"/ilink/bot/sendtyping":        {"POST", false, onBehalf((*Server).sendTyping)},
		"/ilink/bot/getuploadurl":      {"POST", false, onBehalf((*Server).getUploadURL)},
		"/c2c/upload":                  {"POST", true, (*Server).upload},
		"/c2c/download":                {"GET", true, (*Server).download},
	}
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if !s.stage.Enter() {
		return
	}
	defer s.stage.Leave()
	body, ok := s.readBody(req)
	if !ok {
		simkit.Reset(w)
		return
	}
	r := s.meet(req, body)
	f := r.Failure
	if f.Delay > 0 && !s.stage.Pause(r.Context(), f.Delay) {
		simkit.Reset(w) // or net/http would answer for us
		return
	}
	switch {
	case f.Hang:
		s.stage.Hang(r.Context(), r.Fate)
		simkit.Reset(w)
	case f.Reset:
		simkit.Reset(w)
	case f.replaces():
		write(w, f.answer())
	default:
		s.play(w, r)
	}
}

// readBody reads the body at once: only then does net/http notice when the
// client leaves. It reports false for one that is too long.
func (s *Server) readBody(req *http.Request) ([]byte, bool) {
	limit := int64(bodyLimit)
	if s.endpoints[req.URL.Path].cdn {
		limit = mediaLimit
	}
	b, err := io.ReadAll(io.LimitReader(req.Body, limit+1))
	return b, err == nil && int64(len(b)) <= limit
}

// play lets the endpoint do its work and then spoils the answer as the failure
// says.
func (s *Server) play(w http.ResponseWriter, r *visit) {
	a := s.serve(r)
	switch {
	case r.Failure.LoseAnswer:
		simkit.Reset(w)
	case r.Failure.CutBody, r.Failure.Stall:
		s.stage.Cut(w, r.Fate, a.mime, a.body, r.Failure.Stall)
	default:
		write(w, a)
	}
}

func (s *Server) serve(r *visit) answer {
	e, ok := s.endpoints[r.URL.Path]
	switch {
	case !ok || !atHost(r.Host, e.cdn):
		return plainAnswer(http.StatusNotFound)
	case !strings.Contains(e.methods, r.Method):
		return plainAnswer(http.StatusMethodNotAllowed)
	}
	return e.serve(s, r)
}

func plainAnswer(status int) answer {
	return answer{status: status, mime: "text/plain", body: []byte(http.StatusText(status))}
}

// host is the name a request was meant for, without a port.
func host(h string) string {
	if name, _, err := net.SplitHostPort(h); err == nil {
		return name
	}
	return h
}

// atHost tells whether a host serves the API, or the files. The loopback address
// serves both.
func atHost(h string, cdn bool) bool {
	switch host(h) {
	case APIHost, RedirectHost:
		return !cdn
	case CDNHost:
		return cdn
	}
	return isLoopback(h)
}

func isLoopback(h string) bool {
	ip := net.ParseIP(host(h))
	return host(h) == "localhost" || ip != nil && ip.IsLoopback()
}

func endpointName(p string) string { return path.Base(p) }

func write(w http.ResponseWriter, a answer) {
	for name, v := range a.header {
		w.Header().Set(name, v)
	}
	if a.mime != "" {
		w.Header().Set("Content-Type", a.mime)
	}
	if a.status != 0 {
		w.WriteHeader(a.status)
	}
	_, _ = w.Write(a.body) // the client may have gone
}
