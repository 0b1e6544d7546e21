package simllm_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	openai "github.com/sashabaranov/go-openai"

	"github.com/diagbot/diagbot/internal/simllm"
)

// TestTraps notes what go-openai makes of the failures before HTTP.
func TestTraps(t *testing.T) {
	want := map[string]string{
		"refused":         "connect: connection refused",
		"mute":            "TLS handshake timeout",
		"handshake-eof":   "EOF",
		"handshake-alert": "remote error: tls: handshake failure",
		"plain-http":      "server gave HTTP response to HTTPS client",
		"not-http":        "first record does not look like a TLS handshake",
		"proxy-refused":   "proxyconnect tcp: dial tcp",
		"proxy-mute":      "context deadline exceeded",
		"proxy-407":       "Proxy Authentication Required",
		"proxy-403":       "Forbidden",
		"proxy-502":       "Bad Gateway",
		"proxy-eof":       "EOF",
	}
	if len(want) != len(simllm.Traps()) {
		t.Errorf("%d traps, %d known", len(simllm.Traps()), len(want))
	}
	for _, trap := range simllm.Traps() {
		t.Run(trap.Name, func(t *testing.T) {
			err := fallInto(t, trap)
			if err == nil || !strings.Contains(err.Error(), want[trap.Name]) {
				t.Errorf("got %v, want %q", err, want[trap.Name])
			}
		})
	}
	if _, err := simllm.Spring("nonsense"); err == nil {
		t.Error("unknown trap accepted")
	}
}

func fallInto(t *testing.T, trap simllm.Trap) error {
	sprung, err := simllm.Spring(trap.Name)
	if err != nil {
		t.Fatal(err)
	}
	defer sprung.Close()
	transport := &http.Transport{TLSHandshakeTimeout: 200 * time.Millisecond}
	defer transport.CloseIdleConnections()
	config := openai.DefaultConfig("sk-test")
	config.BaseURL = sprung.URL() + "/v1"
	if trap.As == "proxy" {
		address, err := url.Parse(sprung.URL())
		if err != nil {
			t.Fatal(err)
		}
		transport.Proxy = http.ProxyURL(address)
		config.BaseURL = "https://api.openai.com/v1"
	}
	// The deadline stands in for that of a caller; only the mute proxy needs it.
	config.HTTPClient = &http.Client{Transport: transport, Timeout: 2 * time.Second}
	_, err = openai.NewClientWithConfig(config).CreateChatCompletion(t.Context(), prompt("hello"))
	return err
}
