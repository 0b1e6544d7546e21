package bot

import "time"

const (
	// gatherFor is how long a picture without words waits for the next one, or for
	// the words to it. Phones upload what was chosen at once one after the other,
	// less than a second each on a line of today; and a single picture's answer,
	// which takes seconds, is not to be felt late.
	gatherFor = 1200 * time.Millisecond
	// togetherFor is how far apart messages may have been sent that are one
	// question where they wait anyway: behind another question, or for a restart.
	togetherFor = 10 * time.Second
	// askAgainFor is how long after a question was heard what belongs to it is still
	// made part of it though a model is being asked: it would say that it sees no
	// picture, or describe one whose question is being typed.
	askAgainFor = 5 * time.Second
	maxTogether = 9 // pictures of a question: so many can be chosen at once in WeChat
)

// seqs are the messages that a question is made of.
func (t *task) seqs() []int64 { return append([]int64{t.seq}, t.also...) }

// pictures are those of a question, in the order they were sent.
func (t *task) pictures() []*Medium {
	if t.Medium == nil || t.Kind != KindImage {
		return nil
	}
	return append([]*Medium{t.Medium}, t.more...)
}

// wordless reports whether t is a picture that somebody sent without words.
func (d *dispatcher) wordless(t *task) bool {
	return t.Kind == KindImage && t.text == "" && d.carries(t.Message)
}

// worded reports whether t is words alone, for the model, that may be about
// pictures which come before or after them.
func (d *dispatcher) worded(t *task) bool {
	if t.Kind != KindText || t.Medium != nil || t.Quote != "" || t.text == "" || tooLong(t.text, d.o.MaxMessage) {
		return false
	}
	_, _, command := d.commands.parse(t.text)
	return !command && !d.asksOn(t.text)
}

// join makes t part of the question that the same person has waiting in the chat,
// if both belong together, and reports whether it did: pictures that come one after
// the other are looked at together, and the words with them are the question to
// them.
func (d *dispatcher) join(c *chat, t *task, now time.Time) bool {
	q := c.waiting(t.asker)
	if q == nil || !d.belongs(q, t) {
		return false
	}
	d.extend(q, t, now)
	return true
}

// belongs reports whether t is part of q, which was sent before.
func (d *dispatcher) belongs(q, t *task) bool {
	if q.way > toCatchUp || t.way > toCatchUp || q.fate.Load() != undecided || t.At.Sub(q.latest).Abs() > togetherFor {
		return false
	}
	n := len(q.pictures())
	switch {
	case d.wordless(t):
		return n < maxTogether && (n > 0 && (d.wordless(q) || len(q.also) > 0) || d.worded(q))
	case d.worded(t):
		return n > 0 && d.wordless(q)
	}
	return false
}

// askAgain makes t part of the question that the same person sent just before, if it
// is being asked: that is taken back, and t becomes the question in its place.
func (d *dispatcher) askAgain(c *chat, t *task, now time.Time) {
	if !c.working || len(c.open) != 1 {
		return
	}
	q := &c.open[0]
	if q.asker != t.asker || now.Sub(q.heard) > askAgainFor || !d.belongs(q, t) || !q.decide(takenBack) {
		return
	}
	q.end(errTakenBack)
	whole := *q
	whole.ticket, whole.counted = &ticket{seq: q.seq, asker: q.asker, asks: true}, true
	d.extend(&whole, t, now)
	*t = whole
}

// extend makes t part of q, which waits for more if t is a picture.
func (d *dispatcher) extend(q, t *task, now time.Time) {
	q.take(t)
	if q.gather = (time.Time{}); d.wordless(t) {
		q.gather = now.Add(gatherFor)
	}
}

// take makes t part of q.
func (q *task) take(t *task) {
	q.also, q.latest = append(q.also, t.seq), t.At
	switch {
	case t.Medium == nil:
		q.text = t.text
	case q.Medium == nil:
		q.Medium, q.Kind = t.Medium, t.Kind
	default:
		q.more = append(q.more, t.Medium)
	}
}

// waiting is the last question of a person that is not in work yet; nil if there is
// none.
func (c *chat) waiting(asker string) *task {
	for i := len(c.open) - 1; i >= 0; i-- {
		if c.open[i].asker == asker {
			if i == 0 && c.working {
				return nil
			}
			return &c.open[i]
		}
	}
	return nil
}

// gathers returns how long the first question of a chat waits for more of it.
func (d *dispatcher) gathers(c *chat, now time.Time) time.Duration {
	t := &c.open[0]
	if d.stopping || t.fate.Load() != undecided || c.waiting(t.asker) != t {
		return 0
	}
	return t.gather.Sub(now)
}

// wake gives the chats that are due the first of their questions, and returns how
// long it is until another may be.
func (d *dispatcher) wake(now time.Time) (next time.Duration) {
	next = time.Hour
	left := d.due[:0]
	for _, c := range d.due {
		if wait := d.gathers(c, now); wait > 0 {
			next, left = min(next, wait), append(left, c)
			continue
		}
		d.give(c)
	}
	clear(d.due[len(left):])
	d.due = left
	return next
}

// reunite makes one question again of the messages that were kept as one.
func reunite(tasks []task, kept map[int64]keptMark) []task {
	first := make(map[int64]int64) // message of its question
	for seq, k := range kept {
		for _, also := range k.also {
			first[also] = seq
		}
	}
	at, whole := make(map[int64]int), tasks[:0]
	for _, t := range tasks {
		if i, ok := at[first[t.seq]]; ok && t.way == toCatchUp {
			whole[i].take(&t)
			continue
		}
		if t.way == toKeep {
			at[t.seq] = len(whole)
		}
		whole = append(whole, t)
	}
	return whole
}
