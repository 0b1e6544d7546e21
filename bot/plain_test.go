package bot

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestPlain(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"heading", "# 标题\n正文", "【标题】\n\n正文"},
		{"bold", "这是**重点**内容", "这是重点内容"},
		{"bold next to punctuation", "**重点：**内容，**“引用”**和", "重点：内容，“引用”和"},
		{"bold around code", "**用 `a*b` 吧：**说明", "用 a*b 吧：说明"},
		{"italic", "an *important* and _very_ thing", "an important and very thing"},
		{"triple", "***both***", "both"},
		{"strike", "~~old~~ new", "old new"},
		{"tilde range", "3~5天，10~20元", "3~5天，10~20元"},
		{"snake", "use snake_case_name and __init__ here", "use snake_case_name and __init__ here"},
		{"product", "2*3*4 = 24, a * b * c, 2**3**2", "2*3*4 = 24, a * b * c, 2**3**2"},
		{"args", "def f(*args, **kwargs)", "def f(*args, **kwargs)"},
		{"hashtag", "#hashtag and C# code", "#hashtag and C# code"},
		{"number start", "1. 第一\n2. 第二", "1. 第一\n2. 第二"},
		{"year", "2024. A year", "2024. A year"},
		{"parenthesis list", "1) a\n2) b", "1) a\n2) b"},
		{"bullets", "- a\n- b\n  - c\n    1. d", "• a\n• b\n  • c\n    1. d"},
		{"loose", "- a\n\n- b", "• a\n• b"},
		{"two paragraphs in an item", "- a\n\n  more\n\n- b", "• a\n  more\n\n• b"},
		{"task", "- [x] done\n- [ ] todo", "☑ done\n☐ todo"},
		{"code", "run:\n```go\nx := a[OK] // **b**\n```\nend", "run:\n\n----\nx := a[OK] // **b**\n----\n\nend"},
		{"code span", "`a_b_c` and `**x**`", "a_b_c and **x**"},
		{"unclosed code", "```\nx", "----\nx\n----"},
		{"link", "见[文档](https://a.com/x_y_z)。", "见文档 https://a.com/x_y_z 。"},
		{"link with its own name", "[https://a.com](https://a.com)吧", "https://a.com 吧"},
		{"anchor", "[see](#x) it", "see it"},
		{"script link", "[see](javascript:alert) it", "see it"},
		{"image", "![猫](https://a.com/c.png)", "猫 https://a.com/c.png"},
		{"autolink", "<https://a.com/_x_>。", "https://a.com/_x_ 。"},
		{"bare url", "见https://a.com/_foo_/b*c*d~~e~~ 吧", "见https://a.com/_foo_/b*c*d~~e~~ 吧"},
		{"bare url before a full stop", "见 https://a.com/b。完", "见 https://a.com/b 。完"},
		{"bare url before a letter", "https://zh.wikipedia.org/wiki/中文", "https://zh.wikipedia.org/wiki/中文"},
		{"bare url in bold", "**https://a.com/a_b**", "https://a.com/a_b"},
		{"quote", "> a\n> b\n>> c", "│ a\n│ b\n│ │ c"},
		{"rule", "a\n---\nb", "a\n\n———\n\nb"},
		{"definition", "[注]: 说明", "[注]: 说明"},
		{"small table", "|a|b|\n|-|-|\n|1|2|", "a | b\n1 | 2"},
		{"two columns", "|参数|说明|\n|-|-|\n|timeout|等待服务器响应的最长时间，单位是秒|", "参数：说明\ntimeout：等待服务器响应的最长时间，单位是秒"},
		{"wide table", "|名称|价格|说明|\n|-|-|-|\n|甲|1|很长很长的一段说明文字在这里|\n|乙|2||", "• 甲\n  价格：1\n  说明：很长很长的一段说明文字在这里\n• 乙\n  价格：2"},
		{"html", "a<br>b <b>c</b> List<String> <你好> x<y", "a\nb c List<String> <你好> x<y"},
		{"html block", "<div>\n<p>hi</p>\n</div>", "hi"},
		{"script block", "<script>\nevil()\n</script>\n\nok", "ok"},
		{"entities", "a &lt; b &amp; c &copy=1 AT&T", "a < b & c &copy=1 AT&T"},
		{"escapes", `1\. \*not\*`, "1. *not*"},
		{"stickers", "[OK] 和 [微笑] 与 [注1]", "［OK］ 和 ［微笑］ 与 [注1]"},
		{"lines", "一\n二\n\n三", "一\n二\n\n三"},
		{"indented", "a\n\n    x = 1\n    y = 2", "a\n\nx = 1\ny = 2"},
		{"control", "a\x00b\u202Ec\r\nd", "abc\nd"},
		{"broken", "a\xffb", "a\uFFFDb"},
		{"empty", " \n ", ""},
	}
	p := newPlainer()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := p.Plain(tt.in); got != tt.want {
				t.Errorf("Plain(%q)\n got %q\nwant %q", tt.in, got, tt.want)
			}
		})
	}
}

func FuzzPlain(f *testing.F) {
	for _, s := range []string{"# a\n- b\n  1. c", "|a|b|\n|-|-|\n|1|2|", "**a：**b [x](y) <b> `c`", ">>>>- - - a", "[[[[](((", "http://a_b_", "&lt;&#0;\\"} {
		f.Add(s)
	}
	p := newPlainer()
	f.Fuzz(func(t *testing.T, s string) {
		got := p.Plain(s)
		if !utf8.ValidString(got) {
			t.Errorf("Plain(%q) = %q, not UTF-8", s, got)
		}
		if strings.ContainsAny(got, "\x00\r") {
			t.Errorf("Plain(%q) = %q has control characters", s, got)
		}
	})
}
