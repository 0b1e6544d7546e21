package alert

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestAnswers has each vendor's answers, as documented or reported, and what
// becomes of the alert.
func TestAnswers(t *testing.T) {
	const taken, later, never = "taken", "later", "never"
	for _, c := range []struct {
		kind   string
		status int
		body   string
		want   string
		code   string
		after  time.Duration
	}{
		{KindFeishu, 200, `{"code":0,"msg":"success","data":{}}`, taken, "", 0},
		{KindFeishu, 200, `{"StatusCode":0,"StatusMessage":"success"}`, taken, "", 0},
		{KindFeishu, 200, `{"code":19021,"msg":"sign match fail or timestamp is not within one hour from current time"}`, never, "19021", 0},
		{KindFeishu, 200, `{"code":19024,"msg":"Key Words Not Found"}`, never, "19024", 0},
		{KindFeishu, 200, `{"code":9499,"msg":"Bad Request","data":{}}`, never, "9499", 0},
		{KindFeishu, 400, `{"code":9499,"msg":"too many request","data":{}}`, later, "9499", time.Minute},
		{KindFeishu, 200, `{"code":11232,"msg":"frequency limited psm[lark.oapi.app_platform_runtime]"}`, later, "11232", time.Minute},
		{KindFeishu, 400, `{"code":99991400,"msg":"request trigger frequency limit"}`, later, "99991400", time.Minute},
		{KindFeishu, 200, `{"code":55555,"msg":"new"}`, later, "55555", 0},
		{KindFeishu, 200, `{}`, later, "", 0},
		{KindFeishu, 200, `<html>log in to the hotel</html>`, later, "", 0},
		{KindFeishu, 404, `not found`, never, "", 0},
		{KindFeishu, 502, `<html>`, later, "", 0},

		{KindDingTalk, 200, `{"errcode":0,"errmsg":"ok"}`, taken, "", 0},
		{KindDingTalk, 200, `{"errcode":310000,"errmsg":"keywords not in content"}`, never, "310000", 0},
		{KindDingTalk, 200, `{"status":1111,"wait":5,"source":"x5","punish":"deny","errcode":130101,"errmsg":"send too fast, exceed 20 times per minute"}`, later, "130101", time.Minute},
		{KindDingTalk, 200, `{"errcode":300005,"errmsg":"token is not exist"}`, never, "300005", 0},
		{KindDingTalk, 200, `{"errcode":-1,"errmsg":"系统繁忙"}`, later, "-1", 0},
		{KindDingTalk, 200, `{"errcode":"0"}`, later, "", 0},

		{KindWeCom, 200, `{"errcode":0,"errmsg":"ok"}`, taken, "", 0},
		{KindWeCom, 200, `{"errcode":45009,"errmsg":"api freq out of limit, from ip: 119.2.196.241"}`, later, "45009", time.Minute},
		{KindWeCom, 200, `{"errcode":93000,"errmsg":"invalid webhook url, hint: [1755605200056773468916791], from ip: 172.212.167.87"}`, never, "93000", 0},
		{KindWeCom, 200, `{"errcode":40058,"errmsg":"markdown.content exceed max length 4096."}`, never, "40058", 0},

		{KindBark, 200, `{"code":200,"message":"success","timestamp":1}`, taken, "", 0},
		{KindBark, 200, `{"code":400,"message":"failed to get device token"}`, never, "400", 0},
		{KindBark, 400, `{"code":400,"message":"failed to get device token"}`, never, "400", 0},
		{KindBark, 500, `{"code":500,"message":"push failed"}`, later, "500", 0},
		{KindBark, 429, `{"code":429,"message":"slow down"}`, later, "429", 0},
		{KindBark, 200, `ok`, later, "", 0},

		{KindNtfy, 200, `{"id":"x","event":"message"}`, taken, "", 0},
		{KindNtfy, 429, `{"code":42901,"http":429,"error":"limit reached: too many requests, please be nice"}`, later, "42901", 0},
		{KindNtfy, 403, `{"code":40301,"http":403,"error":"forbidden"}`, never, "40301", 0},
		{KindNtfy, 400, `{"code":40009,"http":400,"error":"invalid request: topic invalid"}`, never, "40009", 0},
		{KindNtfy, 200, `<html>`, later, "", 0},

		{KindGeneric, 204, ``, taken, "", 0},
		{KindGeneric, 301, ``, never, "", 0},
		{KindGeneric, 401, ``, never, "", 0},
		{KindGeneric, 408, ``, later, "", 0},
		{KindGeneric, 425, ``, later, "", 0},
		{KindGeneric, 429, ``, later, "", 0},
		{KindGeneric, 503, ``, later, "", 0},
	} {
		got, f := outcome(t, c.kind, c.status, c.body)
		if got != c.want || f != nil && (f.Code != c.code || f.RetryAfter != c.after || f.Status != c.status) {
			t.Errorf("%s %d %s: %s, %#v", c.kind, c.status, c.body, got, f)
		}
		if f != nil && (strings.Contains(f.Error(), "119.2") || strings.Contains(f.Error(), "172.2")) {
			t.Error(f)
		}
	}
}

