package troubleshoot

import "testing"

func TestMatchLocale(t *testing.T) {
	c := load(t)
	tests := map[string]string{
		"en": "en", "en-GB": "en", "en_US.UTF-8": "en", "English": "en", "英文": "en",
		"zh": "zh-Hans", "zh_CN": "zh-Hans", "zh-CN": "zh-Hans", "cmn": "zh-Hans", "zh-SG": "zh-Hans", "zh-MY": "zh-Hans", "Chinese": "zh-Hans", "中文": "zh-Hans", "简体中文": "zh-Hans",
		"zh-TW": "zh-Hant", "zh_HK": "zh-Hant", "zh-Hant-HK": "zh-Hant", "yue": "zh-Hant", "粤语": "zh-Hant", "Cantonese": "zh-Hant", "繁體中文": "zh-Hant", "繁体": "zh-Hant",
		"ja": "ja", "ja_JP": "ja", "日本語": "ja", "japanese": "ja", "日语": "ja", "ko-KR": "ko", "한국어": "ko", "韩语": "ko",
		"": "", "xx": "", "C": "", "POSIX": "", "fr": "", "hello": "", "auto": "",
	}
	for in, want := range tests {
		if got, ok := c.MatchLocale(in); got != want || ok != (want != "") {
			t.Errorf("MatchLocale(%q) = %q, %v; want %q", in, got, ok, want)
		}
	}
}

func TestDetectScript(t *testing.T) {
	tests := map[string]string{
		"你好": "zh", "为什么没有回答？": "zh-Hans", "為什麼沒有回答？": "zh-Hant", "帮我把 hello world 翻译成中文": "zh-Hans",
		"こんにちは": "ja", "東京タワーの高さは？": "ja", "안녕하세요": "ko", "why no answer?": "latin", "Привет, как дела": "cyrillic",
		"xin chào các bạn, tôi có một câu hỏi ạ": "vi", "": "", "666": "", "😀👍": "", "...": "", "ok": "latin", "שלום לכולם": "hebrew", "สวัสดี": "thai",
		"請用 Python 寫 code": "zh-Hant", "please translate this for me: 你好": "latin",
	}
	for in, want := range tests {
		if got := DetectScript(in); got != want {
			t.Errorf("DetectScript(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestScriptListsAreDisjoint(t *testing.T) {
	hant := map[rune]bool{}
	for _, r := range onlyHant {
		hant[r] = true
	}
	for _, r := range onlyHans {
		if hant[r] {
			t.Errorf("%c is in both lists", r)
		}
	}
}

func TestChoose(t *testing.T) {
	c := load(t)
	tests := []struct {
		p        Preference
		tag, how string
	}{
		{Preference{Person: "ja", Group: "ko", Text: "hello there my friend", Seen: "en", Default: "en"}, "ja", "set"},
		{Preference{Group: "ko", Text: "为什么"}, "ko", "group"},
		{Preference{Text: "为什么没有回答", Seen: "en", Default: "en"}, "zh-Hans", "message"},
		{Preference{Text: "你好", Seen: "zh-Hant", Default: "en"}, "zh-Hant", "message"},
		{Preference{Text: "你好", Default: "en"}, "zh-Hans", "message"},
		{Preference{Text: "ok", Seen: "zh-Hans", Default: "en"}, "zh-Hans", "seen"},
		{Preference{Text: "why is there no answer", Seen: "zh-Hans"}, "en", "message"},
		{Preference{Text: "666", Default: "zh_TW"}, "zh-Hant", "default"},
		{Preference{Text: "Привет как дела", Default: "zh-Hans"}, "zh-Hans", "default"},
		{Preference{}, "en", "default"},
		{Preference{Person: "auto", Default: "ko"}, "ko", "default"},
	}
	for _, tt := range tests {
		if tag, how := c.Choose(tt.p); tag != tt.tag || how != tt.how {
			t.Errorf("Choose(%+v) = %s, %s; want %s, %s", tt.p, tag, how, tt.tag, tt.how)
		}
	}
}
