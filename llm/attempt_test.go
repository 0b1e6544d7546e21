package llm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/diagbot/diagbot/troubleshoot"
)

const secret = "sk-test-0123456789abcdefghij"

// options describe a provider at base with nothing unusual.
func options(base string) ProviderOptions {
	return ProviderOptions{
		Name: "p", BaseURL: base, Keys: []Key{{Name: "main", Secret: secret}}, Models: []string{"gpt-4o-mini"}, Proxy: "direct",
	}
}

// newClient makes one attempt for each prompt, whatever comes of it, and keeps
// nothing out.
func newClient(t *testing.T, o ProviderOptions) *Client {
	t.Helper()
	return newClientOf(t, Options{
		Providers: []ProviderOptions{o}, MaxAttempts: 1, Pauses: Pauses{Breaker: -1, MostCooldown: -1},
	})
}

var catalogue = sync.OnceValues(func() (*troubleshoot.Catalogue, error) { return troubleshoot.Load() })

func newClientOf(t *testing.T, o Options) *Client {
	t.Helper()
	var err error
	if o.Catalogue, err = catalogue(); err != nil {
		t.Fatal(err)
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func question() Prompt {
	return Prompt{Messages: []Message{{Role: RoleSystem, Content: "be brief"}, {Role: RoleUser, Content: "hello"}}}
}

// serve answers every request with handler, on a real socket.
func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return s.URL + "/v1"
}

func reply(t *testing.T, status int, body string) string {
	return serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Request-Id", "req-1")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
}

const (
	hello   = `data: {"choices":[{"index":0,"delta":{"content":"hel"}}]}` + "\n\n"
	lo      = `data: {"choices":[{"index":0,"delta":{"content":"lo"}}]}` + "\n\n"
	stop    = `data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n\n"
	counted = `data: {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":2,"total_tokens":9}}` + "\n\n"
	done    = "data: [DONE]\n\n"
	full    = `{"id":"x","choices":[{"index":0,"message":{"role":"assistant","content":"hello"},"finish_reason":"stop"}],` +
		`"usage":{"prompt_tokens":7,"completion_tokens":2,"total_tokens":9}}`
)

func TestCompleteReadsEveryGoodStream(t *testing.T) {
	for name, body := range map[string]string{
		"plain":             hello + lo + stop + counted + done,
		"no usage":          hello + lo + stop + done,
		"no done":           hello + lo + stop,
		"no finish":         hello + lo + done,
		"no last newlines":  hello + lo + strings.TrimRight(stop, "\n"),
		"crlf":              strings.ReplaceAll(hello+lo+stop+done, "\n", "\r\n"),
		"cr":                strings.ReplaceAll(hello+lo+stop+done, "\n", "\r"),
		"byte order mark":   "\xEF\xBB\xBF" + hello + lo + stop + done,
		"leading blanks":    "\n\n\n" + hello + lo + stop + done,
		"comments":          ": OPENROUTER PROCESSING\n\n" + hello + ": keep-alive\n\n" + lo + ":\n" + stop + done,
		"many comments":     strings.Repeat(": keep-alive\n\n", 2000) + hello + lo + stop + done,
		"names and ids":     "event: message\nid: 1\nretry: 5\n" + hello + "event: message\n" + lo + stop + done,
		"multi-line data":   "data: {\"choices\":\ndata: [{\"index\":0,\"delta\":{\"content\":\ndata: \"hello\"}}]}\n\n" + stop + done,
		"no blank lines":    strings.ReplaceAll(hello+lo+stop+done, "\n\n", "\n"),
		"no space":          strings.ReplaceAll(hello+lo+stop+done, "data: ", "data:"),
		"null error":        `data: {"error":null,"choices":[{"index":0,"delta":{"content":"hello"}}]}` + "\n\n" + stop + done,
		"the word error":    `data: {"choices":[{"index":0,"delta":{"content":"hello"},"x":"error"}]}` + "\n\n" + stop + done,
		"bare JSON":         ": go\n" + strings.ReplaceAll(hello+lo+stop, "data: ", "") + done,
		"pings":             `data: {"type":"ping"}` + "\n\n" + hello + lo + stop + done,
		"annotations":       `data: {"choices":[],"prompt_filter_results":[{"prompt_index":0}]}` + "\n\n" + hello + lo + stop + done,
		"reasoning":         `data: {"choices":[{"index":0,"delta":{"reasoning_content":"hm"}}]}` + "\n\n" + hello + lo + stop + done,
		"thought":           `data: {"choices":[{"index":0,"delta":{"content":"<think>hm</think>\n\n"}}]}` + "\n\n" + hello + lo + stop + done,
		"second choice":     hello + `data: {"choices":[{"index":1,"delta":{"content":"XX"}}]}` + "\n\n" + lo + stop + done,
		"one piece":         full,
		"one piece, blanks": "\n\n \r\n" + full + "\n",
		"whole with null":   strings.Replace(full, "{", `{"error":null,`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			c, err := newClient(t, options(reply(t, 200, body))).Complete(t.Context(), question())
			if err != nil {
				t.Fatal(err, troubleshoot.FaultOf(err).Detail)
			}
			if c.Text != "hello" || c.FinishReason != "stop" || c.Provider != "p" || c.Model != "gpt-4o-mini" || c.RequestID != "req-1" {
				t.Errorf("got %+v", c)
			}
			if strings.Contains(body, "total_tokens") && c.Usage != (Usage{Prompt: 7, Completion: 2}) {
				t.Errorf("usage %+v", c.Usage)
			}
		})
	}
}

func TestCompleteTellsLength(t *testing.T) {
	body := hello + strings.Replace(stop, "stop", "length", 1) + done
	c, err := newClient(t, options(reply(t, 200, body))).Complete(t.Context(), question())
	if err != nil || c.Text != "hel" || c.FinishReason != "length" {
		t.Errorf("got %+v, %v", c, err)
	}
}

// Everything that is no answer ends in a fault with the true status.
func TestCompleteFindsEveryBadAnswer(t *testing.T) {
	inside := `{"error":{"message":"boom","type":"server_error","code":null}}`
	for name, tc := range map[string]struct {
		status int
		body   string
		entry  string // "" if Diagnose is to find it
		net    troubleshoot.NetKind
		finish string
	}{
		"401":                 {status: 401, body: inside},
		"429 array":           {status: 429, body: "[" + inside + "]"},
		"500 empty":           {status: 500},
		"502 page":            {status: 502, body: "<html><title>502 Bad Gateway</title></html>"},
		"524 text":            {status: 524, body: "error code: 524"},
		"307":                 {status: 307},
		"300":                 {status: 300},
		"204":                 {status: 204, net: troubleshoot.NetDecode},
		"200 empty":           {status: 200, net: troubleshoot.NetDecode},
		"200 blanks":          {status: 200, body: "\n\n\n\n", net: troubleshoot.NetDecode},
		"200 {}":              {status: 200, body: "{}", net: troubleshoot.NetDecode},
		"200 error":           {status: 200, body: inside},
		"200 error and more":  {status: 200, body: `{"choices":[{"message":{"content":"x"}}],"error":{"message":"boom"}}`},
		"200 array":           {status: 200, body: "[" + inside + "]", net: troubleshoot.NetDecode},
		"200 native":          {status: 200, body: `{"code":"Throttling","message":"slow down","request_id":"r"}`},
		"200 vllm":            {status: 200, body: `{"object":"error","message":"no","code":400}`},
		"200 detail":          {status: 200, body: `{"detail":"Not authenticated"}`},
		"200 minimax":         {status: 200, body: `{"choices":null,"base_resp":{"status_code":1008,"status_msg":"no balance"}}`},
		"200 inner":           {status: 200, body: `{"choices":[{"error":{"message":"boom"},"message":{"content":"x"}}]}`},
		"200 no choices":      {status: 200, body: `{"choices":[]}`, entry: entryEmpty},
		"200 null choices":    {status: 200, body: `{"choices":null}`, net: troubleshoot.NetDecode},
		"200 page":            {status: 200, body: "<!DOCTYPE html><title>login</title>", net: troubleshoot.NetDecode},
		"200 text":            {status: 200, body: "upstream connect error", net: troubleshoot.NetDecode},
		"200 cut JSON":        {status: 200, body: `{"choices":[{"mess`, net: troubleshoot.NetDecode},
		"200 wrong types":     {status: 200, body: `{"choices":[{"message":7}]}`, net: troubleshoot.NetDecode},
		"stream error":        {status: 200, body: "data: " + inside + "\n\n"},
		"spaced":              {status: 200, body: `data: { "error": {"message":"boom"}}` + "\n\n"},
		"error last":          {status: 200, body: hello + `data: {"choices":[],"error":{"message":"boom"}}` + "\n\n"},
		"escaped":             {status: 200, body: `data: {"\u0065rror":{"message":"boom"}}` + "\n\n"},
		"text error":          {status: 200, body: hello + `data: {"error":"boom"}` + "\n\n" + done},
		"after a comment":     {status: 200, body: ": keep-alive\n\ndata: " + inside + "\n\n" + done},
		"named":               {status: 200, body: "event: error\ndata: {\"x\":1}\n\n"},
		"no last newline":     {status: 200, body: hello + "data: " + inside},
		"no prefix":           {status: 200, body: hello + inside + "\n"},
		"many lines":          {status: 200, body: "data: {\ndata: \"error\": {\ndata: \"message\": \"boom\"}\ndata: }\n\n"},
		"pretty, no prefix":   {status: 200, body: hello + "{\n \"error\": {\n  \"message\": \"boom\"\n }\n}\n"},
		"native in a stream":  {status: 200, body: `data: {"code":"Arrearage","message":"pay"}` + "\n\n"},
		"finish error":        {status: 200, body: hello + strings.Replace(stop, "stop", "error", 1) + done},
		"stray before done":   {status: 200, body: hello + "data: upstream error\n\n" + done},
		"comments only":       {status: 200, body: ": keep-alive\n\n: keep-alive\n\n", net: troubleshoot.NetDecode},
		"no end":              {status: 200, body: hello + lo, net: troubleshoot.NetEOF},
		"half an event":       {status: 200, body: hello + lo[:len(lo)/2], net: troubleshoot.NetEOF},
		"half a chunk closed": {status: 200, body: hello + lo[:len(lo)/2] + "\n\n" + done, entry: entryForm, net: troubleshoot.NetDecode},
		"wrong types":         {status: 200, body: `data: {"choices":[{"delta":{"content":7}}]}` + "\n\n" + done, entry: entryForm},
		"done only":           {status: 200, body: done, entry: entryEmpty},
		"no words":            {status: 200, body: stop + done, entry: entryEmpty},
		"only thoughts":       {status: 200, body: strings.ReplaceAll(hello, "hel", "<think>hm") + stop + done, entry: entryEmpty},
		"blank words":         {status: 200, body: strings.ReplaceAll(hello, "hel", ` \n `) + stop + done, entry: entryEmpty},
		"filtered":            {status: 200, body: hello + strings.Replace(stop, "stop", "content_filter", 1) + done, finish: "content_filter"},
		"refused": {status: 200, finish: "content_filter",
			body: `data: {"choices":[{"index":0,"delta":{"refusal":"I cannot"}}]}` + "\n\n" + stop + done},
		"long line": {status: 200, entry: entryForm,
			body: `data: {"choices":[{"delta":{"content":"` + strings.Repeat("x", maxEvent) + `"}}]}` + "\n\n"},
		"endless": {status: 200, entry: entryForm, body: strings.Repeat(hello, maxAnswer/len(hello)+9)},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := newClient(t, options(reply(t, tc.status, tc.body))).Complete(t.Context(), question())
			f := faultOf(t, c, err)
			if f.Status != tc.status || f.Provider != "p" || f.Model != "gpt-4o-mini" || f.KeyName != "main" || f.Source != troubleshoot.SourceAPI {
				t.Errorf("fault %+v", f)
			}
			if f.RequestID != "req-1" || f.Phase == "" {
				t.Errorf("request %q phase %q", f.RequestID, f.Phase)
			}
			if f.Entry != tc.entry || tc.finish != "" && f.FinishReason != tc.finish || tc.net != "" && f.Net != tc.net {
				t.Errorf("entry %q finish %q net %q (%v)", f.Entry, f.FinishReason, f.Net, f.Cause)
			}
		})
	}
}

