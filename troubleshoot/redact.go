package troubleshoot

import (
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"unicode"
)

// mask stands where a secret stood.
const mask = "***"

// Redactor takes secrets out of text before it is kept, logged or shown: the
// exact secrets it was given, and whatever looks like a key, a token, a cookie, an
// organisation's id, an e-mail or public network address, or the private part of a
// URL. It is safe for concurrent use. A nil Redactor knows the patterns only.
type Redactor struct {
	learning sync.Mutex
	known    []string
	exact    atomic.Pointer[strings.Replacer] // nil: nothing is known
	telling  atomic.Pointer[strings.Replacer] // of those that nobody writes by chance
}

// NewRedactor returns a Redactor for the given secrets. Those under four bytes
// are left alone: masking them would only garble the text.
func NewRedactor(secrets ...string) *Redactor {
	r := &Redactor{}
	r.Learn(secrets...)
	return r
}

// Learn makes further secrets known, for good. Those under four bytes are left
// alone.
func (r *Redactor) Learn(secrets ...string) {
	r.learning.Lock()
	defer r.learning.Unlock()
	before := len(r.known)
	for _, s := range secrets {
		quoted := strconv.Quote(s)
		for _, form := range [...]string{s, url.QueryEscape(s), url.PathEscape(s), quoted[1 : len(quoted)-1]} {
			if len(form) >= 4 && !slices.Contains(r.known, form) {
				r.known = append(r.known, form)
			}
		}
	}
	if len(r.known) == before {
		return
	}
	slices.SortFunc(r.known, func(a, b string) int { return len(b) - len(a) })
	r.exact.Store(replacer(r.known))
	r.telling.Store(replacer(slices.DeleteFunc(slices.Clone(r.known), func(s string) bool { return !isTelling(s) })))
}

// replacer masks the secrets, of which the longest come first.
func replacer(secrets []string) *strings.Replacer {
	pairs := make([]string, 0, 2*len(secrets))
	for _, s := range secrets {
		pairs = append(pairs, s, mask)
	}
	return strings.NewReplacer(pairs...)
}

// isTelling reports whether a secret is one that people and models do not write by
// chance, as they do some short passwords.
func isTelling(s string) bool {
	return len(s) >= 20 || len(s) >= 8 && hasDigit(s) && strings.ContainsFunc(s, unicode.IsLetter)
}

// Redact returns s without secrets. It takes linear time.
func (r *Redactor) Redact(s string) string {
	if r != nil {
		if exact := r.exact.Load(); exact != nil {
			s = exact.Replace(s)
		}
	}
	e := eraser{s: s}
	return e.run()
}

// Exact returns s without the secrets that the Redactor was given, but for short
// ones that may be ordinary words. What only looks like a secret stays: this is for
// what people and models say.
func (r *Redactor) Exact(s string) string {
	if r != nil {
		if telling := r.telling.Load(); telling != nil {
			return telling.Replace(s)
		}
	}
	return s
}

// eraser walks over text word by word and copies all but secrets.
type eraser struct {
	s    string
	out  strings.Builder
	kept int // s[:kept] is in out
}

func (e *eraser) run() string {
	s := e.s
	for i := 0; i < len(s); {
		seen := kinds[s[i]]
		if seen == 0 {
			i++
			continue
		}
		j := i + 1
		for j < len(s) && kinds[s[j]] != 0 {
			seen |= kinds[s[j]]
			j++
		}
		long := seen != lowerByte && j-i >= shortest
		joined := j < len(s) && (s[j] == ':' || s[j] == '.' || s[j] == '@')
		if long || joined || seen&starByte != 0 || endings.like(s[i:j]) >= 0 {
			i = e.word(i, j, seen)
		} else {
			i = j // an ordinary word
		}
	}
	if e.kept == 0 {
		return s
	}
	e.out.WriteString(s[e.kept:])
	return e.out.String()
}

