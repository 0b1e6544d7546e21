package troubleshoot

import (
	"strings"

	"golang.org/x/text/language"
)

// tagMatcher finds the language people mean.
type tagMatcher struct {
	matcher language.Matcher
	tags    []string
	names   map[string]string
}

// nicknames are what people call languages, beside the languages' own names.
var nicknames = map[string][]string{
	"en":      {"english", "eng", "英文", "英语", "英語", "inglish"},
	"zh-Hans": {"chinese", "simplified", "simplified chinese", "中文", "简体", "简中", "汉语", "普通话", "简体字", "mandarin", "cn", "zh_cn", "zhs", "chs", "中国語", "중국어"},
	"zh-Hant": {"traditional", "traditional chinese", "繁體", "繁体", "繁體中文", "繁体中文", "繁中", "正體", "正體中文", "國語", "粤语", "粵語", "广东话", "廣東話", "cantonese", "tw", "hk", "zht", "cht"},
	"ja":      {"japanese", "日语", "日語", "日文", "日本语", "にほんご", "jp", "jpn"},
	"ko":      {"korean", "韩语", "韓語", "韩文", "韓文", "한글", "kr", "kor", "朝鲜语"},
}

func newTagMatcher(locales []*locale) *tagMatcher {
	m := &tagMatcher{names: map[string]string{}}
	var tags []language.Tag
	for _, l := range locales {
		t, err := language.Parse(l.head.Tag)
		if err != nil {
			continue
		}
		tags = append(tags, t)
		m.tags = append(m.tags, l.head.Tag)
		m.names[strings.ToLower(l.head.Name)] = l.head.Tag
		for _, n := range append(nicknames[l.head.Tag], l.head.Names...) {
			m.names[strings.ToLower(n)] = l.head.Tag
		}
	}
	if len(tags) > 0 {
		m.matcher = language.NewMatcher(tags)
	}
	return m
}

// MatchLocale finds the language meant by a tag in any spelling (zh_CN, zh-TW,
// en-GB.UTF-8) or by a name (Chinese, 中文, english). ok is false when no language
// of the catalogue fits with confidence.
func (c *Catalogue) MatchLocale(tag string) (match string, ok bool) {
	tag = strings.TrimSpace(tag)
	if len(tag) > 60 || tag == "" {
		return "", false
	}
	if _, ok := c.byTag[tag]; ok {
		return tag, true
	}
	low := strings.ToLower(tag)
	if t, ok := c.tags.names[low]; ok {
		return t, true
	}
	low, _, _ = strings.Cut(low, ".")
	low, _, _ = strings.Cut(low, "@")
	low = strings.ReplaceAll(low, "_", "-")
	if t, ok := c.special(low); ok {
		return t, true
	}
	if c.tags.matcher == nil {
		return "", false
	}
	t, err := language.Parse(low)
	if err != nil {
		return "", false
	}
	_, i, confidence := c.tags.matcher.Match(t)
	if confidence < language.High {
		return "", false
	}
	return c.tags.tags[i], true
}

// special holds what the matcher gets wrong: Malaysia writes simplified Chinese,
// and Cantonese readers read traditional.
func (c *Catalogue) special(low string) (string, bool) {
	want := ""
	switch {
	case low == "zh-my", low == "zh-sg", low == "zh-hans-hk":
		want = "zh-Hans"
	case low == "yue" || strings.HasPrefix(low, "yue-"):
		want = "zh-Hant"
		if strings.Contains(low, "hans") {
			want = "zh-Hans"
		}
	case low == "cmn":
		want = "zh-Hans"
	}
	_, ok := c.byTag[want]
	return want, ok
}
