package simkit

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
)

// Page is the page of a gateway that answers with a status instead of the server
// behind it.
func Page(status int, gateway string) string {
	title := strconv.Itoa(status) + " " + http.StatusText(status)
	return "<!DOCTYPE html>\r\n<html>\r\n<head><title>" + title + "</title></head>\r\n<body>\r\n<center><h1>" +
		title + "</h1></center>\r\n<hr><center>" + gateway + "</center>\r\n</body>\r\n</html>\r\n"
}

// Hang waits until the failure is healed, the client leaves or the stage closes.
func (s *Stage[F]) Hang(ctx context.Context, f Fate[F]) {
	select {
	case <-f.healed:
	case <-s.done:
	case <-ctx.Done():
	}
}

// Reset ends the connection with a TCP reset.
func Reset(w http.ResponseWriter) {
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

// Cut announces a whole answer and sends half of it. Then the connection ends, at
// once or, if it stalls, when the failure is healed or the client leaves.
func (s *Stage[F]) Cut(w http.ResponseWriter, f Fate[F], mime string, body []byte, stalls bool) {
	conn := hijack(w)
	if conn == nil {
		return
	}
	defer conn.Close()
	fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", mime, len(body))
	_, _ = conn.Write(body[:len(body)/2])
	if stalls {
		s.stall(conn, f)
	}
}

// stall keeps a hijacked connection open until the client leaves.
func (s *Stage[F]) stall(conn net.Conn, f Fate[F]) {
	left := make(chan struct{})
	go func() {
		defer close(left)
		_, _ = conn.Read(make([]byte, 1)) // nothing more is asked for: the client leaves, or we do
	}()
	select {
	case <-f.healed:
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