// cut replaces s[from:to] by the mask and returns to.
func (e *eraser) cut(from, to int) int {
	if e.kept == 0 {
		e.out.Grow(len(e.s))
	}
	e.out.WriteString(e.s[e.kept:from])
	e.out.WriteString(mask)
	e.kept = to
	return to
}

// word looks at the word s[i:j], in which kinds of bytes were seen, and returns
// where to go on.
func (e *eraser) word(i, j int, seen byte) int {
	s := e.s
	w := s[i:j]
	if j < len(s) {
		switch s[j] {
		case '@':
			if end := mailEnd(s, j); end > 0 {
				return e.cut(i, end)
			}
		case ':', '.':
			if end := e.address(i, j); end > 0 {
				return end
			}
		}
	}
	if seen&starByte != 0 && len(w) > 3 && strings.Contains(w, "***") || seen != lowerByte && looksSecret(w) {
		return e.cut(i, e.tokenEnd(j))
	}
	if endings.like(w) >= 0 {
		if next := e.named(w, i, j); next > 0 {
			return next
		}
	}
	return j
}

// address handles what a colon or a dot may join: URLs and IP addresses.
func (e *eraser) address(i, j int) int {
	if strings.HasPrefix(e.s[j:], "://") {
		return e.url(i, j+3)
	}
	if end := ipEnd(e.s, i); end > 0 {
		return e.cut(i, end)
	}
	return 0
}

// url masks the user name, password and query of the URL whose host begins at h,
// and its host if it is a public address.
func (e *eraser) url(start, h int) int {
	end := h
	for end < len(e.s) && e.s[end] > ' ' && strings.IndexByte("\"'<>`\\)}|", e.s[end]) < 0 {
		end++
	}
	rest := e.s[h:end]
	slash := strings.IndexAny(rest, "/?#")
	if slash < 0 {
		slash = len(rest)
	}
	if at := strings.LastIndexByte(rest[:slash], '@'); at >= 0 {
		e.cut(h, h+at)
	}
	if q := strings.IndexAny(rest, "?#"); q >= 0 {
		e.path(h, h+q)
		return e.cut(h+q+1, end)
	}
	e.path(h, end)
	return end
}

// path masks secrets among the segments between from and to.
func (e *eraser) path(from, to int) {
	for i := max(from, e.kept); i < to; {
		if !isKeyByte(e.s[i]) {
			i++
			continue
		}
		if end := ipEnd(e.s, i); end > 0 && end <= to {
			i = e.cut(i, end)
			continue
		}
		j := i
		for j < to && isKeyByte(e.s[j]) {
			j++
		}
		if looksSecret(e.s[i:j]) {
			e.cut(i, j)
		}
		i = j
	}
}

// tokenEnd extends a secret over the parts that dots join, as in a JWT.
func (e *eraser) tokenEnd(j int) int {
	for j < len(e.s) && (isKeyByte(e.s[j]) || e.s[j] == '.' && j+1 < len(e.s) && isKeyByte(e.s[j+1])) {
		j++
	}
	return j
}

// prefixes of keys and ids, with the least length of the whole.
var prefixes = [...]struct {
	text  string
	least int
}{
	{"sk-", 8}, {"sk_", 12}, {"sk-ant", 8}, {"gsk_", 10}, {"xai-", 10}, {"AIza", 20}, {"hf_", 10}, {"pplx-", 10}, {"r8_", 10}, {"nvapi-", 10},
	{"LTAI", 14}, {"AKIA", 14}, {"ASIA", 14}, {"AKID", 14}, {"eyJ", 16}, {"ghp_", 10}, {"gho_", 10}, {"ghu_", 10}, {"github_pat_", 16},
	{"glpat-", 10}, {"xoxb-", 10}, {"org-", 10}, {"org_", 10}, {"proj_", 10}, {"sess-", 12}, {"tgp_", 10}, {"fk-", 12},
	{"@crypt_", 10}, {"crypt_", 12}, {"ya29", 12}, {"AQ.", 12}, {"bce-v3", 10}, {"ms-", 16}, {"csk-", 10}, {"fw_", 12}, {"key-", 12},
}

