package chart

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/diagbot/diagbot/troubleshoot"
)

func writer(t testing.TB, lang string) *scribe {
	t.Helper()
	s, err := newScribe(lang)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestReadable(t *testing.T) {
	for _, c := range []struct{ lang, text, want string }{
		{"en", " a\n\t b\r\x00\x1b[1m ", "a b [1m"},
		{"en", "left\u200e right\u202e zero\u200b\ufeff", "left right zero"},
		{"en", "e\u0301 \u0301\u0302x", "é x"},
		{"en", "🔑 401 ❤\ufe0f", "401"},
		{"en", "a\xffb\xf0\x9f", "ab"},
		{"en", "wait…", "wait..."},
		{"ja", "待機…", "待機…"},
		{"ko", "\u1112\u1161\u11ab", "한"},
		{"zh-Hans", "𠮷\U000F4E00\U00104E00\U000D4E00\ue000", "𠮷"}, // a letter it lacks stays
		{"ko", "\u3164\u115f\uffa0", ""},
		{"ar", "مرحبا", "مرحبا"},
	} {
		if got := writer(t, c.lang).readable(c.text); got != c.want {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
}

func TestLongTextsAreNotLookedAt(t *testing.T) {
	if got := tidy(strings.Repeat("长", 1e6)); len(got) > maxText || len(got) < maxText-3 {
		t.Errorf("%d bytes are left", len(got))
	}
}

func TestCut(t *testing.T) {
	s := writer(t, "zh-Hans")
	for _, text := range []string{"", "短", strings.Repeat("长", 200), strings.Repeat("word ", 100)} {
		for _, width := range []int{100, 333, column} {
			got := s.cut(text, legendSize, width)
			if w := s.width(got, legendSize); w > width {
				t.Errorf("%q is %d wide, not %d", got, w, width)
			}
			if got != text && (!strings.HasSuffix(got, "…") || s.width(got, legendSize) < width-120) {
				t.Errorf("cut to %q at %d", got, width)
			}
		}
	}
}

func TestWrap(t *testing.T) {
	two := line{size: 100, rows: 2}
	for _, c := range []struct {
		lang, text string
		line       line
		want       []string
	}{
		{"en", "", two, nil},
		{"en", "one line", two, []string{"one line"}},
		{"en", "several words on two lines", two, []string{"several words on", "two lines"}},
		{"en", strings.Repeat("W", 30), two, []string{"WWWWWWWWWW", "WWWWWWWWW..."}},
		{"zh-Hans", "一二三四五六七八九，十", two, []string{"一二三四五六七八", "九，十"}},
		{"zh-Hans", "一二三四五六七八（九十）", two, []string{"一二三四五六七八", "（九十）"}},
		{"ja", "ありました。みんなに返事", line{size: 100, rows: 2, centre: true}, []string{"ありました。", "みんなに返事"}},
		{"ko", "아주아주아주 기나긴문장입니다", two, []string{"아주아주아주", "기나긴문장입니다"}},
	} {
		s := writer(t, c.lang)
		if got := s.wrap(c.text, c.line, 940); !slices.Equal(got, c.want) {
			t.Errorf("%q: %q", c.text, got)
		}
	}
}

func FuzzWrap(f *testing.F) {
	f.Add("ja", "直近 24 時間。e\u0301", uint16(300))
	f.Add("", strings.Repeat("a b", 900), uint16(1))
	s := writer(f, "ja")
	f.Fuzz(func(t *testing.T, _, text string, width uint16) {
		text = s.readable(text)
		lines := s.wrap(text, line{size: titleSize, rows: 2, centre: len(text)%2 == 0}, max(int(width), 3*titleSize))
		if len(lines) > 2 || !utf8.ValidString(strings.Join(lines, "")) {
			t.Fatalf("%q", lines)
		}
		for _, l := range lines {
			if w := s.width(l, titleSize); w > max(int(width), 3*titleSize) {
				t.Errorf("%q is %d wide of %d", l, w, width)
			}
		}
	})
}

// TestEveryTitleHasItsGlyphs makes sure that the typeface keeps up with the texts.
func TestEveryTitleHasItsGlyphs(t *testing.T) {
	catalogue, err := troubleshoot.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range languages() {
		s := writer(t, w.lang)
		seen := 0
		for _, e := range catalogue.Entries() {
			title := catalogue.Title(e.ID, w.lang)
			for _, r := range e.Code + " " + title {
				if !s.has(r) {
					t.Errorf("%s: %s: no glyph for %q (see font/README.md)", w.lang, e.ID, r)
				}
			}
			seen += len(title)
		}
		if seen < 1000 {
			t.Errorf("%s: only %d bytes of titles", w.lang, seen)
		}
	}
}

func TestCommonCharactersHaveGlyphs(t *testing.T) {
	s := writer(t, "en")
	for r := 'ァ'; r <= 'ヺ'; r++ {
		if !s.has(r) {
			t.Errorf("no %q", r)
		}
	}
	for _, r := range "AZaz09éßüñЖя€£¥，。「」【】的一是不了在人有我他這個們來說時國會後學没你好谢ありがとう漢字감사합니다뷁" {
		if r != '뷁' && !s.has(r) {
			t.Errorf("no %q", r)
		}
	}
}

// TestRegionalShapes holds that a character has the shape its readers know.
func TestRegionalShapes(t *testing.T) {
	for _, c := range []struct {
		lang string
		r    rune
		want rune
	}{
		{"zh-Hans", '直', '直'}, {"zh", '直', '直'}, {"zh-CN", '直', '直'}, {"zh-SG", '直', '直'},
		{"ja", '直', '直' + japanese}, {"ja-JP", '直', '直' + japanese},
		{"zh-Hant", '，', '，' + traditional}, {"zh-TW", '，', '，' + traditional}, {"zh-HK", '，', '，' + traditional},
		{"en", '’', '’' + western}, {"ko", '·', '·' + western}, {"", '’', '’' + western}, {"no such tag!", 'a', 'a'},
		{"ja", 'a', 'a'}, {"ja", '𠮷', '𠮷'},
	} {
		if got := writer(t, c.lang).place(c.r); got != c.want {
			t.Errorf("%s: %q at %U, want %U", c.lang, c.r, got, c.want)
		}
	}
	en, zh := writer(t, "en"), writer(t, "zh-Hans")
	if en.width("’", 100) > 50 || zh.width("’", 100) != 100 {
		t.Errorf("a quote is %d wide in English, %d in Chinese", en.width("’", 100), zh.width("’", 100))
	}
}
