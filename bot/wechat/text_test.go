package wechat

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestPlain(t *testing.T) {
	for content, want := range map[string]string{
		"":                          "",
		"a<br/>b<br>c<br />d":       "a\nb\nc\nd",
		"if a &lt; b &amp;&amp; c":  "if a < b && c",
		"&lt;br/&gt; &amp;lt;":      "<br/> &lt;",
		"&quot;x&#39;s&quot;":       `"x's"`,
		"a\r\nb\rc\x00d\x1b[31m\te": "a\nb\ncd[31m\te",
		"bad \xff utf8 \xe4\xbd":    "bad \ufffd utf8 \ufffd",
		"\u202eevil":                "\u202eevil", // direction marks belong to some scripts
		`hi<span class="emoji emoji1f604"></span>!`:                            "hi😄!",
		`<span class="emoji emoji1f1e81f1f3"></span>`:                          "🇨🇳",
		`<span class="emoji emoji2320e3"></span>`:                              "#⃣",
		`<span class="emoji emoji32fe0f20e3"></span>`:                          "2\ufe0f⃣",
		`<span class="emoji emojia9"></span>`:                                  "©",
		`<span class="emoji emoji2764"></span>`:                                "❤",
		`<span class="emoji emoji2764fe0f200d1f525"></span>`:                   "❤\ufe0f\u200d🔥",
		`<span class="emoji emoji1f468200d1f469200d1f467"></span>`:             "👨\u200d👩\u200d👧",
		`<span class="emoji emoji1f44d1f3fd"></span>`:                          "👍🏽",
		`<span class="emoji emoji1f3f4e0067e0062e0065e006ee0067e007f"></span>`: "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
		`<span class="emoji emojixyz"></span>.`:                                ".",
		`<span class="emoji emojid800"></span>.`:                               ".",
		`<span class="emoji emoji"></span>.`:                                   ".",
		`<span class="emoji emoji1f604`:                                        `<span class="emoji emoji1f604`,
		`&lt;span class="emoji emoji1f604"&gt;&lt;/span&gt;`:                   `<span class="emoji emoji1f604"></span>`,
	} {
		if got := plain(content); got != want {
			t.Errorf("plain(%q) = %q, want %q", content, got, want)
		}
	}
}

func TestPlainIsBounded(t *testing.T) {
	for _, s := range []string{"界", "&amp;", "<br/>", emojiOpen, emojiOpen + `1f604` + emojiClose} {
		got := plain(strings.Repeat(s, 1<<20/len(s)))
		if len(got) > maxText || !utf8.ValidString(got) {
			t.Errorf("%q repeated: %d bytes", s, len(got))
		}
	}
}

