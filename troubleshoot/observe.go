package troubleshoot

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// maxBody is how much of a body is looked at, in bytes.
const maxBody = 64 << 10

// Observation is what was seen of a failed call, before anyone understood it. All
// fields may be empty.
type Observation struct {
	Source   Source // empty means SourceAPI
	Provider string
	Model    string
	KeyName  string
	Status   int
	Header   http.Header
	Body     []byte // told by its bytes, not by its Content-Type; may be cut; 64 KiB of it are looked at
	Err      error  // a Go error met
	ErrText  string // only the text of an error: classify, a pasted log line

	Phase        Phase
	FinishReason string
	Ret          int
	At           time.Time // when it was seen; zero means now
	Redactor     *Redactor // nil: patterns only
}

// signs is what Normalize saw and Diagnose needs, beyond the Fault's fields.
type signs struct {
	text   string // folded, redacted, without echoes
	loud   string // the same with echoes; empty if there were none
	rest   string // what stood beside it, as it came
	codes  []code
	inside int  // a status named in the text or a body
	plain  bool // nothing in it had a structure
}

// Normalize turns what was seen into a Fault: it unwraps bodies of any shape down
// to the innermost message, names how a connection failed, finds the pause asked
// for and the context window learnt, and redacts all text that is kept. It never
// returns nil and never fails; its time is linear in what it looks at.
func Normalize(o Observation) *Fault {
	n := &struct { // allocated together
		Fault
		signs signs
		codes [2]code // most have a code and a type
	}{Fault: Fault{
		Source: o.Source, Provider: o.Provider, Model: o.Model, KeyName: o.KeyName,
		Status: o.Status, Phase: o.Phase, FinishReason: o.FinishReason, Ret: o.Ret, Cause: o.Err,
	}}
	f := &n.Fault
	f.signs = &n.signs
	if f.Source == "" {
		f.Source = SourceAPI
	}
	header, body := f.open(&o)
	r := reading{codes: n.codes[:0]}
	text, errText := string(body), o.errText()
	r.wrapped(text)
	unanswered := f.Status == 0 && !r.found // the body is words around the error
	f.wire(&o, unanswered)
	switch {
	case text == "", !r.found && (unanswered || len(r.messages) == 0):
		r.read(errText, 0)
	case !r.found && statusIn(errText) != 0: // the error tells what was answered, the body is a log
		r.read(errText, 1)
	}
	f.settle(&r, header)
	f.keep(&r, o.Redactor)
	if text == "" {
		text = errText
	}
	f.Detail = detail(text, o.Redactor)
	f.pause(header, r.delay, o.At)
	return f
}

// open returns the header and as much of the body as is looked at. From a body that
// is what curl -i printed it takes the status and the header that o does not tell.
func (f *Fault) open(o *Observation) (http.Header, []byte) {
	header, body := o.Header, o.Body[:min(len(o.Body), maxBody)]
	status, h, rest, ok := curled(body)
	if !ok {
		return header, body
	}
	if f.Status == 0 {
		f.Status = status
	}
	if len(header) == 0 {
		header = h
	}
	return header, rest
}

func (o *Observation) errText() string {
	switch {
	case o.ErrText != "":
		return cutText(o.ErrText, maxBody)
	case o.Err != nil:
		return cutText(o.Err.Error(), maxBody)
	}
	return ""
}

// wire names how the connection failed, if it did.
func (f *Fault) wire(o *Observation, unanswered bool) {
	var kind NetKind
	var phase Phase
	switch {
	case o.Err != nil:
		kind, phase = wireOf(o.Err)
	case o.ErrText != "" && (unanswered || len(o.Body) == 0):
		kind, phase = wireByText(o.ErrText)
	}
	f.Net = kind
	if f.Phase == "" {
		f.Phase = phase
	}
}

