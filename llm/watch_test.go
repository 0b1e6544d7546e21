package llm

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/diagbot/diagbot/troubleshoot"
)

// script is a transport that plays an answer with pauses, in the fake time of
// synctest.
type script struct {
	connect time.Duration // before the headers
	parts   []part
}

type part struct {
	after time.Duration
	text  string
}

func (s script) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := pass(r.Context(), s.connect); err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: &played{ctx: r.Context(), parts: s.parts}, Request: r}, nil
}

func pass(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

type played struct {
	ctx   context.Context
	parts []part
}

func (p *played) Read(b []byte) (int, error) {
	if len(p.parts) == 0 {
		return 0, io.EOF
	}
	if err := pass(p.ctx, p.parts[0].after); err != nil {
		return 0, err
	}
	n := copy(b, p.parts[0].text)
	p.parts = p.parts[1:]
	return n, nil
}

func (p *played) Close() error { return nil }

func repeated(n int, p part) []part {
	parts := make([]part, n)
	for i := range parts {
		parts[i] = p
	}
	return parts
}

// Each limit ends the attempt on time, with the phase it was in, and nothing
// that merely keeps the connection alive puts it off.
func TestLimits(t *testing.T) {
	const s = time.Second
	comment := part{s, ": keep-alive\n\n"}
	word := part{s, hello}
	for name, tc := range map[string]struct {
		script   script
		noStream bool
		phase    troubleshoot.Phase // "" for an answer
		after    time.Duration
	}{
		"nothing":           {script{connect: time.Hour}, false, troubleshoot.PhaseDial, 13 * s},
		"only headers":      {script{parts: []part{{time.Hour, ""}}}, false, troubleshoot.PhaseFirstToken, 45 * s},
		"only comments":     {script{parts: repeated(200, comment)}, false, troubleshoot.PhaseFirstToken, 45 * s},
		"only empty chunks": {script{parts: repeated(200, part{s, counted})}, false, troubleshoot.PhaseFirstToken, 45 * s},
		"stall":             {script{parts: []part{word, {time.Hour, ""}}}, false, troubleshoot.PhaseStream, 31 * s},
		"comments after":    {script{parts: append([]part{word}, repeated(200, comment)...)}, false, troubleshoot.PhaseStream, 61 * s},
		"words for ever":    {script{parts: repeated(200, word)}, false, troubleshoot.PhaseTotal, 90 * s},
		"slow words":        {script{parts: append(repeated(3, part{25 * s, hello}), part{0, stop + done})}, false, "", 75 * s},
		"no end":            {script{parts: []part{word, {0, stop}, {time.Hour, ""}}}, false, "", 3 * s},
		"open after done":   {script{parts: []part{word, {0, stop + done}, {time.Hour, ""}}}, false, "", s + 50*time.Millisecond},
		"whole, slow":       {script{connect: 10 * s, parts: []part{{70 * s, full}}}, true, "", 80 * s},
		"whole, too slow":   {script{parts: []part{{time.Hour, full}}}, true, troubleshoot.PhaseTotal, 90 * s},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := options("https://h/v1")
				o.Transport, o.NoStream = tc.script, tc.noStream
				c := newClient(t, o)
				begun := time.Now()
				answer, err := c.Complete(t.Context(), question())
				if took := time.Since(begun); took != tc.after {
					t.Errorf("took %v, want %v", took, tc.after)
				}
				if tc.phase == "" {
					if err != nil || !strings.HasPrefix(answer.Text, "hel") {
						t.Errorf("got %+v, %v", answer, err)
					}
					return
				}
				f := faultOf(t, answer, err)
				if f.Phase != tc.phase || f.Net != troubleshoot.NetTimeout || !errors.Is(f, context.DeadlineExceeded) {
					t.Errorf("got %+v", f)
				}
			})
		})
	}
}

// The body of an error must not hold up its status.
func TestErrorBodyThatNeverEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := options("https://h/v1")
		o.Transport = slowError{}
		begun := time.Now()
		answer, err := newClient(t, o).Complete(t.Context(), question())
		f := faultOf(t, answer, err)
		if f.Status != 503 || f.Net != "" || !strings.Contains(f.Message, "Overloaded") || time.Since(begun) != bodyTime {
			t.Errorf("got %+v after %v", f, time.Since(begun))
		}
	})
}

type slowError struct{}

func (slowError) RoundTrip(r *http.Request) (*http.Response, error) {
	body := &played{ctx: r.Context(), parts: []part{{0, `{"error":{"message":"Overloaded"}}`}, {time.Hour, ""}}}
	return &http.Response{StatusCode: 503, Header: http.Header{}, Body: body, Request: r}, nil
}
