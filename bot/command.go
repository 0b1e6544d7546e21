package bot

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// command is one row of the table. Help is made from it.
type command struct {
	name    string   // after the mark, in Latin letters
	aliases []string // other names after the mark
	bare    []string // whole messages that mean it without a mark
	usage   string   // key of what help shows; empty: the name alone
	about   string   // key of its description
	urgent  bool     // carried out at once, also while the chat is busy; it takes back what its giver waits for
	secret  bool     // its argument is not stored
	run     func(*Relay, call) string
}

// call is a command that somebody gave.
type call struct {
	task
	chat *chat
	args string
	out  *outbox

	taken bool // of an urgent one: there was something to take back
}

// commands lists what the bot can be told to do. The names are those that users of other bots
// know (/reset, #清除记忆, 清空会话 …).
func commands() []*command {
	return []*command{
		{name: "help", aliases: []string{"h", "?", "帮助", "幫助"}, bare: []string{"帮助", "幫助"},
			about: "cmd_help", run: (*Relay).help},
		{name: "reset", aliases: []string{"new", "clear", "重置", "重置会话", "重置對話", "重置会話", "清除记忆", "清除記憶", "清空会话", "清空對話", "清除"},
			bare: []string{"重置会话", "清空会话", "清除记忆", "重置對話", "清空對話", "清除記憶"}, about: "cmd_reset", run: (*Relay).reset},
		{name: "lang", aliases: []string{"language", "语言", "語言"},
			usage: "usage_lang", about: "cmd_lang", run: (*Relay).lang},
		{name: "diag", aliases: []string{"诊断", "診斷"},
			usage: "usage_diag", about: "cmd_diag", run: (*Relay).diag},
		// In some bots #stop pauses the whole bot; that will be /pause here.
		{name: "stop", aliases: []string{"cancel", "停止", "停止回答", "取消"}, bare: []string{"停止回答"},
			about: "cmd_stop", urgent: true, run: (*Relay).stop},
		{name: "ping", about: "cmd_ping", run: (*Relay).ping},
	}
}

// commandTable finds commands by what people type.
type commandTable struct {
	list   []*command
	byName map[string]*command // folded
	byText map[string]*command // folded whole messages
}

func newCommandTable() *commandTable {
	t := &commandTable{list: commands(), byName: make(map[string]*command), byText: make(map[string]*command)}
	for _, c := range t.list {
		t.byName[c.name] = c
		for _, a := range c.aliases {
			t.byName[fold(a)] = c
		}
		for _, b := range c.bare {
			t.byText[fold(b)] = c
		}
	}
	return t
}

// maxWord is the longest word, in runes, that is taken for a mistyped command.
const maxWord = 16

// parse finds the command that text gives. It is a *command with a name and no
// run for one that does not exist; ok is false for text that gives none.
//
// Marks are / and #, also in full width. What follows a slash is a command or a
// mistake, unless it looks like a path; after # it is a command only when known
// or nearly so, because people write #topics.
func (t *commandTable) parse(text string) (c *command, args string, ok bool) {
	text = strings.TrimLeftFunc(text, invisible)
	mark, size := utf8.DecodeRuneInString(text)
	switch mark {
	case '/', '／', '#', '＃':
	default:
		if len(text) > 64 {
			return nil, "", false
		}
		c, ok = t.byText[fold(text)]
		return c, "", ok
	}
	word, args := cutWord(text[size:])
	if c, ok = t.byName[word]; ok {
		return c, args, true
	}
	if c, digits := t.withDigits(word); c != nil {
		return c, strings.TrimSpace(digits + " " + args), true
	}
	if word == "" || utf8.RuneCountInString(word) > maxWord || !isWordy(word) {
		return nil, "", false
	}
	if (mark == '#' || mark == '＃') && len(t.near(word)) == 0 {
		return nil, "", false
	}
	return &command{name: word}, args, true
}

// withDigits finds a command whose argument follows without a space: #诊断401.
func (t *commandTable) withDigits(word string) (*command, string) {
	name := strings.TrimRight(word, "0123456789")
	return t.byName[name], word[len(name):]
}

// cutWord returns the folded first word of s, without what cannot be seen, and
// the rest.
func cutWord(s string) (word, rest string) {
	const most = 64 // runes that are looked at
	head := cutRunes(s, most)
	end := strings.IndexFunc(head, unicode.IsSpace)
	if end < 0 {
		end = len(head)
	}
	word = strings.Map(func(r rune) rune {
		if invisible(r) {
			return -1
		}
		return r
	}, head[:end])
	return fold(word), strings.TrimSpace(s[end:])
}

// invisible reports whether r takes no room: joiners, marks of direction.
func invisible(r rune) bool { return unicode.Is(unicode.Cf, r) }

// isWordy reports whether s could be a name: letters, digits and hyphens.
func isWordy(s string) bool {
	for _, r := range s {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '-' && r != '_' {
			return false
		}
	}
	return true
}

// near returns the commands whose names a mistyped word may have meant.
func (t *commandTable) near(word string) (near []*command) {
	for _, c := range t.list {
		for _, name := range append([]string{c.name}, c.aliases...) {
			if nearly(word, fold(name)) {
				near = append(near, c)
				break
			}
		}
	}
	return near
}

// nearly reports whether a and b differ by little: one letter in short words, two
// in longer ones, or a cut end. Single letters are like nothing.
func nearly(a, b string) bool {
	x, y := []rune(a), []rune(b)
	if len(x) < 2 || len(y) < 2 {
		return false
	}
	most := 1
	if len(y) > 4 && len(x) > 3 {
		most = 2
	}
	return strings.HasPrefix(b, a) || distance(x, y) <= most && x[0] == y[0]
}

// distance counts the letters to insert, delete, replace or swap between a and b.
func distance(a, b []rune) int {
	before, last, next := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range a {
		next[0] = i + 1
		for j := range b {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next[j+1] = min(last[j]+cost, last[j+1]+1, next[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, last, next = last, next, before
	}
	return last[len(b)]
}
