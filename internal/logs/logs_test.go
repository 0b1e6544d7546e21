package logs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/diagbot/diagbot/troubleshoot"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// written returns what a logger with the options writes in f.
func written(t *testing.T, o Options, f func(*slog.Logger)) string {
	t.Helper()
	var b bytes.Buffer
	log, out := New(&b, o)
	f(log)
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// The planted secrets: one that only the list of exact secrets can know, one
// that looks like a key, and one that only its name betrays.
const (
	exactSecret = "quiet river stone"
	keySecret   = "sk-proj-AbCdEfGh1234567890"
	namedSecret = "hunter two, with spaces"
)

type valuer struct{ inner any }

func (v valuer) LogValue() slog.Value { return slog.AnyValue(v.inner) }

type stringer struct{ s string }

func (s *stringer) String() string { return "stringer " + s.s }

type marshaler struct{ s string }

func (m marshaler) MarshalText() ([]byte, error) { return []byte(m.s), nil }

type nested struct {
	Password string
	Inner    *nested
	hidden   string
	List     []string
	By       map[string]any
	Value    stringer
	URL      url.URL
}

// attrs are all kinds of attributes with the secret in them.
func attrs(secret string) []slog.Attr {
	deep := nested{Inner: &nested{hidden: secret, List: []string{"a", secret}}, By: map[string]any{"x": []any{secret}}, Value: stringer{secret}}
	return []slog.Attr{
		slog.String("text", "before "+secret+" after"),
		slog.Any("error", errors.New("ask: "+secret)),
		slog.Any("wrapped", fmt.Errorf("outer: %w", fmt.Errorf("inner %s: %w", secret, io.EOF))),
		slog.Any("joined", errors.Join(io.EOF, errors.New(secret))),
		slog.Any("list", []string{"one", secret}),
		slog.Any("bytes", []byte(secret)),
		slog.Any("map", map[string]string{"one": secret}),
		slog.Any("keys", map[string]int{secret: 1}),
		slog.Any("struct", deep),
		slog.Any("pointer", &deep),
		slog.Any("stringer", &stringer{secret}),
		slog.Any("marshaler", marshaler{secret}),
		slog.Any("raw", json.RawMessage(`{"a":"`+secret+`"}`)),
		slog.Any("valuer", valuer{secret}),
		slog.Any("valuers", []valuer{{valuer{secret}}}),
		slog.Any("header", http.Header{"X-Api-Key": {secret}, "X-Odd": {secret}}),
		slog.Any("values", url.Values{"q": {secret}}),
		slog.Any("url", &url.URL{Scheme: "https", Host: "example.com", RawQuery: "key=" + url.QueryEscape(secret)}),
		slog.Any("userinfo", url.UserPassword("bob", secret)),
		slog.Group("group", slog.String("text", secret), slog.Group("deeper", slog.Any("error", errors.New(secret)))),
		slog.Any("group valuer", valuer{[]slog.Attr{slog.String("a", secret)}}),
		slog.String(secret, "a strange name"),
	}
}

func TestLeaks(t *testing.T) {
	redactor := troubleshoot.NewRedactor(exactSecret)
	for _, secret := range []string{exactSecret, keySecret} {
		for _, asJSON := range []bool{false, true} {
			for _, a := range attrs(secret) {
				out := written(t, Options{JSON: asJSON, Redactor: redactor}, func(l *slog.Logger) {
					l.LogAttrs(t.Context(), slog.LevelInfo, "said "+secret, a)
					l.With(slog.Any(a.Key, a.Value)).WithGroup("g").Error("again", a)
				})
				if strings.Contains(out, secret) || strings.Contains(out, url.QueryEscape(secret)) {
					t.Errorf("json %v: %s leaks: %s", asJSON, a.Key, out)
				}
				if n := strings.Count(out, "\n"); n != 2 {
					t.Errorf("%s: %d lines: %s", a.Key, n, out)
				}
			}
		}
	}
}

func TestNamesBetray(t *testing.T) {
	for _, a := range []slog.Attr{
		slog.String("password", namedSecret),
		slog.String(strings.Repeat("x-", 40)+"password", namedSecret),
		slog.Any("authorization", valuer{namedSecret}),
		slog.Group("request", slog.String("cookie", namedSecret)),
		slog.Any("header", http.Header{"Authorization": {namedSecret}, "Set-Cookie": {"a=1", namedSecret}}),
		slog.Any("form", url.Values{"client_secret": {namedSecret}}),
		slog.Any("struct", struct{ Password, Other string }{namedSecret, "x"}),
		slog.Any("deep", []any{map[string]any{"api_key": namedSecret + "1"}}),
		slog.Any("pointer", &nested{Password: namedSecret}),
		slog.Any("url", url.URL{Scheme: "https", Host: "h", User: url.UserPassword("bob", namedSecret)}),
	} {
		for _, asJSON := range []bool{false, true} {
			out := written(t, Options{JSON: asJSON}, func(l *slog.Logger) { l.LogAttrs(t.Context(), slog.LevelInfo, "m", a) })
			if strings.Contains(out, "hunter") || strings.Contains(out, "spaces") {
				t.Errorf("%s leaks: %s", a.Key, out)
			}
		}
	}
	if out := written(t, Options{}, func(l *slog.Logger) { l.Info("m", "wxuin", 1234567) }); strings.Contains(out, "1234567") {
		t.Error("a telling number was written:", out)
	}
}

func TestHarmless(t *testing.T) {
	at := time.Date(2026, 11, 22, 1, 2, 3, 0, time.UTC)
	attrs := []any{
		"provider", "deepseek", "key", "backup2", "model", "gpt-4o", "request_id", "req_0123456789abcdef0123456789abcdef",
		"tokens", 12, "ok", true, "took", time.Second, "share", 0.5, "at", at, "nothing", nil, "error", io.EOF,
		"list", []string{"a", "b"}, "map", map[string]int{"b": 2, "a": 1}, slog.Group("g", "x", 1),
	}
	text := written(t, Options{}, func(l *slog.Logger) { l.Info("fine", attrs...) })
	const want = ` level=INFO msg=fine provider=deepseek key=backup2 model=gpt-4o request_id=req_0123456789abcdef0123456789abcdef ` +
		`tokens=12 ok=true took=1s share=0.5 at=2026-11-22T01:02:03.000Z nothing=<nil> error=EOF list="[a b]" map="map[a:1 b:2]" g.x=1` + "\n"
	if _, rest, _ := strings.Cut(text, " "); " "+rest != want {
		t.Errorf("got  %s\nwant %s", rest, want)
	}
	var fields map[string]any
	line := written(t, Options{JSON: true}, func(l *slog.Logger) { l.Info("fine", attrs...) })
	if err := json.Unmarshal([]byte(line), &fields); err != nil || fields["tokens"] != 12.0 || fields["nothing"] != nil {
		t.Error(line, err)
	}
}

func TestLevel(t *testing.T) {
	var level slog.LevelVar
	out := written(t, Options{Level: &level}, func(l *slog.Logger) {
		l.Debug("one")
		level.Set(slog.LevelDebug)
		l.Debug("two")
		level.Set(slog.LevelError)
		l.Warn("three")
	})
	if strings.Contains(out, "one") || !strings.Contains(out, "two") || strings.Contains(out, "three") {
		t.Error(out)
	}
}

type wild struct{}

func (wild) Error() string { panic("wild " + keySecret) }

type wildValuer struct{}

func (wildValuer) LogValue() slog.Value { panic("wild " + keySecret) }

// loop is a LogValuer without end, ring a value that contains itself.
type loop struct{}

func (loop) LogValue() slog.Value { return slog.AnyValue(loop{}) }

type ring struct{ Next *ring }

func TestHostileValues(t *testing.T) {
	r := &ring{}
	r.Next = r
	var none *stringer
	var nobody error = (*wildPointer)(nil)
	for _, v := range []any{
		wild{}, wildValuer{}, loop{}, r, none, nobody, []any{wild{}, none, nil}, map[any]any{1.5: wild{}, struct{}{}: nil},
		make(chan int), func() {}, [3]byte{1, 2, 3}, struct{ a any }{}, strings.Repeat("x", 10<<20), make([]nested, 5000),
	} {
		out := written(t, Options{}, func(l *slog.Logger) { l.Info("m", "v", v) })
		if !strings.Contains(out, "msg=m v=") || strings.Contains(out, keySecret) || len(out) > 3*MaxText {
			t.Errorf("%T: %d bytes: %.300s", v, len(out), out)
		}
	}
}

type wildPointer struct{ s string }

func (w *wildPointer) Error() string { return w.s }

func TestCutsWholeRunes(t *testing.T) {
	out := written(t, Options{JSON: true}, func(l *slog.Logger) {
		l.Info(strings.Repeat("x", MaxText-1)+"人"+keySecret, "tail", strings.Repeat("人", MaxText))
	})
	if strings.ContainsRune(out, '\uFFFD') || strings.Contains(out, keySecret[:12]) {
		t.Error(out[len(out)-200:])
	}
}

// TestCutSecret: masks make a long text short, and its end is half a secret.
func TestCutSecret(t *testing.T) {
	for n := range 2 * len(exactSecret) {
		text := strings.Repeat("x", n) + strings.Repeat(" "+exactSecret, 2*MaxText/len(exactSecret))
		out := written(t, Options{Redactor: troubleshoot.NewRedactor(exactSecret)}, func(l *slog.Logger) { l.Info(text) })
		if strings.Contains(out, exactSecret[:5]) {
			t.Fatal(out[len(out)-100:])
		}
	}
}

// TestForgetsStrangeNames makes sure that strangers' names do not pile up.
func TestForgetsStrangeNames(t *testing.T) {
	r := &redactor{}
	for i := range 3 * maxNames {
		r.name(fmt.Sprint("name", i))
	}
	if n := len(*r.names.Load()); n > maxNames {
		t.Error(n, "names are remembered")
	}
	if r.name("another_password").naming != telling {
		t.Error("full, it no longer judges")
	}
}

func BenchmarkLine(b *testing.B) {
	log, out := New(io.Discard, Options{Redactor: troubleshoot.NewRedactor(exactSecret, "another-secret-of-mine")})
	defer out.Close()
	log = log.With("account", "3f2a")
	err := errors.New("api provider=openai status=429 code=rate_limit_exceeded")
	b.ReportAllocs()
	for b.Loop() {
		log.Warn("not answered", "chat", "9c1e", "entry", "gpt-429", "ref", "7K2F", "provider", "openai",
			"attempts", 3, "took", 1234*time.Millisecond, "error", err)
	}
}

// BenchmarkBare is the same line through slog alone.
func BenchmarkBare(b *testing.B) {
	log := slog.New(slog.NewTextHandler(io.Discard, nil)).With("account", "3f2a")
	err := errors.New("api provider=openai status=429 code=rate_limit_exceeded")
	b.ReportAllocs()
	for b.Loop() {
		log.Warn("not answered", "chat", "9c1e", "entry", "gpt-429", "ref", "7K2F", "provider", "openai",
			"attempts", 3, "took", 1234*time.Millisecond, "error", err)
	}
}
