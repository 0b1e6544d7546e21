package bot

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/diagbot/diagbot/llm"
	"github.com/diagbot/diagbot/troubleshoot"
)

// attempt is one request to a provider, as an incident keeps it: with the
// provider's words, which are for admins in private, and without anybody else's.
type attempt struct {
	provider, model, key string // as configured
	status               int
	entry                string // empty: it succeeded
	code                 string // the provider's own
	words                string // the provider's message, redacted
	requestID            string
	next                 llm.Action
	wait, took           time.Duration
}

const (
	maxWords    = 200 // runes of a provider's message that are kept
	maxID       = 80  // runes of a provider's names for things
	maxAttempts = 12  // of one message that are kept
)

// attempts returns what is kept of the requests made for a prompt.
func attempts(all []llm.Attempt, p llm.Prompt) []attempt {
	var kept []attempt
	for _, a := range all[:min(len(all), maxAttempts)] {
		k := attempt{
			provider: a.Provider, model: a.Model, key: a.Key, status: a.Status, entry: a.Entry,
			requestID: oneLine(a.RequestID, maxID), next: a.Next, wait: a.Wait, took: a.Took,
		}
		if a.Fault != nil {
			k.entry = orElse(k.entry, troubleshoot.UnknownEntry)
			k.code = oneLine(a.Fault.Code, maxID)
			k.words = oneLine(withoutEcho(plainly(a.Fault.Message), p), maxWords)
		}
		kept = append(kept, k)
	}
	return kept
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// plainly redacts what may still look like a secret, and bounds it.
func plainly(s string) string {
	var patterns *troubleshoot.Redactor
	return cutRunes(patterns.Redact(cutBytes(clean(s), troubleshoot.MaxDetail)), maxWords)
}

// echoLen is how many bytes in a row make a repetition of what people said; short
// words are no secret, and part of every message.
const echoLen = 12

// withoutEcho takes out of a provider's message what it repeats of the prompt:
// what people said is kept nowhere but in their conversation.
func withoutEcho(s string, p llm.Prompt) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		if n := echoed(s[i:], p); n > 0 {
			b.WriteString("…")
			i += n
			continue
		}
		_, size := utf8.DecodeRuneInString(s[i:])
		b.WriteString(s[i : i+size])
		i += size
	}
	return b.String()
}

// echoed returns how many bytes of s, from its start, are said in the prompt; 0 if
// they are few.
func echoed(s string, p llm.Prompt) int {
	longest := 0
	for _, m := range p.Messages {
		for n := max(longest+1, min(echoLen, len(s))); n <= len(s) && n >= echoLen && strings.Contains(m.Content, s[:n]); n++ {
			longest = n
		}
		whole := strings.TrimSpace(m.Content)
		if len(whole) > longest && len(whole) >= echoLen/2 && !isASCII(whole) && strings.HasPrefix(s, whole) {
			longest = len(whole)
		}
	}
	for longest < len(s) && longest > 0 && !utf8.RuneStart(s[longest]) {
		longest++
	}
	return longest
}

// retries counts the attempts that were made after the first at the same provider
// with the same model.
func (i incident) retries() (n int) {
	for k, a := range i.attempts {
		if k > 0 && a.provider == i.attempts[0].provider && a.model == i.attempts[0].model {
			n++
		}
	}
	return n
}

// successor names who took over and answered: another provider, or else another
// model; empty if nobody did.
func (i incident) successor() string {
	if !i.rescued || len(i.attempts) == 0 {
		return ""
	}
	first, last := i.attempts[0], i.attempts[len(i.attempts)-1]
	switch {
	case first.provider != last.provider:
		return last.provider
	case first.model != last.model:
		return last.model
	}
	return ""
}
