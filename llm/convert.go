package llm

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"

	openai "github.com/sashabaranov/go-openai"
)

// asWhole turns a stream into the whole answer that was asked for.
func (x *exchange) asWhole(stream *events) ([]byte, error) {
	a := answer{x: x}
	lines := bufio.NewReader(stream)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		data := bytes.TrimSpace(line[len(eventPrefix):])
		if string(data) == "[DONE]" {
			continue
		}
		if err := a.chunk.decode(data); err != nil {
			return nil, x.fail(data, errForm)
		}
		a.add(&a.chunk)
	}
	if err := a.ended(); err != nil {
		return nil, err
	}
	message := openai.ChatCompletionMessage{Role: openai.ChatMessageRoleAssistant, Content: a.text.String()}
	if a.refusal {
		message.Refusal = "refused"
	}
	return json.Marshal(openai.ChatCompletionResponse{
		Choices: []openai.ChatCompletionChoice{{Message: message, FinishReason: openai.FinishReason(a.finish)}},
		Usage: openai.Usage{
			PromptTokens: a.usage.Prompt, CompletionTokens: a.usage.Completion, TotalTokens: a.usage.Prompt + a.usage.Completion,
		},
	})
}

// asStream turns a whole answer into the stream that was asked for.
func (x *exchange) asStream(all []byte) ([]byte, error) {
	var answer openai.ChatCompletionResponse
	if err := json.Unmarshal(all, &answer); err != nil || len(answer.Choices) == 0 {
		return nil, x.fail(all, errForm)
	}
	choice := answer.Choices[0]
	event, err := json.Marshal(openai.ChatCompletionStreamResponse{
		Usage: &answer.Usage,
		Choices: []openai.ChatCompletionStreamChoice{{
			FinishReason: choice.FinishReason,
			Delta: openai.ChatCompletionStreamChoiceDelta{
				Content:          textOf(choice.Message),
				Refusal:          choice.Message.Refusal,
				ReasoningContent: choice.Message.ReasoningContent,
			},
		}},
	})
	if err != nil {
		return nil, x.fail(all, errForm)
	}
	x.events, x.done, x.last = 1, true, all
	return append(append([]byte("data: "), event...), "\ndata: [DONE]\n"...), nil
}

// textOf returns the text of a message, also of one made of parts.
func textOf(m openai.ChatCompletionMessage) string {
	text := m.Content
	for _, part := range m.MultiContent {
		text += part.Text
	}
	return text
}
