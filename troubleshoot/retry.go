package troubleshoot

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxRetryAfter bounds what RetryAfter returns; longer requests are cut to it.
const maxRetryAfter = 31 * 24 * time.Hour

// RetryAfter finds the pause the other side asked for: in Retry-After-Ms,
// X-Ms-Retry-After-Ms and Retry-After, in the body's own words ("retryDelay",
// "try again in 6m0s", 请 20 秒后重试), and last in the reset headers of the bucket
// that ran empty. Values may be seconds, Go durations, epoch seconds or
// milliseconds, and dates. ok is false if no sensible pause is named; negative and
// absurd values are not. The pause is at most 31 days. Only the first 64 KiB of
// body are read.
func RetryAfter(h http.Header, body []byte, now time.Time) (d time.Duration, ok bool) {
	if d, ok := headerPause(h, now); ok {
		return d, true
	}
	if len(body) > 0 {
		if len(body) > maxBody {
			body = body[:maxBody]
		}
		if d, ok := textPause(fold(cutText(string(body), maxText)), now); ok {
			return d, true
		}
	}
	return resetPause(h, now)
}

func headerPause(h http.Header, now time.Time) (time.Duration, bool) {
	if len(h) == 0 {
		return 0, false
	}
	for _, name := range [...]string{"Retry-After-Ms", "X-Ms-Retry-After-Ms"} {
		if v := header(h, name); v != "" {
			if ms, err := strconv.ParseFloat(strings.TrimSpace(v), 64); err == nil {
				if d, ok := pause(ms / 1000); ok {
					return d, true
				}
			}
		}
	}
	if v := header(h, "Retry-After"); v != "" {
		return parsePause(v, now)
	}
	return 0, false
}

