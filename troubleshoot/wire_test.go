package troubleshoot

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"
)

// listen accepts connections on a free port and hands each to serve.
func listen(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serve(conn)
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return l.Addr().String()
}

// freePort is an address nobody listens at.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// get makes one call and returns the error it met, also in reading the answer.
func get(ctx context.Context, tr *http.Transport, address string) error {
	defer tr.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, nil)
	if err != nil {
		return err
	}
	resp, err := (&http.Client{Transport: tr}).Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.ReadAll(resp.Body)
	return err
}

// TestWire makes each failure with a real socket and looks at the same error
// twice: as a Go error, and as the text it prints.
func TestWire(t *testing.T) {
	c := load(t)
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	open := httptest.NewServer(http.NotFoundHandler())
	defer open.Close()
	closes := listen(t, func(c net.Conn) { io.ReadFull(c, make([]byte, 1)); c.Close() })
	resets := listen(t, func(c net.Conn) {
		io.ReadFull(c, make([]byte, 1))
		c.(*net.TCPConn).SetLinger(0)
		c.Close()
	})
	cuts := listen(t, func(c net.Conn) {
		io.ReadFull(c, make([]byte, 1))
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
		c.(*net.TCPConn).CloseWrite()
		io.Copy(io.Discard, c)
		c.Close()
	})
	refused := freePort(t)
	proxied := &http.Transport{Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: refused})}
	socks := &http.Transport{Proxy: http.ProxyURL(&url.URL{Scheme: "socks5", Host: closes})}
	wants := &http.Transport{Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: listen(t, func(c net.Conn) {
		io.ReadFull(c, make([]byte, 1))
		io.WriteString(c, "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
		c.Close()
	})})}
	dns := &http.Transport{DialContext: (&net.Dialer{Resolver: &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("no resolver in this test")
	}}}).DialContext}
	tests := []struct {
		name, address string
		tr            *http.Transport
		kind          NetKind
		entry         string
	}{
		{"refused", "http://" + refused, nil, NetRefused, "connection-refused"},
		{"closed without an answer", "http://" + closes, nil, NetReset, "connection-reset"},
		{"reset", "http://" + resets, nil, NetReset, "connection-reset"},
		{"cut", "http://" + cuts, nil, NetEOF, "stream-interrupted"},
		{"name", "http://no-such-host.invalid", dns, NetDNS, "dns-failure"},
		{"authority", secure.URL, nil, NetTLS, "tls-failure"},
		{"plain behind https", "https://" + open.Listener.Addr().String(), nil, NetTLS, "tls-failure"},
		{"proxy refused", "https://127.0.0.1:1", proxied, NetProxy, "proxy-failure"},
		{"socks proxy", "https://127.0.0.1:1", socks, NetProxy, "proxy-failure"},
		{"proxy wants a password", "https://127.0.0.1:1", wants, NetProxy, "proxy-failure"},
		{"scheme", "localhost/v1", nil, NetConfig, "gpt-404"},
		{"bad URL", "http://[::1", nil, NetConfig, "gpt-404"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.tr == nil {
				tt.tr = &http.Transport{}
			}
			err := get(t.Context(), tt.tr, tt.address)
			if err == nil {
				t.Fatal("the call did not fail")
			}
			sees(t, c, err, tt.kind, tt.entry)
		})
	}
}

// sees checks that an error is understood by its type and by its text.
func sees(t *testing.T, c *Catalogue, err error, kind NetKind, entry string) {
	t.Helper()
	for how, o := range map[string]Observation{"type": {Err: fmt.Errorf("complete: %w", err)}, "text": {ErrText: err.Error()}} {
		f := Normalize(o)
		d := c.Diagnose(f)
		if f.Net != kind || d.Entry.ID != entry {
			t.Errorf("by %s: %s, %s; want %s, %s\nerror %v", how, f.Net, d.Entry.ID, kind, entry, err)
		}
	}
}

func TestWireTimeouts(t *testing.T) {
	c := load(t)
	silent := listen(t, func(c net.Conn) { io.Copy(io.Discard, c); c.Close() })
	headers := &http.Transport{ResponseHeaderTimeout: time.Millisecond}
	sees(t, c, get(t.Context(), headers, "http://"+silent), NetTimeout, "upstream-timeout")
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	sees(t, c, get(ctx, &http.Transport{}, "http://"+silent), NetTimeout, "upstream-timeout")
	shake := &http.Transport{TLSHandshakeTimeout: time.Millisecond, TLSClientConfig: &tls.Config{}}
	sees(t, c, get(t.Context(), shake, "https://"+silent), NetTimeout, "upstream-timeout")
}

func TestFaultOf(t *testing.T) {
	own := &Fault{Source: SourceAPI, Status: 401}
	if FaultOf(nil) != nil {
		t.Error("nil is a fault")
	}
	if got := FaultOf(fmt.Errorf("x: %w", own)); got != own {
		t.Errorf("the fault inside is %v", got)
	}
	c := load(t)
	for err, want := range map[error]string{context.DeadlineExceeded: "upstream-timeout", errors.New("x"): UnknownEntry} {
		if got := c.Diagnose(FaultOf(err)).Entry.ID; got != want {
			t.Errorf("%v: %s, want %s", err, got, want)
		}
	}
	if got := c.Diagnose(nil).Entry.ID; got != UnknownEntry {
		t.Errorf("no fault: %s", got)
	}
}
