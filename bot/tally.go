package bot

import (
	"cmp"
	"slices"
	"time"
)

const (
	tallySpan = 24 * time.Hour
	tallySlot = 10 * time.Minute
	maxTimes  = 1000 // times of answers that are kept for their median
)

// tally counts what became of the questions of the last 24 hours, to ten minutes.
type tally struct {
	slots [tallySpan / tallySlot]slot
	times ring[timed]
}

// slot is ten minutes of a tally.
type slot struct {
	number int64 // of the slot since the beginning of time
	counts map[Outcome]int
}

// timed is how long an answer took, and when.
type timed struct {
	at   time.Time
	took time.Duration
}

// slotOf numbers the slots.
func slotOf(t time.Time) int64 { return t.UnixNano() / int64(tallySlot) }

func (t *tally) conclude(o Outcome, took time.Duration, now time.Time) {
	if o == "" {
		return
	}
	number := slotOf(now)
	s := &t.slots[number%int64(len(t.slots))]
	if s.number != number || s.counts == nil {
		*s = slot{number: number, counts: make(map[Outcome]int)}
	}
	s.counts[o]++
	if o != OutcomeFailed {
		t.times.size = maxTimes
		t.times.add(timed{now, took})
	}
}

// since counts from a time on.
func (t *tally) since(from time.Time) (sum Tally) {
	for _, s := range t.slots {
		if s.number < slotOf(from) || s.number <= slotOf(time.Now())-int64(len(t.slots)) {
			continue
		}
		sum.Answered += s.counts[OutcomeAnswered] + s.counts[OutcomeRescued]
		sum.Failed += s.counts[OutcomeFailed] + s.counts[OutcomeRescued]
		sum.Rescued += s.counts[OutcomeRescued]
	}
	var took []time.Duration
	for x := range t.times.latest {
		if !x.at.Before(from) {
			took = append(took, x.took)
		}
	}
	if slices.Sort(took); len(took) > 0 {
		sum.Median = took[(len(took)-1)/2]
	}
	return sum
}

// trend counts incidents from a time on, by entry and by spans of step.
func trend(all []Incident, since time.Time, step time.Duration) (counts []EntryCount) {
	type span struct {
		entry string
		n     int64
	}
	at := make(map[span]int)
	chats := make(map[span]map[string]bool)
	for _, i := range all {
		if i.At.Before(since) {
			continue
		}
		s := span{entry: i.Entry}
		if step > 0 {
			s.n = int64(i.At.Sub(since) / step)
		}
		k, known := at[s]
		if !known {
			k, at[s], chats[s] = len(counts), len(counts), make(map[string]bool)
			counts = append(counts, EntryCount{Entry: i.Entry, From: since.Add(time.Duration(s.n) * step)})
		}
		if i.Chat != "" {
			chats[s][i.Chat] = true
		}
		counts[k].count(i, len(chats[s]))
	}
	slices.SortFunc(counts, func(a, b EntryCount) int { return cmp.Or(a.From.Compare(b.From), cmp.Compare(a.Entry, b.Entry)) })
	return counts
}

func (c *EntryCount) count(i Incident, chats int) {
	c.Count++
	c.Chats = chats
	if i.Rescued {
		c.Rescued++
	}
	if i.At.After(c.Last) {
		c.Last = i.At
	}
}
