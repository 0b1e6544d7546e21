package simllm

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Reply is the default assistant: friendly, in the language of the newest
// message as far as it knows it, with Markdown when asked for "markdown", with a
// memory for what was said before, and with an eye for pictures.
func Reply(r Request) string {
	text := strings.TrimSpace(r.Newest())
	v := voiceFor(text)
	switch seen := r.seen(); {
	case seen != "":
		return fmt.Sprintf(v.picture, seen)
	case strings.Contains(strings.ToLower(text), "markdown"):
		return v.markdown
	case mentions(text, "before", "earlier", "刚才", "剛才", "之前"):
		if before := r.before(); before != "" {
			return fmt.Sprintf(v.memory, cut(before))
		}
		return v.nothing
	case mentions(text, "hello", "hi", "hey", "你好", "您好", "嗨"):
		return v.hello
	case text == "":
		return v.nothing
	}
	return fmt.Sprintf(v.echo, cut(text))
}

// before returns what the user said before the newest message, or "".
func (r Request) before() string {
	var said []string
	for _, m := range r.Messages {
		if m.Role == "user" {
			said = append(said, m.Content)
		}
	}
	if len(said) < 2 {
		return ""
	}
	return said[len(said)-2]
}

// mentions says whether one of the words occurs: ASCII ones as whole words.
func mentions(text string, words ...string) bool {
	lower := strings.ToLower(text)
	fields := strings.FieldsFunc(lower, func(r rune) bool { return !unicode.IsLetter(r) })
	for _, word := range words {
		ascii := word[0] < utf8.RuneSelf
		if ascii && slices.Contains(fields, word) || !ascii && strings.Contains(lower, word) {
			return true
		}
	}
	return false
}

// cut shortens what is quoted.
func cut(text string) string {
	runes := []rune(text)
	if len(runes) <= 200 {
		return text
	}
	return string(runes[:200]) + "…"
}

// voice is the assistant in one language.
type voice struct{ hello, echo, memory, nothing, picture, markdown string }

func voiceFor(text string) voice {
	han, traditional := false, false
	for _, r := range text {
		han = han || unicode.Is(unicode.Han, r)
		traditional = traditional || strings.ContainsRune("們這個說麼嗎請謝對時會為問題聽讓還錯誤", r)
	}
	switch {
	case traditional:
		return voice{
			hello:    "你好！很高興和你聊天，有什麼想問的嗎？",
			echo:     "收到：「%s」。我是模擬助手，你可以繼續問，也可以讓我用 markdown 回答。",
			memory:   "你上一句說的是：「%s」。",
			nothing:  "你還沒有說過別的呢，隨便問點什麼吧。",
			picture:  "我看到圖片了（%s）。",
			markdown: markdownTraditional,
		}
	case han:
		return voice{
			hello:    "你好！很高兴和你聊天，有什么想问的吗？",
			echo:     "收到：“%s”。我是模拟助手，你可以继续问，也可以让我用 markdown 回答。",
			memory:   "你上一句说的是：“%s”。",
			nothing:  "你还没有说过别的呢，随便问点什么吧。",
			picture:  "我看到图片了（%s）。",
			markdown: markdownSimplified,
		}
	}
	return voice{
		hello:    "Hello! Nice to meet you. What would you like to know?",
		echo:     "You said: “%s”. I am a simulated assistant: ask on, or ask me for markdown.",
		memory:   "Just before, you said: “%s”.",
		nothing:  "You have not said anything else yet. Ask me something!",
		picture:  "I see your picture (%s).",
		markdown: markdownEnglish,
	}
}

const markdownEnglish = `# Tea in three steps

Green tea likes water that is **not** boiling.

1. Warm the pot.
2. Add *two* spoons of leaves.
3. Wait two minutes.

- [x] water
- [ ] biscuits

` + "```go" + `
fmt.Println("tea is ready")
` + "```" + `

| tea    | °C | minutes |
|--------|---:|--------:|
| green  | 75 |       2 |
| black  | 95 |       4 |

> A watched pot never boils.

More in ` + "`brew(1)`" + ` and on [the tea page](https://example.com/tea).
`

const markdownSimplified = `# 三步泡茶

绿茶的水**不要**烧开。

1. 温壶。
2. 放*两*勺茶叶。
3. 等两分钟。

- [x] 水
- [ ] 点心

` + "```go" + `
fmt.Println("茶好了")
` + "```" + `

| 茶   | °C | 分钟 |
|------|---:|-----:|
| 绿茶 | 75 |    2 |
| 红茶 | 95 |    4 |

> 心急喝不了热茶。

更多见 ` + "`brew(1)`" + ` 和[茶的页面](https://example.com/tea)。
`

const markdownTraditional = `# 三步泡茶

綠茶的水**不要**燒開。

1. 溫壺。
2. 放*兩*匙茶葉。
3. 等兩分鐘。

- [x] 水
- [ ] 點心

` + "```go" + `
fmt.Println("茶好了")
` + "```" + `

| 茶   | °C | 分鐘 |
|------|---:|-----:|
| 綠茶 | 75 |    2 |
| 紅茶 | 95 |    4 |

> 心急喝不了熱茶。

更多見 ` + "`brew(1)`" + ` 和[茶的頁面](https://example.com/tea)。
`
