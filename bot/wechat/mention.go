package wechat

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// fourPerEm is what WeChat's clients put after a name picked from the list of
// members. Older ones put a blank, and some nothing at the end of the text.
const fourPerEm = '\u2005'

// mention takes every "@name" that means us out of text and tells whether
// there was one. names are our own names in this group. taken tells whether
// the text after an "@" begins with a longer name of another member; it is
// asked only where the text itself does not decide.
func mention(text string, names []string, taken func(after string) bool) (rest string, mentioned bool) {
	var b strings.Builder
	called := false // a mention stands in front of all words
	rest = text
	for {
		at := strings.IndexAny(rest, "@＠")
		if at < 0 {
			break
		}
		_, size := utf8.DecodeRuneInString(rest[at:])
		after := rest[at+size:]
		n := ours(rest[:at], after, names, taken)
		if n < 0 {
			b.WriteString(rest[:at+size])
			rest = after
			continue
		}
		mentioned = true
		b.WriteString(rest[:at])
		called = called || strings.TrimSpace(b.String()) == ""
		rest = after[n:]
	}
	if !mentioned {
		return text, false
	}
	rest = strings.TrimSpace(b.String() + rest)
	if called {
		rest = strings.TrimLeft(rest, ",，:：、 ") // what joins the name to the words
	}
	return rest, true
}

// ours returns how many bytes of after belong to a mention of us, with the
// blank that ends it, or -1.
func ours(before, after string, names []string, taken func(string) bool) int {
	best := -1
	for _, name := range names {
		if name == "" || !strings.HasPrefix(after, name) {
			continue
		}
		end, sure := boundary(after[len(name):])
		if end < 0 || !sure && (address(before) || taken(after)) {
			continue
		}
		best = max(best, len(name)+end)
	}
	return best
}

// boundary tells whether a name may end where rest begins: the length of the
// blank that ends it, or -1; sure if only a mention looks like that.
func boundary(rest string) (blank int, sure bool) {
	r, size := utf8.DecodeRuneInString(rest)
	switch {
	case rest == "":
		return 0, false
	case r == fourPerEm:
		return size, true
	case unicode.IsSpace(r):
		return size, false
	case unicode.IsPunct(r) && !joins(r, rest[size:]):
		return 0, false
	}
	return -1, false
}

// joins tells whether r and what follows may be the rest of a longer word, as
// in "bot-2" or "bot.example".
func joins(r rune, rest string) bool {
	next, _ := utf8.DecodeRuneInString(rest)
	return strings.ContainsRune("-_.'&/@#", r) && (unicode.IsLetter(next) || unicode.IsDigit(next))
}

// address tells whether an "@" after before looks like the middle of an e-mail
// address.
func address(before string) bool {
	if before == "" {
		return false
	}
	c := before[len(before)-1]
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-'
}