// header gets a header whatever the case of the map's keys: recorded headers are
// often in lower case.
func header(h http.Header, name string) string {
	if len(h) == 0 {
		return ""
	}
	if v := h.Get(name); v != "" {
		return v
	}
	if v := h[strings.ToLower(name)]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// pause turns seconds into a duration and refuses what cannot be meant.
func pause(seconds float64) (time.Duration, bool) {
	if math.IsNaN(seconds) || seconds <= 0 || math.IsInf(seconds, 0) {
		return 0, false
	}
	if seconds > maxRetryAfter.Seconds() {
		return maxRetryAfter, true
	}
	return time.Duration(seconds * float64(time.Second)), true
}

// parsePause reads one value in any of the known forms.
func parsePause(v string, now time.Time) (time.Duration, bool) {
	v = strings.TrimSpace(v)
	if n, err := strconv.ParseFloat(v, 64); err == nil {
		switch {
		case n > 1e15:
			return 0, false
		case n > 1e12:
			return pause(float64(time.UnixMilli(int64(n)).Sub(now)) / 1e9)
		case n > 1e9:
			return pause(float64(time.Unix(int64(n), 0).Sub(now)) / 1e9)
		}
		return pause(n)
	}
	if d, err := time.ParseDuration(strings.ReplaceAll(v, " ", "")); err == nil {
		return pause(d.Seconds())
	}
	if t, err := http.ParseTime(v); err == nil {
		return pause(t.Sub(now).Seconds())
	}
	if t, err := time.Parse(time.RFC3339, v); err == nil {
		return pause(t.Sub(now).Seconds())
	}
	return 0, false
}

// pauseLeads stand before a pause in folded text.
var pauseLeads = [...]string{"retrydelay", "try again in", "retry in", "retry after", "retry after seconds", "try again after", "wait for", "wait", "available in", "reset in", "resets in", "reset after",
	"resets in seconds", "resetsinseconds", "请在", "请等待", "请"}

// pauseEnds are the last three bytes of the leads.
var pauseEnds = newTriples(len(pauseLeads), func(i int) string { return pauseLeads[i] })

// textPause reads the pause out of folded text: a number before which one of the
// leads stands.
func textPause(t string, now time.Time) (time.Duration, bool) {
	dated := false
	for i := digitAt(t, 0); i < len(t); i = digitAt(t, i+1) {
		if i > 0 && (isWord(t[i-1]) || t[i-1] == '.') {
			continue
		}
		if led(cutLeft(t[:i], 40)) {
			if d, ok := spokenPause(t[i:]); ok {
				return d, true
			}
		}
		dated = dated || len(t)-i >= len(foldedTime) && t[i+4] == ' ' && t[i+13] == ':'
	}
	if !dated || !mentionsPause(t) {
		return 0, false
	}
	return resetTime(t, now)
}

// led reports whether text ends with words after which a pause is named.
func led(t string) bool {
	for t != "" && strings.IndexByte(" ':(", t[len(t)-1]) >= 0 {
		t = t[:len(t)-1]
	}
	if t == "" || strings.IndexByte("ynrst", t[len(t)-1]) < 0 && t[len(t)-1] < 0x80 {
		return false
	}
	t = strings.TrimRight(strings.TrimSuffix(t, "about"), " ")
	for i := pauseEnds.like(t); i >= 0; i = pauseEnds.next[i] {
		if strings.HasSuffix(t, pauseLeads[i]) {
			return true
		}
	}
	return false
}

// mentionsPause looks for any word a pause may stand beside.
func mentionsPause(s string) bool {
	for _, w := range [...]string{"retry", "again", "wait", "reset", "available in", "重置", "请"} {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
}

// spokenPause reads "20s", "6m0s", "33.5s", "6 seconds", "1 minute", "20 秒后" at
// the start of folded text.
func spokenPause(t string) (time.Duration, bool) {
	var total float64
	found := false
	for range 4 {
		n, rest, ok := number(t)
		if !ok {
			break
		}
		unit, after := unitOf(strings.TrimLeft(rest, " "))
		if unit == 0 {
			break
		}
		total += n * unit
		found = true
		t = strings.TrimLeft(after, " ")
	}
	if !found {
		return 0, false
	}
	return pause(total)
}

func number(t string) (n float64, rest string, ok bool) {
	i, whole := 0, 0
	for ; i < len(t) && i < 12 && isDigit(t[i]); i++ {
		whole = 10*whole + int(t[i]-'0')
	}
	if i == 0 {
		return 0, t, false
	}
	if i == len(t) || t[i] != '.' && !isDigit(t[i]) {
		return float64(whole), t[i:], true
	}
	for i < len(t) && (isDigit(t[i]) || t[i] == '.' && i+1 < len(t) && isDigit(t[i+1])) {
		i++
	}
	if i > 12 {
		return 0, t, false
	}
	n, err := strconv.ParseFloat(t[:i], 64)
	return n, t[i:], err == nil
}

var units = [...]struct {
	word    string
	seconds float64
}{
	{"milliseconds", .001}, {"ms", .001}, {"seconds", 1}, {"second", 1}, {"secs", 1}, {"sec", 1}, {"minutes", 60}, {"minute", 60}, {"mins", 60}, {"min", 60},
	{"hours", 3600}, {"hour", 3600}, {"days", 86400}, {"day", 86400}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400},
	{"秒", 1}, {"分钟", 60}, {"分鐘", 60}, {"分", 60}, {"小时", 3600}, {"小時", 3600}, {"天", 86400},
}

func unitOf(t string) (seconds float64, rest string) {
	for _, u := range units {
		if t == "" || t[0] != u.word[0] || !strings.HasPrefix(t, u.word) {
			continue
		}
		rest = t[len(u.word):]
		if len(u.word) == 1 && rest != "" && rest[0] >= 'a' && rest[0] <= 'z' {
			continue
		}
		return u.seconds, rest
	}
	return 0, t
}

// foldedTime is how services write a time, after fold has turned the hyphens into
// blanks.
const foldedTime = "2006 01 02 15:04:05"

// resetTime reads "will reset at 2026-11-22 18:00:00". Times without a zone are
// taken as China's, whose services write so.
func resetTime(t string, now time.Time) (time.Duration, bool) {
	for _, lead := range [...]string{"reset at ", "resets at ", "try again at ", "将在 ", "将在", "将于 ", "将于"} {
		i := strings.Index(t, lead)
		if i < 0 {
			continue
		}
		v := strings.TrimLeft(t[i+len(lead):], " '")
		if len(v) < len(foldedTime) {
			continue
		}
		at, err := time.ParseInLocation(foldedTime, v[:len(foldedTime)], time.FixedZone("CST", 8*3600))
		if err != nil {
			continue
		}
		return pause(at.Sub(now).Seconds())
	}
	return 0, false
}

// resetPause reads rate limit headers: the reset of the bucket that ran empty.
func resetPause(h http.Header, now time.Time) (time.Duration, bool) {
	var longest time.Duration
	for name, values := range h {
		low := strings.ToLower(name)
		if !strings.Contains(low, "ratelimit") || !strings.Contains(low, "remaining") || len(values) == 0 || strings.TrimSpace(values[0]) != "0" {
			continue
		}
		reset := header(h, http.CanonicalHeaderKey(strings.Replace(low, "remaining", "reset", 1)))
		if d, ok := parsePause(reset, now); ok {
			longest = max(longest, d)
		}
	}
	return longest, longest > 0
}
