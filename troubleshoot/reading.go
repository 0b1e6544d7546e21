package troubleshoot

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// field is one scalar of a foreign structure: its key, the key of the object it
// stands in, and how many wrappings were taken off before it was seen.
type field struct {
	key, parent, text string
	level             int
	quoted            bool
}

// code is a machine-readable word of a failure, with the key it stood under.
type code struct {
	key, parent, text string
	flat              string // text squashed
	level             int
	kind              codeKind
}

// message is something a failure says in words.
type message struct {
	text  string
	level int
	page  bool // seen on an HTML page
}

// codeKind says how much a code's place promises.
type codeKind uint8

const (
	kindCode codeKind = iota
	kindType
	kindWord // stood bare in running text
)

// Bounds on what is kept of one failure.
const (
	maxCodes    = 24
	maxMessages = 12
	maxLevels   = 6
)

// reading gathers what a failure says about itself, in the order met.
type reading struct {
	codes    []code
	messages []message
	pending  []field // strings that may hold a further wrapping
	status   int     // an HTTP status named inside, the innermost
	statusAt int
	param    string
	request  string
	window   int    // tokens, when a field names the context window
	delay    string // the pause a field asks for
	end      string // why generation stopped
	mangled  bool   // a structure broke off in the middle: what follows is no echo
	rest     string // what stood beside the failure, for when it says nothing
	failed   bool   // a field says that the result is an error
	limits   buckets
	found    bool
}

// skips reports members whose contents are another person's words, or no words.
func skips(key string) bool {
	switch key {
	case "input", "failed_generation", "loc", "ctx", "prompt", "messages", "choices", "stack", "usage",
		"content_filter_result", "content_filter_results", "help", "links", "links_", "traceback", "user_input", "content", "query", "requestBody", "request_body":
		return true
	}
	return false
}

// scalar files one value under what its key promises.
func (r *reading) scalar(f field) {
	if f.text == "" || isNothing(f) {
		r.failed = r.failed || f.key == "is_error" && (f.text == "true" || f.text == "True")
		return
	}
	if n, ok := statusOf(f.text); ok && numberKey(f.key) {
		r.found = true
		r.sawStatus(n, f.level)
		return
	}
	was := len(r.codes) + len(r.messages) + len(r.pending)
	r.file(f)
	r.found = r.found || len(r.codes)+len(r.messages)+len(r.pending) > was
}

// file sorts a value by its key.
func (r *reading) file(f field) {
	switch f.key {
	case "code", "error_code", "errorCode", "err_code", "errcode", "errCode", "Code", "statusCode", "status_code",
		"error_num", "ErrorCode", "errno", "ret", "limit_source", "quotaId", "quotaMetric", "x-amzn-errortype", "error_reason":
		r.code(f, kindCode)
	case "type", "errorType", "error_type", "__type", "Type", "kind", "status", "reason", "name", "error_class", "exception":
		r.typed(f)
	case "message", "msg", "error_msg", "error_message", "errorMessage", "errmsg", "err_msg", "errMsg", "ErrMsg", "Message", "error", "detail",
		"details", "description", "error_description", "status_msg", "statusMsg", "statusText", "title", "body",
		"raw", "cause", "response", "errors", "err", "Error", "ErrorMsg", "Msg", "reasons", "data", "status_message", "upstream_error", "text", "messages_", "hint", "cf_details", "errorDescription", "rawErrorMessage":
		r.message(f)
	case "result": // the answer, unless said to be an error
		if r.failed && f.quoted {
			r.message(f)
		}
	case "param", "Param":
		if r.param == "" {
			r.param = cutText(f.text, 80)
		}
	case "request_id", "requestId", "RequestId", "request-id", "requestID", "sid", "log_id", "trace_id":
		if r.request == "" && len(f.text) <= 80 && f.key != "sid" {
			r.request = f.text
		}
	case "retryDelay", "retry_after", "retry_after_seconds", "resets_in_seconds", "retryAfter", "clears_in":
		if r.delay == "" && len(f.text) < 24 {
			r.delay = f.text
		}
	case "quota_limit_value", "quotaValue": // a limit of nothing is none on haste
		if f.text == "0" {
			f.text = "limit: 0"
			r.message(f)
		}
	case "finishReason", "finish_reason", "stop_reason":
		r.end = f.text
	case "port": // where a connection was tried, as Node prints it
		if isProxyPort(f.text) {
			r.addCode(field{key: "reached", text: "no_proxy"}, kindWord)
		}
	case "n_ctx":
		r.window, _ = strconv.Atoi(f.text)
	default:
		if len(f.key) > len("ratelimit-") {
			r.limits.see(strings.ToLower(f.key), f.text)
		}
	}
}

