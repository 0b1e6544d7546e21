package simllm_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	openai "github.com/sashabaranov/go-openai"
	"go.uber.org/goleak"

	"github.com/diagbot/diagbot/internal/simllm"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T, o simllm.Options) *simllm.Server {
	t.Helper()
	s, err := simllm.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func client(s *simllm.Server, key string) *openai.Client {
	config := openai.DefaultConfig(key)
	config.BaseURL = s.URL()
	config.HTTPClient = &http.Client{Transport: s.Transport()}
	return openai.NewClientWithConfig(config)
}

func prompt(text string) openai.ChatCompletionRequest {
	return openai.ChatCompletionRequest{
		Model:    "gpt-4o-mini",
		Messages: []openai.ChatCompletionMessage{{Role: "user", Content: text}},
	}
}

// listen collects a stream: its text, the last finish reason, the usage.
func listen(ctx context.Context, c *openai.Client, r openai.ChatCompletionRequest) (text, finish string, usage *openai.Usage, chunks int, err error) {
	stream, err := c.CreateChatCompletionStream(ctx, r)
	if err != nil {
		return "", "", nil, 0, err
	}
	defer stream.Close()
	for {
		event, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return text, finish, usage, chunks, nil
		}
		if err != nil {
			return text, finish, usage, chunks, err
		}
		chunks++
		if event.Usage != nil {
			usage = event.Usage
		}
		for _, choice := range event.Choices {
			text += choice.Delta.Content
			if choice.FinishReason != "" {
				finish = string(choice.FinishReason)
			}
		}
	}
}

func TestAnswers(t *testing.T) {
	for _, tls := range []bool{false, true} {
		s := start(t, simllm.Options{TLS: tls})
		c := client(s, "sk-test")
		whole, err := c.CreateChatCompletion(t.Context(), prompt("How are you?"))
		if err != nil {
			t.Fatalf("tls %v: %v", tls, err)
		}
		want := whole.Choices[0].Message.Content
		if !strings.Contains(want, "How are you?") || whole.Usage.TotalTokens == 0 {
			t.Errorf("tls %v: answer %q, usage %+v", tls, want, whole.Usage)
		}
		if whole.Header().Get("X-Request-Id") == "" || whole.GetRateLimitHeaders().LimitRequests != 10000 {
			t.Errorf("tls %v: headers %v", tls, whole.Header())
		}
		r := prompt("How are you?")
		r.StreamOptions = &openai.StreamOptions{IncludeUsage: true}
		text, finish, usage, chunks, err := listen(t.Context(), c, r)
		if err != nil || text != want || finish != "stop" || chunks < 5 {
			t.Errorf("tls %v: stream %q, %s, %d chunks, %v", tls, text, finish, chunks, err)
		}
		if usage == nil || *usage != whole.Usage {
			t.Errorf("tls %v: usage %+v, want %+v", tls, usage, whole.Usage)
		}
	}
}
