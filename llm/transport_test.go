package llm

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/diagbot/diagbot/troubleshoot"
)

func TestOwnTransportSpeaksHTTP2(t *testing.T) {
	var proto string
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		proto = r.Proto
		_, _ = io.WriteString(w, hello+stop+done)
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	transport, err := newTransport(Timeouts{}.withDefaults(), "direct")
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	transport.TLSClientConfig = &tls.Config{RootCAs: pool}
	o := options(s.URL + "/v1")
	o.Transport = transport
	if _, err := newClient(t, o).Complete(t.Context(), question()); err != nil || proto != "HTTP/2.0" {
		t.Errorf("%s, %v", proto, err)
	}
}

// silent accepts connections and says nothing.
func silent(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	wait.Go(func() {
		var open []net.Conn
		for {
			c, err := l.Accept()
			if err != nil {
				break
			}
			open = append(open, c)
		}
		for _, c := range open {
			_ = c.Close()
		}
	})
	t.Cleanup(func() { _ = l.Close(); wait.Wait() })
	return l.Addr().String()
}

func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// Failures before any answer are told apart, and by the phase they came in.
func TestConnectionFailures(t *testing.T) {
	mute := silent(t)
	for name, tc := range map[string]struct {
		base, proxy string
		limits      Timeouts
		net         troubleshoot.NetKind
		phase       troubleshoot.Phase
	}{
		"refused":       {"https://" + closedPort(t) + "/v1", "direct", Timeouts{}, troubleshoot.NetRefused, troubleshoot.PhaseDial},
		"mute TLS":      {"https://" + mute + "/v1", "direct", Timeouts{TLS: 50 * time.Millisecond}, troubleshoot.NetTimeout, troubleshoot.PhaseTLS},
		"mute":          {"http://" + mute + "/v1", "direct", Timeouts{Headers: 50 * time.Millisecond}, troubleshoot.NetTimeout, troubleshoot.PhaseHeaders},
		"total":         {"http://" + mute + "/v1", "direct", Timeouts{Total: 50 * time.Millisecond}, troubleshoot.NetTimeout, troubleshoot.PhaseTotal},
		"no proxy":      {"https://h.invalid/v1", "http://" + closedPort(t), Timeouts{}, troubleshoot.NetProxy, troubleshoot.PhaseDial},
		"no SOCKS":      {"https://h.invalid/v1", "socks5h://" + closedPort(t), Timeouts{}, troubleshoot.NetProxy, troubleshoot.PhaseDial},
		"mute proxy":    {"https://h.invalid/v1", "http://" + mute, Timeouts{Total: 50 * time.Millisecond}, troubleshoot.NetTimeout, troubleshoot.PhaseTotal},
		"HTTP to HTTPS": {"https://" + plainPort(t) + "/v1", "direct", Timeouts{}, troubleshoot.NetTLS, troubleshoot.PhaseTLS},
	} {
		t.Run(name, func(t *testing.T) {
			o := options(tc.base)
			o.Proxy, o.Timeouts = tc.proxy, tc.limits
			c, err := newClient(t, o).Complete(t.Context(), question())
			if f := faultOf(t, c, err); f.Net != tc.net || f.Phase != tc.phase || f.Status != 0 {
				t.Errorf("net %q phase %q status %d: %v", f.Net, f.Phase, f.Status, f.Cause)
			}
		})
	}
}

func plainPort(t *testing.T) string {
	s := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// Many chats at once share a client; what hangs holds up nobody else.
func TestCompleteSideBySide(t *testing.T) {
	s := startSim(t)
	if err := s.ForModel("stuck", "hang"); err != nil {
		t.Fatal(err)
	}
	stuck := options(s.URL())
	stuck.Models, stuck.Timeouts = []string{"stuck"}, quick
	hanging, healthy := newClient(t, stuck), newClient(t, options(s.URL()))
	var wait sync.WaitGroup
	for range 50 {
		wait.Go(func() {
			if _, err := healthy.Complete(t.Context(), question()); err != nil {
				t.Error(err)
			}
		})
		wait.Go(func() {
			c, err := hanging.Complete(t.Context(), question())
			if err == nil {
				t.Errorf("got %+v", c)
			}
		})
	}
	wait.Wait()
}