// isNothing reports the many ways of writing that a field is empty.
func isNothing(f field) bool {
	if f.quoted {
		return f.text == "None" || f.text == "null"
	}
	switch f.text {
	case "null", "None", "undefined", "nil", "true", "false", "True", "False", "<nil>":
		return true
	}
	return false
}

// statusOf reads an HTTP status of failure.
func statusOf(s string) (int, bool) {
	if len(s) != 3 || s[0] < '3' || s[0] > '5' || !isDigit(s[1]) || !isDigit(s[2]) {
		return 0, false
	}
	return int(s[0]-'0')*100 + int(s[1]-'0')*10 + int(s[2]-'0'), true
}

func numberKey(key string) bool {
	switch key {
	case "code", "status", "status_code", "statusCode", "error_code", "http_status", "httpStatus", "http_code", "httpCode", "errcode", "Code", "statuscode", "HTTPStatus":
		return true
	}
	return false
}

func (r *reading) sawStatus(n, level int) {
	if n >= 400 && (r.status == 0 || level >= r.statusAt) {
		r.status, r.statusAt = n, level
	}
}

func (r *reading) code(f field, kind codeKind) {
	if strings.IndexByte(f.text, ' ') >= 0 && f.quoted {
		r.message(f)
		return
	}
	if f.text == "0" || len(f.text) > 120 {
		return
	}
	r.addCode(f, kind)
}

func (r *reading) addCode(f field, kind codeKind) {
	if len(r.codes) < maxCodes {
		r.codes = append(r.codes, code{f.key, f.parent, f.text, squash(f.text), f.level, kind})
	}
}

func (r *reading) addMessage(f field) {
	if len(r.messages) < maxMessages {
		r.messages = append(r.messages, message{f.text, f.level, f.key == "page"})
	}
}

// typed files words that stand where a type is expected: the generic "error" of
// envelopes says nothing, and a sentence is a message.
func (r *reading) typed(f field) {
	switch f.text {
	case "error", "Error", "object", "failed", "fail":
		return
	}
	if page, ok := strings.CutPrefix(f.text, "https://developers.cloudflare.com/"); ok { // the type of a problem, by RFC 9457
		page = strings.TrimRight(page, "/")
		f = field{key: "edge", text: "cloudflare-" + page[strings.LastIndexByte(page, '/')+1:], level: f.level}
	}
	r.code(f, kindType)
}

func (r *reading) message(f field) {
	if !f.quoted && f.key != "data" {
		if n, ok := statusOf(f.text); ok {
			r.sawStatus(n, f.level)
		}
		if !isSentence(f.text) {
			return
		}
	}
	if f.level < maxLevels && wraps(f.text) {
		r.pending = append(r.pending, f)
		return
	}
	if isCode(f.text) && f.key != "raw" {
		r.addCode(f, kindType)
	}
	if n := statusIn(f.text); n != 0 {
		r.sawStatus(n, f.level)
	}
	r.addMessage(f)
}

// isSentence reports whether a value without quotation marks is text all the same.
func isSentence(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return true
		}
	}
	return len(s) > 12 && strings.Count(s, " ") >= 2
}

// wraps reports whether a message may hold another structure or a page.
func wraps(s string) bool {
	return structureAt(s) >= 0 || strings.Contains(s, "</") || looksLikePage(s)
}

// isCode reports whether a message is one word in a programmer's spelling.
func isCode(s string) bool {
	return len(s) <= 64 && strings.IndexByte(s, ' ') < 0 && isProgrammed(s)
}

