package main

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/diagbot/diagbot/troubleshoot"
)

// maxLine bounds one line of classify's input, in bytes.
const maxLine = 4 << 20

// observed is one line of classify's input.
type observed struct {
	Status      int                 `json:"status"`
	Headers     map[string]any      `json:"headers"`
	ContentType string              `json:"content_type"` // checked to be a text; a body is told by its bytes
	Body        text                `json:"body"`
	Error       string              `json:"error"`
	Source      troubleshoot.Source `json:"source"`
	Provider    string              `json:"provider"`
}

// reset empties o and keeps its memory.
func (o *observed) reset() {
	clear(o.Headers)
	*o = observed{Headers: o.Headers, Body: o.Body[:0]}
}

// text is a JSON string, decoded into the same memory each time.
type text []byte

func (t *text) UnmarshalText(b []byte) error {
	*t = append((*t)[:0], b...)
	return nil
}

// classified is one line of classify's output.
type classified struct {
	Entry        string   `json:"entry"`
	Cause        string   `json:"cause"`
	Remedy       []string `json:"remedy"`
	Retryable    bool     `json:"retryable"`
	RetryAfterMS int64    `json:"retry_after_ms"`
	Evidence     []sign   `json:"evidence"`
}

// sign is troubleshoot.Evidence as it is written.
type sign struct {
	Rule  string `json:"rule"`
	Value string `json:"value"`
}

func (a *app) classify() *cobra.Command {
	return &cobra.Command{
		Use:   "classify",
		Short: a.say("classify_short"),
		Long:  a.say("classify_long"),
		Args:  a.noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			catalogue, err := a.loadCatalogue()
			if err != nil {
				return err
			}
			return classifyLines(catalogue, until{c.Context(), a.in}, a.out)
		},
	}
}

// classifier diagnoses line after line in the same memory.
type classifier struct {
	catalogue *troubleshoot.Catalogue
	line      line
	seen      observed
	header    http.Header
	result    classified
}

// classifyLines diagnoses line by line and goes on after a line it cannot read.
// Output is flushed whenever no more input is waiting, so that it can be used
// as a filter in a conversation.
func classifyLines(catalogue *troubleshoot.Catalogue, in io.Reader, out io.Writer) error {
	reader := bufio.NewReaderSize(in, 64<<10)
	writer := bufio.NewWriterSize(out, 64<<10)
	defer writer.Flush()
	encoder := json.NewEncoder(writer)
	encoder.SetEscapeHTML(false)
	c := classifier{
		catalogue: catalogue, header: http.Header{},
		result: classified{Remedy: []string{}, Evidence: []sign{}}, // never null
	}
	bad := false
	for {
		line, err := readLine(reader)
		if len(line) > 0 {
			var result any = &c.result
			if err := c.classify(line); err != nil {
				bad = true
				result = map[string]string{"error": err.Error()}
			}
			if err := encoder.Encode(result); err != nil {
				return fmt.Errorf("write result: %w", err)
			}
		}
		if err != nil && err != io.EOF {
			return fmt.Errorf("read line: %w", err)
		}
		if reader.Buffered() == 0 {
			if err := writer.Flush(); err != nil {
				return fmt.Errorf("write result: %w", err)
			}
		}
		if err == io.EOF {
			break
		}
	}
	if bad {
		return statusFailed
	}
	return nil
}

// readLine returns the next line without its end, until the next read. It keeps
// at most maxLine bytes of it; what is cut makes invalid JSON and is reported as
// such.
func readLine(r *bufio.Reader) ([]byte, error) {
	line, prefix, err := r.ReadLine()
	if !prefix {
		return line, err
	}
	line = bytes.Clone(line)
	for prefix && err == nil {
		var more []byte
		more, prefix, err = r.ReadLine()
		if len(line) <= maxLine {
			line = append(line, more...)
		}
	}
	return line, err
}

// classify diagnoses one line into c.result.
func (c *classifier) classify(raw []byte) error {
	c.seen.reset()
	c.line = line{s: raw, room: c.line.room}
	if !c.seen.scan(&c.line) {
		c.seen.reset()
		o := &c.seen
		if err := json.Unmarshal(raw, &o); err != nil || o == nil {
			return unreadable(err)
		}
	}
	fault := troubleshoot.Normalize(c.observation())
	d := c.catalogue.Diagnose(fault)
	c.result = classified{
		Entry: d.Entry.ID, Cause: d.Entry.Cause, Remedy: c.result.Remedy[:0], Retryable: d.Entry.Retryable,
		RetryAfterMS: fault.RetryAfter.Milliseconds(), Evidence: c.result.Evidence[:0],
	}
	for _, r := range d.Entry.Remedy {
		c.result.Remedy = append(c.result.Remedy, r.Do)
	}
	for _, e := range d.Evidence {
		c.result.Evidence = append(c.result.Evidence, sign(e))
	}
	return nil
}

// unreadable says what is wrong with a line, in the words of the input.
func unreadable(err error) error {
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &kind) && kind.Field != "":
		return fmt.Errorf("not of the expected form: %s cannot be a JSON %s", kind.Field, kind.Value)
	case err == nil || kind != nil:
		return errors.New("not a JSON object")
	}
	return fmt.Errorf("not a JSON object: %w", err)
}

func (c *classifier) observation() troubleshoot.Observation {
	clear(c.header)
	for name, value := range c.seen.Headers {
		switch v := value.(type) {
		case []any:
			for _, one := range v {
				c.header.Add(name, fmt.Sprint(one))
			}
		default:
			c.header.Add(name, fmt.Sprint(v))
		}
	}
	o := &c.seen
	return troubleshoot.Observation{
		Source: cmp.Or(o.Source, troubleshoot.SourceAPI), Provider: o.Provider, Status: o.Status,
		Header: c.header, Body: o.Body, ErrText: o.Error, At: time.Now(),
	}
}
