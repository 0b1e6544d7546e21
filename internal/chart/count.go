package chart

import (
	"cmp"
	"slices"
)

const maxCount = 1_000_000_000

// cause is a colour in the picture with its counts, one for each bucket.
type cause struct {
	name   string
	counts []int64
	total  int64
	tone   tone
}

// figures are a trend's numbers, made ready for drawing.
type figures struct {
	failed  []cause // the most frequent first, the merged rest last; none is all zero
	rescued cause
	total   int64 // of all causes
}

func (f *figures) empty() bool { return f.total == 0 && f.rescued.total == 0 }

func countUp(t Trend) figures {
	n := len(t.Starts)
	f := figures{rescued: tally(t.RescuedName, t.Rescued, n)}
	for _, s := range t.Failed {
		if c := tally(s.Name, s.Counts, n); c.total > 0 {
			f.failed = append(f.failed, c)
			f.total += c.total
		}
	}
	slices.SortStableFunc(f.failed, func(a, b cause) int { return cmp.Compare(b.total, a.total) })
	f.failed = mergeRest(f.failed, t.OtherName)
	for i := range f.failed {
		if f.failed[i].tone == none {
			f.failed[i].tone = causeTone(i)
		}
	}
	return f
}

// tally copies counts into exactly n buckets.
func tally(name string, counts []int, n int) cause {
	c := cause{name: name, counts: make([]int64, n)}
	for i := range min(n, len(counts)) {
		c.counts[i] = min(max(int64(counts[i]), 0), maxCount)
		c.total += c.counts[i]
	}
	return c
}

// mergeRest sums up the causes beyond MaxShown.
func mergeRest(all []cause, name string) []cause {
	if len(all) <= MaxShown {
		return all
	}
	rest := all[MaxShown]
	for _, c := range all[MaxShown+1:] {
		rest.total += c.total
		for i, n := range c.counts {
			rest.counts[i] += n
		}
	}
	rest.name, rest.tone = name, other
	return append(all[:MaxShown:MaxShown], rest)
}

// sums returns all failures of each bucket.
func (f *figures) sums() []int64 {
	all := make([]int64, len(f.rescued.counts))
	for _, c := range f.failed {
		for i, n := range c.counts {
			all[i] += n
		}
	}
	return all
}
