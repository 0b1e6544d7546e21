package simllm

import (
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
)

// play lets a request fail.
func (s *Server) play(w http.ResponseWriter, hr *http.Request, r Request, f *Failure) {
	delay := f.Delay
	if f.slow {
		delay = s.options.Slow
	}
	if !s.wait(hr, delay) {
		return
	}
	if f.Status != 0 {
		s.send(w, r, f)
	}
	s.end(w, hr, r, f)
}

// send writes the status, the headers and the body.
func (s *Server) send(w http.ResponseWriter, r Request, f *Failure) {
	on := stage{s.completion(r)}
	body := expand(f.body, on)
	for key, values := range f.headers {
		for _, value := range values {
			w.Header().Add(key, expand(value, on))
		}
	}
	events := setContentType(w.Header(), r.Stream)
	if events && !f.bare {
		body += "\n\n"
	}
	if w.Header().Get("Cf-Ray") == "" && w.Header().Get("X-Request-Id") == "" {
		w.Header().Set("X-Request-Id", s.newID("req_sim"))
	}
	if !events && f.End == EndCut {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)+100))
	}
	w.WriteHeader(f.Status)
	_, _ = io.WriteString(w, body)
}

// asAsked stands for the content type of a good answer: events if the client
// asked for a stream, else JSON.
const asAsked = "answer"

// setContentType replaces asAsked, and says whether the body has events.
func setContentType(h http.Header, stream bool) (events bool) {
	kind := h.Get("Content-Type")
	if kind == asAsked {
		kind = contentType(stream)
		h.Set("Content-Type", kind)
	}
	return strings.HasPrefix(kind, "text/event-stream")
}

func contentType(events bool) string {
	if events {
		return "text/event-stream; charset=utf-8"
	}
	return "application/json"
}

// expand runs a script. An error cannot happen with the embedded ones, which
// are tested; it would be seen in the answer.
func expand(t *script, on stage) string {
	text, err := t.run(on)
	if err != nil {
		return "script: " + err.Error()
	}
	return text
}

// end brings a connection to the end the failure has in store for it.
func (s *Server) end(w http.ResponseWriter, hr *http.Request, r Request, f *Failure) {
	out := http.NewResponseController(w)
	if f.Status != 0 && f.End != EndWhole {
		_ = out.Flush()
	}
	switch f.End {
	case EndWhole:
	case EndHang:
		s.hang(hr)
		hangUp(out, false)
	case EndDrip:
		s.drip(w, hr, r)
		hangUp(out, false)
	case EndFlood:
		s.flood(w, hr, r)
		hangUp(out, false)
	case EndCut:
		hangUp(out, false)
	case EndReset:
		hangUp(out, true)
	}
}

// hang is silent until the client or the server leaves.
func (s *Server) hang(hr *http.Request) {
	select {
	case <-hr.Context().Done():
	case <-s.quit:
	}
}

// drip shows that it is alive, and nothing else.
func (s *Server) drip(w http.ResponseWriter, hr *http.Request, r Request) {
	sign := "\n"
	if r.Stream {
		sign = ": keep-alive\n\n"
	}
	out := http.NewResponseController(w)
	for s.wait(hr, s.options.KeepAlive) {
		if _, err := io.WriteString(w, sign); err != nil || out.Flush() != nil {
			return
		}
	}
}

// maxFlood bounds a flood, in bytes.
const maxFlood = 64 << 20

// flood goes on and on.
func (s *Server) flood(w http.ResponseWriter, hr *http.Request, r Request) {
	more := strings.Repeat("blah ", 1<<12)
	if r.Stream {
		more = s.completion(r).event(chunkChoice{Delta: chunkDelta{Content: &more}})
	}
	for sent := 0; sent < maxFlood && s.wait(hr, 0); sent += len(more) {
		if _, err := io.WriteString(w, more); err != nil {
			return
		}
	}
}

// hangUp closes the connection under an answer, at once with a TCP RST or in
// the polite way. It does nothing if the connection is gone already.
func hangUp(out *http.ResponseController, reset bool) {
	conn, _, err := out.Hijack()
	if err != nil {
		return
	}
	if reset {
		raw := conn
		if t, ok := conn.(interface{ NetConn() net.Conn }); ok {
			raw = t.NetConn()
		}
		if t, ok := raw.(*net.TCPConn); ok {
			_ = t.SetLinger(0)
			_ = t.Close()
			return
		}
	}
	_ = conn.Close()
}
