package llm

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	openai "github.com/sashabaranov/go-openai"
)

// chunk is room for all chunks of a stream, one after the other. go-openai's Recv
// makes some for each, and json.Unmarshal as well.
type chunk struct {
	openai.ChatCompletionStreamResponse
	line bytes.Reader
	json *json.Decoder // reads lines
	read int64         // bytes of all lines
}

const mostChoices = 8 // of a chunk that room is kept for; one is usual

// decode forgets the chunk before this one. After an error it may not be called
// again.
func (c *chunk) decode(line []byte) error {
	if c.json == nil {
		c.json = json.NewDecoder(&c.line)
	}
	room := c.Choices[:cap(c.Choices)]
	if len(room) > mostChoices {
		room = nil
	}
	clear(room) // encoding/json leaves what it finds there
	c.ChatCompletionStreamResponse = openai.ChatCompletionStreamResponse{Choices: room[:0]}
	c.line.Reset(line)
	c.read += int64(len(line))
	err := c.json.Decode(&c.ChatCompletionStreamResponse)
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || err == nil && c.json.InputOffset() != c.read {
		return errChunk
	}
	return err
}
