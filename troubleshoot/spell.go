package troubleshoot

import "strings"

// spelledPenalty puts what an unknown code says in words below what is said in a
// sentence and above the bare status.
const spelledPenalty = 140

// spell looks for phrases in the codes nobody knows, taken apart into words, as
// "video_quota_depleted" and "AsyncTaskRateLimit" say enough by themselves.
func (ex *examination) spell() {
	var b strings.Builder
	for i := range min(len(ex.codes), 12) {
		c := &ex.codes[i]
		if c.key == "" || isNumber(c.flat) || len(ex.x.byCode[c.flat]) > 0 || saysNothing(c.flat) {
			continue
		}
		b.WriteString(words(c.text))
		b.WriteString(". ")
	}
	if b.Len() == 0 {
		return
	}
	ex.clear()
	ex.x.phrases.find(cutText(ex.text, maxText-b.Len())+". "+fold(b.String()), ex.sightings)
	ex.phrases(-spelledPenalty)
}

// saysNothing reports codes that services put on failures of every kind.
func saysNothing(flat string) bool {
	switch flat {
	case "invalidrequesterror", "invalidrequest", "requesterror", "badrequesterror", "badrequest", "apierror", "upstreamerror", "unknownerror", "httperror", "dorequestfailed":
		return true
	}
	return strings.HasSuffix(flat, "apierror")
}

// words puts a space before each capital that begins a word and at each sign
// between words.
func words(code string) string {
	var b strings.Builder
	for i := 0; i < len(code) && i < 64; i++ {
		c := code[i]
		switch upper := c >= 'A' && c <= 'Z'; {
		case c == '.' || c == ':' || c == '/':
			c = ' '
		case upper && i > 0 && (code[i-1] >= 'a' && code[i-1] <= 'z' || code[i-1] >= 'A' && code[i-1] <= 'Z' && i+1 < len(code) && code[i+1] >= 'a' && code[i+1] <= 'z'):
			b.WriteByte(' ')
		}
		b.WriteByte(c)
	}
	return b.String()
}
