package troubleshoot

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// byByte folds ASCII as fold does, one byte at a time.
func byByte(s string) string {
	var b strings.Builder
	last := byte(0)
	for i := range len(s) {
		if c := folded[s[i]]; c != ' ' || last != ' ' {
			b.WriteByte(c)
			last = c
		}
	}
	return b.String()
}

// TestEightBytes puts every byte at every place of eight, beside ones that matter.
func TestEightBytes(t *testing.T) {
	for c := range 256 {
		for _, beside := range " zAZ!_09/:\x80" {
			for at := range 9 {
				s := strings.Repeat("n", at) + string([]byte{byte(c), byte(beside)}) + "Nn N/n:n"
				if c < utf8.RuneSelf && beside < utf8.RuneSelf && fold(s) != byByte(s) {
					t.Errorf("fold(%q) is %q", s, fold(s))
				}
				want := strings.IndexFunc(s, func(r rune) bool { return r >= '0' && r <= '9' })
				if want < 0 {
					want = len(s)
				}
				if got := digitAt(s, 0); got != want {
					t.Errorf("the first digit of %q is at %d, not %d", s, got, want)
				}
			}
		}
	}
}
