package bot

import (
	"strings"
	"unicode/utf8"

	"github.com/diagbot/diagbot/llm"
	"github.com/diagbot/diagbot/troubleshoot"
)

const (
	maxWords    = 200 // runes of a provider's message that are kept
	maxID       = 80  // runes of a provider's names for things
	maxAttempts = 12  // of one message that are kept
)

// attempts returns what is kept of the requests made for a prompt.
func (r *Relay) attempts(all []llm.Attempt, p llm.Prompt) []Attempt {
	var kept []Attempt
	for _, a := range all[:min(len(all), maxAttempts)] {
		k := Attempt{
			Provider: a.Provider, Model: a.Model, Key: a.Key, Status: a.Status, Entry: a.Entry,
			RequestID: oneLine(r.exact(a.RequestID), maxID), Next: a.Next, Wait: a.Wait, Took: a.Took,
		}
		if a.Fault != nil {
			k.Entry = orElse(k.Entry, troubleshoot.UnknownEntry)
			k.Code = oneLine(r.redact(a.Fault.Code), maxID)
			k.Words = oneLine(withoutEcho(r.plainly(a.Fault.Message), p), maxWords)
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
func (r *Relay) plainly(s string) string {
	return cutRunes(r.o.Redactor.Redact(cutBytes(clean(s), troubleshoot.MaxDetail)), maxWords)
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
