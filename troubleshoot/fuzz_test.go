package troubleshoot

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// planted are secrets strewn into whatever the fuzzer makes.
var planted = []string{"sk-proj-Zq7Xw2Vu5Ts8Rr1Pp4Nn", "AIzaSyZq7Xw2Vu5Ts8Rr1Pp4NnMmLlKkJjHhGg", "org-Zq7Xw2Vu5Ts8Rr1P"}

func FuzzDiagnose(f *testing.F) {
	files, _ := filepath.Glob("testdata/zoo/*.txt")
	for i, name := range files {
		if i%7 == 0 {
			raw, _ := os.ReadFile(name)
			_, body, _ := strings.Cut(string(raw), "\n\n")
			f.Add(400+i%200, []byte(body), "Retry-After", "7")
		}
	}
	f.Add(200, []byte(`{"a":{'b':[1,{"message":"{\"error\":\"x`), "X-Ratelimit-Remaining", "0")
	f.Add(0, []byte("<html><script>{"), "", "")
	c := load(f)
	f.Fuzz(func(t *testing.T, status int, body []byte, name, value string) {
		h := http.Header{name: []string{value}}
		for _, o := range []Observation{{Status: status, Body: body, Header: h}, {Source: SourceWeb, ErrText: string(body)}} {
			d := c.Diagnose(Normalize(o))
			if d.Entry == nil {
				t.Fatal("no entry")
			}
			if c.Explain(d.Entry.ID, Telling{Audience: AudienceAdmin, Locale: value, Query: name}) == "" {
				t.Fatal("nothing is said")
			}
		}
	})
}

// FuzzRedact puts secrets between blanks into any text: none may survive in what
// is kept of the failure.
func FuzzRedact(f *testing.F) {
	f.Add("Incorrect API key: ", " provided")
	f.Add(`{"error":{"message":"`, `"}}`)
	f.Add("<p>", "</p>")
	f.Add("http://x/?key=", "&y=1")
	c := load(f)
	f.Fuzz(func(t *testing.T, before, after string) {
		for _, s := range planted {
			text := before + " " + s + " " + after
			fault := Normalize(Observation{Status: 400, Body: []byte(text)})
			d := c.Diagnose(fault)
			seen := fault.Message + fault.Detail + fault.Error() + fault.Code + fault.Type + fault.RequestID + fault.signs.text
			for _, e := range d.Evidence {
				seen += e.Value
			}
			if strings.Contains(seen, s) {
				t.Fatalf("%q survives in %q", s, seen)
			}
			if len(fault.Message) > MaxDetail || len(fault.Detail) > MaxDetail {
				t.Fatal("too long")
			}
		}
	})
}

func FuzzRetryAfter(f *testing.F) {
	f.Add("7", "try again in 20s", "0", "1s")
	f.Add("Sun, 22 Nov 2026 08:00:20 GMT", `{"retryDelay":"37s"}`, "0", "1795334420000")
	f.Fuzz(func(t *testing.T, after, body, remaining, reset string) {
		h := http.Header{"Retry-After": {after}, "X-Ratelimit-Remaining-Requests": {remaining}, "X-Ratelimit-Reset-Requests": {reset}}
		d, ok := RetryAfter(h, []byte(body), zooTime)
		if d < 0 || d > maxRetryAfter || ok != (d > 0) {
			t.Fatalf("pause %v, %v", d, ok)
		}
	})
}

func FuzzLookUp(f *testing.F) {
	for _, s := range []string{"401", "gpt-401", "为什么", "zh_CN", "\xff", "{code}"} {
		f.Add(s)
	}
	c := load(f)
	f.Fuzz(func(t *testing.T, s string) {
		if len(c.Near(s)) > 3 {
			t.Fatal("more than three suggestions")
		}
		c.Find(s)
		c.MatchLocale(s)
		if tag, how := c.Choose(Preference{Text: s, Seen: s}); tag == "" || how == "" {
			t.Fatal("no language")
		}
		if got := fold(s); len(got) > len(s) {
			t.Fatalf("fold grows %q to %q", s, got)
		}
		if utf8.ValidString(s) && !utf8.ValidString(fold(s)) {
			t.Fatalf("fold breaks %q", s)
		}
	})
}

// hostile are texts that make careless readers slow, to be repeated.
var hostile = map[string]string{
	"braces": `{"a":`, "words": "the model ", "html": "<p>rate limit</p>", "digits": "429 ", "quotes": `'" `, "keys": "sk-abcdefgh12345678 ", "nested": `{"message":"{\"message\":`,
	"wait": "retry in ", "backslashes": `{"a":"\`, "scripts": "<script>", "stars": "model * not ", "codes": "rate_limit ", "ipv6": "a:b:", "mail": "a@b.", "slashes": "http://", "names": "key: ",
	"lines": "ERR x y z\n", "ordinary": "INFO x y\n", "frames": "  at /x\n", "columns": "x\n File \"a\", line 1\n",
}