// faultOf checks that a failure is a fault and nothing of an answer, or that
// what came of an answer says that it is not whole, and returns the fault.
func faultOf(t *testing.T, c Completion, err error) *troubleshoot.Fault {
	t.Helper()
	if c.Partial && err == nil && c.Text != "" && c.FinishReason == "" && len(c.Attempts) > 0 {
		return c.Attempts[len(c.Attempts)-1].Fault
	}
	var f *troubleshoot.Fault
	if err == nil || !errors.As(err, &f) || f == nil || c.Text != "" {
		t.Fatalf("got %+v, %#v", c, err)
	}
	return f
}

// The same answers asked for in one piece.
func TestCompleteWithoutStream(t *testing.T) {
	for name, tc := range map[string]struct {
		body string
		text string
	}{
		"good":       {full, "hello"},
		"parts":      {`{"choices":[{"message":{"role":"assistant","content":[{"type":"text","text":"hel"},{"type":"text","text":"lo"}]}}]}`, "hello"},
		"error":      {`{"error":{"message":"boom"}}`, ""},
		"no choices": {`{"choices":[]}`, ""},
		"stream":     {hello + lo + stop + counted + done, "hello"},
		"cut stream": {hello + lo, ""},
		"bad stream": {hello + `data: {"error":"boom"}` + "\n\n" + done, ""},
		"text":       {"upstream connect error", ""},
		"page":       {"<html>", ""},
		"empty":      {"", ""},
		"cut":        {full[:40], ""},
	} {
		t.Run(name, func(t *testing.T) {
			o := options(reply(t, 200, tc.body))
			o.NoStream = true
			c, err := newClient(t, o).Complete(t.Context(), question())
			if tc.text == "" {
				faultOf(t, c, err)
			} else if err != nil || c.Text != tc.text {
				t.Errorf("got %+v, %v", c, err)
			}
		})
	}
}