// settle copies what the body said into the fault's fields: the innermost code,
// type and message are the ones that count.
func (f *Fault) settle(r *reading, h http.Header) {
	best := -1
	for i := range r.codes {
		c := &r.codes[i]
		if c.kind == kindCode && (f.Code == "" || c.level > best) {
			f.Code, best = c.text, c.level
		}
	}
	best = -1
	for i := range r.codes {
		c := &r.codes[i]
		if c.kind == kindType && (f.Type == "" || c.level > best) {
			f.Type, best = c.text, c.level
		}
	}
	if f.Status == 0 {
		f.Status = r.status
	}
	if f.FinishReason == "" {
		f.FinishReason = r.end
	}
	f.Param = r.param
	f.RequestID = requestID(h, r.request)
	f.ContextLimit = r.window
	if len(h) > 0 {
		r.headers(h, f.Status)
	}
}

// keep stores the text: redacted, bounded, the innermost message first.
func (f *Fault) keep(r *reading, secrets *Redactor) {
	loud := fold(f.said(r, secrets))
	if r.noTokens(f.Status) {
		loud += spentTokens
	}
	if strings.Contains(loud, "requested") {
		switch asked, limit := askedOf(loud); {
		case asked > limit:
			r.addCode(field{key: "limit", text: "request_beyond_limit"}, kindWord)
		case asked > 1: // a call is one request and many tokens
			r.addCode(field{key: "limit", text: "several_requested"}, kindWord)
		}
	}
	if f.Status == 0 && slices.ContainsFunc(r.messages, func(m message) bool { return missedProxy(m.text) }) {
		r.addCode(field{key: "reached", text: "no_proxy"}, kindWord)
	}
	s := f.signs
	s.codes, s.inside, s.text, s.plain, s.rest = r.codes, r.status, loud, !r.found, r.rest
	if !r.mangled && quotesPeople(f.Status, loud) {
		if s.text = dropEchoes(loud); s.text != loud {
			s.loud = loud
		}
	}
	if f.ContextLimit == 0 {
		f.ContextLimit = contextLimit(loud)
	}
	f.Code, f.Type, f.Param = secrets.Redact(f.Code), secrets.Redact(f.Type), secrets.Redact(f.Param)
	f.RequestID = secrets.Redact(f.RequestID)
}

// said keeps the innermost message and returns all of them.
func (f *Fault) said(r *reading, secrets *Redactor) (all string) {
	deepest := 0
	for i := range r.messages {
		deepest = max(deepest, r.messages[i].level)
	}
	for level := deepest; level >= 0; level-- {
		for i := range r.messages {
			m := &r.messages[i]
			if m.level != level || len(all) >= maxText {
				continue
			}
			text := secrets.Redact(cutText(m.text, maxText))
			if all == "" {
				f.Message = cutText(text, MaxDetail)
				all = text
			} else {
				all += " | " + text
			}
		}
	}
	return cutText(all, maxText)
}

// detail is what arrived, redacted before it is cut so that no half secret stays.
func detail(raw string, secrets *Redactor) string {
	raw = raw[:min(len(raw), MaxDetail+512)]
	if !utf8.ValidString(raw) {
		raw = strings.ToValidUTF8(raw, "\uFFFD")
	}
	return cutText(secrets.Redact(raw), MaxDetail)
}

// pause finds how long the other side asked to wait.
func (f *Fault) pause(h http.Header, delay string, at time.Time) {
	text := f.signs.text
	if f.signs.loud != "" {
		text = f.signs.loud
	}
	if len(h) == 0 && delay == "" && text == "" {
		return
	}
	if at.IsZero() {
		at = time.Now()
	}
	d, ok := headerPause(h, at)
	if !ok && delay != "" {
		d, ok = parsePause(delay, at)
	}
	if !ok {
		d, ok = textPause(text, at)
	}
	if !ok {
		d, ok = resetPause(h, at)
	}
	if ok {
		f.RetryAfter = d
	}
}

// wrapped reads a body that may be an event stream or whole.
func (r *reading) wrapped(body string) {
	if isEvents(body) {
		r.events(body)
		return
	}
	body = strings.ReplaceAll(body, "<EOL>", "\n") // Spring's exceptions write lines so
	r.read(strings.TrimPrefix(body, "\xef\xbb\xbf"), 0)
}

