package alert

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/diagbot/diagbot/troubleshoot"
)

// timeout bounds one attempt, from the name's lookup to the answer's last byte.
const timeout = 15 * time.Second

// maxAnswer is how much of an answer is read, in bytes.
const maxAnswer = 64 << 10

// dialect is how a vendor wants alerts and how it answers.
type dialect struct {
	request func(t *Target, al Alert, now time.Time) request
	// answer reads the body of an answer. It must not trust it.
	answer func(status int, body []byte) answer
}

// request is what is posted.
type request struct {
	url    string
	header map[string]string
	body   []byte
}

// fate is what becomes of an alert that was not taken.
type fate struct {
	retry bool
	after time.Duration // the least pause
}

// answer is what a vendor said.
type answer struct {
	ok    bool
	code  string
	text  string
	known bool // fate holds; else the status decides
	fate  fate
}

// number is a vendor's code as text; empty if there is none.
func number(code *int) string {
	if code == nil {
		return ""
	}
	return strconv.Itoa(*code)
}

// by looks up the fate of a code.
func (a answer) by(fates map[int]fate, code *int) answer {
	if code != nil {
		a.fate, a.known = fates[*code]
	}
	return a
}

// hook takes alerts to a webhook.
type hook struct {
	target   Target
	host     string
	dialect  dialect
	client   *http.Client
	redactor *troubleshoot.Redactor
}

func newHook(t Target, d dialect, transport http.RoundTripper) *hook {
	t.URL = strings.TrimSpace(t.URL)
	u, _ := url.Parse(t.URL) // checked
	return &hook{
		target: t, host: u.Hostname(), dialect: d, redactor: troubleshoot.NewRedactor(t.secrets()...),
		client: &http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// deliver posts the alert once. Its error is a *Failure.
func (h *hook) deliver(ctx context.Context, al Alert) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	r := h.dialect.request(&h.target, al, time.Now())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url, bytes.NewReader(r.body))
	if err != nil {
		return h.failure(Failure{Detail: "the request cannot be made"}) // the error holds the URL
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Set("User-Agent", "diagbot")
	for name, value := range r.header {
		req.Header.Set(name, value)
	}
	resp, err := h.client.Do(req)
	if err != nil {
		return h.failure(Failure{Detail: cause(err), Retry: true})
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return h.failure(Failure{Status: resp.StatusCode, Detail: cause(err), Retry: true})
	}
	return h.judge(resp, body)
}

// judge tells an alert that was taken from one that may be taken later and one
// that never will.
func (h *hook) judge(resp *http.Response, body []byte) error {
	a := h.dialect.answer(resp.StatusCode, body)
	success := resp.StatusCode >= 200 && resp.StatusCode < 300
	if success && a.ok {
		return nil
	}
	f := Failure{Status: resp.StatusCode, Code: a.code, Detail: a.text, RetryAfter: retryAfter(resp.Header, time.Now())}
	switch status := resp.StatusCode; {
	case a.known:
		f.Retry, f.RetryAfter = a.fate.retry, max(f.RetryAfter, a.fate.after)
	case success, status >= 500, status == http.StatusTooManyRequests, status == http.StatusRequestTimeout, status == http.StatusTooEarly:
		f.Retry = true
	}
	if f.Detail == "" && success {
		f.Detail = "the answer is not this kind of service's"
	}
	return h.failure(f)
}

func (h *hook) failure(f Failure) *Failure {
	f.Target, f.Kind, f.Host = h.target.Name, h.target.Kind, h.host
	f.Code = detail(h.redactor, f.Code, 40)
	f.Detail = detail(h.redactor, f.Detail, 300)
	return &f
}

// detail makes foreign text fit for logs: redacted, one line, short.
func detail(r *troubleshoot.Redactor, s string, runes int) string {
	s = strings.Join(strings.Fields(printable(cutBytes(s, 8<<10))), " ")
	return cutRunes(r.Redact(s), runes)
}

// cause is the error without the address that net/http puts in front of it.
func cause(err error) string {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Sprintf("no answer within %v", timeout)
	}
	return err.Error()
}
