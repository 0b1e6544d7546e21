package troubleshoot

import "math/bits"

// Constants for looking at eight bytes at a time: a byte times each is eight of
// it, and tops are the highest bits, which ASCII does not set.
const (
	each = 0x0101010101010101
	tops = 0x80 * each
)

// eightAt returns the eight bytes of t at i, the first lowest; zeros after its end.
func eightAt(t string, i int) uint64 {
	if i+8 <= len(t) {
		return eight(t, i)
	}
	n := uint64(0)
	for j := 0; i+j < len(t); j++ {
		n |= uint64(t[i+j]) << (8 * j)
	}
	return n
}

// eight is eightAt where eight bytes are left.
func eight(t string, i int) uint64 {
	w := t[i : i+8]
	return uint64(w[0]) | uint64(w[1])<<8 | uint64(w[2])<<16 | uint64(w[3])<<24 |
		uint64(w[4])<<32 | uint64(w[5])<<40 | uint64(w[6])<<48 | uint64(w[7])<<56
}

// digitAt returns where the first digit from i on stands; the end of s if none does.
func digitAt(s string, i int) int {
	for ; i+8 <= len(s); i += 8 {
		v := eight(s, i) ^ '0'*each // digits are below ten now
		if tens := (v - 10*each) &^ v & tops; tens != 0 {
			return i + bits.TrailingZeros64(tens)/8 // the lowest bit is right, those above may be borrowed from
		}
	}
	for i < len(s) && !isDigit(s[i]) {
		i++
	}
	return i
}

// lowerEight folds eight bytes of text; ok is false if more is to be done to them
// than to write capitals small. Last is what they follow, folded.
func lowerEight(v uint64, last byte) (folded uint64, ok bool) {
	blanks := zeros(v ^ ' '*each)
	more := v&tops | (v-' '*each)&^v&tops | zeros(v^'_'*each) | zeros(v^'-'*each) | zeros(v^'"'*each) | zeros(v^'`'*each) | zeros(v^0x7f*each)
	if more != 0 || blanks&(blanks<<8) != 0 || last == ' ' && byte(v) == ' ' {
		return 0, false
	}
	capitals := (v + (0x80-'A')*each) &^ (v + (0x7f-'Z')*each) & tops
	return v | capitals>>2, true
}

// zeros marks the bytes that are zero, and maybe some above them.
func zeros(v uint64) uint64 { return (v - each) &^ v & tops }
