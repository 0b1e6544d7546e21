package similink

import (
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Failure is one way a request can go wrong. The first of Hang, Reset, a
// replacing answer (Ret, Errcode, Status, Body), LoseAnswer, CutBody and Stall
// that is set applies; Delay comes before any of them.
type Failure struct {
	Ret     int    // refused in the field ret
	Errcode int    // refused in the field errcode; with Ret zero there is no ret at all
	ErrMsg  string // text that goes with either
	Status  int    // HTTP status; with an empty Body the answer is empty
	Body    string // sent as it is; Status defaults to 200

	Reset      bool          // the connection is reset before anything is done
	Hang       bool          // never answered; Heal and Close reset the connection
	LoseAnswer bool          // the request is carried out, then the connection is reset
	CutBody    bool          // the request is carried out, half of the answer arrives, then the connection ends
	Stall      bool          // the request is carried out, half of the answer arrives, then nothing until Heal
	Delay      time.Duration // before anything is done
}

// HTML returns the failure of a gateway that answers with an HTML page.
func HTML(status int) Failure { return Failure{Status: status, Body: page(status)} }

func page(status int) string {
	title := strconv.Itoa(status) + " " + http.StatusText(status)
	return "<!DOCTYPE html>\r\n<html>\r\n<head><title>" + title + "</title></head>\r\n<body>\r\n<center><h1>" +
		title + "</h1></center>\r\n<hr><center>cloudflare</center>\r\n</body>\r\n</html>\r\n"
}

type fault struct {
	Failure
	left int // negative: until Heal
}

// AnyEndpoint makes Fail apply to every request.
const AnyEndpoint = "*"

// Fail makes the next times requests to an endpoint fail; times < 0: all until
// Heal. The endpoint is the last element of the path (get_bot_qrcode,
// get_qrcode_status, notifystart, getupdates, sendmessage, getconfig, sendtyping,
// getuploadurl, upload, download …) or [AnyEndpoint]. Several Fails of one
// endpoint come in the order they were asked for. Held polls return at once, with
// nothing in them.
func (s *Server) Fail(endpoint string, f Failure, times int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if times == 0 {
		return
	}
	s.faults[endpoint] = append(s.faults[endpoint], &fault{f, times})
	s.flush++
	s.news.ring()
}

// Heal ends all failures and resets what hangs.
func (s *Server) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.faults)
	close(s.healed)
	s.healed = make(chan struct{})
}

// next returns the failure the next request to an endpoint meets.
func (s *Server) next(endpoint string) Failure {
	for _, name := range []string{endpoint, AnyEndpoint} {
		queue := s.faults[name]
		if len(queue) == 0 {
			continue
		}
		f := queue[0]
		if f.left > 0 {
			f.left--
		}
		if f.left == 0 {
			s.faults[name] = queue[1:]
		}
		return f.Failure
	}
	return Failure{}
}

func (f Failure) replaces() bool {
	return f.Status != 0 || f.Body != "" || f.Ret != 0 || f.Errcode != 0
}

func (f Failure) answer() answer {
	if f.Status == 0 && f.Body == "" {
		v := verdict{Errcode: f.Errcode, ErrMsg: f.ErrMsg}
		if f.Ret != 0 {
			v.Ret = &f.Ret
		}
		return jsonAnswer(v)
	}
	mime := "application/json"
	if strings.HasPrefix(strings.TrimSpace(f.Body), "<") {
		mime = "text/html"
	}
	return answer{status: f.Status, mime: mime, body: []byte(f.Body)}
}

func (s *Server) hang(r *visit) {
	select {
	case <-r.healed:
	case <-s.done:
	case <-r.Context().Done():
	}
}

// reset ends the connection with a TCP reset.
func reset(w http.ResponseWriter) {
	conn := hijack(w)
	if conn == nil {
		return
	}
	raw := conn
	if t, ok := conn.(interface{ NetConn() net.Conn }); ok {
		raw = t.NetConn()
	}
	if t, ok := raw.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	_ = raw.Close()
}

// cut announces the whole answer and sends half of it, then waits if it should.
func (s *Server) cut(w http.ResponseWriter, r *visit, a answer) {
	conn := hijack(w)
	if conn == nil {
		return
	}
	defer conn.Close()
	fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", a.mime, len(a.body))
	_, _ = conn.Write(a.body[:len(a.body)/2])
	if r.failure.Stall {
		s.stall(conn, r)
	}
}

// stall keeps a hijacked connection open until the client leaves.
func (s *Server) stall(conn net.Conn, r *visit) {
	left := make(chan struct{})
	go func() {
		defer close(left)
		_, _ = conn.Read(make([]byte, 1)) // nothing more is asked for: the client leaves, or we do
	}()
	select {
	case <-r.healed:
	case <-s.done:
	case <-left:
	}
	_ = conn.Close()
	<-left
}

func hijack(w http.ResponseWriter) net.Conn {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil { // the client has gone
		return nil
	}
	return conn
}
