package llm

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"
)

// stub is a transport without a network: each request gets the same answer.
type stub struct {
	status int
	body   []byte
	slowly bool // one byte at a time
}

func (s stub) Do(r *http.Request) (*http.Response, error) {
	var body io.Reader = bytes.NewReader(s.body)
	if s.slowly {
		body = iotest.OneByteReader(body)
	}
	return &http.Response{StatusCode: s.status, Header: http.Header{}, Body: io.NopCloser(body), Request: r}, nil
}

func (s stub) RoundTrip(r *http.Request) (*http.Response, error) { return s.Do(r) }

// readEvents passes a body through the guard and returns what go-openai would
// read.
func readEvents(t *testing.T, s stub) (string, bool, error) {
	ctx, x := newExchange(t.Context(), Timeouts{}.withDefaults(), listChoices, false)
	defer x.end()
	res, err := (&guard{next: s}).Do(httpRequest(ctx))
	if err != nil {
		return "", false, err
	}
	defer res.Body.Close()
	out, err := io.ReadAll(res.Body)
	return string(out), x.done, err
}

func httpRequest(ctx context.Context) *http.Request {
	r, _ := http.NewRequestWithContext(ctx, http.MethodPost, "https://h/v1/chat/completions", nil) // constant
	return r
}

// Whatever bytes come: what passes is one line of JSON per event, none of them
// an error, however the bytes are cut; and a completion always has text.
func FuzzGuard(f *testing.F) {
	for _, seed := range []string{
		hello + lo + stop + counted + done, full, "[]", "{}", "<html>", ": c\n\n" + hello, "data: {\ndata: \"error\":1\ndata: }\n\n",
		"event: error\ndata: {}\n\n", "data: [DONE]\n", hello + "data: {\"choices\":[", "\r\r\rdata:x\r\n\n", `{"choices":[{"error":{}}]}`,
		strings.ReplaceAll(hello+lo+stop+done, "\n\n", "\n"), "\xEF\xBB\xBFdata: {}\n\n", `data: {"error":null,"choices":[]}` + "\n\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		out, done, err := readEvents(t, stub{200, body, false})
		slow, slowDone, slowErr := readEvents(t, stub{200, body, true})
		if out != slow || done != slowDone || (err == nil) != (slowErr == nil) {
			t.Errorf("by bytes %q %v %v, at once %q %v %v", slow, slowDone, slowErr, out, done, err)
		}
		checkLines(t, out)
		o := options("https://h/v1")
		o.Transport = stub{200, body, false}
		c, err := newClient(t, o).Complete(t.Context(), question())
		if err == nil && strings.TrimSpace(c.Text) == "" {
			t.Errorf("empty answer %+v", c)
		}
		if err != nil {
			faultOf(t, c, err)
		}
	})
}

func checkLines(t *testing.T, out string) {
	t.Helper()
	lines := bufio.NewReader(strings.NewReader(out))
	for {
		line, err := lines.ReadString('\n')
		if errors.Is(err, io.EOF) {
			if line != "" {
				t.Errorf("half a line: %q", line)
			}
			return
		}
		data, ok := strings.CutPrefix(line, eventPrefix)
		if !ok {
			t.Errorf("not an event: %q", line)
		}
		var event struct{ Error any }
		if json.Unmarshal([]byte(data), &event) == nil && event.Error != nil && event.Error != "" {
			if e, err := json.Marshal(event.Error); err != nil || says(e) {
				t.Errorf("an error passed: %q", line)
			}
		}
	}
}

// members agrees with encoding/json about every valid object.
func FuzzMembers(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":1,"b":{"c":"}"},"d":[1,"]"]}`, `{"a\"":"\\"}`, ` { "a" : null } `, `{"a":"\u0022"}`, `{"a":1`, `[]`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got := map[string]string{}
		closed := members(b, func(key, value []byte) bool {
			got[string(key)] = string(value)
			return true
		})
		var want map[string]json.RawMessage
		if !json.Valid(b) || json.Unmarshal(b, &want) != nil || want == nil {
			return
		}
		if !closed || len(got) != len(want) && !strings.Contains(string(b), "\uFFFD") && json.Valid(b) && isASCII(b) {
			t.Fatalf("%q: closed %v, got %q, want %d", b, closed, got, len(want))
		}
		for key, value := range want {
			if isASCII(b) && got[key] != string(value) {
				t.Errorf("%q: %q is %q, want %q", b, key, got[key], value)
			}
		}
	})
}

func isASCII(b []byte) bool {
	for _, c := range b {
		if c > 126 {
			return false
		}
	}
	return true
}

func FuzzBlot(f *testing.F) {
	f.Add([]byte(`{"error":{"message":"data:image/png;base64,iVBORw0KGgoAAAANSUhEUg\/AAA\nAAAAAAAAAAAA"}}`))
	f.Add([]byte("b'\\x89PNG' \\ufffd \xff\x00 图片"))
	f.Fuzz(func(t *testing.T, body []byte) {
		got := blot(body)
		if !utf8.Valid(got) && utf8.Valid(body) {
			t.Errorf("%q became %q", body, got)
		}
		run := 0
		for _, c := range got {
			if run++; !inBase64(c) {
				run = 0
			}
			if run >= longRun {
				t.Fatalf("%q kept in %q", got, body)
			}
		}
	})
}
