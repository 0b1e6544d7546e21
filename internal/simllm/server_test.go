package simllm_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"testing"
	"time"

	openai "github.com/sashabaranov/go-openai"

	"github.com/diagbot/diagbot/internal/simllm"
)

// ask posts a prompt without following redirects, and reads what comes.
func ask(t *testing.T, s *simllm.Server, stream bool) (*http.Response, string) {
	t.Helper()
	text := fmt.Sprintf(`{"model":"gpt-4o","stream":%v,"messages":[{"role":"user","content":"hello"}]}`, stream)
	client := http.Client{Transport: s.Transport(), CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Post(s.URL()+"/chat/completions", "application/json", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, _ := io.ReadAll(answer.Body) // some are cut on purpose
	client.CloseIdleConnections()
	return answer, string(body)
}

func status(err error) int {
	var e *openai.APIError
	if errors.As(err, &e) {
		return e.HTTPStatusCode
	}
	return 0
}

func code(err error) string {
	var e *openai.APIError
	if errors.As(err, &e) && e.Code != nil {
		return fmt.Sprint(e.Code)
	}
	return ""
}

func TestHealthyRefusals(t *testing.T) {
	s := start(t, simllm.Options{Keys: []string{"sk-good"}, Models: []string{"gpt-4o-mini"}, Window: 100})
	good := client(s, "sk-good")
	long := prompt(strings.Repeat("long ", 200))
	unknown := prompt("hello")
	unknown.Model = "gpt-nine"
	none := prompt("hello")
	none.Messages = nil
	for _, test := range []struct {
		name    string
		client  *openai.Client
		request openai.ChatCompletionRequest
		status  int
		code    string
	}{
		{"missing key", client(s, ""), prompt("hello"), 401, "0"}, // go-openai reads null as 0
		{"wrong key", client(s, "sk-wrong-0123456789"), prompt("hello"), 401, "invalid_api_key"},
		{"unknown model", good, unknown, 404, "model_not_found"},
		{"no messages", good, none, 400, "missing_required_parameter"},
		{"too long", good, long, 400, "context_length_exceeded"},
	} {
		_, err := test.client.CreateChatCompletion(t.Context(), test.request)
		if status(err) != test.status || code(err) != test.code {
			t.Errorf("%s: %v", test.name, err)
		}
		if err != nil && strings.Contains(err.Error(), "sk-wrong-0123456789") {
			t.Errorf("%s: echoes the whole key", test.name)
		}
		_, err = test.client.CreateChatCompletionStream(t.Context(), test.request)
		if status(err) != test.status {
			t.Errorf("%s: stream: %v", test.name, err)
		}
	}
	if _, err := good.CreateChatCompletion(t.Context(), prompt("hello")); err != nil {
		t.Errorf("good: %v", err)
	}
	if _, err := good.GetModel(t.Context(), "x"); status(err) != 404 {
		t.Errorf("unknown path: %v", err)
	}
	models, err := good.ListModels(t.Context())
	if err != nil || len(models.Models) != 1 || models.Models[0].ID != "gpt-4o-mini" {
		t.Errorf("models: %+v, %v", models, err)
	}
}

func TestOrders(t *testing.T) {
	s := start(t, simllm.Options{Markers: true})
	one, two := client(s, "one"), client(s, "two")
	other := prompt("hello")
	other.Model = "other"
	want := func(c *openai.Client, r openai.ChatCompletionRequest, want int) {
		t.Helper()
		if _, err := c.CreateChatCompletion(t.Context(), r); status(err) != want {
			t.Errorf("got %v, want %d", err, want)
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(s.Next("500", "ok", "402"))
	want(one, prompt("hello"), 500)
	want(one, prompt("hello"), 0)
	want(one, prompt("hello"), 402)
	want(one, prompt("hello"), 0)

	must(s.Always("529"))
	must(s.ForModel("other", "404-model"))
	must(s.ForKey("two", "401"))
	want(one, prompt("hello"), 529)
	want(one, other, 404)
	want(two, other, 401)
	want(two, prompt("now ！500，please"), 500)
	want(two, prompt("!no-such-thing"), 401)
	must(s.ForKey("two", "ok"))
	want(two, prompt("hello"), 0)
	if _, err := one.ListModels(t.Context()); status(err) != 529 {
		t.Errorf("models: %v", err)
	}
	s.Heal()
	want(one, other, 0)

	for _, order := range []error{s.Next("500", "nonsense"), s.Always("nonsense"), s.ForKey("k", ""), s.ForModel("m", "!")} {
		if order == nil {
			t.Error("unknown failure accepted")
		}
	}
	if s.Waiting() != 0 {
		t.Error("half of a refused order is kept")
	}
}

func TestJournal(t *testing.T) {
	s := start(t, simllm.Options{Keep: 2, Markers: true})
	c := client(s, "sk-one")
	for _, text := range []string{"first", "second", "third !500"} {
		r := prompt(text)
		r.Messages = append([]openai.ChatCompletionMessage{{Role: "system", Content: "be kind"}}, r.Messages...)
		_, _ = c.CreateChatCompletion(t.Context(), r)
	}
	got := s.Requests()
	if s.Count() != 3 || len(got) != 2 {
		t.Fatalf("%d requests, %d remembered", s.Count(), len(got))
	}
	if got[0].Newest() != "second" || got[1].Newest() != "third !500" || got[1].Failure != "gpt-500" || got[0].Failure != "" {
		t.Errorf("remembered: %+v", got)
	}
	r := got[1]
	if r.Key != "sk-one" || r.Model != "gpt-4o-mini" || r.Stream || len(r.Messages) != 2 || r.Path != "/v1/chat/completions" || r.At.IsZero() {
		t.Errorf("request: %+v", r)
	}
}

func TestBadRequests(t *testing.T) {
	s := start(t, simllm.Options{})
	for body, want := range map[string]int{
		`{`: 400, `[]`: 400, `{"model":1}`: 400, `{}`: 400, `{"model":"m","messages":[]}`: 400,
		`{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"parts"}]}]}`:      200,
		`{"model":"m","messages":[{"role":"user","content":"` + strings.Repeat("a", 33<<20) + `"}]}`: 413,
	} {
		c := http.Client{Transport: s.Transport()}
		answer, err := c.Post(s.URL()+"/chat/completions", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("%.60s: status %d, want %d", body, answer.StatusCode, want)
		}
	}
}

func TestNames(t *testing.T) {
	s := start(t, simllm.Options{TLS: true, Names: []string{"api.openai.com", "chat.example"}})
	for _, url := range []string{"https://api.openai.com/v1/models", "https://chat.example/v1/models", s.URL() + "/models"} {
		c := http.Client{Transport: s.Transport()}
		answer, err := c.Get(url)
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		answer.Body.Close()
	}
	c := http.Client{Transport: s.Transport()}
	if _, err := c.Get("https://api.deepseek.com/v1/models"); err == nil {
		t.Error("reached a host it has no name for")
	}
}

// TestStreamsKeepTheirConnection: go-openai stops reading at the end mark, and
// would otherwise pay a handshake for every answer.
func TestStreamsKeepTheirConnection(t *testing.T) {
	s := start(t, simllm.Options{TLS: true})
	c := client(s, "sk-test")
	reused := false
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		GotConn: func(i httptrace.GotConnInfo) { reused = i.Reused },
	})
	for range 2 {
		if _, finish, _, _, err := listen(ctx, c, prompt("hello")); err != nil || finish != "stop" {
			t.Fatal(finish, err)
		}
	}
	if !reused {
		t.Error("a new connection for the second answer")
	}
}

// TestCloseEndsEverything leaves requests hanging in every way there is.
func TestCloseEndsEverything(t *testing.T) {
	for _, tls := range []bool{false, true} {
		s, err := simllm.Start(simllm.Options{TLS: tls, Markers: true, Slow: time.Hour, KeepAlive: time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		c := client(s, "sk-test")
		var calls sync.WaitGroup
		names := []string{"hang", "hang-first-token", "stall", "slow", "keepalive-forever", "keepalive-forever-mid"}
		for _, name := range names {
			calls.Go(func() { _, _ = c.CreateChatCompletion(context.Background(), prompt("!"+name)) })
			calls.Go(func() { _, _, _, _, _ = listen(context.Background(), c, prompt("!"+name)) })
		}
		for s.Count() < 2*len(names) {
			time.Sleep(time.Millisecond) // until all are under way; the test's own deadline bounds it
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		calls.Wait()
	}
}

// TestFloodIsBounded reads a flood for a while and leaves.
func TestFloodIsBounded(t *testing.T) {
	s := start(t, simllm.Options{Markers: true})
	stream, err := client(s, "sk-test").CreateChatCompletionStream(t.Context(), prompt("!flood"))
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	read := 0
	for read < 4<<20 {
		chunk, err := stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		read += len(chunk.Choices[0].Delta.Content)
	}
}

func TestReply(t *testing.T) {
	long := strings.Repeat("长", 300)
	for text, want := range map[string]string{
		"hello there": "Hello!", "你好": "你好！很高兴", "你好嗎": "你好！很高興", "": "have not said",
		"What is Go?": "“What is Go?”", "什么是 Go？": "“什么是 Go？”", "請問時間": "「請問時間」",
		"show me Markdown!": "# Tea", "用 markdown 写": "# 三步泡茶", "用markdown写": "# 三步泡茶", "這個用 Markdown": "水**不要**燒開", long: "长长…",
	} {
		r := simllm.Request{Messages: []simllm.Message{{Role: "user", Content: text}}}
		if got := simllm.Reply(r); !strings.Contains(got, want) {
			t.Errorf("%.30q: %q, want %q in it", text, got, want)
		}
	}
	r := simllm.Request{Messages: []simllm.Message{{Role: "user", Content: "my cat is Miso"}, {Role: "assistant", Content: "nice"}, {Role: "user", Content: "what did I say before?"}}}
	if got := simllm.Reply(r); !strings.Contains(got, "my cat is Miso") {
		t.Errorf("memory: %q", got)
	}
}

// BenchmarkStream shows what the simulator itself costs: many clients at once,
// no latency.
func BenchmarkStream(b *testing.B) {
	s, err := simllm.Start(simllm.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	c := client(s, "sk-test")
	b.SetParallelism(50)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, finish, _, _, err := listen(context.Background(), c, prompt("How are you today, my friend?")); err != nil || finish != "stop" {
				b.Error(finish, err)
				return
			}
		}
	})
}
