package main

import (
	"bufio"
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
	Status      *int                `json:"status"`
	Headers     map[string]any      `json:"headers"`
	ContentType string              `json:"content_type"`
	Body        string              `json:"body"`
	Error       string              `json:"error"`
	Source      troubleshoot.Source `json:"source"`
	Provider    string              `json:"provider"`
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
		RunE: func(*cobra.Command, []string) error {
			catalogue, err := a.loadCatalogue()
			if err != nil {
				return err
			}
			return classifyLines(catalogue, a.in, a.out)
		},
	}
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
	bad := false
	for {
		line, err := readLine(reader)
		if len(line) > 0 {
			result, lineErr := classifyLine(catalogue, line)
			if lineErr != nil {
				bad = true
				result = map[string]string{"error": lineErr.Error()}
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

// readLine returns the next line without its end. It keeps at most maxLine bytes
// of it; what is cut makes invalid JSON and is reported as such.
func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		chunk, prefix, err := r.ReadLine()
		if len(line) <= maxLine {
			line = append(line, chunk...)
		}
		if err != nil || !prefix {
			return line, err
		}
	}
}

func classifyLine(catalogue *troubleshoot.Catalogue, line []byte) (any, error) {
	var o *observed
	if err := json.Unmarshal(line, &o); err != nil || o == nil {
		return nil, unreadable(err)
	}
	fault := troubleshoot.Normalize(o.observation())
	d := catalogue.Diagnose(fault)
	evidence := make([]sign, len(d.Evidence))
	for i, e := range d.Evidence {
		evidence[i] = sign(e)
	}
	remedies := make([]string, len(d.Entry.Remedy))
	for i, r := range d.Entry.Remedy {
		remedies[i] = r.Do
	}
	return classified{
		Entry: d.Entry.ID, Cause: d.Entry.Cause, Remedy: remedies, Retryable: d.Entry.Retryable,
		RetryAfterMS: fault.RetryAfter.Milliseconds(), Evidence: evidence,
	}, nil
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

func (o *observed) observation() troubleshoot.Observation {
	seen := troubleshoot.Observation{
		Source: o.Source, Provider: o.Provider, ContentType: o.ContentType,
		Body: []byte(o.Body), ErrText: o.Error, Header: http.Header{}, At: time.Now(),
	}
	if seen.Source == "" {
		seen.Source = troubleshoot.SourceAPI
	}
	if o.Status != nil {
		seen.Status = *o.Status
	}
	for name, value := range o.Headers {
		switch v := value.(type) {
		case []any:
			for _, one := range v {
				seen.Header.Add(name, fmt.Sprint(one))
			}
		default:
			seen.Header.Add(name, fmt.Sprint(v))
		}
	}
	return seen
}
