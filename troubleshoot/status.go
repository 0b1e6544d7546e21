package troubleshoot

import "strings"

// statusIn finds an HTTP status that text names as such: "Error code: 402 - …",
// "HTTP 403", "[API Error: 400", "502 Bad Gateway", a line of an access log. Bare
// numbers in a sentence are not statuses. It returns 0 if there is none.
func statusIn(s string) int {
	last := 0
	for i := digitAt(s, 0); i+3 <= len(s); i = digitAt(s, i) {
		j := i
		for j < len(s) && isDigit(s[j]) {
			j++
		}
		n, ok := statusOf(s[i:j])
		if ok && n >= 400 && bounded(s, i, j) && (announced(s[:i]) || named(s[j:], n) || i == 0 && standsAlone(s[j:]) || bracketed(s, i, j) || j == len(s) && ends(s[:i], n)) {
			last = n
			break
		}
		i = j
	}
	return last
}

func bounded(s string, i, j int) bool {
	if i > 0 && (isWord(s[i-1]) || s[i-1] == '.' || s[i-1] == '-' || s[i-1] == '/') {
		return false
	}
	return j == len(s) || !isWord(s[j]) && s[j] != '%' && !(s[j] == '.' && j+1 < len(s) && isDigit(s[j+1]))
}

// bracketed reports a number such as that of "[provider/model] [400]: …".
func bracketed(s string, i, j int) bool {
	return i > 0 && s[i-1] == '[' && strings.HasPrefix(s[j:], "]") && (i == 1 || strings.HasPrefix(s[j:], "]:"))
}

// ends reports whether n, at the end of a text about a failure or a request, is
// the status of that: "Error calling the model: 429", "POST https://… 404".
func ends(before string, n int) bool {
	if _, known := phraseOf[n]; !known || !strings.HasSuffix(before, " ") {
		return false
	}
	t := strings.ToLower(cutLeft(before, 120))
	return strings.HasSuffix(t, ": ") && (strings.Contains(t, "error") || strings.Contains(t, "fail") || strings.Contains(t, "错") || strings.Contains(t, "败")) ||
		strings.Contains(t, "post http") || strings.Contains(t, "get http")
}

// announcers are the words after which a number is an HTTP status.
var announcers = [...]string{"status code", "statuscode", "status", "error code", "http code", "http status", "http", "http error", "api error", "error", "response", "code", "http/1.1", "http/2", "http/1.0", "http/1.1'", "http/2'", "http/1.0'", "returned", "failed", "got", "failed with", "errored", "chatgpt error", "gpt error", "状态码", "错误码", "response code", "错误", "返回", "响应码", "reference number",
	"responded with", "status of", "status is", "code is", "not indicate success", "错误代码", "返回码", "状态", "报错", "失败", "出错", "异常", "エラー", "コード", "ステータス", "오류", "코드", "상태"}

// announced reports whether text ends with a word that announces a status.
func announced(before string) bool {
	t := strings.TrimRight(cutLeft(before, 32), " \t:=([\"'#-|,：（【，为是了")
	piped := strings.HasSuffix(strings.TrimRight(before, " "), "|")
	t = strings.ToLower(strings.TrimRight(t, "\"' "))
	if piped {
		return strings.Contains(before, "|") && len(before) < 400
	}
	for _, a := range announcers {
		if strings.HasSuffix(t, a) && (len(t) == len(a) || a[0] >= 0x80 || !isWord(t[len(t)-len(a)-1])) {
			return true
		}
	}
	before = strings.TrimRight(before, " ") // an exception's name, such as AxiosError
	return strings.HasSuffix(before, "Error:") || strings.HasSuffix(before, "Exception:")
}

func cutLeft(s string, n int) string {
	if len(s) > n {
		return s[len(s)-n:]
	}
	return s
}

// phraseOf holds the words that stand beside a status, folded.
var phraseOf = map[int][]string{
	400: {"bad request"}, 401: {"unauthorized", "unauthenticated"}, 402: {"payment required", "insufficient balance"}, 403: {"forbidden", "permission"},
	404: {"not found", "page not found"}, 405: {"method not allowed"}, 407: {"proxy"}, 408: {"request time"},
	413: {"request entity", "payload too", "content too", "request too"}, 422: {"unprocessable"}, 429: {"too many", "rate limit", "resource"}, 451: {"unavailable for"},
	500: {"internal"}, 502: {"bad gateway", "all "}, 503: {"service", "no healthy", "backend"}, 504: {"gateway time"}, 520: {"web server", "origin"}, 521: {"web server"},
	522: {"connection timed", "origin"}, 524: {"a timeout"}, 525: {"ssl"}, 526: {"invalid ssl"}, 529: {"overloaded", "site is"}, 530: {"origin"},
}

// named reports whether text begins with the reason phrase of status n.
func named(after string, n int) bool {
	t := strings.TrimLeft(fold(cutText(after, 40)), " :,([|'")
	for _, word := range [...]string{"status code", "error", "错误", "报错", "エラー"} {
		if rest, ok := strings.CutPrefix(t, word); ok && (rest == "" || !isWord(rest[0])) {
			return true
		}
	}
	for _, p := range phraseOf[n] {
		if strings.HasPrefix(t, p) {
			return true
		}
	}
	return false
}

// standsAlone reports whether a number at the start of a text is followed by the
// message: "402 Insufficient Balance", "403 {…".
func standsAlone(after string) bool {
	return after == "" || after[0] == ' ' || after[0] == ':' || after[0] == ',' || after[0] == '\n'
}