// shortest is the length of the shortest word that may be a secret by itself.
const shortest = 8

// looksSecret reports keys known by their beginning, and long words of mixed
// letters and digits that are not the ids services put on requests.
func looksSecret(w string) bool {
	if len(w) < shortest {
		return false
	}
	return beginsSecret(w) || len(w) >= 32 && mixed(w) && !isRequestID(w)
}

func beginsSecret(w string) bool {
	for i := beginnings.like(w[:3]); i >= 0; i = beginnings.next[i] {
		if p := &prefixes[i]; len(w) >= p.least && strings.HasPrefix(w, p.text) && !plainWords(w[len(p.text):]) {
			return true
		}
	}
	return false
}

// beginnings are the first three bytes of the prefixes.
var beginnings = newTriples(len(prefixes), func(i int) string { return prefixes[i].text[:3] })

// plainWords reports text of lower-case words only, such as "level-limits" in
// "org-level-limits".
func plainWords(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; (c < 'a' || c > 'z') && c != '-' && c != '_' {
			return false
		}
	}
	return len(s) < 20
}

func mixed(w string) bool {
	digits, letters, other := 0, 0, 0
	for i := 0; i < len(w); i++ {
		switch c := w[i]; {
		case isDigit(c):
			digits++
		case isWord(c):
			letters++
		case c == '/' || c == '+':
			other++
		}
	}
	return digits >= 4 && letters >= 4 && other < 4
}

// isRequestID spares what an admin needs to ask a provider: prefixed ids and
// UUIDs.
func isRequestID(w string) bool {
	for _, p := range [...]string{"req_", "req-", "chatcmpl-", "resp_", "msg_", "gen-", "cmpl-", "rs_", "fc_", "call_"} {
		if strings.HasPrefix(w, p) {
			return true
		}
	}
	return len(w) == 36 && w[8] == '-' && w[13] == '-' && w[18] == '-'
}

// The kinds of bytes a key may be made of.
const (
	lowerByte = 1 << iota
	otherByte // digits, capitals and joints
	starByte
)

// kinds holds the kind of each byte; 0 ends a word.
var kinds = func() (t [256]byte) {
	for c := range t {
		switch b := byte(c); {
		case b >= 'a' && b <= 'z':
			t[c] = lowerByte
		case isWord(b) || b == '_' || b == '-' || b == '+':
			t[c] = otherByte
		case b == '*':
			t[c] = starByte
		}
	}
	return t
}()

func isKeyByte(c byte) bool { return kinds[c] != 0 }

func mailEnd(s string, at int) int {
	j, dot := at+1, false
	for j < len(s) && (isWord(s[j]) || s[j] == '-' || s[j] == '.') {
		dot = dot || s[j] == '.'
		j++
	}
	if !dot || j-at < 4 {
		return 0
	}
	return j
}

// ipEnd returns where the public or private network address at i ends; 0 if there
// is none there. Loopback is no secret.
func ipEnd(s string, i int) int {
	j, dots, colons := i, 0, 0
	for j < len(s) && j-i < 46 && (isHex(s[j]) || s[j] == '.' || s[j] == ':') {
		switch s[j] {
		case '.':
			dots++
		case ':':
			colons++
		}
		if dots == 3 && colons == 1 && s[j] == ':' {
			break // port
		}
		j++
	}
	if dots < 3 && colons < 2 {
		return 0
	}
	for j > i && (s[j-1] == '.' || s[j-1] == ':') {
		j--
	}
	a, err := netip.ParseAddr(s[i:j])
	if err != nil || a.IsLoopback() || a.IsUnspecified() {
		return 0
	}
	return j
}

func isHex(c byte) bool {
	return isDigit(c) || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}
