package llm

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// Every problem is reported at once, with its place and without secrets.
func TestNewReportsAllProblems(t *testing.T) {
	hot := float32(3)
	_, err := New(Options{Providers: []ProviderOptions{
		{
			Name: "a", Source: "x", BaseURL: "https://user:topsecret@h/v1", Proxy: "gopher://u:topsecret@h",
			Keys:    []Key{{Secret: "topsecret\n"}, {}},
			Headers: map[string]string{"bad name": "topsecret"}, Temperature: &hot, Timeouts: Timeouts{Idle: -1},
			Organization: "a\nb", MaxTokens: 1, MaxCompletionTokens: 1,
		},
		{Name: "a", BaseURL: "http://example.com/v1", Models: []string{" m"}},
		{BaseURL: "h/v1", Models: []string{"m"}},
	}})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		`provider "a": source: `, `provider "a": base_url: must not carry a user name`, `provider "a": proxy: `, `provider "a": keys[0]: `,
		`provider "a": keys[1]: is empty`, `provider "a": models: `, `headers["bad name"]`, `provider "a": temperature: `,
		`timeouts.idle: is negative`, `organization: `, `max_tokens: and max_completion_tokens`, `provider "a": name: is used twice`,
		`provider "a": base_url: is http to a public host`, `models[0]: `, `provider 3: name: is empty`, `provider 3: base_url: must begin with https://`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in\n%v", want, err)
		}
	}
	if strings.Contains(err.Error(), "topsecret") {
		t.Errorf("secret in %v", err)
	}
	if _, err := New(Options{}); err == nil {
		t.Error("no provider was accepted")
	}
}

func TestBaseURLs(t *testing.T) {
	for base, good := range map[string]bool{
		"https://api.openai.com/v1":     true,
		"https://h:8443":                true,
		"http://127.0.0.1:11434/v1":     true,
		"http://[::1]:11434/v1":         true,
		"http://10.0.0.2/v1":            true,
		"http://0.0.0.0:8000/v1":        true,
		"http://ollama:11434/v1":        true,
		"http://host.docker.internal/v": true,
		"http://203.0.113.1/v1":         false,
		"http://api.openai.com/v1":      false,
		"https://h/v1?key=1":            false,
		"https://h/v1#x":                false,
		"ftp://h/v1":                    false,
		"https:///v1":                   false,
		"://":                           false,
		"":                              false,
	} {
		_, err := New(Options{Providers: []ProviderOptions{options(base)}})
		if (err == nil) != good {
			t.Errorf("%q: %v", base, err)
		}
	}
	o := options("http://api.openai.com/v1")
	o.AllowHTTP = true
	if _, err := New(Options{Providers: []ProviderOptions{o}}); err != nil {
		t.Error(err)
	}
}

func TestProxies(t *testing.T) {
	for proxy, good := range map[string]bool{
		"": true, "direct": true, "http://h:1": true, "https://h": true, "socks5://u:p@h:1": true, "socks5h://h": true,
		"h:1": false, "ftp://h": false, "http://": false, "%": false,
	} {
		o := options("https://h/v1")
		o.Proxy = proxy
		if _, err := New(Options{Providers: []ProviderOptions{o}}); (err == nil) != good {
			t.Errorf("%q: %v", proxy, err)
		}
	}
}

func TestKeysAreNeverPrinted(t *testing.T) {
	o := options("https://h/v1")
	var log strings.Builder
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	logger.Info("x", "key", o.Keys[0], "keys", o.Keys, "options", o)
	text := fmt.Sprintf("%v %+v %#v %s", o, o, o.Keys, o.Keys[0]) + log.String()
	if strings.Contains(text, secret) {
		t.Errorf("printed: %s", text)
	}
}
