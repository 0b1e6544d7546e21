package llm

import (
	"sync"
	"unicode/utf8"

	"github.com/tiktoken-go/tokenizer"
	"github.com/tiktoken-go/tokenizer/codec"
)

// vocabulary is a set of tokens. Only OpenAI's are public enough to be counted
// with; other models' are estimated with them.
type vocabulary uint8

const (
	o200k  vocabulary = iota // GPT-4o and later
	cl100k                   // GPT-4 and GPT-3.5
)

// The vocabularies take time and memory to load (o200k: 50 ms, 7 MB), so this
// is put off until a prompt is long enough to need counting.
var (
	loadO200k  = sync.OnceValue(func() tokenizer.Codec { return codec.NewO200kBase() })
	loadCL100k = sync.OnceValue(func() tokenizer.Codec { return codec.NewCl100kBase() })
)

func (v vocabulary) codec() tokenizer.Codec {
	if v == cl100k {
		return loadCL100k()
	}
	return loadO200k()
}

const (
	// pieceBytes is how much is counted at a time, as the time for a text
	// without a space grows with its square.
	pieceBytes = 16 << 10
	// longText is the length, in bytes, from which only the beginning and the
	// end are counted, half of it each, and the rest is taken to be like the
	// denser of them.
	longText = 32 << 10
)

// count returns the tokens of text, at most one a byte.
func (v vocabulary) count(text string) int {
	if len(text) <= longText {
		return v.countAll(text)
	}
	half := longText / 2
	head := v.countAll(text[:runeStart(text, half)])
	tail := v.countAll(text[runeStart(text, len(text)-half):])
	return min(len(text), int(float64(max(head, tail))*float64(len(text))/float64(half)*1.05))
}

func (v vocabulary) countAll(text string) int {
	c, n := v.codec(), 0
	for text != "" {
		piece := text[:runeStart(text, pieceBytes)]
		text = text[len(piece):]
		k, err := c.Count(piece)
		if err != nil {
			k = len(piece)
		}
		n += k
	}
	return n
}

// runeStart returns the last place at or before n where a rune begins.
func runeStart(text string, n int) int {
	if n >= len(text) {
		return len(text)
	}
	for at := n; at > 0 && n-at < utf8.UTFMax; at-- {
		if utf8.RuneStart(text[at]) {
			return at
		}
	}
	return n
}

// weight is how many 64ths of a token a byte makes: more rather than fewer for
// prose and code, so that an estimate errs to the safe side.
func (v vocabulary) weight(c byte) uint8 {
	switch {
	case c >= utf8.RuneSelf && v == cl100k:
		return 38
	case c >= utf8.RuneSelf:
		return 22
	case c == ' ':
		return 10
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
		return 16
	case '0' <= c && c <= '9':
		return 26
	}
	return 48
}

// estimate is a count without the vocabulary, in a hundredth of the time.
func (v vocabulary) estimate(text string) int {
	n := 0
	for i := range len(text) {
		n += int(v.weight(text[i]))
	}
	return (n + 63) / 64
}
