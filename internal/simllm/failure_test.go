package simllm_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/diagbot/diagbot/internal/simllm"
)

// guide are the 22 entries that any catalogue of these failures began with.
var guide = strings.Fields(`
	chatgpt-429 chatgpt-401 chatgpt-401-invalid-api-key chatgpt-400 chatgpt-400-context-length-exceeded chatgpt-403
	chatgpt-500 chatgpt-404 chatgpt-502 gpt-429 gpt-400 gpt-404 gpt-401 gpt-403 gpt-413 gpt-503 gpt-524 gpt-502 gpt-500
	failed-to-fetch network-error unauthorized`)

// promised are the names that other packages and the demo use.
var promised = strings.Fields(`
	401 401-invalid-key 400 400-context 403 404 404-model 404-undefined 413 429 429-quota 500 502 503 504 524 529 402
	hang slow reset close eof cut stall html200 error200 empty empty-choices error-in-stream unauthorized content-filter
	failed-to-fetch network-error cloudflare 403-region 429-tokens 429-too-large 429-cap 503-loading 500-memory`)

func TestFailuresAreComplete(t *testing.T) {
	var shown []string
	for _, f := range simllm.Failures() {
		if f.Guide != "" {
			shown = append(shown, f.Guide)
			if web := strings.HasPrefix(f.Guide, "chatgpt-") || !strings.HasPrefix(f.Guide, "gpt-"); web != (f.Source == "web") {
				t.Errorf("%s: source %s", f.Name, f.Source)
			}
		}
		if f.About == "" || (f.Entry == "") != f.Harmless || f.Source != "api" && f.Source != "web" {
			t.Errorf("%s: about %q, entry %q, harmless %v, source %q", f.Name, f.About, f.Entry, f.Harmless, f.Source)
		}
		if f.Status == 0 && f.End == simllm.EndWhole {
			t.Errorf("%s: sends nothing and does nothing", f.Name)
		}
		switch f.End {
		case simllm.EndWhole, simllm.EndHang, simllm.EndCut, simllm.EndReset, simllm.EndDrip, simllm.EndFlood:
		default:
			t.Errorf("%s: end %q", f.Name, f.End)
		}
		if f.Header.Get("Retry-After") != "" && f.Wait == 0 && f.Name != "429-garbage" {
			t.Errorf("%s: states a wait, but the field does not", f.Name)
		}
	}
	if !slices.Equal(shown, guide) {
		t.Errorf("guide: %v", shown)
	}
	for _, name := range promised {
		if _, ok := simllm.Find(name); !ok {
			t.Errorf("%s: missing", name)
		}
	}
}

// TestJSONIsMeant checks that a body is broken only where that is the point.
func TestJSONIsMeant(t *testing.T) {
	broken := []string{"truncated-error", "short-error", "truncated-answer", "short-answer", "empty", "blank-lines", "json-for-stream"}
	for _, f := range simllm.Failures() {
		if !strings.HasPrefix(f.Header.Get("Content-Type"), "application/json") || slices.Contains(broken, f.Name) {
			continue
		}
		body := regexp.MustCompile(`{{repeat 10000 "(.)"}}`).ReplaceAllString(f.Body, "$1$1")
		body = regexp.MustCompile(`{{[^}]*}}`).ReplaceAllString(body, "x")
		if !json.Valid([]byte(body)) {
			t.Errorf("%s: not JSON: %s", f.Name, body)
		}
	}
}

// private matches what looks like a secret or leads somewhere.
var private = []*regexp.Regexp{
	regexp.MustCompile(`sk-[\w*-]{8,}`),
	regexp.MustCompile(`AIza[\w-]{20,}`),
	regexp.MustCompile(`eyJ[\w.-]{20,}`),
	regexp.MustCompile(`[0-9a-f]{32}\.\w+`),
	regexp.MustCompile(`\b(org|proj|user|req)_?-?sim\w+`),
	regexp.MustCompile(`https?://[^/"' )<]+`),
	regexp.MustCompile(`\b\d+\.\d+\.\d+\.\d+\b`),
	regexp.MustCompile(`\b2001:[0-9a-f:]+`),
	regexp.MustCompile(`[\w.]+@[\w.-]+`),
	regexp.MustCompile(`/srv/[\w-]+/`),
	regexp.MustCompile(`-\d+\.\d\d`),
}

// TestPlanted checks that every secret in a body is known to leak tests, and
// that every one they look for is there to be leaked.
func TestPlanted(t *testing.T) {
	planted := simllm.Planted()
	used := map[string]bool{}
	for _, f := range simllm.Failures() {
		text := f.Body
		for key, values := range f.Header {
			if key != "Content-Type" {
				text += "\n" + strings.Join(values, "\n")
			}
		}
		for _, p := range planted {
			used[p] = used[p] || strings.Contains(text, p)
		}
		for _, pattern := range private {
			for _, found := range pattern.FindAllString(text, -1) {
				known := func(p string) bool { return strings.Contains(found, p) || strings.Contains(p, found) }
				if !slices.ContainsFunc(planted, known) {
					t.Errorf("%s: %q is not planted", f.Name, found)
				}
			}
		}
	}
	for _, p := range planted {
		if !used[p] {
			t.Errorf("%q is planted nowhere", p)
		}
	}
}

// TestAsDocumented plays each failure and looks at the bytes.
func TestAsDocumented(t *testing.T) {
	s := start(t, simllm.Options{Slow: time.Millisecond})
	for _, f := range simllm.Failures() {
		if f.Status == 0 || f.End == simllm.EndHang || f.End == simllm.EndDrip || f.End == simllm.EndFlood {
			continue
		}
		for _, stream := range []bool{false, true} {
			if err := s.Next(f.Name); err != nil {
				t.Fatal(err)
			}
			answer, body := ask(t, s, stream)
			if answer.StatusCode != f.Status {
				t.Errorf("%s: status %d", f.Name, answer.StatusCode)
			}
			if strings.Contains(body, "script:") || strings.Contains(body, "{{") {
				t.Errorf("%s: body %q", f.Name, body)
			}
			for key, want := range f.Header {
				if got := answer.Header[key]; !strings.Contains(want[0], "{{") && want[0] != "answer" && !slices.Equal(got, want) {
					t.Errorf("%s: %s: %q, want %q", f.Name, key, got, want)
				}
			}
		}
	}
}
