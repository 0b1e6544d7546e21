package gate

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// TestGate closes it between two requests over the same TLS connection.
func TestGate(t *testing.T) {
	var heard atomic.Int64
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		heard.Add(1)
	}))
	defer server.Close()
	client := server.Client()
	var owner atomic.Bool
	owner.Store(true)
	transport := client.Transport.(*http.Transport)
	transport.DialContext = New(new(net.Dialer).DialContext, owner.Load)
	post := func() error {
		response, err := client.Post(server.URL, "text/plain", strings.NewReader("hello"))
		if err != nil {
			return err
		}
		return response.Body.Close()
	}
	if err := post(); err != nil {
		t.Fatal(err)
	}
	owner.Store(false)
	if err := post(); !errors.Is(err, ErrClosed) { // over the connection that is open
		t.Errorf("a write after the loss: %v", err)
	}
	if err := post(); !errors.Is(err, ErrClosed) { // over a new one
		t.Errorf("a connection after the loss: %v", err)
	}
	if n := heard.Load(); n != 1 {
		t.Errorf("the server heard %d requests, not 1", n)
	}
}

func TestNobodyElse(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	c, err := New(new(net.Dialer).DialContext, nil)(t.Context(), "tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, gated := c.(*conn); gated {
		t.Error("a gate for nobody")
	}
}
