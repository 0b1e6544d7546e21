package bot

import (
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// addressing knows which messages are meant for the bot.
type addressing struct {
	private, group []string // prefixes, folded
	groups         []string // names that are served
	all            bool     // every group is
}

func newAddressing(o Options) *addressing {
	a := &addressing{private: folded(o.PrivatePrefixes), group: folded(o.GroupPrefixes), all: slices.Contains(o.Groups, AllGroups)}
	for _, name := range o.Groups {
		a.groups = append(a.groups, strings.TrimSpace(name))
	}
	return a
}

func folded(prefixes []string) (all []string) {
	for _, p := range prefixes {
		if p = fold(p); p != "" {
			all = append(all, p)
		}
	}
	return all
}

// fold makes strings equal that people take for equal: full-width and narrow,
// upper and lower case.
func fold(s string) string {
	return strings.ToLower(width.Fold.String(strings.TrimSpace(s)))
}

// text returns what m says to the bot, without the prefix that called it, and
// whether it is meant for the bot at all.
func (a *addressing) text(m Message) (string, bool) {
	text, ours := a.called(m)
	if nothingSeen(text) {
		text = ""
	}
	return text, ours
}

func (a *addressing) called(m Message) (string, bool) {
	text := strings.TrimSpace(clean(m.Text))
	switch {
	case m.Chat.Group && !a.serves(m.Chat.Name):
		return "", false
	case m.Chat.Group && m.Mentioned:
		return text, true
	case m.Chat.Group:
		return cutPrefix(text, a.group)
	case m.Sender.Owner && m.Kind != KindText && m.Chat.ID != m.Sender.ID:
		return "", false // File Transfer, a chat of its own, is for files
	case len(a.private) == 0:
		return text, true
	}
	return cutPrefix(text, a.private)
}

func (a *addressing) serves(name string) bool {
	return a.all || slices.Contains(a.groups, strings.TrimSpace(name))
}

// cutPrefix takes the first prefix off that text begins with. A prefix that ends
// in a Latin letter or digit must be a word: "bot" does not call in "bottle".
func cutPrefix(text string, prefixes []string) (string, bool) {
	for _, p := range prefixes {
		n := prefixLen(text, p)
		if n < 0 || n < len(text) && isWord(p[len(p)-1]) && isWord(text[n]) {
			continue
		}
		return strings.TrimLeft(text[n:], " \t\n\u2005\u3000,，:：、"), true
	}
	return "", false
}

// prefixLen returns how many bytes of text folded are prefix, or -1.
func prefixLen(text, prefix string) int {
	for n := range text {
		if got := fold(text[:n]); len(got) > len(prefix)+utf8.UTFMax {
			return -1
		} else if got == prefix {
			return n
		}
	}
	if fold(text) == prefix {
		return len(text)
	}
	return -1
}
