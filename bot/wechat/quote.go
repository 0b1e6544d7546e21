package wechat

import (
	"encoding/xml"
	"strings"
	"unicode/utf8"
)

// splitQuote separates a reply from the message it quotes. The web protocol
// carries a quotation as plain text:
//
//	「name：quoted words」
//	- - - - - - - - - - - - - - -
//	the reply
//
// The last rule counts: what stands above it are somebody else's words, and no
// command may hide there. Without a quotation the whole text is the reply.
func splitQuote(text string) (quote, reply string) {
	const open, end = "「", "」"
	if !strings.HasPrefix(text, open) {
		return "", text
	}
	for tail := len(text); ; {
		at := strings.LastIndexByte(text[:tail], '\n')
		if at < 0 {
			return "", text
		}
		if body, rule, found := cutLast(text[:at], '\n'); found && isRule(rule) {
			body = strings.TrimRight(body, " \n")
			reply := strings.TrimSpace(text[at+1:])
			switch quoted := strings.HasSuffix(body, end); {
			case quoted && reply == "":
				return "", text // no earlier rule may stand for the last one
			case quoted:
				return withoutSpeaker(body[len(open) : len(body)-len(end)]), reply
			}
		}
		tail = at
	}
}

// isRule tells whether line is made of nothing but dashes, three at least.
func isRule(line string) bool {
	dashes := 0
	for _, r := range line {
		switch r {
		case '-', '—', '–', '─', '－':
			dashes++
		case ' ', '\u2005', '\u00a0':
		default:
			return false
		}
	}
	return dashes >= 3
}

// withoutSpeaker drops the name in front of quoted words.
func withoutSpeaker(quote string) string {
	at := strings.IndexAny(quote, "：:\n")
	if at < 0 || quote[at] == '\n' || utf8.RuneCountInString(quote[:at]) > maxName {
		return strings.TrimSpace(quote)
	}
	_, size := utf8.DecodeRuneInString(quote[at:])
	return strings.TrimSpace(quote[at+size:])
}

func cutLast(s string, sep byte) (before, after string, found bool) {
	if at := strings.LastIndexByte(s, sep); at >= 0 {
		return s[:at], s[at+1:], true
	}
	return s, "", false
}

// appQuote reads a quotation that arrives as an app message (type 57). The
// content is XML, encoded once more like any text.
func appQuote(content string) (quote, reply string, ok bool) {
	var msg struct {
		Title string `xml:"appmsg>title"`
		Quote string `xml:"appmsg>refermsg>content"`
		Kind  int    `xml:"appmsg>refermsg>type"`
	}
	text := plain(content)
	if at := strings.Index(text, "<msg"); at > 0 {
		text = text[at:]
	}
	if xml.Unmarshal([]byte(text), &msg) != nil || strings.TrimSpace(msg.Title) == "" {
		return "", "", false
	}
	if msg.Kind > 1 || strings.HasPrefix(strings.TrimSpace(msg.Quote), "<") {
		msg.Quote = "" // a picture or a card was quoted: markup, not words
	}
	return strings.TrimSpace(msg.Quote), strings.TrimSpace(msg.Title), true
}