func hookOf(kind string) string {
	return map[string]string{
		KindDingTalk: "https://h/robot?access_token=tok-abcdef", KindWeCom: "https://h/send?key=tok-abcdef",
	}[kind]
}

func outcome(t *testing.T, kind string, status int, body string) (string, *Failure) {
	t.Helper()
	transport := roundTripper(func(*http.Request) (*http.Response, error) { return respond(status, body) })
	address := hookOf(kind)
	if address == "" {
		address = "https://h/tok-abcdef"
	}
	a, err := New(Options{Targets: []Target{{Name: "t", Kind: kind, URL: address}}, Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, a)
	err = a.Test(t.Context(), sample())[0].Err
	var f *Failure
	switch {
	case err == nil:
		return "taken", nil
	case !errors.As(err, &f):
		t.Fatal(err)
	case f.Retry:
		return "later", f
	}
	return "never", f
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name, value string
		want        time.Duration
	}{
		{"Retry-After", "5", 5 * time.Second}, {"Retry-After", " 120 ", 2 * time.Minute}, {"Retry-After", "0", 0},
		{"Retry-After", "Sun, 22 Nov 2026 00:01:00 GMT", time.Minute}, {"Retry-After", "Sun, 22 Nov 2020 00:01:00 GMT", 0},
		{"Retry-After", "-5", 0}, {"Retry-After", "soon", 0}, {"Retry-After", "99999999999999999999", 0}, {"X-Ogw-Ratelimit-Reset", "52", 52 * time.Second},
	} {
		if got := retryAfter(http.Header{c.name: {c.value}}, now); got != c.want {
			t.Errorf("%s: %v", c.value, got)
		}
	}
}

// TestLeaks makes servers and networks repeat what they should not know.
func TestLeaks(t *testing.T) {
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", r.URL.String())
		w.WriteHeader([]int{200, 302, 500}[len(r.URL.Query().Get("n"))])
		_, _ = io.WriteString(w, `{"code":1,"errcode":1,"errmsg":"no `+r.URL.String()+` `+r.Header.Get("Authorization")+`","msg":"`+r.URL.Path+`","error":"`+r.URL.RawQuery+`"}`)
	}))
	defer echo.Close()
	refused := httptest.NewServer(nil)
	refused.Close()
	reset := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_ = conn.Close()
		}
	}))
	defer reset.Close()
	for _, base := range []string{echo.URL, refused.URL, reset.URL, "https://no-such-host.invalid"} {
		for _, kind := range []string{KindGeneric, KindFeishu, KindDingTalk, KindBark, KindNtfy} {
			for _, n := range []string{"", "a", "aa"} {
				target := Target{Name: "t", Kind: kind, URL: base + "/planted-path?access_token=planted-token&n=" + n, Secret: "planted-secret"}
				a, err := New(Options{Targets: []Target{target}})
				if err != nil {
					t.Fatal(err)
				}
				if r := a.Test(t.Context(), sample())[0]; r.Err == nil && kind != KindGeneric || r.Err != nil && strings.Contains(r.Err.Error(), "planted") {
					t.Errorf("%s: %v", kind, r.Err)
				}
				closed(t, a)
			}
		}
	}
}

func TestEndlessAnswer(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 32<<10)); err != nil {
				return
			}
		}
	}))
	defer s.Close()
	a, err := New(Options{Targets: []Target{{Name: "t", Kind: KindNtfy, URL: s.URL + "/t"}}})
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, a)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var f *Failure
	if err := a.Test(ctx, sample())[0].Err; !errors.As(err, &f) || f.Status != 200 || !f.Retry {
		t.Error(err)
	}
}

// TestHostileDetail: what a vendor says is shortened and stays on its line.
func TestHostileDetail(t *testing.T) {
	_, f := outcome(t, KindFeishu, 200, `{"code":19002,"msg":"a\nb\u001b[31m `+strings.Repeat("x ", 5000)+`"}`)
	if f == nil || strings.ContainsAny(f.Detail, "\n\x1b") || len(f.Detail) > 400 || !strings.HasPrefix(f.Detail, "a b[31m x") {
		t.Error(f)
	}
}
