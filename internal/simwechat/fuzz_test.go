package simwechat

import (
	"html"
	"strings"
	"testing"
	"unicode/utf8"
)

func FuzzParseKey(f *testing.F) {
	for _, seed := range []string{"1_706000000|2_706000012|3_706000001|1000_1700000000", "", "|", "1_", "_1", "1_2_3", "9999999999999999999_1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		k, ok := parseKey(text)
		if ok && k.Count != len(k.List) {
			t.Errorf("%q: %d of %d", text, k.Count, len(k.List))
		}
	})
}

func FuzzEscape(f *testing.F) {
	for _, seed := range []string{"a < b && c\nd", "👨\u200d👩\u200d👧 🇨🇳👍🏽☺\ufe0f", "&lt;br/&gt;", "\u200d\ufe0f", "\xff😀"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		plain := escape(text, false)
		if strings.ContainsAny(strings.ReplaceAll(plain, "<br/>", ""), "<>\n") {
			t.Errorf("%q became %q", text, plain)
		}
		if !strings.Contains(text, "\r") && html.UnescapeString(strings.ReplaceAll(plain, "<br/>", "\n")) != text {
			t.Errorf("%q does not come back from %q", text, plain)
		}
		if spans := escape(text, true); utf8.ValidString(text) && hasEmoji(spans) {
			t.Errorf("an emoji is left in %q", spans)
		}
	})
}