// What go-openai refuses to send is a fault, too.
func TestCompleteExplainsRefusedParameters(t *testing.T) {
	warm := float32(0.7)
	for name, tc := range map[string]struct {
		change func(*ProviderOptions)
		entry  string
	}{
		"max_tokens":  {func(o *ProviderOptions) { o.MaxTokens = 10 }, entryUnsupported},
		"temperature": {func(o *ProviderOptions) { o.Temperature = &warm }, entryUnsupported},
	} {
		t.Run(name, func(t *testing.T) {
			o := options("http://127.0.0.1:1/v1")
			o.Models = []string{"gpt-5"}
			tc.change(&o)
			c, err := newClient(t, o).Complete(t.Context(), question())
			if f := faultOf(t, c, err); f.Entry != tc.entry {
				t.Errorf("entry %q", f.Entry)
			}
		})
	}
	c, err := newClient(t, options("http://127.0.0.1:1/v1")).Complete(t.Context(), Prompt{Messages: []Message{{Role: RoleUser, Content: ""}}})
	faultOf(t, c, err)
}

func TestRequestSendsOnlyWhatIsConfigured(t *testing.T) {
	var got, header string
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = string(body)
		header = fmt.Sprint(r.Header.Get("Authorization"), r.Header["Openai-Organization"], r.Header["Openai-Project"], r.Header["X-Extra"])
		_, _ = io.WriteString(w, hello+stop+done)
	})
	o := options(base)
	if _, err := newClient(t, o).Complete(t.Context(), question()); err != nil {
		t.Fatal(err)
	}
	want := `{"model":"gpt-4o-mini","messages":[{"role":"system","content":"be brief"},{"role":"user","content":"hello"}],` +
		`"stream":true,"stream_options":{"include_usage":true}}`
	if strings.TrimSpace(got) != want || header != "Bearer "+secret+"[] [] []" {
		t.Errorf("sent %s with %s", got, header)
	}
	cold := float32(0)
	o.Temperature, o.MaxTokens, o.NoStreamOptions = &cold, 5, true
	o.Organization, o.Project, o.Headers, o.Keys = "org-1", "proj-1", map[string]string{"x-extra": "1"}, nil
	if _, err := newClient(t, o).Complete(t.Context(), question()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(got, `"max_tokens":5`) || !strings.Contains(got, `"temperature":`) || strings.Contains(got, "stream_options") {
		t.Errorf("sent %s", got)
	}
	if header != "[org-1] [proj-1] [1]" {
		t.Errorf("headers %s", header)
	}
}

