package alert

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

// FuzzAnswers: no answer breaks a dialect, and none counts as taken that does
// not say so.
func FuzzAnswers(f *testing.F) {
	for _, s := range []string{`{"code":0}`, `{"errcode":0,"errmsg":"ok"}`, `{"id":"x"}`, `{"StatusCode":0}`, `{"code":200}`, `[]`, `null`, `{"code":1e99}`, "\xff"} {
		f.Add(200, s)
	}
	f.Fuzz(func(t *testing.T, status int, body string) {
		for kind, d := range map[string]dialect{
			KindFeishu: feishu(), KindDingTalk: dingtalk(), KindWeCom: wecom(), KindBark: bark(), KindNtfy: ntfy(),
		} {
			if a := d.answer(status, []byte(body)); a.ok && !json.Valid([]byte(body)) {
				t.Errorf("%s took %q", kind, body)
			}
		}
	})
}

// FuzzAlerts: whatever is told, what leaves is sound and within limits.
func FuzzAlerts(f *testing.F) {
	f.Add("标题", "text\r\n", "1. step", "https://h/x", "账号")
	f.Add("\x00\xff", "\u202e", strings.Repeat("步\"", 3000), "https://h/\n", "")
	f.Fuzz(func(t *testing.T, title, text, steps, link, account string) {
		al := Alert{Title: title, Text: text, Steps: steps, Link: link, Account: account}.cleaned(nil, time.Unix(0, 0))
		for _, s := range []string{al.Title, al.Text, al.Steps, al.Account, al.Link, al.Key} {
			if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && r != '\n' }) {
				t.Errorf("%+q", s)
			}
		}
		if strings.Contains(al.Title+al.Account+al.Link, "\n") {
			t.Errorf("%+q", al.Title)
		}
		target := &Target{URL: "https://h/p?access_token=x", Secret: "s"}
		for kind, limit := range map[string]int{KindFeishu: maxFeishu, KindDingTalk: maxDingTalk, KindBark: maxBark} {
			d := map[string]dialect{KindFeishu: feishu(), KindDingTalk: dingtalk(), KindBark: bark()}[kind]
			if body := d.request(target, al, time.Unix(0, 0)).body; len(body) > limit || !json.Valid(body) {
				t.Errorf("%s: %d bytes", kind, len(body))
			}
		}
		var m struct{ Text, Markdown struct{ Content string } }
		if err := json.Unmarshal(wecomRequest(target, al, time.Unix(0, 0)).body, &m); err != nil ||
			len(m.Text.Content) > maxWeComText || len(m.Markdown.Content) > maxWeComMarkdown || m.Text.Content+m.Markdown.Content == "" {
			t.Error(len(m.Text.Content), len(m.Markdown.Content), err)
		}
	})
}
