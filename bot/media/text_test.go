package media

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"
)

func TestText(t *testing.T) {
	const poem = "床前明月光，疑是地上霜。\r\nKlein & groß, 100 €\n"
	const plain = "床前明月光，疑是地上霜。举头望明月，低头思故乡。\r\nint main() { return 0; } // 主函数\n"
	encode := func(s string, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for name, x := range map[string]struct{ data, want string }{
		"UTF-8":            {poem, poem},
		"UTF-8 with mark":  {"\xef\xbb\xbf" + poem, poem},
		"UTF-16 of little": {encode(unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(poem + "😀")), poem + "😀"},
		"UTF-16 of big":    {encode(unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewEncoder().String(poem)), poem},
		"GB18030":          {encode(simplifiedchinese.GB18030.NewEncoder().String(plain)), plain},
		"empty":            {"", ""},
		"colours":          {"\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m"},
	} {
		got, cut, err := Text([]byte(x.data), 1000)
		if err != nil || cut || got != x.want {
			t.Errorf("%s: %q, %v, %v", name, got, cut, err)
		}
	}
	if got, cut, err := Text([]byte(poem), 5); got != "床前明月光" || !cut || err != nil {
		t.Errorf("cut: %q, %v, %v", got, cut, err)
	}
	if _, cut, _ := Text([]byte("床前明月光"), 5); cut {
		t.Error("what fits is cut")
	}
}

func TestNotText(t *testing.T) {
	noise := make([]byte, 4000)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range noise {
		noise[i] = byte(1 + random.IntN(255))
	}
	big5, err := traditionalchinese.Big5.NewEncoder().String(strings.Repeat("舉頭望明月，低頭思故鄉。", 20))
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string]string{
		"PDF": "%PDF-1.7\nall in letters", "zip": "PK\x03\x04\x14\x00\x00\x00", "RTF": "{\\rtf1 Hello}", "noise": string(noise),
		"a zero": strings.Repeat("a text and then ", 1000) + "\x00", "controls": strings.Repeat("abc\x01\x02", 100),
		"half of UTF-16": "\xff\xfea\x00b", "surrogates": "\xff\xfe\x00\xd8\x00\xd8", "film after a mark": "\xff\xfe" + string(noise),
		"private letters": strings.Repeat("\ue000", 100), "Latin-1": "caf\xe9 cr\xe8me, gar\xe7on \xe0 la carte", "picture": "\xff\xd8\xff\xe0",
		"not in Unicode": strings.Repeat("\uffff", 100), "Big5": big5,
	} {
		if got, _, err := Text([]byte(data), 1000); !errors.Is(err, ErrNotText) {
			t.Errorf("%s is text: %.60q", name, got)
		}
	}
}

func FuzzText(f *testing.F) {
	for _, s := range []string{"abc", "\xff\xfea\x00", "\xb4\xb2\xc7\xb0", "%PDF", "\xef\xbb\xbf"} {
		f.Add([]byte(s), 10)
	}
	f.Fuzz(func(t *testing.T, data []byte, most int) {
		most = max(0, most%100)
		text, cut, err := Text(data, most)
		if n := utf8.RuneCountInString(text); n > most || cut && n != most || !utf8.ValidString(text) || err != nil && text != "" {
			t.Fatalf("%q of %q", text, data)
		}
	})
}

// TestLongText reads no more of a text than is asked for, wherever that ends.
func TestLongText(t *testing.T) {
	word := strings.Repeat("词😀a", 3000)
	gb, err := simplifiedchinese.GB18030.NewEncoder().String(strings.Repeat("词语很长", 3000))
	if err != nil {
		t.Fatal(err)
	}
	wide, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(word)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string]string{"UTF-8": word, "UTF-16": wide, "GB18030": gb, "with noise behind": word + "\xff\x80\xff"} {
		for most := range 50 {
			text, cut, err := Text([]byte(data), most)
			if err != nil || !cut || utf8.RuneCountInString(text) != most {
				t.Fatalf("%s, %d: %q, %v, %v", name, most, text, cut, err)
			}
		}
	}
}