// A caller who leaves gets no entry; one whose time is up gets a timeout.
func TestCompleteObeysItsContext(t *testing.T) {
	arrived := make(chan struct{}, 1)
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body) // or the server does not notice that the client left
		arrived <- struct{}{}
		<-r.Context().Done()
	})
	c := newClient(t, options(base))
	why := errors.New("stopped by /stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() { <-arrived; cancel(why) }()
	answer, err := c.Complete(ctx, question())
	if f := faultOf(t, answer, err); !errors.Is(err, context.Canceled) || !errors.Is(err, why) || f.Entry != "" || f.Net != "" {
		t.Errorf("got %+v", f)
	}
	late, stop := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer stop()
	answer, err = c.Complete(late, question())
	f := faultOf(t, answer, err)
	if !errors.Is(err, context.DeadlineExceeded) || f.Net != troubleshoot.NetTimeout || f.Phase != troubleshoot.PhaseTotal {
		t.Errorf("got %+v", f)
	}
	<-arrived
}

// Redirects would carry the prompt elsewhere.
func TestCompleteFollowsNoRedirect(t *testing.T) {
	elsewhere := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("followed") })
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere, http.StatusTemporaryRedirect)
	})
	c, err := newClient(t, options(base)).Complete(t.Context(), question())
	if f := faultOf(t, c, err); f.Status != 307 {
		t.Errorf("got %+v", f)
	}
}

// Connections are used again after every kind of good answer.
func TestCompleteKeepsConnections(t *testing.T) {
	addrs := map[string]bool{}
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		addrs[r.RemoteAddr] = true
		_, _ = io.WriteString(w, hello+stop+counted+done)
	})
	c := newClient(t, options(base))
	for range 5 {
		if _, err := c.Complete(t.Context(), question()); err != nil {
			t.Fatal(err)
		}
	}
	if len(addrs) != 1 {
		t.Errorf("%d connections", len(addrs))
	}
}
