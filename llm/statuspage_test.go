package llm

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/diagbot/diagbot/internal/simtls"
	"github.com/diagbot/diagbot/troubleshoot"
)

// internet is a world in which the given hosts answer as handlers do.
func internet(t *testing.T, hosts map[string]http.HandlerFunc) *http.Transport {
	t.Helper()
	authority, err := simtls.New()
	if err != nil {
		t.Fatal(err)
	}
	route := map[string]string{}
	for host, handler := range hosts {
		s := httptest.NewUnstartedServer(handler)
		if s.TLS, err = authority.ServerConfig(host); err != nil {
			t.Fatal(err)
		}
		s.StartTLS()
		t.Cleanup(s.Close)
		route[host+":443"] = s.Listener.Addr().String()
	}
	transport := authority.Transport(route)
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

func answers(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

const troubled = `{"page":{"name":"OpenAI","updated_at":"2026-11-22T10:00:00Z"},
"status":{"indicator":"minor","description":"Partial System Degradation"},
"components":[{"id":"g","name":"APIs Chat Completions","status":"operational","group":true},
 {"id":"1","name":"Embeddings API","status":"major_outage"},{"id":"2","name":"Chat Completions","status":"partial_outage"},
 {"id":"3","name":"Conversations","status":"operational"}],
"incidents":[{"id":"a","name":"Old trouble","status":"resolved","components":[{"id":"2"}]},
 {"id":"b","name":"Embeddings are slow","status":"identified","components":[{"id":"1","name":"Embeddings API"}]},
 {"id":"c","name":"Elevated\nerrors \u202e in chats","status":"investigating","started_at":"2026-11-22T09:58:00Z","components":[{"id":"2","name":"Chat Completions"}]}]}`

func TestStatusPagePrefersWhatAnswersChats(t *testing.T) {
	client := &http.Client{Transport: internet(t, map[string]http.HandlerFunc{"status.openai.com": answers(200, troubled)})}
	v, ok := ProviderOptions{BaseURL: "https://api.openai.com/v1"}.page()
	if !ok {
		t.Fatal("no page")
	}
	got := v.read(t.Context(), client)
	if got.Component != "Chat Completions" || got.State != StatusPartial || got.Host != "status.openai.com" ||
		got.Incident != "Elevated errors in chats" || !got.Since.Equal(time.Date(2026, 11, 22, 9, 58, 0, 0, time.UTC)) {
		t.Errorf("got %+v", got)
	}
	web, _ := ProviderOptions{BaseURL: "https://proxy.example/v1", Source: troubleshoot.SourceWeb}.page()
	if got := web.read(t.Context(), client); got.Component != "Conversations" || got.State != StatusOperational || got.Incident != "" {
		t.Errorf("web: %+v", got)
	}
}

func TestStatusPageTakesWhatThereIs(t *testing.T) {
	many := `{"status":{"indicator":"none"},"components":[` + strings.Repeat(`{"name":"x"},`, 30_000) + `{}]}`
	for name, c := range map[string]struct {
		status int
		body   string
		want   StatusState
	}{
		"page only":      {200, `{"status":{"indicator":"critical"}}`, StatusMajor},
		"maintenance":    {200, `{"status":{"indicator":"maintenance"}}`, StatusMaintenance},
		"nothing":        {200, `{}`, StatusUnknown},
		"null":           {200, `null`, StatusUnknown},
		"strange states": {200, `{"status":{"indicator":"on fire"},"components":[{"name":"API","status":"<b>"}]}`, StatusUnknown},
		"other types":    {200, `{"status":"none","components":7}`, StatusUnknown},
		"page in HTML":   {200, `<html>`, StatusUnknown},
		"forbidden":      {403, `{"status":{"indicator":"none"}}`, StatusUnknown},
		"moved":          {302, `{"status":{"indicator":"none"}}`, StatusUnknown},
		"too large":      {200, many, StatusUnknown},
		"any api":        {200, `{"components":[{"name":"Web","status":"operational"},{"name":"Open API","status":"degraded_performance"}]}`, StatusDegraded},
	} {
		client := newHTTPClient(internet(t, map[string]http.HandlerFunc{"status.openai.com": answers(c.status, c.body)}))
		v, _ := ProviderOptions{BaseURL: "https://api.openai.com/v1"}.page()
		if got := v.read(t.Context(), client); got.State != c.want || got.Host == "" || got.Read.IsZero() {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestStatusPageHasASecondAddress(t *testing.T) {
	client := newHTTPClient(internet(t, map[string]http.HandlerFunc{
		"deepseek.statuspage.io": answers(200, `{"components":[{"name":"API 服务 (API Service)","status":"major_outage"}]}`),
	}))
	v, _ := ProviderOptions{BaseURL: "https://api.deepseek.com"}.page()
	if got := v.read(t.Context(), client); got.State != StatusMajor || got.Component != "API 服务 (API Service)" || got.Host != "status.deepseek.com" {
		t.Errorf("got %+v", got)
	}
}

func TestPagesOfHosts(t *testing.T) {
	for base, want := range map[string]string{
		"https://api.openai.com/v1": "status.openai.com", "https://EU.api.openai.com/v1": "status.openai.com",
		"https://api.openai.com.evil.example/v1": "", "https://notapi.openai.com/v1": "", "http://127.0.0.1:11434/v1": "",
	} {
		v, ok := ProviderOptions{BaseURL: base}.page()
		if got := strings.Join(v.hosts[:min(len(v.hosts), 1)], ""); got != want || ok != (want != "") {
			t.Errorf("%s: %q", base, got)
		}
	}
}

func TestOneLine(t *testing.T) {
	for text, want := range map[string]string{
		" a\n\tb\x00c ": "a b c", "\u202eevil\u2066": "evil", "": "", "天气\xff": "天气",
		strings.Repeat("天", 100): strings.Repeat("天", 53) + "…",
	} {
		if got := oneLine(text); got != want {
			t.Errorf("%q became %q", text, got)
		}
	}
}

func FuzzStatusPage(f *testing.F) {
	f.Add([]byte(troubled))
	f.Add([]byte(`{"components":[{"name":"api","status":"operational"}],"incidents":[{}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		client := &http.Client{Transport: canned(raw)}
		v := vendorPages[0]
		got := v.read(context.Background(), client)
		if got.State != StatusUnknown && got.State != stateOf(string(got.State)) || len(got.Incident) > maxName+3 ||
			strings.ContainsAny(got.Incident+got.Component, "\n\r\x00") {
			t.Errorf("got %+v", got)
		}
	})
}

// canned answers everything with the same body.
type canned []byte

func (c canned) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	_, _ = w.Write(c)
	return w.Result(), nil
}
