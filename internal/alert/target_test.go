package alert

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestProblems(t *testing.T) {
	mail := Target{Name: "m", Kind: KindEmail, Host: "smtp.example.com", From: "Bot <bot@example.com>", To: []string{"me@example.com"}}
	with := func(change func(*Target)) Target {
		t := mail
		t.To = slices.Clone(mail.To)
		change(&t)
		return t
	}
	hook := func(kind, url string) Target { return Target{Name: "t", Kind: kind, URL: url} }
	for _, c := range []struct {
		target Target
		want   string // fields, space-separated
	}{
		{hook(KindGeneric, "https://h.example.com/SECRET"), ""},
		{hook(KindGeneric, "http://127.0.0.1:9/x"), ""},
		{hook(KindGeneric, "http://192.168.1.5/x"), ""},
		{hook(KindGeneric, "http://ntfy/x"), ""},
		{hook(KindGeneric, "http://nas.local/x"), ""},
		{hook(KindGeneric, "http://h.example.com/SECRET"), "url"},
		{hook(KindGeneric, "http://8.8.8.8/SECRET"), "url"},
		{hook(KindGeneric, "http://[::ffff:8.8.8.8]/x"), "url"},
		{hook(KindGeneric, "http://[::ffff:10.0.0.1]/x"), ""},
		{hook(KindGeneric, "http://134744072/SECRET"), "url"},
		{hook(KindGeneric, "http://0x8080808/SECRET"), "url"},
		{hook(KindGeneric, "http://localhost.example.com/SECRET"), "url"},
		{hook(KindGeneric, "http://0.0.0.0/SECRET"), "url"},
		{hook(KindGeneric, "https:///SECRET"), "url"},
		{hook(KindGeneric, "https://:443/SECRET"), "url"},
		{hook(KindGeneric, "https://h:/SECRET"), "url"},
		{hook(KindGeneric, "https://me:SECRET@h.example.com/x"), ""},
		{hook(KindNtfy, "https://me:SECRET@ntfy.example.com/x"), ""},
		{hook(KindWeCom, "https://me:SECRET@qyapi.weixin.qq.com/send?key=x"), "url"},
		{hook(KindFeishu, "https://me:SECRET@open.feishu.cn/x"), "url"},
		{Target{Name: "e", Kind: KindGeneric, URL: "https://h/x", Events: []string{"ai", "all"}}, "events[]"},
		{hook(KindGeneric, ""), "url"},
		{hook(KindGeneric, "h.example.com/SECRET"), "url"},
		{hook(KindGeneric, "ftp://h/SECRET"), "url"},
		{hook(KindGeneric, "https://h/%zzSECRET"), "url"},
		{hook(KindGeneric, "https://h/x#SECRET"), "url"},
		{hook(KindFeishu, "https://open.feishu.cn"), "url"},
		{hook(KindFeishu, "https://open.feishu.cn/open-apis/bot/v2/hook/x"), ""},
		{hook(KindDingTalk, "https://oapi.dingtalk.com/robot/send"), "url"},
		{hook(KindDingTalk, "https://oapi.dingtalk.com/robot/send?access_token=x"), ""},
		{hook(KindWeCom, "https://qyapi.weixin.qq.com/cgi-bin/webhook/send"), "url"},
		{Target{Name: "w", Kind: KindWeCom, URL: "https://h/?key=x", Secret: "y"}, "secret"},
		{hook(KindBark, "https://api.day.app/"), "url"},
		{Target{Name: "b", Kind: KindBark, URL: "https://api.day.app", Secret: "k"}, ""},
		{hook(KindNtfy, "https://ntfy.sh"), "url"},
		{hook(KindNtfy, "https://ntfy.sh/a/b"), "url"},
		{hook(KindNtfy, "https://ntfy.sh/a"), ""},
		{Target{Name: "n", Kind: KindNtfy, URL: "https://ntfy.sh/a", Secret: "a\nX-Evil: 1"}, "secret"},
		{hook("slack", "https://h/x"), "kind"},
		{Target{}, "name kind"},
		{mail, ""},
		{with(func(t *Target) { t.Host = "" }), "host"},
		{with(func(t *Target) { t.Host = "a b:25" }), "host"},
		{with(func(t *Target) { t.Host = "h:port" }), "host"},
		{with(func(t *Target) { t.Host = "[::1]:25" }), ""},
		{with(func(t *Target) { t.Host = "::1" }), ""},
		{with(func(t *Target) { t.Host = "h:1:2" }), "host"},
		{with(func(t *Target) { t.Security = "ssl" }), "security"},
		{with(func(t *Target) { t.User = "u" }), "password"},
		{with(func(t *Target) { t.Password = "SECRET" }), "password"},
		{with(func(t *Target) { t.From = "nobody" }), "from"},
		{with(func(t *Target) { t.From = "a@b\r\nBcc: c@d" }), "from"},
		{with(func(t *Target) { t.To = nil }), "to"},
		{with(func(t *Target) { t.To = make([]string, 51) }), "to" + strings.Repeat(" to[]", 51)},
		{with(func(t *Target) { t.To = append(t.To, "x y") }), "to[]"},
	} {
		a, err := New(Options{Targets: []Target{c.target}, Transport: newWire(fine)})
		if err == nil {
			closed(t, a)
		}
		var fields []string
		for _, p := range problems(err) {
			field, _, _ := strings.Cut(p.Field, "[")
			if strings.Contains(p.Field, "[") {
				field += "[]"
			}
			fields = append(fields, field)
			if p.Target != c.target.Name && p.Target != "#1" {
				t.Error(p)
			}
		}
		if got := strings.Join(fields, " "); got != c.want {
			t.Errorf("%+v: %q, want %q", c.target, got, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "SECRET") {
			t.Error("the error holds the secret:", err)
		}
	}
}

// problems takes the error of New apart.
func problems(err error) []*Problem {
	var all []*Problem
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return nil
	}
	for _, e := range joined.Unwrap() {
		var p *Problem
		if errors.As(e, &p) {
			all = append(all, p)
		}
	}
	return all
}

func TestAllProblemsAtOnce(t *testing.T) {
	_, err := New(Options{Targets: []Target{
		{Name: "a", Kind: KindNtfy, URL: "https://ntfy.sh/x"}, {Name: "a", Kind: "fax"}, {Kind: KindGeneric},
	}})
	const want = `alert target "a": name: is not unique
alert target "a": kind: is not one of generic, feishu, dingtalk, wecom, bark, ntfy, email
alert target "#3": name: is missing
alert target "#3": url: is missing`
	if err == nil || err.Error() != want {
		t.Error(err)
	}
}

func TestSplitHost(t *testing.T) {
	for _, c := range []struct {
		in, security, host string
		port               int
	}{
		{"h", "", "h", 465}, {"h", SecurityTLS, "h", 465}, {"h", SecurityStartTLS, "h", 587}, {"h", SecurityNone, "h", 25},
		{"h:2525", SecurityTLS, "h", 2525}, {"[::1]:25", SecurityNone, "::1", 25}, {"::1", SecurityNone, "::1", 25}, {"a:b:c", "", "", 0},
	} {
		if host, port := splitHost(c.in, c.security); host != c.host || port != c.port {
			t.Errorf("%s: %s %d", c.in, host, port)
		}
	}
}
