package bot

import (
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestSplit(t *testing.T) {
	flag, family := "🇨🇳", "👨\u200D👩\u200D👧"
	tests := []struct {
		name, in string
		l        limits
		want     []string
	}{
		{"short", "hello", limits{20, 60, 9}, []string{"hello"}},
		{"exact", "一二三四", limits{4, 12, 9}, []string{"一二三四"}},
		{"paragraph", "first one\n\nsecond one", limits{20, 66, 9}, []string{"first one\n(1/2)", "second one\n(2/2)"}},
		{"line", "first one\nsecond one", limits{19, 66, 9}, []string{"first one\n(1/2)", "second one\n(2/2)"}},
		{"sentence", "一二三四五六七八九。一二三四五六七八九十一", limits{20, 99, 9},
			[]string{"一二三四五六七八九。\n(1/2)", "一二三四五六七八九十一\n(2/2)"}},
		{"bytes", "一二三四五六七八", limits{99, 8 + 12, 9}, []string{"一二三四\n(1/2)", "五六七八\n(2/2)"}},
		{"word", "alpha beta gamma", limits{20 - 5, 60, 9}, []string{"alpha\n(1/3)", "beta\n(2/3)", "gamma\n(3/3)"}},
		{"address", "看看吧 https://a.com/b c", limits{8 + 13 + 3, 999, 9}, []string{"看看吧 https://a.com/b c"}},
		{"address not cut", "看这里一二三四五六七八https://a.com/bc", limits{26, 999, 9},
			[]string{"看这里一二三四五六七八\n(1/2)", "https://a.com/bc\n(2/2)"}},
		{"flag", strings.Repeat("字", 11) + flag + "字字字字字字字字", limits{20, 999, 9},
			[]string{strings.Repeat("字", 11) + "\n(1/2)", flag + "字字字字字字字字\n(2/2)"}},
		{"family", strings.Repeat("字", 10) + family + "字字字字字字", limits{20, 999, 9},
			[]string{strings.Repeat("字", 10) + "\n(1/2)", family + "字字字字字字\n(2/2)"}},
		{"too many", "一二三四五六七八九十一二三四五六七八九十一二三四五六七八九十", limits{18, 99, 2},
			[]string{"一二三四五六七八九十\n(1/2)", "一二三四五六七\n略…\n(2/2)"}},
		{"one only", "一二三四五六七八九十", limits{8, 99, 1}, []string{"一二三四五\n略…"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, _ := split(tt.in, tt.l, "略…")
			if !slices.Equal(got, tt.want) {
				t.Errorf("split(%q)\n got %q\nwant %q", tt.in, got, tt.want)
			}
		})
	}
}

func FuzzSplit(f *testing.F) {
	f.Add("one two three\n\nfour https://a.com/x five 六七八。九十", uint8(20), uint8(60))
	f.Add("🇨🇳🇨🇳👨\u200D👩e\u0301", uint8(9), uint8(12))
	f.Fuzz(func(t *testing.T, s string, runes, bytes uint8) {
		l := limits{runes: int(runes%100) + 12, bytes: int(bytes)%300 + 24, parts: 99}
		s = clean(s)
		parts, _ := split(s, l, "cut")
		var all strings.Builder
		for i, p := range parts {
			if utf8.RuneCountInString(p) > l.runes || len(p) > l.bytes {
				t.Fatalf("part %d of %q is too long for %+v: %q", i, s, l, p)
			}
			if len(parts) > 1 {
				p = p[:strings.LastIndex(p, "\n(")]
			}
			all.WriteString(p)
		}
		if len(parts) < 99 && squeeze(all.String()) != squeeze(s) {
			t.Errorf("split(%q, %+v) lost text: %q", s, l, parts)
		}
		l.parts = 3
		few, rest := split(s, l, "cut")
		if said := whole(few); squeeze(strings.TrimSuffix(said, "\ncut"))+squeeze(rest) != squeeze(s) && rest != "" {
			t.Errorf("split(%q, %+v) left %q after %q", s, l, rest, few)
		}
	})
}

func squeeze(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, s)
}
