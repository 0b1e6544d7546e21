package simllm_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/gif"
	"image/png"
	"strings"
	"testing"

	openai "github.com/sashabaranov/go-openai"

	"github.com/diagbot/diagbot/internal/simllm"
)

func pictures(t *testing.T) map[string][]byte {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, 7, 5))
	var p, g bytes.Buffer
	if err := errors.Join(png.Encode(&p, img), gif.Encode(&g, img, nil)); err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{"image/png": p.Bytes(), "image/gif": g.Bytes()}
}

func show(model, kind string, data []byte) openai.ChatCompletionRequest {
	return openai.ChatCompletionRequest{Model: model, Messages: []openai.ChatCompletionMessage{{
		Role: "user", MultiContent: []openai.ChatMessagePart{
			{Type: "text", Text: "What is it?"},
			{Type: "image_url", ImageURL: &openai.ChatMessageImageURL{URL: "data:" + kind + ";base64," + base64.StdEncoding.EncodeToString(data)}},
		},
	}}}
}

// The answer says which picture arrived.
func TestSees(t *testing.T) {
	s := start(t, simllm.Options{})
	c := client(s, "sk-test")
	for kind, data := range pictures(t) {
		answer, err := c.CreateChatCompletion(t.Context(), show("m", kind, data))
		want := fmt.Sprintf("%s, 7×5, %d bytes, %08x", kind, len(data), crc32.ChecksumIEEE(data))
		if err != nil || !strings.Contains(answer.Choices[0].Message.Content, want) {
			t.Errorf("%s: %+v, %v", kind, answer.Choices, err)
		}
	}
	last := s.Requests()[s.Count()-1]
	if last.Newest() != "What is it?" || len(last.Pictures()) != 1 {
		t.Errorf("heard %+v", last.Messages)
	}
	for kind, data := range map[string][]byte{"image/png": []byte("no picture"), "image/heic": pictures(t)["image/png"], "image/jpeg": nil} {
		_, err := c.CreateChatCompletion(t.Context(), show("m", kind, data))
		var refused *openai.APIError
		if !errors.As(err, &refused) || refused.HTTPStatusCode != 400 || refused.Code != "invalid_image_format" {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

// Blindness is met by requests with pictures alone, and by the models it is for.
func TestBlind(t *testing.T) {
	s := start(t, simllm.Options{})
	c := client(s, "sk-test")
	data := pictures(t)["image/png"]
	if err := errors.Join(s.Blind("openrouter-blind"), s.Blind("ok", "sees"), s.Blind("volc-blind", "other")); err != nil {
		t.Fatal(err)
	}
	status := func(r openai.ChatCompletionRequest) int {
		var refused *openai.APIError
		_, err := c.CreateChatCompletion(t.Context(), r)
		if errors.As(err, &refused) {
			return refused.HTTPStatusCode
		}
		return 200
	}
	text := show("m", "image/png", data)
	text.Messages[0] = openai.ChatCompletionMessage{Role: "user", Content: "hello"}
	for want, r := range map[int]openai.ChatCompletionRequest{404: show("m", "image/png", data), 400: show("other", "image/png", data), 200: text} {
		if got := status(r); got != want {
			t.Errorf("%s: %d, want %d", r.Model, got, want)
		}
	}
	if got := status(show("sees", "image/png", data)); got != 200 {
		t.Errorf("sees: %d", got)
	}
	s.Heal()
	if got := status(show("m", "image/png", data)); got != 200 {
		t.Errorf("healed: %d", got)
	}
	if s.Blind("nonsense") == nil {
		t.Error("an unknown failure was taken")
	}
}
