package bot

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// command is one row of the table. Help is made from it.
type command struct {
	name    string            // after the mark, in Latin letters
	aliases []string          // other names after the mark
	bare    []string          // whole messages that mean it without a mark
	hints   []hint            // what help says of it; none: it is not mentioned
	admin   bool              // for admins alone
	private bool              // not in groups
	files   bool              // help speaks of it where files can be sent
	urgent  bool              // carried out at once, also while the chat is busy; it takes back what its giver waits for
	secret  []string          // topics, as arguments begin with, whose rest is not stored; "" is every argument
	here    func(*Relay) bool // whether help mentions it; nil: it does
	run     func(*Relay, call) string
}

// hint is a line of help.
type hint struct {
	usage string // key of how to give the command; empty: the name alone
	about string // key of its description
	admin bool   // for admins alone
	group bool   // only of use where there are groups
}

// call is a command that somebody gave.
type call struct {
	task
	chat *chat
	args string
	out  *outbox

	taken bool // of an urgent one: there was something to take back
	proof proof
	aloud string // the language of what the others in a group read, where tag is another's
	deed  *Deed  // to audit; see [call.did]
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
// or nearly so, because people write #topics. A blank that a phone's keyboard puts
// behind a slash is nothing where a name follows: else a key would go to a model.
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
	topic, text := mark == '#' || mark == '＃', text[size:]
	word, args := cutWord(text)
	if word == "" && !topic {
		c, args = t.known(args, topic)
		return c, args, c != nil && c.run != nil
	}
	if c, after := t.known(text, topic); c != nil {
		return c, after, true
	}
	if c = t.beginning(word, topic); c != nil {
		return c, args, true
	}
	if word == "" || utf8.RuneCountInString(word) > maxWord || !isWordy(word) {
		return nil, "", false
	}
	if topic && len(t.near(word)) == 0 {
		return nil, "", false
	}
	return &command{name: word}, args, true
}

// known finds the command that text names right behind its mark.
func (t *commandTable) known(text string, topic bool) (c *command, args string) {
	word, args := cutWord(text)
	if c := t.byName[word]; c != nil {
		return c, args
	}
	if c, digits := t.withDigits(word); c != nil {
		return c, strings.TrimSpace(digits + " " + args)
	}
	return t.joined(text, topic)
}

// beginning finds the only command that a cut name can mean. After a # more of it
// must be there, for people write #topics.
func (t *commandTable) beginning(word string, topic bool) (found *command) {
	least := 1
	if isASCII(word) {
		least++
	}
	if topic {
		least++
	}
	if utf8.RuneCountInString(word) < least {
		return nil
	}
	for name, c := range t.byName {
		switch {
		case !strings.HasPrefix(name, word):
		case found != nil && found != c:
			return nil
		default:
			found = c
		}
	}
	return found
}

// hides returns what may be stored of a command's arguments.
func (c *command) hides(args string) (kept string, hidden bool) {
	first, _ := cutWord(args)
	for _, topic := range c.secret {
		if topic == "" {
			return "", args != ""
		}
		if first == topic {
			return topic, true
		}
	}
	return args, false
}

// stored is what may be kept of a text that somebody wrote: without the arguments
// of secret commands, mistyped ones among them.
func (t *commandTable) stored(text string) string {
	c, args, ok := t.parse(text)
	if !ok {
		return text
	}
	candidates := []*command{c}
	if c.run == nil {
		candidates = t.near(c.name)
	}
	for _, x := range candidates {
		if kept, hidden := x.hides(args); hidden {
			return strings.TrimSpace("/" + c.name + " " + kept)
		}
	}
	return text
}

// hidden reports whether text gives a command whose arguments may not be stored, of
// which what it is a reply to is one.
func (t *commandTable) hidden(text string) bool {
	c, args, ok := t.parse(text)
	if !ok {
		return false
	}
	_, hidden := c.hides(args)
	return hidden
}

// withDigits finds a command whose argument follows without a space: #诊断401.
func (t *commandTable) withDigits(word string) (*command, string) {
	name := strings.TrimRight(word, "0123456789")
	return t.byName[name], word[len(name):]
}

// quotes are those that people put an argument in, right behind a command.
func quotes() map[rune]string {
	return map[rune]string{'「': "」", '『': "』", '“': "”", '"': "\"", '（': "）", '【': "】", '《': "》"}
}

// joined finds a command whose argument follows behind a colon or in quotes: /diag:401,
// /诊断「401」. After a # it must be a number, for people write #topics; and what looks
// like an address or a path is none.
func (t *commandTable) joined(text string, topic bool) (c *command, args string) {
	head, closing := cutRunes(text, maxWord+1), quotes()
	i := strings.IndexFunc(head, func(r rune) bool {
		return r == ':' || r == '：' || closing[r] != "" || unicode.IsSpace(r)
	})
	if i <= 0 {
		return nil, ""
	}
	sign, size := utf8.DecodeRuneInString(head[i:])
	name, _ := cutWord(head[:i])
	args = text[i+size:]
	if end := closing[sign]; end != "" {
		args = strings.Replace(args, end, " ", 1)
	}
	args = strings.TrimSpace(args)
	switch {
	case unicode.IsSpace(sign), strings.HasPrefix(args, "/"), strings.HasPrefix(args, "\\"), topic && !isNumber(args):
		return nil, ""
	case t.byName[name] != nil:
		return t.byName[name], args
	case topic:
		return nil, ""
	}
	if c = t.beginning(name, topic); c == nil && len(t.near(name)) > 0 {
		c = &command{name: name}
	}
	return c, args
}

// isNumber reports whether s is digits alone, also in full width.
func isNumber(s string) bool {
	return s != "" && strings.Trim(fold(s), "0123456789") == ""
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
