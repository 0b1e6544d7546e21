package troubleshoot

import "strings"

// secrecy says how a value is treated that stands after a telling name.
type secrecy uint8

const (
	harmless  secrecy = iota
	tokenish          // masked if it looks like a value rather than prose
	secret            // always masked
	wholeLine         // masked to the end of the line: cookies hold several
	scheme            // a word of Authorization, before the secret itself
)

// named masks the value that follows a word such as "password", if w is one, and
// returns where to go on; 0 if w is an ordinary word. It need be asked of
// words among endings only.
func (e *eraser) named(w string, i, j int) int {
	if j >= len(e.s) || len(w) > 40 {
		return 0
	}
	kind := secrecyOf(w)
	switch next := e.s[j]; {
	case kind == harmless:
		return 0
	case next == ' ':
		return e.spaced(kind, j)
	case kind == scheme || strings.IndexByte(":=\"'\\%>", next) < 0:
		return 0
	case next == '>' && i > 0 && e.s[i-1] == '<':
		return e.element(j + 1)
	}
	from, quote := valueAt(e.s, j)
	if from == 0 {
		return 0
	}
	return e.value(kind, from, quote)
}

// spaced handles "Bearer xyz" and "key provided: xyz", given what the word before
// the blank at j promises.
func (e *eraser) spaced(kind secrecy, j int) int {
	if kind == scheme {
		end := e.valueEnd(j+1, 0)
		if v := e.s[j+1 : end]; len(v) >= 6 && (len(v) >= 16 || hasDigit(v)) {
			return e.cut(j+1, end)
		}
		return 0
	}
	for _, lead := range [...]string{" provided: ", " supplied: ", ": ", " is: ", " provided ("} {
		if strings.HasPrefix(e.s[j:], lead) {
			return e.value(tokenish, j+len(lead), 0)
		}
	}
	return 0
}

// value masks the value at from.
func (e *eraser) value(kind secrecy, from int, quote byte) int {
	end := e.valueEnd(from, quote)
	if kind == wholeLine {
		end = e.lineEnd(from, quote)
	}
	v := e.s[from:end]
	if v == "" || v == mask || v == "null" || v == "None" {
		return from
	}
	if kind == tokenish && !hasDigit(v) && len(v) < 20 && !strings.Contains(v, "*") {
		return from
	}
	if low := strings.ToLower(v); strings.HasPrefix(low, "bearer ") || strings.HasPrefix(low, "basic ") || strings.HasPrefix(low, "digest ") {
		from += strings.IndexByte(v, ' ') + 1
	}
	return e.cut(from, end)
}

// element masks the text of an XML element.
func (e *eraser) element(from int) int {
	n := strings.IndexByte(e.s[from:], '<')
	if n <= 0 {
		return from
	}
	return e.cut(from, from+n)
}

// valueAt steps from the end of a name over quotes, sign and blanks to the value.
// It returns 0 if no value is assigned.
func valueAt(s string, j int) (from int, quote byte) {
	for j < len(s) && (s[j] == '"' || s[j] == '\'' || s[j] == '\\' || s[j] == ' ') {
		j++
	}
	switch {
	case strings.HasPrefix(s[j:], "%3D"), strings.HasPrefix(s[j:], "%3d"):
		return j + 3, 0
	case j >= len(s) || s[j] != ':' && s[j] != '=':
		return 0, 0
	}
	j++
	for j < len(s) && (s[j] == ' ' || s[j] == '\\' || s[j] == '[') {
		j++
	}
	if j < len(s) && (s[j] == '"' || s[j] == '\'') {
		return j + 1, s[j]
	}
	return j, 0
}

// valueEnd returns where the value at from ends. An Authorization value is two
// words.
func (e *eraser) valueEnd(from int, quote byte) int {
	j := from
	for j < len(e.s) {
		c := e.s[j]
		if quote != 0 && (c == quote || c == '\n') {
			break
		}
		if quote == 0 && (c <= ' ' || strings.IndexByte("\"'<>,;&)}]", c) >= 0) {
			if c == ' ' && isScheme(e.s[from:j]) {
				j++
				continue
			}
			break
		}
		j++
	}
	return j
}

func isScheme(w string) bool {
	return strings.EqualFold(w, "bearer") || strings.EqualFold(w, "basic") || strings.EqualFold(w, "digest")
}

func (e *eraser) lineEnd(from int, quote byte) int {
	stop := "\r\n"
	if quote != 0 {
		stop = string(quote) + "\n"
	}
	if n := strings.IndexAny(e.s[from:], stop); n >= 0 {
		return from + n
	}
	return len(e.s)
}

// secrecyOf judges a name. It compares without case and ignores what stands in
// front of the telling part: x-api-key, OPENAI_API_KEY, wxsid.
func secrecyOf(name string) secrecy {
	for i := endings.like(name); i >= 0; i = endings.next[i] {
		n := &telling[i]
		if len(name) >= len(n.end) && strings.EqualFold(name[len(name)-len(n.end):], n.end) && (!n.whole || len(name) == len(n.end)) {
			return n.kind
		}
	}
	return harmless
}

// endings are the last three bytes of the telling words.
var endings = newTriples(len(telling), func(i int) string { return telling[i].end })

var telling = [...]struct {
	end   string
	kind  secrecy
	whole bool
}{
	{"cookie", wholeLine, false}, {"cookies", wholeLine, false},
	{"password", secret, false}, {"passwd", secret, false}, {"pwd", secret, true}, {"secret", secret, false},
	{"authorization", secret, false}, {"skey", secret, false}, {"pass_ticket", secret, false}, {"passticket", secret, false}, {"ticket", secret, false},
	{"wxsid", secret, false}, {"wxuin", secret, false}, {"sid", secret, true}, {"uin", secret, true}, {"credential", secret, false},
	{"access_token", secret, false}, {"refresh_token", secret, false}, {"id_token", secret, false}, {"session_token", secret, false}, {"bot_token", secret, false},
	{"x-api-key", secret, false}, {"x-goog-api-key", secret, false}, {"sessionid", secret, false}, {"session_id", secret, false}, {"accesstoken", secret, false},
	{"api_key", tokenish, false}, {"apikey", tokenish, false}, {"api-key", tokenish, false}, {"key", tokenish, false}, {"token", tokenish, false},
	{"signature", tokenish, false}, {"session", tokenish, true}, {"organization", tokenish, true}, {"set-cookie", wholeLine, false},
	{"bearer", scheme, true}, {"basic", scheme, true},
}

func hasDigit(s string) bool {
	for i := 0; i < len(s); i++ {
		if isDigit(s[i]) {
			return true
		}
	}
	return false
}
