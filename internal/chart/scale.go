package chart

import "strconv"

// scale maps counts to pixels, from 0 to top counts on height pixels, with a
// tick at each multiple of step. It calculates with integers, so that every
// machine draws the same.
type scale struct {
	top, step int64
	height    int
}

// leastTop keeps a single failure from filling the picture.
const leastTop = 4

// newScale returns a scale that ends with a tick at or above most.
func newScale(most int64, height, intervals int) scale {
	most = max(most, leastTop)
	step := niceStep(most, int64(intervals))
	return scale{top: (most + step - 1) / step * step, step: step, height: height}
}

// below returns the scale of the rescued ones and how many pixels they take: the
// same as that of the failures, so that both can be compared, unless they would
// take more than a limit.
func (s scale) below(most int64, limit int) (scale, int) {
	if tall := max(s.px(most), s.px(s.step)); tall <= limit {
		return s, tall
	}
	return newScale(most, limit, 3), limit
}

// niceStep returns the smallest of 1, 2, 5, 10, 20, 50 … that divides 0 to most
// into no more than the given intervals.
func niceStep(most, intervals int64) int64 {
	for ten := int64(1); ; ten *= 10 {
		for _, f := range []int64{1, 2, 5} {
			if step := f * ten; (most+step-1)/step <= intervals {
				return step
			}
		}
	}
}

// px returns how many pixels n counts are.
func (s scale) px(n int64) int {
	return int((n*int64(s.height) + s.top/2) / s.top)
}

// short writes a number for an axis: 950, 1.5k, 20k, 3M.
func short(n int64) string {
	for _, unit := range []struct {
		size int64
		name string
	}{{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if n < unit.size || n < 10_000 && unit.size == 1e3 {
			continue
		}
		text := strconv.FormatInt(n/unit.size, 10)
		if tenth := n % unit.size * 10 / unit.size; tenth > 0 && n/unit.size < 100 {
			text += "." + strconv.FormatInt(tenth, 10)
		}
		return text + unit.name
	}
	return strconv.FormatInt(n, 10)
}

// grouped writes a number in full: 1,234,567.
func grouped(n int64) string {
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
