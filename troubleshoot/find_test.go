package troubleshoot

import (
	"slices"
	"testing"
)

func ids(list []*Entry) []string {
	var out []string
	for _, e := range list {
		out = append(out, e.ID)
	}
	return out
}

func TestFind(t *testing.T) {
	c := load(t)
	first := map[string]string{
		"401": "gpt-401", "429": "gpt-429", "GPT-401": "gpt-401", " 401 ": "gpt-401", "４０１": "gpt-401", "529": "gpt-503-overloaded", "504": "gpt-504", "408": "gpt-504", "413": "gpt-413",
		"timeout": "upstream-timeout", "TLS": "tls-failure", "insufficient_quota": "gpt-429-insufficient-quota", "insufficient-quota": "gpt-429-insufficient-quota",
		"dns_failure": "dns-failure", "context_length_exceeded": "chatgpt-400-context-length-exceeded", "WX-1101": "wechat-session-expired", "1101": "wechat-session-expired",
		"chatgpt error 429": "chatgpt-429", "GPT error: 429": "gpt-429", "failed-to": "failed-to-fetch", "Failed to fetch": "failed-to-fetch", "network error": "network-error", "ilink-w": "ilink-window-closed", "unknown": "unknown-error",
	}
	for q, want := range first {
		got := ids(c.Find(q))
		if len(got) == 0 || got[0] != want {
			t.Errorf("Find(%q) = %v, want %s first", q, got, want)
		}
	}
	if got := ids(c.Find("401")); len(got) < 7 || !slices.Contains(got, "chatgpt-401") || !slices.Contains(got, "gpt-401-missing-key") {
		t.Errorf("Find(401) = %v, want all entries under 401", got)
	}
	for _, q := range []string{"", "   ", "418", "nonsense", "g", "wechat-", "\xff\xfe", "{}"} {
		if got := c.Find(q); got != nil {
			t.Errorf("Find(%q) = %v, want nothing", q, ids(got))
		}
	}
}

func TestEveryEntryIsFound(t *testing.T) {
	c := load(t)
	for _, e := range c.Entries() {
		for _, q := range append([]string{e.ID, e.Code, e.Cause}, e.Aliases...) {
			if !slices.Contains(c.Find(q), e) {
				t.Errorf("Find(%q) lacks %s", q, e.ID)
			}
		}
	}
}

func TestNear(t *testing.T) {
	c := load(t)
	for q, want := range map[string]string{"402x": "gpt-402-insufficient-balance", "403x": "gpt-403", "timout": "upstream-timeout", "gtp-401": "gpt-401", "dsn": "dns-failure", "quota_": "gpt-429-insufficient-quota"} {
		got := ids(c.Near(q))
		if !slices.Contains(got, want) || len(got) > 3 {
			t.Errorf("Near(%q) = %v, want %s among at most three", q, got, want)
		}
	}
	if got := c.Near(""); got != nil {
		t.Errorf("Near of nothing is %v", ids(got))
	}
}

func TestEntriesBeginWithTheGuide(t *testing.T) {
	got := ids(load(t).Entries())
	if !slices.Equal(got[:len(guideOrder)], guideOrder) {
		t.Errorf("entries begin with %v", got[:len(guideOrder)])
	}
	if len(got) != 68 {
		t.Errorf("%d entries, want 68", len(got))
	}
}
