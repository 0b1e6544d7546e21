package main

import (
	"strings"
	"testing"
)

// TestCheck holds that check visits the servers which the accounts need, and says
// which of them cannot be reached.
func TestCheck(t *testing.T) {
	t.Parallel()
	const both = "accounts: [{name: old}, {name: new, channel: ilink}]\n"
	for _, c := range []struct {
		name, config string
		down         bool // the official API
		status       exitError
		has          []string
		hasNot       []string
	}{
		{"openwechat", "accounts: [{name: main}]\n", true, statusOK, []string{"login.wx.qq.com answers", "webpush.wx.qq.com answers", "AI source openai: accepts"}, []string{"ilinkai"}},
		{"ilink", onILink, false, statusOK, []string{"ilinkai.weixin.qq.com answers", "novac2c.cdn.weixin.qq.com answers"}, []string{"login.wx.qq.com"}},
		{"both", both, true, statusFailed, []string{"login.wx.qq.com answers", "ilinkai.weixin.qq.com cannot be reached", "  See wechat-unreachable above."}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			n := newInternet(t)
			n.configured(t, c.config)
			if c.down {
				must(t, n.ilink.Close())
			}
			p := n.start(t, "check")
			if status := p.status(t); status != int(c.status) {
				t.Errorf("status %d", status)
			}
			for _, want := range c.has {
				if !strings.Contains(p.text(), want) {
					t.Errorf("no %q in %s", want, p.text())
				}
			}
			for _, other := range c.hasNot {
				if strings.Contains(p.text(), other) {
					t.Errorf("%q in %s", other, p.text())
				}
			}
		})
	}
}

// TestLifetimeOfCertificates holds that one day is told as one.
func TestLifetimeOfCertificates(t *testing.T) {
	en, err := wordsFor("en", func(string) string { return "" })
	must(t, err)
	for days, want := range map[int]string{
		-3: "  The certificate expired 3 days ago.",
		-1: "  The certificate expired 1 day ago.",
		0:  "  The service's certificate expires within a day.",
		1:  "  The service's certificate is valid for 1 more day.",
		2:  "  The service's certificate is valid for 2 more days.",
	} {
		if got := en.lifetime(days); got != want {
			t.Errorf("%d days: %q", days, got)
		}
	}
}
