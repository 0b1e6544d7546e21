package simwechat

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// escape writes text the way WeChat does in messages and names: < > & as
// entities, line breaks as <br/>, emoji as spans if wanted.
func escape(text string, spans bool) string {
	if !strings.ContainsAny(text, "&<>\n\r") && !(spans && hasEmoji(text)) {
		return text
	}
	text = escaper.Replace(text)
	if spans {
		text = spanEmoji(text)
	}
	return text
}

// escaper is constant; it takes longer to make than to use.
var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\r\n", "<br/>", "\n", "<br/>")

func hasEmoji(text string) bool { return strings.ContainsFunc(text, isEmoji) }

// spanEmoji replaces each emoji by a span naming its code points in
// hexadecimal, those of a sequence run together.
func spanEmoji(text string) string {
	var b strings.Builder
	for text != "" {
		n := emojiLen(text)
		if n == 0 {
			_, size := utf8.DecodeRuneInString(text)
			b.WriteString(text[:size])
			text = text[size:]
			continue
		}
		b.WriteString(`<span class="emoji emoji`)
		for _, r := range text[:n] {
			if r != variation && r != joiner {
				fmt.Fprintf(&b, "%x", r)
			}
		}
		b.WriteString(`"></span>`)
		text = text[n:]
	}
	return b.String()
}

const (
	joiner    = '\u200d'
	variation = '\ufe0f'
)

// emojiLen is the length in bytes of the emoji text begins with, or 0.
func emojiLen(text string) int {
	first, n := utf8.DecodeRuneInString(text)
	if !isEmoji(first) {
		return 0
	}
	joined := isFlag(first)
	for n < len(text) {
		r, size := utf8.DecodeRuneInString(text[n:])
		switch {
		case r == variation || isSkin(r):
		case r == joiner:
			joined = true
			n += size
			continue
		case joined && isEmoji(r):
		default:
			return n
		}
		joined = false
		n += size
	}
	return n
}

func isFlag(r rune) bool { return r >= 0x1f1e6 && r <= 0x1f1ff }
func isSkin(r rune) bool { return r >= 0x1f3fb && r <= 0x1f3ff }
func isEmoji(r rune) bool {
	return r >= 0x1f000 && r <= 0x1faff || r >= 0x2600 && r <= 0x27bf
}