// isEvents reports whether a body is a server-sent event stream.
func isEvents(body string) bool {
	head := trimBlanks(body[:min(len(body), 200)])
	for _, start := range [...]string{"data:", "event:", ": ", ":\n", "id:"} {
		if strings.HasPrefix(head, start) {
			return true
		}
	}
	return false
}

// events reads the data of the stream's events that speak of an error.
func (r *reading) events(s string) {
	failed, first := false, ""
	for line := range strings.Lines(s) {
		line = strings.TrimRight(line, "\r\n")
		if name, ok := strings.CutPrefix(line, "event:"); ok {
			failed = strings.Contains(name, "error")
			continue
		}
		data, ok := strings.CutPrefix(line, "data:")
		if ok && (failed || strings.Contains(data, `"error":`) || strings.Contains(data, `"blockReason"`) || isCutShort(data) || (strings.Contains(data, "error") || strings.Contains(data, "code")) && !strings.Contains(data, `"delta"`)) {
			r.read(data, 0)
		} else if ok && first == "" && isReport(data) {
			first = data
		}
		if !ok && strings.HasPrefix(strings.TrimLeft(line, " "), "{") {
			r.read(line, 0)
		}
	}
	if !r.found {
		r.read(first, 0)
	}
}

// isCutShort reports whether an event says that the answer was withheld.
func isCutShort(data string) bool {
	for _, why := range [...]string{`"content_filter"`, `"SAFETY"`, `"PROHIBITED_CONTENT"`, `"RECITATION"`, `"BLOCKLIST"`, `"refusal"`} {
		if i := strings.Index(data, why); i > 0 && strings.Contains(data[max(0, i-20):i], "eason") {
			return true
		}
	}
	return false
}

// isReport reports whether an event's data speaks without being part of an answer.
func isReport(data string) bool {
	for _, part := range [...]string{`"choices"`, `"delta"`, `"role"`, `"candidates"`, `"content"`} {
		if strings.Contains(data, part) {
			return false
		}
	}
	return strings.Contains(data, `"message"`) || strings.Contains(data, `"detail"`) || strings.Contains(data, `"msg"`)
}

// curled splits the output of "curl -i", with the answers of proxies and
// redirects before the last one skipped.
func curled(body []byte) (status int, h http.Header, rest []byte, ok bool) {
	rest = trimBlanks(body)
	for bytes.HasPrefix(rest, []byte("HTTP/")) && len(rest) > 12 {
		line, after, found := bytes.Cut(rest, []byte("\n"))
		fields := bytes.Fields(line)
		if len(fields) < 2 {
			return 0, nil, body, false
		}
		n, isStatus := threeDigits(string(fields[1]))
		if !isStatus {
			return 0, nil, body, false
		}
		status, ok = n, true
		h = http.Header{}
		rest = after
		if !found {
			return status, h, nil, ok
		}
		rest = headers(rest, h)
	}
	return status, h, rest, ok
}

// headers reads header lines into h and returns what follows the empty line.
func headers(b []byte, h http.Header) []byte {
	for range 100 {
		line, after, found := bytes.Cut(b, []byte("\n"))
		line = bytes.TrimRight(line, "\r")
		if len(line) == 0 {
			return bytes.TrimLeft(after, "\r\n")
		}
		name, value, isHeader := strings.Cut(string(line), ":")
		if !isHeader || strings.ContainsAny(name, " {<\"") {
			return b
		}
		h.Add(name, strings.TrimSpace(value))
		b = after
		if !found {
			return nil
		}
	}
	return b
}

// trimBlanks takes off the blanks that s begins with.
func trimBlanks[T string | []byte](s T) T {
	for len(s) > 0 && (s[0] == ' ' || s[0] == '\r' || s[0] == '\n' || s[0] == '\t') {
		s = s[1:]
	}
	return s
}

func threeDigits(s string) (int, bool) {
	if len(s) != 3 || !isDigit(s[0]) || !isDigit(s[1]) || !isDigit(s[2]) {
		return 0, false
	}
	return int(s[0]-'0')*100 + int(s[1]-'0')*10 + int(s[2]-'0'), true
}