func TestShownName(t *testing.T) {
	for name, want := range map[string]string{
		"Tom &amp; Jerry":                         "Tom & Jerry",
		" a\nb\tc<br/>":                           "a b c",
		"\u202eevil\u2066\ufeff":                  "evil",
		`<span class="emoji emoji1f431"></span>猫`: "🐱猫",
		strings.Repeat("界", 100):                  strings.Repeat("界", maxName),
		"":                                        "",
	} {
		if got := shownName(name); got != want {
			t.Errorf("shownName(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestSplitQuote(t *testing.T) {
	const rule = "- - - - - - - - - - - - - - -"
	for _, test := range []struct{ text, quote, reply string }{
		{"plain", "", "plain"},
		{"「张三：原文」\n" + rule + "\n回复", "原文", "回复"},
		{"「Bob:two\nlines」\n" + rule + "\nfirst\nsecond", "two\nlines", "first\nsecond"},
		{"「a：b」\n—————————\nc", "b", "c"},
		{"「a：b」\n\n---\n\n c ", "b", "c"},
		{"「no name」\n" + rule + "\nc", "no name", "c"},
		{"「a：「b：x」\n" + rule + "\ny」\n" + rule + "\n/reset", "「b：x」\n" + rule + "\ny", "/reset"},
		{"「a：b」\n" + rule, "", "「a：b」\n" + rule},
		{"「a：b」\n" + rule + "\n  ", "", "「a：b」\n" + rule + "\n  "},
		{"「a：x」\n" + rule + "\n/reset y」\n" + rule + "\n ", "", "「a：x」\n" + rule + "\n/reset y」\n" + rule + "\n "},
		{"「书名」很好\n---\n不错", "", "「书名」很好\n---\n不错"},
		{"/diag\n" + rule + "\nx", "", "/diag\n" + rule + "\nx"},
		{"「", "", "「"},
		{"」\n---\nx", "", "」\n---\nx"},
		{"「」\n---\nx", "", "x"},
	} {
		if quote, reply := splitQuote(test.text); quote != test.quote || reply != test.reply {
			t.Errorf("splitQuote(%q) = %q, %q; want %q, %q", test.text, quote, reply, test.quote, test.reply)
		}
	}
}

func TestAppQuote(t *testing.T) {
	const head = "&lt;?xml version=\"1.0\"?&gt;<br/>&lt;msg&gt;&lt;appmsg appid=\"\"&gt;&lt;title&gt;回&amp;amp;复&lt;/title&gt;"
	const tail = "&lt;/appmsg&gt;&lt;/msg&gt;"
	refer := func(kind, content string) string {
		return head + "&lt;refermsg&gt;&lt;type&gt;" + kind + "&lt;/type&gt;&lt;displayname&gt;B&lt;/displayname&gt;&lt;content&gt;" + content + "&lt;/content&gt;&lt;/refermsg&gt;" + tail
	}
	for _, test := range []struct {
		content, quote, reply string
		ok                    bool
	}{
		{refer("1", "原文"), "原文", "回&复", true},
		{refer("3", "&amp;lt;msg&amp;gt;"), "", "回&复", true},
		{head + tail, "", "回&复", true},
		{"&lt;msg&gt;", "", "", false},
		{"", "", "", false},
	} {
		quote, reply, ok := appQuote(test.content)
		if quote != test.quote || reply != test.reply || ok != test.ok {
			t.Errorf("appQuote(%q) = %q, %q, %v", test.content, quote, reply, ok)
		}
	}
}

func TestMention(t *testing.T) {
	names := []string{"诊所小诊", "Bot & <Co>", "小诊"}
	others := &group{mine: names, members: map[string]string{"@1": "小诊 2号", "@2": "小诊!", "@3": "小诊"}}
	for _, test := range []struct {
		text, rest string
		mentioned  bool
	}{
		{"@小诊\u2005你好", "你好", true},
		{"@小诊 你好", "你好", true},
		{"@小诊\n你好", "你好", true},
		{"你好@小诊", "你好", true},
		{"你好 @小诊", "你好", true},
		{"＠小诊 你好", "你好", true},
		{"@小诊，你好", "你好", true},
		{"@小诊", "", true},
		{"请问 @小诊\u2005今天", "请问 今天", true},
		{"@小诊\u2005@小诊\u2005x", "x", true},
		{"@诊所小诊\u2005x", "x", true},
		{"@Bot & <Co> x", "x", true},
		{"hello@小诊\u2005x", "hellox", true},
		{"@小诊\u2005@Bob\u2005x", "@Bob\u2005x", true},
		{"@小诊断\u2005x", "@小诊断\u2005x", false},
		{"@小诊 2号\u2005x", "@小诊 2号\u2005x", false},
		{"@小诊! x", "@小诊! x", false},
		{"@所有人 开会", "@所有人 开会", false},
		{"@all", "@all", false},
		{"小诊 你好", "小诊 你好", false},
		{"a@小诊.com", "a@小诊.com", false},
		{"@小诊.com", "@小诊.com", false},
		{"me@小诊 x", "me@小诊 x", false},
		{"@", "@", false},
		{"", "", false},
	} {
		rest, mentioned := mention(test.text, names, others.taken)
		if rest != test.rest || mentioned != test.mentioned {
			t.Errorf("mention(%q) = %q, %v; want %q, %v", test.text, rest, mentioned, test.rest, test.mentioned)
		}
	}
}
