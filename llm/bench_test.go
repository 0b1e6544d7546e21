package llm

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	openai "github.com/sashabaranov/go-openai"
)

// streamed is an answer of 1 KB of text in chunks like OpenAI's.
func streamed(chunks int) []byte {
	var b strings.Builder
	word := strings.Repeat("w", 1024/chunks)
	for range chunks {
		fmt.Fprintf(&b, `data: {"id":"chatcmpl-9aBcDeFgHiJkLmNoPqRsTuVw","object":"chat.completion.chunk","created":1732233600,`+
			`"model":"gpt-4o-mini","service_tier":"default","system_fingerprint":"fp_0123456789",`+
			`"choices":[{"index":0,"delta":{"content":"%s"},"logprobs":null,"finish_reason":null}],"usage":null}`+"\n\n", word)
	}
	b.WriteString(stop + counted + done)
	return []byte(b.String())
}

func request(ask Prompt) openai.ChatCompletionRequest {
	r := openai.ChatCompletionRequest{Model: "gpt-4o-mini", StreamOptions: &openai.StreamOptions{IncludeUsage: true}}
	for _, m := range ask.Messages {
		r.Messages = append(r.Messages, openai.ChatCompletionMessage{Role: string(m.Role), Content: m.Content})
	}
	return r
}

// What a message costs, besides the network, in Complete and in bare go-openai:
// with a short prompt and a long one, and with few chunks of an answer and many.
func BenchmarkComplete(b *testing.B) {
	for _, chunks := range []int{8, 32, 256} {
		compare(b, fmt.Sprint(chunks), question(), chunks)
	}
	for _, chunks := range []int{8, 128} {
		compare(b, fmt.Sprint("long/", chunks), conversation(), chunks)
	}
}

func compare(b *testing.B, name string, ask Prompt, chunks int) {
	transport := drain{stub{200, streamed(chunks), false}}
	b.Run("Complete/"+name, func(b *testing.B) {
		o := options("https://h/v1")
		o.Transport = transport
		c, err := New(Options{Providers: []ProviderOptions{o}})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			if _, err := c.Complete(b.Context(), ask); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Bare/"+name, func(b *testing.B) {
		config := openai.DefaultConfig(secret)
		config.HTTPClient = &http.Client{Transport: transport}
		c := openai.NewClientWithConfig(config)
		b.ReportAllocs()
		for b.Loop() {
			bare(b, c, ask)
		}
	})
}

// conversation is a prompt with the 20 turns that are remembered.
func conversation() Prompt {
	said := strings.Repeat("what was said, ", 14)
	ask := Prompt{Messages: []Message{{Role: RoleSystem, Content: said}}}
	for range 20 {
		ask.Messages = append(ask.Messages, Message{Role: RoleUser, Content: said}, Message{Role: RoleAssistant, Content: said})
	}
	ask.Messages = append(ask.Messages, Message{Role: RoleUser, Content: said})
	return ask
}

func bare(b testing.TB, c *openai.Client, ask Prompt) {
	stream, err := c.CreateChatCompletionStream(b.Context(), request(ask))
	if err != nil {
		b.Fatal(err)
	}
	var text strings.Builder
	for {
		chunk, err := stream.Recv()
		if err == io.EOF {
			break
		}
		if err != nil {
			b.Fatal(err)
		}
		for _, choice := range chunk.Choices {
			text.WriteString(choice.Delta.Content)
		}
	}
	stream.Close()
}

// All that is done besides costs fewer allocations than it spares go-openai, in
// long prompts and in long answers as well.
func TestCompleteAllocatesLittle(t *testing.T) {
	for name, tc := range map[string]struct {
		ask    Prompt
		chunks int
	}{
		"short": {question(), 8}, "long prompt": {conversation(), 8}, "long answer": {question(), 256},
	} {
		transport := drain{stub{200, streamed(tc.chunks), false}}
		config := openai.DefaultConfig(secret)
		config.HTTPClient = &http.Client{Transport: transport}
		alone := openai.NewClientWithConfig(config)
		o := options("https://h/v1")
		o.Transport = transport
		c := newClient(t, o)
		below := testing.AllocsPerRun(100, func() { bare(t, alone, tc.ask) })
		with := testing.AllocsPerRun(100, func() {
			if _, err := c.Complete(t.Context(), tc.ask); err != nil {
				t.Fatal(err)
			}
		})
		if with > 3*below/4 {
			t.Errorf("%s: %v allocations, bare go-openai has %v", name, with, below)
		}
	}
}

// The guard alone: the bytes of the stream through its filter.
func BenchmarkGuard(b *testing.B) {
	for _, chunks := range []int{8, 32, 256} {
		body := streamed(chunks)
		b.Run(fmt.Sprint(chunks), func(b *testing.B) {
			g := &guard{next: stub{200, body, false}}
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				ctx, x := newExchange(b.Context(), Timeouts{}.withDefaults(), listChoices, false)
				res, err := g.Do(httpRequest(ctx))
				if err != nil {
					b.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, res.Body)
				res.Body.Close()
				x.end()
			}
		})
	}
}