// isProgrammed reports snake_case, CamelCase and SHOUTED words.
func isProgrammed(s string) bool {
	lower := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '_' && i > 0:
			return true
		case c >= 'a' && c <= 'z':
			lower = true
		case c >= 'A' && c <= 'Z' && lower:
			return true
		}
	}
	return !lower && len(s) >= 6 && s[0] >= 'A' && s[0] <= 'Z'
}

// straight gives back the quotation marks that phones and word processors bend.
var straight = strings.NewReplacer("“", `"`, "”", `"`)

// read takes text apart: what stands before the first structure, the structure,
// and the wrappings inside it. It returns at what level anything was found.
func (r *reading) read(s string, level int) {
	s = strings.TrimSpace(s)
	if len(s) == 0 {
		return
	}
	if looksLikePage(s) {
		r.page(s, level)
		return
	}
	s, rest := essence(s)
	r.beside(rest)
	if strings.Contains(s, "“") && strings.IndexByte(s, '"') < 0 {
		s = straight.Replace(s)
	}
	if !r.structure(s, level) {
		if at := strings.Index(s, `{\`); at >= 0 && level < maxLevels {
			r.read(s[:at]+unescaped(s[at:]), level+1)
		} else {
			r.plain(s, level)
		}
	}
	for len(r.pending) > 0 {
		f := r.pending[0]
		r.pending = r.pending[1:]
		if f.level >= maxLevels {
			continue
		}
		r.read(f.text, f.level+1)
	}
}

// structure reads the first structure in s that says anything, and the words in
// front of it.
func (r *reading) structure(s string, level int) bool {
	from := 0
	for try := 0; try < 4; try++ {
		at := structureAt(s[from:])
		if at < 0 {
			return false
		}
		at += from
		was, said := r.found, len(r.messages)+len(r.pending)
		r.found = false
		l := loose{s: s, i: at, level: level}
		whole := r.value(&l, "", "", 0)
		end := l.i
		if r.found {
			silent := said == len(r.messages)+len(r.pending)
			if at > 0 {
				r.plain(s[:at], level)
			}
			if silent && end < len(s) {
				r.structure(s[end:], level) // what came first are settings
			} else if !whole && end < len(s) {
				r.mangled = true
				r.plain(strings.ReplaceAll(cutText(s[end:], maxText), `"`, " "), level)
			} else if end < len(s) {
				r.beside(s[end:])
			}
			return true
		}
		r.found = was
		from = max(end, at+1)
		if from >= len(s) {
			return false
		}
	}
	return false
}

// plain files running text and the status named in it.
func (r *reading) plain(s string, level int) {
	if s = cutText(strings.TrimRight(s, " \t\r\n'\"([{-:"), maxText); s == "" {
		return
	}
	if n := statusIn(s); n != 0 {
		r.sawStatus(n, level)
	}
	f := field{key: "text", text: s, level: level, quoted: true}
	if isCode(s) {
		r.addCode(f, kindType)
	}
	r.numbers(s, level)
	r.addMessage(f)
}

// numbers files numbers of four to six digits that running text announces as
// codes: "Code: 11200", "错误码 1302", "(1008)".
func (r *reading) numbers(s string, level int) {
	for i, found := 0, 0; i < len(s) && found < 4; i++ {
		if !isDigit(s[i]) {
			continue
		}
		j := i
		for j < len(s) && isDigit(s[j]) {
			j++
		}
		if n := j - i; n >= 4 && n <= 6 && bounded(s, i, j) && announcesCode(s[:i], s[j:]) {
			r.addCode(field{key: "code", text: s[i:j], level: level}, kindWord)
			found++
		}
		i = j
	}
}

// announcesCode reports whether a number between before and after is a code.
func announcesCode(before, after string) bool {
	t := strings.TrimRight(cutLeft(before, 24), " \t:=#\"'：")
	if strings.HasSuffix(t, "码") || len(t) >= 4 && strings.EqualFold(t[len(t)-4:], "code") || strings.HasSuffix(t, "请求错误") || strings.HasSuffix(t, "errcode") {
		return true
	}
	return strings.HasSuffix(before, "(") && strings.HasPrefix(after, ")") || strings.HasSuffix(before, "[") && strings.HasPrefix(after, "]")
}

func isNumber(s string) bool {
	for i := 0; i < len(s); i++ {
		if !isDigit(s[i]) {
			return false
		}
	}
	return true
}
