package simllm

import (
	"encoding/json"
	"fmt"
	"strings"
)

// stage is what the scripts of a failure may use: the normal answer to the
// request, whole or in part, in the form that was asked for. Events lack the
// blank line after the last one.
type stage struct {
	completion
}

// Answer is the normal answer.
func (c stage) Answer() string { return c.form(c.events(), 1) }

// Half is the first half of it.
func (c stage) Half() string {
	events := c.unfinished()
	return c.form(events[:(len(events)+1)/2], 0.5)
}

// Unfinished is the answer but for its finish reason and end mark.
func (c stage) Unfinished() string { return c.form(c.unfinished(), 0.9) }

// Finished is the answer but for its end mark.
func (c stage) Finished() string {
	events := c.events()
	return c.form(events[:len(events)-1], 1)
}

func (c stage) form(events []string, share float64) string {
	if c.Stream {
		return joined(events)
	}
	text := c.Object()
	return text[:int(share*float64(len(text)))]
}

func joined(events []string) string {
	return strings.TrimSuffix(strings.Join(events, ""), "\n\n")
}

// Object is the answer as one JSON object, asked for or not.
func (c stage) Object() string {
	text, _ := json.Marshal(c.object()) // nothing in it can fail
	return string(text)
}

// Streamed is the answer as events, asked for or not.
func (c stage) Streamed() string { return joined(c.events()) }

// Finish is an answer of that text that ended for that reason.
func (c stage) Finish(text, reason string) string {
	c.text, c.finish = text, reason
	return c.Answer()
}

// Folded is the answer in events of two data lines each.
func (c stage) Folded() string {
	events := c.events()
	for i, event := range events {
		events[i] = strings.Replace(event, `,"choices"`, "\ndata: ,\"choices\"", 1)
	}
	return joined(events)
}

// CRLF is the answer in events whose lines end in carriage return and newline.
func (c stage) CRLF() string { return strings.ReplaceAll(c.Streamed(), "\n", "\r\n") }

// Dense is the answer in events with ids and names, and no space after a colon.
func (c stage) Dense() string {
	events := c.events()
	for i, event := range events {
		events[i] = fmt.Sprintf("id:%d\nevent:message\n%s", i, strings.Replace(event, "data: ", "data:", 1))
	}
	return joined(events)
}

// Said is the text of the answer.
func (c stage) Said() string { return c.text }

// Model is the model asked for, fit for a JSON string.
func (c stage) Model() string {
	text, _ := json.Marshal(c.Request.Model) // strings can be marshalled
	return strings.Trim(string(text), `"`)
}
